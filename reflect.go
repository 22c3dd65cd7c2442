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
	at     uintptr // of the type, to know it by
	encode func(*writer, reflect.Value) error
	decode func(*reader, Element, reflect.Value) error
	writes shortcut // to encode
	reads  shortcut // to decode
	nulls  nullRule
	elem   *laterPlan    // of what a pointer without methods points to
	flat   *structFields // of a struct that has only plain fields
	floats [][]int       // fields of a struct that a negative zero can hide in
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
	if r.short(p.reads, el, v) {
		return nil
	}
	return p.readLong(r, el, v)
}

// readLong is read where a shortcut has been tried.
func (p *plan) readLong(r *reader, el Element, v reflect.Value) error {
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

// plans holds every plan there is, by type.  Those of the first types met are also
// in firstPlans, at a place that depends on where in memory the type is: to look
// there costs a fraction of a map.
var (
	plans      sync.Map // of reflect.Type to *plan
	firstPlans [256]atomic.Pointer[plan]
)

func planOf(t reflect.Type) *plan {
	at := reflect.ValueOf(t).Pointer()
	first := &firstPlans[(at>>5^at>>13)%256]
	if p := first.Load(); p != nil && p.at == at {
		return p
	}
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	made := newPlan(t)
	made.at = at
	p, _ := plans.LoadOrStore(t, made)
	first.CompareAndSwap(nil, p.(*plan))
	return p.(*plan)
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
		return &plan{encode: encodeText, decode: decodeText, writes: timeShortcut, reads: timeShortcut}
	}
	return nil
}

