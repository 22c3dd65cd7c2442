package compress

import (
	"slices"
	"strconv"
	"sync"

	"github.com/petrichor-protocol/petrichor"
)

const (
	// maxInWindow is how many bytes a frame may have to go through a window: so few that
	// what comes out is within the ratio whatever it is.
	maxInWindow = freeSize

	// slack is by how many bytes a frame may grow by being compressed.
	slack = 1 << 10

	// maxKept is the capacity of a buffer, in bytes, that a connection keeps.
	maxKept = 4 << 10
)

// A filter compresses the frames of one connection.
type filter struct {
	shared  *shared
	method  Method
	options []petrichor.Option
	hold    func(n int64) error // of memory for what is made of a frame that has come in; may be nil
	header  int64               // the largest that is received, with size and tag
	body    int64               // likewise

	// Sending.
	send  Window // nil: none yet, or none left for us
	asked bool   // for one
	made  []byte // the last frame

	// Receiving.
	receive Window // nil: nothing has come through it yet
	got     []byte // the last frame that was not
}

func newFilter(s *shared, m Method, l petrichor.Limits) *filter {
	return &filter{shared: s, method: m, options: l.Options, hold: l.Hold, header: sizeWith(l.Header), body: sizeWith(l.Body)}
}

// sizeWith is the size of an element with that payload.
func sizeWith(payload int64) int64 {
	var digits [20]byte
	return int64(len(strconv.AppendInt(digits[:0], payload, 10))) + int64(len(":,")) + payload
}

// Outbound compresses f where that makes sense.
func (c *filter) Outbound(f petrichor.Frame) (petrichor.Frame, error) {
	if c.shared.Secret != nil && c.shared.Secret(f) {
		return c.plain(f)
	}
	size := len(f.Header) + len(f.Body)
	if size <= maxInWindow && int64(size+slack) <= c.body && c.opened() {
		return c.throughWindow(f), nil
	}
	if len(f.Body) < c.shared.Least || int64(len(f.Header)+slack) > c.header {
		return c.plain(f)
	}
	return c.byItself(f)
}

// opened reports whether there is a window to send through.
func (c *filter) opened() bool {
	if !c.asked && c.method.NewWindow != nil {
		c.send = c.shared.window(c)
	}
	c.asked = true
	return c.send != nil
}

// plain sends f as it is, and so that it is not taken for marked.
func (c *filter) plain(f petrichor.Frame) (petrichor.Frame, error) {
	if key, _ := markOf(f.Header); key == 0 {
		return f, nil
	}
	if sizeWith(int64(len(f.Header)+len(f.Body))) > c.body {
		return petrichor.Frame{}, &petrichor.TypeError{Path: "/body", Err: petrichor.ErrTooLarge}
	}
	whole := append(append([]byte(nil), f.Header...), f.Body...)
	return c.marked(byItself, 0, nil, whole), nil
}

func (c *filter) throughWindow(f petrichor.Frame) petrichor.Frame {
	b := scratches.Get().(*scratch)
	defer b.free()
	b.plain = append(append(b.plain[:0], f.Header...), f.Body...)
	b.made = c.send.Compress(b.made[:0], b.plain)
	return c.marked(inWindow, len(b.plain), nil, b.made)
}

func (c *filter) byItself(f petrichor.Frame) (petrichor.Frame, error) {
	header, _, err := petrichor.Cut(f.Header, c.options...)
	canonical := err == nil && sizeWith(int64(len(header.Payload))) == int64(len(f.Header))
	if !canonical || hasKey(f.Header, string(byItself)) {
		return c.plain(f)
	}
	b := scratches.Get().(*scratch)
	defer b.free()
	b.made = c.method.Codec.Compress(b.made[:0], f.Body)
	gain := len(f.Body) - len(b.made)
	if gain < markSize || int64(len(f.Body)) > mayBecome(len(b.made)) {
		return c.plain(f)
	}
	return c.marked(byItself, len(f.Body), header.Payload, b.made), nil
}

