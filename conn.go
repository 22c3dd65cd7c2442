package petrichor

// The helpers of the first petrichor, each a few lines over a Decoder and an
// Encoder.  A connection begins with one frame each way, the first frames:
//
//	peer that connects                    peer that accepts
//	Connect  ---- who I am ------------>  Accept
//	         <--- allowed: true --------  Allow, or Deny
//	Send     ---- HEADER,BODY --------->  Recv
//	Recv     <--- HEADER,BODY ----------  Send

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Header is the ordinary Go form of a frame's header where no struct is
// wanted.
type Header map[string]any

// connectTimeout bounds Connect where its context has no deadline.
const connectTimeout = 20 * time.Second

// ErrNotAllowed is returned by Recv of a Conn from Accept until Allow has been
// called: one frame is all that is read from a peer nobody has allowed.
var ErrNotAllowed = errors.New("petrichor: Recv from a peer that has not been allowed")

// A Conn sends and receives frames on one byte stream.
//
// Any number of goroutines may Send while one receives: frames do not
// interleave.  Two that Request at once would take each other's answers.  After
// an error of the stream the Conn cannot be used in that direction any more;
// Close it.
type Conn struct {
	rwc     io.ReadWriteCloser
	filters []Filter

	// Receiving.
	dec *Decoder

	// Sending.
	mu  sync.Mutex
	enc *Encoder

	waiting atomic.Bool // the first frames have not both been exchanged
}

// NewConn returns a Conn on rwc, with the limits of a stream.  No first frames
// are exchanged.
func NewConn(rwc io.ReadWriteCloser, opts ...Option) *Conn {
	return &Conn{
		rwc:     rwc,
		filters: onStream(opts).filters,
		dec:     NewDecoder(rwc, opts...),
		enc:     NewEncoder(rwc, opts...),
	}
}

// Connect dials addr, sends the first frame, and returns the peer's answer.
// Whether the answer allows us in is for Allowed to say: being denied is not an
// error.  Without a deadline in ctx it takes at most 20 seconds.
func Connect(ctx context.Context, network, addr string, header, body any, opts ...Option) (*Conn, Frame, error) {
	ctx, cancel := context.WithTimeout(ctx, timeLeft(ctx))
	defer cancel()
	var dialer net.Dialer
	stream, err := dialer.DialContext(ctx, network, addr)
	if err != nil {
		return nil, Frame{}, err
	}
	c := NewConn(stream, opts...)
	var answer Frame
	c.waiting.Store(true)
	err = c.Within(ctx, func() (err error) {
		if err = c.Send(header, body); err == nil {
			answer, err = c.recv()
		}
		return err
	})
	if err != nil {
		c.Close()
		return nil, Frame{}, err
	}
	c.waiting.Store(false)
	return c, answer, nil
}

func timeLeft(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return time.Until(deadline)
	}
	return connectTimeout
}

// Accept receives the peer's first frame from rwc.  Header and body together may
// have 16 KiB, whatever the options say.  Answer with Allow or Deny; until Allow
// nothing more is read.  Accept does not close rwc when it fails.
//
// A silent peer keeps Accept waiting for as long as rwc lets it: set a read
// deadline on rwc first, or use NewConn and Within.
func Accept(rwc io.ReadWriteCloser, opts ...Option) (*Conn, Frame, error) {
	c := NewConn(rwc, opts...)
	lifted := c.dec.p.config
	limited := *lifted
	limited.maxFrame = admissionSize
	c.dec.p.config = &limited
	c.waiting.Store(true)
	first, err := c.recv()
	if err != nil {
		return nil, Frame{}, err
	}
	c.dec.p.config = lifted
	return c, first, nil
}

// Allowed reports whether the answer to a first frame lets us in: whether its
// key "allowed" is true, or absent.  A header that is malformed, that has the
// key twice, or that has something other than a bool there does not.
func Allowed(header Raw) bool {
	answer := struct {
		Allowed any `tnet:"allowed"`
	}{true}
	err := Unmarshal(header, &answer)
	return err == nil && answer.Allowed == true
}

// Recv returns the next frame, which is the caller's to keep.  It verifies the
// outer layer only, like CutFrame.  io.EOF is a stream that ended between
// frames.
func (c *Conn) Recv() (Frame, error) {
	if c.waiting.Load() {
		return Frame{}, ErrNotAllowed
	}
	return c.recv()
}

func (c *Conn) recv() (Frame, error) {
	f, err := c.dec.ReadFrame()
	if err != nil {
		return Frame{}, err
	}
	for _, filter := range slices.Backward(c.filtersNow()) {
		if f, err = filter.Inbound(f); err != nil {
			return Frame{}, c.dec.final(err)
		}
	}
	return f.Clone(), nil
}

// Send sends one frame, in one Write.
func (c *Conn) Send(header, body any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	filters := c.filtersNow()
	if len(filters) == 0 {
		return c.enc.WriteFrame(header, body)
	}
	f, err := c.enc.frame(header, body)
	for _, filter := range filters {
		if err == nil {
			f, err = filter.Outbound(f)
		}
	}
	if err != nil {
		return err
	}
	return c.enc.WriteFrame(f.Header, f.Body)
}

// filtersNow returns the filters, none of which sees a first frame: a peer that
// has not been allowed gets nothing inflated.
func (c *Conn) filtersNow() []Filter {
	if c.waiting.Load() {
		return nil
	}
	return c.filters
}

// Request sends one frame and receives the next.
func (c *Conn) Request(header, body any) (Frame, error) {
	if err := c.Send(header, body); err != nil {
		return Frame{}, err
	}
	return c.Recv()
}

// Allow answers the peer's first frame with header, in which "allowed" is true,
// and body; from then on Recv can be used.  The header given is not changed.
func (c *Conn) Allow(header Header, body any) error {
	if err := c.answer(header, true, body); err != nil {
		return err
	}
	c.waiting.Store(false)
	return nil
}

// Deny answers the peer's first frame with header, in which "allowed" is false,
// and body.  Close the Conn then.  The header given is not changed.
func (c *Conn) Deny(header Header, body any) error {
	return c.answer(header, false, body)
}

func (c *Conn) answer(header Header, allowed bool, body any) error {
	answer := make(Header, len(header)+1)
	maps.Copy(answer, header)
	answer["allowed"] = allowed
	return c.Send(answer, body)
}

// Close closes the stream.  What waits in Recv or Send returns with an error.
func (c *Conn) Close() error { return c.rwc.Close() }

// aLongTimeAgo is a deadline that has passed.
var aLongTimeAgo = time.Unix(1, 0)

// Within runs do, which uses the Conn, and ends what it waits for when ctx is
// done: with the deadline of the stream where it has one (a net.Conn does), by
// closing it where it has not, or has one that does not work (a file).  The error is then that of ctx.
//
//	err := c.Within(ctx, func() (err error) {
//		reply, err = c.Request(header, body)
//		return err
//	})
//
// A frame may have been cut in two by then, so the Conn is not fit for use after
// such an error.  The deadline holds for both directions, and is lifted when
// Within returns.
func (c *Conn) Within(ctx context.Context, do func() error) error {
	interrupt := func() { c.rwc.Close() }
	if stream, ok := c.rwc.(interface{ SetDeadline(time.Time) error }); ok {
		interrupt = func() {
			if stream.SetDeadline(aLongTimeAgo) != nil {
				c.rwc.Close()
			}
		}
		defer stream.SetDeadline(time.Time{})
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		interrupt()
		close(interrupted)
	})
	err := do()
	if !stop() {
		<-interrupted // so that it does not come after the deadline is lifted
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
