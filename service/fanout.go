package service

// One frame to many connections.
//
//	Publish: encode once -> | block | block | block |
//	                             ^       ^       ^
//	                             goroutines of subscribers: one write for what is left of a block
//
// All read the same blocks, each from its own place.  Only so many of the newest
// frames are kept, and nobody waits for a subscriber that is slower than the
// publisher: where what it wants next is not there any more, it goes on with the
// oldest that is, and its peer is told how many are missing.

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"sync"

	"github.com/petrichor-protocol/petrichor"
)

// A Fanout sends each frame that is published to all who have subscribed.  The
// zero Fanout is ready; fields must not be changed once it is used.
type Fanout struct {
	MaxFrames int                // kept for those who are slow; 0 is 64
	MaxBytes  int                // of them all together, where it is more than one; 0 is 8 MiB
	Options   []petrichor.Option // for encoding

	mu     sync.Mutex
	subs   []*Subscription
	asleep []*Subscription // those who have sent all there is
	blocks []block         // oldest first
	oldest mark            // that is kept
	end    mark            // where the next frame will be
	slow   mark            // nobody's is before it, or was when it was last looked for
	moved  chan struct{}   // closed when one of the slowest has sent something; nil while nobody waits for that
}

// A block is frames in a row, so many that they are worth a write.
type block struct {
	petrichor.Frames
	at mark
}

// blockSize is the most bytes of a block, where it has more than one frame.
const blockSize = 64 << 10

// A mark is a place in all that has been published.
type mark struct {
	frames uint64 // before it
	bytes  int64  // in them
}

func (p mark) behind(s petrichor.Frames) mark {
	return mark{p.frames + uint64(s.Len()), p.bytes + int64(s.Size())}
}

// A Subscription is one connection's part of a Fanout.  The Fanout's lock guards it.
type Subscription struct {
	fanout *Fanout
	conn   *Conn
	ready  chan struct{} // there is something to be sent
	done   chan struct{} // closed when it has ended

	next  mark // of the frame to be sent next
	sent  mark // all before it has been written
	lost  int64
	ended bool
}

// keyLost is the header key of a frame that says how many were lost.
const keyLost = "lost"

// Subscribe has all that is published from now on sent to c, until Close, or until
// c ends.  Where frames were lost, one with the header {"lost": how many} and a
// null body is sent in their place.
func (f *Fanout) Subscribe(c *Conn) *Subscription {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &Subscription{
		fanout: f,
		conn:   c,
		ready:  make(chan struct{}, 1),
		done:   make(chan struct{}),
		next:   f.end,
		sent:   f.end,
	}
	f.subs = append(f.subs, s)
	f.asleep = append(f.asleep, s)
	c.server.group.Go(s.run)
	return s
}

// Len returns how many subscriptions there are.
func (f *Fanout) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.subs)
}

// Publish sends a frame to all who have subscribed, and waits for none of them: who
// is more than MaxFrames or MaxBytes behind loses the oldest.  An error is that of
// encoding, when nothing has been sent.
func (f *Fanout) Publish(header, body any) error {
	return f.publish(header, body, func(int) error { return nil })
}

// Send is Publish for what should not be lost: it waits for the slowest to have sent
// what would be, until ctx is done.  From then on it does as Publish does, and
// returns the error of ctx.
func (f *Fanout) Send(ctx context.Context, header, body any) error {
	return f.publish(header, body, func(size int) error { return f.awaitRoom(ctx, size) })
}

// publish encodes a frame and adds it, having waited.
func (f *Fanout) publish(header, body any, wait func(size int) error) (err error) {
	w := scratches.Get().(*scratch)
	defer w.free()
	if w.whole, err = petrichor.AppendFrame(w.whole[:0], header, body, f.Options...); err != nil {
		return err
	}
	frame, _, err := petrichor.CutFrame(w.whole, f.Options...)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	err = wait(len(w.whole))
	return cmp.Or(f.add(frame), err)
}

// awaitRoom unlocks, waits until nobody would lose what a frame of size takes the
// place of, and locks again.
func (f *Fanout) awaitRoom(ctx context.Context, size int) error {
	for ctx.Err() == nil && !f.hasRoom(size) {
		if f.moved == nil {
			f.moved = make(chan struct{})
		}
		moved := f.moved
		f.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
		}
		f.mu.Lock()
	}
	return ctx.Err()
}

// hasMoved has those who wait for room look again.
func (f *Fanout) hasMoved() {
	if f.moved != nil {
		close(f.moved)
		f.moved = nil
	}
}

// hasRoom looks for the slowest only when the one it found last is too slow.
func (f *Fanout) hasRoom(size int) bool {
	if f.isNear(f.slow, size) {
		return true
	}
	f.slow = f.end
	for _, s := range f.subs {
		if s.sent.frames < f.slow.frames {
			f.slow = s.sent
		}
	}
	if f.slow.frames < f.oldest.frames {
		f.slow = f.oldest // the rest it has lost already
	}
	return f.isNear(f.slow, size)
}

