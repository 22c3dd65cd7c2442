package petrichor

// From a Go type to the pair of functions that write and read it.
//
// A plan is built once for each type and cached.  The plans it needs for the
// types inside it are looked up at their first use, so a recursive type needs
// nothing special.  Building never fails: the plan of a type that cannot be
// handled returns the error, so that the error comes from the place where the
// value is.
//
// Decoding is given elements that have passed check, so it does not meet
// malformed ones.

import (
	"bytes"
	"encoding"
	"errors"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A Number is the text of an int or a float, kept digit for digit.  It marshals
// as an int if it reads as one, else as a float; the empty Number as 0.
type Number string

type plan struct {
	encode func(*writer, reflect.Value) error
	decode func(*reader, Element, reflect.Value) error
}

var plans sync.Map // of reflect.Type to *plan

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p, _ := plans.LoadOrStore(t, newPlan(t))
	return p.(*plan)
}

// lazily returns planOf(t), put off until it is needed.
func lazily(t reflect.Type) func() *plan {
	return sync.OnceValue(func() *plan { return planOf(t) })
}

// newPlan takes each direction from the first that knows it: one of our own
// types, a method of the type, its kind.
func newPlan(t reflect.Type) *plan {
	p := ownPlan(t)
	if p == nil {
		p = kindPlan(t)
		if ownPlan(deref(t)) == nil { // a *big.Int has MarshalText, and is an int
			methodPlan(t, p)
		}
	}
	return p
}

func ownPlan(t reflect.Type) *plan {
	switch t {
	case reflect.TypeFor[Raw]():
		return &plan{encodeRaw, decodeRaw}
	case reflect.TypeFor[Dict]():
		return &plan{encodeDict, decodeDict}
	case reflect.TypeFor[Number]():
		return &plan{encodeNumber, skipNull(decodeNumber)}
	case reflect.TypeFor[big.Int]():
		return &plan{encodeBigInt, skipNull(decodeBigInt)}
	}
	return nil
}

func kindPlan(t reflect.Type) *plan {
	switch t.Kind() {
	case reflect.Bool:
		return &plan{encodeBool, skipNull(decodeBool)}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &plan{encodeInt, skipNull(decodeInt)}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return &plan{encodeUint, skipNull(decodeUint)}
	case reflect.Float32, reflect.Float64:
		return &plan{encodeFloat, skipNull(decodeFloat)}
	case reflect.String:
		return &plan{encodeString, skipNull(decodeString)}
	case reflect.Slice:
		return slicePlan(t)
	case reflect.Array:
		return arrayPlan(t)
	case reflect.Map:
		return mapPlan(t)
	case reflect.Struct:
		return structPlan(t)
	case reflect.Pointer:
		return pointerPlan(t)
	case reflect.Interface:
		return &plan{encodeInterface, decodeInterface}
	}
	return &plan{encodeNothing, decodeNothing}
}

type decodeFunc = func(*reader, Element, reflect.Value) error

// skipNull makes null leave a value alone, as encoding/json does for all that
// cannot be nil.
func skipNull(decode decodeFunc) decodeFunc {
	return func(r *reader, el Element, v reflect.Value) error {
		if el.Kind == KindNull {
			return nil
		}
		return decode(r, el, v)
	}
}

// ---- Scalars -----------------------------------------------------------------

func encodeBool(w *writer, v reflect.Value) error {
	w.element(KindBool, strconv.FormatBool(v.Bool()))
	return nil
}

func decodeBool(_ *reader, el Element, v reflect.Value) error {
	if el.Kind != KindBool {
		return mismatch(el, v.Type(), nil)
	}
	v.SetBool(string(el.Payload) == "true")
	return nil
}

func encodeInt(w *writer, v reflect.Value) error {
	var digits [20]byte
	mark := w.begin(KindInt)
	w.put(strconv.AppendInt(digits[:0], v.Int(), 10))
	w.end(mark)
	return nil
}

func decodeInt(_ *reader, el Element, v reflect.Value) error {
	if el.Kind != KindInt {
		return mismatch(el, v.Type(), nil)
	}
	n, err := strconv.ParseInt(string(el.Payload), 10, v.Type().Bits())
	if err != nil {
		return mismatch(el, v.Type(), errRange)
	}
	v.SetInt(n)
	return nil
}

