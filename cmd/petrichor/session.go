package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/spf13/cobra"
)

// defaultAddr is where echo listens and where nobody needs to be asked.
const defaultAddr = "127.0.0.1:7670"

// parseAddr returns the network and address that a dialer or a listener wants.  A missing host is
// the loopback: nothing here reaches out, or can be reached, unless it is told to.
func parseAddr(text string) (network, address string, err error) {
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		scheme, rest = "tcp", text
	}
	switch scheme {
	case "unix":
		if rest == "" {
			return "", "", fail(exitUsage, "%q has no path: want unix:///PATH", text)
		}
		return "unix", rest, nil
	case "tcp":
		host, port, err := net.SplitHostPort(rest)
		if err != nil || port == "" {
			return "", "", fail(exitUsage, "%q is no address: want HOST:PORT, tcp://HOST:PORT or unix:///PATH", text)
		}
		if host == "" {
			host = "127.0.0.1"
		}
		return "tcp", net.JoinHostPort(host, port), nil
	}
	return "", "", fail(exitUsage, "%q is no address known here: want HOST:PORT, tcp://HOST:PORT or unix:///PATH", text)
}

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

// A client is what request and repl have in common: how to reach a peer and what to tell it.
type client struct {
	app     *app
	ident   headerFlag
	header  headerFlag
	limits  limits
	timeout time.Duration
	connect time.Duration
	format  choice
	path    string // of -o
}

func newClient(a *app) client {
	format := newChoice("", "pretty", "json", "jsonl", "raw", "tnet", "hex")
	return client{app: a, limits: peerLimits, format: format}
}

func (c *client) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.VarP(&c.header, "header", "H", "key of the header: k=v, k:=JSON or k@=FILE; repeatable")
	flags.Var(&c.ident, "ident", "key of the first frame's header, as -H; repeatable")
	flags.DurationVarP(&c.timeout, "timeout", "t", 20*time.Second, "wait `TIME` for an answer; 0 is for ever")
	flags.DurationVar(&c.connect, "connect-timeout", 5*time.Second, "wait `TIME` for the connection; 0 is for ever")
	addChoice(cmd, flags, &c.format, "format", "f", "`FORM` of what is received")
	c.limits.addTo(cmd)
	addOutput(cmd, &c.path)
}

// A session is a connection that begins with first frames, seen from the peer that connects.
type session struct {
	addr    string
	conn    *petrichor.Conn
	timeout time.Duration
	trace   *tracer // nil: do not
}

// dial connects to addr and exchanges first frames.
func (c *client) dial(addr string) (*session, error) {
	network, address, err := parseAddr(addr)
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: c.connect}
	stream, err := dialer.Dial(network, address)
	if err != nil {
		return nil, fail(exitConnect, "cannot connect to %s: %v; is a server listening there?", addr, err)
	}
	s := &session{addr: addr, conn: petrichor.NewConn(stream, c.limits.options()...), timeout: c.timeout}
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
	answer, err := s.request(ident, "")
	if err == nil && !petrichor.Allowed(answer.Header) {
		err = fail(exitDenied, "denied by %s: %s; say who you are with --ident k=v", s.addr, reading(answer.Body, 80))
	}
	return answer, err
}

// request sends one frame and returns the next, checked all the way down.
func (s *session) request(header petrichor.Header, body any) (reply petrichor.Frame, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	if s.timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
	}
	defer cancel()
	s.trace.sent(header, body)
	err = s.conn.Within(ctx, func() (err error) {
		reply, err = s.conn.Request(header, body)
		return err
	})
	if err == nil {
		s.trace.received(reply)
		err = checkFrame(reply)
	}
	return reply, s.explain(err)
}

func checkFrame(f petrichor.Frame) error {
	if err := check(f.Header, 0, nil); err != nil {
		return &failure{codeOf(err), "the header: " + message(err), err}
	}
	if err := check(f.Body, 0, nil); err != nil {
		return &failure{codeOf(err), "the body: " + message(err), err}
	}
	return nil
}

// explain says what an error of the stream means for somebody who waits for a reply.
func (s *session) explain(err error) error {
	var stream *net.OpError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return fail(exitTimeout, "no reply from %s within %v; raise --timeout to wait longer", s.addr, s.timeout)
	case isAny(err, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed), errors.As(err, &stream):
		return fail(exitClosed, "%s closed the connection before the reply was whole", s.addr)
	}
	return failIn("reply of "+s.addr, err, limitAdvice)
}

// A tracer prints frames as they pass: a line as they are on the wire, and a line of what they
// say.  A nil tracer prints nothing.
type tracer struct {
	w       io.Writer
	out, in string
}

const traced = 160 // bytes of a frame that are shown

func (t *tracer) sent(header petrichor.Header, body any) {
	if t == nil {
		return
	}
	wire, err := petrichor.AppendFrame(nil, header, body)
	if err != nil {
		return // sending it will say why
	}
	if f, _, err := petrichor.CutFrame(wire); err == nil {
		t.frame(t.out, f)
	}
}

func (t *tracer) received(f petrichor.Frame) {
	if t != nil {
		t.frame(t.in, f)
	}
}

func (t *tracer) frame(arrow string, f petrichor.Frame) {
	wire := append(clip(f.Header, traced), clip(f.Body, traced)...)
	fmt.Fprintf(t.w, "%s %s\n%*s %s %s\n", arrow, escapeLine(string(wire)),
		len(arrow), "", reading(f.Header, traced), reading(f.Body, traced))
}
