package dedupe

// Requests are remembered for a time that begins when they are answered, so that they
// are forgotten in the order of that: a list, and one for each peer.
//
//	claimed ----> being handled ----> kept, in both lists ----> forgotten
//
// All that is remembered counts in bytes, what the maps and lists take included, so
// that there is one limit, and a share of it that one peer may use.  Peers and ids
// are found by a digest that is secret, so that nobody can choose what collides.

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A Window is a Store in memory.  The zero Window is ready; fields must not be changed once
// it is used.
type Window struct {
	// For is how long a request is remembered after it was answered.  0 is 5 minutes.
	For time.Duration

	MaxIDs     int   // requests remembered: 0 is 65,536
	MaxPerPeer int   // and those of one peer: 0 is 4,096
	MaxBytes   int64 // memory for all: 0 is 16 MiB.  A sixteenth of it is for one peer

	// MaxReply is how many bytes a reply may have to be kept.  0 is 64 KiB.
	MaxReply int

	// ForgetOldest makes place for a new request by forgetting the oldest of the same peer
	// that has been answered.  Otherwise, and where there is none, it is refused.
	ForgetOldest bool

	once   sync.Once
	start  time.Time
	secret [16]byte

	mu             sync.Mutex
	ids            map[name]*entry
	peers          map[name]*peer
	used           int64
	oldest, newest *entry // of those answered
}

// A name is a secret digest of an id, or of a peer.
type name [16]byte

// An entry is a request.
type entry struct {
	id         name
	request    [16]byte // of its Digest
	peer       *peer
	until      time.Duration
	prev, next *entry        // in the order of having been answered
	later      *entry        // of the same peer
	done       chan struct{} // closed when it is answered; nil afterwards
	reply      *reply        // nil: not kept
}

type reply struct{ petrichor.Frame }

// A peer is who has requests remembered.
type peer struct {
	name           name
	ids            int
	used           int64
	oldest, newest *entry // of those answered
}

// What an entry, a peer and a reply take beside their bytes, in 64-bit Go.
const (
	entryBytes = 152
	peerBytes  = 100
	replyBytes = 64
)

// sizeOf is what a reply takes: the allocator rounds up by an eighth at most.
func sizeOf(f petrichor.Frame) int64 {
	n := int64(len(f.Header) + len(f.Body))
	return replyBytes + n + n/8
}

func (w *Window) init() {
	w.once.Do(func() {
		w.For = cmp.Or(w.For, 5*time.Minute)
		w.MaxIDs = cmp.Or(w.MaxIDs, 65_536)
		w.MaxPerPeer = cmp.Or(w.MaxPerPeer, 4096)
		w.MaxBytes = cmp.Or(w.MaxBytes, 16<<20)
		w.MaxReply = cmp.Or(w.MaxReply, 64<<10)
		w.start = time.Now()
		rand.Read(w.secret[:])
	})
}

// nameOf returns the name of something that one calls, and that belongs to of.
func (w *Window) nameOf(of name, called string) name {
	b := make([]byte, 0, 128)
	b = append(append(append(b, w.secret[:]...), of[:]...), called...)
	sum := sha256.Sum256(b)
	return name(sum[:16])
}

// Claim implements Store.
func (w *Window) Claim(ctx context.Context, key Key, request Digest) (petrichor.Frame, bool, error) {
	w.init()
	of := w.nameOf(name{}, key.Peer)
	id := w.nameOf(of, key.ID)
	e, done, err := w.claim(of, id, [16]byte(request[:16]))
	if e == nil || err != nil {
		return petrichor.Frame{}, err == nil, err
	}
	if done != nil {
		select {
		case <-done:
		case <-ctx.Done():
			return petrichor.Frame{}, false, ErrPending
		}
	}
	if e.reply == nil { // nobody changes it any more
		return petrichor.Frame{}, false, ErrNotKept
	}
	return e.reply.Frame, false, nil
}

