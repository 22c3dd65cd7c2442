package petrichor

// From a Go type to the pair of functions that write and read it.
//
// A plan is built once for each type and cached.  The plans it needs for the
// types inside it are looked up at their first use, so a recursive type needs
// nothing special.  Building never fails: the plan of a type that cannot be
// handled returns the error, so that the error comes from the place where the
// value is.
//
// Decoding is given elements that have been cut, and verifies what is in them
// as it goes; what it finds wrong is errMalformed, whatever it is.

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
	"sync/atomic"
	"time"
)

// A Number is the text of an int or a float, kept digit for digit.  It marshals
// as an int if it reads as one, else as a float; the empty Number as 0.
type Number string

// A plan is how values of one type are written and read.  Its decode never sees
// null unless nulls says so.
type plan struct {
	encode func(*writer, reflect.Value) error
	decode func(*reader, Element, reflect.Value) error
	nulls  nullRule
	floats [][]int // fields of a struct that a negative zero can hide in
}

// A nullRule is what null does to a value, as encoding/json has it.
type nullRule byte

const (
	nullKeeps   nullRule = iota // leaves it alone: what cannot be nil
	nullClears                  // makes it nil
	nullDecodes                 // is for decode
)

// read decodes el into v, which nobody else can see yet.
func (p *plan) read(r *reader, el Element, v reflect.Value) error {
	if el.Kind != KindNull || p.nulls == nullDecodes {
		return p.decode(r, el, v)
	}
	if len(el.Payload) > 0 {
		return errMalformed
	}
	if p.nulls == nullClears {
		v.SetZero()
	}
	return nil
}

// isBlank reports whether v is zero to the bit, which a negative zero, though
// IsZero says so, is not.
func (p *plan) isBlank(v reflect.Value) bool {
	if !v.IsZero() {
		return false
	}
	for _, index := range p.floats {
		f := v
		for _, i := range index {
			f = f.Field(i)
		}
		if !f.CanFloat() || math.Signbit(f.Float()) {
			return false
		}
	}
	return true
}

// floatsIn lists the places in t where a negative zero can hide: floats, and
// what is not a struct and may hold some.
func floatsIn(t reflect.Type, index []int) (list [][]int) {
	switch t.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128, reflect.Array:
		return [][]int{index}
	case reflect.Struct:
		for i := range t.NumField() {
			list = append(list, floatsIn(t.Field(i).Type, append(slices.Clip(index), i))...)
		}
	}
	return list
}

var plans sync.Map // of reflect.Type to *plan

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p, _ := plans.LoadOrStore(t, newPlan(t))
	return p.(*plan)
}

// A lastPlan remembers what planOf said last: the type is mostly the same.
type lastPlan struct {
	typ  reflect.Type
	plan *plan
}

func (l *lastPlan) of(t reflect.Type) *plan {
	if l.typ != t {
		l.typ, l.plan = t, planOf(t)
	}
	return l.plan
}

// A laterPlan is the plan of a type, looked up at its first use.
type laterPlan struct {
	typ   reflect.Type
	found atomic.Pointer[plan]
}

func later(t reflect.Type) *laterPlan { return &laterPlan{typ: t} }

func (l *laterPlan) get() *plan {
	if p := l.found.Load(); p != nil {
		return p
	}
	p := planOf(l.typ)
	l.found.Store(p)
	return p
}

// newPlan takes each direction from the first that knows it: one of our own
// types, a method of the type, its kind.
func newPlan(t reflect.Type) *plan {
	p := ownPlan(t)
	if p == nil {
		p = commonPlan(t)
	}
	if p == nil {
		p = kindPlan(t)
		if ownPlan(deref(t)) == nil { // a *big.Int has MarshalText, and is an int
			methodPlan(t, p)
		}
	}
	p.floats = floatsIn(t, nil)
	return p
}

