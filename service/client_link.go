package service

// A link is one connection of a Client, from the first frames to what breaks it.
//
// Every request outstanding is a call in a list, oldest first.  A reply finds its
// call by the id, or takes the oldest.  Three things may happen to a call, one of them
// and under the lock: it is answered, the link breaks, or its caller gives up.  A call
// given up stays in the list until its reply has come, since its place in the order is
// what keeps the replies of a peer without ids from the wrong callers.

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// maxGivenUp is how many calls may have been given up whose replies are still to come
// from a peer without ids.
const maxGivenUp = 4096

var (
	errGivenUp = errors.New("petrichor: the peer has left 4096 cancelled requests without a reply")
	errReply   = errors.New("petrichor: the header of a reply is malformed or has two ids")
)

type link struct {
	client *Client
	born   time.Time
	stream io.ReadWriteCloser
	broken chan struct{} // closed once err is set

	filters   []petrichor.Filter // of the options, and agreed on in the first frames
	outOfStep error              // what a filter has refused; under the lock

	lastID   atomic.Uint64
	received atomic.Int64 // frames

	mu  sync.Mutex
	err error // what broke it

	// The calls outstanding.  One that was alone when it began, and so is the oldest, is
	// not in byID.
	byID           map[uint64]*call
	oldest, newest *call
	givenUp        int
	labelled       bool // the peer has sent an id

	// Writing; see client_write.go.
	out       []byte        // frames queued
	frames    int           // how many
	queued    int64         // bytes since the beginning, those in out included
	begun     int64         // bytes since the beginning that a Write may have sent
	slots     chan struct{} // holds one for each frame in out, or on its way there
	space     chan struct{} // closed when out has been taken; nil while nobody waits for that
	writes    bool          // somebody does
	writer    *call         // whose caller writes and can be interrupted
	resumable bool          // a Write that is interrupted can be continued
	guard     *time.Timer   // the deadline of writing where the stream has none

	// Of the one who writes.
	crowded bool
	batch   []byte
	written int           // of batch
	flushed int64         // bytes since the beginning that are certainly sent
	renewed time.Duration // when the write deadline was, since born; 0: it was not; also under the lock

	// Reading; see client_read.go.
	reader  *call // whose caller reads
	readCut bool  // its Read has been interrupted
	idle    call  // whose caller is the goroutine that reads while nobody calls
	idling  *time.Timer
	idleAt  int64 // what had been received when idling last ran

	// Of the one who reads.
	parser *petrichor.Parser
	buf    []byte
	said   error // of the last frame without an id, which may be why the peer leaves
}

// A call is a request outstanding.  The link's lock guards it.
type call struct {
	link       *link
	id         uint64
	start      int64 // where in all that is sent its frame begins
	prev, next *call

	waits   bool // its caller waits to be woken
	done    bool
	givenUp bool
	reply   petrichor.Frame
	err     error
	wake    chan struct{} // has room for one

	// Of its caller: what ends a Read or a Write when the context is done.
	interrupt func()
	unwatch   func() bool
}

func newCall() any {
	q := &call{wake: make(chan struct{}, 1)}
	q.interrupt = q.interrupted
	return q
}

func newLink(c *Client, stream io.ReadWriteCloser) *link {
	return &link{
		client:    c,
		born:      time.Now(),
		stream:    stream,
		broken:    make(chan struct{}),
		filters:   petrichor.Filters(c.cfg.Options...),
		slots:     make(chan struct{}, maxQueuedFrames),
		resumable: canResume(stream),
		parser:    petrichor.NewParser(c.cfg.Options...),
	}
}

// request sends a frame and waits for the reply.
func (l *link) request(ctx context.Context, header, body any) (petrichor.Frame, error) {
	q := l.newCall()
	if err := l.post(ctx, q, true, header, body); err != nil {
		l.free(q)
		return petrichor.Frame{}, err
	}
	if !l.await(ctx, q) {
		return petrichor.Frame{}, &RequestError{Sent: true, Err: context.Cause(ctx)}
	}
	reply, err := q.reply, q.err
	l.free(q)
	return reply, err
}

// send sends a frame.
func (l *link) send(ctx context.Context, header, body any) error {
	q := l.newCall()
	err := l.post(ctx, q, false, header, body)
	l.free(q)
	return err
}

func (l *link) newCall() *call {
	q := l.client.spare.Swap(nil)
	if q == nil {
		q = l.client.calls.Get().(*call)
	}
	q.link = l
	q.id = l.lastID.Add(1)
	return q
}

// free gives q, which is not in the list, back for another request.
func (l *link) free(q *call) {
	if q.unwatch != nil && !q.unwatch() {
		return // interrupted is running, or will
	}
	select {
	case <-q.wake:
	default:
	}
	*q = call{wake: q.wake, interrupt: q.interrupt}
	if !l.client.spare.CompareAndSwap(nil, q) {
		l.client.calls.Put(q)
	}
}

// add puts q at the end of the list.
func (l *link) add(q *call) {
	q.prev = l.newest
	l.newest = q
	if q.prev == nil {
		l.oldest = q
		return
	}
	q.prev.next = q
	if l.byID == nil {
		l.byID = make(map[uint64]*call)
	}
	l.byID[q.id] = q
}

// remove takes q out of the list.
func (l *link) remove(q *call) {
	delete(l.byID, q.id)
	before, behind := &l.oldest, &l.newest
	if q.prev != nil {
		before = &q.prev.next
	}
	if q.next != nil {
		behind = &q.next.prev
	}
	*before, *behind = q.next, q.prev
	q.prev, q.next = nil, nil
	if q.givenUp {
		l.givenUp--
	}
}

