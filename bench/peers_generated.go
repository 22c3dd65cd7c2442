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
	c := &codec{
		marshal:   func(v any) ([]byte, error) { return v.(message).MarshalMsg(nil) },
		appendTo:  func(dst []byte, v any) ([]byte, error) { return v.(message).MarshalMsg(dst) },
		unmarshal: func(b []byte, v any) error { _, err := v.(message).UnmarshalMsg(b); return err },
		encoder:   func(w io.Writer) encoder { return msgpEncoder{msgp.NewWriter(w)} },
		decoder: func(r io.Reader) decoder {
			d := msgp.NewReader(r)
			return decodeFunc(func(v any) error { return v.(message).DecodeMsg(d) })
		},
	}
	switch s.target.(type) {
	case *sample.A, *sample.Event, *sample.Frame, *sample.FrameMap:
		return c
	}
	return nil
}

type msgpEncoder struct{ *msgp.Writer }

func (e msgpEncoder) Encode(v any) error { return v.(message).EncodeMsg(e.Writer) }
