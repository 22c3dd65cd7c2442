package main

import (
	"encoding/json"
	"io"

	"github.com/bytedance/sonic"
	sonicencoder "github.com/bytedance/sonic/encoder"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	goccy "github.com/goccy/go-json"
	jsoniter "github.com/json-iterator/go"
	segmentio "github.com/segmentio/encoding/json"
)

// viaEncoder is append for codecs that have none: one Encoder for all values, whose Write appends.
func viaEncoder(open func(w io.Writer) encoder) func(dst []byte, v any) ([]byte, error) {
	w := new(buffer)
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

func jsonv2Codec() *codec {
	open := func(w io.Writer) encoder {
		e := jsontext.NewEncoder(w)
		return encodeFunc(func(v any) error { return jsonv2.MarshalEncode(e, v) })
	}
	return &codec{
		marshal:   func(v any) ([]byte, error) { return jsonv2.Marshal(v) },
		appendTo:  viaEncoder(open),
		unmarshal: func(b []byte, v any) error { return jsonv2.Unmarshal(b, v) },
		encoder:   open,
		decoder: func(r io.Reader) decoder {
			d := jsontext.NewDecoder(r)
			return decodeFunc(func(v any) error { return jsonv2.UnmarshalDecode(d, v) })
		},
	}
}

func goccyCodec() *codec {
	open := func(w io.Writer) encoder { return goccy.NewEncoder(w) }
	return &codec{
		marshal:   goccy.Marshal,
		appendTo:  viaEncoder(open),
		unmarshal: goccy.Unmarshal,
		encoder:   open,
		decoder:   func(r io.Reader) decoder { return goccy.NewDecoder(r) },
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

func segmentioCodec() *codec {
	return &codec{
		marshal: segmentio.Marshal,
		appendTo: func(dst []byte, v any) ([]byte, error) {
			return segmentio.Append(dst, v, segmentio.EscapeHTML|segmentio.SortMapKeys)
		},
		unmarshal: segmentio.Unmarshal,
		encoder:   func(w io.Writer) encoder { return segmentio.NewEncoder(w) },
		decoder:   func(r io.Reader) decoder { return segmentio.NewDecoder(r) },
	}
}

func jsoniterCodec() *codec {
	open := func(w io.Writer) encoder { return jsoniter.NewEncoder(w) }
	return &codec{
		marshal:   jsoniter.Marshal,
		appendTo:  viaEncoder(open),
		unmarshal: jsoniter.Unmarshal,
		encoder:   open,
		decoder:   func(r io.Reader) decoder { return jsoniter.NewDecoder(r) },
	}
}
