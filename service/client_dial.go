package service

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 30 * time.Second
)

// A dialer makes the connections of a Client, one at a time and when a request wants
// one.
type dialer struct {
	client        *Client
	network, addr string
	first         []byte // the first frame

	ctx  context.Context // of dialing that serves several requests
	stop context.CancelFunc

	mu    sync.Mutex
	now   *dialing // under way
	dials int      // without a reply since
}

// A dialing is one attempt to connect.
type dialing struct {
	done chan struct{}
	link *link
	err  error
}

func newDialer(c *Client, network, addr string, first []byte) *dialer {
	d := &dialer{client: c, network: network, addr: addr, first: first}
	d.ctx, d.stop = context.WithCancel(context.Background())
	return d
}

// connected returns a link that is not broken.
func (c *Client) connected(ctx context.Context) (*link, error) {
	l := c.link.Load()
	if !l.isBroken() {
		return l, nil
	}
	if c.closed.Load() {
		return nil, ErrClientClosed
	}
	if c.dial == nil || !c.cfg.Reconnect {
		return nil, l.err
	}
	return c.dial.redial(ctx)
}

// redial waits for the attempt to connect that is under way, or begins one.
func (d *dialer) redial(ctx context.Context) (*link, error) {
	d.mu.Lock()
	l := d.client.link.Load()
	if !l.isBroken() {
		d.mu.Unlock()
		return l, nil
	}
	if d.now == nil {
		d.now = &dialing{done: make(chan struct{})}
		go d.run(d.now, d.wait(l))
	}
	now := d.now
	d.mu.Unlock()
	select {
	case <-now.done:
		return now.link, now.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// wait returns how long to wait before dialing, after broken.  It is random all the way
// down to nothing, since the clients of a server that restarts come all at once.
func (d *dialer) wait(broken *link) time.Duration {
	if broken.received.Load() > 0 {
		d.dials = 0
	}
	most := min(maxBackoff, minBackoff<<min(d.dials, 16))
	d.dials++
	return rand.N(most)
}

// run connects after a while, for those who wait for now.
func (d *dialer) run(now *dialing, wait time.Duration) {
	select {
	case <-time.After(wait):
		now.link, _, now.err = d.connect(d.ctx)
	case <-d.ctx.Done():
		now.err = ErrClientClosed
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = nil
	if now.err == nil {
		d.client.link.Store(now.link)
	}
	if d.client.closed.Load() {
		d.client.link.Load().fail(ErrClientClosed)
		now.err = ErrClientClosed
	}
	close(now.done)
}

// connect dials, and exchanges first frames.
func (d *dialer) connect(ctx context.Context) (*link, petrichor.Frame, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.client.cfg.DialTimeout)
		defer cancel()
	}
	stream, err := d.open(ctx)
	if err != nil {
		return nil, petrichor.Frame{}, err
	}
	l := newLink(d.client, stream)
	answer, err := l.greet(ctx, d.first)
	if err == nil && !allowed(answer.Header) {
		err = ErrDenied
	}
	if err == nil {
		err = l.agree(answer)
	}
	if err != nil {
		l.fail(err)
		return nil, answer, err
	}
	l.start()
	return l, answer, nil
}

// agree adds the filters that the peer's answer agrees to.
func (l *link) agree(answer petrichor.Frame) error {
	filters, err := petrichor.Agree(answer.Header, l.client.cfg.Options...)
	l.filters = append(slices.Clip(l.filters), filters...)
	return err
}

// allowed is petrichor.Allowed, of keys that are text too.
func allowed(header petrichor.Raw) bool {
	el, ok := lookup(header, "allowed")
	return !ok || el.Kind == petrichor.KindBool && string(el.Payload) == "true"
}

func (d *dialer) open(ctx context.Context) (io.ReadWriteCloser, error) {
	if dial := d.client.cfg.Dial; dial != nil {
		return dial(ctx, d.network, d.addr)
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, d.network, d.addr)
}

// greet sends the first frame and returns the answer.
func (l *link) greet(ctx context.Context, first []byte) (answer petrichor.Frame, err error) {
	stop := context.AfterFunc(ctx, func() { l.fail(context.Cause(ctx)) })
	if _, err = l.stream.Write(first); err == nil {
		answer, err = l.readAnswer()
	}
	if !stop() {
		return petrichor.Frame{}, context.Cause(ctx)
	}
	return answer, err
}

func (l *link) readAnswer() (petrichor.Frame, error) {
	for n := 0; ; {
		f, err := l.parser.Next()
		if err != petrichor.ErrShort {
			return clone(f), err
		}
		n, err = l.stream.Read(l.readInto(n))
		l.parser.Feed(l.buf[:n])
		if n == 0 && err != nil {
			return petrichor.Frame{}, l.ending(err)
		}
	}
}
