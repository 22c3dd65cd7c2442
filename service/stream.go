package service

// The bytes of one connection, with a clock on each direction.
//
// A clock is set before the stream may block and cleared after it.  Nothing else
// is done for a deadline on the way of a frame, and nothing at all where reading
// does not block.  The watch looks at all clocks now and then, and cuts who is
// overdue.

import (
	"io"
	"math"
	"net"
	"sync/atomic"
	"time"
)

const (
	// maxPiece is how many bytes have to be taken by the peer within WriteTimeout: a
	// large frame is written in pieces, so that nobody is cut who takes it slowly.
	maxPiece = 64 << 10

	// freeBuffer is how large the buffer of a connection may be without being counted
	// as memory in flight: so small frames are read when there is no memory left.
	freeBuffer = 4 << 10

	// freeValues is how many bytes the values of a request may take likewise.
	freeValues = 16 << 10
)

// What is waited for.
const (
	forFirst = iota
	forFrame
	forNext
	forWrite
	forKinds
)

// A clock is a time by which something has to have happened, and what; 0 when
// nothing is waited for.  Time is that of the server, in nanoseconds.  Where what is
// waited for mostly happens at once the clock is begun without a time, and the watch,
// if it sees it, puts it in: to ask what time it is takes longer than all the rest.
//
// Either who waits clears it, having got what it waited for, or somebody else stops
// it, to cut the connection: so nobody is cut who has just begun to do something.
type clock struct{ by atomic.Int64 }

const (
	stopped = -1
	begun   = -2 - forKinds // and what is waited for: without a time
)

func (c *clock) begin(kind int) { c.by.Store(int64(begun + kind)) }

func (c *clock) set(by time.Duration, kind int) { c.by.Store(int64(by)&^(forKinds-1) | int64(kind)) }

func (c *clock) isSet() bool { return c.by.Load() != 0 }

// clear reports whether nobody has stopped it.
func (c *clock) clear() bool { return c.by.Swap(0) != stopped }

// stop stops a clock that is set, and reports whether it was.
func (c *clock) stop() bool {
	by := c.by.Load()
	return by != 0 && by != stopped && c.by.CompareAndSwap(by, stopped)
}

// stopLate stops it if it is later than it says, and reports for what it was.
func (c *clock) stopLate(now time.Duration, set *settings) (kind int, late bool) {
	by := c.by.Load()
	if by < stopped {
		kind = int(by - begun)
		timed := int64(after(now, set.timeout(kind)))&^(forKinds-1) | int64(kind)
		c.by.CompareAndSwap(by, timed)
		return kind, false
	}
	late = by > 0 && int64(now) > by && c.by.CompareAndSwap(by, stopped)
	return int(by & (forKinds - 1)), late
}

// A stream is what a petrichor.Conn of a server reads and writes.
type stream struct {
	rwc    io.ReadWriteCloser
	server *Server
	owner  *Conn

	reading clock
	writing clock
	begun   time.Duration // when the first byte of a frame had come that is not whole yet; 0: nothing has
	buffer  hold          // of memory in flight, what is read into
	queued  hold          // likewise, what is to be written; the Conn's lock guards it
	ahead   ahead
}

// Read reads by the time that the clock says.
func (s *stream) Read(p []byte) (int, error) {
	if err := s.wind(); err != nil {
		return 0, err
	}
	n, err := s.ahead.read(s, p)
	if s.owner.Conn != nil && !s.reading.clear() {
		return 0, s.owner.cause()
	}
	return n, s.owner.why(err)
}

// Hold counts what the connection holds to be read into.  Where there is not so
// much left as would be of use it is no more than it needs.
func (s *stream) Hold(need, use int) (int, error) {
	flight := &s.server.flight
	switch {
	case s.owner.Conn == nil:
		return use, nil // it is the first frame, which is small
	case use > freeBuffer && flight.spare(&s.buffer, int64(use)):
		return use, nil
	case need <= freeBuffer:
		flight.try(&s.buffer, 0)
		return need, nil
	case flight.try(&s.buffer, int64(need)):
		return need, nil
	}
	return need, s.await(int64(need))
}

// HoldQueued counts what is queued to be written.  There is none for it once the
// connection is closed, where nothing would give it back.
func (s *stream) HoldQueued(n int) bool {
	return (n == 0 || !s.owner.closed.Load()) && s.server.flight.spare(&s.queued, int64(n))
}

// await waits until there is memory; the peer cannot help that, so its clock stands
// still.
func (s *stream) await(size int64) error {
	if !s.reading.clear() {
		return s.owner.cause()
	}
	paused := s.server.now()
	granted := s.server.flight.set(&s.buffer, size, s.owner.ctx.Done())
	if s.begun != 0 {
		s.begun += s.server.now() - paused
	}
	if !granted {
		return s.owner.why(errLeft)
	}
	return nil
}

// wind sets the clock for reading.  It is an error when nothing is read any more.
func (s *stream) wind() error {
	if s.owner.Conn == nil || s.reading.isSet() {
		return nil // is set already
	}
	if s.owner.Buffered() == 0 {
		s.reading.begin(forNext)
		return s.server.draining()
	}
	if s.begun == 0 {
		s.begun = s.server.now()
	}
	s.reading.set(after(s.begun, s.server.set.frame), forFrame)
	return s.server.draining()
}

// after is d after a time, or never.
func after(at, d time.Duration) time.Duration {
	if d < 0 || d > math.MaxInt64-at {
		return math.MaxInt64
	}
	return at + d
}

// Write writes in pieces, each by the time that the clock says.
func (s *stream) Write(b []byte) (n int, err error) {
	defer s.writing.clear()
	for more := true; more && err == nil; more = n < len(b) {
		piece := b[n:min(len(b), n+maxPiece)]
		s.writing.begin(forWrite)
		var m int
		m, err = s.rwc.Write(piece)
		n += m
		if err == nil && m < len(piece) {
			err = io.ErrShortWrite
		}
	}
	return n, s.owner.why(err)
}

func (s *stream) Close() error { return s.rwc.Close() }

// abort closes what lies below the stream.  Unlike Close it never waits for the
// peer, as TLS does with its last words.
func (s *stream) abort() {
	s.below().Close()
	s.rwc.Close()
}

// forget has the kernel give up what the peer has not taken, once the stream is
// closed: it would keep that for minutes, for a peer who never reads.
func (s *stream) forget() {
	if socket, ok := s.below().(interface{ SetLinger(sec int) error }); ok {
		socket.SetLinger(0)
	}
}

// below is the stream that TLS is on, where it is.
func (s *stream) below() io.Closer {
	if secured, ok := s.rwc.(interface{ NetConn() net.Conn }); ok {
		return secured.NetConn()
	}
	return s.rwc
}