func encodeUint(w *writer, v reflect.Value) error {
	var digits [20]byte
	mark := w.begin(KindInt)
	w.put(strconv.AppendUint(digits[:0], v.Uint(), 10))
	w.end(mark)
	return nil
}

func decodeUint(_ *reader, el Element, v reflect.Value) error {
	if el.Kind != KindInt {
		return mismatch(el, v.Type(), nil)
	}
	n, ok := parseUint(el.Payload)
	if !ok || v.OverflowUint(n) {
		return mismatch(el, v.Type(), errRange)
	}
	v.SetUint(n)
	return nil
}

// parseUint is for checked ints, which AllowLoose lets have a sign.
func parseUint(p []byte) (uint64, bool) {
	s := strings.TrimPrefix(string(p), "+")
	if zero := strings.TrimLeft(s, "-0"); zero == "" {
		return 0, true
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

func encodeFloat(w *writer, v reflect.Value) error {
	var digits [maxNumber]byte
	f := v.Float()
	if (math.IsInf(f, 0) || math.IsNaN(f)) && !w.nonFinite {
		return &TypeError{Type: v.Type(), Err: errNonFinite}
	}
	mark := w.begin(KindFloat)
	w.put(appendFloat(digits[:0], f, v.Type().Bits()))
	w.end(mark)
	return nil
}

var errNonFinite = errors.New("not finite, and AllowNonFinite is not set")

// appendFloat writes the shortest digits that read back as f, always with a
// point, and without an exponent below 1e21: every reader of floats takes that,
// and some take nothing else.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	start, format := len(dst), byte('f')
	if math.Abs(f) >= 1e21 {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, bits)
	if bytes.IndexByte(dst[start:], '.') >= 0 {
		return dst
	}
	if e := bytes.IndexByte(dst[start:], 'e'); e >= 0 {
		return slices.Insert(dst, start+e, '.', '0')
	}
	return append(dst, ".0"...)
}

func decodeFloat(_ *reader, el Element, v reflect.Value) error {
	if el.Kind != KindFloat && el.Kind != KindInt {
		return mismatch(el, v.Type(), nil)
	}
	f, err := parseFloat(el.Payload, v.Type().Bits())
	if err != nil {
		return mismatch(el, v.Type(), errRange)
	}
	v.SetFloat(f)
	return nil
}

// parseFloat is for checked floats and ints: of what strconv takes beyond our
// grammar nothing gets here.
func parseFloat(p []byte, bits int) (float64, error) {
	if nonFinite(p) {
		p = bytes.TrimLeft(p, "+")
		if word := bytes.TrimLeft(p, "-"); word[0]|0x20 == 'n' {
			return math.NaN(), nil
		}
	}
	return strconv.ParseFloat(string(p), bits)
}

func encodeNumber(w *writer, v reflect.Value) error {
	s := v.String()
	if s == "" {
		s = "0"
	}
	el := Element{KindInt, []byte(s)}
	if wrongInt(el.Payload, w.loose) >= 0 {
		el.Kind = KindFloat
	}
	if err := w.scalar(el); err != nil {
		return &TypeError{Type: v.Type(), Err: ErrPayload}
	}
	w.element(el.Kind, s)
	return nil
}

func decodeNumber(_ *reader, el Element, v reflect.Value) error {
	if el.Kind != KindInt && el.Kind != KindFloat {
		return mismatch(el, v.Type(), nil)
	}
	v.SetString(string(el.Payload))
	return nil
}

func encodeBigInt(w *writer, v reflect.Value) error {
	n, _ := reflect.TypeAssert[*big.Int](addressable(v).Addr())
	if n.BitLen() > maxNumber*3 {
		return &TypeError{Type: v.Type(), Err: ErrTooLarge}
	}
	w.element(KindInt, n.String())
	return nil
}

func decodeBigInt(_ *reader, el Element, v reflect.Value) error {
	if el.Kind != KindInt {
		return mismatch(el, v.Type(), nil)
	}
	v.Set(reflect.ValueOf(parseBigInt(el.Payload)).Elem())
	return nil
}

// parseBigInt is for checked ints.
func parseBigInt(p []byte) *big.Int {
	n, _ := new(big.Int).SetString(string(p), 10)
	return n
}

// ---- Strings and bytes ----------------------------------------------------------

func encodeString(w *writer, v reflect.Value) error { return w.str(v.String(), v.Type()) }

func decodeString(_ *reader, el Element, v reflect.Value) error {
	if !isString(el.Kind) {
		return mismatch(el, v.Type(), nil)
	}
	v.SetString(string(el.Payload))
	return nil
}

func encodeBytes(w *writer, v reflect.Value) error {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return w.null()
	}
	if int64(v.Len()) > w.maxWrite {
		return &TypeError{Type: v.Type(), Err: ErrTooLarge}
	}
	if v.Kind() == reflect.Array {
		v = addressable(v)
	}
	mark := w.begin(KindString)
	w.put(v.Bytes())
	w.end(mark)
	return nil
}

