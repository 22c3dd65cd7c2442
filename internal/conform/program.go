package conform

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// A Program is an implementation in a process of its own.
type Program struct {
	Command  []string
	Each     bool            // a run for each question
	Patience time.Duration   // for one answer; 0 is for ever
	Group    func(*exec.Cmd) // makes cmd.Cancel end whatever the command has started; may be nil
	Context  context.Context // ends what runs, with an error; may be nil

	run *run // nil: none is running
}

// Errors of asking, beside wrong answers.
var (
	ErrStart = errors.New("cannot start it") // nor will the next question
	ErrLate  = errors.New("it was killed")   // it took longer than Patience
)

// A run answers a question for each line.
type run struct {
	cmd    *exec.Cmd
	ctx    context.Context
	cancel context.CancelFunc
	in     io.WriteCloser
	out    *bufio.Reader
	said   *Tail
}

// Ask asks q.  After an error the program is started again for the next question.
func (p *Program) Ask(q Question) (Answer, error) {
	if p.Each {
		return p.askOnce(q)
	}
	if p.run == nil {
		if err := p.start(); err != nil {
			return Answer{}, err
		}
	}
	r := p.run
	inTime := p.limit(r)
	a, err := r.ask(q)
	late := !inTime()
	if !late && err == nil {
		return a, nil
	}
	ended := p.Close()
	switch {
	case late:
		return Answer{}, p.late(r)
	case ended != nil && !errors.Is(err, errLong): // whose end was ours to make
		return Answer{}, fmt.Errorf("%w; %w", err, ended)
	}
	return Answer{}, err
}

// limit kills r when it has taken too long, unless it is told before that all was
// in time.
func (p *Program) limit(r *run) (inTime func() bool) {
	if p.Patience <= 0 {
		return func() bool { return true }
	}
	return time.AfterFunc(p.Patience, r.cancel).Stop
}

func (p *Program) late(r *run) error { return fmt.Errorf("%w after %v%s", ErrLate, p.Patience, r.said) }

// Close ends the run: its input ends, and it has to follow.
func (p *Program) Close() error {
	r := p.run
	if r == nil {
		return nil
	}
	p.run = nil
	r.in.Close()
	inTime := p.limit(r)
	io.Copy(io.Discard, r.out)
	err := r.wait()
	late := !inTime()
	r.cancel()
	switch {
	case late:
		return p.late(r)
	case err != nil:
		return fmt.Errorf("it ends with %w%s", err, r.said)
	}
	return nil
}

// wait waits for the end of the run, and then ends what that has left behind.
func (r *run) wait() error {
	defer r.cmd.Cancel()
	return r.cmd.Wait()
}

// command is a run that has not begun.
func (p *Program) command(args ...string) *run {
	ctx := p.Context
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, p.Command[0], append(p.Command[1:len(p.Command):len(p.Command)], args...)...)
	if p.Group != nil {
		p.Group(cmd)
	}
	said := &Tail{}
	cmd.Stderr, cmd.WaitDelay = said, time.Second
	return &run{cmd: cmd, ctx: ctx, cancel: cancel, said: said}
}

func (p *Program) start() error {
	r := p.command()
	in, err := r.cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := r.cmd.StdoutPipe()
	if err == nil {
		err = r.cmd.Start()
	}
	if err != nil {
		r.cancel()
		return fmt.Errorf("%w: %w", ErrStart, err)
	}
	r.in, r.out, p.run = in, bufio.NewReader(out), r
	context.AfterFunc(r.ctx, func() { // somebody who was not killed may hold the other ends
		time.Sleep(r.cmd.WaitDelay)
		in.Close()
		out.Close()
	})
	return nil
}

func (r *run) ask(q Question) (Answer, error) {
	if _, err := io.WriteString(r.in, q.String()+"\n"); err != nil {
		return Answer{}, errors.New("it does not read the question")
	}
	line, err := readLine(r.out)
	switch err {
	case nil:
		return ParseAnswer(line)
	case errLong:
		r.cancel()
		return Answer{}, fmt.Errorf("%w comes back: %.40q", err, line)
	}
	return Answer{}, fmt.Errorf("no line comes back; %.40q", line)
}

// askOnce runs the program for q alone.
func (p *Program) askOnce(q Question) (Answer, error) {
	r := p.command(q.Words()...)
	defer r.cancel()
	out := &capped{full: r.cancel}
	r.cmd.Stdin, r.cmd.Stdout = bytes.NewReader(q.Wire), out
	if err := r.cmd.Start(); err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrStart, err)
	}
	inTime := p.limit(r)
	err := r.wait()
	exit, failed := errors.AsType[*exec.ExitError](err)
	switch {
	case !inTime():
		return Answer{}, p.late(r)
	case out.over:
		return Answer{}, fmt.Errorf("it puts out more than %d MiB: %.40q", most>>20, out.b)
	case err != nil && (!failed || exit.ExitCode() != 1):
		return Answer{}, fmt.Errorf("it ends with %w%s", err, r.said)
	case failed && len(bytes.TrimSpace(out.b)) == 0:
		return Answer{Verdict: Refused}, nil
	}
	a, err := ParseAnswer(out.b)
	if err == nil && failed == (a.Verdict == "ok") {
		err = fmt.Errorf("the verdict is %s, and the exit code %d", a.Verdict, r.cmd.ProcessState.ExitCode())
	}
	return a, err
}

// A capped buffer keeps what fits into most, and says when there is more.
type capped struct {
	b    []byte
	over bool
	full func()
}

func (c *capped) Write(p []byte) (int, error) {
	if len(c.b)+len(p) > most {
		c.over = true
		c.full()
		return 0, io.ErrShortWrite
	}
	c.b = append(c.b, p...)
	return len(p), nil
}

// A Tail keeps the end of what a program says on stderr.
type Tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-200):]
	return len(p), nil
}

// String is what it said, to be put behind something.
func (t *Tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := strings.TrimSpace(string(t.text)); text != "" {
		return fmt.Sprintf("; it said %q", text)
	}
	return ""
}
