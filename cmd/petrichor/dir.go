package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
)

// A directory answers requests with the files that lie below it, or parts of them, so that a peer with
// the usual limits can fetch a file of any size.  What is large is read while it is sent: no reply, and
// so no reader however slow, takes more memory than one that is small.
//
// A path has one spelling, that of io/fs: no empty part, none of . and .., slashes only.  os.Root
// keeps the rest inside: symbolic links are followed as long as they do not lead out.  Why there is
// no file is not said, because it would say what there is.
type directory struct {
	root     *os.Root
	limit    int64 // bytes of a reply
	dotfiles bool  // names that begin with a dot are files like others
}

// A wish is which part of which file a request asks for.
type wish struct {
	Path   *string `tnet:"path"`
	Offset int64   `tnet:"offset"`
	Limit  *int64  `tnet:"limit"`
}

func (d *directory) answer(_ context.Context, req *request) (*answer, error) {
	var w wish
	if err := req.header(&w); err != nil || w.Path == nil || w.Offset < 0 || w.Limit != nil && *w.Limit < 0 {
		return nil, refuse("want the header key path, a string, and if need be offset and limit, ints from 0 up")
	}
	if !d.allows(*w.Path) {
		return nil, errNoFile
	}
	file, info, err := d.open(*w.Path)
	if err != nil {
		return nil, errNoFile
	}
	size := info.Size()
	left := max(0, size-w.Offset)
	if left > d.limit && w.Limit == nil {
		file.Close()
		return nil, refuse("%d bytes are left of the file, which are more than %d: ask for parts, with offset and limit", left, d.limit)
	}
	if w.Limit != nil {
		left = min(left, *w.Limit, d.limit)
	}
	body, err := partOf(file, w.Offset, left)
	if err != nil {
		return nil, err
	}
	modified := info.ModTime().UTC().Format(time.RFC3339Nano)
	return &answer{petrichor.Header{"size": size, "offset": w.Offset, "modified": modified}, body}, nil
}

// smallPart is how many bytes are sent from memory: together with other replies, and the file is
// closed before.
const smallPart = 16 << 10

// partOf returns size bytes of a file as a body, and sees to it that the file is closed.
func partOf(file *os.File, offset, size int64) (body any, err error) {
	if size > smallPart {
		body := service.BodyFrom{Size: size, Reader: file}
		if _, err := file.Seek(offset, io.SeekStart); err != nil {
			file.Close()
			return nil, err
		}
		return body, nil
	}
	defer file.Close()
	part := make([]byte, size)
	n, err := file.ReadAt(part, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return part[:n], err
}

var errNoFile = refuse("no such file")

// allows reports whether a path may be looked for.
func (d *directory) allows(path string) bool {
	if !fs.ValidPath(path) || !filepath.IsLocal(filepath.FromSlash(path)) || strings.ContainsAny(path, "\\\x00") {
		return false
	}
	return d.dotfiles || !strings.HasPrefix(path, ".") && !strings.Contains(path, "/.")
}

// open opens a regular file.  Opening anything else does not wait, as that of a named pipe would.
func (d *directory) open(path string) (*os.File, fs.FileInfo, error) {
	file, err := d.root.OpenFile(filepath.FromSlash(path), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrInvalid
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}
