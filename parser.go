package petrichor

// The push side: bytes in, elements and frames out, no I/O.  A Decoder is a
// Parser and a reader.
//
// A Parser owns one buffer:
//
//	buf:  | handed out, dead | borrowed | unread     | room      |
//	      0                  lent       next         len(buf)    cap(buf)
//
// lent <= next <= len(buf).  What lies between lent and next was returned by
// the last call, and is borrowed by the caller until the next one, which
// overwrites its first byte so that one who keeps it too long sees it at once.
// The buffer grows by doubling as bytes arrive, never because of a size that
// was announced, and is let go once what it had to grow for has been handed out.

const (
	leastBuffer = 512      // what one that is fed begins with
	smallBuffer = 4 << 10  // what one that is read into begins with
	largeBuffer = 64 << 10 // what is not kept, whatever comes
)

// A Parser turns bytes, fed to it in any portions, into elements and frames.
// The zero Parser is ready, with the limits of a stream.
//
// Once it has returned a *SyntaxError it returns the same again: where the next
// element begins is not known any more.
type Parser struct {
	config  *config
	buf     []byte
	lent    int
	next    int
	base    int64 // offset in the stream of buf[0]
	need    int64 // how many unread bytes the next try needs
	between bool  // an element was handed out: a separator may follow
	grown   bool  // something was handed out that a small buffer has no place for
	err     error
}

// NewParser returns a Parser with options.
func NewParser(opts ...Option) *Parser {
	return &Parser{config: onStream(opts)}
}

// Feed adds bytes.  They are copied, so b remains the caller's.
func (p *Parser) Feed(b []byte) {
	p.settle()
	p.reserve(len(b), leastBuffer)
	p.buf = append(p.buf, b...)
}

// Next returns the next frame, or ErrShort when more bytes have to be fed, or a
// *SyntaxError.  The frame is valid until the next call of any method but
// Buffered; Clone it to keep it.  Like CutFrame it verifies the outer layer
// only.
func (p *Parser) Next() (Frame, error) {
	b, err := p.ready()
	if err != nil {
		return Frame{}, err
	}
	f, n, err := p.config.cutFrame(b)
	if err != nil {
		return Frame{}, p.refuse(err, n)
	}
	p.take(n)
	return f, nil
}

// whole hands out the frame that b begins with where that is whole, without a
// separator, and the Parser has had no error; end is 0 where Next has to see.
func (p *Parser) whole() (b []byte, body, end int64) {
	if p.config == nil || p.config.separated || p.err != nil || p.Buffered() == 0 {
		return nil, 0, 0
	}
	p.settle()
	b = p.buf[p.next:]
	_, body, end = p.config.frameBounds(b)
	if end == 0 || end > int64(len(b)) {
		return nil, 0, 0
	}
	p.take(end)
	return b, body, end
}

// NextElement returns the next element, or ErrShort when more bytes have to be
// fed, or a *SyntaxError.  The element is valid until the next call of any
// method but Buffered.  Like Cut it verifies the outer layer only.
func (p *Parser) NextElement() (Raw, error) {
	_, raw, err := p.nextElement()
	return raw, err
}

// nextElement is NextElement, and cuts the element open.
func (p *Parser) nextElement() (Element, Raw, error) {
	b, err := p.ready()
	if err != nil {
		return Element{}, nil, err
	}
	el, n, err := p.config.cut(b, p.config.maxSize)
	if err != nil {
		return Element{}, nil, p.refuse(frameFault(err, b, n), n)
	}
	p.take(n)
	return el, Raw(b[:n:n]), nil
}

// Buffered returns how many bytes have been fed and not yet handed out.  At the
// end of a stream a number above zero means that it ended inside a frame.
func (p *Parser) Buffered() int { return len(p.buf) - p.next }

// Release lets go of the buffer if nothing is buffered: a Parser that waits for
// the next frame of a quiet peer then holds some hundred bytes.  What was handed
// out last stays valid.
func (p *Parser) Release() {
	if p.Buffered() == 0 {
		p.rebase(nil)
	}
}

// nextHeader returns the header of the next frame and the size of its body, and
// hands out both and the colon.
func (p *Parser) nextHeader() (Raw, int64, error) {
	b, err := p.ready()
	if err != nil {
		return nil, 0, err
	}
	header, start, err := p.config.cutHeader(b)
	if err != nil {
		return nil, 0, p.refuse(err, start)
	}
	size, n, err := p.config.cutSize(b[start:], p.config.bodyLimit(header))
	if err != nil {
		return nil, 0, p.refuse(shift(frameFault(err, b[start:], n), start), start+n)
	}
	p.take(start + n)
	return header, size, nil
}

