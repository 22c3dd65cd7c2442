package petrichor

import (
	"cmp"
	"errors"
	"io"
)

// A Decoder reads elements and frames from a stream.
//
// It reads ahead, but never stores more than twice what has arrived (and 64 KiB),
// and never waits for more than it needs to return something.  Waiting for the
// next element it keeps 4 KiB, or where the one before was large up to 64 KiB.
//
// The limits of a stream are on unless options say otherwise: 64 KiB of header,
// 1 MiB of body or element, 65,536 values, 100 levels.  Any error but a
// *TypeError is final: the Decoder returns it again.  It is io.EOF when the
// stream ends between elements and io.ErrUnexpectedEOF when it ends inside one;
// whatever else the reader returns is passed on as it is.  What arrived whole
// before an error is delivered before it.
//
// A Decoder must not be used by two goroutines at once.
type Decoder struct {
	r       io.Reader
	p       Parser
	body    *Body        // open: not yet skipped or closed
	readErr error        // from r, not yet returned
	before  func() error // what prepare does; may be nil

	large *pieces // of what is being gathered; nil: what arrives is in the buffer
	err   error   // returned; final
	tag   [1]byte
}

// NewDecoder returns a Decoder that reads from r.
func NewDecoder(r io.Reader, opts ...Option) *Decoder {
	return &Decoder{r: r, p: Parser{config: onStream(opts)}}
}

// Decode reads the next element into the value that v points to, as Unmarshal
// does.  After a *TypeError *v is as it was, the element has been consumed, and
// the next can be read.
//
// A string of more than 64 KiB goes into a *[]byte, *Raw or *string without
// being held twice.
func (d *Decoder) Decode(v any) error {
	if err := d.settle(); err != nil {
		return err
	}
	for {
		el, raw, err := d.p.nextElement()
		if err == nil {
			return d.unmarshal(el, len(raw), v)
		}
		if err != ErrShort {
			return d.final(err)
		}
		filled, err := d.moreInto(v)
		if filled || err != nil {
			return err
		}
	}
}

// unmarshal reads el, which has been handed out and is so long as a whole, into
// what v points to.
func (d *Decoder) unmarshal(el Element, whole int, v any) error {
	err := d.p.config.unmarshalCut(el, whole, v)
	if err == nil {
		return nil
	}
	err = shift(err, d.Offset()-int64(whole))
	if _, ok := err.(*SyntaxError); ok {
		return d.final(err)
	}
	return err
}

// ReadElement returns the next element, not interpreted: like Cut it verifies
// the outer layer only.  The element is valid until the next call of any method
// but Offset.
func (d *Decoder) ReadElement() (Raw, error) {
	if err := d.settle(); err != nil {
		return nil, err
	}
	for {
		raw, err := d.p.NextElement()
		if err == nil {
			return raw, nil
		}
		if err != ErrShort {
			return nil, d.final(err)
		}
		if err := d.more(); err != nil {
			return nil, err
		}
	}
}

// ReadFrame returns the next frame, not interpreted: like CutFrame it verifies
// the outer layer only.  The frame is valid until the next call of any method
// but Offset; Clone it to keep it.
func (d *Decoder) ReadFrame() (Frame, error) {
	if err := d.settle(); err != nil {
		return Frame{}, err
	}
	for {
		f, err := d.p.Next()
		if err == nil {
			return f, nil
		}
		if err != ErrShort {
			return Frame{}, d.final(err)
		}
		if err := d.more(); err != nil {
			return Frame{}, err
		}
	}
}

// NextFrame returns the next header, and the body that follows it as a stream
// of its payload: constant memory for any size up to MaxSize.  Both are valid
// until the next call of any method but Offset; what has not been read of the
// body by then is read and thrown away.
func (d *Decoder) NextFrame() (Raw, *Body, error) {
	if err := d.settle(); err != nil {
		return nil, nil, err
	}
	for {
		header, size, err := d.p.nextHeader()
		if err == nil {
			d.body = &Body{d: d, size: size, left: size}
			return header, d.body, nil
		}
		if err != ErrShort {
			return nil, nil, d.final(err)
		}
		if err := d.more(); err != nil {
			return nil, nil, err
		}
	}
}

// Offset returns the offset in the stream just past what was handed out last.
func (d *Decoder) Offset() int64 { return d.p.offset() }