// finish ends q and wakes its caller.
func (l *link) finish(q *call, reply petrichor.Frame, err error) {
	l.remove(q)
	q.reply, q.err, q.done = reply, err, true
	q.rouse()
}

// rouse makes the caller of q look again, who is going to anyway where he does not wait.
func (q *call) rouse() {
	if !q.waits {
		return
	}
	select {
	case q.wake <- struct{}{}:
	default: // he has been woken
	}
}

// await waits for the reply to q, reading where nobody else does, and reports whether
// there is one.  If not, q has been given up.
func (l *link) await(ctx context.Context, q *call) bool {
	l.mu.Lock()
	for !q.done && ctx.Err() == nil {
		if l.reader == nil {
			l.readAs(ctx, q)
			continue
		}
		l.sleep(ctx, q)
	}
	done := q.done
	tooMany := !done && l.giveUp(q)
	l.mu.Unlock()
	if tooMany {
		l.fail(errGivenUp)
	}
	return done
}

// sleep unlocks, waits for something to happen to q, and locks again.
func (l *link) sleep(ctx context.Context, q *call) {
	q.waits = true
	l.mu.Unlock()
	if ctx.Done() == nil {
		<-q.wake // costs half of a select
	} else {
		select {
		case <-q.wake:
		case <-ctx.Done():
		}
	}
	l.mu.Lock()
	q.waits = false
}

// giveUp leaves q to its reply, and reports whether that has been done too often.
func (l *link) giveUp(q *call) bool {
	if l.reader == nil {
		l.promote() // q may have been woken to read
	}
	if l.labelled { // its place in the order says nothing
		l.remove(q)
		return false
	}
	q.givenUp = true
	l.givenUp++
	return l.givenUp > maxGivenUp
}

// watch ends what the caller of q is going to do for others when ctx is done.
func (q *call) watch(ctx context.Context) {
	if q.unwatch == nil && ctx.Done() != nil {
		q.unwatch = context.AfterFunc(ctx, q.interrupt)
	}
}

func (q *call) interrupted() {
	l := q.link
	l.mu.Lock()
	defer l.mu.Unlock()
	l.interruptWrite(q)
	l.interruptRead(q)
}

// deliver hands out one frame, which is borrowed, and returns the call that ends with
// it, if one does.
func (l *link) deliver(f petrichor.Frame) (*call, error) {
	l.received.Add(1)
	f, err := l.inbound(f)
	if err != nil {
		return nil, err
	}
	id, labelled := idOf(f.Header)
	if labelled && id == 0 && !readable(f.Header) {
		return nil, errReply
	}
	own := clone(f)
	l.mu.Lock()
	if l.err != nil { // and the caller has been told
		l.mu.Unlock()
		return nil, l.err
	}
	q := l.find(id, labelled)
	if q != nil && !q.givenUp {
		l.finish(q, own, nil)
		l.mu.Unlock()
		return q, nil
	}
	if q != nil {
		l.remove(q)
	}
	l.mu.Unlock()
	if !labelled {
		l.said = errorOf(f.Header)
	}
	l.refuse(f, q != nil || id != 0 && id <= l.lastID.Load())
	return nil, nil
}

// inbound undoes what the peer's filters did.
func (l *link) inbound(f petrichor.Frame) (_ petrichor.Frame, err error) {
	for _, filter := range slices.Backward(l.filters) {
		if f, err = filter.Inbound(f); err != nil {
			return petrichor.Frame{}, err
		}
	}
	return f, nil
}

// find returns the call to which a frame is the reply, or nil.
func (l *link) find(id uint64, labelled bool) *call {
	if labelled {
		l.labelled = l.labelled || id != 0
		if l.oldest != nil && l.oldest.id == id {
			return l.oldest
		}
		return l.byID[id]
	}
	if l.labelled || l.client.cfg.OnlyIDs {
		return nil
	}
	return l.oldest
}

// refuse deals with a frame that nobody waits for: it comes late, or unsolicited.
func (l *link) refuse(f petrichor.Frame, late bool) {
	c := l.client
	switch {
	case late:
		c.late.Add(1)
	case c.cfg.Unsolicited != nil:
		c.cfg.Unsolicited(f)
	default:
		c.unsolicited.Add(1)
	}
}

// readable reports whether a header whose id is of no use could be read nevertheless.
func readable(header petrichor.Raw) bool {
	el, _ := lookup(header, keyID)
	return el.Kind != 0
}

// clone is f.Clone with one allocation for both.
func clone(f petrichor.Frame) petrichor.Frame {
	n := len(f.Header)
	b := make([]byte, n+len(f.Body))
	copy(b, f.Header)
	copy(b[n:], f.Body)
	return petrichor.Frame{Header: b[:n:n], Body: b[n:]}
}

// fail breaks the link, for the reason err unless there is one already.  What has been
// queued and not begun to be written is not sent.  It returns the error of closing the
// stream.
func (l *link) fail(err error) error {
	l.mu.Lock()
	return l.failAt(err, l.begun)
}

// failAt is fail where sent bytes may have been sent.  It unlocks.
func (l *link) failAt(err error, sent int64) error {
	if l.err != nil {
		l.mu.Unlock()
		return nil
	}
	l.err = err
	close(l.broken)
	for l.oldest != nil {
		q := l.oldest
		l.finish(q, petrichor.Frame{}, &RequestError{Sent: q.start < sent, Err: err})
	}
	for _, t := range []*time.Timer{l.idling, l.guard} {
		if t != nil {
			t.Stop()
		}
	}
	l.mu.Unlock()
	return l.stream.Close()
}
