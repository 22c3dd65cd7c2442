package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/petrichortest"
)

// attackRuns attacks a command, a run of which is a server for one peer.
func (c *conformVerb) attackRuns(ctx context.Context, command []string) error {
	c.prey.spared = append(c.prey.spared, manyPeers...)
	runs, err := newStdioRuns(ctx, command)
	if err != nil {
		return err
	}
	defer runs.end()
	return c.attack(ctx, runs.dial, runs.words)
}

// attack attacks a server, whose last words are of use where it does not serve a good peer.
func (c *conformVerb) attack(ctx context.Context, dial petrichortest.Dial, words func() string) error {
	s, err := c.prey.target(dial)
	if err != nil {
		return err
	}
	checked := make(chan error, 1)
	go func() { checked <- c.check(s, dial) }()
	select {
	case err = <-checked:
	case <-ctx.Done():
		return nil
	}
	if err != nil {
		return fail(codeOf(err), "%v%s", err, words())
	}
	attacks := c.attacks(s.Attacks())
	if err := c.begin(len(attacks)); err != nil {
		return err
	}
	return c.play(ctx, s, attacks)
}

// check wants a good peer to be served.  Where it is not, attacks prove nothing, and the exit codes
// are those of the verbs that are good peers.
func (c *conformVerb) check(s *petrichortest.Target, dial petrichortest.Dial) error {
	err := s.Check()
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f // nobody is there
	}
	const help = "%v; say what the server allows and answers with --ident, -H and -d"
	switch code := codeOf(err); {
	case code == exitTimeout:
		return fail(code, help+", or raise --patience", err)
	case code != exitOther:
		return fail(code, help, err)
	case isClosed(err):
		return fail(exitClosed, help, err)
	}
	if denied := c.denied(dial); denied != nil {
		return denied
	}
	return fail(exitOther, help, err)
}

// denied asks once more, whether the server denies the peer that it is said to allow.
func (c *conformVerb) denied(dial petrichortest.Dial) error {
	stream, err := dial()
	if err != nil {
		return nil
	}
	defer stream.Close()
	s := session{addr: c.score.Target, conn: petrichor.NewConn(stream), timeout: max(2*time.Second, c.prey.patience)}
	answer, err := s.exchange(c.prey.ident.header, nil, s.conn.Greet)
	if err != nil || petrichor.Allowed(answer.Header) {
		return nil
	}
	return fail(exitDenied, "denied by %s: %s; say who is allowed with --ident k=v", s.addr, reading(answer.Body, 80))
}

// play plays attacks until ctx is done: what is under way then ends with this process.
func (c *conformVerb) play(ctx context.Context, s *petrichortest.Target, attacks []petrichortest.Attack) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	findings := make(chan finding)
	go func() {
		defer close(findings)
		s.Play(attacks, func(a petrichortest.Attack, play func() error) {
			if ctx.Err() != nil {
				return
			}
			f := findingOf(a, play)
			if ctx.Err() != nil {
				return // it had no chance
			}
			select {
			case findings <- f:
			case <-ctx.Done():
			}
		})
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case f, more := <-findings:
			if !more {
				return nil
			}
			if err := c.found(f); err != nil {
				return err
			}
		}
	}
}

func findingOf(a petrichortest.Attack, play func() error) finding {
	began := time.Now()
	f := finding{Level: "peer", Group: rowName(a), Name: a.Name, Result: "ok", Why: a.Why}
	if err := play(); err != nil {
		f.Result = "FAIL"
		f.Wrong, _, _ = strings.Cut(err.Error(), "\nbecause: ") // it is printed beside it
	}
	f.Seconds = time.Since(began).Seconds()
	return f
}

// attacks are those of all that are wanted.
func (c *conformVerb) attacks(all []petrichortest.Attack) (wanted []petrichortest.Attack) {
	for _, a := range all {
		if c.wants(rowName(a), a.Name) && !(c.prey.quick && a.Waits()) {
			wanted = append(wanted, a)
		}
	}
	return wanted
}

// rowName is the group of an attack: where docs/limits.md speaks of it.
func rowName(a petrichortest.Attack) string { return fmt.Sprintf("row-%02d", a.Row) }
