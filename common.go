package petrichor

// The types that most programs use most, without reflection for each element:
// slices and maps of a few element types, and what an any usually holds.  They
// are written and read exactly as the plans of reflect.go would.

import (
	"reflect"
	"slices"
	"strings"
)

// commonPlan returns the plan of t if it is one of the common types.
func commonPlan(t reflect.Type) *plan {
	switch t {
	case reflect.TypeFor[[]string]():
		return sliceOf(writeString, readString)
	case reflect.TypeFor[[]int]():
		return sliceOf(writeInt[int], readInt[int])
	case reflect.TypeFor[[]int64]():
		return sliceOf(writeInt[int64], readInt[int64])
	case reflect.TypeFor[[]float64]():
		return sliceOf(writeFloat, readFloat)
	case reflect.TypeFor[[]any]():
		return sliceOf((*writer).value, (*reader).any)
	case reflect.TypeFor[map[string]string]():
		return mapOf[map[string]string](writeString, readString)
	case reflect.TypeFor[map[string]any]():
		return mapOf[map[string]any]((*writer).value, (*reader).any)
	case reflect.TypeFor[Header]():
		return mapOf[Header]((*writer).value, (*reader).any)
	}
	return nil
}

// value writes v.
func (w *writer) value(v any) error {
	switch v := v.(type) {
	case nil:
		return w.null()
	case string:
		return writeString(w, v)
	case bool:
		return w.bool(v)
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
	}
	rv := reflect.ValueOf(v)
	return w.last.of(rv.Type()).encode(w, rv)
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
	mark := w.begin(KindInt)
	w.int(int64(n))
	w.end(mark)
	return nil
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

func sliceOf[T any](write func(*writer, T) error, read func(*reader, Element) (T, error)) *plan {
	return &plan{
		encode: func(w *writer, v reflect.Value) error {
			list, _ := reflect.TypeAssert[[]T](v)
			return writeList(w, list, write)
		},
		decode: func(r *reader, el Element, v reflect.Value) error {
			if el.Kind != KindList {
				return mismatch(el, v.Type(), nil)
			}
			list, err := readList(r, el.Payload, read)
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
	mark, err := w.open(KindList, reflect.TypeFor[[]T]())
	if err != nil {
		return err
	}
	for i, v := range slices.Backward(list) {
		if err := write(w, v); err != nil {
			return underIndex(err, i)
		}
	}
	return w.shut(mark, reflect.TypeFor[[]T]())
}

// readList reads the list with payload b.
func readList[T any](r *reader, b []byte, read func(*reader, Element) (T, error)) ([]T, error) {
	n, err := r.count(b)
	if err != nil || r.enter() != nil {
		return nil, errMalformed
	}
	list := make([]T, n)
	s := walk{r: r, b: b}
	for i := range list {
		el, err := s.next()
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

// A pair is an entry of a map while its keys are sorted.
type pair[T any] struct {
	key   string
	value T
}

func writeMap[M ~map[string]T, T any](w *writer, m M, write func(*writer, T) error) error {
	if m == nil {
		return w.null()
	}
	mark, err := w.open(KindDict, reflect.TypeFor[M]())
	if err != nil {
		return err
	}
	var few [8]pair[T]
	for _, p := range slices.Backward(sortedPairs(m, few[:0])) {
		if err := write(w, p.value); err != nil {
			return under(err, p.key)
		}
		if err := w.writeKey(p.key, reflect.TypeFor[M]()); err != nil {
			return err
		}
	}
	return w.shut(mark, reflect.TypeFor[M]())
}

// sortedPairs appends the entries of m, in the order of their keys, to pairs.
func sortedPairs[M ~map[string]T, T any](m M, pairs []pair[T]) []pair[T] {
	pairs = slices.Grow(pairs, len(m))
	for key, value := range m {
		pairs = append(pairs, pair[T]{key, value})
	}
	slices.SortFunc(pairs, func(a, b pair[T]) int { return strings.Compare(a.key, b.key) })
	return pairs
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
			return nil, under(s.place(err, el), string(key.Payload))
		}
		n := len(m)
		if m[r.texts.text(key.Payload)] = value; len(m) == n && !r.duplicates {
			return nil, errMalformed
		}
	}
	r.depth--
	return m, nil
}
