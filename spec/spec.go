// Package spec holds what petrichor is: the document that defines it, and the
// vectors that prove an implementation of it.
//
// It imports nothing of petrichor, so that every test may use it.
package spec

import (
	"embed"
	"io/fs"
	"path"
	"strings"
	"sync"
)

//go:embed vectors/*.txt
var files embed.FS

// Vectors returns all vectors, file by file. They are the same on each call, and
// not to be changed.
var Vectors = sync.OnceValue(func() []Vector {
	var all []Vector
	for _, name := range vectorFiles() {
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err) // embedded
		}
		some, err := Parse(strings.TrimSuffix(path.Base(name), ".txt"), string(text))
		if err != nil {
			panic(err) // a test has read them
		}
		all = append(all, some...)
	}
	return all
})

func vectorFiles() []string {
	names, err := fs.Glob(files, "vectors/*.txt")
	if err != nil {
		panic(err) // of the pattern
	}
	return names
}
