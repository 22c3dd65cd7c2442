package petrichor

// A frame is two elements in a row, and its header is a dict.  That is all
// there is to it; see spec section 4 of https://tnetstrings.info for why two
// elements and not one.

import (
	"bytes"
	"math"
	"reflect"
	"slices"
)

// A Frame is one HEADER,BODY pair.  Header is a dict, Body any element; neither
// is interpreted, so that what passes a frame on pays for nothing it does not
// look at and keeps the bytes as they were signed.
type Frame struct{ Header, Body Raw }

// Clone returns a copy of f that shares no bytes with it.
func (f Frame) Clone() Frame {
	if f.Header == nil || f.Body == nil {
		return Frame{bytes.Clone(f.Header), bytes.Clone(f.Body)}
	}
	n := len(f.Header)
	b := append(append(make([]byte, 0, n+len(f.Body)), f.Header...), f.Body...)
	return Frame{Raw(b[:n:n]), Raw(b[n:])}
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
	c := onSlice(opts)
	if b, ok := c.appendOctets(dst, header, body); ok {
		return b, nil
	}
	w := newWriter(c)
	defer w.free()
	if err := w.frame(header, body); err != nil {
		return dst, err
	}
	return append(dst, w.bytes()...), nil
}

// appendOctets appends a frame of the commonest form, bytes after a header that is
// encoded already or a small struct, or reports false.  Sizes are known, so the
// bytes are copied once.
func (c *config) appendOctets(dst []byte, header, body any) ([]byte, bool) {
	p, ok := octetsOf(body)
	if !ok || !c.writable(p) {
		return dst, false
	}
	b, ok := c.appendHeader(dst, header, len("999999999:,")+len(p.b))
	if !ok {
		return dst, false
	}
	return p.appendTo(c.appendSeparator(b)), true
}

// appendHeader appends a header that is encoded already or a small struct, with room
// behind it, or reports false.
func (c *config) appendHeader(dst []byte, header any, room int) ([]byte, bool) {
	head, ok := smallHeader(header)
	if !ok {
		return c.appendSmall(dst, header, room)
	}
	if !c.isHeader(head) {
		return dst, false
	}
	return append(slices.Grow(dst, len(head)+room), head...), true
}

// smallHeader returns a header that is encoded already and has few bytes.
func smallHeader(header any) (Raw, bool) {
	if header == nil {
		return emptyDict, true
	}
	raw, ok := header.(Raw)
	return raw, ok && len(raw) > 0 && len(raw) <= maxKnown
}

// isHeader reports whether b is one, all the way down.
func (c *config) isHeader(b Raw) bool {
	return c.writable(octets{b: b}) && Kind(b[len(b)-1]) == KindDict
}

// cutFrame cuts both halves of the frame at the beginning of b, or neither.  n
// is its end; with ErrShort, where b has to reach.  Other errors are
// *SyntaxErrors.
func (c *config) cutFrame(b []byte) (f Frame, n int64, err error) {
	header, body, end := c.frameBounds(b)
	if end == 0 {
		n, err = c.noFrame(b)
		return Frame{}, n, err
	}
	if end > int64(len(b)) {
		return Frame{}, end, ErrShort
	}
	return Frame{Raw(b[:header:header]), Raw(b[body:end:end])}, end, nil
}

// frameBounds returns where the header of the frame that b begins with ends, and
// where the body begins and ends.  Where b ends before that, end is where it has
// to reach; where something is wrong, or a size not all there, end is 0 and
// noFrame says more.
func (c *config) frameBounds(b []byte) (header, body, end int64) {
	if header, end = c.shortFrame(b); end > 0 {
		return header, header, end
	}
	size, n, err := c.cutSize(b, min(c.maxHeader, c.maxFrame))
	header = n + size + 1
	if err == nil && header > int64(len(b)) {
		return 0, 0, header
	}
	if err != nil || Kind(b[header-1]) != KindDict {
		return 0, 0, 0
	}
	body = header + c.skipSeparator(b[header:])
	size, n, err = c.cutSize(b[body:], min(c.maxSize, c.maxFrame-header))
	end = body + n + size + 1
	if err != nil || end <= int64(len(b)) && !c.known(Kind(b[end-1])) {
		return 0, 0, 0
	}
	return header, body, end
}

// shortFrame is frameBounds of a whole frame whose sizes have few digits, with nothing
// between its halves, and 0, 0 of any other.
func (c *config) shortFrame(b []byte) (header, end int64) {
	_, tag := shortSize(b)
	if tag >= len(b) || Kind(b[tag]) != KindDict || int64(tag) > c.maxHeader {
		return 0, 0
	}
	rest := b[tag+1:]
	from, last := shortSize(rest)
	if from == 0 {
		last = mediumEnd(rest)
	}
	if last >= len(rest) || !c.known(Kind(rest[last])) || int64(tag+last) > min(c.maxSize, c.maxFrame) {
		return 0, 0
	}
	return int64(tag) + 1, int64(tag) + int64(last) + 2
}

// mediumEnd is what shortSize says of the end of a payload, of sizes with up to five
// digits.
func mediumEnd(b []byte) int {
	size := 0
	for i := range min(len(b), len("65536:")) {
		switch d := b[i]; {
		case isDigit(d):
			size = 10*size + int(d-'0')
		case d == ':' && i > 0 && b[0] != '0':
			return i + 1 + size
		default:
			return math.MaxInt
		}
	}
	return math.MaxInt
}

// noFrame says why b does not begin with a frame; n and err are as in cutFrame.
func (c *config) noFrame(b []byte) (n int64, err error) {
	header, start, err := c.cutHeader(b)
	if err != nil {
		return start, err
	}
	_, m, err := c.cut(b[start:], c.bodyLimit(header))
	return start + m, shift(frameFault(err, b[start:], m), start)
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

// verify reports what is wrong with the outer layer of f.
func (c *config) verify(f Frame) error {
	if c.isShort(f.Header) && c.isShort(f.Body) && Kind(f.Header[len(f.Header)-1]) == KindDict {
		return nil
	}
	el, err := c.cutAll(f.Header)
	if err == nil && el.Kind != KindDict {
		err = fault(ErrHeader, f.Header, int64(len(f.Header)-1))
	}
	if err != nil {
		return rawFault(err, "header")
	}
	if _, err := c.cutAll(f.Body); err != nil {
		return rawFault(err, "body")
	}
	return nil
}

// rawFault is the error for a half of a frame that is not one element.
func rawFault(err error, half string) error {
	return under(&TypeError{Type: reflect.TypeFor[Raw](), Err: err}, half)
}

// What a nil half of a frame is sent as.
var emptyDict, null = Raw("0:}"), Raw("0:~")

func orElse(raw, empty Raw) Raw {
	if raw == nil {
		return empty
	}
	return raw
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