func ownPlan(t reflect.Type) *plan {
	switch t {
	case reflect.TypeFor[Raw]():
		return &plan{encode: encodeRaw, decode: decodeRaw, nulls: nullDecodes}
	case reflect.TypeFor[Dict]():
		return &plan{encode: encodeDict, decode: decodeDict, nulls: nullClears}
	case reflect.TypeFor[Number]():
		return &plan{encode: encodeNumber, decode: decodeNumber, nulls: nullKeeps}
	case reflect.TypeFor[big.Int]():
		return &plan{encode: encodeBigInt, decode: decodeBigInt, nulls: nullKeeps}
	case reflect.TypeFor[time.Time]():
		return &plan{encode: encodeTime, decode: decodeTime, nulls: nullKeeps}
	}
	return nil
}

func kindPlan(t reflect.Type) *plan {
	switch t.Kind() {
	case reflect.Bool:
		return &plan{encode: encodeBool, decode: decodeBool, nulls: nullKeeps}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &plan{encode: encodeInt, decode: decodeInt, nulls: nullKeeps}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return &plan{encode: encodeUint, decode: decodeUint, nulls: nullKeeps}
	case reflect.Float32, reflect.Float64:
		return &plan{encode: encodeFloat, decode: decodeFloat, nulls: nullKeeps}
	case reflect.String:
		return &plan{encode: encodeString, decode: decodeString, nulls: nullKeeps}
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
		return &plan{encode: encodeInterface, decode: decodeInterface, nulls: nullDecodes}
	}
	return &plan{encode: encodeNothing, decode: decodeNothing, nulls: nullDecodes}
}

// ---- Scalars -----------------------------------------------------------------

func encodeBool(w *writer, v reflect.Value) error { return w.bool(v.Bool()) }

func (w *writer) bool(b bool) error {
	w.element(KindBool, strconv.FormatBool(b))
	return nil
}

func decodeBool(_ *reader, el Element, v reflect.Value) error {
	if el.Kind != KindBool {
		return mismatch(el, v.Type(), nil)
	}
	switch string(el.Payload) {
	case "true":
		v.SetBool(true)
	case "false":
		v.SetBool(false)
	default:
		return errMalformed
	}
	return nil
}

func encodeInt(w *writer, v reflect.Value) error {
	mark := w.begin(KindInt)
	w.int(v.Int())
	w.end(mark)
	return nil
}

func decodeInt(r *reader, el Element, v reflect.Value) error {
	if el.Kind != KindInt {
		return mismatch(el, v.Type(), nil)
	}
	n, err := r.int64(el)
	if err == nil && v.OverflowInt(n) {
		err = errRange
	}
	if err != nil {
		return placeless(err, el, v.Type())
	}
	v.SetInt(n)
	return nil
}

// int64 returns the value of an int.  The error is errMalformed or errRange.
func (r *reader) int64(el Element) (int64, error) {
	if n, ok := parseInt64(el.Payload); ok {
		return n, nil
	}
	if r.number(el) != nil {
		return 0, errMalformed
	}
	n, err := strconv.ParseInt(string(el.Payload), 10, 64)
	if err != nil {
		return 0, errRange
	}
	return n, nil
}

func encodeUint(w *writer, v reflect.Value) error {
	mark := w.begin(KindInt)
	w.uint(v.Uint())
	w.end(mark)
	return nil
}

func decodeUint(r *reader, el Element, v reflect.Value) error {
	if el.Kind != KindInt {
		return mismatch(el, v.Type(), nil)
	}
	n, err := r.uint64(el)
	if err == nil && v.OverflowUint(n) {
		err = errRange
	}
	if err != nil {
		return placeless(err, el, v.Type())
	}
	v.SetUint(n)
	return nil
}

// uint64 is int64 for the other half.  AllowLoose lets zero have a sign.
func (r *reader) uint64(el Element) (uint64, error) {
	if n, ok := parseUint64(el.Payload); ok {
		return n, nil
	}
	if r.number(el) != nil {
		return 0, errMalformed
	}
	s := strings.TrimPrefix(string(el.Payload), "+")
	if strings.Trim(s, "-0") == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, errRange
	}
	return n, nil
}

// placeless is the error of a number that was not read for reason err.
func placeless(err error, el Element, t reflect.Type) error {
	if err == errRange {
		return mismatch(el, t, errRange)
	}
	return err
}

