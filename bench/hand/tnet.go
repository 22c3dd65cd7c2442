// Package hand is what a careful programmer writes who wants tnetstrings of a few types and has no
// library: straight code for each type, the standard library's number formatting, no unsafe.  It is
// the floor that a library is measured against, not a library: it takes keys in any order and skips
// the unknown, but knows nothing of limits, duplicates or places of errors.
package hand

import (
	"errors"
	"strconv"
	"time"
)

var errMalformed = errors.New("hand: malformed")

// begin leaves room for a size of so many digits; what follows is the payload until end.
func begin(dst []byte, digits int) ([]byte, int) {
	const room = "0000000000:"
	return append(dst, room[10-digits:]...), len(dst)
}

// end writes size and tag, and moves the payload if the size has another number of digits.
func end(dst []byte, mark, digits int, tag byte) []byte {
	payload := mark + digits + 1
	var room [11]byte
	size := append(strconv.AppendInt(room[:0], int64(len(dst)-payload), 10), ':')
	if from := mark + len(size); from != payload {
		n := len(dst) - payload
		dst = append(dst, room[:max(0, from-payload)]...)
		copy(dst[from:], dst[payload:payload+n])
		dst = dst[:from+n]
	}
	copy(dst[mark:], size)
	return append(dst, tag)
}

func appendString(dst []byte, s string) []byte {
	dst = strconv.AppendInt(dst, int64(len(s)), 10)
	dst = append(dst, ':')
	dst = append(dst, s...)
	return append(dst, ',')
}

func appendBytes(dst, p []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(p)), 10)
	dst = append(dst, ':')
	dst = append(dst, p...)
	return append(dst, ',')
}

func appendInt(dst []byte, n int64) []byte {
	dst, mark := begin(dst, 1)
	return end(strconv.AppendInt(dst, n, 10), mark, 1, '#')
}

func appendFloat(dst []byte, f float64) []byte {
	dst, mark := begin(dst, 2)
	return end(strconv.AppendFloat(dst, f, 'f', -1, 64), mark, 2, '^')
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, "4:true!"...)
	}
	return append(dst, "5:false!"...)
}

func appendTime(dst []byte, t time.Time) []byte {
	dst, mark := begin(dst, 2)
	return end(t.AppendFormat(dst, time.RFC3339Nano), mark, 2, ',')
}

// cut returns the payload and the tag of the first element of b, and what follows it.
func cut(b []byte) (payload []byte, tag byte, rest []byte, ok bool) {
	size, i := 0, 0
	for i < len(b) && i < 9 && b[i]-'0' <= 9 {
		size = size*10 + int(b[i]-'0')
		i++
	}
	if i == 0 || i == len(b) || b[i] != ':' || b[0] == '0' && i > 1 || i+1+size >= len(b) {
		return nil, 0, nil, false
	}
	from, to := i+1, i+1+size
	return b[from:to], b[to], b[to+1:], true
}

// one is cut for an element that has to have the given tag and nothing after it.
func one(b []byte, want byte) ([]byte, error) {
	payload, tag, rest, ok := cut(b)
	if !ok || tag != want || len(rest) > 0 {
		return nil, errMalformed
	}
	return payload, nil
}

// entry cuts the first key and value of a dict's payload.
func entry(b []byte) (key, value []byte, tag byte, rest []byte, err error) {
	key, keyTag, rest, ok := cut(b)
	if !ok || keyTag != ',' {
		return nil, nil, 0, nil, errMalformed
	}
	value, tag, rest, ok = cut(rest)
	if !ok {
		return nil, nil, 0, nil, errMalformed
	}
	return key, value, tag, rest, nil
}

func parseString(p []byte, tag byte) (string, error) {
	if tag != ',' {
		return "", errMalformed
	}
	return string(p), nil
}

func parseInt[T int | int64](p []byte, tag byte) (T, error) {
	if tag != '#' {
		return 0, errMalformed
	}
	n, err := strconv.ParseInt(string(p), 10, 64)
	return T(n), err
}

func parseFloat(p []byte, tag byte) (float64, error) {
	if tag != '^' && tag != '#' {
		return 0, errMalformed
	}
	return strconv.ParseFloat(string(p), 64)
}

func parseBool(p []byte, tag byte) (bool, error) {
	if tag != '!' {
		return false, errMalformed
	}
	return string(p) == "true", nil
}

func parseTime(p []byte, tag byte) (time.Time, error) {
	if tag != ',' {
		return time.Time{}, errMalformed
	}
	return time.Parse(time.RFC3339Nano, string(p))
}
