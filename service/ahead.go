package service

// Reading ahead while a handler runs.  The goroutine of a connection cannot read
// meanwhile, so it would not see that its peer has left and that nobody waits for
// the reply.  When the watch sees one handler twice it has somebody else read, a
// little, until the handler has returned.

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxAhead is how many bytes are read while a handler runs.
	maxAhead = 4 << 10

	// halfClosed is how long a handler may go on for a peer that has closed its own
	// direction only: it may be waiting for the reply.
	halfClosed = 250 * time.Millisecond
)

// errLeft is why the context of a handler is cancelled.
var errLeft = errors.New("petrichor: the peer has left")

// An ahead is one connection's. state is 0 when no handler runs, odd when one does
// that the watch has done nothing about, and even when it has.
type ahead struct {
	state atomic.Uint32
	count uint32 // of handlers, by the connection
	seen  uint32 // state, by the watch
	next  *lookout
	on    *lookout // of the connection: not used up
}

// begin says that a handler runs.
func (a *ahead) begin() {
	a.count += 2
	a.state.Store(a.count | 1)
}

// end says that it has returned.
func (a *ahead) end() {
	if !a.state.CompareAndSwap(a.count|1, 0) {
		a.on = a.next
		a.state.Store(0)
	}
}

// watch is called now and then by somebody else.
func (a *ahead) watch(c *Conn) {
	state := a.state.Load()
	again := state == a.seen && state&1 == 1
	a.seen = state
	if !again {
		return
	}
	l := &lookout{buf: make([]byte, 0, maxAhead), more: make(chan struct{}, 1)}
	a.next = l
	if a.state.CompareAndSwap(state, state+1) {
		c.server.group.Go(func() { l.run(c) })
	}
}

// has waits for what is read ahead, and reports whether there is any of it, or an error.
// Where there is not, waiting is for the stream again.
func (a *ahead) has() bool {
	a.on.wait()
	if len(a.on.buf) == 0 && a.on.err == nil {
		a.on = nil
	}
	return a.on != nil
}

// read reads what has been read ahead, and then from the stream.
func (a *ahead) read(s *stream, p []byte) (int, error) {
	if a.on != nil {
		if n, err := a.on.read(p); n > 0 || err != nil {
			return n, err
		}
		a.on = nil
	}
	return s.rwc.Read(p)
}

// A lookout is one reading ahead, by a goroutine of its own.
type lookout struct {
	mu    sync.Mutex
	buf   []byte
	err   error // of the stream
	stop  bool  // what is being read is enough
	ended bool
	more  chan struct{} // something has been read, or it has ended
}

// run reads into what is free of buf, which nobody else uses.
func (l *lookout) run(c *Conn) {
	free := l.buf[:maxAhead]
	for goOn := true; goOn; {
		n, err := c.stream.rwc.Read(free)
		if err != nil {
			c.leaves(err)
		}
		free = free[n:]
		goOn = l.add(n, err) && len(free) > 0
	}
}

// add counts n bytes that have been read, and reports whether to go on.
func (l *lookout) add(n int, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = l.buf[:len(l.buf)+n]
	l.err = err
	l.ended = err != nil || l.stop || len(l.buf) == cap(l.buf)
	select {
	case l.more <- struct{}{}:
	default:
	}
	return !l.ended
}

// wait returns when there is something to be had, or nothing more.
func (l *lookout) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop = true
	for len(l.buf) == 0 && !l.ended {
		l.mu.Unlock()
		<-l.more
		l.mu.Lock()
	}
}

// read returns 0 and no error when there is nothing more.
func (l *lookout) read(p []byte) (n int, err error) {
	l.wait()
	n = copy(p, l.buf) // nobody adds behind what wait has seen but before stop
	l.buf = l.buf[n:]
	if n > 0 {
		return n, nil
	}
	return 0, l.err
}