func decodeBytes(_ *reader, el Element, v reflect.Value) error {
	switch {
	case el.Kind == KindNull:
		v.SetZero()
	case isString(el.Kind):
		v.SetBytes(append([]byte{}, el.Payload...))
	default:
		return mismatch(el, v.Type(), nil)
	}
	return nil
}

// decodeByteArray wants the exact length: a digest that is padded in silence is
// a digest that lies.
func decodeByteArray(_ *reader, el Element, v reflect.Value) error {
	if !isString(el.Kind) {
		return mismatch(el, v.Type(), nil)
	}
	if len(el.Payload) != v.Len() {
		return mismatch(el, v.Type(), errLength)
	}
	for i, b := range el.Payload {
		v.Index(i).SetUint(uint64(b))
	}
	return nil
}

var errLength = errors.New("length differs")

// isBytes reports whether a slice or array of elem is a string on the wire.
func isBytes(elem reflect.Type) bool {
	if elem.Kind() != reflect.Uint8 {
		return false
	}
	p := reflect.PointerTo(elem)
	return !p.Implements(marshalerType) && !p.Implements(textMarshalerType)
}

func encodeRaw(w *writer, v reflect.Value) error {
	if v.IsNil() {
		return w.null()
	}
	return w.raw(v.Bytes(), v.Type())
}

func decodeRaw(_ *reader, el Element, v reflect.Value) error {
	v.SetBytes(Append(nil, el.Kind, el.Payload))
	return nil
}

// ---- Lists -----------------------------------------------------------------------

func slicePlan(t reflect.Type) *plan {
	if isBytes(t.Elem()) {
		return &plan{encodeBytes, decodeBytes}
	}
	l := listPlan{lazily(t.Elem())}
	return &plan{l.encode, l.decodeSlice}
}

func arrayPlan(t reflect.Type) *plan {
	if isBytes(t.Elem()) {
		return &plan{encodeBytes, skipNull(decodeByteArray)}
	}
	l := listPlan{lazily(t.Elem())}
	return &plan{l.encode, skipNull(l.decodeArray)}
}

type listPlan struct{ elem func() *plan }

func (l listPlan) encode(w *writer, v reflect.Value) error {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return w.null()
	}
	mark, err := w.open(KindList, v.Type())
	if err != nil {
		return err
	}
	elem := l.elem()
	for i := v.Len() - 1; i >= 0; i-- {
		if err := elem.encode(w, v.Index(i)); err != nil {
			return underIndex(err, i)
		}
	}
	return w.shut(mark, v.Type())
}

// decodeSlice always makes a new slice: the old one may be somebody else's too.
func (l listPlan) decodeSlice(r *reader, el Element, v reflect.Value) error {
	if el.Kind == KindNull {
		v.SetZero()
		return nil
	}
	if el.Kind != KindList {
		return mismatch(el, v.Type(), nil)
	}
	n := r.count(el.Payload)
	list := reflect.MakeSlice(v.Type(), n, n)
	if err := l.decode(r, el, list); err != nil {
		return err
	}
	v.Set(list)
	return nil
}

// decodeArray is encoding/json's: what an array has no place for is dropped,
// what the list does not have becomes zero.
func (l listPlan) decodeArray(r *reader, el Element, v reflect.Value) error {
	if el.Kind != KindList {
		return mismatch(el, v.Type(), nil)
	}
	for i := r.count(el.Payload); i < v.Len(); i++ {
		v.Index(i).SetZero()
	}
	return l.decode(r, el, v)
}