// A scratch is where frames are put together and compressed.
type scratch struct{ plain, made []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (b *scratch) free() {
	if cap(b.plain)+cap(b.made) <= 4*freeSize {
		scratches.Put(b)
	}
}

// marked makes the frame of a payload.
func (c *filter) marked(key byte, size int, entries, payload []byte) petrichor.Frame {
	b := appendMark(c.made[:0], key, size, entries)
	n := len(b)
	b = petrichor.Append(b, petrichor.KindString, payload)
	c.made = kept(b)
	return petrichor.Frame{Header: b[:n:n], Body: b[n:]}
}

// kept is b, if it is to be used again.
func kept(b []byte) []byte {
	if cap(b) > maxKept {
		return nil
	}
	return b
}

// Inbound undoes what the peer's Outbound did.
func (c *filter) Inbound(f petrichor.Frame) (petrichor.Frame, error) {
	key, rest := markOf(f.Header)
	if key == 0 {
		return f, nil
	}
	m, err := unmark(f, key, rest)
	switch {
	case err != nil:
		return petrichor.Frame{}, err
	case m.size == 0:
		return c.cut(f, m.payload)
	case m.size > mayBecome(len(m.payload)):
		return petrichor.Frame{}, fault(f, len(f.Header), ErrRatio)
	case key == inWindow:
		return c.fromWindow(f, m)
	}
	return c.fromItself(f, m)
}

func (c *filter) fromWindow(f petrichor.Frame, m marked) (petrichor.Frame, error) {
	if c.method.NewWindow == nil {
		return petrichor.Frame{}, fault(f, 0, ErrMark)
	}
	if m.size > maxInWindow {
		return petrichor.Frame{}, fault(f, len(f.Header), petrichor.ErrTooLarge)
	}
	if err := c.held(m.size); err != nil {
		return petrichor.Frame{}, err
	}
	if c.receive == nil {
		c.receive = c.method.NewWindow()
	}
	b, err := c.receive.Expand(m.payload, int(m.size))
	if err != nil {
		return petrichor.Frame{}, fault(f, len(f.Header), err)
	}
	return c.cut(f, b)
}

// cut makes the one frame that b is, and that came in f.
func (c *filter) cut(f petrichor.Frame, b []byte) (petrichor.Frame, error) {
	own, rest, err := petrichor.CutFrame(b, c.options...)
	switch {
	case err != nil:
	case len(rest) > 0:
		err = petrichor.ErrTrailing
	case int64(len(own.Header)) > c.header || int64(len(own.Body)) > c.body:
		err = petrichor.ErrTooLarge
	}
	if err != nil {
		return petrichor.Frame{}, fault(f, len(f.Header), err)
	}
	return own, nil
}

func (c *filter) fromItself(f petrichor.Frame, m marked) (petrichor.Frame, error) {
	if m.size > c.body {
		return petrichor.Frame{}, fault(f, len(f.Header), petrichor.ErrTooLarge)
	}
	header := sizeWith(int64(len(m.entries)))
	if err := c.held(m.size + header); err != nil {
		return petrichor.Frame{}, err
	}
	b := slices.Grow(c.got[:0], int(m.size+header))[:m.size]
	err := c.method.Codec.Expand(b, m.payload)
	if err == nil {
		_, err = one(b, c.options)
	}
	if err != nil {
		return petrichor.Frame{}, fault(f, len(f.Header), err)
	}
	n := len(b)
	b = petrichor.Append(b, petrichor.KindDict, m.entries)
	c.got = kept(b)
	return petrichor.Frame{Header: b[n:], Body: b[:n:n]}, nil
}

// held is nil when so many bytes may be taken.
func (c *filter) held(n int64) error {
	if c.hold == nil {
		return nil
	}
	return c.hold(n)
}

// one returns the one element that b is.
func one(b []byte, opts []petrichor.Option) (petrichor.Element, error) {
	el, rest, err := petrichor.Cut(b, opts...)
	if err == nil && len(rest) > 0 {
		err = petrichor.ErrTrailing
	}
	return el, err
}
