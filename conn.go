package petrichor

// The helpers of the first petrichor, each a few lines over a Decoder and an
// outbox.  A connection begins with one frame each way, the first frames:
//
//	peer that connects                    peer that accepts
//	Connect  ---- who I am ------------>  Accept
//	         <--- allowed: true --------  Allow, or Deny
//	Send     ---- HEADER,BODY --------->  Recv
//	Recv     <--- HEADER,BODY ----------  Send

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
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
// Any number of goroutines may send while one receives: frames do not
// interleave.  Two that Request at once would take each other's answers.  After
// an error of the stream the Conn cannot be used in that direction any more;
// Close it.
type Conn struct {
	rwc     io.ReadWriteCloser
	filters []Filter
	opts    []Option // where they have extensions
	offered Raw      // the header of the peer's first frame; likewise

	// Receiving.
	dec    *Decoder
	stream waiter // rwc, where it is one; else nil
	holder holder // likewise
	idle   func() // lessen
	held   int    // bytes that holder counts for what is read into
	made   int    // and beside them for what filters make of the last frame

	// Sending.
	out      outbox
	outbound sync.Mutex // held while filters make a frame

	waiting atomic.Bool // the first frames have not both been exchanged
}

// NewConn returns a Conn on rwc, with the limits of a stream.  No first frames
// are exchanged.
func NewConn(rwc io.ReadWriteCloser, opts ...Option) *Conn {
	c := &Conn{rwc: rwc, dec: NewDecoder(rwc, opts...)}
	c.filters = c.dec.p.config.filters
	if len(c.dec.p.config.extensions) > 0 {
		c.opts = opts
	}
	c.out.init(rwc, onSlice(opts))
	c.dec.before = c.beforeRead
	if stream, ok := rwc.(waiter); ok {
		c.stream, c.idle = stream, c.lessen
	}
	c.holder, _ = rwc.(holder)
	return c
}

// A waiter is a stream on which one can wait without a buffer.  WaitRead returns
// when Read would return at once; it calls idle before it waits.
type waiter interface{ WaitRead(idle func()) error }

// A holder is a stream that counts the memory of its Conn.  Hold is called before
// some is taken to read into, with how many bytes have to be held, all together, and
// how many would be of use; it returns how many may be, or waits until they may.  What
// is given back is told after it has been, and is not waited for.  HoldQueued is
// likewise called with how many bytes are queued to be written, and does not wait: it
// reports whether they may be.
type holder interface {
	Hold(need, use int) (int, error)
	HoldQueued(n int) bool
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
	err = c.Within(ctx, func() (err error) {
		answer, err = c.Greet(header, body)
		return err
	})
	if err != nil {
		c.Close()
		return nil, Frame{}, err
	}
	return c, answer, nil
}

// Greet is Connect on a stream that is open already, for a Conn of NewConn: it sends
// the first frame, and returns the peer's answer.  After an error the Conn is of no
// use.
func (c *Conn) Greet(header, body any) (Frame, error) {
	c.waiting.Store(true)
	answer, err := c.greet(header, body)
	if err == nil {
		c.waiting.Store(false)
	}
	return answer, err
}

