package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
	"github.com/spf13/cobra"
)

// A recvVerb prints frames as they come.
type recvVerb struct {
	client
	listen bool
	count  int
	wait   time.Duration

	mu   sync.Mutex // of what follows: peers are many
	got  int
	view *viewer
}

func newRecv(a *app) *cobra.Command {
	r := &recvVerb{client: newClient(a)}
	cmd := &cobra.Command{
		Use:   "recv [ADDR]",
		Short: "Print the frames that come, from a server or as one",
		Long: `recv connects to ADDR (or PETRICHOR_ADDR), is allowed in, and prints every frame
that comes. With --listen it is the server, allows every peer, answers nothing
else, and prints the frames of all of them; the address it listens on is the
first line on stderr.

It ends when the server closes the connection, after --count frames or after
--wait, or at Ctrl-C. The exit code is 4 or 7 when fewer than --count came.`,
		Example: `  petrichor recv 127.0.0.1:7670 -C 1
  petrichor recv --listen 127.0.0.1:7671 -f tnet
  petrichor recv 127.0.0.1:7670 --ident topic=weather -W 10s -f raw`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return r.run(args) },
	}
	flags := cmd.Flags()
	flags.BoolVarP(&r.listen, "listen", "l", false, "be the server")
	flags.VarP(numberFlag(&r.count, 0, 0), "count", "C", "stop after `N` frames; 0 is no limit")
	flags.VarP(timeFlag(&r.wait, 0), "wait", "W", "stop after `TIME`; 0 is no limit")
	r.addReach(cmd)
	r.addView(cmd)
	return cmd
}

func (r *recvVerb) run(args []string) error {
	addr, _, err := addrArg(args, "")
	if err != nil {
		return err
	}
	receive := r.connected
	if r.listen {
		receive = r.listening
	}
	ctx, stop := interrupted()
	defer stop()
	ctx, cancel := within(ctx, r.wait)
	defer cancel()
	err = receive(ctx, addr)
	if r.view == nil {
		return err
	}
	return r.view.out.close(r.explain(addr, err))
}

// connected prints what a server sends.
func (r *recvVerb) connected(ctx context.Context, addr string) error {
	s, err := r.dialUntil(ctx, addr)
	if err != nil {
		return err
	}
	defer s.conn.Close()
	if r.view, err = r.client.view(); err != nil {
		return err
	}
	return s.conn.Within(ctx, func() error { return r.frames(s.conn) })
}

// listening prints what peers send.  One that sends what is no frame is cut, and the others stay.
func (r *recvVerb) listening(ctx context.Context, addr string) error {
	l, err := r.keys.listen(addr, os.Stderr)
	if err != nil {
		return err
	}
	defer l.Close()
	if r.view, err = r.client.view(); err != nil {
		return err
	}
	ctx, enough := context.WithCancelCause(ctx)
	defer enough(nil)
	s := &service.Server{Options: r.limits.options(), Log: r.app.logger(), Identify: identify(addr)}
	s.Loop = func(_ context.Context, c *service.Conn) error {
		err := r.frames(c)
		if _, ok := errors.AsType[*outputError](err); err == nil || ok {
			enough(cmp.Or(err, errEnough))
		}
		return err
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	select {
	case err := <-served:
		if err == io.EOF { // the only peer of stdio: and its like has ended
			return s.Shutdown(context.Background())
		}
		return fail(exitOther, "cannot go on listening: %v", err)
	case <-ctx.Done():
	}
	s.Close()
	<-served
	if err := context.Cause(ctx); err != errEnough {
		return err
	}
	return nil
}

// errEnough says that there are as many frames as were asked for.
var errEnough = errors.New("enough")

// A receiver is either end of a connection.
type receiver interface {
	Recv() (petrichor.Frame, error)
	Buffered() int
}

// frames prints what comes over one connection until it ends or there is enough.
func (r *recvVerb) frames(c receiver) error {
	for {
		f, err := c.Recv()
		if err == nil {
			err = checkFrame(f, r.limits.inside())
		}
		if err != nil {
			return err
		}
		if enough, err := r.show(f, c.Buffered() > 0); enough || err != nil {
			return err
		}
	}
}

// show prints one frame, unless there are enough, and reports whether there are now.  It can be
// seen at once unless more are there already.
func (r *recvVerb) show(f petrichor.Frame, more bool) (enough bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count > 0 && r.got >= r.count {
		return true, nil
	}
	r.got++
	if more {
		return r.got == r.count, r.view.print(f)
	}
	return r.got == r.count, r.view.show(f)
}

// explain says what the end of it means.
func (r *recvVerb) explain(addr string, err error) error {
	short := r.got < r.count
	switch {
	case errors.Is(err, context.Canceled) && short:
		return fail(exitTimeout, "%d of %d frames from %s before it was interrupted", r.got, r.count, addr)
	case err == nil, errors.Is(err, context.Canceled), err == io.EOF && !short:
		return nil
	case errors.Is(err, context.DeadlineExceeded) && short:
		return fail(exitTimeout, "%d of %d frames from %s within %v", r.got, r.count, addr, r.wait)
	case errors.Is(err, context.DeadlineExceeded):
		return nil
	case isClosed(err):
		return fail(exitClosed, "%s closed the connection after %d frames", addr, r.got)
	}
	return failIn("frame of "+addr, err, limitAdvice)
}