func kindPlan(t reflect.Type) *plan {
	switch t.Kind() {
	case reflect.Bool:
		return &plan{encode: encodeBool, decode: decodeBool, writes: boolShortcut, reads: boolShortcut}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &plan{encode: encodeInt, decode: decodeInt, writes: intShortcut, reads: intShortcut}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return &plan{encode: encodeUint, decode: decodeUint, writes: uintShortcut, reads: uintShortcut}
	case reflect.Float32:
		return &plan{encode: encodeFloat, decode: decodeFloat}
	case reflect.Float64:
		return &plan{encode: encodeFloat, decode: decodeFloat, writes: floatShortcut, reads: floatShortcut}
	case reflect.String:
		return &plan{encode: encodeString, decode: decodeString, writes: stringShortcut, reads: stringShortcut}
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

// write writes v.
func (p *plan) write(w *writer, v reflect.Value) error {
	if w.short(p.writes, v) {
		return nil
	}
	return p.encode(w, v)
}

// ---- Scalars -----------------------------------------------------------------

func encodeBool(w *writer, v reflect.Value) error {
	w.boolElement(v.Bool())
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
	w.intElement(v.Int())
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
	w.uintElement(v.Uint())
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
	if math.IsInf(f, 0) || math.IsNaN(f) {
		if !w.nonFinite {
			return &TypeError{Type: t, Err: errNonFinite}
		}
		w.element(KindFloat, nonFiniteText(f))
		return nil
	}
	w.floatElement(f, bits)
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
	w.octets(v.Bytes())
	return nil
}

// octets writes b as a string.
func (w *writer) octets(b []byte) {
	mark := w.begin(KindString)
	w.put(b)
	w.end(mark)
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
	l := &listPlan{t, later(t.Elem()), -1}
	return &plan{encode: l.encode, decode: l.decodeSlice, nulls: nullClears}
}

func arrayPlan(t reflect.Type) *plan {
	if isBytes(t.Elem()) {
		return &plan{encode: encodeBytes, decode: decodeByteArray, nulls: nullKeeps}
	}
	l := &listPlan{t, later(t.Elem()), t.Len()}
	return &plan{encode: l.encode, decode: l.decodeArray, nulls: nullKeeps}
}

type listPlan struct {
	typ  reflect.Type
	elem *laterPlan
	size int // of an array; -1 for a slice
}

func (l *listPlan) encode(w *writer, v reflect.Value) error {
	size := l.size
	if size < 0 {
		if v.IsNil() {
			return w.null()
		}
		size = v.Len()
	}
	mark, err := w.open(KindList, l.typ)
	if err != nil {
		return err
	}
	elem := l.elem.get()
	for i := size - 1; i >= 0; i-- {
		if err := elem.write(w, v.Index(i)); err != nil {
			return underIndex(err, i)
		}
	}
	return w.shut(mark, l.typ)
}

// decodeSlice always makes a new slice: the old one may be somebody else's too.
func (l *listPlan) decodeSlice(r *reader, el Element, v reflect.Value) error {
	if el.Kind != KindList {
		return mismatch(el, l.typ, nil)
	}
	n, err := r.count(el.Payload)
	if err != nil {
		return err
	}
	list := reflect.MakeSlice(l.typ, n, n)
	if _, err := l.decode(r, el, list, n); err != nil {
		return err
	}
	v.Set(list)
	return nil
}

// decodeArray is encoding/json's: what an array has no place for is dropped,
// what the list does not have becomes zero.
func (l *listPlan) decodeArray(r *reader, el Element, v reflect.Value) error {
	if el.Kind != KindList {
		return mismatch(el, l.typ, nil)
	}
	n, err := l.decode(r, el, v, l.size)
	if err != nil {
		return err
	}
	for i := n; i < l.size; i++ {
		v.Index(i).SetZero()
	}
	return nil
}

// decode reads as many elements as list has place for, its size, and verifies the
// rest.  n is how many there were.
func (l *listPlan) decode(r *reader, el Element, list reflect.Value, size int) (n int, err error) {
	if err := r.enter(); err != nil {
		return 0, err
	}
	elem := l.elem.get()
	s := walk{r: r, b: el.Payload}
	for ; s.more(); n++ {
		child, err := s.next()
		switch {
		case err != nil:
		case n >= size:
			err = r.verify(child)
		default:
			err = elem.read(r, child, list.Index(n))
		}
		if err != nil {
			return n, underIndex(s.place(err, child), n)
		}
	}
	r.depth--
	return n, nil
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
	m := dictPlanOf(t, keysOf(t.Key()))
	return &plan{encode: m.encode, decode: m.decode, nulls: nullClears}
}

func dictPlanOf(t reflect.Type, keys keyPlan) dictPlan {
	return dictPlan{t, keys, later(t.Elem()), reflect.SliceOf(t.Elem())}
}

type dictPlan struct {
	typ    reflect.Type
	keys   keyPlan
	elem   *laterPlan
	values reflect.Type // a slice of its values
}

// mapEntries are a map's, with the order of their keys' bytes.  The values are
// in one slice: one by one, reflect would allocate each.
type mapEntries struct {
	keys   []string
	values reflect.Value // Index(i) belongs to keys[i]
	order  []place
}

func (m dictPlan) encode(w *writer, v reflect.Value) error {
	if v.IsNil() {
		return w.null()
	}
	entries, err := m.sorted(v)
	if err != nil {
		return err
	}
	mark, err := w.open(KindDict, m.typ)
	if err != nil {
		return err
	}
	if err := m.write(w, entries); err != nil {
		return err
	}
	return w.shut(mark, m.typ)
}

// sorted returns the entries of v.
func (m dictPlan) sorted(v reflect.Value) (e mapEntries, err error) {
	size := v.Len()
	e.keys = make([]string, 0, size)
	e.values = reflect.MakeSlice(m.values, size, size)
	key := reflect.New(m.typ.Key()).Elem()
	for iter := v.MapRange(); len(e.keys) < size && iter.Next(); {
		key.SetIterKey(iter)
		text, err := m.keys.encode(key)
		if err != nil {
			return e, &TypeError{Type: m.typ.Key(), Err: err}
		}
		e.values.Index(len(e.keys)).SetIterValue(iter)
		e.keys = append(e.keys, text)
	}
	e.order = sorted(e.keys, nil)
	for i := 1; i < len(e.order); i++ {
		if key := e.keys[e.order[i].at]; key == e.keys[e.order[i-1].at] {
			return e, under(&TypeError{Type: m.typ, Err: ErrDuplicate}, key)
		}
	}
	return e, nil
}

func (m dictPlan) write(w *writer, e mapEntries) error {
	elem := m.elem.get()
	for _, p := range slices.Backward(e.order) {
		if err := elem.write(w, e.values.Index(p.at)); err != nil {
			return under(err, e.keys[p.at])
		}
		if err := w.writeKey(e.keys[p.at], m.typ); err != nil {
			return err
		}
	}
	return nil
}

func (m dictPlan) decode(r *reader, el Element, v reflect.Value) error {
	if el.Kind != KindDict {
		return mismatch(el, m.typ, nil)
	}
	n, err := r.entries(el.Payload)
	if err != nil || r.enter() != nil {
		return errMalformed
	}
	if m.keys.loose && r.uniqueKeys(el.Payload) != nil {
		return errMalformed
	}
	fresh := reflect.MakeMapWithSize(m.typ, n)
	k, value := reflect.New(m.typ.Key()).Elem(), reflect.New(m.typ.Elem()).Elem()
	for s := (walk{r: r, b: el.Payload}); s.more(); {
		key, err := s.key()
		if err == nil {
			err = m.entry(&s, key, k, value)
		}
		if err != nil {
			return underKey(err, key.Payload)
		}
		before := fresh.Len()
		fresh.SetMapIndex(k, value)
		if fresh.Len() == before && !m.keys.loose && !r.duplicates {
			return errMalformed
		}
	}
	r.depth--
	r.merge(v, fresh)
	return nil
}

// entry reads an entry into k and v, which are those of the one before: a map
// copies what is put into it.
func (m dictPlan) entry(s *walk, key Element, k, v reflect.Value) error {
	if err := m.keys.decode(s.r.texts.text(key.Payload), k); err != nil {
		return s.place(mismatch(key, k.Type(), err), key)
	}
	el, err := s.next()
	if err != nil {
		return err
	}
	v.SetZero()
	return s.place(m.elem.get().read(s.r, el, v), el)
}

// A keyPlan turns map keys into text and back.
type keyPlan struct {
	encode func(reflect.Value) (string, error)
	decode func(text string, to reflect.Value) error
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
		k.decode = func(s string, to reflect.Value) error {
			p := reflect.New(t)
			err := p.Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s))
			to.Set(p.Elem())
			return err
		}
	}
	return k
}

