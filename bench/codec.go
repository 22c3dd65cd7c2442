package main

import "io"

// A codec is what a peer can do; what it cannot is nil.
type codec struct {
	marshal   func(v any) ([]byte, error) // v is a pointer here and below
	appendTo  func(dst []byte, v any) ([]byte, error)
	unmarshal func(b []byte, v any) error
	encoder   func(w io.Writer) encoder
	decoder   func(r io.Reader) decoder
	drain     func(r io.Reader) decoder // a decoder that reads bodies as streams and keeps nothing of them
	slow      bool                      // so slow in pieces that it is not timed
	own       *ownType                  // for codecs that have types of their own
}

type encoder interface{ Encode(v any) error }

// A flusher is an encoder that has to be told when it is done.
type flusher interface{ Flush() error }

type decoder interface{ Decode(v any) error }

// encodeFunc and decodeFunc make an encoder and a decoder out of a function.
type (
	encodeFunc func(v any) error
	decodeFunc func(v any) error
)

func (f encodeFunc) Encode(v any) error { return f(v) }
func (f decodeFunc) Decode(v any) error { return f(v) }

// An ownType carries a subject's content into a codec's own type, and back to prove that it did.
type ownType struct {
	from   func(v any) any // both are pointers
	back   func(v any) any
	target any
	zero   func()
}

func owns[Ours, Theirs any](from func(*Ours) *Theirs, back func(*Theirs) *Ours) *ownType {
	target := new(Theirs)
	return &ownType{
		from:   func(v any) any { return from(v.(*Ours)) },
		back:   func(v any) any { return back(v.(*Theirs)) },
		target: target,
		zero:   func() { *target = *new(Theirs) },
	}
}

// The operations, in the order of the tables.
const (
	opMarshal   = "Marshal"
	opAppend    = "append"
	opUnmarshal = "Unmarshal"
	opEncode    = "Encoder"
	opDecode    = "Decoder"
	opPieces    = "Decoder, reads of 1..1500 bytes"
	opDrain     = "Decoder, body as io.Reader"
)