// ready returns the unread bytes, at which an element has to begin.
func (p *Parser) ready() ([]byte, error) {
	p.settle()
	if p.err != nil {
		return nil, p.err
	}
	if p.between && p.config.separated {
		p.skipSeparator()
	}
	return p.buf[p.next:], nil
}

// settle ends the loan of what was handed out last.
func (p *Parser) settle() {
	if p.config == nil {
		p.config = &streamDefaults
	}
	if p.lent < p.next {
		p.buf[p.lent] = '#'
		p.lent = p.next
	}
}

func (p *Parser) skipSeparator() {
	n := int(p.config.skipSeparator(p.buf[p.next:]))
	p.next += n
	p.lent = p.next
	p.between = p.next == len(p.buf) && n == 0
}

// take hands out n unread bytes.
func (p *Parser) take(n int64) {
	p.lent = p.next
	p.next += int(n)
	p.need = 0
	p.between = true
	p.grown = p.grown || n > smallBuffer
}

// refuse remembers why there is no element: n more bytes are needed, or a
// fault, which is final.
func (p *Parser) refuse(err error, n int64) error {
	if err == ErrShort {
		p.need = n
		return ErrShort
	}
	p.err = shift(err, p.offset())
	return p.err
}

// offset is where in the stream the unread bytes begin.
func (p *Parser) offset() int64 { return p.base + int64(p.next) }

// rebase makes buf, which begins with the unread bytes, the buffer.
func (p *Parser) rebase(buf []byte) {
	p.base += int64(p.next)
	p.buf, p.next, p.lent = buf, 0, 0
}

// room returns place for more bytes behind the unread ones, at least one, and
// at most what doubles the buffer however many are needed.
func (p *Parser) room() []byte {
	p.reserve(1, smallBuffer)
	return p.buf[len(p.buf):cap(p.buf)]
}

// reserve makes place for n more bytes in a buffer of at least so many.  It
// moves the unread bytes to the front, or to another buffer, only where at
// least as many were consumed before or have come since, so that the whole is
// linear.
func (p *Parser) reserve(n, least int) {
	unread := p.buf[p.next:]
	switch need := len(unread) + n; {
	case p.isTooLarge(need):
		p.move(max(need, least))
	case len(p.buf)+max(n, cap(p.buf)/4) <= cap(p.buf):
	case need <= cap(p.buf) && p.next >= len(unread):
		p.rebase(p.buf[:copy(p.buf, unread)])
	case len(p.buf)+n > cap(p.buf):
		p.move(max(need, least, p.doubled(), min(2*cap(p.buf), smallBuffer)))
	}
}

// isTooLarge reports whether the buffer has grown for something that has been
// handed out, and a small one holds what is needed.  A buffer that is merely
// not small is kept while it holds something, or was of use since it did not.
func (p *Parser) isTooLarge(need int) bool {
	if cap(p.buf) > largeBuffer {
		return p.next > 0 && need <= largeBuffer/2
	}
	if cap(p.buf) <= smallBuffer || p.Buffered() > 0 {
		return false
	}
	grown := p.grown
	p.grown = false
	return !grown && need <= smallBuffer
}

// doubled is how large the next buffer is.  It at least doubles when it grows,
// which keeps all its sizes together below four times what arrived (append grows
// a large slice by a quarter only), but for the last time: that one is as large
// as is needed.
func (p *Parser) doubled() int {
	twice := 2 * p.Buffered()
	if p.need > int64(p.Buffered()) {
		return int(min(int64(twice), p.need))
	}
	return twice
}

// move moves the unread bytes into a new buffer of size bytes.
func (p *Parser) move(size int) {
	unread := p.buf[p.next:]
	bigger := make([]byte, len(unread), size)
	copy(bigger, unread)
	old := p.buf
	p.rebase(bigger)
	recycle(old)
}

// filled counts n bytes put into room as unread.
func (p *Parser) filled(n int) {
	p.buf = p.buf[:len(p.buf)+n]
	p.grown = p.grown || p.Buffered() > smallBuffer
}

// isLarge reports whether what is needed is so large, and the buffer so full, that
// it is better gathered in pieces than in one that grows.
func (p *Parser) isLarge() bool {
	return p.need > largeBuffer && len(p.buf) == cap(p.buf) && cap(p.buf) >= pooledBuffer
}

// handOver moves the unread bytes to g.
func (p *Parser) handOver(g *pieces) {
	g.add(p.buf[p.next:])
	p.rebase(p.buf[:0])
}

// join makes what has been gathered the buffer.
func (p *Parser) join(g *pieces) {
	p.rebase(g.bytes())
	g.free()
}

// skip hands out what has been gathered, which is not in the buffer any more.
func (p *Parser) skip(g *pieces) {
	p.base += int64(g.size)
	p.take(0)
	g.free()
}
