//go:build unix

package service

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// When descriptors are used up, accepting pauses, and goes on when there are some.
func TestLimit36DescriptorsUsedUp(t *testing.T) {
	l := onLoopback(t, &Server{})
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	low := syscall.Rlimit{Cur: uint64(descriptors() + 20), Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	var files []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		files = append(files, f)
	}
	files[0].Close() // one is left, for the peer
	c := l.connect()
	eventually(t, "accepting fails", func() bool { return strings.Contains(l.logged.String(), "cannot accept") })
	for _, f := range files[1:] {
		f.Close()
	}
	began := time.Now()
	if !greets(c) {
		t.Error("not greeted")
	}
	within(t, "greeted", time.Since(began), 0, 1500*time.Millisecond)
}
