package petrichor

// Values whose Go type nobody has said: an element read into an any becomes
// what it itself suggests, and a Dict is a dict in the order of the wire.

import (
	"reflect"
	"slices"
	"strconv"
)

func encodeInterface(w *writer, v reflect.Value) error {
	if v.IsNil() {
		return w.null()
	}
	if err := w.follow(v.Type()); err != nil {
		return err
	}
	err := planOf(v.Elem().Type()).encode(w, v.Elem())
	w.hops--
	return err
}

// decodeInterface follows a pointer that the interface holds, as encoding/json
// does, and else makes the value that the element itself suggests.
func decodeInterface(r *reader, el Element, v reflect.Value) error {
	if el.Kind == KindNull {
		v.SetZero()
		return nil
	}
	if held := v.Elem(); held.Kind() == reflect.Pointer && !held.IsNil() {
		return planOf(held.Type()).decode(r, el, held)
	}
	if v.NumMethod() > 0 {
		return mismatch(el, v.Type(), nil)
	}
	value, err := r.any(el)
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(value))
	return nil
}

var anyType = reflect.TypeFor[any]()

// any returns the value that el itself suggests.
func (r *reader) any(el Element) (any, error) {
	switch el.Kind {
	case KindBool:
		return string(el.Payload) == "true", nil
	case KindInt:
		return anyInt(el.Payload), nil
	case KindFloat:
		f, err := parseFloat(el.Payload, 64)
		if err != nil {
			return nil, mismatch(el, anyType, errRange)
		}
		return f, nil
	case KindString:
		if r.config.text {
			return append([]byte{}, el.Payload...), nil
		}
		return string(el.Payload), nil
	case KindText:
		return string(el.Payload), nil
	case KindList:
		return r.list(el.Payload)
	case KindDict:
		if r.keepOrder {
			return r.dict(el.Payload)
		}
		return r.dictMap(el.Payload)
	}
	return nil, nil
}

// anyInt is an int64, or where that is too small a *big.Int.
func anyInt(p []byte) any {
	if n, err := strconv.ParseInt(string(p), 10, 64); err == nil {
		return n
	}
	return parseBigInt(p)
}

func (r *reader) list(b []byte) ([]any, error) {
	list := make([]any, r.count(b))
	s := walk{config: r.config, b: b}
	for i := range list {
		el, at := s.next()
		value, err := r.any(el)
		if err != nil {
			return nil, underIndex(shift(err, at), i)
		}
		list[i] = value
	}
	return list, nil
}

func (r *reader) dictMap(b []byte) (map[string]any, error) {
	m := make(map[string]any, r.count(b)/2)
	for s := (walk{config: r.config, b: b}); s.more(); {
		key, _ := s.next()
		el, at := s.next()
		value, err := r.any(el)
		if err != nil {
			return nil, under(shift(err, at), string(key.Payload))
		}
		m[string(key.Payload)] = value
	}
	return m, nil
}

func (r *reader) dict(b []byte) (Dict, error) {
	dict := make(Dict, 0, r.count(b)/2)
	for s := (walk{config: r.config, b: b}); s.more(); {
		key, _ := s.next()
		el, at := s.next()
		value, err := r.any(el)
		if err != nil {
			return nil, under(shift(err, at), string(key.Payload))
		}
		e := Entry{Key: string(key.Payload), Value: value}
		if r.config.text && key.Kind == KindString {
			e.KeyKind = KindString
		}
		dict = append(dict, e)
	}
	return dict, nil
}

func encodeDict(w *writer, v reflect.Value) error {
	dict, _ := reflect.TypeAssert[Dict](v)
	if dict == nil {
		return w.null()
	}
	mark, err := w.open(KindDict, v.Type())
	if err != nil {
		return err
	}
	if !w.duplicates {
		if key, ok := repeated(dict); ok {
			return under(&TypeError{Type: v.Type(), Err: ErrDuplicate}, key)
		}
	}
	for _, e := range slices.Backward(dict) {
		if err := w.entry(e, v.Type()); err != nil {
			return err
		}
	}
	return w.shut(mark, v.Type())
}

func (w *writer) entry(e Entry, t reflect.Type) error {
	if err := w.value(e.Value); err != nil {
		return under(err, e.Key)
	}
	switch {
	case e.KeyKind == 0:
		return w.writeKey(e.Key, t)
	case e.KeyKind == KindString || e.KeyKind == KindText && w.text:
		return w.strAs(e.KeyKind, e.Key, t)
	}
	return under(&TypeError{Type: t, Err: ErrKey}, e.Key)
}

// repeated returns a key that d has twice.
func repeated(d Dict) (key string, ok bool) {
	seen := make(map[string]struct{}, len(d))
	for _, e := range d {
		if _, ok := seen[e.Key]; ok {
			return e.Key, true
		}
		seen[e.Key] = struct{}{}
	}
	return "", false
}

func decodeDict(r *reader, el Element, v reflect.Value) error {
	if el.Kind == KindNull {
		v.SetZero()
		return nil
	}
	if el.Kind != KindDict {
		return mismatch(el, v.Type(), nil)
	}
	ordered := *r.config
	ordered.keepOrder = true
	dict, err := (&reader{config: &ordered}).dict(el.Payload)
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(dict))
	return nil
}
