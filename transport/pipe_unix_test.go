//go:build unix

package transport

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A named pipe gives what the other end writes, and not what we have written: a peer that
// heard itself would take its own greeting for an answer that lets it in.
func TestPipeIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		if far, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
			far.WriteString("theirs")
			far.Close()
		}
	}()
	stream, err := Dial(t.Context(), "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	stream.Write([]byte("ours"))
	got := make([]byte, len("theirs"))
	if _, err := io.ReadFull(stream, got); err != nil || string(got) != "theirs" {
		t.Errorf("%s, %v", got, err)
	}
}