// greet exchanges the first frames.
func (c *Conn) greet(header, body any) (answer Frame, err error) {
	if c.opts != nil {
		if header, err = Offer(header, c.opts...); err != nil {
			return Frame{}, err
		}
	}
	if err = c.Send(header, body); err != nil {
		return Frame{}, err
	}
	if answer, err = c.recv(); err != nil {
		return Frame{}, err
	}
	filters, err := c.dec.p.config.agree(answer.Header, c.limits())
	c.filters = append(slices.Clip(c.filters), filters...)
	return answer, err
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
	if c.opts != nil {
		c.offered = first.Header
	}
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
//
// When no whole frame has arrived yet, what is queued is sent before Recv waits
// for one, and an error of that is Recv's.
func (c *Conn) Recv() (Frame, error) {
	if c.waiting.Load() {
		return Frame{}, ErrNotAllowed
	}
	return c.recv()
}

func (c *Conn) recv() (Frame, error) {
	f, err := c.next()
	return f.Clone(), err
}

// Next is Recv without a copy: the frame is valid until the next call of Recv,
// Next or Request.
func (c *Conn) Next() (Frame, error) {
	if c.waiting.Load() {
		return Frame{}, ErrNotAllowed
	}
	if len(c.filters) == 0 && c.dec.body == nil && c.dec.err == nil {
		if b, body, end := c.dec.p.whole(); end > 0 { // as most are, where many come at once
			return Frame{Raw(b[:body:body]), Raw(b[body:end:end])}, nil
		}
	}
	return c.next()
}

func (c *Conn) next() (Frame, error) {
	f, err := c.dec.ReadFrame()
	if err != nil {
		c.out.flushBehind() // the peer may have closed only its own direction
		return Frame{}, err
	}
	if len(c.filters) == 0 {
		return f, nil
	}
	return c.inbound(f)
}

// inbound passes f through the filters.  It is not a part of next because what waits for
// a peer has to have a small stack.
func (c *Conn) inbound(f Frame) (_ Frame, err error) {
	if c.made > 0 {
		c.hold(c.held, c.held)
	}
	begin := c.dec.Offset() - int64(len(f.Header)+len(f.Body))
	for _, filter := range slices.Backward(c.filtersNow()) {
		if f, err = filter.Inbound(f); err != nil {
			return Frame{}, c.dec.final(shift(err, begin))
		}
	}
	return f, nil
}

// Buffered returns how many bytes have been received and not yet returned.
func (c *Conn) Buffered() int { return c.dec.unread() }

// beforeRead is called when no whole frame is buffered.
func (c *Conn) beforeRead() error {
	if err := c.out.flushBehind(); err != nil {
		return err
	}
	if c.stream != nil {
		if err := c.stream.WaitRead(c.idle); err != nil {
			return err
		}
	}
	return c.makeRoom()
}

// makeRoom has memory for the next read ready.
func (c *Conn) makeRoom() error {
	p := &c.dec.p
	if g := c.dec.large; g != nil {
		return c.holdPieces(g)
	}
	need, use := p.sizes(c.stream != nil)
	size, err := c.hold(need, use)
	if err == nil {
		p.prepare(size, c.stream != nil)
	}
	return err
}

// holdPieces holds what something large grows by with the next read: twice what
// has arrived of it, and in the end twice the whole.  The buffer is of no use
// meanwhile, once nothing is in it.
func (c *Conn) holdPieces(g *pieces) error {
	buffer := cap(c.dec.p.buf)
	if c.dec.p.Buffered() == 0 {
		c.dec.p.lessen()
		buffer = 0
	}
	n := g.growth(c.dec.p.Buffered())
	if n == 0 {
		return nil
	}
	n = max(2*g.size, g.size+n) + buffer
	_, err := c.hold(n, n)
	return err
}

func (c *Conn) hold(need, use int) (size int, err error) {
	if c.holder == nil {
		return use, nil
	}
	c.made = 0
	c.held, err = c.holder.Hold(need, use)
	return c.held, err
}

// holdMade holds n bytes, twice, for what a filter makes of the last frame.  Like
// beforeRead it may wait, so what is queued is sent.
func (c *Conn) holdMade(n int64) error {
	if c.holder == nil || n <= smallBuffer {
		return nil
	}
	if err := c.out.flushBehind(); err != nil {
		return err
	}
	made := c.made + 2*int(min(n, math.MaxInt/4))
	_, err := c.holder.Hold(c.held+made, c.held+made)
	if err == nil {
		c.made = made
	}
	return err
}

// limits are those of the filters of extensions.
func (c *Conn) limits() Limits {
	l := c.dec.p.config.limits(c.opts)
	l.Hold = c.holdMade
	return l
}

// lessen gives the buffer back while the stream waits.
func (c *Conn) lessen() {
	if c.dec.large != nil {
		return
	}
	c.dec.p.lessen()
	size := cap(c.dec.p.buf)
	c.hold(size, size)
}

// Send sends one frame, and before it those that are queued.  It returns when
// they have been written; what other goroutines send meanwhile may leave in the
// same Write.
func (c *Conn) Send(header, body any) error { return c.send(header, body, true) }

// Queue puts one frame into a buffer of 32 KiB, to be sent together with others:
// when that is full, with the next Send or Flush, or before Recv or Next of the
// same goroutine wait for the peer.  So one who answers many frames that came
// together sends the answers together, and a single one at once.
//
// The bytes of header and body are the caller's again when Queue returns.  An
// error of the stream is that of the call that writes, and of all after it.
func (c *Conn) Queue(header, body any) error { return c.send(header, body, false) }

// SendFrame is Send for a frame that has been received or made by AppendFrame.
// It verifies the outer layer only, like Recv, and allocates nothing.
func (c *Conn) SendFrame(f Frame) error { return c.sendFrame(f, true) }

// QueueFrame is Queue for a frame, as SendFrame is Send.
func (c *Conn) QueueFrame(f Frame) error { return c.sendFrame(f, false) }

// SendFrames is SendFrame for several, which leave in one Write.
func (c *Conn) SendFrames(s Frames) error {
	if s.Len() > 0 && len(c.filtersNow()) == 0 && s.isAllowed(c.out.config) {
		return c.out.add(s.b, nil, true)
	}
	for i := range s.Len() {
		if err := c.sendFrame(s.frame(i), false); err != nil {
			return err
		}
	}
	return c.out.flush()
}

// SendFrom is Send of a string body of size bytes that are read from r, or of the
// kind of a whole Body that r is.  The body is never held as a whole: it is moved as
// WriteFrameFrom moves it, and the frames of others wait for it.  r is not read past
// size, and an r that ends before, or fails, is an error after which nothing can be
// sent any more: the size has been.  A Conn with filters cannot, which is
// errors.ErrUnsupported.
func (c *Conn) SendFrom(header any, size int64, r io.Reader) error {
	if len(c.filtersNow()) > 0 {
		return fmt.Errorf("petrichor: SendFrom past filters: %w", errors.ErrUnsupported)
	}
	return c.out.sendFrom(header, size, r)
}

// Flush sends what is queued.
func (c *Conn) Flush() error { return c.out.flush() }

func (c *Conn) send(header, body any, now bool) error {
	if len(c.filtersNow()) == 0 {
		return c.out.send(header, body, now)
	}
	w := newWriter(c.out.config)
	defer w.free()
	if err := w.frame(header, body); err != nil {
		return err
	}
	return c.sendFrame(c.out.cutOwn(w.bytes()), now)
}

func (c *Conn) sendFrame(f Frame, now bool) error {
	filters := c.filtersNow()
	if len(filters) == 0 {
		return c.out.sendFrame(f, now)
	}
	if err := c.queueFiltered(f, filters); err != nil || !now {
		return err
	}
	return c.out.flush()
}

// queueFiltered has the filters to itself until what they made is in the buffer.  Once
// one of them has made something of a frame that is not sent after all, it may no
// longer be in step with its peer, and nothing can be sent any more.
func (c *Conn) queueFiltered(f Frame, filters []Filter) (err error) {
	c.outbound.Lock()
	defer c.outbound.Unlock()
	if f, err = c.out.whole(f); err != nil {
		return err
	}
	for i, filter := range filters {
		f, err = filter.Outbound(f)
		if err != nil && i == 0 {
			return err
		}
		if err != nil {
			return c.out.fail(err)
		}
	}
	if err := c.out.sendFrame(f, false); err != nil {
		return c.out.fail(err)
	}
	return nil
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
	header, filters := c.choose(header)
	if err := c.answer(header, true, body); err != nil {
		return err
	}
	c.filters = append(slices.Clip(c.filters), filters...)
	c.offered = nil
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

// choose returns the filters chosen from what the peer has offered, and header with
// what to answer.  Like inbound it is apart to keep stacks small.
func (c *Conn) choose(header Header) (Header, []Filter) {
	if c.offered == nil {
		return header, nil
	}
	answer, filters := c.dec.p.config.choose(c.offered, c.limits())
	for key, value := range header {
		if _, taken := answer[key]; !taken {
			answer[key] = value
		}
	}
	return answer, filters
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
