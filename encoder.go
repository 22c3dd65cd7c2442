package petrichor

// Small elements and frames are put together in a buffer and written at once; how
// large ones go past it is in large.go.

import "io"

// An Encoder writes elements and frames to a stream, each in one Write.
//
// A large []byte or Raw, by itself or as the body of a frame, is not copied but
// written from where it is.  Where the stream is a *net.TCPConn or *net.UnixConn
// that is one writev, and large is 16 KiB; elsewhere it takes up to three Writes,
// and large is 64 KiB.  Pass a pointer to it, and nothing is allocated.
//
// A value that cannot be marshaled is an error and writes nothing; the Encoder
// goes on.  After an error of the writer the stream may end inside an element,
// so the Encoder returns that error from then on.
//
// An Encoder must not be used by two goroutines at once; a Conn may.
type Encoder struct {
	to  outlet
	out writer
	err error // of to; final
}

// NewEncoder returns an Encoder that writes to w.
func NewEncoder(w io.Writer, opts ...Option) *Encoder {
	return &Encoder{to: outletTo(w), out: writer{config: onSlice(opts)}}
}

// Encode writes v as one element.
func (e *Encoder) Encode(v any) error {
	if l, ok := e.to.large(e.out.config, v); ok {
		e.out.reset()
		e.out.front(l)
		return e.flushAround(l)
	}
	e.begin()
	if err := e.out.value(v); err != nil {
		return err
	}
	return e.flush()
}

// WriteFrame writes the frame of header and body.  The header has to marshal as
// a dict; a nil one is the empty dict.
func (e *Encoder) WriteFrame(header, body any) error {
	if l, ok := e.to.large(e.out.config, body); ok {
		return e.writeLarge(header, l)
	}
	e.begin()
	if err := e.out.frame(header, body); err != nil {
		return err
	}
	return e.flush()
}

// WriteFrameFrom writes the frame of header and a string body of size bytes that
// are read from r; where r is a whole Body, the kind is what that one's is.  The
// body is never held as a whole: io.Copy moves it, and leaves that to the operating
// system (sendfile, splice) where the stream and r are fit for it.  r is not read
// past size.
//
// An r that ends before size is io.ErrUnexpectedEOF and, since the size has been
// sent already, final.
func (e *Encoder) WriteFrameFrom(header any, size int64, r io.Reader) error {
	e.out.reset()
	if err := e.out.frontFrom(header, size); err != nil {
		return err
	}
	if e.err == nil {
		e.err = e.to.writeFrom(e.out.config, e.out.bytes(), size, r)
		e.out.shrink()
	}
	return e.err
}

// begin empties the buffer and writes what follows an element.
func (e *Encoder) begin() {
	e.out.reset()
	e.out.separate()
}

// flush writes out the buffer in one Write, and keeps it for the next element
// unless it has grown large.
func (e *Encoder) flush() error {
	if e.err == nil {
		e.err = e.to.write(e.out.bytes())
		e.out.shrink()
	}
	return e.err
}

// writeLarge writes the frame of header and the body l.
func (e *Encoder) writeLarge(header any, l octets) error {
	e.out.reset()
	e.out.front(l)
	e.out.separate()
	if err := e.out.header(header); err != nil {
		return err
	}
	return e.flushAround(l)
}

// flushAround is flush with l behind what is in the buffer.
func (e *Encoder) flushAround(l octets) error {
	if e.err == nil {
		e.err = e.to.writeAround(e.out.config, e.out.bytes(), l)
		e.out.shrink()
	}
	return e.err
}