// decode reads as many elements as list has place for.
func (l listPlan) decode(r *reader, el Element, list reflect.Value) error {
	elem := l.elem()
	s := walk{config: r.config, b: el.Payload}
	for i := 0; s.more() && i < list.Len(); i++ {
		child, at := s.next()
		if err := elem.decode(r, child, list.Index(i)); err != nil {
			return underIndex(shift(err, at), i)
		}
	}
	return nil
}

// ---- Dicts -----------------------------------------------------------------------

// writeKey writes a dict key.
func (w *writer) writeKey(key string, t reflect.Type) error {
	if err := w.str(key, t); err != nil {
		return under(err, key)
	}
	return nil
}

func mapPlan(t reflect.Type) *plan {
	m := dictPlan{keysOf(t.Key()), lazily(t.Elem())}
	return &plan{m.encode, m.decode}
}

type dictPlan struct {
	keys keyPlan
	elem func() *plan
}

// A mapEntry is one entry of a map while its keys are sorted.
type mapEntry struct {
	key   string
	value reflect.Value
}

func (m dictPlan) encode(w *writer, v reflect.Value) error {
	if v.IsNil() {
		return w.null()
	}
	entries, err := m.sorted(v)
	if err != nil {
		return err
	}
	mark, err := w.open(KindDict, v.Type())
	if err != nil {
		return err
	}
	if err := m.entries(w, entries, v.Type()); err != nil {
		return err
	}
	return w.shut(mark, v.Type())
}

// sorted returns the entries of v in the order of their keys' bytes.
func (m dictPlan) sorted(v reflect.Value) ([]mapEntry, error) {
	entries := make([]mapEntry, 0, v.Len())
	for iter := v.MapRange(); iter.Next(); {
		key, err := m.keys.encode(iter.Key())
		if err != nil {
			return nil, &TypeError{Type: v.Type().Key(), Err: err}
		}
		entries = append(entries, mapEntry{key, iter.Value()})
	}
	slices.SortFunc(entries, func(a, b mapEntry) int { return strings.Compare(a.key, b.key) })
	for i := 1; i < len(entries); i++ {
		if entries[i].key == entries[i-1].key {
			return nil, under(&TypeError{Type: v.Type(), Err: ErrDuplicate}, entries[i].key)
		}
	}
	return entries, nil
}

func (m dictPlan) entries(w *writer, entries []mapEntry, t reflect.Type) error {
	elem := m.elem()
	for _, e := range slices.Backward(entries) {
		if err := elem.encode(w, e.value); err != nil {
			return under(err, e.key)
		}
		if err := w.writeKey(e.key, t); err != nil {
			return err
		}
	}
	return nil
}

func (m dictPlan) decode(r *reader, el Element, v reflect.Value) error {
	if el.Kind == KindNull {
		v.SetZero()
		return nil
	}
	if el.Kind != KindDict {
		return mismatch(el, v.Type(), nil)
	}
	fresh := reflect.MakeMapWithSize(v.Type(), r.count(el.Payload)/2)
	s := walk{config: r.config, b: el.Payload}
	for s.more() {
		key, keyAt := s.next()
		value, at := s.next()
		if err := m.entry(r, fresh, key, keyAt, value, at); err != nil {
			return under(err, string(key.Payload))
		}
	}
	r.merge(v, fresh)
	return nil
}

// entry reads one entry into the map fresh.
func (m dictPlan) entry(r *reader, fresh reflect.Value, key Element, keyAt int64, value Element, at int64) error {
	k, err := m.keys.decode(string(key.Payload))
	if err != nil {
		return shift(mismatch(key, fresh.Type().Key(), err), keyAt)
	}
	e := reflect.New(fresh.Type().Elem()).Elem()
	if err := m.elem().decode(r, value, e); err != nil {
		return shift(err, at)
	}
	fresh.SetMapIndex(k, e)
	return nil
}

// A keyPlan turns map keys into text and back.
type keyPlan struct {
	encode func(reflect.Value) (string, error)
	decode func(string) (reflect.Value, error)
}

var errKeyType = errors.New("map keys have to be strings, integers or encoding.TextMarshalers")

// keysOf returns the plan for map keys of type t; as with values, methods come
// before kinds.
func keysOf(t reflect.Type) keyPlan {
	k := kindKeys(t)
	if t.Implements(textMarshalerType) {
		k.encode = func(v reflect.Value) (string, error) {
			if v.Kind() == reflect.Pointer && v.IsNil() {
				return "", nil
			}
			text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
			return string(text), err
		}
	}
	if reflect.PointerTo(t).Implements(textUnmarshalerType) {
		k.decode = func(s string) (reflect.Value, error) {
			p := reflect.New(t)
			err := p.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s))
			return p.Elem(), err
		}
	}
	return k
}

