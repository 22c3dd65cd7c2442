package petrichor

// Bytes that are the value: a []byte, or what is encoded already.  Many are not
// copied into a buffer but written from where they are: what stands before them,
// they, and what stands behind go out together where the stream takes several
// slices at once, and one after the other where it does not.  An Encoder and a
// Conn have this in common.  See docs/design/0008-large-bodies-are-not-copied.md.

import (
	"io"
	"math"
	"net"
	"strconv"
	"sync"
)

// From how many bytes on they are many: where the copy costs as much as the vector
// does, or as two more Writes do and a buffer that is not kept.
const (
	largeJoined = 16 << 10
	largeWrite  = largeBuffer
)

// octets are the payload of an element of kind k, or where k is 0 a whole element.
type octets struct {
	b []byte
	k Kind
}

// octetsOf returns the bytes that v is, if it is nothing else.
func octetsOf(v any) (o octets, ok bool) {
	switch v := v.(type) {
	case []byte:
		o = octets{v, KindString}
	case *[]byte:
		if v != nil {
			o = octets{*v, KindString}
		}
	case Raw:
		o.b = v
	case *Raw:
		if v != nil {
			o.b = *v
		}
	}
	return o, o.b != nil
}

// writable reports whether there is nothing wrong with o.  What is, is for
// writer.value to say.
func (c *config) writable(o octets) bool {
	if o.k != 0 {
		return int64(len(o.b)) <= c.maxWrite
	}
	if c.maxValues != math.MaxInt || c.maxSize != c.maxWrite { // which are for reading
		own := *c
		own.maxSize, own.maxValues = c.maxWrite, math.MaxInt
		c = &own
	}
	_, err := c.checkAll(o.b)
	return err == nil
}

// front writes what stands before the bytes of o.
func (w *writer) front(o octets) {
	if o.k != 0 {
		w.size(int64(len(o.b)))
	}
}

// frontFrom writes what stands before size bytes of a body that comes from elsewhere.
func (w *writer) frontFrom(header any, size int64) error {
	if size < 0 || size > w.maxWrite {
		return &TypeError{Err: ErrTooLarge, Path: "/body"}
	}
	w.size(size)
	w.separate()
	return w.header(header)
}

// appendTo appends o.
func (o octets) appendTo(dst []byte) []byte {
	if o.k == 0 {
		return append(dst, o.b...)
	}
	return append(append(appendSize(dst, len(o.b)), o.b...), byte(o.k))
}

// appendSeparator appends what follows an element, if anything does.
func (c *config) appendSeparator(dst []byte) []byte {
	if c.separated {
		dst = append(dst, c.separator)
	}
	return dst
}

// appendSize appends a size and the colon.
func appendSize(dst []byte, n int) []byte {
	if n >= 10 && n < 100 { // as most are
		return append(dst, byte('0'+n/10), byte('0'+n%10), ':')
	}
	if n >= 1000 && n < 10_000 {
		return append(dst, byte('0'+n/1000), byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10), ':')
	}
	return append(strconv.AppendInt(dst, int64(n), 10), ':')
}

// A vectorWriter writes several slices as one, as writev does, and leaves in b
// what it has not written.  A stream that has it is sent large bodies without
// copying them.
type vectorWriter interface {
	WriteBuffers(b *net.Buffers) (int64, error)
}

// A socket is a net.Conn of which the net package can write several slices with
// one system call.
type socket struct{ net.Conn }

func (s socket) WriteBuffers(b *net.Buffers) (int64, error) { return b.WriteTo(s.Conn) }

// vectorsOf returns how stream writes several slices at once, or nil.
func vectorsOf(stream io.Writer) vectorWriter {
	switch stream := stream.(type) {
	case vectorWriter:
		return stream
	case *net.TCPConn:
		return socket{stream}
	case *net.UnixConn:
		return socket{stream}
	}
	return nil
}

// An outlet is a stream that is written to.
type outlet struct {
	stream  io.Writer
	vectors vectorWriter // stream, where it writes several slices at once; else nil
	end     [2]byte
}

func outletTo(stream io.Writer) outlet {
	return outlet{stream: stream, vectors: vectorsOf(stream)}
}

// isLarge reports whether n bytes are not to be copied.
func (o *outlet) isLarge(n int) bool {
	return n >= largeJoined && (n >= largeWrite || o.vectors != nil)
}

// large returns the bytes that v is, if they are not to be copied and can be written.
func (o *outlet) large(c *config, v any) (l octets, ok bool) {
	l, ok = octetsOf(v)
	return l, ok && o.isLarge(len(l.b)) && c.writable(l)
}

// write writes b in one Write.
func (o *outlet) write(b []byte) error {
	n, err := o.stream.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

// A vec is slices that are written at once.  They are shared by all outlets, so
// that a connection that waits holds none.
type vec struct {
	slices net.Buffers
	slots  [3][]byte // what slices is made of
}

var vecPool = sync.Pool{New: func() any { return new(vec) }}

func (v *vec) free() {
	*v = vec{}
	vecPool.Put(v)
}

// writeParts writes up to three slices, at once or in turn.
func (o *outlet) writeParts(parts ...[]byte) error {
	v := vecPool.Get().(*vec)
	defer v.free()
	v.slices = v.slots[:0]
	for _, b := range parts {
		if len(b) > 0 { // an empty Write is one all the same to a pipe
			v.slices = append(v.slices, b)
		}
	}
	return o.writeSlices(v)
}

func (o *outlet) writeSlices(v *vec) error {
	if o.vectors != nil && len(v.slices) > 1 {
		_, err := o.vectors.WriteBuffers(&v.slices)
		return err
	}
	for _, b := range v.slices {
		if err := o.write(b); err != nil {
			return err
		}
	}
	return nil
}

// writeAround writes head, l, and what stands behind it.
func (o *outlet) writeAround(c *config, head []byte, l octets) error {
	end := o.end[:0]
	if l.k != 0 {
		end = append(end, byte(l.k))
	}
	return o.writeParts(head, l.b, c.appendSeparator(end))
}

// writeFrom writes head, size bytes from r, and what stands behind them.
func (o *outlet) writeFrom(c *config, head []byte, size int64, r io.Reader) error {
	if err := o.write(head); err != nil {
		return err
	}
	if err := o.copy(size, r); err != nil {
		return err
	}
	return o.write(c.appendSeparator(append(o.end[:0], byte(kindFrom(r)))))
}

// copy moves size bytes from r to the stream.
func (o *outlet) copy(size int64, r io.Reader) error {
	if body, ok := r.(*Body); ok && body.left == size {
		_, err := body.WriteTo(o.stream) // can splice, which a LimitedReader would hide
		return err
	}
	n, err := io.Copy(o.stream, &io.LimitedReader{R: r, N: size})
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// kindFrom is the kind of a body that has been read from r.
func kindFrom(r io.Reader) Kind {
	if body, ok := r.(*Body); ok && body.kind != 0 {
		return body.kind
	}
	return KindString
}
