package petrichor

// Structs as dicts, both ways: a loop over the fields and a loop over the entries.
// Which fields there are says fields.go.

import (
	"reflect"
	"slices"
)

func structPlan(t reflect.Type) *plan {
	s := &structFields{t, fieldsOf(t)}
	p := &plan{encode: s.encode, decode: s.decode, nulls: nullKeeps}
	if s.set.isFlat() {
		p.flat = s
	}
	return p
}

type structFields struct {
	typ reflect.Type
	set *fieldSet
}

func (s *structFields) encode(w *writer, v reflect.Value) error {
	set := s.set
	if set.err != nil {
		return &TypeError{Type: s.typ, Err: set.err}
	}
	mark, err := w.open(KindDict, s.typ)
	if err != nil {
		return err
	}
	if set.others != nil {
		if err := s.encodeOthers(w, set, v); err != nil {
			return err
		}
	}
	for i := len(set.list) - 1; i >= 0; i-- {
		f := &set.list[i]
		if f.plain && w.short(f.writes, v.Field(f.at)) {
			w.key(f.encodedKey(w.config))
			continue
		}
		if err := f.encode(w, v); err != nil {
			return under(err, f.name)
		}
	}
	return w.shut(mark, s.typ)
}

// A struct is small if it is written in less than smallRoom bytes, less smallRest:
// whatever a field may need besides a string.
const (
	smallRoom = 320
	smallRest = numberRoom + sizeRoom + maxShortKey
)

// appendSmall appends v to dst if it points to a small struct of nothing but plain
// fields, as most messages are, or reports false.  It is written on the stack, past
// the pool of writers.  There is room in dst for so many bytes more.
func (c *config) appendSmall(dst []byte, v any, more int) ([]byte, bool) {
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Pointer || rv.IsNil() || c.text || c.maxWrite < smallRoom {
		return dst, false
	}
	p := planOf(rv.Type())
	if p.elem == nil {
		return dst, false
	}
	s := p.elem.get().flat
	if s == nil || c.maxDepth < 1 {
		return dst, false
	}
	var room [smallRoom]byte
	w := writer{back: back{room[:], smallRoom}, config: c}
	if !s.encodeSmall(&w, rv.Elem()) {
		return dst, false
	}
	if more > 0 {
		dst = slices.Grow(dst, w.len()+more)
	}
	return append(dst, w.bytes()...), true
}

func (s *structFields) encodeSmall(w *writer, v reflect.Value) bool {
	mark := w.begin(KindDict)
	list := s.set.list
	for i := len(list) - 1; i >= 0; i-- {
		f := &list[i]
		field, left := v.Field(f.at), w.at-smallRest
		switch {
		case left < 0:
			return false
		case f.writes == stringShortcut:
			s := field.String()
			if len(s) > left {
				return false
			}
			w.element(KindString, s)
		case !w.short(f.writes, field):
			return false
		}
		w.shortKey(&f.key)
	}
	w.end(mark)
	return true
}

// encode writes the entry that the field is in the struct v, if any.
func (f *field) encode(w *writer, v reflect.Value) error {
	v, ok := f.of(v)
	if !ok || f.omit != nil && f.omit(v) {
		return nil
	}
	if err := f.plan.get().write(w, v); err != nil {
		return err
	}
	w.key(f.encodedKey(w.config))
	return nil
}

// of returns the field in the struct v; ok is false behind an embedded pointer
// that is nil.
func (f *field) of(v reflect.Value) (_ reflect.Value, ok bool) {
	if f.at >= 0 {
		return v.Field(f.at), true
	}
	v, err := v.FieldByIndexErr(f.index)
	return v, err == nil
}

// encodeOthers writes the entries of the inline map, which come after the
// fields and must not repeat one.
func (s *structFields) encodeOthers(w *writer, set *fieldSet, v reflect.Value) error {
	v, ok := set.others.of(v)
	if !ok || v.IsNil() {
		return nil
	}
	m := dictPlanOf(v.Type(), set.keys)
	entries, err := m.sorted(v)
	if err != nil {
		return err
	}
	for _, p := range entries.order {
		key := entries.keys[p.at]
		if _, ok := set.byName[key]; ok {
			return under(&TypeError{Type: s.typ, Err: ErrDuplicate}, key)
		}
	}
	return m.write(w, entries)
}

func (s *structFields) decode(r *reader, el Element, v reflect.Value) error {
	set := s.set
	if set.err != nil {
		return mismatch(el, s.typ, set.err)
	}
	if el.Kind != KindDict {
		return mismatch(el, s.typ, nil)
	}
	if err := r.enter(); err != nil {
		return err
	}
	d := structDecoding{walk: walk{r: r, b: el.Payload}, set: set, v: v}
	for d.plainEntries(); d.more(); d.plainEntries() {
		if err := d.entry(); err != nil {
			return err
		}
	}
	r.depth--
	if d.others.IsValid() {
		return d.mergeOthers(el)
	}
	return nil
}

// A structDecoding is one dict being read into a struct.
type structDecoding struct {
	walk
	set      *fieldSet
	v        reflect.Value
	expected int           // the field whose key probably comes next
	seen     uint64        // fields met, of the first 64
	unique   bool          // the keys have been compared with one another
	others   reflect.Value // entries for the inline map, or invalid
}

