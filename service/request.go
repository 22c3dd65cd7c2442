package service

// A function per frame.
//
//	in order:   Next -> Handle -> Queue -> Next -> ...   flushed before Next waits
//	otherwise:  Recv -> a goroutine: Handle -> Send

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A Request is a frame to be answered.
type Request struct {
	Peer  *Peer
	Frame petrichor.Frame // borrowed until the handler returns

	conn *Conn
	id   petrichor.Element // alias of the frame; Kind 0: there is none
	hold *hold             // of memory in flight: the connection's, or its own
	own  hold              // where it is in no order with others
	turn hold              // of handlers
	came time.Duration
}

// ErrNoReply is what a handler returns to answer nothing.
var ErrNoReply = errors.New("petrichor: no reply")

// Header reads the request's header into the value that v points to, with the
// options of the Server and the limits of a stream.  An error, returned by the
// handler, is answered with "bad request" and what is wrong.
func (r *Request) Header(v any) error { return r.unmarshal(r.Frame.Header, v) }

// Body reads the request's body, as Header does.
func (r *Request) Body(v any) error { return r.unmarshal(r.Frame.Body, v) }

func (r *Request) unmarshal(raw petrichor.Raw, v any) error {
	s := r.conn.server
	if n := weight(raw); n > freeValues && !s.flight.set(r.hold, r.hold.n+n, r.conn.ctx.Done()) {
		return r.conn.why(errLeft)
	}
	opts := s.set.strict
	if len(s.Options) == 0 && len(raw) < 3*maxValues {
		opts = nil // cannot have too many values, and an option costs an allocation
	}
	if err := petrichor.Unmarshal(raw, v, opts...); err != nil {
		return badRequest{err}
	}
	return nil
}

// Conn returns the connection the request came on, to subscribe it to a Fanout or
// to send it other frames.  Its Next, Recv and Request are not for handlers.
func (r *Request) Conn() *Conn { return r.conn }

// maxValues is the default limit of a stream.
const maxValues = 65_536

// A badRequest is what a peer may know: that its request cannot be read.
type badRequest struct{ error }

func (e badRequest) Unwrap() error { return e.error }

// As makes it an *Error too.
func (e badRequest) As(target any) bool {
	to, ok := target.(**Error)
	if ok {
		*to = &Error{Text: "bad request: " + e.Error()}
	}
	return ok
}

// bytesPerValue is what a decoded value takes at most: Go's smallest map.
const bytesPerValue = 128

// weight is how many bytes raw may take when it is decoded.
func weight(raw petrichor.Raw) int64 {
	if len(raw)/3*bytesPerValue <= freeValues {
		return 0
	}
	return bytesPerValue * int64(values(raw))
}

// values counts the elements in b and in what they contain, without looking at
// them closely, up to where it is malformed or there are too many.
func values(b []byte) (n int) {
	for len(b) > 0 && n <= maxValues {
		el, rest, err := cut(b)
		if err != nil {
			return n
		}
		n++
		if el.Kind == petrichor.KindList || el.Kind == petrichor.KindDict {
			n += values(el.Payload)
		}
		b = rest
	}
	return n
}

// answer handles one frame after another until the peer, or the Server, ends it.
func (c *Conn) answer() error {
	for {
		f, err := c.Next()
		if err == nil {
			err = c.take(f)
		}
		if err != nil {
			return c.finish(err)
		}
	}
}

// take handles a frame, or has it handled.
func (c *Conn) take(f petrichor.Frame) error {
	id, has := lookup(f.Header, keyID)
	if has && id.Kind == 0 {
		return errHeader
	}
	if isPing(f) {
		return c.ping(id)
	}
	if c.slots != nil {
		return c.handleAside(f)
	}
	r := &c.request
	*r = Request{Peer: &c.peer, Frame: f, conn: c, id: id, hold: &c.stream.buffer, came: c.server.observing()}
	c.stream.ahead.begin()
	err := c.handle(r, false)
	c.stream.ahead.end()
	return err
}

// errHeader is a header that two readers could read differently.
var errHeader = &Error{Text: "malformed header"}

// handleAside has a copy of f handled by a goroutine of its own, when there is a
// place.
func (c *Conn) handleAside(f petrichor.Frame) error {
	if !c.findSlot() {
		return c.why(errLeft)
	}
	r := requests.Get().(*Request)
	*r = Request{Peer: &c.peer, Frame: f.Clone(), conn: c, came: c.server.observing()}
	r.id, _ = lookup(r.Frame.Header, keyID)
	r.hold = &r.own
	if !c.pass(r, int64(2*(len(f.Header)+len(f.Body)))) {
		return c.why(errLeft)
	}
	c.running.Add(1)
	go c.handleOne(r)
	return nil
}

// pass makes the n bytes that a frame takes the request's: those of the connection, which
// no longer needs them for it, and what is missing.  So what the connection has been lent
// is given back when the request is answered, and not waited for by it.
func (c *Conn) pass(r *Request, n int64) bool {
	if n <= freeValues {
		return true
	}
	flight := &c.server.flight
	flight.pass(&c.stream.buffer, r.hold, n)
	granted := flight.set(r.hold, n, c.ctx.Done())
	if !granted {
		flight.set(r.hold, 0, nil)
	}
	return granted
}