// Buffered returns the bytes that have been read from the stream and not yet
// handed out, for one who continues with another reader.  They are valid until
// the next call of any other method.
func (d *Decoder) Buffered() []byte { return d.p.buf[d.p.next:] }

// settle makes the Decoder ready for the next element: an open body is skipped.
func (d *Decoder) settle() error {
	if d.err != nil || d.body == nil {
		return d.err
	}
	return d.skipBody()
}

func (d *Decoder) skipBody() error {
	body := d.body
	d.body = nil
	_, err := body.WriteTo(io.Discard)
	body.err = errStale
	return d.final(err)
}

// final remembers err, which may be nil, and returns it.
func (d *Decoder) final(err error) error {
	d.err = err
	return err
}

// more reads until the parser has what it needs for another try, or so much of
// it that it is large.
func (d *Decoder) more() error {
	d.p.settle()
	if d.p.isLarge() {
		g := &pieces{whole: d.p.need}
		err := d.gather(g)
		d.p.join(g)
		return err
	}
	for {
		d.prepare()
		n, err := d.read(d.p.room())
		d.p.filled(n)
		if err != nil {
			return d.final(d.ending(err))
		}
		if int64(d.p.Buffered()) >= d.p.need || d.p.isLarge() {
			return nil
		}
	}
}

// gather reads all that the parser needs, and no more: so nothing of what comes
// next lies in large memory.  What the parser has is the beginning of it.
func (d *Decoder) gather(g *pieces) (err error) {
	d.large = g
	d.prepare()
	d.p.handOver(g)
	for err == nil && g.missing() > 0 {
		err = d.fillRoom(g)
	}
	d.large = nil
	return err
}

// fillRoom reads once into g, and prepares for the next time.
func (d *Decoder) fillRoom(g *pieces) error {
	n, err := d.read(g.room(0))
	g.filled(n)
	if err != nil {
		return d.final(d.ending(err))
	}
	if g.missing() > 0 {
		d.prepare()
	}
	return nil
}

// unread is how many bytes have been read and not yet handed out.
func (d *Decoder) unread() int {
	if d.large != nil {
		return d.large.size + d.p.Buffered()
	}
	return d.p.Buffered()
}

// moreInto is more for what is to be decoded into v.  filled says that it has
// been: that it was large, and of a kind with v.
func (d *Decoder) moreInto(v any) (filled bool, err error) {
	if !d.p.isLarge() {
		return false, d.more()
	}
	d.p.settle()
	_, apart := v.(*string)
	g := &pieces{whole: d.p.need, apart: apart, kept: true}
	err = d.gather(g)
	if err == nil && d.p.config.fill(v, g) {
		d.p.skip(g)
		return true, nil
	}
	d.p.join(g)
	return false, err
}

// fill makes the element that g is the value that v points to, and reports
// whether it has: whether v is for bytes, and there is nothing to say of these.
func (c *config) fill(v any, g *pieces) bool {
	_, n, err := c.cutSize(g.list[0], c.maxSize)
	if err != nil || c.maxValues < 1 {
		return false
	}
	switch v := v.(type) {
	case *string:
		return g.kind() == KindString && fill(v, func() string { return g.text(int(n), 1) })
	case *[]byte:
		return g.kind() == KindString && fill(v, func() []byte { return g.payload(int(n)) })
	case *Raw:
		el := Element{g.kind(), g.payload(int(n))}
		// What is loose may have its size in another spelling than ours.
		return !c.loose && c.known(el.Kind) && c.check(el) == nil && fill(v, func() Raw { return g.bytes() })
	}
	return false
}

func fill[T any](v *T, value func() T) bool {
	if v != nil {
		*v = value()
	}
	return v != nil
}

// prepare is to be called before something is read that nothing but waiting for
// it will bring.
func (d *Decoder) prepare() {
	if d.before != nil && d.readErr == nil {
		d.readErr = d.before()
	}
}

// read reads once into p, or more often while there is nothing and no error.  An
// error that comes with data is kept for the next call.
func (d *Decoder) read(p []byte) (n int, err error) {
	for range 100 {
		if d.readErr != nil {
			return 0, d.readErr
		}
		n, d.readErr = d.r.Read(p)
		if n > 0 {
			return n, nil
		}
	}
	return 0, cmp.Or(d.readErr, io.ErrNoProgress)
}

