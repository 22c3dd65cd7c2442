package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor"
)

// captureStdout sends stdout to a file until what it returns is called, which returns the text.
func captureStdout(t *testing.T) func() string {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "stdout")
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stdout
	os.Stdout = file
	return func() string {
		os.Stdout = old
		file.Close()
		text, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func TestByteSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1, "1000": 1000, "64K": 64 << 10, "8M": 8 << 20, "3G": 3 << 30, "1024": 1 << 10, "1536": 1536,
		"": 0, "0": 0, "-1": 0, "K": 0, "1KM": 0, "1 K": 0, "1k": 0, "9999999999G": 0, "1.5M": 0,
	} {
		var size byteSize
		err := size.Set(text)
		if int64(size) != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d %v, want %d", text, size, err, want)
		}
		var again byteSize
		if err == nil && (again.Set(size.String()) != nil || again != size) {
			t.Errorf("%q is printed as %q", text, size.String())
		}
	}
}

// Each kind of error has its exit code, also when it is wrapped.
func TestCodeOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{io.ErrShortWrite, exitOther},
		{fail(exitDenied, "no"), exitDenied},
		{context.DeadlineExceeded, exitTimeout},
		{os.ErrDeadlineExceeded, exitTimeout},
		{&petrichor.SyntaxError{Err: petrichor.ErrSize}, exitMalformed},
		{&petrichor.SyntaxError{Err: petrichor.ErrTooDeep}, exitLimit},
		{&petrichor.SyntaxError{Err: petrichor.ErrTooLarge}, exitLimit},
		{&petrichor.TypeError{Kind: petrichor.KindInt}, exitMalformed},
		{&jsonError{1, "no"}, exitMalformed},
		{&endError{1, 2}, exitMalformed},
	} {
		if got := codeOf(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
		if c.err == nil {
			continue
		}
		if got := codeOf(failIn("file", fmt.Errorf("wrapped: %w", c.err), fileAdvice)); got != c.want {
			t.Errorf("%v, wrapped: %d, want %d", c.err, got, c.want)
		}
	}
}

// Every verb has a short help, a long one where it takes more than a line to say, and examples
// that begin with the tool's name; every flag says what it does.
func TestHelp(t *testing.T) {
	for _, cmd := range newRoot(&app{}).Commands() {
		if cmd.Short == "" || cmd.Example == "" || cmd.RunE == nil {
			t.Errorf("%s has no short help, no example or nothing to do", cmd.Name())
		}
		for line := range strings.Lines(cmd.Example) {
			if !strings.Contains(line, "petrichor "+cmd.Name()) && !containsAny(line, cmd.Aliases) && !strings.Contains(line, "nc ") {
				t.Errorf("%s has an example without it: %q", cmd.Name(), line)
			}
		}
		if text := cmd.UsageString() + cmd.Long; longestLine(text) > 110 {
			t.Errorf("%s: a line of help has %d columns", cmd.Name(), longestLine(text))
		}
	}
}

func containsAny(line string, aliases []string) bool {
	for _, alias := range aliases {
		if strings.Contains(line, "petrichor "+alias) {
			return true
		}
	}
	return false
}

func longestLine(text string) (longest int) {
	for line := range strings.Lines(text) {
		longest = max(longest, len(line))
	}
	return longest
}
