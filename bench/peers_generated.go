package main

import (
	"io"

	"github.com/tinylib/msgp/msgp"

	"github.com/petrichor-protocol/petrichor/bench/sample"
)

// A message is what msgp generates.
type message interface {
	msgp.Marshaler
	msgp.Unmarshaler
	msgp.Encodable
	msgp.Decodable
}

func msgpCodec(s *subject) *codec {
	own, ok := msgpType(s)
	if !ok {
		return nil
	}
	return &codec{
		own:       own,
		marshal:   func(v any) ([]byte, error) { return v.(message).MarshalMsg(nil) },
		appendTo:  func(dst []byte, v any) ([]byte, error) { return v.(message).MarshalMsg(dst) },
		unmarshal: func(b []byte, v any) error { _, err := v.(message).UnmarshalMsg(b); return err },
		encoder:   func(w io.Writer) encoder { return msgpEncoder{msgp.NewWriter(w)} },
		decoder: func(r io.Reader) decoder {
			d := msgp.NewReader(r)
			return decodeFunc(func(v any) error { return v.(message).DecodeMsg(d) })
		},
	}
}

type msgpEncoder struct{ *msgp.Writer }

func (e msgpEncoder) Encode(v any) error { return v.(message).EncodeMsg(e.Writer) }

// msgpType returns the type that has the methods, if it is not ours, and whether there is one.
func msgpType(s *subject) (*ownType, bool) {
	switch s.target.(type) {
	case *[]int64:
		return renamed[[]int64, sample.Int64s](), true
	case *[]float64:
		return renamed[[]float64, sample.Float64s](), true
	case *[]string:
		return renamed[[]string, sample.TextList](), true
	case *map[string]string:
		return owns(
			func(v *map[string]string) *sample.TextTable { return (*sample.TextTable)(v) },
			func(v *sample.TextTable) *map[string]string { return (*map[string]string)(v) }), true
	case message:
		return nil, true
	}
	return nil, false
}

// renamed is owns for two types of the same slice.
func renamed[Ours ~[]E, Theirs ~[]E, E any]() *ownType {
	return owns(
		func(v *Ours) *Theirs { t := Theirs(*v); return &t },
		func(v *Theirs) *Ours { t := Ours(*v); return &t })
}
