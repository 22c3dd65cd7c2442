package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A command answers requests: one run of a shell's line for each.
//
// What a peer sends reaches the command in two ways, its stdin and variables of its environment,
// and neither is ever a part of the line.  The variables have a prefix of their own, so that none
// can pass for one that the shell, the loader or petrichor itself obeys.
type command struct {
	line  string
	limit int // bytes of output
	log   *slog.Logger
	input []petrichor.Option // the limits of a request
}

const (
	headerPrefix = "PETRICHOR_HEADER_"
	maxEntries   = 64          // of a header, as variables
	maxName      = 64          // bytes of a key
	maxEnviron   = 32 << 10    // bytes of all of them
	maxStderr    = 64          // lines of a run that are logged
	maxLogged    = 256         // bytes of a line
	afterDeath   = time.Second // for what has inherited the output of a run that has ended
)

// answer runs the command once, until ctx is done at the latest.
func (c *command) answer(ctx context.Context, req *request) (*answer, error) {
	variables, err := environ(req.peer, req.frame, c.input...)
	if err != nil {
		return nil, err
	}
	stdin, err := stdinOf(req.frame.Body, c.input...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := &capped{left: c.limit, full: cancel}
	stderr := &lineLog{log: c.log.With("peer", req.peer)}
	cmd := c.run(ctx, variables, stderr)
	cmd.Stdin, cmd.Stdout = bytes.NewReader(stdin), out
	err = cmd.Run()
	stderr.end()
	if errors.Is(err, exec.ErrWaitDelay) {
		killGroup(cmd) // it has left something running that holds its output
	}
	if cmd.ProcessState == nil {
		return nil, fmt.Errorf("cannot run the command: %w", err)
	}
	return c.outcome(ctx, cmd, out), nil
}

// run is a run that has not begun, and is killed when ctx is done.
func (c *command) run(ctx context.Context, variables []string, stderr io.Writer) *exec.Cmd {
	cmd := shell(ctx, c.line)
	cmd.Env = append(inherited(), variables...)
	cmd.Stderr = stderr
	cmd.WaitDelay = afterDeath
	ownGroup(cmd)
	return cmd
}

// outcome is the reply to a run that has ended: its output and its status, or why it was killed.
func (c *command) outcome(ctx context.Context, cmd *exec.Cmd, out *capped) *answer {
	status := cmd.ProcessState.ExitCode()
	killed := func(why, text string) *answer {
		header := petrichor.Header{"status": -1, "killed": why, "error": text}
		return &answer{header: header}
	}
	switch {
	case out.over:
		return killed("output", fmt.Sprintf("killed: it has put out more than %d bytes", c.limit))
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return killed("deadline", "killed: it had not ended by the deadline")
	case ctx.Err() != nil:
		return killed("cancelled", "killed: the request was cancelled")
	case status < 0:
		return killed("signal", cmd.ProcessState.String())
	}
	return &answer{header: petrichor.Header{"status": status}, body: out.b}
}

// stdinOf is what a command reads: the payload of a string, and JSON for all else.  It shares no
// bytes with body, because a command that is killed may leave its reader behind.
func stdinOf(body petrichor.Raw, limits ...petrichor.Option) ([]byte, error) {
	if err := check(body, 0, limits); err != nil {
		return nil, refuse("the body: %s", message(err))
	}
	el, _, err := petrichor.Cut(body, anyElement...)
	if err != nil || el.Kind == petrichor.KindString {
		return bytes.Clone(el.Payload), err
	}
	return append(jsonOf(el), '\n'), nil
}

// environ is what a peer says in a frame as variables.
func environ(peer string, f petrichor.Frame, limits ...petrichor.Option) ([]string, error) {
	if err := check(f.Header, 0, limits); err != nil {
		return nil, refuse("the header: %s", message(err))
	}
	body, _, err := petrichor.Cut(f.Body, anyElement...)
	if err != nil {
		return nil, refuse("the body: %s", message(err))
	}
	variables := []string{"PETRICHOR_PEER=" + peer, "PETRICHOR_KIND=" + body.Kind.String()}
	dict, _, _ := petrichor.Cut(f.Header, anyElement...)
	seen, size := map[string]bool{}, 0
	for rest := dict.Payload; len(rest) > 0; {
		var key, value petrichor.Element
		if key, value, rest, err = cutEntry(rest); err != nil {
			return nil, refuse("the header: %s", message(err))
		}
		name, text := variableName(key.Payload), textOf(value)
		size += len(name) + len(text)
		switch {
		case seen[name]:
			return nil, refuse("two keys of the header are both %s in the environment", name)
		case len(seen) == maxEntries, len(key.Payload) > maxName, size > maxEnviron:
			return nil, refuse("the header does not fit the environment: want at most %d entries, %d bytes a key, %d bytes in all",
				maxEntries, maxName, maxEnviron)
		case strings.ContainsRune(text, 0):
			return nil, refuse("the header has a zero byte in the value of %s", name)
		}
		seen[name] = true
		variables = append(variables, name+"="+text)
	}
	return variables, nil
}

// textOf is a value as a command reads it: the payload of a string, JSON for containers.
func textOf(el petrichor.Element) string {
	if el.Kind == petrichor.KindList || el.Kind == petrichor.KindDict {
		return string(jsonOf(el))
	}
	return string(el.Payload)
}

// jsonOf is an element that has been checked as JSON on one line.
func jsonOf(el petrichor.Element) []byte {
	var text bytes.Buffer
	p := printer{w: bufio.NewWriter(&text)}
	p.element(el)
	p.w.Flush()
	return text.Bytes()
}

// variableName is the variable of a header key: letters become capitals, and what is neither a
// letter of ASCII nor a digit becomes _.
func variableName(key []byte) string {
	name := []byte(headerPrefix)
	for _, b := range key {
		switch {
		case b >= 'a' && b <= 'z':
			b -= 'a' - 'A'
		case b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
		default:
			b = '_'
		}
		name = append(name, b)
	}
	return string(name)
}

// inherited is our environment without variables that a header could be taken for.
func inherited() (kept []string) {
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, headerPrefix) {
			kept = append(kept, entry)
		}
	}
	return kept
}

// A capped buffer keeps the first bytes and says so when there are more.
type capped struct {
	b    []byte
	left int
	over bool
	full func()
}

func (c *capped) Write(p []byte) (int, error) {
	if len(p) > c.left {
		c.over = true
		c.full()
		return 0, io.ErrShortWrite
	}
	c.left -= len(p)
	c.b = append(c.b, p...)
	return len(p), nil
}

// logged is what a log shows of a text that is not ours.
func logged(text string) string { return string(clip([]byte(escapeLine(text)), maxLogged)) }

// A lineLog logs the lines written to it, and bounds them.
type lineLog struct {
	log   *slog.Logger
	line  []byte
	lines int
}

func (l *lineLog) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		line, rest, whole := bytes.Cut(p, []byte("\n"))
		l.line = append(l.line, clip(line, max(0, maxLogged-len(l.line)))...)
		if whole {
			l.end()
		}
		p = rest
	}
	return n, nil
}

// end ends the line.
func (l *lineLog) end() {
	if len(l.line) == 0 {
		return
	}
	l.lines++
	switch {
	case l.lines <= maxStderr:
		l.log.Info("stderr", "line", logged(string(l.line)))
	case l.lines == maxStderr+1:
		l.log.Info("stderr has more lines, which are not logged")
	}
	l.line = l.line[:0]
}