// isNear reports whether all from p on are kept when size bytes have been added.
func (f *Fanout) isNear(p mark, size int) bool {
	waiting := f.end.frames - p.frames
	return waiting == 0 ||
		waiting < uint64(cmp.Or(f.MaxFrames, 64)) && f.end.bytes-p.bytes+int64(size) <= int64(cmp.Or(f.MaxBytes, 8<<20))
}

// add adds a frame to the blocks and wakes those who wait for one.
func (f *Fanout) add(frame petrichor.Frame) error {
	if len(f.subs) == 0 {
		return nil
	}
	size := len(frame.Header) + len(frame.Body)
	if err := f.blockFor(size).Add(frame); err != nil {
		return err
	}
	for !f.isNear(f.oldest, size) {
		f.forget()
	}
	f.end = mark{f.end.frames + 1, f.end.bytes + int64(size)}
	for _, s := range f.asleep {
		s.ready <- struct{}{}
	}
	f.asleep = f.asleep[:0]
	return nil
}

// blockFor returns the last block, where size more bytes have place in it, or one
// that will have as much in it as that.
func (f *Fanout) blockFor(size int) *block {
	last := block{at: f.end}
	if n := len(f.blocks); n > 0 {
		if f.blocks[n-1].Size()+size <= blockSize {
			return &f.blocks[n-1]
		}
		last.Grow(f.blocks[n-1].Len(), min(f.blocks[n-1].Size(), blockSize))
	}
	f.blocks = append(f.blocks, last)
	return &f.blocks[len(f.blocks)-1]
}

// forget forgets the oldest frame.
func (f *Fanout) forget() {
	first := f.blocks[0]
	i := int(f.oldest.frames - first.at.frames)
	f.oldest = f.oldest.behind(first.Slice(i, i+1))
	if i+1 == first.Len() {
		f.blocks = slices.Delete(f.blocks, 0, 1)
	}
}

// rest forgets all when all have sent it.
func (f *Fanout) rest() {
	if len(f.asleep) == len(f.subs) {
		f.blocks, f.oldest = nil, f.end
	}
}

// run sends what is published.
func (s *Subscription) run() {
	defer s.Close()
	for s.wait() {
		if err := s.send(); err != nil {
			return
		}
	}
}

// wait waits for something to send, and reports whether it is to be sent.
func (s *Subscription) wait() bool {
	select {
	case <-s.ready:
		return true
	case <-s.done:
	case <-s.conn.ctx.Done():
	}
	return false
}

// send sends all there is, as many frames with each write as a block has.
func (s *Subscription) send() error {
	for {
		frames, missed := s.take()
		if frames.Len() == 0 {
			return nil
		}
		if missed > 0 {
			if err := s.conn.Queue(petrichor.Header{keyLost: missed}, nil); err != nil {
				return err
			}
		}
		if err := s.conn.SendFrames(frames); err != nil {
			return err
		}
	}
}

// take says that what it returned last has been sent, and returns what comes next in
// one block, and how many were lost before that.
func (s *Subscription) take() (frames petrichor.Frames, missed int64) {
	f := s.fanout
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.sent.frames <= f.slow.frames {
		f.hasMoved()
	}
	s.sent = s.next
	if s.ended {
		return frames, 0
	}
	if missed = s.missed(); missed > 0 {
		s.lost += missed
		s.next = f.oldest
	}
	if s.next == f.end {
		f.asleep = append(f.asleep, s)
		f.rest()
		return frames, 0
	}
	frames = f.from(s.next)
	s.next = s.next.behind(frames)
	return frames, missed
}

// missed returns how many frames have been forgotten that were to be sent next.
func (s *Subscription) missed() int64 {
	if s.next.frames >= s.fanout.oldest.frames {
		return 0
	}
	return int64(s.fanout.oldest.frames - s.next.frames)
}

// from returns the frames from p on that are in the same block.
func (f *Fanout) from(p mark) petrichor.Frames {
	i := sort.Search(len(f.blocks), func(i int) bool { return f.blocks[i].at.frames > p.frames }) - 1
	b := f.blocks[i]
	return b.Slice(int(p.frames-b.at.frames), b.Len())
}

// Lost returns how many frames were lost.
func (s *Subscription) Lost() int64 {
	s.fanout.mu.Lock()
	defer s.fanout.mu.Unlock()
	return s.lost + s.missed()
}

// Close ends the subscription; what is still waiting is not sent.  The connection
// goes on.
func (s *Subscription) Close() {
	f := s.fanout
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.ended {
		return
	}
	s.ended = true
	close(s.done)
	is := func(other *Subscription) bool { return other == s }
	f.subs, f.asleep = slices.DeleteFunc(f.subs, is), slices.DeleteFunc(f.asleep, is)
	f.rest()
	f.hasMoved()
}