func kindKeys(t reflect.Type) keyPlan {
	switch v := reflect.Zero(t); {
	case t.Kind() == reflect.String:
		return keyPlan{
			func(v reflect.Value) (string, error) { return v.String(), nil },
			func(s string) (reflect.Value, error) { return reflect.ValueOf(s).Convert(t), nil },
		}
	case v.CanInt():
		return keyPlan{
			func(v reflect.Value) (string, error) { return strconv.FormatInt(v.Int(), 10), nil },
			func(s string) (reflect.Value, error) {
				n, err := strconv.ParseInt(s, 10, t.Bits())
				return reflect.ValueOf(n).Convert(t), keyError(s, strconv.FormatInt(n, 10), err)
			},
		}
	case v.CanUint():
		return keyPlan{
			func(v reflect.Value) (string, error) { return strconv.FormatUint(v.Uint(), 10), nil },
			func(s string) (reflect.Value, error) {
				n, err := strconv.ParseUint(s, 10, t.Bits())
				return reflect.ValueOf(n).Convert(t), keyError(s, strconv.FormatUint(n, 10), err)
			},
		}
	}
	return keyPlan{
		func(reflect.Value) (string, error) { return "", errKeyType },
		func(string) (reflect.Value, error) { return reflect.Value{}, errKeyType },
	}
}

// keyError wants an integer key spelled in the one canonical way: "1" and "01"
// are two keys on the wire and would be one in the map.
func keyError(s, canonical string, err error) error {
	if err != nil || s != canonical {
		return errRange
	}
	return nil
}

// ---- Structs -----------------------------------------------------------------------

func structPlan(t reflect.Type) *plan {
	s := &structFields{typ: t, set: sync.OnceValue(func() *fieldSet { return fieldsOf(t) })}
	return &plan{s.encode, skipNull(s.decode)}
}

type structFields struct {
	typ reflect.Type
	set func() *fieldSet
}

func (s *structFields) encode(w *writer, v reflect.Value) error {
	set := s.set()
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
		if err := set.list[i].encode(w, v); err != nil {
			return under(err, set.list[i].name)
		}
	}
	return w.shut(mark, s.typ)
}

// encode writes the entry that the field is in the struct v, if any.
func (f *field) encode(w *writer, v reflect.Value) error {
	for i, n := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return nil
			}
			v = v.Elem()
		}
		v = v.Field(n)
	}
	if f.omit != nil && f.omit(v) {
		return nil
	}
	if err := f.plan().encode(w, v); err != nil {
		return err
	}
	if w.text {
		w.string(f.text)
	} else {
		w.string(f.key)
	}
	return nil
}

// encodeOthers writes the entries of the inline map, which come after the
// fields and must not repeat one.
func (s *structFields) encodeOthers(w *writer, set *fieldSet, v reflect.Value) error {
	v, err := v.FieldByIndexErr(set.others.index)
	if err != nil || v.IsNil() {
		return nil
	}
	m := dictPlan{keysOf(v.Type().Key()), lazily(v.Type().Elem())}
	entries, err := m.sorted(v)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, ok := set.byName[e.key]; ok {
			return under(&TypeError{Type: s.typ, Err: ErrDuplicate}, e.key)
		}
	}
	return m.entries(w, entries, v.Type())
}

func (s *structFields) decode(r *reader, el Element, v reflect.Value) error {
	set := s.set()
	if set.err != nil {
		return mismatch(el, s.typ, set.err)
	}
	if el.Kind != KindDict {
		return mismatch(el, s.typ, nil)
	}
	var others reflect.Value
	expected := 0
	for in := (walk{config: r.config, b: el.Payload}); in.more(); {
		key, keyAt := in.next()
		value, at := in.next()
		var err error
		switch f := set.find(key.Payload, &expected); {
		case f != nil:
			err = shift(f.decode(r, value, v), at)
		case set.others != nil:
			err = set.decodeOther(r, &others, key, keyAt, value, at)
		case r.rejectUnknown:
			err = shift(mismatch(value, s.typ, errUnknownKey), at)
		}
		if err != nil {
			return under(err, string(key.Payload))
		}
	}
	if others.IsValid() {
		return s.mergeOthers(r, set, v, others, el)
	}
	return nil
}

