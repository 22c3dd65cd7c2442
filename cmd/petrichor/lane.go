package main

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A lane is one connection under load.
//
// Its reader also sends what a reply has made room for, in one Write: one goroutine and no wakeups.
// Only where that could block both ends, each waiting for the other to read, or where requests are
// due at times of their own, has a lane a writer beside its reader.
type lane struct {
	load   *load
	nth    int
	stream net.Conn
	parser *petrichor.Parser
	tally  *tally
	wake   chan struct{} // there may be something to send; nil: the reader does that
	done   chan struct{} // the stream is closed

	out []byte // what is written next

	mu     sync.Mutex
	slots  []pending // where flight lies
	flight []pending // the oldest first
	sent   int64
	closed bool
}

// A pending request is in flight.  Times are since the start of the load.
type pending struct {
	id        int64
	due, sent time.Duration
}

const (
	inlineBytes = 32 << 10 // in flight on a lane: sockets hold as much each way without being read
	batchBytes  = 64 << 10 // of one Write
	readBytes   = 16 << 10 // of one Read
)

func newLane(l *load, stream net.Conn, t *tally) *lane {
	n := &lane{
		load:   l,
		stream: stream,
		parser: petrichor.NewParser(l.options...),
		tally:  t,
		done:   make(chan struct{}),
		slots:  make([]pending, 0, 2*l.window),
	}
	_, isSocket := stream.(syscall.Conn)
	if l.rate > 0 || !isSocket || l.window*len(l.request.frame) > inlineBytes {
		n.wake = make(chan struct{}, 1)
	}
	return n
}

// greet sends the first frame and wants an answer that allows us in.
func (n *lane) greet() error {
	if n.load.timeout > 0 {
		n.stream.SetDeadline(time.Now().Add(n.load.timeout))
		defer n.stream.SetDeadline(time.Time{})
	}
	if _, err := n.stream.Write(n.load.ident); err != nil {
		return err
	}
	buf := make([]byte, 4<<10)
	for {
		answer, err := n.parser.Next()
		if err == nil && !petrichor.Allowed(answer.Header) {
			return fail(exitDenied, "denied: %s; say who you are with --ident k=v", reading(answer.Body, 80))
		}
		if err != petrichor.ErrShort {
			return err
		}
		m, err := n.stream.Read(buf)
		n.parser.Feed(buf[:m])
		if err != nil && m == 0 {
			return ending(err)
		}
	}
}

// ending is what an error of a stream means before all replies are there.
func ending(err error) error {
	if _, ok := errors.AsType[*petrichor.SyntaxError](err); ok || codeOf(err) == exitTimeout {
		return err
	}
	return fail(exitClosed, "the peer closed the connection: %v", err)
}

// begin starts the goroutines of a lane.
func (n *lane) begin() {
	if n.wake != nil {
		n.load.running.Go(n.write)
	}
	n.load.running.Go(n.read)
}

// poke makes the writer look whether there is something to send.
func (n *lane) poke() {
	select {
	case n.wake <- struct{}{}:
	default: // it will look anyway, or there is none
	}
}

// write is the lane's writer.
func (n *lane) write() {
	for {
		n.refill()
		select {
		case <-n.wake:
		case <-n.done:
			return
		}
	}
}

// read is the lane's reader.
func (n *lane) read() {
	buf := make([]byte, readBytes)
	var landed []landing
	for err := error(nil); ; {
		if landed, err = n.land(landed[:0], err); err != nil {
			n.close(err)
			return
		}
		n.tally.add(landed)
		if n.wake == nil {
			n.refill()
		}
		n.poke()
		var m int
		m, err = n.stream.Read(buf)
		n.parser.Feed(buf[:m])
	}
}

// A landing is a reply to a request.
type landing struct {
	pending
	at      time.Duration // since the start
	size    int           // of the reply, in bytes
	refused bool          // an error is the answer
}

