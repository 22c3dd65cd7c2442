// Command tangle writes the program that spec/petrichor.md explains: the package
// petrichor, for Python 3.
//
//	go run ./spec/tangle DIR            all of it, to DIR/petrichor
//	go run ./spec/tangle DIR CHAPTER    as it stands at the end of that chapter
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/petrichor-protocol/petrichor/spec"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tangle:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	chapters := spec.Chapters()
	if len(args) < 1 || len(args) > 2 {
		return fmt.Errorf("want DIR, or DIR and a chapter from 1 to %d", len(chapters))
	}
	if len(args) == 2 {
		n, err := strconv.Atoi(args[1])
		if err != nil || n < 1 || n > len(chapters) {
			return fmt.Errorf("%q is no chapter: there are %d", args[1], len(chapters))
		}
		chapters = chapters[:n]
	}
	return write(args[0], spec.Tangle(chapters))
}

// write writes files, whose names have slashes, to dir.
func write(dir string, files map[string]string) error {
	for _, name := range spec.Files(files) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(files[name]), 0o644); err != nil {
			return err
		}
	}
	return nil
}
