package petrichor

// The one-shot API over the plans of reflect.go.

import (
	"bytes"
	"errors"
	"reflect"
	"sync"
)

// Marshal returns the tnetstring of v.
//
// What is written for which Go type stands in the package documentation.  A
// value that cannot be written is a *TypeError, and nothing is returned.
func Marshal(v any, opts ...Option) ([]byte, error) {
	c := onSlice(opts)
	if b, ok := c.appendSmall(nil, v, 0); ok {
		return b, nil
	}
	w := newWriter(c)
	err := w.value(v)
	if err != nil {
		w.free()
		return nil, err
	}
	b := bytes.Clone(w.bytes())
	w.free()
	return b, nil
}

// MarshalAppend appends the tnetstring of v to dst.  On any error dst is
// returned as it was.
func MarshalAppend(dst []byte, v any, opts ...Option) ([]byte, error) {
	c := onSlice(opts)
	if b, ok := c.appendSmall(dst, v, 0); ok {
		return b, nil
	}
	w := newWriter(c)
	err := w.value(v)
	if err == nil {
		dst = append(dst, w.bytes()...)
	}
	w.free()
	return dst, err
}

// Unmarshal reads the one element that b is into the value that v points to.
// Nothing of b is kept.
//
// It merges as encoding/json does: keys that a dict does not have leave their
// struct fields alone, entries are added to a map that exists, and pointers that
// are not nil are followed.  Lists always become new slices.
//
// Bytes that are not one whole element, well formed all the way down, are a
// *SyntaxError, even if something in them does not fit its Go type as well, which
// by itself is a *TypeError.  On any error the value, and all that its pointers
// and maps lead to, is exactly as it was.
func Unmarshal(b []byte, v any, opts ...Option) error {
	return onSlice(opts).unmarshal(b, v)
}

func (c *config) unmarshal(b []byte, v any) error {
	el, err := c.cutAll(b)
	if err != nil {
		return err
	}
	return c.unmarshalCut(el, len(b), v)
}

// unmarshalCut reads el, which is so long as a whole, into what v points to.
// Offsets of errors count from where it begins.
func (c *config) unmarshalCut(el Element, whole int, v any) (err error) {
	if whole/minElement >= c.maxValues {
		err = c.check(el) // there may be too many values, which is to be known before any is built
	}
	if err == nil {
		r := newReader(c)
		err = r.into(el, v)
		r.free()
	}
	if err != nil {
		return shift(c.explain(el, err), payloadAt(el, int64(whole)))
	}
	return nil
}

// into reads el into what v points to.
func (r *reader) into(el Element, v any) error {
	if done, err := r.direct(el, v); done {
		return err
	}
	return r.decode(el, reflect.ValueOf(v))
}

// decode reads el into what target points to.
func (r *reader) decode(el Element, target reflect.Value) error {
	if target.Kind() != reflect.Pointer || target.IsNil() {
		e := &TypeError{Kind: el.Kind, Err: errTarget}
		if target.IsValid() {
			e.Type = target.Type()
		}
		return e
	}
	r.left--
	place := target.Elem()
	p := planOf(place.Type())
	blank := p.isBlank(place)
	if !blank {
		place = r.shadow(place)
	}
	if err := p.readLong(r, el, place); err != nil {
		if blank { // needs no shadow: it can be had again
			place.SetZero()
		}
		return err
	}
	if len(r.shadows)+len(r.merges) > 0 {
		r.commit()
	}
	return nil
}

var errTarget = errors.New("want a pointer that is not nil")

// minElement is how many bytes an element has at least.
const minElement = len("0:~")

// explain returns what is wrong with el, given what decoding it ended with: a
// fault of the bytes comes before a value that does not fit.
func (c *config) explain(el Element, err error) error {
	if fault := c.check(el); fault != nil {
		return fault
	}
	return err
}

// A Marshaler writes its own element.  What it returns is checked, and limited,
// like bytes from a peer; it is copied.
type Marshaler interface{ MarshalTNet() ([]byte, error) }

// An Unmarshaler reads its own element.  b is one whole element, checked all
// the way down, and is the Unmarshaler's to keep.
//
// It works on a copy of the value that becomes the value when all of the
// document has been read; what it changes through pointers of its own is not
// undone when a later part of the document is refused.
type Unmarshaler interface{ UnmarshalTNet(b []byte) error }

var writerPool = sync.Pool{New: func() any { return new(writer) }}

func newWriter(c *config) *writer {
	w := writerPool.Get().(*writer)
	w.config = c
	w.reset()
	return w
}

var readerPool = sync.Pool{New: func() any { return new(reader) }}

func newReader(c *config) *reader {
	r := readerPool.Get().(*reader)
	r.config, r.left = c, c.maxValues
	return r
}

// free gives r back for the next call, with nothing of this one but the rest of
// a chunk of text.
func (r *reader) free() {
	r.config, r.depth, r.hops = nil, 0, 0
	if len(r.shadows)+len(r.merges) > 0 {
		r.forget()
	}
	readerPool.Put(r)
}

// free gives w back for the next call, without what it was written for.
func (w *writer) free() {
	w.shrinkLater()
	w.config = nil
	writerPool.Put(w)
}