// land takes all replies that have arrived whole; err is what the stream has come to.
func (n *lane) land(landed []landing, err error) ([]landing, error) {
	now := n.load.now()
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		f, short := n.parser.Next()
		if short == petrichor.ErrShort {
			return landed, err
		}
		if short != nil {
			return landed, short
		}
		id, refused := replyOf(f.Header)
		r, ok := n.take(id)
		if !ok {
			n.tally.stray()
			continue
		}
		if r.due >= n.load.warmup {
			landed = append(landed, landing{r, now, len(f.Header) + len(f.Body), refused})
		}
	}
}

// take takes a request out of flight: that with this id, or the oldest where id is 0.
func (n *lane) take(id int64) (pending, bool) {
	for i, r := range n.flight {
		if r.id != id && id != 0 {
			continue
		}
		copy(n.flight[1:i+1], n.flight[:i])
		n.flight = n.flight[1:]
		return r, true
	}
	return pending{}, false
}

// refill sends what may be sent now, or closes a lane that has nothing to do any more.
func (n *lane) refill() {
	for n.fill() {
		if _, err := n.stream.Write(n.out); err != nil {
			n.close(err)
			return
		}
	}
}

// fill puts as many requests as may be sent now, and fit into a Write, in flight and in n.out.
func (n *lane) fill() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.load.now()
	room := n.load.window - len(n.flight)
	batch := min(room, max(1, batchBytes/len(n.load.request.frame)))
	many := n.owed(now, int64(batch))
	if many == 0 && len(n.flight) == 0 && n.over(now) {
		n.shut(nil)
	}
	n.out = n.out[:0]
	if cap(n.flight)-len(n.flight) < int(many) {
		n.flight = append(n.slots[:0], n.flight...)
	}
	for range many {
		r := pending{id: firstID + n.sent, due: now, sent: now}
		if n.load.rate > 0 {
			r.due = n.due(n.sent)
		}
		n.flight = append(n.flight, r)
		n.out = n.load.request.append(n.out, r.id)
		n.sent++
	}
	return many > 0 && !n.closed
}

// owed is how many requests, room at most, this lane may send now.
func (n *lane) owed(now time.Duration, room int64) int64 {
	l := n.load
	switch {
	case l.rate > 0:
		many := int64(0)
		for many < room && n.sent+many < n.total() && n.due(n.sent+many) <= now {
			many++
		}
		return many
	case int64(now) >= l.end.Load():
		return 0
	case now < l.warmup:
		return room
	}
	left := l.unsent.Add(-room)
	return max(0, room+min(0, left))
}

// over reports whether nothing will be owed any more.
func (n *lane) over(now time.Duration) bool {
	if n.load.rate > 0 {
		return n.sent >= n.total()
	}
	return int64(now) >= n.load.end.Load() || now >= n.load.warmup && n.load.unsent.Load() <= 0
}

// due is when the j-th request of this lane is, total how many it has.
func (n *lane) due(j int64) time.Duration {
	return n.load.due(int64(n.nth) + j*int64(len(n.load.lanes)))
}

func (n *lane) total() int64 {
	lanes := int64(len(n.load.lanes))
	return (n.load.total() - int64(n.nth) + lanes - 1) / lanes
}

// expire ends a lane that has waited too long for a reply.
func (n *lane) expire() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.flight) > 0 && n.load.now()-n.flight[0].sent > n.load.timeout {
		n.shut(fail(exitTimeout, "no reply within %v", n.load.timeout))
	}
}

// close ends a lane because of err.
func (n *lane) close(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.shut(err)
}

// shut ends a lane once; what it is called for after that does not count.  The caller has the lock.
func (n *lane) shut(err error) {
	if n.closed {
		return
	}
	n.closed = true
	if err != nil {
		n.tally.fault(ending(err))
	}
	close(n.done)
	n.stream.Close()
}

// lost is how many requests of a lane that has ended were never answered, and how many never sent.
func (n *lane) lost() (unanswered, unsent int64) {
	if n.load.rate > 0 {
		unsent = max(0, n.total()-n.sent)
	}
	return int64(len(n.flight)), unsent
}
