package petrichor

// Frames on their way out of a Conn.
//
//	queue:  encode -> | pending |
//	send:   encode -> | pending | -> one write
//
// Encoding happens before the lock is taken, and writing after it has been let
// go, so no sender waits for another's marshaling and none for a peer but those
// whose frames are on their way to it.  Of many senders one writes; what the
// others put into pending meanwhile is the next write, so that under load many
// frames leave in one system call and alone a frame leaves at once.

import (
	"bytes"
	"io"
	"sync"
)

const (
	maxQueued = 32 << 10                // bytes of pending frames that are written without being asked
	wideChunk = maxQueued + smallBuffer // bytes of a chunk that more than a few are put into
	maxKnown  = 256                     // bytes of a header that is remembered
)

type outbox struct {
	to     outlet // of who writes
	config *config
	holder holder // counts what is queued; may be nil

	mu      sync.Mutex
	turn    *sync.Cond // a write has ended; nil until somebody waits for that
	pending *chunk     // frames that nobody has begun to write; nil when there are none
	writing bool       // somebody writes, without holding mu
	goOn    bool       // who writes is to write also what is pending by then
	busy    int        // bytes of the chunk that is being written
	held    int        // bytes that pending and busy may be, as the holder knows
	queued  uint64     // bytes ever put into pending or written past it
	written uint64     // of them
	err     error      // of the stream; final
	known   Raw        // the last small header that was checked; the next is mostly the same
}

func (o *outbox) init(stream io.Writer, c *config) {
	o.to, o.config = outletTo(stream), c
	o.holder, _ = stream.(holder)
}

// A chunk is a buffer of pending frames, small or wide.  Chunks are shared by all
// Conns, so that one which has nothing to send holds none.
type chunk struct{ b []byte }

var (
	smallChunks = sync.Pool{New: func() any { return &chunk{make([]byte, 0, smallBuffer)} }}
	wideChunks  = sync.Pool{New: func() any { return &chunk{make([]byte, 0, wideChunk)} }}
)

// chunkFor returns an empty chunk for n bytes or more.
func chunkFor(n int) *chunk {
	if n <= smallBuffer {
		return smallChunks.Get().(*chunk)
	}
	return wideChunks.Get().(*chunk)
}

func (c *chunk) free() {
	if c == nil {
		return
	}
	c.b = c.b[:0]
	switch size := cap(c.b); {
	case size == smallBuffer:
		smallChunks.Put(c)
	case size >= wideChunk && size <= largeBuffer:
		wideChunks.Put(c)
	}
}

// send encodes the frame of header and body and puts it into pending; now, and
// when there is much, it is written too.
func (o *outbox) send(header, body any, now bool) error {
	if b, ok := octetsOf(body); ok && o.config.writable(b) {
		if o.to.isLarge(len(b.b)) {
			return o.sendLarge(header, b, now)
		}
		if done, err := o.sendOctets(header, b, now); done {
			return err
		}
	}
	w := newWriter(o.config)
	defer w.free()
	w.separate()
	if err := w.frame(header, body); err != nil {
		return err
	}
	return o.add(w.bytes(), nil, now)
}

// sendLarge is send without a copy of the body.
func (o *outbox) sendLarge(header any, body octets, now bool) error {
	w := newWriter(o.config)
	defer w.free()
	w.front(body)
	w.separate()
	if err := w.header(header); err != nil {
		return err
	}
	return o.addPast(w.bytes(), past{octets: body})
}

// sizeOfRest is what a frame has beside a header that is written already and octets,
// at most: the size of these, a colon, a tag, and two separators.
const sizeOfRest = 9 + 4

// sendOctets is send without a detour, where the header too is bytes already and
// has few.  done is false where it is not.
func (o *outbox) sendOctets(header any, body octets, now bool) (done bool, err error) {
	head, ok := smallHeader(header)
	if !ok {
		return false, nil
	}
	size := len(head) + len(body.b) + sizeOfRest
	o.mu.Lock()
	defer o.mu.Unlock()
	if !bytes.Equal(head, o.known) && !o.learn(head) {
		return false, nil // which is to be said
	}
	if o.err != nil {
		return true, o.err
	}
	if !o.fits(size) {
		return false, nil
	}
	p := o.room(size)
	before := len(p.b)
	p.b = o.config.appendSeparator(append(p.b, head...))
	p.b = o.config.appendSeparator(body.appendTo(p.b))
	o.queued += uint64(len(p.b) - before)
	return true, o.hasQueued(now)
}

// learn remembers a header that is one.
func (o *outbox) learn(header Raw) bool {
	ok := o.config.isHeader(header)
	if ok {
		o.known = append(o.known[:0], header...)
	}
	return ok
}

// sendFrom is send of a body that is read while it is written.
func (o *outbox) sendFrom(header any, size int64, r io.Reader) error {
	w := newWriter(o.config)
	defer w.free()
	if err := w.frontFrom(header, size); err != nil {
		return err
	}
	return o.addPast(w.bytes(), past{from: r, size: size})
}

// cutOwn is cutFrame of what a writer has made.
func (o *outbox) cutOwn(b []byte) Frame {
	unlimited := *o.config
	unlimited.maxHeader = unlimited.maxSize // MaxHeaderSize is for reading
	f, _, _ := unlimited.cutFrame(b)
	return f
}

// whole returns f with nothing missing, or what is wrong with its outer layer.
func (o *outbox) whole(f Frame) (Frame, error) {
	f.Header, f.Body = orElse(f.Header, emptyDict), orElse(f.Body, null)
	return f, o.config.verify(f)
}