func encodeFloat(w *writer, v reflect.Value) error {
	return w.float64(v.Float(), v.Type().Bits(), v.Type())
}

// float64 writes f, whose type t has so many bits.
func (w *writer) float64(f float64, bits int, t reflect.Type) error {
	mark := w.begin(KindFloat)
	if math.IsInf(f, 0) || math.IsNaN(f) {
		if !w.nonFinite {
			return &TypeError{Type: t, Err: errNonFinite}
		}
		w.string(nonFiniteText(f))
	} else {
		w.float(f, bits)
	}
	w.end(mark)
	return nil
}

func nonFiniteText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case f > 0:
		return "inf"
	}
	return "-inf"
}

var errNonFinite = errors.New("not finite, and AllowNonFinite is not set")

func decodeFloat(r *reader, el Element, v reflect.Value) error {
	if el.Kind != KindFloat && el.Kind != KindInt {
		return mismatch(el, v.Type(), nil)
	}
	f, err := r.float(el, v.Type().Bits())
	if err != nil {
		return placeless(err, el, v.Type())
	}
	v.SetFloat(f)
	return nil
}

// float returns the value of a float or an int.  The error is errMalformed or
// errRange.
func (r *reader) float(el Element, bits int) (float64, error) {
	if el.Kind == KindFloat && len(el.Payload) <= maxNumber {
		if f, ok := parseFloatBits(el.Payload, bits); ok {
			return f, nil
		}
	}
	if r.number(el) != nil {
		return 0, errMalformed
	}
	f, err := parseFloat(el.Payload, bits)
	if err != nil {
		return 0, errRange
	}
	return f, nil
}

