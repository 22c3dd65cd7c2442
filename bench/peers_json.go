package main

import (
	"encoding/json"
	"io"

	"github.com/bytedance/sonic"
	sonicencoder "github.com/bytedance/sonic/encoder"
	goccy "github.com/goccy/go-json"
)

// A slot is the slice that an encoder of viaEncoder writes to.
type sliceWriter struct{ b []byte }

func (w *sliceWriter) Write(b []byte) (int, error) {
	w.b = append(w.b, b...)
	return len(b), nil
}

// viaEncoder is append for codecs that have none: one Encoder for all values, whose Write appends.
func viaEncoder(open func(w io.Writer) encoder) func(dst []byte, v any) ([]byte, error) {
	w := new(sliceWriter)
	e := open(w)
	return func(dst []byte, v any) ([]byte, error) {
		w.b = dst
		err := e.Encode(v)
		return w.b, err
	}
}

func jsonCodec() *codec {
	open := func(w io.Writer) encoder { return json.NewEncoder(w) }
	return &codec{
		marshal:   json.Marshal,
		appendTo:  viaEncoder(open),
		unmarshal: json.Unmarshal,
		encoder:   open,
		decoder:   func(r io.Reader) decoder { return json.NewDecoder(r) },
	}
}

func goccyCodec() *codec {
	open := func(w io.Writer) encoder {
		e := goccy.NewEncoder(w)
		return encodeFunc(func(v any) error { return e.Encode(v) })
	}
	return &codec{
		marshal:   goccy.Marshal,
		appendTo:  viaEncoder(open),
		unmarshal: goccy.Unmarshal,
		encoder:   open,
		decoder: func(r io.Reader) decoder {
			d := goccy.NewDecoder(r)
			return decodeFunc(func(v any) error { return d.Decode(v) })
		},
	}
}

func sonicCodec() *codec {
	return &codec{
		marshal: sonic.Marshal,
		appendTo: func(dst []byte, v any) ([]byte, error) {
			err := sonicencoder.EncodeInto(&dst, v, 0)
			return dst, err
		},
		unmarshal: sonic.Unmarshal,
		encoder:   func(w io.Writer) encoder { return sonic.ConfigDefault.NewEncoder(w) },
		decoder:   func(r io.Reader) decoder { return sonic.ConfigDefault.NewDecoder(r) },
	}
}
