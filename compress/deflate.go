package compress

import (
	"compress/flate"
	"errors"
	"io"
	"sync"

	"github.com/petrichor-protocol/petrichor"
)

var (
	// Deflate compresses each body by itself.
	Deflate = Method{Name: "deflate", Codec: deflate{}}

	// DeflateStream sends frames through one window for each direction, and what is larger
	// than 64 KiB as Deflate does.
	DeflateStream = Method{Name: "deflate-stream", Codec: deflate{}, NewWindow: func() Window { return new(deflateWindow) }}
)

// level is that of flate: 6 is what zlib has by default.
const level = 6

// deflate is raw DEFLATE of RFC 1951.
type deflate struct{}

var deflaters = sync.Pool{New: func() any { return newDeflater() }}

func newDeflater() *flate.Writer {
	w, _ := flate.NewWriter(nil, level)
	return w
}

// An appender is a writer that appends.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

func (deflate) Compress(dst, b []byte) []byte {
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	to := appender{dst}
	w.Reset(&to)
	w.Write(b)
	w.Close()
	return to.b
}

func (deflate) Expand(dst, b []byte) error { return inflate(dst, nil, b, nil) }

// An inflater is what inflates, and what it reads from.
type inflater struct {
	flate io.ReadCloser
	from  parts
	more  [1]byte
}

var inflaters = sync.Pool{New: func() any { return &inflater{flate: flate.NewReader(new(parts))} }}

// inflate fills dst with what b, with tail behind it, gives: exactly that, from exactly
// those bytes.  Before it stands what was inflated last.
func inflate(dst, before, b, tail []byte) error {
	r := inflaters.Get().(*inflater)
	defer inflaters.Put(r)
	r.from = parts{b, tail}
	defer func() { r.from = parts{} }()
	if err := r.flate.(flate.Resetter).Reset(&r.from, before); err != nil {
		return err
	}
	if _, err := io.ReadFull(r.flate, dst); err != nil {
		return r.reason(err)
	}
	n, err := r.flate.Read(r.more[:])
	switch {
	case n > 0:
		return petrichor.ErrTooLarge
	case err != io.EOF:
		return r.reason(err)
	case r.from.left() > 0:
		return petrichor.ErrTrailing
	}
	return nil
}

// reason is what an error of inflating means.
func (r *inflater) reason(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.As(err, &corrupt):
		return ErrCompressed
	case err == io.EOF && r.from.left() > 0:
		return petrichor.ErrTrailing
	}
	return io.ErrUnexpectedEOF
}

// parts are slices to be read one after the other.
type parts [2][]byte

func (p *parts) left() int { return len(p[0]) + len(p[1]) }

func (p *parts) ReadByte() (byte, error) {
	if len(p[0]) == 0 {
		p[0], p[1] = p[1], nil
	}
	if len(p[0]) == 0 {
		return 0, io.EOF
	}
	b := p[0][0]
	p[0] = p[0][1:]
	return b, nil
}

func (p *parts) Read(to []byte) (n int, err error) {
	if len(p[0]) == 0 {
		p[0], p[1] = p[1], nil
	}
	if len(p[0]) == 0 {
		return 0, io.EOF
	}
	n = copy(to, p[0])
	p[0] = p[0][n:]
	return n, nil
}

// A deflateWindow is a DEFLATE stream with a flush behind each frame.
type deflateWindow struct {
	w  *flate.Writer // sending
	to appender

	seen []byte // receiving: at least the last 32 KiB of what was inflated, as far as there is
}

const windowSize = 32 << 10

// What a flush ends in, and is not sent; and what a stream ends in, so that whoever
// inflates a frame by itself meets the end of it.
const (
	flushed = "\x00\x00\xff\xff"
	ending  = "\x01\x00\x00\xff\xff"
)

var tail = []byte(flushed + ending)

func (d *deflateWindow) Compress(dst, frame []byte) []byte {
	d.to.b = dst
	if d.w == nil {
		d.w, _ = flate.NewWriter(&d.to, level)
	}
	d.w.Write(frame)
	d.w.Flush()
	dst, d.to.b = d.to.b, nil
	return dst[:len(dst)-len(flushed)]
}

func (d *deflateWindow) Expand(b []byte, size int) ([]byte, error) {
	d.slide(size)
	n := len(d.seen)
	d.seen = d.seen[:n+size]
	frame := d.seen[n : n+size : n+size]
	return frame, inflate(frame, d.seen[max(0, n-windowSize):n], b, tail)
}

// slide makes place for so many bytes.
func (d *deflateWindow) slide(size int) {
	if cap(d.seen)-len(d.seen) >= size {
		return
	}
	before := d.seen[max(0, len(d.seen)-windowSize):]
	if len(before)+size > cap(d.seen) {
		d.seen = make([]byte, 0, len(before)+max(size, len(before)))
	}
	d.seen = append(d.seen[:0], before...)
}
