package main

// JSON to tnetstrings, the way back of print.go.
//
// The text is read once and never held: only the tnetstring under construction is, in one buffer.
// A container's size stands before its payload and is known after it, so it is put there by
// moving the payload up.  That costs a move for each level something lies under, which the limit
// of levels bounds, and spares the tree that the library would want to marshal.

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/petrichor-protocol/petrichor"
)

// maxWord is more than the longest number that the library accepts.
const maxWord = 512

// A jsonError says where text stops being JSON, or JSON that has a tnetstring.
type jsonError struct {
	offset int64
	what   string
}

func (e *jsonError) Error() string { return fmt.Sprintf("%s at offset %d", e.what, e.offset) }

// A jsonReader reads JSON values, one after another.
type jsonReader struct {
	r        *bufio.Reader
	offset   int64 // of the next byte of r
	dst      []byte
	maxSize  int64
	maxDepth int
	word     []byte
}

// next returns the next value as a tnetstring, valid until the call after; io.EOF when there is
// none.  Its syntax is right, but keys may be there twice.
func (j *jsonReader) next() (petrichor.Raw, error) {
	j.dst = j.dst[:0]
	if _, err := j.peek(); err != nil {
		return nil, err
	}
	if err := j.value(0); err != nil {
		return nil, unexpected(err)
	}
	return j.dst, nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (j *jsonReader) fault(format string, args ...any) error {
	return &jsonError{j.offset, fmt.Sprintf(format, args...)}
}

// peek returns the next byte that is no white space, and leaves it there.
func (j *jsonReader) peek() (byte, error) {
	for {
		next, err := j.r.Peek(1)
		if err != nil {
			return 0, err
		}
		if !strings.ContainsRune(" \t\r\n", rune(next[0])) {
			return next[0], nil
		}
		j.skip(1)
	}
}

func (j *jsonReader) skip(n int) {
	j.r.Discard(n)
	j.offset += int64(n)
}

// expect takes the byte want.
func (j *jsonReader) expect(want byte, named string) error {
	found, err := j.peek()
	if err != nil {
		return err
	}
	if found != want {
		return j.fault("found %q, want %s", found, named)
	}
	j.skip(1)
	return nil
}

// room says whether the value under construction can still be within the limit.  The base64 of
// bytes has a third more, and escapes have names.
func (j *jsonReader) room() error {
	if int64(len(j.dst)) > j.maxSize+j.maxSize/3+64 {
		return fmt.Errorf("%w (--max-size is %d bytes) at offset %d", petrichor.ErrTooLarge, j.maxSize, j.offset)
	}
	return nil
}

func (j *jsonReader) value(depth int) error {
	first, err := j.peek()
	if err != nil {
		return err
	}
	switch first {
	case '{':
		return j.object(depth)
	case '[':
		return j.list(depth)
	case '"':
		return j.str()
	}
	return j.scalar()
}

func (j *jsonReader) list(depth int) error {
	start := len(j.dst)
	_, err := j.sequence(']', depth, func() error { return j.value(depth + 1) })
	if err != nil {
		return err
	}
	return j.wrap(start, petrichor.KindList)
}

func (j *jsonReader) object(depth int) error {
	start := len(j.dst)
	n, err := j.sequence('}', depth, func() error { return j.entry(depth) })
	if err != nil {
		return err
	}
	if n == 1 {
		key, value, _ := petrichor.Cut(j.dst[start:], anyElement...)
		if name := string(key.Payload); isEscape(name) {
			return j.escaped(start, name, bytes.Clone(value))
		}
	}
	return j.wrap(start, petrichor.KindDict)
}

func (j *jsonReader) entry(depth int) error {
	first, err := j.peek()
	if err != nil {
		return err
	}
	if first != '"' {
		return j.fault("found %q, want a key in double quotes", first)
	}
	if err := j.str(); err != nil {
		return err
	}
	if err := j.expect(':', "a colon after the key"); err != nil {
		return err
	}
	return j.value(depth + 1)
}

// sequence takes a container's brackets, and commas between what item takes.
func (j *jsonReader) sequence(end byte, depth int, item func() error) (n int, err error) {
	if depth >= j.maxDepth {
		return 0, fmt.Errorf("%w (--max-depth is %d) at offset %d", petrichor.ErrTooDeep, j.maxDepth, j.offset)
	}
	j.skip(1)
	for next, err := j.peek(); err == nil && (n == 0 && next != end || n > 0 && next == ','); next, err = j.peek() {
		if n > 0 {
			j.skip(1)
		}
		if err := item(); err != nil {
			return n, err
		}
		n++
	}
	return n, j.expect(end, fmt.Sprintf("a comma or %q", end))
}

// wrap makes what lies in dst from start on the payload of an element.
func (j *jsonReader) wrap(start int, k petrichor.Kind) error {
	size := strconv.AppendInt(make([]byte, 0, 20), int64(len(j.dst)-start), 10)
	j.dst = slices.Insert(j.dst, start, append(size, ':')...)
	j.dst = append(j.dst, byte(k))
	return j.room()
}

// escaped replaces the entry in dst from start on by what it stands for.
func (j *jsonReader) escaped(start int, name string, value petrichor.Raw) error {
	j.dst = j.dst[:start]
	if strings.HasPrefix(name, "$$") {
		j.dst = petrichor.Append(j.dst, petrichor.KindString, []byte(name[1:]))
		j.dst = append(j.dst, value...)
		return j.wrap(start, petrichor.KindDict)
	}
	el, err := unescape(name, value)
	if err != nil {
		return j.fault("%s: %v", name, err)
	}
	j.dst = petrichor.Append(j.dst, el.Kind, el.Payload)
	return j.room()
}

// unescape returns the element that {name: value} stands for.
func unescape(name string, value petrichor.Raw) (petrichor.Element, error) {
	el, _, err := petrichor.Cut(value, anyElement...)
	if err != nil {
		return petrichor.Element{}, err
	}
	if name == "$dict" {
		el.Payload, err = joinEntries(el)
		return petrichor.Element{Kind: petrichor.KindDict, Payload: el.Payload}, err
	}
	if el.Kind != petrichor.KindString {
		return petrichor.Element{}, fmt.Errorf("found a %v, want a string", el.Kind)
	}
	switch name {
	case "$text":
		el.Kind = petrichor.KindText
	case "$float":
		el.Kind = petrichor.KindFloat
	case "$bytes":
		el.Payload, err = base64.StdEncoding.Strict().AppendDecode(nil, el.Payload)
	}
	return el, err
}

var errEntries = errors.New("want a list of [key, value]")

// joinEntries returns the payload of the dict whose entries are given as a list of pairs.
func joinEntries(list petrichor.Element) (payload []byte, err error) {
	if list.Kind != petrichor.KindList {
		return nil, errEntries
	}
	for _, pair := range elements(list.Payload) {
		if pair.Kind != petrichor.KindList || countElements(pair.Payload) != 2 {
			return nil, errEntries
		}
		payload = append(payload, pair.Payload...)
	}
	return payload, nil
}

func countElements(payload []byte) (n int) {
	for range elements(payload) {
		n++
	}
	return n
}

// scalar takes a word without quotes: a number, true, false or null.
func (j *jsonReader) scalar() error {
	j.word = j.word[:0]
	for {
		next, err := j.r.Peek(1)
		if err != nil && err != io.EOF {
			return err
		}
		if err == io.EOF || !isWord(next[0]) {
			break
		}
		if len(j.word) == maxWord {
			return fmt.Errorf("%w (a number has at most 400 bytes) at offset %d", petrichor.ErrTooLarge, j.offset)
		}
		j.word = append(j.word, next[0])
		j.skip(1)
	}
	return j.appendScalar()
}

func (j *jsonReader) appendScalar() error {
	if !json.Valid(j.word) {
		j.offset -= int64(len(j.word))
		return j.notJSON()
	}
	kind, payload := petrichor.KindInt, j.word
	switch {
	case string(payload) == "null":
		kind, payload = petrichor.KindNull, nil
	case payload[0] == 't' || payload[0] == 'f':
		kind = petrichor.KindBool
	case string(payload) == "-0":
		kind, payload = petrichor.KindFloat, []byte("-0.0")
	case bytes.ContainsAny(payload, ".eE"):
		kind = petrichor.KindFloat
	}
	j.dst = petrichor.Append(j.dst, kind, payload)
	return j.room()
}

func (j *jsonReader) notJSON() error {
	found := string(j.word)
	if next, err := j.r.Peek(1); found == "" && err == nil {
		found = string(next)
	}
	if len(found) > 20 {
		found = found[:20] + "..."
	}
	return j.fault("found %q, want a JSON value", found)
}

func isWord(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' ||
		b == '-' || b == '+' || b == '.' || b == '_'
}

// str takes a string in double quotes.
func (j *jsonReader) str() error {
	start, from := len(j.dst), j.offset
	j.skip(1)
	for {
		end, err := j.plain()
		if err != nil {
			return err
		}
		if end == '"' {
			break
		}
		if err := j.escape(); err != nil {
			return err
		}
	}
	if !utf8.Valid(j.dst[start:]) {
		return &jsonError{from, "string is not UTF-8"}
	}
	return j.wrap(start, petrichor.KindString)
}

// plain takes bytes that stand for themselves, and the quote or backslash that ends them.
func (j *jsonReader) plain() (end byte, err error) {
	for {
		if _, err := j.r.Peek(1); err != nil {
			return 0, err
		}
		arrived, _ := j.r.Peek(j.r.Buffered())
		n := indexPlainEnd(arrived)
		if n >= 0 {
			end = arrived[n]
			j.dst = append(j.dst, arrived[:n]...)
			j.skip(n)
			return end, j.endPlain(end)
		}
		j.dst = append(j.dst, arrived...)
		j.skip(len(arrived))
		if err := j.room(); err != nil {
			return 0, err
		}
	}
}

// indexPlainEnd is the index of the first byte that does not stand for itself in a string, or -1.
func indexPlainEnd(b []byte) int {
	for i, c := range b {
		if c == '"' || c == '\\' || c < 0x20 {
			return i
		}
	}
	return -1
}

func (j *jsonReader) endPlain(end byte) error {
	if end < 0x20 {
		return j.fault("found %q inside a string, want it escaped", end)
	}
	j.skip(1)
	return nil
}

var shortEscapes = map[byte]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// escape takes what follows a backslash.
func (j *jsonReader) escape() error {
	next, err := j.r.Peek(1)
	if err != nil {
		return err
	}
	if next[0] == 'u' {
		return j.unicode()
	}
	short, ok := shortEscapes[next[0]]
	if !ok {
		return j.fault("found %q after a backslash, want one of \"\\/bfnrtu", next[0])
	}
	j.skip(1)
	j.dst = append(j.dst, short)
	return nil
}

// unicode takes uXXXX, and for the first half of a surrogate pair the second.
func (j *jsonReader) unicode() error {
	r, err := j.hex4()
	if err != nil {
		return err
	}
	if !utf16.IsSurrogate(r) {
		j.dst = utf8.AppendRune(j.dst, r)
		return nil
	}
	if next, _ := j.r.Peek(2); string(next) != `\u` {
		return j.fault("found half a surrogate pair, want \\uXXXX\\uXXXX")
	}
	j.skip(1)
	second, err := j.hex4()
	if err != nil {
		return err
	}
	if r = utf16.DecodeRune(r, second); r == utf8.RuneError {
		return j.fault("found half a surrogate pair, want \\uXXXX\\uXXXX")
	}
	j.dst = utf8.AppendRune(j.dst, r)
	return nil
}

// hex4 takes uXXXX.
func (j *jsonReader) hex4() (rune, error) {
	digits, err := j.r.Peek(5)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(string(digits[1:]), 16, 16)
	if err != nil {
		return 0, j.fault("found %q, want four hexadecimal digits", digits[1:])
	}
	j.skip(5)
	return rune(n), nil
}
