package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
)

// repeated reads as unit, n times over, and then end.
func repeated(unit string, n int, end string) io.Reader {
	block := bytes.Repeat([]byte(unit), 1+4096/len(unit))
	per := len(block) / len(unit)
	parts := []io.Reader{}
	for ; n >= per; n -= per {
		parts = append(parts, bytes.NewReader(block))
	}
	return io.MultiReader(append(parts, strings.NewReader(strings.Repeat(unit, n)+end))...)
}

// peakOf runs petrichor on input and returns the most memory it had resident, in bytes.
func peakOf(t *testing.T, input io.Reader, args ...string) int64 {
	t.Helper()
	debug.FreeOSMemory()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // a child's peak begins with ours
	cmd := exec.Command("petrichor", args...)
	cmd.Stdin = input
	cmd.Run() // what it says about the input is for other tests
	return int64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) << 10
}

// Whatever the input, 64 MiB are enough, at the default limits.
func TestMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	const size = 8 << 20
	list := fmt.Sprintf("%d:", size/3*3)
	for _, c := range []struct {
		name  string
		input func() io.Reader
		args  []string
	}{
		{"many small values", func() io.Reader { return repeated("5:hello,", 1<<20, "") }, []string{"cat"}},
		{"endless digits", func() io.Reader { return repeated("1", 64<<20, "") }, []string{"cat"}},
		{"endless list of JSON", func() io.Reader { return repeated("[", 64<<20, "") }, []string{"cat", "--from", "json"}},
		{"endless string of JSON", func() io.Reader { return repeated("\"a", 64<<20, "") }, []string{"cat", "--from", "json"}},
		{"endless string of one JSON value", func() io.Reader {
			return io.MultiReader(strings.NewReader(`"`), repeated("a", 64<<20, ""))
		}, []string{"cat", "--from", "json"}},
		{"announced and not sent", func() io.Reader { return strings.NewReader("999999999:a") }, []string{"cat", "--max-size", "1G"}},
		{"large list", func() io.Reader { return io.MultiReader(strings.NewReader(list), repeated("0:~", size/3, "]")) }, []string{"cat"}},
		{"large list of JSON", func() io.Reader {
			return io.MultiReader(strings.NewReader("[0"), repeated(",0", size/4-1, "]"))
		}, []string{"cat", "--from", "json"}},
		{"large string, pretty", func() io.Reader {
			return io.MultiReader(strings.NewReader(fmt.Sprintf("%d:", size)), repeated("\xff", size, ","))
		}, []string{"cat", "--to", "pretty"}},
		{"large string, hex", func() io.Reader {
			return io.MultiReader(strings.NewReader(fmt.Sprintf("%d:", size)), repeated("\xff", size, ","))
		}, []string{"hex"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if peak := peakOf(t, c.input(), c.args...); peak > 64<<20 || peak < 1<<20 {
				t.Errorf("%d MiB resident", peak>>20)
			} else {
				t.Logf("%d MiB resident", peak>>20)
			}
		})
	}
}
