package service

// The header of a request is mostly that of the one before, so what it is without an
// id is remembered.

import (
	"bytes"
	"sync"

	"github.com/petrichor-protocol/petrichor"
)

// A framer makes the bytes of one frame after the other.
type framer struct {
	enc *petrichor.Encoder
	out collector // what enc writes to
	all []byte

	separator []byte // between elements
	strict    bool   // there are options, which may have something against a body

	last petrichor.Raw // a small header that was encoded already
	kept []byte        // its entries, without an id
}

// A framers is a pool of framers that write with the same options.
type framers struct{ pool sync.Pool }

// plainFramers write without options, for all Clients.
var plainFramers = newFramers(nil)

func newFramers(opts []petrichor.Option) *framers {
	return &framers{pool: sync.Pool{New: func() any {
		f := &framer{strict: len(opts) > 0}
		f.enc = petrichor.NewEncoder(&f.out, opts...)
		element, _ := f.element(nil)
		f.separator = bytes.Clone(element[len(null):])
		return f
	}}}
}

func (p *framers) get() *framer { return p.pool.Get().(*framer) }

// maxKept is the capacity of a buffer, in bytes, that is kept for the next use.
const maxKept = 64 << 10

func (p *framers) put(f *framer) {
	if cap(f.out.b) <= maxKept && cap(f.all) <= maxKept {
		p.pool.Put(f)
	}
}

// frame returns the frame of header, with id for its id, and body.  It is valid until
// the next use of f.
func (f *framer) frame(header, body any, id uint64) ([]byte, error) {
	kept, err := f.entries(header)
	if err != nil {
		return nil, err
	}
	f.all = append(beforeEntries(f.all[:0], id, kept), f.separator...)
	if b, ok := octetsOf(body); ok && !f.strict {
		f.all = petrichor.Append(f.all, petrichor.KindString, b)
		return f.all, nil
	}
	element, err := f.element(body)
	if err != nil {
		return nil, f.enc.WriteFrame(nil, body) // which says where
	}
	f.all = append(f.all, element...)
	return f.all, nil
}

// octetsOf returns the bytes that v is, if it is a []byte or points to one.
func octetsOf(v any) (b []byte, ok bool) {
	switch v := v.(type) {
	case []byte:
		b = v
	case *[]byte:
		if v != nil {
			b = *v
		}
	}
	return b, b != nil && len(b) < maxQueuedBytes
}

// entries returns the entries of header but for an id, valid until the next call.
func (f *framer) entries(header any) ([]byte, error) {
	if header == nil {
		return nil, nil
	}
	raw, ok := header.(petrichor.Raw)
	if ok && len(raw) > 0 && bytes.Equal(raw, f.last) {
		return f.kept, nil
	}
	dict, err := f.dict(header)
	if err != nil {
		return nil, err
	}
	if !ok || len(raw) > maxLast {
		return without(dict, keyID), nil
	}
	f.last = append(f.last[:0], raw...)
	f.kept = append(f.kept[:0], without(dict, keyID)...)
	return f.kept, nil
}

// maxLast is how many bytes a header may have to be remembered.
const maxLast = 256

// dict returns the element of header, nil for none.
func (f *framer) dict(header any) (petrichor.Raw, error) {
	b, err := f.element(header)
	if err != nil {
		return nil, f.enc.WriteFrame(header, nil)
	}
	b = b[:len(b)-len(f.separator)]
	switch petrichor.Kind(b[len(b)-1]) {
	case petrichor.KindDict:
		return b, nil
	case petrichor.KindNull:
		return nil, nil
	}
	return nil, f.enc.WriteFrame(header, nil)
}

func (f *framer) element(v any) ([]byte, error) {
	f.out.b = f.out.b[:0]
	err := f.enc.Encode(v)
	return f.out.b, err
}

// A collector is a writer that keeps what is written.
type collector struct{ b []byte }

func (c *collector) Write(p []byte) (int, error) {
	c.b = append(c.b, p...)
	return len(p), nil
}
