package main

import (
	"bytes"
	"io"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

func fxamackerCodec() *codec {
	// Its other forms of time lose nanoseconds, and maps of any keys are no maps of strings.
	enc, err := cbor.EncOptions{Time: cbor.TimeRFC3339Nano}.UserBufferEncMode()
	must(err)
	dec, err := cbor.DecOptions{
		DefaultMapType:   reflect.TypeFor[map[string]any](),
		IntDec:           cbor.IntDecConvertSigned,
		MaxArrayElements: 1 << 30, MaxMapPairs: 1 << 30,
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
