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
// was announced, and is let go when it is empty and has grown large.

const (
	smallBuffer = 4 << 10  // what a buffer begins with
	largeBuffer = 64 << 10 // what is not kept when empty
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
	err     error
}

// NewParser returns a Parser with options.
func NewParser(opts ...Option) *Parser {
	return &Parser{config: onStream(opts)}
}

// Feed adds bytes.  They are copied, so b remains the caller's.
func (p *Parser) Feed(b []byte) {
	p.settle()
	p.reserve(len(b))
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

// NextElement returns the next element, or ErrShort when more bytes have to be
// fed, or a *SyntaxError.  The element is valid until the next call of any
// method but Buffered.  Like Cut it verifies the outer layer only.
func (p *Parser) NextElement() (Raw, error) {
	b, err := p.ready()
	if err != nil {
		return nil, err
	}
	_, n, err := p.config.cut(b, p.config.maxSize)
	if err != nil {
		return nil, p.refuse(frameFault(err, b, n), n)
	}
	p.take(n)
	return Raw(b[:n:n]), nil
}

// Buffered returns how many bytes have been fed and not yet handed out.  At the
// end of a stream a number above zero means that it ended inside a frame.
func (p *Parser) Buffered() int { return len(p.buf) - p.next }

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
	p.skipSeparator()
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
	if !p.between {
		return
	}
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

// slide moves the unread bytes to the front where n more would not fit behind
// them, or lets an empty large buffer go.  Moving at most what was consumed
// before keeps the whole linear.
func (p *Parser) slide(n int) {
	unread := p.buf[p.next:]
	if len(unread) == 0 && cap(p.buf) > largeBuffer {
		p.rebase(nil)
		return
	}
	if len(p.buf)+n > cap(p.buf) && p.next >= len(unread) {
		p.rebase(p.buf[:copy(p.buf, unread)])
	}
}

// rebase makes buf, which begins with the unread bytes, the buffer.
func (p *Parser) rebase(buf []byte) {
	p.base += int64(p.next)
	p.buf, p.next, p.lent = buf, 0, 0
}

// room returns place for more bytes behind the unread ones, at least one, and
// at most what doubles the buffer however many are needed.
func (p *Parser) room() []byte {
	p.reserve(1)
	return p.buf[len(p.buf):cap(p.buf)]
}

// reserve makes place for n more bytes.  The buffer at least doubles when it
// grows, which keeps all its sizes together below four times what arrived;
// append grows a large slice by a quarter only.
func (p *Parser) reserve(n int) {
	p.slide(n)
	if len(p.buf)+n <= cap(p.buf) {
		return
	}
	unread := p.buf[p.next:]
	bigger := make([]byte, len(unread), max(2*len(unread), len(unread)+n, smallBuffer))
	copy(bigger, unread)
	p.rebase(bigger)
}

// filled counts n bytes put into room as unread.
func (p *Parser) filled(n int) { p.buf = p.buf[:len(p.buf)+n] }
