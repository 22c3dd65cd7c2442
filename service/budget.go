package service

// A budget is an amount of something that all connections of a server share.
// Who wants more than is left waits, first come first served; that is how reading
// pauses.
//
// Memory is held while more of it is waited for: each of many connections may have
// half of a frame.  So that they do not wait for one another for ever, one at a
// time is lent what there is not.

import (
	"slices"
	"sync"
)

type budget struct {
	mu    sync.Mutex
	left  int64
	kept  int64 // of what is left, for those who cannot do without
	queue []*claim
	lends bool
	lent  *hold // has more than there was
}

// A hold is what one has of a budget.
type hold struct{ n int64 }

// A claim is one who waits for n more.
type claim struct {
	hold    *hold
	n       int64
	granted chan struct{}
}

// set makes h be n in all.  For more than before it waits until there is as much,
// or until done, when it reports false and h is as it was.
func (b *budget) set(h *hold, n int64, done <-chan struct{}) bool {
	if b.try(h, n) {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.grant(h, n-h.n) || b.wait(&claim{h, n - h.n, make(chan struct{})}, done)
}

// try is set without waiting.
func (b *budget) try(h *hold, n int64) bool {
	if n == h.n {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > h.n {
		return b.grant(h, n-h.n)
	}
	b.back(h, h.n-n)
	return true
}

// pass gives n of what from has to another, and with it what from has been lent.
func (b *budget) pass(from, to *hold, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n = min(n, from.n)
	from.n -= n
	to.n += n
	if b.lent == from {
		b.lent = to
	}
}

// spare is try for what can be done without: it is not lent, nor had before those
// who wait, nor of what is kept for them.
func (b *budget) spare(h *hold, n int64) bool {
	if n <= h.n {
		return b.try(h, n)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) > 0 || b.left-b.kept < n-h.n {
		return false
	}
	b.give(h, n-h.n)
	return true
}

// grant gives h as much as n more, if it can be had without waiting.
func (b *budget) grant(h *hold, n int64) bool {
	if b.lent != h && (len(b.queue) > 0 || !b.has(n)) {
		return false
	}
	b.give(h, n)
	return true
}

func (b *budget) has(n int64) bool { return b.left >= n || b.lends && b.lent == nil }

func (b *budget) give(h *hold, n int64) {
	if b.left < n {
		b.lent = h
	}
	b.left -= n
	h.n += n
}

// back takes n from h, and serves those who wait.
func (b *budget) back(h *hold, n int64) {
	b.left += n
	h.n -= n
	if b.left >= 0 || b.lent == h && h.n == 0 { // which has passed a part of it on
		b.lent = nil
	}
	for len(b.queue) > 0 && b.has(b.queue[0].n) {
		c := b.queue[0]
		b.queue[0] = nil // or the array would keep its connection, with all that has been read
		b.queue = b.queue[1:]
		b.give(c.hold, c.n)
		close(c.granted)
	}
}

func (b *budget) wait(c *claim, done <-chan struct{}) bool {
	b.queue = append(b.queue, c)
	b.mu.Unlock()
	granted := true
	select {
	case <-c.granted:
	case <-done:
		granted = false
	}
	b.mu.Lock()
	if i := slices.Index(b.queue, c); i >= 0 {
		b.queue = slices.Delete(b.queue, i, i+1)
	}
	return granted || c.isGranted()
}

func (c *claim) isGranted() bool {
	select {
	case <-c.granted:
		return true
	default:
		return false
	}
}
