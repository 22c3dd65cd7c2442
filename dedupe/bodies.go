package dedupe

// Both sides of one direction keep the same list of bodies, the receiver the bodies and
// the sender their digests and sizes.  What changes it is in the frames, so that it does
// so on both sides alike:
//
//	h: 1          hold this body: it goes to the end, and what is too much leaves in front
//	h: digest     the body held with that digest, which goes to the end
//	h: 0          the frame is in the body, as it is

import (
	"bytes"
	"container/list"
	"crypto/sha256"
	"errors"
	"io"
	"strconv"

	"github.com/petrichor-protocol/petrichor"
)

// KeyHold is the header key under which holding bodies is agreed on.
const KeyHold = "hold"

// What can be wrong with a frame that has a mark.  They are found in a
// *petrichor.SyntaxError; use errors.Is.
var (
	ErrMark = errors.New("malformed mark of a held body")
	ErrHeld = errors.New("body is not held")
)

// overhead is what a body counts beside its bytes.
const overhead = 128

// least is how many bytes a body must have to be held: a digest takes about 50.
const least = 256

// Bodies returns the Extension that sends a body the peer holds as its SHA-256, for
// petrichor.WithExtensions.  For each direction of a connection up to max bytes are held;
// 0 is 1 MiB.  The receiver takes as much memory, the sender about 150 bytes for each body.
//
// Frames for which secret is true are sent as they are, and not held; nil is no frame.
func Bodies(max int64, secret func(petrichor.Frame) bool) petrichor.Extension {
	if max == 0 {
		max = 1 << 20
	}
	x := petrichor.Extension{Key: KeyHold}
	for ; max >= 64<<10; max /= 4 {
		x.Choices = append(x.Choices, choice(max, secret))
	}
	return x
}

func choice(max int64, secret func(petrichor.Frame) bool) petrichor.Choice {
	return petrichor.Choice{
		Name: "sha256/" + strconv.FormatInt(max, 10),
		New: func(l petrichor.Limits) petrichor.Filter {
			return &bodies{secret: secret, limits: l, sent: newHeld(max), received: newHeld(max)}
		},
	}
}

// A held is one side of the list of bodies of one direction.
type held struct {
	max, used int64
	order     *list.List // of *body, the oldest in front
	by        map[Digest]*list.Element
}

type body struct {
	sum  Digest
	size int64
	raw  petrichor.Raw // nil on the side of the sender
}

func newHeld(max int64) *held {
	return &held{max: max, order: list.New(), by: map[Digest]*list.Element{}}
}

// find returns the body with that digest, which becomes the newest, or nil.
func (h *held) find(sum Digest) *body {
	e := h.by[sum]
	if e == nil {
		return nil
	}
	h.order.MoveToBack(e)
	return e.Value.(*body)
}

// takes reports whether a body of that size can be held.
func (h *held) takes(size int) bool { return int64(size)+overhead <= h.max }

// add makes b the newest.
func (h *held) add(b *body) {
	if h.find(b.sum) != nil {
		return
	}
	h.by[b.sum] = h.order.PushBack(b)
	h.used += b.size + overhead
	for h.used > h.max {
		oldest := h.order.Remove(h.order.Front()).(*body)
		delete(h.by, oldest.sum)
		h.used -= oldest.size + overhead
	}
}

// A bodies is the Filter of one connection.
type bodies struct {
	secret         func(petrichor.Frame) bool
	limits         petrichor.Limits
	sent, received *held
}

// markSize is about how many bytes a mark adds to a header.
const markSize = 64

// Outbound sends a digest for a body that the peer holds, and has it hold others.
func (c *bodies) Outbound(f petrichor.Frame) (petrichor.Frame, error) {
	entries, ok := c.entries(f.Header)
	if _, marked := markOf(f.Header); marked {
		return c.wrapped(f)
	}
	if !ok || len(f.Body) < least || !c.sent.takes(len(f.Body)) || c.secret != nil && c.secret(f) {
		return f, nil
	}
	sum := Digest(sha256.Sum256(f.Body))
	if c.sent.find(sum) != nil {
		return petrichor.Frame{Header: mark(petrichor.KindString, sum[:], entries), Body: petrichor.Raw("0:~")}, nil
	}
	c.sent.add(&body{sum: sum, size: int64(len(f.Body))})
	return petrichor.Frame{Header: mark(petrichor.KindInt, []byte("1"), entries), Body: f.Body}, nil
}

