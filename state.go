package petrichor

// What one encoding and one decoding carry along.
//
// Decoding writes only into memory that nobody else can see: values made while
// decoding, and shadows.  A shadow is a copy of what one of the caller's
// pointers leads to; when all has gone well the shadows are copied back.  That
// is how an error leaves the caller's value exactly as it was.

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// A writer is one encoding in progress.
type writer struct {
	back
	*config
	depth int // containers begun
	hops  int // pointers and interfaces followed on the way here

	unused int // uses in a row that left most of a large buffer unused
}

// A reader is one decoding in progress.
type reader struct {
	*config
	left    int // values that may still come
	depth   int // containers entered
	hops    int // pointers followed on the way here
	shadows []shadow
	many    map[address]int // index in shadows, once there are many
	merges  []merge
	texts   textStore
}

// A shadow is the copy that is decoded into instead of a place of the caller's.
type shadow struct {
	at          address
	place, copy reflect.Value
}

// An address is where a place is.  A struct is where its first field is, and the
// two have shadows of their own.
type address struct {
	at  uintptr
	typ reflect.Type
}

// A merge is a map whose entries are to be added to another.
type merge struct{ to, from reflect.Value }

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

// shrinkLater lets a large buffer go when less than a quarter of it has been used
// some times in a row: growing it again costs more than the value.
func (w *writer) shrinkLater() {
	if len(w.buf) <= largeBuffer || 4*w.len() > len(w.buf) {
		w.unused = 0
		return
	}
	if w.unused++; w.unused >= 4 {
		w.back, w.unused = back{}, 0
	}
}

// truncate takes back what has been written since mark.
func (w *back) truncate(mark int) { w.at = len(w.buf) - mark }

func (w *writer) null() error {
	w.element(KindNull, "")
	return nil
}

// open begins a container.  What it returns shut needs.
func (w *writer) open(k Kind, t reflect.Type) (mark int, err error) {
	if w.depth >= w.maxDepth {
		return 0, &TypeError{Type: t, Err: ErrTooDeep}
	}
	w.depth++
	w.byte(byte(k))
	return w.len(), nil
}

