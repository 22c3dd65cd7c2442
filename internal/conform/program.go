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
	Patience time.Duration   // for one answer
	Group    func(*exec.Cmd) // makes cmd.Cancel end whatever the command has started; may be nil

	run *run // nil: none is running
}

// A run answers a question for each line.
type run struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	in     io.WriteCloser
	out    *bufio.Reader
	said   *tail
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
	late := time.AfterFunc(p.Patience, r.cancel)
	a, err := r.ask(q)
	if late.Stop() && err == nil {
		return a, nil
	}
	return Answer{}, errors.Join(err, p.Close())
}

// Close ends the run: its input ends, and it has to follow.
func (p *Program) Close() error {
	r := p.run
	if r == nil {
		return nil
	}
	p.run = nil
	r.in.Close()
	late := time.AfterFunc(p.Patience, r.cancel)
	io.Copy(io.Discard, r.out)
	err := r.cmd.Wait()
	killed := !late.Stop()
	r.cancel()
	if killed {
		return fmt.Errorf("it was killed after %v%s", p.Patience, r.said)
	}
	if err != nil {
		return fmt.Errorf("it ends with %w%s", err, r.said)
	}
	return nil
}

func (p *Program) command(args ...string) (*exec.Cmd, context.CancelFunc, *tail) {
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, p.Command[0], append(p.Command[1:len(p.Command):len(p.Command)], args...)...)
	if p.Group != nil {
		p.Group(cmd)
	}
	said := &tail{}
	cmd.Stderr, cmd.WaitDelay = said, time.Second
	return cmd, cancel, said
}

func (p *Program) start() error {
	cmd, cancel, said := p.command()
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return fmt.Errorf("cannot start it: %w", err)
	}
	p.run = &run{cmd, cancel, in, bufio.NewReader(out), said}
	return nil
}

// most is how long an answer may be, in bytes.
const most = 16 << 20

func (r *run) ask(q Question) (Answer, error) {
	if _, err := io.WriteString(r.in, q.String()+"\n"); err != nil {
		return Answer{}, errors.New("it does not read the question")
	}
	var line []byte
	for {
		part, err := r.out.ReadSlice('\n')
		line = append(line, part...)
		if err == nil {
			return ParseAnswer(line)
		}
		if err != bufio.ErrBufferFull || len(line) > most {
			return Answer{}, fmt.Errorf("no line comes back; %.40q", line)
		}
	}
}

// askOnce runs the program for q alone.
func (p *Program) askOnce(q Question) (Answer, error) {
	cmd, cancel, said := p.command(q.Words()...)
	defer cancel()
	late := time.AfterFunc(p.Patience, cancel)
	cmd.Stdin = bytes.NewReader(q.Wire)
	out, err := cmd.Output()
	exit, failed := errors.AsType[*exec.ExitError](err)
	switch {
	case !late.Stop():
		return Answer{}, fmt.Errorf("it was killed after %v%s", p.Patience, said)
	case err != nil && (!failed || exit.ExitCode() != 1):
		return Answer{}, fmt.Errorf("it ends with %w%s", err, said)
	case failed && len(bytes.TrimSpace(out)) == 0:
		return Answer{Verdict: Refused}, nil
	}
	a, err := ParseAnswer(out)
	if err == nil && failed == (a.Verdict == "ok") {
		err = fmt.Errorf("the verdict is %s, and the exit code %d", a.Verdict, cmd.ProcessState.ExitCode())
	}
	return a, err
}

// A tail keeps the end of what a program says on stderr.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-200):]
	return len(p), nil
}

// String is what it said, to be put behind something.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := strings.TrimSpace(string(t.text)); text != "" {
		return fmt.Sprintf("; it said %q", text)
	}
	return ""
}
