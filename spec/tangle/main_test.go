package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/petrichor-protocol/petrichor/spec"
)

func TestTangleWritesTheProgram(t *testing.T) {
	chapters := spec.Chapters()
	for _, c := range []struct {
		args     []string
		chapters int
	}{{nil, len(chapters)}, {[]string{"1"}, 1}, {[]string{"5"}, 5}} {
		dir := t.TempDir()
		if err := run(append([]string{dir}, c.args...)); err != nil {
			t.Fatal(err)
		}
		files := spec.Tangle(chapters[:c.chapters])
		for _, name := range spec.Files(files) {
			if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != files[name] {
				t.Errorf("%q: %s is not what it should be; %v", c.args, name, err)
			}
		}
		if written, err := filepath.Glob(filepath.Join(dir, "petrichor", "*.py")); err != nil || len(written) != len(files) || len(files) == 0 {
			t.Errorf("%q: %d files, want %d; %v", c.args, len(written), len(files), err)
		}
	}
}

func TestTangleRefuses(t *testing.T) {
	for _, args := range [][]string{{}, {t.TempDir(), "0"}, {t.TempDir(), "99"}, {t.TempDir(), "x"}, {t.TempDir(), "1", "2"}} {
		if err := run(args); err == nil {
			t.Errorf("%q is accepted", args)
		}
	}
	if err := run([]string{os.Args[0]}); err == nil {
		t.Error("a directory that is a file is accepted")
	}
}