func parseFloatBits(p []byte, bits int) (float64, bool) {
	if bits == 32 {
		f, ok := parseFloat32(p)
		return float64(f), ok
	}
	return parseFloat64(p)
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

func decodeNumber(r *reader, el Element, v reflect.Value) error {
	if el.Kind != KindInt && el.Kind != KindFloat {
		return mismatch(el, v.Type(), nil)
	}
	if r.number(el) != nil {
		return errMalformed
	}
	v.SetString(string(el.Payload))
	return nil
}

func encodeBigInt(w *writer, v reflect.Value) error {
	n, _ := reflect.TypeAssert[*big.Int](addressable(v).Addr())
	if n.BitLen() > 4*maxNumber { // String takes more than linear time
		return &TypeError{Type: v.Type(), Err: ErrTooLarge}
	}
	digits := n.String()
	if len(digits) > maxNumber {
		return &TypeError{Type: v.Type(), Err: ErrTooLarge}
	}
	w.element(KindInt, digits)
	return nil
}

func decodeBigInt(r *reader, el Element, v reflect.Value) error {
	if el.Kind != KindInt {
		return mismatch(el, v.Type(), nil)
	}
	if r.number(el) != nil {
		return errMalformed
	}
	v.Set(reflect.ValueOf(parseBigInt(el.Payload)).Elem())
	return nil
}

// parseBigInt is for checked ints.  It takes 18 digits at a time: SetString
// allocates 1.5 kB for twenty.
func parseBigInt(p []byte) *big.Int {
	n, scale, part := new(big.Int), new(big.Int), new(big.Int)
	for digits := bytes.TrimLeft(p, "+-"); len(digits) > 0; {
		size := min(len(digits), 18)
		value, _ := strconv.ParseInt(string(digits[:size]), 10, 64)
		n.Mul(n, scale.SetInt64(int64(math.Pow10(size))))
		n.Add(n, part.SetInt64(value))
		digits = digits[size:]
	}
	if p[0] == '-' {
		n.Neg(n)
	}
	return n
}

// ---- Strings and bytes ----------------------------------------------------------

func encodeString(w *writer, v reflect.Value) error { return w.str(v.String(), v.Type()) }

func decodeString(r *reader, el Element, v reflect.Value) error {
	if !isString(el.Kind) {
		return mismatch(el, v.Type(), nil)
	}
	if !isText(el) {
		return errMalformed
	}
	v.SetString(r.texts.text(el.Payload))
	return nil
}

func encodeTime(w *writer, v reflect.Value) error {
	t, _ := reflect.TypeAssert[time.Time](v)
	mark := w.len()
	w.begin(w.stringKind())
	if w.time(t) {
		w.end(mark)
		return nil
	}
	w.back.truncate(mark)
	return encodeText(w, v)
}

func decodeTime(r *reader, el Element, v reflect.Value) error {
	if isString(el.Kind) {
		if t, ok := parseTime(el.Payload); ok {
			place, _ := reflect.TypeAssert[*time.Time](v.Addr())
			*place = t
			return nil
		}
	}
	return decodeText(r, el, v)
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
	if !isString(el.Kind) {
		return mismatch(el, v.Type(), nil)
	}
	if !isText(el) {
		return errMalformed
	}
	v.SetBytes(append([]byte{}, el.Payload...))
	return nil
}

// decodeByteArray wants the exact length: a digest that is padded in silence is
// a digest that lies.
func decodeByteArray(_ *reader, el Element, v reflect.Value) error {
	if !isString(el.Kind) {
		return mismatch(el, v.Type(), nil)
	}
	if !isText(el) {
		return errMalformed
	}
	if len(el.Payload) != v.Len() {
		return mismatch(el, v.Type(), errLength)
	}
	copy(v.Bytes(), el.Payload)
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

func decodeRaw(r *reader, el Element, v reflect.Value) error {
	if err := r.verify(el); err != nil {
		return err
	}
	v.SetBytes(Append(nil, el.Kind, el.Payload))
	return nil
}

// ---- Lists -----------------------------------------------------------------------

func slicePlan(t reflect.Type) *plan {
	if isBytes(t.Elem()) {
		return &plan{encode: encodeBytes, decode: decodeBytes, nulls: nullClears}
	}
	l := listPlan{later(t.Elem())}
	return &plan{encode: l.encode, decode: l.decodeSlice, nulls: nullClears}
}

func arrayPlan(t reflect.Type) *plan {
	if isBytes(t.Elem()) {
		return &plan{encode: encodeBytes, decode: decodeByteArray, nulls: nullKeeps}
	}
	l := listPlan{later(t.Elem())}
	return &plan{encode: l.encode, decode: l.decodeArray, nulls: nullKeeps}
}

type listPlan struct{ elem *laterPlan }

func (l listPlan) encode(w *writer, v reflect.Value) error {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return w.null()
	}
	mark, err := w.open(KindList, v.Type())
	if err != nil {
		return err
	}
	elem := l.elem.get()
	for i := v.Len() - 1; i >= 0; i-- {
		if err := elem.encode(w, v.Index(i)); err != nil {
			return underIndex(err, i)
		}
	}
	return w.shut(mark, v.Type())
}

// decodeSlice always makes a new slice: the old one may be somebody else's too.
func (l listPlan) decodeSlice(r *reader, el Element, v reflect.Value) error {
	if el.Kind != KindList {
		return mismatch(el, v.Type(), nil)
	}
	n, err := r.count(el.Payload)
	if err != nil {
		return err
	}
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
	n, err := r.count(el.Payload)
	if err != nil {
		return err
	}
	for i := n; i < v.Len(); i++ {
		v.Index(i).SetZero()
	}
	return l.decode(r, el, v)
}

// decode reads as many elements as list has place for, and verifies the rest.
func (l listPlan) decode(r *reader, el Element, list reflect.Value) error {
	if err := r.enter(); err != nil {
		return err
	}
	elem, size := l.elem.get(), list.Len()
	s := walk{r: r, b: el.Payload}
	for i := 0; s.more(); i++ {
		child, err := s.next()
		switch {
		case err != nil:
		case i < size:
			err = elem.read(r, child, list.Index(i))
		default:
			err = r.verify(child)
		}
		if err != nil {
			return underIndex(s.place(err, child), i)
		}
	}
	r.depth--
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
	m := dictPlan{keysOf(t.Key()), later(t.Elem())}
	return &plan{encode: m.encode, decode: m.decode, nulls: nullClears}
}

type dictPlan struct {
	keys keyPlan
	elem *laterPlan
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
	elem := m.elem.get()
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
	if el.Kind != KindDict {
		return mismatch(el, v.Type(), nil)
	}
	n, err := r.entries(el.Payload)
	if err != nil || r.enter() != nil {
		return errMalformed
	}
	if m.keys.loose && r.uniqueKeys(el.Payload) != nil {
		return errMalformed
	}
	fresh := reflect.MakeMapWithSize(v.Type(), n)
	for s := (walk{r: r, b: el.Payload}); s.more(); {
		key, err := s.key()
		if err == nil {
			err = m.entry(&s, key, fresh)
		}
		if err != nil {
			return under(err, string(key.Payload))
		}
	}
	r.depth--
	r.merge(v, fresh)
	return nil
}

// entry reads the value of an entry into the map fresh.
func (m dictPlan) entry(s *walk, key Element, fresh reflect.Value) error {
	t := fresh.Type()
	k, err := m.keys.decode(s.r.texts.text(key.Payload))
	if err != nil {
		return s.place(mismatch(key, t.Key(), err), key)
	}
	el, err := s.next()
	if err != nil {
		return err
	}
	v := reflect.New(t.Elem()).Elem()
	if err := m.elem.get().read(s.r, el, v); err != nil {
		return s.place(err, el)
	}
	n := fresh.Len()
	fresh.SetMapIndex(k, v)
	if fresh.Len() == n && !m.keys.loose && !s.r.duplicates {
		return errMalformed
	}
	return nil
}

// A keyPlan turns map keys into text and back.
type keyPlan struct {
	encode func(reflect.Value) (string, error)
	decode func(string) (reflect.Value, error)
	loose  bool // two texts may be one key
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
		k.loose = true
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
			encode: func(v reflect.Value) (string, error) { return v.String(), nil },
			decode: func(s string) (reflect.Value, error) { return reflect.ValueOf(s).Convert(t), nil },
		}
	case v.CanInt():
		return keyPlan{
			encode: func(v reflect.Value) (string, error) { return strconv.FormatInt(v.Int(), 10), nil },
			decode: func(s string) (reflect.Value, error) {
				n, err := strconv.ParseInt(s, 10, t.Bits())
				return reflect.ValueOf(n).Convert(t), keyError(s, strconv.FormatInt(n, 10), err)
			},
		}
	case v.CanUint():
		return keyPlan{
			encode: func(v reflect.Value) (string, error) { return strconv.FormatUint(v.Uint(), 10), nil },
			decode: func(s string) (reflect.Value, error) {
				n, err := strconv.ParseUint(s, 10, t.Bits())
				return reflect.ValueOf(n).Convert(t), keyError(s, strconv.FormatUint(n, 10), err)
			},
		}
	}
	return keyPlan{
		encode: func(reflect.Value) (string, error) { return "", errKeyType },
		decode: func(string) (reflect.Value, error) { return reflect.Value{}, errKeyType },
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
	s := &structFields{t, fieldsOf(t)}
	return &plan{encode: s.encode, decode: s.decode, nulls: nullKeeps}
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
		if err := set.list[i].encode(w, v); err != nil {
			return under(err, set.list[i].name)
		}
	}
	return w.shut(mark, s.typ)
}

