//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A named pipe is no file, and nobody waits for its other end.
func TestDirectoryNamedPipe(t *testing.T) {
	d := directoryOf(t)
	if err := syscall.Mkfifo(filepath.Join(d.root.Name(), "pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	req := asked(t, petrichor.Header{"path": "pipe"}, "")
	go func() {
		_, err := d.answer(t.Context(), req)
		answered <- err
	}()
	select {
	case err := <-answered:
		if err != errNoFile {
			t.Errorf("%v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("it waits for the pipe's other end")
		os.OpenFile(filepath.Join(d.root.Name(), "pipe"), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	}
}
