package petrichor

// The types that most programs use most, without reflection for each element:
// slices and maps of a few element types, and what an any usually holds.  They
// are written and read exactly as the plans of reflect.go would.

import (
	"bytes"
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// commonPlan returns the plan of t if it is one of the common types.
func commonPlan(t reflect.Type) *plan {
	switch t {
	case reflect.TypeFor[[]string]():
		return sliceOf(writeString, nil, readString)
	case reflect.TypeFor[[]int]():
		return sliceOf(writeInt[int], shortInt, readInt[int])
	case reflect.TypeFor[[]int64]():
		return sliceOf(writeInt[int64], shortInt64, readInt[int64])
	case reflect.TypeFor[[]float64]():
		return sliceOf(writeFloat, shortFloat, readFloat)
	case reflect.TypeFor[[2]float64]():
		return pointPlan[[2]float64]()
	case reflect.TypeFor[[3]float64]():
		return pointPlan[[3]float64]()
	case reflect.TypeFor[[]any]():
		return sliceOf((*writer).value, nil, (*reader).any)
	case reflect.TypeFor[map[string]string]():
		return mapOf[map[string]string](writeString, readString)
	case reflect.TypeFor[map[string]any]():
		return mapOf[map[string]any]((*writer).value, (*reader).any)
	case reflect.TypeFor[Header]():
		return mapOf[Header]((*writer).value, (*reader).any)
	}
	return nil
}

// direct reads el into what target points to, without reflection, if that is one of
// the common types and holds nothing yet: then there is nothing to merge with, and
// nothing to be left as it was.
func (r *reader) direct(el Element, target any) (done bool, err error) {
	switch t := target.(type) {
	case *map[string]any:
		if t != nil && *t == nil && el.Kind == KindDict {
			r.left--
			m, err := readMap(r, el.Payload, (*reader).any)
			if err == nil {
				*t = m
			}
			return true, err
		}
	case *any:
		if t != nil && *t == nil {
			r.left--
			v, err := r.any(el)
			if err == nil {
				*t = v
			}
			return true, err
		}
	case *[]byte:
		if t != nil && el.Kind == KindString {
			r.left--
			*t = bytes.Clone(el.Payload)
			return true, nil
		}
	}
	return false, nil
}

// value writes v.
func (w *writer) value(v any) error {
	switch v := v.(type) {
	case nil:
		return w.null()
	case string:
		return writeString(w, v)
	case bool:
		w.boolElement(v)
		return nil
	case int:
		return writeInt(w, v)
	case int64:
		return writeInt(w, v)
	case float64:
		return writeFloat(w, v)
	case []any:
		return writeList(w, v, (*writer).value)
	case map[string]any:
		return writeMap(w, v, (*writer).value)
	case Header:
		return writeMap(w, v, (*writer).value)
	case []byte:
		if v != nil && int64(len(v)) <= w.maxWrite {
			w.octets(v)
			return nil
		}
	}
	rv := reflect.ValueOf(v)
	p := planOf(rv.Type())
	if p.elem != nil && !rv.IsNil() {
		return p.elem.get().write(w, rv.Elem()) // what is pointed to from no pointer cannot be a round
	}
	return p.encode(w, rv)
}

func writeString(w *writer, s string) error { return w.str(s, reflect.TypeFor[string]()) }

func readString(r *reader, el Element) (string, error) {
	if !isString(el.Kind) {
		return "", mismatch(el, reflect.TypeFor[string](), nil)
	}
	if !isText(el) {
		return "", errMalformed
	}
	return r.texts.text(el.Payload), nil
}

func writeInt[T int | int64](w *writer, n T) error {
	w.intElement(int64(n))
	return nil
}

func shortInt64(el Element) (n int64, ok bool) {
	n, ok = parseInt64(el.Payload)
	return n, ok && el.Kind == KindInt
}

func shortInt(el Element) (int, bool) {
	n, ok := shortInt64(el)
	return int(n), ok && int64(int(n)) == n
}

func readInt[T int | int64](r *reader, el Element) (T, error) {
	if el.Kind != KindInt {
		return 0, mismatch(el, reflect.TypeFor[T](), nil)
	}
	n, err := r.int64(el)
	if err == nil && int64(T(n)) != n {
		err = errRange
	}
	if err != nil {
		return 0, placeless(err, el, reflect.TypeFor[T]())
	}
	return T(n), nil
}

func writeFloat(w *writer, f float64) error { return w.float64(f, 64, reflect.TypeFor[float64]()) }

func readFloat(r *reader, el Element) (float64, error) {
	if el.Kind != KindFloat && el.Kind != KindInt {
		return 0, mismatch(el, reflect.TypeFor[float64](), nil)
	}
	f, err := r.float(el, 64)
	if err != nil {
		return 0, placeless(err, el, reflect.TypeFor[float64]())
	}
	return f, nil
}

// sliceOf returns the plan of []T.  short reads the elements that are as most are;
// it may be nil.
func sliceOf[T any](write func(*writer, T) error, short func(Element) (T, bool), read func(*reader, Element) (T, error)) *plan {
	return &plan{
		encode: func(w *writer, v reflect.Value) error {
			list, _ := reflect.TypeAssert[[]T](v)
			return writeList(w, list, write)
		},
		decode: func(r *reader, el Element, v reflect.Value) error {
			if el.Kind != KindList {
				return mismatch(el, v.Type(), nil)
			}
			list, err := readList(r, el.Payload, short, read)
			if err != nil {
				return err
			}
			to, _ := reflect.TypeAssert[*[]T](v.Addr())
			*to = list
			return nil
		},
		nulls: nullClears,
	}
}

func writeList[T any](w *writer, list []T, write func(*writer, T) error) error {
	if list == nil {
		return w.null()
	}
	mark, err := w.open(KindList, nil)
	if err != nil {
		return typed[[]T](err)
	}
	for i := len(list) - 1; i >= 0; i-- {
		if err := write(w, list[i]); err != nil {
			return underIndex(err, i)
		}
	}
	return typed[[]T](w.shut(mark, nil))
}

// typed gives an error its Go type, if it has none: only then it is looked up.
func typed[T any](err error) error {
	if e, ok := err.(*TypeError); ok && e.Type == nil {
		e.Type = reflect.TypeFor[T]()
	}
	return err
}

// readList reads the list with payload b.
func readList[T any](r *reader, b []byte, short func(Element) (T, bool), read func(*reader, Element) (T, error)) ([]T, error) {
	n, err := r.count(b)
	if err != nil || r.enter() != nil {
		return nil, errMalformed
	}
	list := make([]T, n)
	s := walk{r: r, b: b}
	for i := range list {
		el, err := s.next()
		if err == nil && short != nil {
			if v, ok := short(el); ok {
				list[i] = v
				continue
			}
		}
		if err == nil {
			list[i], err = readOrNull(r, el, read)
		}
		if err != nil {
			return nil, underIndex(s.place(err, el), i)
		}
	}
	r.depth--
	return list, nil
}

// A point is what coordinates are mostly kept in.
type point interface{ [2]float64 | [3]float64 }

// pointPlan returns the plan of a point: that of an array, with a short way to read
// as many floats as there is place for.
func pointPlan[P point]() *plan {
	array := arrayPlan(reflect.TypeFor[P]())
	return &plan{
		encode: func(w *writer, v reflect.Value) error {
			p, _ := reflect.TypeAssert[P](v)
			mark, err := w.open(KindList, nil)
			if err != nil {
				return typed[P](err)
			}
			for i := len(p) - 1; i >= 0; i-- {
				if err := writeFloat(w, p[i]); err != nil {
					return underIndex(err, i)
				}
			}
			return typed[P](w.shut(mark, nil))
		},
		decode: func(r *reader, el Element, v reflect.Value) error {
			p, ok := shortPoint[P](r, el)
			if !ok {
				return array.decode(r, el, v)
			}
			to, _ := reflect.TypeAssert[*P](v.Addr())
			*to = p
			return nil
		},
		nulls: array.nulls,
	}
}

// shortPoint reads el if it is a list of just so many floats, as most are spelled, or
// reports false.
func shortPoint[P point](r *reader, el Element) (p P, ok bool) {
	if el.Kind != KindList || r.depth >= r.maxDepth || r.left < len(p) {
		return p, false
	}
	b := el.Payload
	for i := range len(p) {
		from, end := shortSize(b)
		if end >= len(b) {
			return p, false
		}
		if p[i], ok = shortFloat(Element{Kind(b[end]), b[from:end:end]}); !ok {
			return p, false
		}
		b = b[end+1:]
	}
	if len(b) > 0 {
		return p, false
	}
	r.left -= len(p)
	return p, true
}

// readOrNull reads el, or leaves the zero value for null.
func readOrNull[T any](r *reader, el Element, read func(*reader, Element) (T, error)) (v T, err error) {
	if el.Kind != KindNull {
		return read(r, el)
	}
	if len(el.Payload) > 0 {
		err = errMalformed
	}
	return v, err
}

func mapOf[M ~map[string]T, T any](write func(*writer, T) error, read func(*reader, Element) (T, error)) *plan {
	return &plan{
		encode: func(w *writer, v reflect.Value) error {
			m, _ := reflect.TypeAssert[M](v)
			return writeMap(w, m, write)
		},
		decode: func(r *reader, el Element, v reflect.Value) error {
			if el.Kind != KindDict {
				return mismatch(el, v.Type(), nil)
			}
			m, err := readMap(r, el.Payload, read)
			if err != nil {
				return err
			}
			r.merge(v, reflect.ValueOf(M(m)))
			return nil
		},
		nulls: nullClears,
	}
}

func writeMap[M ~map[string]T, T any](w *writer, m M, write func(*writer, T) error) error {
	if m == nil {
		return w.null()
	}
	mark, err := w.open(KindDict, nil)
	if err != nil {
		return typed[M](err)
	}
	var few struct {
		keys   [8]string
		values [8]T
		order  [8]place
	}
	keys, values := slices.Grow(few.keys[:0], len(m)), slices.Grow(few.values[:0], len(m))
	for key, value := range m {
		keys, values = append(keys, key), append(values, value)
	}
	for _, p := range slices.Backward(sorted(keys, few.order[:0])) {
		if err := write(w, values[p.at]); err != nil {
			return under(err, keys[p.at])
		}
		if err := w.writeKey(keys[p.at], nil); err != nil {
			return typed[M](err)
		}
	}
	return typed[M](w.shut(mark, nil))
}

// A place is where a key stands among others.  Where those begin to differ, its
// next eight bytes nearly always decide which comes first; and what has no
// pointers is quickly moved.
type place struct {
	next uint64
	at   int
}

// sorted appends the places of keys to places, in their order.
func sorted(keys []string, places []place) []place {
	common := 0
	if len(keys) > 0 {
		common = len(keys[0])
	}
	for _, key := range keys {
		common = commonPrefix(keys[0][:common], key)
	}
	places = slices.Grow(places, len(keys))
	for i, key := range keys {
		places = append(places, place{firstBytes(key[common:]), i})
	}
	compare := func(a, b place) int {
		if a.next != b.next {
			return cmp.Compare(a.next, b.next)
		}
		return strings.Compare(keys[a.at], keys[b.at])
	}
	if len(places) > 8 {
		slices.SortFunc(places, compare)
		return places
	}
	for i := range places {
		for ; i > 0 && compare(places[i-1], places[i]) > 0; i-- {
			places[i-1], places[i] = places[i], places[i-1]
		}
	}
	return places
}

// commonPrefix returns how many bytes a and b begin with are the same.
func commonPrefix(a, b string) (n int) {
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// firstBytes returns the first eight bytes of s, or what there is with zeros
// behind, as a number that compares as they do.
func firstBytes(s string) (n uint64) {
	if len(s) >= 8 {
		return uint64(s[7]) | uint64(s[6])<<8 | uint64(s[5])<<16 | uint64(s[4])<<24 |
			uint64(s[3])<<32 | uint64(s[2])<<40 | uint64(s[1])<<48 | uint64(s[0])<<56
	}
	for i := range len(s) {
		n |= uint64(s[i]) << (56 - 8*i)
	}
	return n
}

// readMap reads the dict with payload b.
func readMap[T any](r *reader, b []byte, read func(*reader, Element) (T, error)) (map[string]T, error) {
	n, err := r.entries(b)
	if err != nil || r.enter() != nil {
		return nil, errMalformed
	}
	m := make(map[string]T, n)
	for s := (walk{r: r, b: b}); s.more(); {
		key, err := s.key()
		if err != nil {
			return nil, err
		}
		el, err := s.next()
		var value T
		if err == nil {
			value, err = readOrNull(r, el, read)
		}
		if err != nil {
			return nil, underKey(s.place(err, el), key.Payload)
		}
		n := len(m)
		if m[r.texts.text(key.Payload)] = value; len(m) == n && !r.duplicates {
			return nil, errMalformed
		}
	}
	r.depth--
	return m, nil
}
