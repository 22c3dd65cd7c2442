package petrichor

import (
	"bytes"
	"io"
)

// An Encoder writes elements and frames to a stream, each in one Write.
//
// A value that cannot be marshaled is an error and writes nothing; the Encoder
// goes on.  After an error of the writer the stream may end inside an element,
// so the Encoder returns that error from then on.
//
// An Encoder must not be used by two goroutines at once; a Conn may.
type Encoder struct {
	w   io.Writer
	out writer
	err error // of w; final
}

// NewEncoder returns an Encoder that writes to w.
func NewEncoder(w io.Writer, opts ...Option) *Encoder {
	return &Encoder{w: w, out: writer{config: onSlice(opts)}}
}

// Encode writes v as one element.
func (e *Encoder) Encode(v any) error {
	e.begin()
	if err := e.out.value(v); err != nil {
		return err
	}
	return e.flush()
}

// WriteFrame writes the frame of header and body.  The header has to marshal as
// a dict; a nil one is the empty dict.
func (e *Encoder) WriteFrame(header, body any) error {
	e.begin()
	if err := e.out.frame(header, body); err != nil {
		return err
	}
	return e.flush()
}

// WriteFrameFrom writes the frame of header and a string body of size bytes that
// are read from r; where r is a whole Body, the kind is what that one's is.  The body is never held as a whole: io.Copy moves it, and
// leaves that to the operating system (sendfile, splice) where the stream and r
// are fit for it.  r is not read past size.
//
// An r that ends before size is io.ErrUnexpectedEOF and, since the size has been
// sent already, final.
func (e *Encoder) WriteFrameFrom(header any, size int64, r io.Reader) error {
	if size < 0 || size > e.out.maxWrite {
		return &TypeError{Err: ErrTooLarge, Path: "/body"}
	}
	e.out.reset()
	e.out.size(size)
	e.out.separate()
	if err := e.out.header(header); err != nil {
		return err
	}
	if err := e.flush(); err != nil {
		return err
	}
	if err := e.copy(size, r); err != nil {
		e.err = err
		return err
	}
	e.begin()
	e.out.byte(byte(kindFrom(r)))
	return e.flush()
}

// kindFrom is the kind of a body that has been read from r.
func kindFrom(r io.Reader) Kind {
	if body, ok := r.(*Body); ok && body.kind != 0 {
		return body.kind
	}
	return KindString
}

// frame returns the frame that WriteFrame would write, for filters.
func (e *Encoder) frame(header, body any) (Frame, error) {
	e.out.reset()
	if err := e.out.frame(header, body); err != nil {
		return Frame{}, err
	}
	unlimited := *e.out.config
	unlimited.maxHeader = unlimited.maxSize // MaxHeaderSize is for reading
	f, _, err := unlimited.cutFrame(bytes.Clone(e.out.bytes()))
	return f, err
}

// begin empties the buffer and writes what follows an element.
func (e *Encoder) begin() {
	e.out.reset()
	e.out.separate()
}

// flush writes out the buffer in one Write, and keeps it for the next element
// unless it has grown large.
func (e *Encoder) flush() error {
	if e.err != nil {
		return e.err
	}
	b := e.out.bytes()
	n, err := e.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	e.out.shrink()
	e.err = err
	return err
}

// copy moves size bytes from r to the stream.
func (e *Encoder) copy(size int64, r io.Reader) error {
	if body, ok := r.(*Body); ok && body.left == size {
		_, err := body.WriteTo(e.w) // can splice, which a LimitedReader would hide
		return err
	}
	n, err := io.Copy(e.w, &io.LimitedReader{R: r, N: size})
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	return err
}
