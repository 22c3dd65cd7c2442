package petrichor

// What arrives of something large lies in pieces until half of it is there, but for
// 64 KiB, and is then copied together into memory for the whole, into which the rest
// is read: nothing is allocated because of what is announced, and what is left behind
// is used again.  A buffer that doubles would be zeroed, copied and thrown away twice
// over.  See docs/design/0009-large-elements-in-pieces.md.

import (
	"bytes"
	"math"
	"strings"
	"sync"
)

// Blocks are what pieces are, and the whole where it is only lent.  There are sizes
// for what is a power of two with a little around it.
const (
	pieceSize  = 64<<10 + blockSlack // bytes of the smallest block
	pieceMost  = 1<<20 + blockSlack  // of the largest
	blockSlack = 4 << 10
	blockSizes = 5
)

// The pools keep blocks until the garbage has been collected twice.  What was lent is
// the next one's when the loan has ended, as it is with every buffer.
var blockPools [blockSizes]sync.Pool

// blockSize is how large blocks of a size are.
func blockSize(i int) int { return largeBuffer<<i + blockSlack }

// blockFor is the size of the smallest block that has place for n bytes; there may be
// none.
func blockFor(n int64) (i int, ok bool) {
	for i < blockSizes && int64(blockSize(i)) < n {
		i++
	}
	return i, i < blockSizes
}

// blockOf is the size of the largest block of at most n bytes, or of the smallest.
func blockOf(n int) int {
	i := blockSizes - 1
	for i > 0 && blockSize(i) > n {
		i--
	}
	return i
}

func newBlock(i int) []byte {
	if b, ok := blockPools[i].Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, 0, blockSize(i))
}

// freeBlock puts b into its pool if it is as large as blocks are.
func freeBlock(b []byte) {
	if i := blockOf(cap(b)); cap(b) == blockSize(i) {
		b = b[:0]
		blockPools[i].Put(&b)
	}
}

// pieces are bytes in the order in which they arrive.
type pieces struct {
	list  [][]byte // all but the last are full
	size  int      // bytes in all of them
	whole int64    // bytes there will be, which an int may be too small for
	apart bool     // pieces they remain
	kept  bool     // who is given them keeps them
	one   bool     // they are one, which has place for the whole
}

// add adds a copy of b, which arrived before.
func (g *pieces) add(b []byte) {
	for len(b) > 0 {
		n := copy(g.room(len(b)), b)
		g.filled(n)
		b = b[n:]
	}
}

// room returns place for more of the bytes that are missing, of which unread have
// arrived.
func (g *pieces) room(unread int) []byte {
	if g.isFull() {
		g.grow(g.size + unread)
	}
	last := g.list[len(g.list)-1]
	return last[len(last):min(int64(cap(last)), int64(len(last))+g.missing())]
}

func (g *pieces) isFull() bool {
	return len(g.list) == 0 || len(g.list[len(g.list)-1]) == cap(g.list[len(g.list)-1])
}

func (g *pieces) missing() int64 { return g.whole - int64(g.size) }

// filled counts n bytes put into room.
func (g *pieces) filled(n int) {
	last := &g.list[len(g.list)-1]
	*last = (*last)[:len(*last)+n]
	g.size += n
}

// growth is how many bytes grow takes when unread more have been added: none where
// there is room.
func (g *pieces) growth(unread int) int {
	switch arrived := g.size + unread; {
	case unread == 0 && !g.isFull():
		return 0
	case g.isHalf(arrived):
		return int(min(2*g.whole, math.MaxInt)) - g.size
	default:
		return unread + blockSize(blockOf(arrived))
	}
}

// isHalf reports whether so much has arrived that memory for the whole can be taken.
func (g *pieces) isHalf(arrived int) bool {
	size := g.whole
	if i, ok := blockFor(g.whole); ok && !g.kept {
		size = int64(blockSize(i))
	}
	return size <= 2*int64(arrived)+largeBuffer && !g.apart
}

func (g *pieces) grow(arrived int) {
	if !g.isHalf(arrived) {
		g.list = append(g.list, newBlock(blockOf(arrived)))
		return
	}
	joined := g.joined()
	g.free()
	g.list, g.one = [][]byte{joined}, true
}

// joined returns the pieces as one slice with place for the whole.
func (g *pieces) joined() []byte {
	if i, ok := blockFor(g.whole); ok && !g.kept {
		return g.appendTo(newBlock(i))
	}
	if g.size == 0 {
		return make([]byte, 0, g.whole)
	}
	return g.joinedAnew()
}

func (g *pieces) appendTo(b []byte) []byte {
	for _, piece := range g.list {
		b = append(b, piece...)
	}
	return b
}

// joinedAnew is joined in new memory.  What comes behind the pieces begins as
// anything, here as more of them: zeroing it would take half as long as all of the
// rest, and bytes.Join does not.
func (g *pieces) joinedAnew() []byte {
	parts := g.list
	for missing := g.missing(); missing > 0; {
		part := g.list[len(g.list)-1]
		part = part[:min(int64(len(part)), missing)]
		parts = append(parts, part)
		missing -= int64(len(part))
	}
	return bytes.Join(parts, nil)[:g.size]
}

// bytes returns all of it, whether it is the whole or not.
func (g *pieces) bytes() []byte {
	if g.one {
		return g.list[0]
	}
	return bytes.Join(g.list, nil)
}

// payload returns what lies between the first so many bytes and the tag, to be
// kept.
func (g *pieces) payload(first int) []byte {
	b := g.bytes()
	return b[first : len(b)-1 : len(b)-1]
}

// kind returns the tag that comes last.
func (g *pieces) kind() Kind {
	last := g.list[len(g.list)-1]
	return Kind(last[len(last)-1])
}

// text returns all but the first and the last so many bytes as a string.
func (g *pieces) text(first, last int) string {
	var s strings.Builder
	s.Grow(g.size - first - last)
	left := g.size - last
	for _, piece := range g.list {
		piece = piece[:min(len(piece), left)]
		left -= len(piece)
		s.Write(piece[first:])
		first = 0
	}
	return s.String()
}

// free gives the pieces back.
func (g *pieces) free() {
	if !g.one {
		for _, piece := range g.list {
			freeBlock(piece)
		}
	}
	g.list = nil
}
