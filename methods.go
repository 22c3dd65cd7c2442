package petrichor

// Types that write and read themselves.

import (
	"encoding"
	"reflect"
)

var (
	marshalerType         = reflect.TypeFor[Marshaler]()
	unmarshalerType       = reflect.TypeFor[Unmarshaler]()
	textMarshalerType     = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshalerType   = reflect.TypeFor[encoding.TextUnmarshaler]()
	binaryMarshalerType   = reflect.TypeFor[encoding.BinaryMarshaler]()
	binaryUnmarshalerType = reflect.TypeFor[encoding.BinaryUnmarshaler]()
)

// methodPlan replaces what the methods of t do better than its kind: our own
// interfaces come first, then text, then binary, which a string of octets is
// fit for (url.URL has only that).
func methodPlan(t reflect.Type, p *plan) {
	for _, m := range []struct {
		typ    reflect.Type
		encode func(*writer, reflect.Value) error
	}{
		{marshalerType, encodeMarshaler},
		{textMarshalerType, encodeText},
		{binaryMarshalerType, encodeBinary},
	} {
		if t.Implements(m.typ) {
			p.encode, p.writes, p.elem, p.flat = orNull(t, m.encode), noShortcut, nil, nil
			break
		}
		if t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(m.typ) {
			p.encode = func(w *writer, v reflect.Value) error { return m.encode(w, addressable(v).Addr()) }
			p.writes, p.flat = noShortcut, nil
			break
		}
	}
	switch pt := reflect.PointerTo(t); {
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface:
	case pt.Implements(unmarshalerType):
		p.decode, p.reads, p.nulls = decodeUnmarshaler, noShortcut, nullDecodes
	case pt.Implements(textUnmarshalerType):
		p.decode, p.reads, p.nulls = decodeText, noShortcut, nullKeeps
	case pt.Implements(binaryUnmarshalerType):
		p.decode, p.reads, p.nulls = decodeBinary, noShortcut, nullKeeps
	}
}

// orNull writes a nil pointer or interface as null instead of calling its
// method.
func orNull(t reflect.Type, encode func(*writer, reflect.Value) error) func(*writer, reflect.Value) error {
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		return encode
	}
	return func(w *writer, v reflect.Value) error {
		if v.IsNil() {
			return w.null()
		}
		return encode(w, v)
	}
}

func encodeMarshaler(w *writer, v reflect.Value) error {
	b, err := v.Interface().(Marshaler).MarshalTNet()
	if err != nil {
		return &TypeError{Type: v.Type(), Err: err}
	}
	return w.raw(b, v.Type())
}

// decodeUnmarshaler lets the value read its own element.  A slice is cloned
// first: the usual append(x[:0], ...) would write into the caller's array.
func decodeUnmarshaler(r *reader, el Element, v reflect.Value) error {
	if err := r.verify(el); err != nil {
		return err
	}
	if v.Kind() == reflect.Slice && v.Cap() > 0 {
		v.Set(reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v))
	}
	b := Append(nil, el.Kind, el.Payload)
	err := v.Addr().Interface().(Unmarshaler).UnmarshalTNet(b)
	if inner, ok := err.(*TypeError); ok {
		located := *inner
		return shift(&located, -payloadAt(el, int64(len(b))))
	}
	if err != nil {
		return refused(el, v.Type(), err)
	}
	return nil
}

// refused is the error for an element that a method of t does not take.  The
// message leaves out what the method says: time.Time and netip.Addr, say, quote
// what they were given, and what a peer sent must not get into logs.  errors.As
// finds it.
func refused(el Element, t reflect.Type, err error) error {
	return &TypeError{Kind: el.Kind, Type: t, Err: err, foreign: true}
}

func encodeText(w *writer, v reflect.Value) error {
	b, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		return &TypeError{Type: v.Type(), Err: err}
	}
	return w.str(string(b), v.Type())
}

func decodeText(_ *reader, el Element, v reflect.Value) error {
	return decodeWhole(el, v, func(made any) error {
		return made.(encoding.TextUnmarshaler).UnmarshalText(el.Payload)
	})
}

func encodeBinary(w *writer, v reflect.Value) error {
	b, err := v.Interface().(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return &TypeError{Type: v.Type(), Err: err}
	}
	return w.strAs(KindString, string(b), v.Type())
}

func decodeBinary(_ *reader, el Element, v reflect.Value) error {
	return decodeWhole(el, v, func(made any) error {
		return made.(encoding.BinaryUnmarshaler).UnmarshalBinary(el.Payload)
	})
}

// decodeWhole reads a string into a new value: a text is a whole value, and a
// big.Float, say, would write into the digits of the old one.
func decodeWhole(el Element, v reflect.Value, unmarshal func(any) error) error {
	if !isString(el.Kind) {
		return mismatch(el, v.Type(), nil)
	}
	if !isText(el) {
		return errMalformed
	}
	made := reflect.New(v.Type())
	if err := unmarshal(made.Interface()); err != nil {
		return refused(el, v.Type(), err)
	}
	v.Set(made.Elem())
	return nil
}
