package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
)

// A directory with files, a way out of it that must not be taken, and some that need not be.
func directoryOf(t testing.TB) *directory {
	t.Helper()
	outside := t.TempDir()
	inside := filepath.Join(outside, "inside")
	for _, folder := range []string{inside, filepath.Join(inside, "sub"), filepath.Join(inside, ".git")} {
		if err := os.Mkdir(folder, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range map[string]string{
		"secret": "secret", "inside/a.txt": "a", "inside/sub/b.txt": "b", "inside/empty": "", "inside/.hidden": "dot", "inside/.git/config": "dot",
		"inside/with space\n": "space",
	} {
		if err := os.WriteFile(filepath.Join(outside, path), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"out": "../secret", "absolute": filepath.Join(outside, "secret"), "in": "sub/b.txt", "up": "..", "loop": "loop"} {
		if err := os.Symlink(target, filepath.Join(inside, link)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(inside)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return &directory{root: root, limit: 10}
}

// text is what a directory sends for a path, or its refusal.
func (d *directory) text(t *testing.T, header petrichor.Header) (string, error) {
	t.Helper()
	a, err := d.answer(t.Context(), asked(t, header, ""))
	if err != nil {
		return "", err
	}
	if a.header["size"] == nil || a.header["modified"] == "" {
		t.Errorf("%v: %v", header, a.header)
	}
	if from, ok := a.body.(service.BodyFrom); ok {
		text, err := from.MarshalBinary()
		return string(text), err
	}
	return string(a.body.([]byte)), nil
}

func TestDirectory(t *testing.T) {
	d := directoryOf(t)
	for path, want := range map[string]string{
		"a.txt": "a", "sub/b.txt": "b", "empty": "", "in": "b", "with space\n": "space",
	} {
		if got, err := d.text(t, petrichor.Header{"path": path}); err != nil || got != want {
			t.Errorf("%q: %q, %v", path, got, err)
		}
	}
	d.dotfiles = true
	for _, path := range []string{".hidden", ".git/config"} {
		if got, err := d.text(t, petrichor.Header{"path": path}); err != nil || got != "dot" {
			t.Errorf("%q: %q, %v", path, got, err)
		}
	}
}

// No path leads out, to anything but a file, or to a file by another spelling; and all such paths
// are answered alike.
func TestDirectoryKeepsInside(t *testing.T) {
	d := directoryOf(t)
	paths := []string{
		"", ".", "..", "/", "../secret", "sub/../../secret", "/etc/passwd", "//etc/passwd", "out", "absolute", "up/secret",
		"loop", "sub", "sub/", "./a.txt", "sub//b.txt", "a.txt/", "sub/../a.txt", "a.txt\x00", "..\\secret", "sub\\b.txt",
		"missing", ".hidden", ".git/config", "sub/.hidden", "\xff", "C:\\secret", strings.Repeat("a/", 5000) + "a",
	}
	for _, path := range paths {
		if got, err := d.text(t, petrichor.Header{"path": path}); err != errNoFile {
			t.Errorf("%q: %q, %v", path, got, err)
		}
	}
	d.dotfiles = true
	for _, path := range paths {
		if got, err := d.text(t, petrichor.Header{"path": path}); err == nil && got != "dot" {
			t.Errorf("%q, with dotfiles: %q", path, got)
		}
	}
	for _, header := range []petrichor.Header{nil, {"path": 7}, {"path": nil}, {"path": []string{"a.txt"}}, {"Path": "a.txt"}} {
		if _, err := d.text(t, header); err == nil || !strings.Contains(err.Error(), "path") {
			t.Errorf("%v: %v", header, err)
		}
	}
}

// A file is sent whole or not at all, unless a part is asked for: then as much of that as a reply
// may have.
func TestDirectoryParts(t *testing.T) {
	d := directoryOf(t)
	if err := os.WriteFile(filepath.Join(d.root.Name(), "large"), []byte("0123456789abcdef"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		offset, limit any
		want          string
	}{
		{0, 4, "0123"},
		{4, 4, "4567"},
		{12, 100, "cdef"},
		{0, 100, "0123456789"},
		{6, nil, "6789abcdef"},
		{16, nil, ""},
		{100, nil, ""},
		{int64(1) << 60, 5, ""},
		{3, 0, ""},
		{nil, nil, "!"},
		{5, nil, "!"},
		{-1, nil, "!"},
		{0, -1, "!"},
		{"0", nil, "!"},
		{0, 1.5, "!"},
	} {
		header := petrichor.Header{"path": "large"}
		if c.offset != nil {
			header["offset"] = c.offset
		}
		if c.limit != nil {
			header["limit"] = c.limit
		}
		got, err := d.text(t, header)
		if _, refused := err.(*refusal); refused != (c.want == "!") || !refused && (err != nil || got != c.want) {
			t.Errorf("%v: %q, %v, want %q", header, got, err, c.want)
		}
	}
}

// Any path is either refused or a file inside.
func FuzzDirectory(f *testing.F) {
	for _, path := range []string{"a.txt", "../secret", "out", "sub/b.txt", "up/secret", "."} {
		f.Add(path)
	}
	d := directoryOf(f)
	d.dotfiles = true
	f.Fuzz(func(t *testing.T, path string) {
		if got, err := d.text(t, petrichor.Header{"path": path}); err == nil && got == "secret" {
			t.Errorf("%q leads out", path)
		}
	})
}

// A large part is not read into memory.
func TestDirectoryLargeParts(t *testing.T) {
	d := directoryOf(t)
	d.limit = 1 << 30
	text := strings.Repeat("0123456789", 10_000)
	file, err := d.root.Create("large")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		offset, limit int64
		large         bool
	}{{0, 1 << 40, true}, {5, 50_000, true}, {100_000 - smallPart, 1 << 40, false}, {100_000, 10, false}} {
		header := petrichor.Header{"path": "large", "offset": c.offset, "limit": c.limit}
		a, err := d.answer(t.Context(), asked(t, header, ""))
		if err != nil {
			t.Fatal(err)
		}
		if _, large := a.body.(service.BodyFrom); large != c.large {
			t.Errorf("%v is a %T", header, a.body)
		}
		want := text[c.offset:min(int64(len(text)), c.offset+c.limit)]
		if got, err := d.text(t, header); err != nil || got != want {
			t.Errorf("%v: %d bytes, %v; want %d", header, len(got), err, len(want))
		}
	}
}