// encode writes the entry that the field is in the struct v, if any.
func (f *field) encode(w *writer, v reflect.Value) error {
	v, ok := f.of(v)
	if !ok {
		return nil
	}
	if f.omit != nil && f.omit(v) {
		return nil
	}
	if err := f.plan.get().encode(w, v); err != nil {
		return err
	}
	w.string(f.encodedKey(w.config))
	return nil
}

// of returns the field in the struct v; ok is false behind an embedded pointer
// that is nil.
func (f *field) of(v reflect.Value) (_ reflect.Value, ok bool) {
	if len(f.index) == 1 {
		return v.Field(f.index[0]), true
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
	m := dictPlan{set.keys, later(v.Type().Elem())}
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
	for d.more() {
		if err := d.entry(); err != nil {
			return err
		}
	}
	r.depth--
	return d.mergeOthers(el)
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

// entry reads one entry.
func (d *structDecoding) entry() error {
	f, key, err := d.field()
	if err != nil {
		return err
	}
	var k reflect.Value
	if f == nil && d.set.others != nil {
		if k, err = d.set.keys.decode(string(key.Payload)); err != nil {
			err = mismatch(key, d.set.others.typ.Key(), err)
			return under(d.place(err, key), string(key.Payload))
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
		return under(d.place(err, el), string(key.Payload))
	}
	return nil
}

// field reads the next key and returns its field, or nil.  Keys mostly come in
// the order of the fields, so what comes is compared with the encoded key of
// the field after the last before it is so much as cut.
func (d *structDecoding) field() (*field, Element, error) {
	if d.expected < len(d.set.list) {
		f := &d.set.list[d.expected]
		encoded := f.encodedKey(d.r.config)
		if rest := d.b[d.at:]; len(rest) >= len(encoded) && string(rest[:len(encoded)]) == encoded {
			d.at += len(encoded)
			d.r.left--
			return f, Element{KindString, rest[len(encoded)-1-len(f.name) : len(encoded)-1]}, d.met(d.expected)
		}
	}
	key, err := d.key()
	if err != nil {
		return nil, key, err
	}
	i, ok := d.set.byName[string(key.Payload)]
	if !ok {
		return nil, key, d.compareKeys()
	}
	return &d.set.list[i], key, d.met(i)
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
	if !d.others.IsValid() {
		return nil
	}
	v, err := d.r.reach(d.v, d.set.others.index)
	if err != nil {
		return mismatch(el, d.v.Type(), err)
	}
	d.r.merge(v, d.others)
	return nil
}

func (f *field) decode(r *reader, el Element, v reflect.Value) error {
	if len(f.index) == 1 {
		return f.plan.get().read(r, el, v.Field(f.index[0]))
	}
	v, err := r.reach(v, f.index)
	if err != nil {
		return mismatch(el, f.typ, err)
	}
	return f.plan.get().read(r, el, v)
}

// encodedKey returns the key as it is written.
func (f *field) encodedKey(c *config) string {
	if c.text {
		return f.text
	}
	return f.key
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
			if err := plain.encode(w, v); err != nil {
				return err
			}
			w.retag(mark)
			return nil
		},
		decode: func(r *reader, el Element, v reflect.Value) error {
			if !isString(el.Kind) {
				return mismatch(el, v.Type(), nil)
			}
			inner := Element{kind, el.Payload}
			if !isText(el) || r.scalar(inner) != nil {
				return mismatch(el, v.Type(), ErrPayload)
			}
			return plain.read(r, inner, v)
		},
		nulls: plain.nulls,
	}
}

// retag makes the scalar written since mark a string, unless it is null.
func (w *writer) retag(mark int) {
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
	p := pointer{later(t.Elem())}
	return &plan{encode: p.encode, decode: p.decode, nulls: nullClears}
}

type pointer struct{ elem *laterPlan }

func (p pointer) encode(w *writer, v reflect.Value) error {
	if v.IsNil() {
		return w.null()
	}
	if err := w.follow(v.Type()); err != nil {
		return err
	}
	err := p.elem.get().encode(w, v.Elem())
	w.hops--
	return err
}

func (p pointer) decode(r *reader, el Element, v reflect.Value) error {
	if !v.IsNil() {
		return r.follow(el, v.Elem(), v.Type())
	}
	made := reflect.New(v.Type().Elem())
	if err := p.elem.get().read(r, el, made.Elem()); err != nil {
		return err
	}
	v.Set(made)
	return nil
}

// follow reads el into place, which a pointer of type t leads to.  Containers
// are counted by depth; this ends chains of pointers that go round.
func (r *reader) follow(el Element, place reflect.Value, t reflect.Type) error {
	if r.hops++; r.hops > 10*(r.maxDepth+10) {
		return mismatch(el, t, ErrTooDeep)
	}
	err := planOf(place.Type()).read(r, el, r.shadow(place))
	r.hops--
	return err
}

// ---- What has no form on the wire -----------------------------------------------------

func encodeNothing(_ *writer, v reflect.Value) error { return &TypeError{Type: v.Type()} }

func decodeNothing(_ *reader, el Element, v reflect.Value) error { return mismatch(el, v.Type(), nil) }
