//go:build unix

package conform

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

var aQuestion = Question{Read: "element", Wire: []byte("0:~")}

// programOf is the program of a shell's line, for all questions or one for each.
func programOf(line string, each bool) *Program {
	return &Program{
		Command: []string{"sh", "-c", line}, Each: each, Patience: 20 * time.Second,
		Group: func(cmd *exec.Cmd) {
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
		},
	}
}

// What is wrong with a program is said, and soon.
func TestProgramFails(t *testing.T) {
	for _, c := range []struct {
		name, line string
		each       bool
		want       string
	}{
		{"no end", "cat /dev/zero", false, `a line of more than 16 MiB comes back: "\x00`},
		{"no end, each", "cat /dev/zero", true, `it puts out more than 16 MiB: "\x00`},
		{"ends", "exit 3", false, "; it ends with exit status 3"},
		{"ends, each", "echo why >&2; exit 3", true, `it ends with exit status 3; it said "why"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			began := time.Now()
			_, err := programOf(c.line, c.each).Ask(aQuestion)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 400 {
				t.Errorf("%v, want %s", err, c.want)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// A program is killed when it takes too long, which is said and for how long it
// had: not without a limit, and not before its end.
func TestProgramPatience(t *testing.T) {
	for _, each := range []bool{false, true} {
		p := programOf("echo hm >&2; sleep 60", each)
		p.Patience = 200 * time.Millisecond
		if _, err := p.Ask(aQuestion); !errors.Is(err, ErrLate) || err.Error() != `it was killed after 200ms; it said "hm"` {
			t.Errorf("%v", err)
		}
		p = programOf(`sleep 0.2; echo '{"verdict":"ok"}'`, each)
		p.Patience = 0
		if a, err := p.Ask(aQuestion); err != nil || a.Verdict != "ok" {
			t.Errorf("%v %v", a, err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A program that is not there is no answer, whatever the question.
func TestProgramStart(t *testing.T) {
	for _, each := range []bool{false, true} {
		p := &Program{Command: []string{"./missing"}, Each: each}
		if _, err := p.Ask(aQuestion); !errors.Is(err, ErrStart) || !strings.HasPrefix(err.Error(), "cannot start it: ") {
			t.Errorf("%v", err)
		}
	}
}

// What runs ends with the context, also where a process that cannot be killed with
// it holds its output.
func TestProgramContext(t *testing.T) {
	for _, line := range []string{"sleep 60", "setsid sleep 20 & sleep 60"} {
		for _, each := range []bool{false, true} {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			p, began := programOf(line, each), time.Now()
			p.Context, p.Patience = ctx, 0
			if _, err := p.Ask(aQuestion); err == nil {
				t.Errorf("%s: no error", line)
			}
			if err := p.Close(); err != nil {
				t.Errorf("%s: %v", line, err)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%s: it took %v", line, took)
			}
			cancel()
		}
	}
}
