package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a pseudo-terminal: what a person has, and what a program has.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("needs /dev/ptmx: %v", err)
	}
	t.Cleanup(func() { person.Close() })
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return person, program
}

// onTerminal runs petrichor with its output on a terminal, and its input too if stdin is nil, and
// returns what is seen there.  Each of typed is typed when there is a prompt for it.
func onTerminal(t *testing.T, stdin io.Reader, typed []string, args ...string) []byte {
	t.Helper()
	person, program := openTerminal(t)
	cmd := exec.Command("petrichor", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, program, program
	if stdin == nil {
		cmd.Stdin = program
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	program.Close()
	late := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
	defer late.Stop()
	seen := watch(person, typed)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %v", args, err)
	}
	return seen
}

// watch reads all that is seen on a terminal, and types.
func watch(person *os.File, typed []string) (seen []byte) {
	buf := make([]byte, 64<<10)
	for prompts := 0; ; {
		n, err := person.Read(buf) // fails once the program has closed its end
		if err != nil {
			return seen
		}
		seen = append(seen, buf[:n]...)
		if shown := bytes.Count(seen, []byte("> ")); len(typed) > 0 && shown > prompts {
			prompts = shown
			io.WriteString(person, typed[0])
			typed = typed[1:]
		}
	}
}

// All strings of two bytes go through cat to a terminal, which sees none that it could obey.
func TestTerminalSeesNothingHostile(t *testing.T) {
	var input bytes.Buffer
	everyPair(func(s []byte) { fmt.Fprintf(&input, "4:%s,", s) })
	for _, form := range []string{"pretty", "json", "tnet"} {
		seen := onTerminal(t, bytes.NewReader(input.Bytes()), nil, "cat", "--color", "never", "--to", form)
		seen = bytes.ReplaceAll(seen, []byte("\r\n"), []byte("\n")) // the terminal's own doing
		if !isTame(seen) {
			t.Errorf("--to %s lets something through", form)
		}
		if n := bytes.Count(seen, []byte("b")); n < 1<<16 {
			t.Errorf("--to %s shows %d strings of %d", form, n, 1<<16)
		}
	}
}

// At a terminal there is colour, unless NO_COLOR or --color says otherwise, and pretty is the form.
func TestTerminalColors(t *testing.T) {
	seen := onTerminal(t, strings.NewReader("8:1:a,1:1#}"), nil, "cat")
	if want := "{\r\n  \x1b[34;1m\"a\"\x1b[0m: \x1b[36m1\x1b[0m\r\n}\r\n"; string(seen) != want {
		t.Errorf("%q, want %q", seen, want)
	}
	seen = onTerminal(t, strings.NewReader("8:1:a,1:1#}"), nil, "cat", "--color", "never")
	if bytes.Contains(seen, []byte("\x1b")) {
		t.Errorf("%q", seen)
	}
}

// At a terminal the repl edits lines and has history: the arrow brings back the line before.
func TestTerminalRepl(t *testing.T) {
	addr := echoServer(t, nil)
	seen := onTerminal(t, nil, []string{"first\r", "second\r", "\x1b[A\x1b[A\r", "\x04"}, "repl", addr, "--color", "never")
	if n := strings.Count(string(seen), `"first"`); n != 2 { // the replies, not what is typed
		t.Errorf("first came back %d times, want 2: %q", n, seen)
	}
	if !strings.Contains(string(seen), `"second"`) || !strings.Contains(string(seen), "> ") {
		t.Errorf("%q", seen)
	}
}

// What peers send gets no further either, in whatever form frames are shown.
func TestTerminalSeesNothingHostileOfPeers(t *testing.T) {
	var first bytes.Buffer
	everyPair(func(s []byte) { first.Write(s) })
	for form, step := range map[string]int{"pretty": 1, "jsonl": 1, "raw": 1, "tnet": 1, "json": 7, "hex": 7} { // those with many lines, not all
		var frames bytes.Buffer
		n := 0
		everyPair(func(s []byte) {
			if n++; n%step == 0 {
				fmt.Fprintf(&frames, "11:1:k,4:%s,}4:%s,", s, s)
			}
		})
		addr := hostilePeer(t, func() io.Reader { return bytes.NewReader(frames.Bytes()) })
		seen := onTerminal(t, nil, nil, "recv", addr, "--color", "never", "-f", form, "-C", strconv.Itoa(n/step))
		seen = bytes.ReplaceAll(seen, []byte("\r\n"), []byte("\n"))
		if !isTame(seen) || len(seen) < 4*n/step {
			t.Errorf("-f %s lets something through, or shows nothing: %d bytes", form, len(seen))
		}
	}
	refusal, err := petrichor.AppendFrame(nil, petrichor.Header{"error": first.Bytes()[:10_000]}, nil)
	if err != nil {
		t.Fatal(err)
	}
	addr := hostilePeer(t, func() io.Reader { return bytes.NewReader(refusal) })
	seen := onTerminal(t, nil, nil, "ping", addr, "-c", "1")
	if seen = bytes.ReplaceAll(seen, []byte("\r\n"), []byte("\n")); !isTame(seen) || !bytes.Contains(seen, []byte("there was an error")) {
		t.Errorf("%q", seen)
	}
}

// On a terminal bench shows how it goes, and takes that away at the end; -q and a file do not want it.
func TestTerminalProgress(t *testing.T) {
	addr := echoServer(t, nil)
	for _, c := range []struct {
		args []string
		want bool
	}{{nil, true}, {[]string{"-q"}, false}} {
		seen := onTerminal(t, nil, nil, append([]string{"bench", addr, "-z", "700ms", "-c", "1"}, c.args...)...)
		if shown := bytes.Contains(seen, []byte(" replies, ")); shown != c.want {
			t.Errorf("%v: %q", c.args, seen)
		}
		if !bytes.Contains(seen, []byte("closed loop")) || c.want && !bytes.Contains(seen, []byte("\r\x1b[K"+addr)) {
			t.Errorf("%v: %q", c.args, seen)
		}
	}
}

// What a command says on stderr is logged, and none of it obeyed.
func TestLogSeesNothingHostile(t *testing.T) {
	var log bytes.Buffer
	everyPair(func(s []byte) {
		l := &lineLog{log: slog.New(slog.NewTextHandler(&log, nil))}
		l.Write(s)
		l.end()
	})
	if n := bytes.Count(log.Bytes(), []byte("\n")); n < 1<<16-1000 || !isTame(log.Bytes()) {
		t.Errorf("%d lines; something gets through", n)
	}
}
