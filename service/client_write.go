package service

// Frames are queued one behind the other in out.  The first caller that finds nobody
// writing takes all of it, and what has been queued while it was writing, and so on
// until there is no more: alone a frame leaves at once, and of many callers the frames
// leave together.
//
//	bytes since the beginning:  | sent | may be sent | in batch | in out  |
//	                                   flushed       begun                queued
//
// A frame of which no byte stands before begun has not been sent.

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

const (
	maxQueuedFrames = 64        // beside those being written
	maxQueuedBytes  = 8 << 20   // likewise
	maxWrite        = 256 << 10 // has to make progress within WriteTimeout
)

// canResume reports whether a Write to stream that a deadline ends says how much it has
// written, so that another can continue.
func canResume(stream io.ReadWriteCloser) bool {
	switch stream.(type) {
	case *net.TCPConn, *net.UnixConn:
		return runtime.GOOS != "windows" // where what an aborted write has done is not certain
	}
	return false
}

// post queues the frame of header, with the id of q, and body, and writes where nobody
// does.  If there will be a reply, q is in the list when it returns without an error.
func (l *link) post(ctx context.Context, q *call, reply bool, header, body any) error {
	if err := l.slot(ctx); err != nil {
		return &RequestError{Err: err}
	}
	f := l.client.framers.get()
	frame, err := f.frame(header, body, q.id)
	writes := false
	if err == nil {
		writes, err = l.enqueue(ctx, q, reply, frame)
	}
	l.client.framers.put(f)
	if err != nil {
		<-l.slots
		return l.unsent(err)
	}
	if writes {
		l.flush(ctx, q)
	}
	return nil
}

// unsent returns err, with which a frame was not queued, and breaks the link if nothing
// can be sent any more.
func (l *link) unsent(err error) error {
	l.mu.Lock()
	why := l.outOfStep
	l.mu.Unlock()
	if why != nil {
		l.fail(why)
	}
	return err
}

// slot waits until the queue has place for another frame.
func (l *link) slot(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case l.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case l.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.broken:
		return l.err
	}
}

// enqueue puts a frame into the queue, and reports whether its caller has to write.
func (l *link) enqueue(ctx context.Context, q *call, reply bool, frame []byte) (writes bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.err == nil && len(l.out) > 0 && len(l.out)+len(frame) > maxQueuedBytes {
		if err := l.awaitSpace(ctx); err != nil {
			return false, &RequestError{Err: err}
		}
	}
	if l.err != nil {
		return false, &RequestError{Err: l.err}
	}
	before := len(l.out)
	if err := l.put(frame); err != nil {
		return false, err
	}
	q.start = l.queued
	l.queued += int64(len(l.out) - before)
	l.frames++
	if reply {
		l.add(q)
	}
	if l.writes {
		return false, nil
	}
	l.writes = true
	l.crowded = l.oldest != l.newest
	return true, nil
}

// put appends frame to the queue, as the filters make it.  When one of several refuses
// it, those before it may be out of step with the peer, and nothing can be sent any more.
func (l *link) put(frame []byte) error {
	if len(l.filters) == 0 {
		l.out = append(l.out, frame...)
		return nil
	}
	f, _, err := petrichor.CutFrame(frame, l.client.cfg.Options...)
	for i, filter := range l.filters {
		if err == nil {
			f, err = filter.Outbound(f)
		}
		if err != nil && i > 0 {
			l.outOfStep = err
		}
	}
	if l.outOfStep != nil {
		return &RequestError{Err: l.outOfStep}
	}
	if err != nil {
		return err
	}
	l.out = append(append(l.out, f.Header...), f.Body...)
	return nil
}

// awaitSpace unlocks, waits until the queue has been taken or the link is broken, and
// locks again.
func (l *link) awaitSpace(ctx context.Context) error {
	if l.space == nil {
		l.space = make(chan struct{})
	}
	space := l.space
	l.mu.Unlock()
	defer l.mu.Lock()
	select {
	case <-space:
	case <-l.broken:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// flush writes what is queued, for the caller of q.  In a crowd others are let run
// before: what they queue leaves in the same Write.
func (l *link) flush(ctx context.Context, q *call) {
	if l.crowded {
		runtime.Gosched()
	}
	if ctx.Done() == nil {
		l.write(nil)
		return
	}
	if !l.resumable {
		go l.write(nil)
		return
	}
	l.mu.Lock()
	l.writer = q
	l.mu.Unlock()
	q.watch(ctx)
	l.write(q)
}

// write writes until nothing is queued.  If it is done by the caller of q and is
// interrupted, a goroutine does the rest.
func (l *link) write(q *call) {
	for {
		b := l.take(q)
		if b == nil {
			return
		}
		n, err := l.stream.Write(b)
		l.written += n
		l.flushed += int64(n)
		if err == nil && n < len(b) {
			err = io.ErrShortWrite
		}
		if err != nil && !l.writeCut(q, err) {
			l.mu.Lock()
			l.failAt(err, l.flushed)
			return
		}
	}
}

// take returns what to write next, or nil when that is nothing or somebody else's.
func (l *link) take(q *call) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.written == len(l.batch) {
		l.takeQueue()
	}
	if len(l.batch) == 0 || l.err != nil {
		l.rest()
		return nil
	}
	if l.writer != q {
		go l.write(nil)
		return nil
	}
	b := l.batch[l.written:]
	b = b[:min(len(b), maxWrite)]
	l.begun = l.flushed + int64(len(b))
	l.renew()
	return b
}

// takeQueue makes the queue the batch, and the batch, which has been written, the
// buffer for the queue.
func (l *link) takeQueue() {
	free := l.batch[:0]
	if cap(free) > maxKept {
		free = nil
	}
	l.batch, l.written, l.out = l.out, 0, free
	for ; l.frames > 0; l.frames-- {
		<-l.slots
	}
	if l.space != nil {
		close(l.space)
		l.space = nil
	}
}

// renew moves the write deadline, not oftener than it makes a difference of an eighth.
func (l *link) renew() {
	timeout := l.client.cfg.WriteTimeout
	if timeout < 0 {
		return
	}
	now := time.Since(l.born) + 1 // takes half as long as time.Now
	if l.renewed != 0 && now-l.renewed < timeout/8 {
		return
	}
	l.renewed = now
	timeout += timeout / 8
	stream, ok := l.stream.(interface{ SetWriteDeadline(time.Time) error })
	if ok && stream.SetWriteDeadline(time.Now().Add(timeout)) == nil {
		return
	}
	if l.guard == nil {
		l.guard = time.AfterFunc(timeout, func() { l.fail(os.ErrDeadlineExceeded) })
		return
	}
	l.guard.Reset(timeout)
}

// rest ends writing.
func (l *link) rest() {
	l.writes, l.writer = false, nil
	if l.guard != nil {
		l.guard.Stop()
		l.renewed = 0
	}
}

// interruptWrite ends a Write of the caller of q.
func (l *link) interruptWrite(q *call) {
	if l.writer != q {
		return
	}
	l.writer = nil
	l.renewed = 0
	l.stream.(net.Conn).SetWriteDeadline(aLongTimeAgo)
}

// aLongTimeAgo is a deadline that has passed.
var aLongTimeAgo = time.Unix(1, 0)

// writeCut reports whether err of a Write comes from interrupting the caller of q.
func (l *link) writeCut(q *call, err error) bool {
	if q == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.writer != q
}
