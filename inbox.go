package petrichor

// What a Conn does with the buffer of its Parser that a Decoder by itself does
// not.  Where the stream says when there is nothing to read the buffer is of a
// pool, so that a peer who is silent costs none, and one who has sent a few bytes
// of a frame a small one.  Where reads fill it, it grows wider.

import "sync"

// pooledBuffer is the size of the buffers in the pool.
const pooledBuffer = 16 << 10

var bufferPool = sync.Pool{New: func() any { return new([pooledBuffer]byte) }}

// sizes returns how large the buffer has to be for the next read, and how large it
// had better be: a buffer that the last read has filled doubles, up to largeBuffer.
//
// What comes behind something large is likely to be large.  A buffer of the pool with
// little in it is given back where there is no memory for it, see prepare.
func (p *Parser) sizes(pooled bool) (need, use int) {
	if cap(p.buf) > largeBuffer && p.Buffered() == 0 {
		p.lessen()
		pooled = true
	}
	need, use = p.filledSizes(pooled)
	if pooled && cap(p.buf) >= pooledBuffer && p.Buffered() < smallBuffer {
		need = smallBuffer
	}
	return need, use
}

func (p *Parser) filledSizes(pooled bool) (need, use int) {
	size := cap(p.buf)
	switch {
	case p.buf == nil && pooled:
		return smallBuffer, pooledBuffer
	case p.buf == nil:
		return smallBuffer, smallBuffer
	case len(p.buf) < size:
		return size, size
	}
	need = size
	if p.next < p.Buffered() {
		need = max(p.doubled(), min(2*size, smallBuffer))
	}
	if size < largeBuffer && p.need <= largeBuffer {
		return need, max(need, 2*size)
	}
	return need, need
}

// prepare makes the buffer ready for the next read, of size bytes.
func (p *Parser) prepare(size int, pooled bool) {
	switch {
	case pooled && size < min(cap(p.buf), pooledBuffer):
		p.lessen()
	case p.buf == nil && size == pooledBuffer:
		p.buf = bufferPool.Get().(*[pooledBuffer]byte)[:0]
	case p.buf != nil && size > cap(p.buf):
		p.move(size)
		p.grown = true
	}
	if pooled || len(p.buf) > cap(p.buf)/4 {
		p.grown = true // it is of use as it is
	}
}

// lessen gives back a buffer that has little or nothing in it.
func (p *Parser) lessen() {
	unread := p.buf[p.next:]
	if len(unread) > 0 && (cap(p.buf) < pooledBuffer || len(unread) > cap(p.buf)/4) {
		return
	}
	old := p.buf
	p.rebase(nil)
	if len(unread) > 0 {
		p.buf = append(make([]byte, 0, lessenedSize(len(unread))), unread...)
	}
	recycle(old)
}

// lessenedSize is how large a buffer is that has n bytes in it and is to be small, as
// prepare relies on, or at least smaller.
func lessenedSize(n int) int {
	if n < smallBuffer {
		return min(max(2*n, leastBuffer), smallBuffer)
	}
	return 2 * n
}

// recycle puts a buffer that nobody has borrowed into a pool, if it is as large as
// what is in one.
func recycle(buf []byte) {
	switch {
	case cap(buf) == pooledBuffer:
		bufferPool.Put((*[pooledBuffer]byte)(buf[:pooledBuffer]))
	case cap(buf) > largeBuffer:
		freeBlock(buf)
	}
}
