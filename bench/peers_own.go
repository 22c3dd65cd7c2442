package main

import (
	"io"

	"github.com/petrichor-protocol/petrichor"
)

// unlimited is what the limits of a Decoder are set to, so that large subjects pass.  They are
// counted as ever.
var unlimited = []petrichor.Option{petrichor.MaxSize(999_999_999), petrichor.MaxValues(1 << 30)}

func petrichorCodec() *codec {
	return &codec{
		marshal:   func(v any) ([]byte, error) { return petrichor.Marshal(v) },
		appendTo:  func(dst []byte, v any) ([]byte, error) { return petrichor.MarshalAppend(dst, v) },
		unmarshal: func(b []byte, v any) error { return petrichor.Unmarshal(b, v) },
		encoder:   func(w io.Writer) encoder { return petrichor.NewEncoder(w) },
		decoder:   func(r io.Reader) decoder { return petrichor.NewDecoder(r, unlimited...) },
	}
}