// plainEntries reads entries for as long as each is the one that is expected, and
// its value one that a shortcut reads.
func (d *structDecoding) plainEntries() {
	r, list, b, i := d.r, d.set.list, d.b[d.at:], d.expected
	for ; i < len(list) && r.left >= 2; i++ {
		f := &list[i]
		key := f.encodedKey(r.config)
		if !f.plainRead || !key.begins(b) || d.seen>>(i&63)&1 != 0 {
			break
		}
		value := b[len(key.text):]
		from, end := shortSize(value)
		if end >= len(value) || !r.short(f.reads, Element{Kind(value[end]), value[from:end:end]}, d.v.Field(f.at)) {
			break
		}
		b = value[end+1:]
		r.left -= 2
		d.seen |= 1 << (i & 63)
	}
	d.at, d.expected = len(d.b)-len(b), i
}

// entry reads one entry.  Keys mostly come in the order of the fields, so what
// comes is compared with the encoded key of the field after the last before it is
// so much as cut.
func (d *structDecoding) entry() error {
	f := d.inOrder()
	if f == nil {
		return d.anyEntry()
	}
	el, err := d.next()
	if err == nil {
		err = f.decode(d.r, el, d.v)
	}
	if err != nil {
		return under(d.place(err, el), f.name)
	}
	return nil
}

// inOrder returns the field whose key is expected and comes, for the first time,
// and goes past it, or returns nil.
func (d *structDecoding) inOrder() *field {
	if d.expected >= min(len(d.set.list), 64) || d.seen>>d.expected&1 != 0 {
		return nil
	}
	f := &d.set.list[d.expected]
	key := f.encodedKey(d.r.config)
	if !key.begins(d.b[d.at:]) {
		return nil
	}
	d.at += len(key.text)
	d.r.left--
	d.seen |= 1 << d.expected
	d.expected++
	return f
}

// anyEntry reads an entry of any key.
func (d *structDecoding) anyEntry() error {
	key, err := d.key()
	if err != nil {
		return err
	}
	f, err := d.field(key)
	if err != nil {
		return err
	}
	var k reflect.Value
	if f == nil && d.set.others != nil {
		k = reflect.New(d.set.others.typ.Key()).Elem()
		if err = d.set.keys.decode(string(key.Payload), k); err != nil {
			err = mismatch(key, d.set.others.typ.Key(), err)
			return underKey(d.place(err, key), key.Payload)
		}
	}
	el, err := d.next()
	switch {
	case err != nil:
		return err
	case f != nil:
		err = f.decode(d.r, el, d.v)
	default:
		err = d.other(k, el)
	}
	if err != nil {
		return underKey(d.place(err, el), key.Payload)
	}
	return nil
}

// field returns the field that has the key, or nil.
func (d *structDecoding) field(key Element) (*field, error) {
	i, ok := d.set.byName[string(key.Payload)]
	if !ok {
		return nil, d.compareKeys()
	}
	return &d.set.list[i], d.met(i)
}

// met notes that the key of field i has come, which it may do once.
func (d *structDecoding) met(i int) error {
	d.expected = i + 1
	if i >= 64 {
		return d.compareKeys()
	}
	if d.seen&(1<<i) != 0 && !d.r.duplicates {
		return errMalformed
	}
	d.seen |= 1 << i
	return nil
}

// compareKeys looks for a key that comes twice in all of the dict, once, where
// seen is not enough to tell.
func (d *structDecoding) compareKeys() error {
	if d.unique {
		return nil
	}
	d.unique = true
	return d.r.uniqueKeys(d.b)
}

// other reads the value of a key that no field has.
func (d *structDecoding) other(key reflect.Value, el Element) error {
	if d.set.others == nil && d.r.rejectUnknown {
		return mismatch(el, d.v.Type(), errUnknownKey)
	}
	if d.set.others == nil {
		return d.r.verify(el)
	}
	t := d.set.others.typ
	if !d.others.IsValid() {
		d.others = reflect.MakeMap(t)
	}
	m := reflect.New(t.Elem()).Elem()
	if err := planOf(t.Elem()).read(d.r, el, m); err != nil {
		return err
	}
	d.others.SetMapIndex(key, m)
	return nil
}

func (d *structDecoding) mergeOthers(el Element) error {
	v, err := d.r.reach(d.v, d.set.others.index)
	if err != nil {
		return mismatch(el, d.v.Type(), err)
	}
	d.r.merge(v, d.others)
	return nil
}

func (f *field) decode(r *reader, el Element, v reflect.Value) (err error) {
	if f.at >= 0 {
		v = v.Field(f.at)
	} else if v, err = r.reach(v, f.index); err != nil {
		return mismatch(el, f.typ, err)
	}
	if r.short(f.reads, el, v) {
		return nil
	}
	return f.plan.get().readLong(r, el, v)
}

// encodedKey returns the key as it is written.
func (f *field) encodedKey(c *config) *wideKey {
	if c.text {
		return &f.text
	}
	return &f.key
}

// reach returns the place of v's field at index, and makes the embedded structs
// on the way that are not there yet.  Behind an embedded pointer that is there
// lies memory of the caller's, so what is reached through one is shadowed.
func (r *reader) reach(v reflect.Value, index []int) (reflect.Value, error) {
	shared := false
	for i, n := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				made, err := r.embed(v, shared)
				if err != nil {
					return v, err
				}
				v, shared = made, false
			} else {
				v, shared = v.Elem(), true
			}
		}
		v = v.Field(n)
	}
	if shared {
		v = r.shadow(v)
	}
	return v, nil
}

// embed returns the struct that the nil embedded pointer v is to point to.
func (r *reader) embed(v reflect.Value, shared bool) (reflect.Value, error) {
	if !v.CanSet() {
		return v, errHiddenField
	}
	if shared {
		v = r.shadow(v)
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	return v.Elem(), nil
}
