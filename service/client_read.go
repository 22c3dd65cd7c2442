package service

// Of those who wait for a reply one reads, for all.  When its own reply has come it
// wakes another, who reads from then on.  All of them may look whether somebody reads
// at any time they hold the lock, so that being woken for it is a hint and no more;
// but nobody leaves before another has been told, if another waits.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// What is read into begins small, and grows while reads fill it.
const (
	leastRead = 1 << 10
	mostRead  = 32 << 10
)

// readInto returns what to read into, after a Read of n bytes.
func (l *link) readInto(n int) []byte {
	if n == len(l.buf) && n < mostRead {
		l.buf = make([]byte, min(max(leastRead, 4*n), mostRead))
	}
	return l.buf
}

// readAs unlocks, reads until q has ended, and locks again.
func (l *link) readAs(ctx context.Context, q *call) {
	l.reader = q
	l.mu.Unlock()
	q.watch(ctx)
	l.read(q)
	l.mu.Lock()
	l.reader = nil
	if l.readCut {
		l.readCut = false
		l.setReadDeadline(time.Time{})
	}
	l.promote()
}

// promote wakes one who waits, for somebody has to read.  The newest is the one who is
// likely to do so for longest.
func (l *link) promote() {
	for q := l.newest; q != nil; q = q.prev {
		if q.waits {
			q.rouse()
			return
		}
	}
}

// read reads until q has ended, or it is interrupted, or the link is broken.
func (l *link) read(q *call) {
	n, err := 0, error(nil)
	for empty := 0; empty < 100; empty++ {
		n, err = l.stream.Read(l.readInto(n))
		ended, fault := l.drain(q, l.buf[:n])
		if fault != nil {
			err = fault
		}
		if err != nil {
			l.readEnds(err)
			return
		}
		if ended {
			return
		}
		if n > 0 {
			empty = -1
		}
	}
	l.fail(io.ErrNoProgress)
}

// drain delivers the frames that are whole with b, and reports whether q has ended.
func (l *link) drain(q *call, b []byte) (ended bool, err error) {
	l.parser.Feed(b)
	for {
		f, err := l.parser.Next()
		if err == petrichor.ErrShort {
			return ended, nil
		}
		var got *call
		if err == nil {
			got, err = l.deliver(f)
		}
		if err != nil {
			return ended, err
		}
		ended = ended || got == q || q == &l.idle && got != nil
	}
}

// readEnds breaks the link with err of a Read, unless that comes from interrupting it.
func (l *link) readEnds(err error) {
	l.mu.Lock()
	cut := l.readCut
	l.mu.Unlock()
	if cut && errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	l.fail(l.ending(err))
}

// ending is what err of a Read means, for what has been read until then.
func (l *link) ending(err error) error {
	if err == io.EOF && l.parser.Buffered() > 0 {
		err = io.ErrUnexpectedEOF
	}
	if l.said != nil { // is no *Error of a reply, and must not pass for one
		return fmt.Errorf("%w, after the peer has said: %v", err, l.said)
	}
	return err
}

// interruptRead ends a Read of the caller of q.
func (l *link) interruptRead(q *call) {
	if l.reader == q {
		l.readCut = true
		l.setReadDeadline(aLongTimeAgo)
	}
}

// A readDeadliner is a stream on which a Read can be ended, and another begun.
type readDeadliner interface{ SetReadDeadline(time.Time) error }

func (l *link) setReadDeadline(t time.Time) { l.stream.(readDeadliner).SetReadDeadline(t) }
