package petrichor

import (
	"cmp"
	"errors"
	"io"
)

// A Decoder reads elements and frames from a stream.
//
// It reads ahead, but never stores more than twice what has arrived (and 4 KiB),
// and never waits for more than it needs to return something.
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
	body    *Body // open: not yet skipped or closed
	readErr error // from r, not yet returned
	err     error // returned; final
	tag     [1]byte
}

// NewDecoder returns a Decoder that reads from r.
func NewDecoder(r io.Reader, opts ...Option) *Decoder {
	return &Decoder{r: r, p: Parser{config: onStream(opts)}}
}

// Decode reads the next element into the value that v points to, as Unmarshal
// does.  After a *TypeError *v is as it was, the element has been consumed, and
// the next can be read.
func (d *Decoder) Decode(v any) error {
	raw, err := d.ReadElement()
	if err != nil {
		return err
	}
	err = shift(d.p.config.unmarshal(raw, v), d.Offset()-int64(len(raw)))
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
		if err != ErrShort {
			return raw, d.final(err)
		}
		if err := d.fetch(); err != nil {
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
		if err != ErrShort {
			return f, d.final(err)
		}
		if err := d.fetch(); err != nil {
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
		if err := d.fetch(); err != nil {
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

// fetch reads until the parser has what it needs for another try.
func (d *Decoder) fetch() error {
	d.p.settle()
	for more := true; more; more = int64(d.p.Buffered()) < d.p.need {
		if err := d.read(); err != nil {
			return d.final(d.ending(err))
		}
	}
	return nil
}

// read reads once, or more often while there is nothing and no error.  An error
// that comes with data is kept for the next call.
func (d *Decoder) read() error {
	for range 100 {
		if d.readErr != nil {
			return d.readErr
		}
		var n int
		n, d.readErr = d.r.Read(d.p.room())
		d.p.filled(n)
		if n > 0 {
			return nil
		}
	}
	return cmp.Or(d.readErr, io.ErrNoProgress)
}

// ending is what an error of the reader means where an element was expected.
func (d *Decoder) ending(err error) error {
	if err == io.EOF && d.p.Buffered() > 0 {
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
