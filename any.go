package petrichor

// Values whose Go type nobody has said: an element read into an any becomes
// what it itself suggests, and a Dict is a dict in the order of the wire.

import (
	"reflect"
	"slices"
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
	held := v.Elem()
	if held.Kind() == reflect.Pointer && !held.IsNil() && !r.leads(held, v) {
		if el.Kind != KindNull || held.Elem().Kind() == reflect.Pointer {
			return r.follow(el, held.Elem(), held.Type())
		}
	}
	if el.Kind == KindNull {
		v.SetZero()
		return r.verify(el)
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

// leads reports whether ptr points to what v is the shadow of: an interface may
// hold a pointer to itself.
func (r *reader) leads(ptr, v reflect.Value) bool {
	return ptr.Type().Elem() == v.Type() && v.CanAddr() && r.shadow(ptr.Elem()).Addr().Pointer() == v.Addr().Pointer()
}

var anyType = reflect.TypeFor[any]()

// any returns the value that el itself suggests.
func (r *reader) any(el Element) (any, error) {
	switch el.Kind {
	case KindNull:
		return nil, r.verify(el)
	case KindBool:
		return anyBool(el.Payload)
	case KindInt:
		return r.anyInt(el)
	case KindFloat:
		return r.anyFloat(el)
	case KindString:
		if r.config.text {
			return append([]byte{}, el.Payload...), nil
		}
		return r.texts.text(el.Payload), nil
	case KindList:
		return readList(r, el.Payload, nil, (*reader).any)
	case KindDict:
		if r.keepOrder {
			return r.dict(el.Payload)
		}
		return readMap(r, el.Payload, (*reader).any)
	}
	if !isText(el) {
		return nil, errMalformed
	}
	return r.texts.text(el.Payload), nil
}

func anyBool(p []byte) (any, error) {
	switch string(p) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return nil, errMalformed
}

// anyInt is an int64, or where that is too small a *big.Int.
func (r *reader) anyInt(el Element) (any, error) {
	n, err := r.int64(el)
	if err == errRange {
		return parseBigInt(el.Payload), nil
	}
	if err != nil {
		return nil, err
	}
	return n, nil
}

func (r *reader) anyFloat(el Element) (any, error) {
	f, err := r.float(el, 64)
	if err != nil {
		return nil, placeless(err, el, anyType)
	}
	return f, nil
}

func (r *reader) dict(b []byte) (Dict, error) {
	n, err := r.entries(b)
	if err != nil || r.enter() != nil || r.uniqueKeys(b) != nil {
		return nil, errMalformed
	}
	dict := make(Dict, 0, n)
	for s := (walk{r: r, b: b}); s.more(); {
		key, value, err := s.entry()
		if err != nil {
			return nil, err
		}
		e := Entry{Key: r.texts.text(key.Payload), Value: value}
		if r.config.text && key.Kind == KindString {
			e.KeyKind = KindString
		}
		dict = append(dict, e)
	}
	r.depth--
	return dict, nil
}

// entry reads the next entry of a dict whose values have no Go type.
func (s *walk) entry() (key Element, value any, err error) {
	key, err = s.key()
	if err != nil {
		return key, nil, err
	}
	el, err := s.next()
	if err == nil {
		value, err = s.r.any(el)
	}
	if err != nil {
		return key, nil, underKey(s.place(err, el), key.Payload)
	}
	return key, value, nil
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

// decodeDict keeps order in the dicts inside as well.
func decodeDict(r *reader, el Element, v reflect.Value) error {
	if el.Kind != KindDict {
		return mismatch(el, v.Type(), nil)
	}
	plain, ordered := r.config, *r.config
	ordered.keepOrder = true
	r.config = &ordered
	dict, err := r.dict(el.Payload)
	r.config = plain
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(dict))
	return nil
}
