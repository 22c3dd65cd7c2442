package petrichor

// What one encoding and one decoding carry along.
//
// Decoding writes only into memory that nobody else can see: values made while
// decoding, and shadows.  A shadow is a copy of what one of the caller's
// pointers leads to; when all has gone well the shadows are copied back.  That
// is how an error leaves the caller's value exactly as it was.

import (
	"errors"
	"reflect"
	"unicode/utf8"
)

// A writer is one encoding in progress.
type writer struct {
	back
	*config
	depth int // containers begun
	hops  int // pointers and interfaces followed on the way here
}

// A reader is one decoding in progress.
type reader struct {
	*config
	shadows []shadow
	merges  []merge
}

// A shadow is the copy that is decoded into instead of a place of the caller's.
type shadow struct{ place, copy reflect.Value }

// A merge is a map whose entries are to be added to another.
type merge struct{ to, from reflect.Value }

// value writes v.
func (w *writer) value(v any) error {
	if v == nil {
		return w.null()
	}
	rv := reflect.ValueOf(v)
	return planOf(rv.Type()).encode(w, rv)
}

// reset makes w ready for another value, whatever became of the last.
func (w *writer) reset() {
	w.back.reset()
	w.depth, w.hops = 0, 0
}

// separate writes the separator that follows an element, if there is one.
func (w *writer) separate() {
	if w.separated {
		w.byte(w.separator)
	}
}

// shrink lets a buffer go that has grown large.
func (w *writer) shrink() {
	if len(w.buf) > largeBuffer {
		w.back = back{}
	}
}

func (w *writer) null() error {
	w.element(KindNull, "")
	return nil
}

// open begins a container.
func (w *writer) open(k Kind, t reflect.Type) (mark int, err error) {
	if w.depth >= w.maxDepth {
		return 0, &TypeError{Type: t, Err: ErrTooDeep}
	}
	w.depth++
	return w.begin(k), nil
}

// shut ends the container begun at mark.
func (w *writer) shut(mark int, t reflect.Type) error {
	w.depth--
	if int64(w.end(mark)) > w.maxWrite {
		return &TypeError{Type: t, Err: ErrTooLarge}
	}
	return nil
}

// follow is to be called before a pointer or an interface is followed, and
// w.hops lowered afterwards.  Containers are counted by depth; this ends chains
// of pointers that never come to one.
func (w *writer) follow(t reflect.Type) error {
	if w.hops++; w.hops > 10*(w.maxDepth+10) {
		return &TypeError{Type: t, Err: ErrTooDeep}
	}
	return nil
}

// str writes a string, or with AllowText a text.
func (w *writer) str(s string, t reflect.Type) error {
	k := KindString
	if w.config.text {
		k = KindText
	}
	return w.strAs(k, s, t)
}

func (w *writer) strAs(k Kind, s string, t reflect.Type) error {
	if int64(len(s)) > w.maxWrite {
		return &TypeError{Type: t, Err: ErrTooLarge}
	}
	if k == KindText && !utf8.ValidString(s) {
		return &TypeError{Type: t, Err: ErrPayload}
	}
	w.element(k, s)
	return nil
}

// raw writes b, which somebody else made, if it is one element.
func (w *writer) raw(b []byte, t reflect.Type) error {
	c := *w.config
	c.maxSize, c.maxDepth = w.maxWrite, w.maxDepth-w.depth
	if _, err := c.checkAll(b); err != nil {
		return &TypeError{Type: t, Err: err}
	}
	w.put(b)
	return nil
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
	if err := planOf(target.Type().Elem()).decode(r, el, r.shadow(target.Elem())); err != nil {
		return err
	}
	r.commit()
	return nil
}

var errTarget = errors.New("want a pointer that is not nil")

// shadow returns the shadow of place.  Two pointers to one place share it.
func (r *reader) shadow(place reflect.Value) reflect.Value {
	for _, s := range r.shadows {
		if s.place.Addr().Pointer() == place.Addr().Pointer() && s.place.Type() == place.Type() {
			return s.copy
		}
	}
	s := shadow{place, reflect.New(place.Type()).Elem()}
	s.copy.Set(place)
	r.shadows = append(r.shadows, s)
	return s.copy
}

// merge adds the entries of fresh to the map in v when all has gone well, or
// makes fresh the map where there is none.
func (r *reader) merge(v, fresh reflect.Value) {
	if v.IsNil() {
		v.Set(fresh)
		return
	}
	existing := reflect.New(v.Type()).Elem()
	existing.Set(v)
	r.merges = append(r.merges, merge{existing, fresh})
}

// commit publishes what has been decoded.
func (r *reader) commit() {
	for _, s := range r.shadows {
		s.place.Set(s.copy)
	}
	for _, m := range r.merges {
		for iter := m.from.MapRange(); iter.Next(); {
			m.to.SetMapIndex(iter.Key(), iter.Value())
		}
	}
}

// A walk goes over the elements of a container's payload.
type walk struct {
	*config
	b  []byte
	at int64 // where the next element begins
}

func (s *walk) more() bool { return s.at < int64(len(s.b)) }

// next returns the next element and where its payload begins.
func (s *walk) next() (el Element, payload int64) {
	el, n, _ := s.cut(s.b[s.at:], int64(len(s.b)))
	payload = s.at + payloadAt(el, n)
	s.at += n
	return el, payload
}

// count returns how many elements b holds, so that what is made for them has
// just their number: sizes are never taken for counts.
func (r *reader) count(b []byte) (n int) {
	for s := (walk{config: r.config, b: b}); s.more(); n++ {
		s.next()
	}
	return n
}

// mismatch is the error for an element that does not fit t; err may be nil.
func mismatch(el Element, t reflect.Type, err error) error {
	return &TypeError{Kind: el.Kind, Type: t, Err: err}
}
