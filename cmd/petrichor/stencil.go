package main

import (
	"maps"
	"strconv"

	"github.com/petrichor-protocol/petrichor"
)

// firstID is the smallest id a stencil writes: all have ten digits, so that one can be written over
// another.
const firstID = 1_000_000_000

// A stencil is a request frame with a place for its id, so that the next one costs a copy.
type stencil struct {
	frame []byte
	at    int // where the digits of the id are
}

// newStencil returns the stencil of frames with header, the key id apart, and body.
func newStencil(header petrichor.Header, body any) (*stencil, error) {
	header = maps.Clone(header)
	if header == nil {
		header = petrichor.Header{}
	}
	header["id"] = firstID
	frame, err := petrichor.AppendFrame(nil, header, body)
	if err != nil {
		return nil, err
	}
	header["id"] = 2 * firstID
	other, err := petrichor.AppendFrame(nil, header, body)
	at := 0
	for err == nil && frame[at] == other[at] {
		at++
	}
	return &stencil{frame, at}, err
}

// append appends the frame with this id to dst.
func (s *stencil) append(dst []byte, id int64) []byte {
	at := len(dst) + s.at
	dst = append(dst, s.frame...)
	strconv.AppendInt(dst[:at], id, 10)
	return dst
}

// replyOf looks into the header of a reply: whose it is, 0 where it does not say, and whether it
// says that there was an error.
func replyOf(header petrichor.Raw) (id int64, refused bool) {
	dict, _, err := petrichor.Cut(header)
	if err != nil {
		return 0, false
	}
	for rest := []byte(dict.Payload); len(rest) > 0; {
		key, value, after, err := cutEntry(rest)
		if err != nil {
			return 0, false // of an entry: the outer layer is all that has been verified
		}
		switch string(key.Payload) {
		case "id":
			id = idOf(value)
		case "error":
			refused = value.Kind != petrichor.KindNull
		}
		rest = after
	}
	return id, refused
}

func cutEntry(b []byte) (key, value petrichor.Element, rest []byte, err error) {
	key, rest, err = petrichor.Cut(b)
	if err == nil {
		value, rest, err = petrichor.Cut(rest)
	}
	return key, value, rest, err
}

// idOf is the id that a value is; no request has one below firstID, so that -1 is nobody's.
func idOf(value petrichor.Element) int64 {
	if value.Kind != petrichor.KindInt {
		return -1
	}
	id, err := strconv.ParseInt(string(value.Payload), 10, 64)
	if err != nil || id == 0 {
		return -1
	}
	return id
}
