package main

import (
	"bytes"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// A question or an answer without an end takes no more memory than one that has one.
func TestConformMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	for _, c := range []struct {
		name  string
		input io.Reader
		args  []string
	}{
		{"question", repeated("a", 200<<20, "\n"), []string{"verdict"}},
		{"wire", repeated("a", 200<<20, ""), []string{"verdict", "element"}},
		{"answer", nil, []string{"conform", "-t", "5s", "--only", "^size size-zero$", "--", "cat", "/dev/zero"}},
		{"answer, each", nil, []string{"conform", "-t", "5s", "--each", "--only", "^size size-zero$", "--", "cat", "/dev/zero"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if peak := peakOf(t, c.input, c.args...); peak > 96<<20 || peak < 1<<20 {
				t.Errorf("%d MiB resident", peak>>20)
			} else {
				t.Logf("%d MiB resident", peak>>20)
			}
		})
	}
}

// What is too long for a question is refused, not cut off.
func TestVerdictRefuses(t *testing.T) {
	for _, args := range [][]string{{"verdict", "element"}, {"verdict"}} {
		cmd := exec.Command("petrichor", args...)
		var errs bytes.Buffer
		cmd.Stdin, cmd.Stderr = repeated("a", 32<<20, ""), &errs
		if out, err := cmd.Output(); err == nil || len(out) > 0 || errs.Len() > 200 || !strings.Contains(errs.String(), "more than") {
			t.Errorf("%q: %v %.100s %.200s", args, err, out, errs.String())
		}
	}
}