// ending is what an error of the reader means where an element was expected.
func (d *Decoder) ending(err error) error {
	if err == io.EOF && d.unread() > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// A Body is a frame's body while it is still arriving: an io.Reader, and an
// io.WriterTo, of its payload.
//
// The tag comes last, so it is verified when the payload has been read to
// io.EOF; a stream that ends before is io.ErrUnexpectedEOF.
type Body struct {
	d    *Decoder
	size int64
	left int64
	kind Kind
	err  error
}

// Size returns how many bytes of payload were announced.
func (b *Body) Size() int64 { return b.size }

// Kind returns the kind of the body once its payload has been read to io.EOF,
// and 0 before.
func (b *Body) Kind() Kind { return b.kind }

// errStale is what a Body says that has been kept too long.
var errStale = errors.New("petrichor: body read after the next element was asked for")

// Read reads payload.  What is not buffered already goes straight from the
// stream to p.
func (b *Body) Read(p []byte) (int, error) {
	if b.left == 0 {
		b.close()
	}
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	p = p[:min(int64(len(p)), b.left)]
	if n := copy(p, b.d.Buffered()); n > 0 {
		b.d.p.next += n
		b.left -= int64(n)
		return n, nil
	}
	n := b.readThrough(p)
	b.left -= int64(n)
	return n, b.err
}

// readThrough reads from the stream past the empty buffer.  The buffer keeps
// the header meanwhile, which the caller has borrowed.
func (b *Body) readThrough(p []byte) (n int) {
	d := b.d
	if d.readErr == nil {
		n, d.readErr = d.r.Read(p)
		d.p.base += int64(n)
	}
	if n == 0 && d.readErr != nil {
		b.fail(d.readErr)
	}
	return n
}

// fail ends the body with an error of the stream.
func (b *Body) fail(err error) {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	b.err = b.d.final(err)
}

// close reads the tag, after all the payload.
func (b *Body) close() {
	tag := b.d.tag[:]
	for range 100 {
		if b.err != nil {
			return
		}
		n := copy(tag, b.d.Buffered())
		b.d.p.next += n
		if n == 0 {
			n = b.readThrough(tag)
		}
		if n > 0 {
			b.closed(Kind(tag[0]))
		}
	}
	if b.err == nil {
		b.fail(io.ErrNoProgress)
	}
}

func (b *Body) closed(k Kind) {
	b.err = io.EOF
	b.d.body = nil
	if !b.d.p.config.known(k) {
		b.err = b.d.final(shift(fault(ErrKind, b.d.tag[:], 0), b.d.Offset()-1))
		return
	}
	b.kind = k
}

// WriteTo writes all the payload that is left to w.  What is not buffered
// already is copied by io.Copy, which leaves it to the operating system
// (sendfile, splice) where w and the stream are fit for it.  After an error of
// w the rest can still be read; not so where w has a ReadFrom of its own, which
// does not tell its errors from those of the stream.
func (b *Body) WriteTo(w io.Writer) (written int64, err error) {
	if b.err == nil && b.left > 0 {
		written, err = b.writeBuffered(w)
	}
	for err == nil && b.err == nil && b.left > 0 {
		var n int64
		n, err = b.copyThrough(w)
		written += n
	}
	if err != nil {
		return written, err
	}
	b.close()
	if b.err == io.EOF {
		return written, nil
	}
	return written, b.err
}

func (b *Body) writeBuffered(w io.Writer) (int64, error) {
	p := b.d.Buffered()
	p = p[:min(int64(len(p)), b.left)]
	if len(p) == 0 {
		return 0, nil
	}
	n, err := w.Write(p)
	b.d.p.next += n
	b.left -= int64(n)
	return int64(n), err
}

// copyThrough copies from the stream to w past the empty buffer.
func (b *Body) copyThrough(w io.Writer) (int64, error) {
	d := b.d
	if d.readErr != nil {
		b.fail(d.readErr)
		return 0, nil
	}
	from := &io.LimitedReader{R: d.r, N: b.left}
	n, err := io.Copy(w, from)
	read := b.left - from.N
	d.p.base += read
	b.left = from.N
	switch {
	case err == nil && b.left > 0:
		b.fail(io.EOF)
	case err != nil && n == read: // so it was not w that failed
		b.fail(err)
		return n, nil
	}
	return n, err
}
