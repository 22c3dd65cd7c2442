package main

import (
	"io"

	anacrolix "github.com/anacrolix/torrent/bencode"
	zeebo "github.com/zeebo/bencode"
)

// Bencode has no floats, and bools only as ints.

func anacrolixCodec() *codec {
	open := func(w io.Writer) encoder { return anacrolix.NewEncoder(w) }
	return &codec{
		marshal:   anacrolix.Marshal,
		appendTo:  viaEncoder(open),
		unmarshal: func(b []byte, v any) error { return anacrolix.Unmarshal(b, v) },
		encoder:   open,
		decoder:   func(r io.Reader) decoder { return anacrolix.NewDecoder(buffered(r)) },
	}
}

func zeeboCodec() *codec {
	open := func(w io.Writer) encoder { return zeebo.NewEncoder(w) }
	return &codec{
		marshal:   func(v any) ([]byte, error) { return zeebo.EncodeBytes(v) },
		appendTo:  viaEncoder(open),
		unmarshal: func(b []byte, v any) error { return zeebo.DecodeBytes(b, v) },
		encoder:   open,
		decoder:   func(r io.Reader) decoder { return zeebo.NewDecoder(r) },
	}
}