func kindKeys(t reflect.Type) keyPlan {
	switch v := reflect.Zero(t); {
	case t.Kind() == reflect.String:
		return keyPlan{
			encode: func(v reflect.Value) (string, error) { return v.String(), nil },
			decode: func(s string, to reflect.Value) error { to.SetString(s); return nil },
		}
	case v.CanInt():
		return keyPlan{
			encode: func(v reflect.Value) (string, error) { return strconv.FormatInt(v.Int(), 10), nil },
			decode: func(s string, to reflect.Value) error {
				n, err := strconv.ParseInt(s, 10, t.Bits())
				to.SetInt(n)
				return keyError(s, strconv.FormatInt(n, 10), err)
			},
		}
	case v.CanUint():
		return keyPlan{
			encode: func(v reflect.Value) (string, error) { return strconv.FormatUint(v.Uint(), 10), nil },
			decode: func(s string, to reflect.Value) error {
				n, err := strconv.ParseUint(s, 10, t.Bits())
				to.SetUint(n)
				return keyError(s, strconv.FormatUint(n, 10), err)
			},
		}
	}
	return keyPlan{
		encode: func(reflect.Value) (string, error) { return "", errKeyType },
		decode: func(string, reflect.Value) error { return errKeyType },
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
	p := pointer{t, later(t.Elem())}
	return &plan{encode: p.encode, decode: p.decode, writes: nilShortcut, reads: nilShortcut, nulls: nullClears, elem: p.elem}
}

type pointer struct {
	typ  reflect.Type
	elem *laterPlan
}

func (p pointer) encode(w *writer, v reflect.Value) error {
	if v.IsNil() {
		return w.null()
	}
	if err := w.follow(p.typ); err != nil {
		return err
	}
	err := p.elem.get().write(w, v.Elem())
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
