package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/transport"
	"github.com/spf13/cobra"
)

// defaultAddr is where echo listens and where nobody needs to be asked.
const defaultAddr = "127.0.0.1:7670"

// addrArg takes ADDR from args, from the environment, or is otherwise.
func addrArg(args []string, otherwise string) (addr string, rest []string, err error) {
	if len(args) > 0 {
		return args[0], args[1:], nil
	}
	if addr := os.Getenv("PETRICHOR_ADDR"); addr != "" {
		return addr, nil, nil
	}
	if otherwise == "" {
		return "", nil, fail(exitUsage, "no ADDR: give one, or set PETRICHOR_ADDR")
	}
	return otherwise, nil, nil
}

// A client is what the verbs that connect have in common: how to reach a peer and what to tell it.
type client struct {
	app     *app
	ident   headerFlag
	header  headerFlag
	limits  limits
	timeout time.Duration
	connect time.Duration
	format  choice
	path    string // of -o
	keys    keys
	presses presses
}

func newClient(a *app) client {
	format := newChoice("", "pretty", "json", "jsonl", "raw", "tnet", "hex")
	return client{app: a, limits: peerLimits, timeout: 20 * time.Second, format: format, presses: newPresses()}
}

// addTo defines the flags of a verb that sends and shows what comes back.
func (c *client) addTo(cmd *cobra.Command) {
	c.addReach(cmd)
	c.addHeader(cmd)
	c.addView(cmd)
}

// addReach defines how to get to a peer and past its first frame.
func (c *client) addReach(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(&c.ident, "ident", "key of the first frame's header, as -H; repeatable")
	flags.VarP(timeFlag(&c.timeout, c.timeout), "timeout", "t", "wait `TIME` for an answer; 0 is for ever")
	flags.Var(timeFlag(&c.connect, 5*time.Second), "connect-timeout", "wait `TIME` for the connection; 0 is for ever")
	c.keys.addTo(cmd)
	flags.StringVar(&c.keys.serverName, "server-name", "", "tls://: `NAME` the server has, if not that of ADDR")
	c.limits.addTo(cmd)
}

// addHeader defines what a header says.
func (c *client) addHeader(cmd *cobra.Command) {
	cmd.Flags().VarP(&c.header, "header", "H", "key of the header: k=v, k:=JSON or k@=FILE; repeatable")
}

// addView defines how frames are shown.
func (c *client) addView(cmd *cobra.Command) {
	addChoice(cmd, cmd.Flags(), &c.format, "format", "f", "`FORM` of what is received")
	addOutput(cmd, &c.path)
}

// A session is a connection that begins with first frames, seen from the peer that connects.
type session struct {
	addr    string
	stream  net.Conn
	conn    *petrichor.Conn
	timeout time.Duration
	trace   *tracer            // nil: do not
	ctx     context.Context    // ends what waits for a reply; nil: only timeout does
	limits  []petrichor.Option // of what is received
}

// open connects to addr.
func (c *client) open(until context.Context, addr string) (net.Conn, error) {
	config, err := c.keys.transport()
	if err != nil {
		return nil, err
	}
	ctx, cancel := within(until, c.connect)
	defer cancel()
	stream, err := config.Dial(ctx, addr)
	switch {
	case err != nil && until.Err() == context.Canceled:
		return nil, fail(exitTimeout, "interrupted before there was a connection to %s", addr)
	case errors.Is(err, transport.ErrAddress):
		return nil, fail(exitUsage, "%s", message(err))
	case err != nil:
		return nil, fail(exitConnect, "cannot connect to %s: %v; is a server listening there?", addr, err)
	case addr == "stdio:" && (c.path == "" || c.path == "-"):
		return nil, fail(exitUsage, "stdio: is the connection: say with -o FILE where results go")
	}
	return stream, nil
}

// dial connects to addr and exchanges first frames; it is for verbs that Ctrl-C ends on the spot.
func (c *client) dial(addr string) (*session, error) { return c.dialUntil(context.Background(), addr) }

// dialUntil is dial until ctx is done, which also ends what the session waits for later.
func (c *client) dialUntil(ctx context.Context, addr string) (*session, error) {
	stream, err := c.open(ctx, addr)
	if err != nil {
		return nil, err
	}
	conn := petrichor.NewConn(stream, append(c.limits.options(), c.presses.options()...)...)
	s := &session{addr: addr, stream: stream, conn: conn, timeout: c.timeout, ctx: ctx, limits: c.limits.inside()}
	if c.app.verbose {
		s.trace = &tracer{w: os.Stderr, out: ">", in: "<"}
	}
	if _, err := s.greet(c.ident.header); err != nil {
		s.conn.Close()
		return nil, err
	}
	return s, nil
}

// greet exchanges first frames: ident for an answer that allows us in.
func (s *session) greet(ident petrichor.Header) (petrichor.Frame, error) {
	answer, err := s.exchange(ident, "", s.conn.Greet)
	if err == nil && !petrichor.Allowed(answer.Header) {
		err = fail(exitDenied, "denied by %s: %s; say who you are with --ident k=v", s.addr, reading(answer.Body, 80))
	}
	return answer, err
}

// request sends one frame and returns the next, checked all the way down.
func (s *session) request(header, body any) (petrichor.Frame, error) {
	return s.exchange(header, body, s.conn.Request)
}

