package main

import (
	"bytes"
	"encoding/gob"
	"io"
	"reflect"

	"github.com/fxamacker/cbor/v2"
	hashicorp "github.com/hashicorp/go-msgpack/v2/codec"
	shamaton "github.com/shamaton/msgpack/v3"
	ugorji "github.com/ugorji/go/codec"
	"github.com/vmihailenco/msgpack/v5"
)

// stringMap is what dicts become where there is no type: other codecs' default is a map of any keys.
var stringMap = reflect.TypeFor[map[string]any]()

func fxamackerCodec() *codec {
	// Its other forms of time lose nanoseconds.
	enc, err := cbor.EncOptions{Time: cbor.TimeRFC3339Nano}.UserBufferEncMode()
	must(err)
	dec, err := cbor.DecOptions{
		DefaultMapType:   stringMap,
		IntDec:           cbor.IntDecConvertNone,
		MaxArrayElements: 1 << 30,
		MaxMapPairs:      1 << 30,
	}.DecMode()
	must(err)
	return &codec{
		marshal: enc.Marshal,
		appendTo: func(dst []byte, v any) ([]byte, error) {
			w := bytes.NewBuffer(dst)
			err := enc.MarshalToBuffer(v, w)
			return w.Bytes(), err
		},
		unmarshal: dec.Unmarshal,
		encoder:   func(w io.Writer) encoder { return enc.NewEncoder(w) },
		decoder:   func(r io.Reader) decoder { return dec.NewDecoder(r) },
	}
}

func vmihailencoCodec() *codec {
	open := func(w io.Writer) encoder { return msgpack.NewEncoder(w) }
	return &codec{
		marshal:   msgpack.Marshal,
		appendTo:  viaEncoder(open),
		unmarshal: msgpack.Unmarshal,
		encoder:   open,
		decoder:   func(r io.Reader) decoder { return msgpack.NewDecoder(r) },
	}
}

// shamatonCodec has no append: what it writes to a writer it makes anew each time.  What it reads from
// a reader it reads piece by piece, and takes what one Read gives for all it has asked for, so the
// reader has to be buffered and never read short.
func shamatonCodec() *codec {
	return &codec{
		marshal:   shamaton.Marshal,
		unmarshal: shamaton.Unmarshal,
		encoder: func(w io.Writer) encoder {
			return encodeFunc(func(v any) error { return shamaton.MarshalWrite(w, v) })
		},
		decoder: func(r io.Reader) decoder {
			in := fullReader{buffered(r)}
			return decodeFunc(func(v any) error { return shamaton.UnmarshalRead(in, v) })
		},
	}
}

func hashicorpCodec() *codec {
	h := new(hashicorp.MsgpackHandle)
	h.WriteExt, h.RawToString, h.MapType = true, true, stringMap
	h.MapValueReset = true // else slices in a map's values share memory
	enc, dec := hashicorp.NewEncoderBytes(new([]byte), h), hashicorp.NewDecoderBytes(nil, h)
	return &codec{
		marshal: func(v any) (b []byte, err error) {
			enc.ResetBytes(&b)
			err = enc.Encode(v)
			return b, err
		},
		appendTo: viaEncoder(func(w io.Writer) encoder { return hashicorp.NewEncoder(w, h) }),
		unmarshal: func(b []byte, v any) error {
			dec.ResetBytes(b)
			return dec.Decode(v)
		},
		encoder: func(w io.Writer) encoder { return hashicorp.NewEncoder(w, h) },
		decoder: func(r io.Reader) decoder { return hashicorp.NewDecoder(buffered(r), h) },
	}
}

func ugorjiMsgpackCodec() *codec {
	h := new(ugorji.MsgpackHandle)
	h.WriteExt, h.RawToString, h.MapType = true, true, stringMap
	h.ReaderBufferSize = 4096
	return ugorjiCodec(h)
}

func ugorjiCBORCodec() *codec {
	h := new(ugorji.CborHandle)
	h.TimeRFC3339 = true // its other form loses nanoseconds
	h.MapType = stringMap
	h.ReaderBufferSize = 4096
	return ugorjiCodec(h)
}

func ugorjiCodec(h ugorji.Handle) *codec {
	enc, dec := ugorji.NewEncoderBytes(new([]byte), h), ugorji.NewDecoderBytes(nil, h)
	return &codec{
		marshal: func(v any) (b []byte, err error) {
			enc.ResetBytes(&b)
			err = enc.Encode(v)
			return b, err
		},
		appendTo: viaEncoder(func(w io.Writer) encoder { return ugorji.NewEncoder(w, h) }),
		unmarshal: func(b []byte, v any) error {
			dec.ResetBytes(b)
			return dec.Decode(v)
		},
		encoder: func(w io.Writer) encoder { return ugorji.NewEncoder(w, h) },
		decoder: func(r io.Reader) decoder { return ugorji.NewDecoder(r, h) },
	}
}

// gobCodec's Marshal and Unmarshal send the description of the type with every value, since nothing
// else would tell; on a stream it is sent once.
func gobCodec() *codec {
	gob.Register(map[string]any{})
	gob.Register([]any{})
	return &codec{
		marshal: func(v any) ([]byte, error) {
			var w buffer
			err := gob.NewEncoder(&w).Encode(v)
			return w.b, err
		},
		unmarshal: func(b []byte, v any) error { return gob.NewDecoder(bytes.NewReader(b)).Decode(v) },
		encoder:   func(w io.Writer) encoder { return gob.NewEncoder(w) },
		decoder:   func(r io.Reader) decoder { return gob.NewDecoder(r) },
	}
}
