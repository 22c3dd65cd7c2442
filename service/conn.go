package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A Conn is one connection of a Server, for its Loop: a petrichor.Conn whose peer
// has been allowed, and that keeps the limits of the Server.
type Conn struct {
	*petrichor.Conn // nil until the first frame has come

	server *Server
	peer   Peer
	from   netip.Prefix
	stream stream
	ctx    context.Context // ends when the connection is cut; its cause is why
	cancel context.CancelCauseFunc
	closed atomic.Bool

	request Request        // the one being handled, in order
	running sync.WaitGroup // those that are not
	slots   chan struct{}  // places for them; nil: in order
	pings   pings
	opened  time.Duration
}

// A Peer is who is at the other end of a connection.
type Peer struct {
	Addr     net.Addr        // nil where the stream has none
	Identity string          // what Identify has verified; empty is nobody
	First    petrichor.Frame // what it sent first
}

// An Answer is what a peer's first frame is answered with.
type Answer struct {
	Allow  bool
	Header petrichor.Header // "allowed" is put in
	Body   any
}

// Allow is the Answer that lets a peer in.
func Allow(header petrichor.Header, body any) Answer { return Answer{true, header, body} }

// Deny is the Answer that does not.
func Deny(header petrichor.Header, body any) Answer { return Answer{false, header, body} }

// errDenied is why a connection ended whose peer was not allowed.
var errDenied = errors.New("petrichor: peer denied")

func newConn(s *Server, rwc io.ReadWriteCloser) *Conn {
	c := &Conn{server: s, opened: s.now()}
	if stream, ok := rwc.(interface{ RemoteAddr() net.Addr }); ok {
		c.peer.Addr = stream.RemoteAddr()
		c.from = placeOf(c.peer.Addr)
	}
	c.stream = stream{rwc: rwc, server: s, owner: c}
	c.stream.reading.set(after(c.opened, s.set.handshake), forFirst)
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	if s.set.perConn > 1 {
		c.slots = make(chan struct{}, s.set.perConn)
	}
	return c
}

// Peer returns who is at the other end.
func (c *Conn) Peer() *Peer { return &c.peer }

// serve is a connection from its first frame to its end.
func (c *Conn) serve() (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = c.panicked(cause)
		}
		if err == io.EOF {
			err = nil // the peer has ended it
		}
		c.end(err)
	}()
	if err := c.greet(); err != nil {
		return err
	}
	if c.server.Loop != nil {
		return c.server.Loop(c.ctx, c)
	}
	return c.answer()
}

// greet exchanges the first frames.
func (c *Conn) greet() error {
	if err := c.identify(); err != nil {
		return err
	}
	conn, first, err := petrichor.Accept(onSocket(&c.stream), c.server.Options...)
	if err != nil {
		return c.why(err)
	}
	c.Conn, c.peer.First = conn, first
	if !c.stream.reading.clear() {
		return c.cause()
	}
	c.server.observeFrame(FrameIn, c, first, 0)
	answer := c.admit()
	if !answer.Allow {
		return cmp.Or(conn.Deny(answer.Header, answer.Body), errDenied)
	}
	if err := conn.Allow(answer.Header, answer.Body); err != nil {
		return err
	}
	c.server.allowed(c)
	return nil
}

// identify asks who the peer is.
func (c *Conn) identify() (err error) {
	if c.server.Identify != nil {
		c.peer.Identity, err = c.server.Identify(c.stream.rwc)
	}
	return c.why(err)
}

// admit asks whether it is allowed.
func (c *Conn) admit() Answer {
	if !petrichor.Valid(c.peer.First.Header, c.server.Options...) {
		return Deny(nil, nil) // nobody is to read in it what another does not
	}
	if c.server.Admit == nil {
		return Allow(nil, nil)
	}
	answer, err := c.server.Admit(c.ctx, &c.peer)
	if err != nil {
		c.server.failed(c, "cannot admit", err.Error())
		return Deny(nil, nil)
	}
	return answer
}

// Next returns the next frame, which is valid until the next call of Next, Recv or
// Request, and sends what is queued before it waits.  io.EOF is a peer that has
// closed the connection, or its direction of it, between frames; ErrServerClosed
// says that the Server is shut down, and that it is time to return.
func (c *Conn) Next() (petrichor.Frame, error) {
	f, err := c.Conn.Next()
	c.stream.begun = 0
	if err != nil {
		return petrichor.Frame{}, c.why(err)
	}
	c.server.observeFrame(FrameIn, c, f, 0)
	return f, nil
}

// Recv is Next, and the frame the caller's to keep.
func (c *Conn) Recv() (petrichor.Frame, error) {
	f, err := c.Next()
	return f.Clone(), err
}

// Request sends one frame and receives the next.
func (c *Conn) Request(header, body any) (petrichor.Frame, error) {
	if err := c.Send(header, body); err != nil {
		return petrichor.Frame{}, err
	}
	return c.Recv()
}

// why is the reason of an error of the stream: where the connection has been cut,
// the reason of that.
func (c *Conn) why(err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(c.ctx); cause != nil && cause != errLeft {
		return cause
	}
	return err
}

// cause is why the connection is cut, by one who is about to.
func (c *Conn) cause() error {
	<-c.ctx.Done()
	return c.why(errLeft)
}

// cut ends the connection: what reads or writes fails, and handlers are told.
func (c *Conn) cut(why error) {
	c.cancel(why)
	if !c.closed.Swap(true) {
		c.server.group.Go(c.stream.abort)
	}
}

// drain cuts a connection that waits for its peer; one that does not notices by
// itself that the Server is stopping, before it waits.
func (c *Conn) drain() {
	if c.stream.reading.stop() {
		c.cut(ErrServerClosed)
	}
}

// look cuts the connection if it is overdue.
func (c *Conn) look(now time.Duration) {
	for _, clock := range []*clock{&c.stream.reading, &c.stream.writing} {
		if kind, late := clock.stopLate(now, &c.server.set); late {
			if kind == forWrite {
				c.stream.forget()
			}
			c.cut(c.server.set.overdue[kind])
		}
	}
	c.stream.ahead.watch(c)
}

// leaves is to be called when reading ahead has met the end of the stream.
func (c *Conn) leaves(err error) {
	if err != io.EOF {
		c.cancel(errLeft)
		return
	}
	time.AfterFunc(halfClosed, func() { c.cancel(errLeft) })
}

// panicked is a panic as an error, which has been logged.
func (c *Conn) panicked(cause any) error {
	c.server.observe(Event{Kind: Panicked, Peer: &c.peer})
	c.server.failed(c, "handler panicked", fmt.Sprint(cause), "stack", string(debug.Stack()))
	return errPanic
}

// errPanic is why a connection ended whose handler has panicked.
var errPanic = errors.New("petrichor: handler panicked")

// end closes the connection and tells why, once all its handlers have returned.
func (c *Conn) end(err error) {
	c.running.Wait()
	if c.Conn != nil {
		c.Flush()
	}
	c.cancel(errLeft)
	if !c.closed.Load() {
		c.stream.writing.begin(forWrite)
		c.stream.rwc.Close() // TLS has some last words, which cut may have to end
		c.closed.Store(true)
	}
	if c.Conn != nil {
		c.Flush() // fails, and gives back what somebody has queued meanwhile
	}
	c.server.flight.set(&c.stream.buffer, 0, nil)
	c.server.leave(c)
	c.server.closed(c, err)
}
