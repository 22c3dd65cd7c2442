package main

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"
)

// prove returns nil if c carries the whole content of s both ways, through every operation it has.
func prove(s *subject, c *codec) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	held := newCarrier(s, c)
	for i := range min(len(s.values), 20) {
		if err := held.proveValue(s.values[i], held.values[i]); err != nil {
			return err
		}
	}
	if c.encoder == nil || c.decoder == nil {
		return nil
	}
	return held.proveStream()
}

// proveValue proves Marshal, append and Unmarshal; want is ours, v what the codec takes.
func (c *carrier) proveValue(want, v any) error {
	b, err := c.marshal(v)
	if err != nil {
		return fmt.Errorf("marshal: %w", err)
	}
	if err := c.proveBytes(want, b); err != nil || c.appendTo == nil {
		return err
	}
	const before = "before"
	b, err = c.appendTo([]byte(before), v)
	if err != nil {
		return fmt.Errorf("append: %w", err)
	}
	return c.proveBytes(want, b[len(before):])
}

func (c *carrier) proveBytes(want any, b []byte) error {
	c.zero()
	if err := c.unmarshal(b, c.target); err != nil {
		return fmt.Errorf("unmarshal: %w", err)
	}
	if err := c.compare(want); err != nil {
		return err
	}
	for i := range b {
		b[i] ^= 0x55
	}
	if c.compare(want) != nil {
		return errAliases
	}
	return nil
}

// errAliases is for codecs whose values change with the input they were read from.  That is quick,
// and something else.
var errAliases = errors.New("what has been read aliases the input")

// proveStream proves Encoder and Decoder, over at most a thousand values.
func (c *carrier) proveStream() error {
	part := *c.subject
	part.stream = min(part.stream, 1000)
	short := &carrier{subject: &part, codec: c.codec, ours: c.ours}
	var w buffer
	if err := short.writeStream(&w); err != nil {
		return fmt.Errorf("encoder: %w", err)
	}
	if err := short.proveDecoder(whole(w.b)); err != nil {
		return err
	}
	in := pieces(w.b)
	in.until = processorTime() + endurance
	err := short.proveDecoder(in)
	c.slow = in.late
	if c.slow {
		return nil
	}
	return err
}

func (c *carrier) proveDecoder(r io.Reader) error {
	d := c.decoder(r)
	for i := range c.stream {
		c.zero()
		if err := d.Decode(c.target); err != nil {
			return fmt.Errorf("decoder: value %d: %w", i, err)
		}
		if err := c.compare(c.ours[i%len(c.ours)]); err != nil {
			return err
		}
	}
	return nil
}

// compare compares what has been read with what it should be.
func (c *carrier) compare(want any) error {
	got := c.target
	if c.own != nil {
		got = c.own.back(got)
	}
	if reflect.DeepEqual(got, want) {
		return nil
	}
	if at, ok := same(reflect.ValueOf(want), reflect.ValueOf(got)); !ok {
		return fmt.Errorf("comes back different%s", at)
	}
	return nil
}

// same reports whether two values have the same content, or where they have not.  Numbers are
// compared by value, for JSON has one kind of them; nil and empty are the same.
func same(a, b reflect.Value) (string, bool) {
	a, b = inside(a), inside(b)
	if !a.IsValid() || !b.IsValid() {
		return "", a.IsValid() == b.IsValid()
	}
	switch a.Kind() {
	case reflect.Struct:
		return sameStruct(a, b)
	case reflect.Map:
		return sameMap(a, b)
	case reflect.Slice, reflect.Array:
		return sameList(a, b)
	}
	return "", sameScalar(a, b)
}

func inside(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	return v
}

func sameStruct(a, b reflect.Value) (string, bool) {
	if a.Type() != b.Type() {
		return "", false
	}
	if t, ok := a.Interface().(time.Time); ok {
		return "", t.Equal(b.Interface().(time.Time))
	}
	for i := range a.NumField() {
		if at, ok := same(a.Field(i), b.Field(i)); !ok {
			return "." + a.Type().Field(i).Name + at, false
		}
	}
	return "", true
}

func sameMap(a, b reflect.Value) (string, bool) {
	if b.Kind() != reflect.Map || a.Len() != b.Len() || !a.Type().Key().AssignableTo(b.Type().Key()) {
		return "", false
	}
	for _, k := range a.MapKeys() {
		v := b.MapIndex(k)
		if !v.IsValid() {
			return fmt.Sprintf("[%v]", k), false
		}
		if at, ok := same(a.MapIndex(k), v); !ok {
			return fmt.Sprintf("[%v]%s", k, at), false
		}
	}
	return "", true
}

func sameList(a, b reflect.Value) (string, bool) {
	if b.Kind() != reflect.Slice && b.Kind() != reflect.Array || a.Len() != b.Len() {
		return "", false
	}
	if a.Type().Elem().Kind() == reflect.Uint8 && a.Kind() == reflect.Slice && b.Type() == a.Type() {
		return "", string(a.Bytes()) == string(b.Bytes())
	}
	for i := range a.Len() {
		if at, ok := same(a.Index(i), b.Index(i)); !ok {
			return fmt.Sprintf("[%d]%s", i, at), false
		}
	}
	return "", true
}

func sameScalar(a, b reflect.Value) bool {
	if a.Kind() == reflect.String || a.Kind() == reflect.Bool {
		return a.Kind() == b.Kind() && a.Equal(b.Convert(a.Type()))
	}
	x, xInt, ok1 := number(a)
	y, yInt, ok2 := number(b)
	return ok1 && ok2 && x == y && xInt == yInt
}

// number returns a number as a float and as an int; both have to agree, since either may round.
func number(v reflect.Value) (float64, int64, bool) {
	switch {
	case v.CanInt():
		return float64(v.Int()), v.Int(), true
	case v.CanUint():
		return float64(v.Uint()), int64(v.Uint()), true
	case v.CanFloat():
		return v.Float(), int64(v.Float()), true
	}
	return 0, 0, false
}