// exchange is request by a method of the connection.
func (s *session) exchange(header, body any, by func(header, body any) (petrichor.Frame, error)) (reply petrichor.Frame, err error) {
	until := cmp.Or(s.ctx, context.Background())
	ctx, cancel := within(until, s.timeout)
	defer cancel()
	s.trace.sent(header, body)
	err = s.conn.Within(ctx, func() (err error) {
		reply, err = by(header, body)
		return err
	})
	if err != nil && until.Err() != nil {
		return reply, s.givenUp(until)
	}
	if err == nil {
		s.trace.received(reply)
		err = checkFrame(reply, s.limits)
	}
	return reply, s.explain(err)
}

// givenUp says that it was not --timeout that ended the wait for a reply.
func (s *session) givenUp(until context.Context) error {
	if until.Err() == context.DeadlineExceeded {
		return fail(exitTimeout, "no reply from %s before --wait was over", s.addr)
	}
	return fail(exitTimeout, "interrupted before %s had replied", s.addr)
}

// The pauses before a connection is tried again: each is twice the one before.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// insist calls try, and calls it again up to n times while what fails is the connection.
func (c *client) insist(ctx context.Context, n int, try func() error) error {
	err := try()
	for pause := firstPause; n > 0 && again(err) && ctx.Err() == nil; n-- {
		c.app.logf("%s; trying again", message(err))
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
		err = try()
	}
	return err
}

// An arrival is a frame and when it came, or the error that ends them.
type arrival struct {
	frame petrichor.Frame
	at    time.Time
	err   error
}

// receive delivers all frames that come, until stop, which closes the connection.
func (s *session) receive() (arrivals <-chan arrival, stop func()) {
	all := make(chan arrival)
	over := make(chan struct{})
	go func() {
		for err := error(nil); err == nil; {
			var f petrichor.Frame
			f, err = s.conn.Recv()
			if err == nil {
				s.trace.received(f)
				err = checkFrame(f, s.limits)
			}
			select {
			case all <- arrival{f, time.Now(), err}:
			case <-over:
				return
			}
		}
	}()
	return all, func() {
		s.conn.Close()
		close(over)
	}
}

// A drain reads frames and drops them.
type drain struct {
	n    atomic.Int64  // that have come
	came chan struct{} // one has
	end  chan struct{} // closed when no more will
}

// discard drops all frames that come.
func (s *session) discard() *drain {
	d := &drain{came: make(chan struct{}, 1), end: make(chan struct{})}
	go func() {
		defer close(d.end)
		for {
			f, err := s.conn.Recv()
			if err != nil {
				return
			}
			s.trace.received(f)
			d.n.Add(1)
			select {
			case d.came <- struct{}{}:
			default:
			}
		}
	}()
	return d
}

// wait returns when n frames have come, or no more will, or ctx is done.
func (d *drain) wait(ctx context.Context, n int) {
	for d.n.Load() < int64(n) {
		select {
		case <-d.came:
		case <-d.end:
			return
		case <-ctx.Done():
			return
		}
	}
}

// within is ctx, done at the latest after d; 0 is for ever.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d > 0 {
		return context.WithTimeout(ctx, d)
	}
	return context.WithCancel(ctx)
}

// lastWords is what Ctrl-C leaves for what is under way.
const lastWords = time.Second

// windingUp is done after d, or lastWords after ctx, whichever is first; a d of 0 is for ever.
func windingUp(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := within(context.WithoutCancel(ctx), d)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(lastWords):
			cancel()
		case <-longer.Done():
		}
	})
	return longer, func() {
		stop()
		cancel()
	}
}

// interrupted is done at Ctrl-C or SIGTERM; the one after that ends the program.
func interrupted() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// checkFrame verifies a frame that was received all the way down.
func checkFrame(f petrichor.Frame, limits []petrichor.Option) error {
	if err := check(f.Header, 0, limits); err != nil {
		return &failure{codeOf(err), "the header: " + message(err), err}
	}
	if err := check(f.Body, 0, limits); err != nil {
		return &failure{codeOf(err), "the body: " + message(err), err}
	}
	return nil
}

// explain says what an error of the stream means for somebody who waits for a reply.
func (s *session) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return fail(exitTimeout, "no reply from %s within %v; raise --timeout to wait longer", s.addr, s.timeout)
	case isClosed(err):
		return fail(exitClosed, "%s closed the connection before the reply was whole", s.addr)
	}
	return failIn("reply of "+s.addr, err, limitAdvice)
}

// isClosed reports whether err is that the stream has ended, at whatever place.
func isClosed(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok || isAny(err, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, os.ErrClosed, syscall.EPIPE)
}

// A tracer prints frames as they pass: a line as they are on the wire, and a line of what they
// say.  A nil tracer prints nothing.
type tracer struct {
	w       io.Writer
	out, in string
}

const traced = 160 // bytes of a frame that are shown

func (t *tracer) sent(header, body any) {
	if t == nil {
		return
	}
	wire, err := petrichor.AppendFrame(nil, header, body)
	if err != nil {
		return // sending it will say why
	}
	if f, _, err := petrichor.CutFrame(wire); err == nil {
		t.sentFrame(f)
	}
}

func (t *tracer) sentFrame(f petrichor.Frame) {
	if t != nil {
		t.frame(t.out, f)
	}
}

func (t *tracer) received(f petrichor.Frame) {
	if t != nil {
		t.frame(t.in, f)
	}
}

func (t *tracer) frame(arrow string, f petrichor.Frame) {
	wire := slices.Concat(clip(f.Header, traced), clip(f.Body, traced)) // an append could write into the header
	fmt.Fprintf(t.w, "%s %s\n%*s %s %s\n", arrow, escapeLine(string(wire)),
		len(arrow), "", reading(f.Header, traced), reading(f.Body, traced))
}