// shut ends the container begun at mark.
func (w *writer) shut(mark int, t reflect.Type) error {
	w.depth--
	size := int64(w.len() - mark)
	w.size(size)
	if size > w.maxWrite {
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
	return w.strAs(w.stringKind(), s, t)
}

// stringKind is the kind that Go strings are written as.
func (w *writer) stringKind() Kind {
	if w.config.text {
		return KindText
	}
	return KindString
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
	c.maxSize, c.maxDepth, c.maxValues = w.maxWrite, w.maxDepth-w.depth, math.MaxInt
	if _, err := c.checkAll(b); err != nil {
		return &TypeError{Type: t, Err: err}
	}
	w.put(b)
	return nil
}

// errMalformed is what decoding returns where bytes are wrong.  It verifies all
// that check does, on the way and once, but leaves it to check to say what is
// wrong: that keeps paths and offsets out of the code that has to be fast.  See
// docs/design/0007-one-pass-and-check-explains.md.
var errMalformed = errors.New("petrichor: malformed element")

// shadow returns the shadow of place.  Two pointers to one place share it.
func (r *reader) shadow(place reflect.Value) reflect.Value {
	at := address{place.Addr().Pointer(), place.Type()}
	if i, ok := r.shadowAt(at); ok {
		return r.shadows[i].copy
	}
	s := shadow{at, place, reflect.New(at.typ).Elem()}
	s.copy.Set(place)
	if r.many != nil {
		r.many[at] = len(r.shadows)
	}
	r.shadows = append(r.shadows, s)
	return s.copy
}

// fewShadows is how many shadows are looked through one by one.
const fewShadows = 16

// shadowAt returns the index in shadows of the one of the place at an address.
func (r *reader) shadowAt(at address) (i int, ok bool) {
	if len(r.shadows) < fewShadows {
		i = slices.IndexFunc(r.shadows, func(s shadow) bool { return s.at == at })
		return i, i >= 0
	}
	if r.many == nil {
		r.many = make(map[address]int, 2*fewShadows)
		for i, s := range r.shadows {
			r.many[s.at] = i
		}
	}
	i, ok = r.many[at]
	return i, ok
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

// forget drops what commit has published, or was not to.
func (r *reader) forget() {
	clear(r.shadows)
	clear(r.merges)
	r.shadows, r.merges, r.many = r.shadows[:0], r.merges[:0], nil
}

// enter begins a container.
func (r *reader) enter() error {
	if r.depth++; r.depth > r.maxDepth {
		return errMalformed
	}
	return nil
}

// verify checks el, which is to be skipped, kept raw, or read by a method.
func (r *reader) verify(el Element) error {
	k := checker{config: r.config, left: r.left + 1} // el has been counted
	if k.element(el, r.depth) != nil {
		return errMalformed
	}
	r.left = k.left
	return nil
}

// A walk goes over the elements of a container's payload.
type walk struct {
	r  *reader
	b  []byte
	at int // where the next element begins
}

func (s *walk) more() bool { return s.at < len(s.b) }

// next cuts the next element.
func (s *walk) next() (Element, error) {
	b := s.b[s.at:]
	if from, end := shortSize(b); end < len(b) && s.r.left > 0 && s.r.known(Kind(b[end])) {
		s.at += end + 1
		s.r.left--
		return Element{Kind(b[end]), b[from:end:end]}, nil
	}
	return s.nextLong()
}

func (s *walk) nextLong() (Element, error) {
	el, n, err := s.r.cut(s.b[s.at:], int64(len(s.b)))
	s.r.left--
	if err != nil || s.r.left < 0 {
		return Element{}, errMalformed
	}
	s.at += int(n)
	return el, nil
}

// key cuts the next element, which has to be a dict key.
func (s *walk) key() (Element, error) {
	el, err := s.next()
	if err != nil || !isString(el.Kind) || !isText(el) {
		return Element{}, errMalformed
	}
	return el, nil
}

// place moves err from el, which was cut last, to where the walk began.
func (s *walk) place(err error, el Element) error {
	return shift(err, payloadAt(el, int64(s.at)))
}

// isText reports whether el is valid if it is a text.
func isText(el Element) bool { return el.Kind != KindText || utf8.Valid(el.Payload) }

// count returns how many elements b holds, so that what is made for them has
// just their number: sizes are never taken for counts.
func (r *reader) count(b []byte) (n int, err error) {
	for ; len(b) > 0; n++ {
		_, end := shortSize(b)
		if end >= len(b) {
			end = r.longEnd(b)
		}
		if end >= len(b) {
			return 0, errMalformed
		}
		b = b[end+1:]
	}
	return n, nil
}

// entries is count for a dict.
func (r *reader) entries(b []byte) (int, error) {
	n, err := r.count(b)
	return n / 2, err
}

// uniqueKeys verifies that no key of the dict with payload b comes twice, where
// what is made of the dict does not show it.
func (r *reader) uniqueKeys(b []byte) error {
	if r.duplicates {
		return nil
	}
	var seen keySet
	for at := int64(0); at < int64(len(b)); {
		key, n, err := r.cut(b[at:], int64(len(b)))
		if err != nil || !seen.add(key.Payload, r.config, b, int(at)) {
			return errMalformed
		}
		_, m, err := r.cut(b[at+n:], int64(len(b)))
		if err != nil {
			return errMalformed
		}
		at += n + m
	}
	return nil
}

// A textStore copies strings into few allocations: it hands out pieces of
// larger strings.  A piece keeps the whole alive, so these are small, and what
// is long is copied on its own.
type textStore struct{ chunk strings.Builder }

const (
	textChunk = 2 << 10        // bytes of a chunk
	longText  = textChunk / 16 // bytes of a string that gets its own allocation
)

// text returns p as a string.
func (t *textStore) text(p []byte) string {
	if len(p) > longText {
		return string(p)
	}
	if t.chunk.Cap()-t.chunk.Len() < len(p) {
		t.chunk = strings.Builder{}
		t.chunk.Grow(textChunk)
	}
	start := t.chunk.Len()
	t.chunk.Write(p)
	return t.chunk.String()[start:]
}

// mismatch is the error for an element that does not fit t; err may be nil.
func mismatch(el Element, t reflect.Type, err error) error {
	return &TypeError{Kind: el.Kind, Type: t, Err: err}
}