// entries returns those of header, and whether a mark can be put before them.
func (c *bodies) entries(header petrichor.Raw) (entries []byte, ok bool) {
	if value, err := header.Get("h", allowText); err != nil || value != nil || int64(len(header)+markSize) > c.limits.Header {
		return nil, false
	}
	el, _, err := petrichor.Cut(header, c.limits.Options...)
	canonical := len(petrichor.Append(nil, petrichor.KindDict, el.Payload)) == len(header)
	return el.Payload, err == nil && canonical
}

// wrapped is a frame for one that would be taken for marked.
func (c *bodies) wrapped(f petrichor.Frame) (petrichor.Frame, error) {
	whole := append(bytes.Clone(f.Header), f.Body...)
	if int64(len(whole)) > c.limits.Body {
		return petrichor.Frame{}, &petrichor.TypeError{Path: "/body", Err: petrichor.ErrTooLarge}
	}
	return petrichor.Frame{Header: mark(petrichor.KindInt, []byte("0"), nil), Body: petrichor.Append(nil, petrichor.KindString, whole)}, nil
}

// mark makes a header that begins with a mark.
func mark(k petrichor.Kind, value, entries []byte) petrichor.Raw {
	b := petrichor.Append([]byte("1:h,"), k, value)
	return petrichor.Append(nil, petrichor.KindDict, append(b, entries...))
}

// markOf returns what follows the key of the mark in header, and whether there is one.
func markOf(header petrichor.Raw) (rest []byte, ok bool) {
	_, payload, _ := bytes.Cut(header, []byte(":"))
	if rest, ok = bytes.CutPrefix(payload, []byte("1:h,")); !ok {
		return nil, false
	}
	return rest[:len(rest)-1], true
}

// Inbound undoes what the peer's Outbound did.
func (c *bodies) Inbound(f petrichor.Frame) (petrichor.Frame, error) {
	rest, marked := markOf(f.Header)
	if !marked {
		return f, nil
	}
	value, entries, err := petrichor.Cut(rest)
	if err != nil {
		return petrichor.Frame{}, fault(f, 0, ErrMark)
	}
	switch kind := value.Kind; {
	case kind == petrichor.KindString && len(value.Payload) == sha256.Size:
		return c.recall(f, Digest(value.Payload), entries)
	case kind == petrichor.KindInt && string(value.Payload) == "1":
		return c.hold(f, entries)
	case kind == petrichor.KindInt && string(value.Payload) == "0" && len(entries) == 0:
		return c.unwrap(f)
	}
	return petrichor.Frame{}, fault(f, 0, ErrMark)
}

func (c *bodies) recall(f petrichor.Frame, sum Digest, entries []byte) (petrichor.Frame, error) {
	if string(f.Body) != "0:~" {
		return petrichor.Frame{}, fault(f, len(f.Header), ErrMark)
	}
	b := c.received.find(sum)
	if b == nil {
		return petrichor.Frame{}, fault(f, 0, ErrHeld)
	}
	return petrichor.Frame{Header: petrichor.Append(nil, petrichor.KindDict, entries), Body: bytes.Clone(b.raw)}, nil
}

func (c *bodies) hold(f petrichor.Frame, entries []byte) (petrichor.Frame, error) {
	if !c.received.takes(len(f.Body)) {
		return petrichor.Frame{}, fault(f, len(f.Header), petrichor.ErrTooLarge)
	}
	c.received.add(&body{sha256.Sum256(f.Body), int64(len(f.Body)), bytes.Clone(f.Body)})
	return petrichor.Frame{Header: petrichor.Append(nil, petrichor.KindDict, entries), Body: f.Body}, nil
}

func (c *bodies) unwrap(f petrichor.Frame) (petrichor.Frame, error) {
	el, _, err := petrichor.Cut(f.Body)
	if err != nil || el.Kind != petrichor.KindString {
		return petrichor.Frame{}, fault(f, len(f.Header), ErrMark)
	}
	own, rest, err := petrichor.CutFrame(el.Payload, c.limits.Options...)
	switch {
	case err != nil:
	case len(rest) > 0:
		err = petrichor.ErrTrailing
	case int64(len(own.Header)) > c.limits.Header+markSize:
		err = petrichor.ErrTooLarge
	}
	if err != nil {
		return petrichor.Frame{}, fault(f, len(f.Header), err)
	}
	return own, nil
}

// fault is the error for a frame, at an offset of it.
func fault(f petrichor.Frame, at int, err error) error {
	path := ""
	if at >= len(f.Header) {
		path = "/body"
	}
	var inner *petrichor.SyntaxError
	switch {
	case err == petrichor.ErrShort:
		err = io.ErrUnexpectedEOF
	case errors.As(err, &inner):
		err = inner.Err
	}
	return &petrichor.SyntaxError{Offset: int64(at), Path: path, Err: err}
}