// sendFrame is send for what has been encoded.
func (o *outbox) sendFrame(f Frame, now bool) error {
	f, err := o.whole(f)
	if err != nil {
		return err
	}
	if !o.config.separated {
		return o.add(f.Header, f.Body, now)
	}
	w := newWriter(o.config)
	defer w.free()
	w.separate()
	w.put(f.Body)
	w.separate()
	w.put(f.Header)
	return o.add(w.bytes(), nil, now)
}

// add puts a frame, head and tail in a row, into pending, or writes it past
// pending where that spares a copy.
func (o *outbox) add(head, tail []byte, now bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	alone := now && o.pending == nil && !o.writing
	switch {
	case tail == nil && (alone || o.to.isLarge(len(head)) || !o.fits(len(head))):
		return o.writePast(nil, past{octets: octets{b: head}, whole: true})
	case tail != nil && (o.to.isLarge(len(tail)) || !o.fits(len(head)+len(tail))):
		return o.writePast(head, past{octets: octets{b: tail}, whole: true})
	}
	p := o.room(len(head) + len(tail))
	p.b = append(append(p.b, head...), tail...)
	o.queued += uint64(len(head) + len(tail))
	return o.hasQueued(now)
}

// addPast writes a frame of head, which is copied, and the rest, which is not.
func (o *outbox) addPast(head []byte, rest past) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.writePast(head, rest)
}

// A past is what is written behind pending without having been put there: bytes,
// or what is read from somewhere.
type past struct {
	octets
	whole bool // nothing stands behind them
	from  io.Reader
	size  int64 // of what is read
}

// writePast waits until nobody writes, and does.
func (o *outbox) writePast(head []byte, rest past) error {
	for o.writing {
		o.awaitTurn()
	}
	if o.err != nil {
		return o.err
	}
	if len(head) > 0 {
		p := o.room(len(head))
		p.b = append(p.b, head...)
		o.queued += uint64(len(head))
	}
	return o.write(rest)
}

// hasQueued writes what has been queued if it has to leave now, or is much.
func (o *outbox) hasQueued(now bool) error {
	if !now && len(o.pending.b) < maxQueued {
		return nil
	}
	return o.flushTo(o.queued)
}

// fits reports whether n bytes more may be queued.  The first few may without being
// counted, so that there is always something that can be sent.
func (o *outbox) fits(n int) bool {
	if o.holder == nil {
		return true
	}
	n += o.busy
	if o.pending != nil {
		n += len(o.pending.b)
	}
	if n <= max(o.held, smallBuffer) {
		return true
	}
	n = max(n, wideChunk)
	if !o.holder.HoldQueued(n) {
		return false
	}
	o.held = n
	return true
}

// room is where n bytes are queued.
func (o *outbox) room(n int) *chunk {
	p := o.pending
	switch {
	case p == nil:
		o.pending = chunkFor(n)
	case cap(p.b) == smallBuffer && len(p.b)+n > smallBuffer:
		o.pending = chunkFor(len(p.b) + n)
		o.pending.b = append(o.pending.b, p.b...)
		p.free()
	}
	return o.pending
}

// flush writes what is pending.
func (o *outbox) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	return o.flushTo(o.queued)
}

// flushBehind is flush for one who must not wait for the sender that may be
// writing: it may be waiting itself for this one to read.  The sender sees to it.
func (o *outbox) flushBehind() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.goOn = o.writing
	if o.pending == nil || o.writing {
		return nil
	}
	return o.write(past{})
}

// flushTo returns when the bytes queued up to mark have been written.
func (o *outbox) flushTo(mark uint64) error {
	for o.written < mark && o.err == nil {
		if o.writing {
			o.awaitTurn()
			continue
		}
		o.write(past{})
	}
	if o.written < mark {
		return o.err
	}
	return nil
}

// write writes what is pending, and rest after it.  It is to be called with mu
// held and nobody writing, and lets go of mu meanwhile.
func (o *outbox) write(rest past) error {
	o.writing = true
	o.queued += uint64(len(rest.b)) + uint64(rest.size)
	for again := true; again; again = o.goOn && o.pending != nil && o.err == nil {
		batch, mark := o.pending, o.queued
		o.pending, o.goOn = nil, false
		if batch != nil {
			o.busy = len(batch.b)
		}
		o.mu.Unlock()
		err := o.writeOut(batch, rest)
		o.mu.Lock()
		rest = past{}
		o.ended(mark, err)
	}
	o.writing = false
	if o.turn != nil {
		o.turn.Broadcast()
	}
	return o.err
}

// awaitTurn waits until a write has ended.
func (o *outbox) awaitTurn() {
	if o.turn == nil {
		o.turn = sync.NewCond(&o.mu)
	}
	o.turn.Wait()
}

// fail lets nothing be sent any more, for the reason err unless there is one already.
func (o *outbox) fail(err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	o.pending.free()
	o.pending = nil
	o.release()
	return o.err
}

func (o *outbox) ended(mark uint64, err error) {
	o.busy = 0
	if err == nil {
		o.written = mark
	} else {
		o.err = err
		o.pending.free()
		o.pending = nil
	}
	o.release()
}

// release tells the holder when nothing is queued any more.
func (o *outbox) release() {
	if o.held > 0 && o.pending == nil && o.busy == 0 {
		o.held = 0
		o.holder.HoldQueued(0)
	}
}

// writeOut writes a batch, frees it, and writes the rest, in one Write where that
// takes no copy.
func (o *outbox) writeOut(batch *chunk, rest past) error {
	defer batch.free()
	var head []byte
	if batch != nil {
		head = batch.b
	}
	switch {
	case rest.from != nil:
		return o.to.writeFrom(o.config, head, rest.size, rest.from)
	case rest.b == nil:
		return o.to.write(head)
	case rest.whole:
		return o.to.writeParts(head, rest.b)
	}
	return o.to.writeAround(o.config, head, rest.octets)
}
