package petrichor

// A frame is two elements in a row, and its header is a dict.  That is all
// there is to it; see spec section 4 of https://tnetstrings.info for why two
// elements and not one.

import (
	"bytes"
	"reflect"
)

// A Frame is one HEADER,BODY pair.  Header is a dict, Body any element; neither
// is interpreted, so that what passes a frame on pays for nothing it does not
// look at and keeps the bytes as they were signed.
type Frame struct{ Header, Body Raw }

// Clone returns a copy of f that shares no bytes with it.
func (f Frame) Clone() Frame {
	return Frame{bytes.Clone(f.Header), bytes.Clone(f.Body)}
}

// A Filter rewrites frames on their way out of a Conn, and undoes it on their
// way in: compression, or the removal of bodies the peer already has.  It does
// no I/O, so it serves a Parser and AppendFrame as well.
//
// The frame a method is given is borrowed until it returns; what it returns may
// alias it, and is used before the next call.  Outbound and Inbound may be
// called at the same time, since a Conn may send while it receives.
type Filter interface {
	Outbound(Frame) (Frame, error)
	Inbound(Frame) (Frame, error)
}

// CutFrame returns the first frame of b and the bytes after it.  Both alias b.
//
// Like Cut it verifies the outer layer only: two sizes, two tags, and that the
// header is a dict.  The error is ErrShort when b ends inside the frame, else a
// *SyntaxError.
func CutFrame(b []byte, opts ...Option) (f Frame, rest []byte, err error) {
	f, n, err := onSlice(opts).cutFrame(b)
	if err == ErrShort {
		return Frame{}, b, ErrShort
	}
	if err != nil {
		return Frame{}, b, err
	}
	return f, b[n:], nil
}

// AppendFrame appends to dst the frame of header and body.  The header has to
// marshal as a dict; a nil one is the empty dict.  On any error dst is returned
// as it was.
func AppendFrame(dst []byte, header, body any, opts ...Option) ([]byte, error) {
	w := newWriter(onSlice(opts))
	defer w.free()
	if err := w.frame(header, body); err != nil {
		return dst, err
	}
	return append(dst, w.bytes()...), nil
}

// cutFrame cuts both halves of the frame at the beginning of b, or neither.  n
// is its end; with ErrShort, where b has to reach.  Other errors are
// *SyntaxErrors.
func (c *config) cutFrame(b []byte) (f Frame, n int64, err error) {
	header, start, err := c.cutHeader(b)
	if err != nil {
		return Frame{}, start, err
	}
	_, m, err := c.cut(b[start:], c.bodyLimit(header))
	if err != nil {
		return Frame{}, start + m, shift(frameFault(err, b[start:], m), start)
	}
	end := start + m
	return Frame{header, Raw(b[start:end:end])}, end, nil
}

// cutHeader cuts the header of a frame.  n is where the body begins; errors are
// as in cutFrame.
func (c *config) cutHeader(b []byte) (header Raw, n int64, err error) {
	el, n, err := c.cut(b, min(c.maxHeader, c.maxFrame))
	if err != nil {
		return nil, n, frameFault(err, b, n)
	}
	if el.Kind != KindDict {
		return nil, n, fault(ErrHeader, b, n-1)
	}
	return Raw(b[:n:n]), n + c.skipSeparator(b[n:]), nil
}

// bodyLimit is the largest payload of a body that may follow header.
func (c *config) bodyLimit(header Raw) int64 {
	return min(c.maxSize, c.maxFrame-int64(len(header)))
}

func frameFault(err error, b []byte, at int64) error {
	if err == ErrShort {
		return err
	}
	return fault(err, b, at)
}

// skipSeparator is how many bytes of b are the separator the options allow.
func (c *config) skipSeparator(b []byte) int64 {
	if c.separated && len(b) > 0 && b[0] == c.separator {
		return 1
	}
	return 0
}

// frame writes header and body: the body first, since w writes towards the
// front.
func (w *writer) frame(header, body any) error {
	if err := w.value(body); err != nil {
		return under(err, "body")
	}
	w.separate()
	return w.header(header)
}

// header writes the header of a frame.
func (w *writer) header(header any) error {
	mark := w.len()
	if err := w.value(header); err != nil {
		return under(err, "header")
	}
	switch tag := &w.buf[len(w.buf)-1-mark]; Kind(*tag) {
	case KindDict:
		return nil
	case KindNull:
		*tag = byte(KindDict) // 0:~ becomes 0:}
		return nil
	}
	return under(&TypeError{Type: reflect.TypeOf(header), Err: ErrHeader}, "header")
}
