package service

// A Client is a connection that many goroutines share, and what becomes of it
// when it breaks:
//
//	client.go        requests, and which of them are tried again
//	client_dial.go   connecting, first frames, backing off
//	client_link.go   one connection: which reply is whose
//	client_write.go  one of the callers writes for all
//	client_read.go   one of the callers reads for all
//	client_idle.go   nobody calls: reading all the same, and pings
//	client_frame.go  a request as bytes

import (
	"cmp"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A Client sends requests over one connection and gives each caller its own
// reply.  Any number of goroutines may use it at once.
//
// A request carries a header entry "id", an int that no other one outstanding has,
// and the reply with the same id is its reply.  A peer that knows nothing of ids
// answers in order, so until the peer has sent an id, a frame without one is the
// reply to the oldest request.
//
// There is no goroutine behind a Client in use: one of the callers that have
// something to send writes for all, and one that waits reads for all.
type Client struct {
	cfg     ClientConfig
	framers *framers
	spare   atomic.Pointer[call]
	calls   sync.Pool // of *call, where there are several at once
	link    atomic.Pointer[link]
	dial    *dialer // nil: there is nothing to dial
	closed  atomic.Bool

	late, unsolicited, connects atomic.Int64
}

// A ClientConfig is what a Client may be told.  The zero ClientConfig, and nil, are
// ready for use.
type ClientConfig struct {
	// Options are for reading replies and writing requests.  Filters of WithFilters are
	// those of each connection in turn; what has to begin anew with each is for
	// WithExtensions.
	Options []petrichor.Option

	// Dial connects; nil is that of a net.Dialer.  It is the place for TLS.
	Dial func(ctx context.Context, network, addr string) (io.ReadWriteCloser, error)

	// DialTimeout bounds connecting and the first frames where the context has no
	// deadline.  0 is 20 seconds.
	DialTimeout time.Duration

	// WriteTimeout is after how long without progress in writing the connection is
	// broken.  0 is 10 seconds; negative is none.
	WriteTimeout time.Duration

	// Unsolicited is called with each frame that is no reply, which is borrowed until
	// it returns, in the order in which they come.  While it runs nothing else is
	// received, so it must return soon and must not wait for a reply.  Where it is set,
	// a goroutine reads all the time.  nil drops such frames and counts them.
	Unsolicited func(petrichor.Frame)

	// OnlyIDs makes frames without an id unsolicited from the start: for a peer that
	// sends such frames before it has answered anything.
	OnlyIDs bool

	// Reconnect lets a request that finds the connection broken dial again, and
	// exchange first frames again.  Before each attempt but a first it waits for a
	// random time, of 50 milliseconds at first and of 30 seconds at most.
	Reconnect bool

	// Attempts is how often one request may be tried in all.  0 and 1 are once.  A
	// second time is tried what has not been handled for certain, and what Idempotent
	// has marked.
	Attempts int

	// Ping is how long nothing may be received before a ping is sent, a request whose
	// header is PingHeader and whose reply may be anything.  Two in a row without a
	// reply break the connection.  0 is never.
	Ping time.Duration

	// PingHeader is the header of a ping.  nil is {"ping": true}.
	PingHeader any
}

// ClientStats counts what a Client has done since it began.
type ClientStats struct {
	Late        int64 // replies dropped: to requests that were cancelled, or answered already
	Unsolicited int64 // frames dropped that no request waited for
	Connects    int64 // connections, the first one included
}

// Dial connects to addr, sends the first frame of header and body, and returns a
// Client and the peer's answer.  An answer that does not let us in is ErrDenied, and
// is returned all the same.
func Dial(ctx context.Context, network, addr string, header, body any, cfg *ClientConfig) (*Client, petrichor.Frame, error) {
	c := newClient(cfg)
	first, err := firstFrame(header, body, c.cfg.Options)
	if err != nil {
		return nil, petrichor.Frame{}, err
	}
	c.dial = newDialer(c, network, addr, first)
	l, answer, err := c.dial.connect(ctx)
	if err != nil {
		return nil, answer, err
	}
	c.link.Store(l)
	return c, answer, nil
}

// firstFrame returns the frame of header, with what the extensions offer, and body.
func firstFrame(header, body any, opts []petrichor.Option) ([]byte, error) {
	raw, err := petrichor.Offer(header, opts...)
	if err != nil {
		return nil, err
	}
	return petrichor.AppendFrame(nil, raw, body, opts...)
}

// NewClient returns a Client on a stream, on which the first frames have been
// exchanged or are not wanted.  It cannot reconnect.
func NewClient(stream io.ReadWriteCloser, cfg *ClientConfig) *Client {
	c := newClient(cfg)
	l := newLink(c, stream)
	c.link.Store(l)
	l.start()
	return c
}

func newClient(cfg *ClientConfig) *Client {
	c := new(Client)
	if cfg != nil {
		c.cfg = *cfg
	}
	c.cfg.DialTimeout = cmp.Or(c.cfg.DialTimeout, 20*time.Second)
	c.cfg.WriteTimeout = cmp.Or(c.cfg.WriteTimeout, 10*time.Second)
	if c.cfg.PingHeader == nil {
		c.cfg.PingHeader = petrichor.Header{"ping": true}
	}
	c.calls.New = newCall
	c.spare.Store(newCall().(*call))
	c.framers = plainFramers
	if len(c.cfg.Options) > 0 {
		c.framers = newFramers(c.cfg.Options)
	}
	return c
}

// Request sends a frame and returns the reply to it, which is the caller's to keep.
// An id that header has is replaced, in the bytes that are sent.
//
// A reply whose header has a string "error" is returned together with an *Error.  A
// request without a reply is a *RequestError, which says whether it may have been
// handled: after ctx is done too, which ends waiting and not what the peer does.  Any
// other error is of a header or body that cannot be marshaled; nothing has been sent.
func (c *Client) Request(ctx context.Context, header, body any) (petrichor.Frame, error) {
	for attempt := 1; ; attempt++ {
		reply, err := c.try(ctx, header, body)
		if err == nil {
			return reply, errorOf(reply.Header)
		}
		if attempt >= c.cfg.Attempts || !again(ctx, err) {
			return petrichor.Frame{}, err
		}
	}
}

func (c *Client) try(ctx context.Context, header, body any) (petrichor.Frame, error) {
	l, err := c.connected(ctx)
	if err != nil {
		return petrichor.Frame{}, &RequestError{Err: err}
	}
	return l.request(ctx, header, body)
}

// again reports whether a request that ended with err may be tried again.
func again(ctx context.Context, err error) bool {
	if ctx.Err() != nil || errors.Is(err, ErrClientClosed) || errors.Is(err, ErrDenied) {
		return false
	}
	return errors.Is(err, ErrNotSent) || errors.Is(err, ErrMaybeHandled) && ctx.Value(idempotent{}) != nil
}

type idempotent struct{}

// Idempotent marks the requests made with the context that it returns: handled
// twice, they do what they do once.  A Client that may try more than once tries them
// again also when they may have been handled.
func Idempotent(ctx context.Context) context.Context {
	return context.WithValue(ctx, idempotent{}, true)
}

// Send sends a frame to which no reply is wanted; one that comes is dropped.  So that
// it can be told from others, a header without an id gets one.  A peer that does not
// send ids and answers every frame needs Request instead.
//
// Send returns when the frame has been written, or stands in line while another
// goroutine writes; a connection that breaks then takes it along.  Errors are those of
// Request.
func (c *Client) Send(ctx context.Context, header, body any) error {
	for attempt := 1; ; attempt++ {
		l, err := c.connected(ctx)
		if err != nil {
			err = &RequestError{Err: err}
		} else {
			err = l.send(ctx, header, body)
		}
		if err == nil || attempt >= c.cfg.Attempts || !again(ctx, err) {
			return err
		}
	}
}

// Stats returns what has been counted so far.
func (c *Client) Stats() ClientStats {
	return ClientStats{
		Late:        c.late.Load(),
		Unsolicited: c.unsolicited.Load(),
		Connects:    c.connects.Load(),
	}
}

// Close closes the connection and ends what waits with ErrClientClosed.
func (c *Client) Close() error {
	c.closed.Store(true)
	if c.dial != nil {
		c.dial.stop()
	}
	return c.link.Load().fail(ErrClientClosed)
}
