package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/spf13/cobra"
)

// A sendVerb sends frames and waits for no reply.
type sendVerb struct {
	client
	once
	data     bodyFlag
	input    input
	count    int
	interval time.Duration
	sent     int  // on this connection
	frames   tape // to be sent
	stdin    interruptible
}

func newSend(a *app) *cobra.Command {
	s := &sendVerb{client: newClient(a)}
	s.input = input{from: newChoice("", "tnet", "frames", "json", "jsonl", "mitm"), limits: fileLimits}
	cmd := &cobra.Command{
		Use:   "send [ADDR [BODY]]",
		Short: "Send frames without waiting for replies",
		Long: `send connects to ADDR (or PETRICHOR_ADDR), is allowed in, and sends a frame, or with
--count the same frame many times. With --from it reads stdin instead and sends a
frame for each value, the value being the body; --from frames sends them as they
are. What recv, request and cat write as tnet or frames can be sent so.

Replies are not waited for, but read, so that a server that answers is not held
up; -v shows them. After the last frame send closes its half of the connection
and waits, --timeout at most, for the server to close the other: then all has
been read.

--id gives the frame an id, by which a server that dedupes (serve --dedupe) knows
it when it comes again; --id new gives each frame one of its own. With --retry as
many replies are waited for as there are frames, and if they do not come all
frames are sent again over another connection, with the ids they had: those that
have been handled are not handled again, but by a server that does not dedupe.
They are kept in memory for that. Before each try it pauses, for 100ms at first and
twice as long each time, 5s at most.`,
		Example: `  petrichor send 127.0.0.1:7670 hello -H to=world
  petrichor send 127.0.0.1:7670 tick -n 60 -i 1s
  printf '{"n":1}\n{"n":2}\n' | petrichor send 127.0.0.1:7670 --from jsonl
  petrichor send 127.0.0.1:7670 --from jsonl --retry 5 <orders.jsonl
  petrichor recv 127.0.0.1:7671 -f tnet | petrichor send 127.0.0.1:7670 --from frames`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd, args) },
	}
	flags := cmd.Flags()
	addChoice(cmd, flags, &s.input.from, "from", "F", "send what stdin has, in this `FORM`")
	s.input.addLines(cmd)
	flags.VarP(numberFlag(&s.count, 0, 1), "count", "n", "send `N` frames (default 1, or with --from all)")
	flags.VarP(timeFlag(&s.interval, 0), "interval", "i", "begin a frame every `TIME`")
	s.addReach(cmd)
	s.addHeader(cmd)
	s.presses.addTo(cmd)
	s.once.addTo(cmd)
	s.data.addTo(cmd)
	return cmd
}

func (s *sendVerb) run(cmd *cobra.Command, args []string) error {
	addr, rest, err := addrArg(args, "")
	if err != nil {
		return err
	}
	if s.frames.next, err = s.source(cmd, rest); err != nil {
		return err
	}
	s.frames.keeps = s.retry > 0
	ctx, stop := interrupted()
	defer stop()
	s.stdin.ctx = ctx
	return s.insist(ctx, s.retry, func() error {
		s.frames.rewind()
		return s.try(ctx, addr)
	})
}

// try sends all frames on one connection.
func (s *sendVerb) try(ctx context.Context, addr string) error {
	session, err := s.dialUntil(ctx, addr)
	if err != nil {
		return err
	}
	defer session.conn.Close()
	s.sent = 0
	back := session.discard()
	if err := s.all(ctx, session); err != nil {
		return err
	}
	return s.finish(ctx, session, back)
}

// source returns what gives the next frame, until io.EOF.
func (s *sendVerb) source(cmd *cobra.Command, args []string) (func() (record, error), error) {
	if err := s.fits(cmd, args); err != nil {
		return nil, err
	}
	if s.input.from.value == "" {
		return s.same(cmd, args)
	}
	header, err := s.headerElement()
	if err != nil {
		return nil, err
	}
	s.input.limits = s.limits
	s.stdin.r = os.Stdin
	src := s.input.source(&s.stdin)
	return func() (record, error) {
		rec, err := src.next()
		if err == io.EOF {
			return rec, err
		}
		if err != nil {
			return rec, failIn("stdin", err, fileAdvice)
		}
		if rec.header == nil {
			rec.header = header
		}
		return s.marked(rec)
	}, nil
}

