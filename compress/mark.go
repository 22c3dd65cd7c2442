package compress

// A compressed frame has a mark, the first entry of its header.  Its key says how the
// frame was compressed, and its value how many bytes come out:
//
//	z: size, then the header's own entries    the body, by itself
//	w: size                                   the frame, through the window
//	z: 0                                      the frame, as it is

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"github.com/petrichor-protocol/petrichor"
)

// What can be wrong with a compressed frame, beside petrichor's own errors.  They are
// found in a *petrichor.SyntaxError; use errors.Is.
var (
	ErrMark       = errors.New("malformed mark of a compressed frame")
	ErrCompressed = errors.New("malformed compressed data")
	ErrRatio      = errors.New("compressed more than 100 times")
)

const (
	byItself = 'z'
	inWindow = 'w'

	markKey  = len("1:z,")
	markSize = len("1:z,7:1048577#") // about; what is gained has to be more
)

// What may come out of a payload: so many bytes, and so many times its size.
const (
	freeSize = 64 << 10
	maxRatio = 100
)

func mayBecome(payload int) int64 { return freeSize + maxRatio*int64(payload) }

// markOf returns the key of the mark in header, and what follows the key, or 0.
func markOf(header petrichor.Raw) (key byte, rest []byte) {
	_, payload, ok := bytes.Cut(header, []byte(":"))
	if !ok || len(payload) < markKey || payload[0] != '1' || payload[1] != ':' || payload[3] != ',' {
		return 0, nil
	}
	if key = payload[2]; key != byItself && key != inWindow {
		return 0, nil
	}
	return key, payload[markKey : len(payload)-1]
}

// A marked frame, taken apart.
type marked struct {
	key     byte
	size    int64  // of what comes out
	entries []byte // the header's own
	payload []byte // of the body
}

// unmark takes apart a frame whose mark has that key, and the given bytes behind it.
func unmark(f petrichor.Frame, key byte, rest []byte) (m marked, err error) {
	size, entries, err := petrichor.Cut(rest)
	if err != nil || size.Kind != petrichor.KindInt {
		return m, fault(f, 0, ErrMark)
	}
	m = marked{key: key, entries: entries}
	m.size, err = strconv.ParseInt(string(size.Payload), 10, 64)
	if err != nil || m.size < 0 || strconv.FormatInt(m.size, 10) != string(size.Payload) {
		return m, fault(f, 0, ErrMark)
	}
	if len(entries) > 0 && (key == inWindow || m.size == 0) || key == inWindow && m.size == 0 {
		return m, fault(f, 0, ErrMark)
	}
	body, _, err := petrichor.Cut(f.Body)
	if err != nil || body.Kind != petrichor.KindString {
		return m, fault(f, len(f.Header), ErrMark)
	}
	m.payload = body.Payload
	return m, nil
}

// fault is the error for a frame, at an offset of it.
func fault(f petrichor.Frame, at int, err error) error {
	path := ""
	if at >= len(f.Header) {
		path = "/body"
	}
	var inner *petrichor.SyntaxError
	switch {
	case err == petrichor.ErrShort:
		err = io.ErrUnexpectedEOF
	case errors.As(err, &inner):
		err = inner.Err
	}
	return &petrichor.SyntaxError{Offset: int64(at), Path: path, Err: err}
}

// appendMark appends the header of a marked frame to dst.
func appendMark(dst []byte, key byte, size int, entries []byte) []byte {
	var room [32]byte
	mark := append(room[:0], '1', ':', key, ',')
	var digits [20]byte
	mark = petrichor.Append(mark, petrichor.KindInt, strconv.AppendInt(digits[:0], int64(size), 10))
	dst = strconv.AppendInt(dst, int64(len(mark)+len(entries)), 10)
	dst = append(dst, ':')
	dst = append(dst, mark...)
	dst = append(dst, entries...)
	return append(dst, byte(petrichor.KindDict))
}

// hasKey reports whether header has the key of a mark anywhere, or cannot be read.
func hasKey(header petrichor.Raw, key string) bool {
	value, err := header.Get(key, allowText)
	return err != nil || value != nil
}

var allowText = petrichor.AllowText(true)
