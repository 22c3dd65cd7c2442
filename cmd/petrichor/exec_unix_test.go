//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// commandOf is a command whose log is kept.
func commandOf(line string) (*command, *bytes.Buffer) {
	log := &bytes.Buffer{}
	return &command{line: line, limit: 1 << 20, log: slog.New(slog.NewTextHandler(log, nil))}, log
}

func TestCommand(t *testing.T) {
	t.Setenv(headerPrefix+"LEFT", "from the operator")
	for _, c := range []struct {
		name, line string
		header     petrichor.Header
		body       any
		want       string
		status     int
	}{
		{"body to stdin, stdout to body", "tr a-z A-Z", nil, "hello", "HELLO", 0},
		{"any bytes", "cat", nil, []byte{0, 0xff, '\n'}, "\x00\xff\n", 0},
		{"a list is JSON", "cat", nil, []any{1, "a"}, "[1,\"a\"]\n", 0},
		{"an int is JSON", "cat", nil, 7, "7\n", 0},
		{"null is JSON", "cat; echo $PETRICHOR_KIND", nil, nil, "null\nnull\n", 0},
		{
			"keys are variables", "echo $PETRICHOR_HEADER_TO $PETRICHOR_HEADER_N $PETRICHOR_PEER",
			petrichor.Header{"to": "world", "n": 7},
			"", "world 7 192.0.2.1:7\n", 0,
		},
		{"a name is made safe", `echo "$PETRICHOR_HEADER___A_B"`, petrichor.Header{"$(a-b": "x"}, "", "x\n", 0},
		{"a value is no part of the line", `echo "$PETRICHOR_HEADER_A"`, petrichor.Header{"a": "$(echo no); echo no"}, "", "$(echo no); echo no\n", 0},
		{"a container is JSON", `echo "$PETRICHOR_HEADER_A"`, petrichor.Header{"a": map[string]any{"b": []int{1}}}, "", "{\"b\":[1]}\n", 0},
		{"null is empty", `echo "<$PETRICHOR_HEADER_A>"`, petrichor.Header{"a": nil}, "", "<>\n", 0},
		{"ours are not overwritten", `echo "$PETRICHOR_ADDR$LD_PRELOAD"`, petrichor.Header{"ADDR": "x", "LD_PRELOAD": "x"}, "", "\n", 0},
		{"none is inherited", `echo "<$PETRICHOR_HEADER_LEFT>"`, nil, "", "<>\n", 0},
		{"a status", "echo out; exit 3", nil, "", "out\n", 3},
		{"stdin need not be read", "echo out", nil, strings.Repeat("x", 1<<19), "out\n", 0},
		{"no command", "nonsense-that-is-not-there 2>/dev/null", nil, "", "", 127},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd, _ := commandOf(c.line)
			a, err := cmd.answer(t.Context(), asked(t, c.header, c.body))
			if err != nil {
				t.Fatal(err)
			}
			if body, _ := a.body.([]byte); string(body) != c.want || a.header["status"] != c.status {
				t.Errorf("%v %q, want %d %q", a.header, body, c.status, c.want)
			}
		})
	}
}

// A header that does not fit the environment is refused, and nothing is run.
func TestCommandRefuses(t *testing.T) {
	many := petrichor.Header{}
	for i := range maxEntries + 1 {
		many[strconv.Itoa(i)] = i
	}
	for name, header := range map[string]petrichor.Header{
		"two keys, one name": {"a-b": 1, "a_b": 2},
		"a zero byte":        {"a": "x\x00y"},
		"too many":           many,
		"too long a name":    {strings.Repeat("x", maxName+1): 1},
		"too much":           {"a": strings.Repeat("x", maxEnviron)},
	} {
		ran := filepath.Join(t.TempDir(), "ran")
		cmd, _ := commandOf("touch " + ran)
		_, err := cmd.answer(t.Context(), asked(t, header, ""))
		if _, ok := err.(*refusal); !ok || len(err.Error()) > 256 {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(ran); err == nil {
			t.Errorf("%s: it ran", name)
		}
	}
}

// A run is killed with all it has started: at the deadline, when its request is cancelled, and when
// it puts out too much.  The reply says so.
func TestCommandKilled(t *testing.T) {
	const never = time.Hour
	for _, c := range []struct {
		name, line string
		deadline   time.Duration
		cancel     time.Duration
		why        string
	}{
		{"deadline", "sleep 60 & echo $! >pid; sleep 60", 200 * time.Millisecond, never, "deadline"},
		{"cancelled", "sleep 60 & echo $! >pid; sleep 60", never, 200 * time.Millisecond, "cancelled"},
		{"output", "sleep 60 & echo $! >pid; yes", 10 * time.Second, never, "output"},
		{
			"ignores signals", "trap '' TERM INT HUP; sleep 60 & echo $! >pid; while :; do sleep 1; done",
			200 * time.Millisecond, never, "deadline",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			cmd, _ := commandOf(c.line)
			ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
			defer cancel()
			defer time.AfterFunc(c.cancel, cancel).Stop()
			start := time.Now()
			a, err := cmd.answer(ctx, asked(t, nil, ""))
			if err != nil {
				t.Fatal(err)
			}
			if a.header["killed"] != c.why || a.header["error"] == nil || a.body != nil || a.header["status"] != -1 {
				t.Errorf("%v %v", a.header, a.body)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			wantGone(t, "pid")
		})
	}
}

// wantGone wants the process whose number is in a file to be dead, soon.
func wantGone(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if isGone(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d lives", pid)
}

// isGone reports whether a process has ended, also where nobody has asked for its status.
func isGone(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err == nil {
		return strings.Contains(string(status), ") Z ")
	}
	return syscall.Kill(pid, 0) != nil
}

// A run that ends and leaves behind what holds its output is answered in a second or so, and what
// it left is killed.
func TestCommandLeavesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	cmd, _ := commandOf("sleep 60 & echo $! >pid; echo done")
	start := time.Now()
	a, err := cmd.answer(t.Context(), asked(t, nil, ""))
	if err != nil || string(a.body.([]byte)) != "done\n" || a.header["status"] != 0 {
		t.Errorf("%v %v", a, err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	wantGone(t, "pid")
}

// A signal that is none of ours is reported as one.
func TestCommandSignal(t *testing.T) {
	cmd, _ := commandOf("kill -TERM $$")
	a, err := cmd.answer(t.Context(), asked(t, nil, ""))
	if err != nil || a.header["killed"] != "signal" || !strings.Contains(a.header["error"].(string), "terminated") {
		t.Errorf("%v %v", a, err)
	}
}

// What a run says on stderr is logged line by line, escaped, and neither long nor without end.
func TestCommandStderr(t *testing.T) {
	cmd, log := commandOf(`printf 'one\ntwo\033[31m\n' >&2; printf %0999d 7 >&2; echo >&2; i=0; while [ $i -lt 200 ]; do echo $i >&2; i=$((i+1)); done`)
	if _, err := cmd.answer(t.Context(), asked(t, nil, "")); err != nil {
		t.Fatal(err)
	}
	text := log.String()
	if !strings.Contains(text, "line=one\n") || strings.Contains(text, "\x1b") || !strings.Contains(text, `two\x1b[31m`) {
		t.Error(text)
	}
	if n := strings.Count(text, "\n"); n != maxStderr+1 || longestLine(text) > 2*maxLogged {
		t.Errorf("%d lines, the longest of %d columns", n, longestLine(text))
	}
}