// find returns the field for a key.  Keys mostly come in the order of the
// fields, so the one after the last is tried first.
func (s *fieldSet) find(key []byte, expected *int) *field {
	i := *expected
	if i >= len(s.list) || s.list[i].name != string(key) {
		var ok bool
		if i, ok = s.byName[string(key)]; !ok {
			return nil
		}
	}
	*expected = i + 1
	return &s.list[i]
}

func (f *field) decode(r *reader, el Element, v reflect.Value) error {
	v, err := r.reach(v, f.index)
	if err != nil {
		return mismatch(el, f.typ, err)
	}
	return f.plan().decode(r, el, v)
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

// decodeOther reads an entry that no field takes into the map for others.
func (s *fieldSet) decodeOther(r *reader, others *reflect.Value, key Element, keyAt int64, value Element, at int64) error {
	t := s.others.typ
	if !others.IsValid() {
		*others = reflect.MakeMap(t)
	}
	m := dictPlan{keysOf(t.Key()), lazily(t.Elem())}
	return m.entry(r, *others, key, keyAt, value, at)
}

func (s *structFields) mergeOthers(r *reader, set *fieldSet, v, others reflect.Value, el Element) error {
	v, err := r.reach(v, set.others.index)
	if err != nil {
		return mismatch(el, s.typ, err)
	}
	r.merge(v, others)
	return nil
}

// ---- The tag option "string" -----------------------------------------------------

// isQuotable reports whether the option string means something for t: whether
// it is a number or a bool.
func isQuotable(t reflect.Type) bool {
	v := reflect.Zero(t)
	return v.CanInt() || v.CanUint() || v.CanFloat() || t.Kind() == reflect.Bool
}

// quoted returns the plan of t with its payload in a string.
func quoted(t reflect.Type) *plan {
	kind := KindInt
	switch deref(t).Kind() {
	case reflect.Bool:
		kind = KindBool
	case reflect.Float32, reflect.Float64:
		kind = KindFloat
	}
	plain := planOf(t)
	return &plan{
		encode: func(w *writer, v reflect.Value) error {
			mark := w.len()
			err := plain.encode(w, v)
			w.retag(mark)
			return err
		},
		decode: func(r *reader, el Element, v reflect.Value) error {
			if el.Kind == KindNull {
				return plain.decode(r, el, v)
			}
			if !isString(el.Kind) {
				return mismatch(el, v.Type(), nil)
			}
			inner := Element{kind, el.Payload}
			if r.scalar(inner) != nil {
				return mismatch(el, v.Type(), ErrPayload)
			}
			return plain.decode(r, inner, v)
		},
	}
}

// retag makes the scalar written since mark a string, unless it is null.
func (w *writer) retag(mark int) {
	if w.len() == mark {
		return
	}
	tag := &w.buf[len(w.buf)-1-mark]
	if *tag == byte(KindNull) {
		return
	}
	*tag = byte(KindString)
	if w.text {
		*tag = byte(KindText)
	}
}

// ---- Pointers and interfaces ------------------------------------------------------

func pointerPlan(t reflect.Type) *plan {
	p := pointer{lazily(t.Elem())}
	return &plan{p.encode, p.decode}
}

type pointer struct{ elem func() *plan }

func (p pointer) encode(w *writer, v reflect.Value) error {
	if v.IsNil() {
		return w.null()
	}
	if err := w.follow(v.Type()); err != nil {
		return err
	}
	err := p.elem().encode(w, v.Elem())
	w.hops--
	return err
}

func (p pointer) decode(r *reader, el Element, v reflect.Value) error {
	if el.Kind == KindNull {
		v.SetZero()
		return nil
	}
	if !v.IsNil() {
		return p.elem().decode(r, el, r.shadow(v.Elem()))
	}
	made := reflect.New(v.Type().Elem())
	if err := p.elem().decode(r, el, made.Elem()); err != nil {
		return err
	}
	v.Set(made)
	return nil
}

// ---- What has no form on the wire -----------------------------------------------------

func encodeNothing(_ *writer, v reflect.Value) error { return &TypeError{Type: v.Type()} }

func decodeNothing(_ *reader, el Element, v reflect.Value) error { return mismatch(el, v.Type(), nil) }