// claim returns the entry of id, and what is closed when it is answered, if it is not; or
// it makes the entry, and returns nil.
func (w *Window) claim(of, id name, request [16]byte) (e *entry, done <-chan struct{}, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expire(time.Since(w.start))
	if e = w.ids[id]; e != nil && e.request != request {
		return nil, nil, ErrDifferent
	}
	if e != nil {
		return e, e.done, nil
	}
	p := w.peers[of]
	if !w.roomFor(p) {
		return nil, nil, ErrFull
	}
	w.add(of, &entry{id: id, request: request, done: make(chan struct{})})
	return nil, nil, nil
}

// roomFor reports whether p, which may be nil, may have another request remembered, and
// makes room if that is wanted.
func (w *Window) roomFor(p *peer) bool {
	for !w.fits(p) {
		if !w.ForgetOldest || p == nil || p.oldest == nil {
			return false
		}
		w.forget(p.oldest)
	}
	return true
}

func (w *Window) fits(p *peer) bool {
	if len(w.ids) >= w.MaxIDs || w.used+entryBytes+peerBytes > w.MaxBytes {
		return false
	}
	return p == nil || p.ids < w.MaxPerPeer && p.used+entryBytes <= w.MaxBytes/16
}

func (w *Window) add(of name, e *entry) {
	if w.ids == nil {
		w.ids, w.peers = map[name]*entry{}, map[name]*peer{}
	}
	p := w.peers[of]
	if p == nil {
		p = &peer{name: of}
		w.peers[of] = p
		w.used += peerBytes
	}
	e.peer = p
	p.ids++
	w.use(p, entryBytes)
	w.ids[e.id] = e
}

func (w *Window) use(p *peer, n int64) {
	p.used += n
	w.used += n
}

// Keep implements Store.
func (w *Window) Keep(_ context.Context, key Key, _ Digest, f petrichor.Frame) error {
	w.init()
	own := f.Clone()
	id := w.nameOf(w.nameOf(name{}, key.Peer), key.ID)
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.ids[id]
	if e == nil || e.until != 0 {
		return nil // nobody has claimed it
	}
	size := sizeOf(own)
	p := e.peer
	if len(own.Header)+len(own.Body) <= w.MaxReply && w.used+size <= w.MaxBytes && p.used+size <= w.MaxBytes/16 {
		e.reply = &reply{own}
		w.use(p, size)
	}
	e.until = time.Since(w.start) + w.For
	w.link(e)
	close(e.done)
	e.done = nil
	return nil
}

// link puts e at the end of both lists.
func (w *Window) link(e *entry) {
	e.prev = w.newest
	if w.newest == nil {
		w.oldest = e
	} else {
		w.newest.next = e
	}
	w.newest = e
	p := e.peer
	if p.newest == nil {
		p.oldest = e
	} else {
		p.newest.later = e
	}
	p.newest = e
}

// expire forgets what has been remembered for long enough.
func (w *Window) expire(now time.Duration) {
	for w.oldest != nil && w.oldest.until <= now {
		w.forget(w.oldest)
	}
}

// forget takes e, which is the oldest of its peer, off the books.
func (w *Window) forget(e *entry) {
	p := e.peer
	before, behind := &w.oldest, &w.newest
	if e.prev != nil {
		before = &e.prev.next
	}
	if e.next != nil {
		behind = &e.next.prev
	}
	*before, *behind = e.next, e.prev
	if p.oldest = e.later; p.oldest == nil {
		p.newest = nil
	}
	if e.reply != nil {
		w.use(p, -sizeOf(e.reply.Frame))
	}
	w.use(p, -entryBytes)
	delete(w.ids, e.id)
	if p.ids--; p.ids == 0 {
		delete(w.peers, p.name)
		w.used -= peerBytes
	}
	if len(w.ids) == 0 {
		w.ids, w.peers = nil, nil // a map that has been large stays so
	}
}

// Len returns how many requests are remembered.
func (w *Window) Len() int {
	w.init()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expire(time.Since(w.start))
	return len(w.ids)
}
