package main

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
)

func TestPackLeavesOutWhatIsNoPartOfTheModule(t *testing.T) {
	tree := fstest.MapFS{
		"go.mod":             {Data: []byte("module example.com/m\n")},
		"m.go":               {Data: []byte("package m\n")},
		"sub/s.go":           {Data: []byte("package sub\n")},
		"cmd/tool/go.mod":    {Data: []byte("module example.com/m/cmd/tool\n")},
		"cmd/tool/main.go":   {Data: []byte("package main\n")},
		".git/HEAD":          {Data: []byte("ref")},
		"vendor/modules.txt": {Data: []byte("#")},
	}
	archive, err := pack(tree, "example.com/m@v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range r.File {
		got = append(got, f.Name)
	}
	slices.Sort(got)
	want := []string{"example.com/m@v1.2.3/go.mod", "example.com/m@v1.2.3/m.go", "example.com/m@v1.2.3/sub/s.go"}
	if !slices.Equal(got, want) {
		t.Errorf("zip holds %q, want %q", got, want)
	}
}

func TestPublishWritesTheFourFilesAGoCommandAsksFor(t *testing.T) {
	dir, proxy := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/m\n\ngo 1.26\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := publish("v1.2.3", proxy, dir); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"list", "v1.2.3.info", "v1.2.3.mod", "v1.2.3.zip"} {
		if _, err := os.Stat(filepath.Join(proxy, "example.com/m/@v", file)); err != nil {
			t.Error(err)
		}
	}
}

func TestPublishRefuses(t *testing.T) {
	for _, tt := range []struct{ name, mod string }{
		{"no module line", "go 1.26\n"},
		{"upper case", "module example.com/M\n"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(tt.mod), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := publish("v1.2.3", t.TempDir(), dir); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
	if err := publish("v1.2.3", t.TempDir(), t.TempDir()); err == nil {
		t.Error("no go.mod: no error")
	}
}