var requests = sync.Pool{New: func() any { return new(Request) }}

// handleOne handles a request that is in no order with others.
func (c *Conn) handleOne(r *Request) {
	defer c.running.Done()
	if err := c.handle(r, true); err != nil {
		c.cut(err)
	}
	*r = Request{}
	requests.Put(r)
	<-c.slots
}

// findSlot waits for a place, or until the connection ends, and reports which.
func (c *Conn) findSlot() bool {
	c.stream.ahead.begin()
	defer c.stream.ahead.end()
	select {
	case c.slots <- struct{}{}:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// handle calls the handler, and answers.
func (c *Conn) handle(r *Request, now bool) error {
	s := c.server
	if !s.handlers.try(&r.turn, 1) && !s.handlers.set(&r.turn, 1, c.ctx.Done()) { // Done allocates
		return c.why(errLeft)
	}
	frame := r.hold.n - r.own.n // stays as long as the connection reads nothing
	header, body, err := c.call(r)
	s.handlers.set(&r.turn, 0, nil)
	s.flight.set(r.hold, frame, nil)
	switch err {
	case nil:
		return c.reply(r, header, body, now)
	case ErrNoReply:
		return nil
	case errPanic:
		return err
	}
	return c.refuse(r, err, now)
}

func (c *Conn) call(r *Request) (header, body any, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = c.panicked(cause)
		}
	}()
	return c.server.Handle(c.ctx, r)
}

// reply sends what a handler has returned.
func (c *Conn) reply(r *Request, header, body any, now bool) error {
	if from, ok := body.(BodyFrom); ok {
		return c.replyFrom(r, header, from, now)
	}
	w := scratches.Get().(*scratch)
	defer w.free()
	f, err := w.frame(header, body, r.id, c.server.Options)
	if err != nil {
		return c.refuse(r, err, now)
	}
	if err := c.send(f, now); err != nil {
		return c.unsent(r, err, now)
	}
	c.server.observeFrame(FrameOut, c, f, r.came)
	return nil
}

// unsent is what becomes of a reply that was not sent.
func (c *Conn) unsent(r *Request, err error, now bool) error {
	if errors.As(err, new(*petrichor.TypeError)) {
		return c.refuse(r, err, now) // a Raw body that is none
	}
	return c.why(err)
}

// send sends a frame: now, but not before others who are ready have queued theirs.
func (c *Conn) send(f petrichor.Frame, now bool) error {
	if err := c.QueueFrame(f); err != nil || !now {
		return err
	}
	runtime.Gosched()
	return c.Flush()
}

// refuse answers a request with an error: that of an *Error, or that there is one.
func (c *Conn) refuse(r *Request, err error, now bool) error {
	header := petrichor.Header{keyError: "internal error"}
	if told := (*Error)(nil); errors.As(err, &told) {
		header[keyError] = told.Text
	} else {
		c.server.failed(c, "request failed", err.Error())
	}
	return c.reply(r, header, nil, now)
}

// finish is the end of a connection, given why.  The peer is told once when it was
// its fault; requests it has sent are still answered, but if it has left, soon.
func (c *Conn) finish(err error) error {
	var malformed *petrichor.SyntaxError
	if errors.As(err, &malformed) || errors.As(err, new(*Error)) {
		c.Queue(petrichor.Header{keyError: err.Error()}, nil)
	}
	if c.slots != nil && err != ErrServerClosed {
		c.leaves(err)
	}
	return err
}

// A scratch is where replies are made.
type scratch struct{ header, whole, body []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// maxScratch is how large it may be to be kept.
const maxScratch = 64 << 10

func (w *scratch) free() {
	if cap(w.header)+cap(w.whole)+cap(w.body) <= maxScratch {
		scratches.Put(w)
	}
}

// frame makes the frame of header and body, with an id in the header unless its
// Kind is 0.  It aliases them and w.
func (w *scratch) frame(header, body any, id petrichor.Element, opts []petrichor.Option) (f petrichor.Frame, err error) {
	if f.Header, err = raw(&w.header, header, emptyDict, opts); err != nil {
		return f, err
	}
	if f.Body, err = raw(&w.body, body, null, opts); err != nil {
		return f, err
	}
	if el, rest, err := cut(f.Header); err != nil || len(rest) > 0 || el.Kind != petrichor.KindDict {
		return f, fmt.Errorf("petrichor: header of a reply is not a dict: %T", header)
	}
	if id.Kind != 0 {
		w.whole = withEntry(w.whole[:0], f.Header, keyID, id)
		f.Header = w.whole
	}
	return f, nil
}

// What nil is sent as.
var emptyDict, null = petrichor.Raw("0:}"), petrichor.Raw("0:~")

// raw returns v encoded, in buf unless it is already.
func raw(buf *[]byte, v any, empty petrichor.Raw, opts []petrichor.Option) (petrichor.Raw, error) {
	switch v := v.(type) {
	case nil:
		return empty, nil
	case petrichor.Raw:
		if v == nil {
			return empty, nil
		}
		return v, nil
	case *petrichor.Raw:
		if v != nil && *v != nil {
			return *v, nil
		}
	}
	b, err := petrichor.MarshalAppend((*buf)[:0], v, opts...)
	*buf = b
	return b, err
}