// fits reports flags that make no sense, or not together.
func (s *sendVerb) fits(cmd *cobra.Command, args []string) error {
	if err := s.valid(); err != nil {
		return err
	}
	from := s.input.from.value
	switch {
	case from == "":
		return nil
	case s.id != "" && s.id != newID:
		return fail(exitUsage, "one --id for all of --from: want --id new, which is one for each")
	case len(args) > 0 || cmd.Flags().Changed("data") || cmd.Flags().Changed("json"):
		return fail(exitUsage, "a body besides --from, which takes all bodies from stdin")
	case from == "frames" && s.header.header != nil:
		return fail(exitUsage, "--header besides --from frames, which have headers of their own")
	}
	return nil
}

// same gives the frame that flags and args make, over and over.
func (s *sendVerb) same(cmd *cobra.Command, args []string) (func() (record, error), error) {
	body, err := s.data.body(cmd, args, s.limits.size)
	if err != nil {
		return nil, err
	}
	header, err := s.headerElement()
	if err != nil {
		return nil, err
	}
	raw, err := petrichor.Marshal(body)
	if err != nil {
		return nil, err
	}
	s.count = max(1, s.count)
	return func() (record, error) { return s.marked(record{header, raw}) }, nil
}

// marked is rec with an id, if it is to have one.
func (s *sendVerb) marked(rec record) (record, error) {
	if s.id == "" {
		return rec, nil
	}
	header, err := s.mark(rec.header)
	return record{header, rec.value}, err
}

func (s *sendVerb) headerElement() (petrichor.Raw, error) {
	if s.header.header == nil {
		return petrichor.Raw("0:}"), nil
	}
	raw, err := petrichor.Marshal(s.header.header)
	if err != nil {
		return nil, fail(exitUsage, "--header: %s", message(err))
	}
	return raw, nil
}

// all sends frames until there are no more, or Ctrl-C.
func (s *sendVerb) all(ctx context.Context, session *session) error {
	tick := time.NewTicker(max(s.interval, 1))
	defer tick.Stop()
	for ctx.Err() == nil && (s.count == 0 || s.sent < s.count) {
		rec, err := s.frames.read()
		if err == io.EOF || ctx.Err() != nil {
			return nil
		}
		if err == nil {
			err = s.one(ctx, session, rec)
		}
		if err != nil {
			return err
		}
		s.sent++
		if s.interval == 0 || s.sent == s.count {
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return nil
}

func (s *sendVerb) one(ctx context.Context, session *session, rec record) error {
	session.trace.sentFrame(rec.frame())
	ctx, cancel := windingUp(ctx, s.timeout)
	defer cancel()
	err := session.conn.Within(ctx, func() error { return session.conn.Send(rec.header, rec.value) })
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fail(exitTimeout, "%s takes no more frames, for %v now, after %d", session.addr, s.timeout, s.sent)
	case errors.Is(err, context.Canceled):
		return fail(exitTimeout, "interrupted while %s took no more frames, after %d", session.addr, s.sent)
	case err != nil && isClosed(err):
		return fail(exitClosed, "%s closed the connection; %d frames had been sent", session.addr, s.sent)
	}
	return err
}

// finish says that no more will come, and waits for the other end to have read it all.
func (s *sendVerb) finish(ctx context.Context, session *session, back *drain) error {
	ctx, cancel := windingUp(ctx, s.timeout)
	defer cancel()
	if s.retry > 0 {
		back.wait(ctx, s.sent)
	}
	if half, ok := session.stream.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	select {
	case <-back.end:
	case <-ctx.Done():
		patience := fmt.Sprint("within ", s.timeout)
		if ctx.Err() == context.Canceled {
			patience = "since Ctrl-C"
		}
		return fail(exitTimeout, "%d frames were sent, but %s has not closed its end %s: whether it has read them is unknown",
			s.sent, session.addr, patience)
	}
	replies := int(back.n.Load())
	s.app.logf("%s: %d frames sent, %d came back", session.addr, s.sent, replies)
	if s.retry > 0 && replies < s.sent {
		return fail(exitClosed, "%s closed the connection after %d replies to %d frames", session.addr, replies, s.sent)
	}
	return nil
}

// A tape gives records, and can give again those it has given.
type tape struct {
	next  func() (record, error) // io.EOF is the end
	keeps bool
	kept  []record
	at    int
}

func (t *tape) read() (record, error) {
	if t.at < len(t.kept) {
		t.at++
		return t.kept[t.at-1], nil
	}
	rec, err := t.next()
	if err == nil && t.keeps {
		t.kept = append(t.kept, record{bytes.Clone(rec.header), bytes.Clone(rec.value)})
		t.at++
	}
	return rec, err
}

func (t *tape) rewind() { t.at = 0 }
