package petrichor

// The wire form, both ways, and nothing of Go types or I/O.
//
// An element is its size, a colon, a payload of that many bytes, and a tag:
//
//	5:hello,      size 5, payload "hello", tag ',' (a string)
//
// Reading is cut and check.  cut finds one element by its size and looks at
// nothing else; it is the only function that reads a size, a colon or a tag,
// so it is the only place that could read too far.  check goes all the way
// down, and what it has passed cannot be malformed any more.
//
// Writing is back: an element's size stands before its payload and is known
// only after it, so elements are written from their end to their beginning.
// See docs/design/0002-back-to-front.md for what that is measured against.

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math"
	"strconv"
	"unicode/utf8"
)

// A Kind is what an element is, held as the tag that ends it on the wire.
type Kind byte

// The seven kinds, and one extension.
const (
	KindNull   Kind = '~' // no value; the payload is empty
	KindBool   Kind = '!' // true or false
	KindInt    Kind = '#' // decimal integer
	KindFloat  Kind = '^' // decimal floating point
	KindString Kind = ',' // bytes, no encoding implied
	KindList   Kind = ']' // elements, one after another
	KindDict   Kind = '}' // key and value elements in turn; keys are strings
	KindText   Kind = ';' // UTF-8 text: mitmproxy's extension, only with AllowText
)

// String returns the English name of k, such as "dict", or for a byte that is
// no tag the byte in quotes.
func (k Kind) String() string {
	switch k {
	case KindNull:
		return "null"
	case KindBool:
		return "bool"
	case KindInt:
		return "int"
	case KindFloat:
		return "float"
	case KindString:
		return "string"
	case KindList:
		return "list"
	case KindDict:
		return "dict"
	case KindText:
		return "text"
	}
	return quoteByte(byte(k))
}

// An Element is one tnetstring cut open: its tag, and the payload between the
// colon and the tag.
type Element struct {
	Kind    Kind
	Payload []byte
}

// A Raw is one whole tnetstring as bytes.  It marshals as itself, after a
// check, and delays unmarshaling: what is unmarshaled into a Raw is copied and
// not interpreted.  A nil Raw marshals as null.
type Raw []byte

// A Dict is a dict whose entries keep the order they have on the wire: a file
// read into Dicts and written again is byte-identical.  Dicts nested in a Dict
// are Dicts too.
type Dict []Entry

// An Entry is one key of a Dict and its value.
//
// KeyKind is the tag of the key, and is zero for the tag that strings usually
// have: the comma, or with AllowText the semicolon.  Only files that mix the
// two, as mitmproxy's may, have entries with another.
type Entry struct {
	Key     string
	Value   any
	KeyKind Kind
}

// Get returns the value of the last entry with the given key, and whether there
// is one.
func (d Dict) Get(key string) (value any, ok bool) {
	for i := len(d) - 1; i >= 0; i-- {
		if d[i].Key == key {
			return d[i].Value, true
		}
	}
	return nil, false
}

// Cut returns the first element of b and the bytes after it.  Both alias b.
//
// Only the size and the tag are verified: what is inside a list or a dict, and
// whether a number is one, is not looked at.  The error is ErrShort when b ends
// too soon, else a *SyntaxError.
func Cut(b []byte, opts ...Option) (el Element, rest []byte, err error) {
	if from, end := shortSize(b); len(opts) == 0 && end < len(b) && kinds[b[end]] { // as most are
		return Element{Kind(b[end]), b[from:end:end]}, b[end+1:], nil
	}
	c := onSlice(opts)
	el, n, err := c.cut(b, c.maxSize)
	if err == ErrShort {
		return Element{}, b, ErrShort
	}
	if err != nil {
		return Element{}, b, fault(err, b, n)
	}
	return el, b[n:], nil
}

// Append appends to dst one element of kind k with the given payload, which is
// not checked.
func Append(dst []byte, k Kind, payload []byte) []byte {
	dst = append(appendSize(dst, len(payload)), payload...)
	return append(dst, byte(k))
}

// Valid reports whether b is exactly one element, well formed all the way down.
// Unmarshal says where it is not.
func Valid(b []byte, opts ...Option) bool {
	_, err := onSlice(opts).checkAll(b)
	return err == nil
}

// cut finds the first element of b, whose size may be at most limit.
//
// n is a position in b, and err says what is there: nil, the element's end;
// ErrShort, where b has to reach before another try is worth it; any other
// error, the byte that is wrong.
func (c *config) cut(b []byte, limit int64) (el Element, n int64, err error) {
	if from, end := shortSize(b); end < len(b) && int64(end-from) <= limit && c.known(Kind(b[end])) {
		return Element{Kind(b[end]), b[from:end:end]}, int64(end) + 1, nil
	}
	size, n, err := c.cutSize(b, limit)
	if err != nil {
		return Element{}, n, err
	}
	end := n + size
	if end >= int64(len(b)) {
		return Element{}, end + 1, ErrShort
	}
	k := Kind(b[end])
	if !c.known(k) {
		return Element{}, end, ErrKind
	}
	return Element{k, b[n:end:end]}, end + 1, nil
}

// shortSize reads a size of one or two digits, as most are, and returns where
// the payload begins and ends.  What is not such a size ends far away.
func shortSize(b []byte) (from, end int) {
	if len(b) < minElement {
		return 0, math.MaxInt
	}
	tens, ones := int(b[0]-'0'), int(b[1]-'0')
	if b[1] == ':' && tens <= 9 {
		return 2, 2 + tens
	}
	if b[2] == ':' && uint(tens-1) < 9 && ones <= 9 {
		return 3, 3 + 10*tens + ones
	}
	return 0, math.MaxInt
}

// isShort reports whether b is one element with a size of one or two digits.  What
// it says no to may still be an element.
func (c *config) isShort(b []byte) bool {
	_, end := shortSize(b)
	return end == len(b)-1 && c.known(Kind(b[end])) && int64(end) <= c.maxSize
}

// longEnd returns where the payload of the first element of b ends, however long
// its size is, or a place beyond b.  It is for one who cuts the same bytes again.
func (c *config) longEnd(b []byte) int {
	size, n, err := c.cutSize(b, int64(len(b)))
	if err != nil {
		return len(b)
	}
	return int(n + size)
}

// cutSize reads the size and the colon that b begins with; n is as in cut.  It
// looks at one byte more than a size may have digits, and no further.
func (c *config) cutSize(b []byte, limit int64) (size, n int64, err error) {
	i, most := 0, min(len(b), c.digits)
	for ; i < most && isDigit(b[i]); i++ {
		size = size*10 + int64(b[i]-'0')
	}
	if i < len(b) && b[i] == ':' && size <= limit && (i == 1 || i > 1 && (b[0] != '0' || c.loose)) {
		return size, int64(i) + 1, nil
	}
	n, err = c.sizeFault(b, i)
	return 0, n, err
}

// sizeFault says why b, which begins with this many digits of those a size may
// have, does not begin with a size; n is as in cut.
func (c *config) sizeFault(b []byte, digits int) (n int64, err error) {
	switch {
	case digits > 1 && b[0] == '0' && !c.loose:
		return 1, ErrSize
	case digits == len(b):
		return int64(digits) + 1, ErrShort
	case digits == 0 || b[digits] != ':':
		return int64(digits), ErrSize
	}
	return int64(digits), ErrTooLarge
}

// known reports whether k is a tag.
func (c *config) known(k Kind) bool { return kinds[k] || k == KindText && c.text }

var kinds = [256]bool{
	KindString: true, KindInt: true, KindFloat: true, KindBool: true,
	KindNull: true, KindList: true, KindDict: true,
}

func isDigit(b byte) bool { return b-'0' <= 9 }

// isString reports whether an element of kind k may be a dict key.  KindText
// gets here only when it is allowed.
func isString(k Kind) bool { return k == KindString || k == KindText }

// cutAll returns the one element that b is, or a *SyntaxError.
func (c *config) cutAll(b []byte) (Element, error) {
	el, n, err := c.cut(b, c.maxSize)
	if err == ErrShort {
		return Element{}, unexpectedEOF(len(b), n)
	}
	if err == nil && n < int64(len(b)) {
		err = ErrTrailing
	}
	if err != nil {
		return Element{}, c.limitFault(err, b, n)
	}
	return el, nil
}

// checkAll returns the one element that b is, well formed all the way down, or
// a *SyntaxError.
func (c *config) checkAll(b []byte) (Element, error) {
	el, err := c.cutAll(b)
	if err != nil {
		return Element{}, err
	}
	return el, shift(c.check(el), payloadAt(el, int64(len(b))))
}

// limitFault is fault, saying which limit it was.
func (c *config) limitFault(err error, b []byte, at int64) error {
	e := fault(err, b, at).(*SyntaxError)
	if err == ErrTooLarge {
		e.detail = "MaxSize is " + strconv.FormatInt(c.maxSize, 10) + " bytes"
	}
	return e
}

// payloadAt is where the payload of el begins, given where el ends.
func payloadAt(el Element, end int64) int64 { return end - 1 - int64(len(el.Payload)) }

// check verifies el and all it contains.  Offsets of the error count from the
// payload.
func (c *config) check(el Element) error {
	var path trail
	k := checker{config: c, left: c.maxValues, path: &path}
	err := k.element(el, 0)
	if e, ok := err.(*SyntaxError); ok {
		e.Path = path.String()
	}
	return err
}

// A checker is one walk over an element.  It recurses as deep as the nesting
// goes, which maxDepth bounds, and allocates nothing but for dicts of many keys
// in no order.
type checker struct {
	*config
	left int    // values that may still come
	path *trail // of the fault being returned; nil if nobody will ask
}

func (k *checker) element(el Element, depth int) error {
	if k.left--; k.left < 0 {
		return &SyntaxError{Err: ErrTooMany, detail: "MaxValues is " + strconv.Itoa(k.maxValues)}
	}
	switch el.Kind {
	case KindString:
		return nil
	case KindList, KindDict:
		if depth >= k.maxDepth {
			return &SyntaxError{Err: ErrTooDeep, detail: "MaxDepth is " + strconv.Itoa(k.maxDepth)}
		}
		if el.Kind == KindList {
			return k.list(el.Payload, depth+1)
		}
		return k.dict(el.Payload, depth+1)
	}
	return k.scalar(el)
}

func (k *checker) list(b []byte, depth int) error {
	for i, at := 0, int64(0); at < int64(len(b)); i++ {
		el, n, err := k.inner(b, at)
		if err == nil {
			err = shift(k.element(el, depth), payloadAt(el, n))
		}
		if err != nil {
			return k.under(err, strconv.AppendInt(nil, int64(i), 10))
		}
		at = n
	}
	return nil
}

func (k *checker) dict(b []byte, depth int) error {
	var seen keySet
	for at := int64(0); at < int64(len(b)); {
		key, n, err := k.key(b, at)
		if err != nil {
			return err
		}
		if !k.duplicates && !seen.add(key.Payload, k.config, b, int(at)) {
			return k.under(&SyntaxError{Offset: payloadAt(key, n), Err: ErrDuplicate}, key.Payload)
		}
		el, n, err := k.inner(b, n)
		if err == nil {
			err = shift(k.element(el, depth), payloadAt(el, n))
		}
		if err != nil {
			return k.under(err, key.Payload)
		}
		at = n
	}
	return nil
}

// under puts a key or an index in front of the path of err, and returns err.
func (k *checker) under(err error, segment []byte) error {
	if k.path != nil {
		k.path.under(segment)
	}
	return err
}

// key cuts the element at b[at:], which must be fit for a dict key.
func (k *checker) key(b []byte, at int64) (key Element, n int64, err error) {
	key, n, err = k.inner(b, at)
	if err == nil && !isString(key.Kind) {
		err = fault(ErrKey, b, n-1)
	}
	if err == nil {
		err = shift(k.element(key, 0), payloadAt(key, n))
	}
	return key, n, err
}

// inner cuts the element at b[at:] of a container's payload b, which has to
// hold it whole.  n is the element's end in b.
func (k *checker) inner(b []byte, at int64) (el Element, n int64, err error) {
	if at == int64(len(b)) {
		return Element{}, 0, &SyntaxError{Offset: at, Err: ErrPayload, detail: "a key without a value"}
	}
	el, n, err = k.cut(b[at:], int64(len(b))-at)
	switch err {
	case nil:
		return el, at + n, nil
	case ErrShort, ErrTooLarge:
		return Element{}, 0, &SyntaxError{Offset: at, Err: ErrSize, detail: "reaches beyond its container"}
	}
	return Element{}, 0, shift(fault(err, b[at:], n), at)
}

// scalar verifies that the payload of el is one that its tag can have.
func (c *config) scalar(el Element) error {
	wrong, p := -1, el.Payload
	switch el.Kind {
	case KindNull:
		if len(p) > 0 {
			wrong = 0
		}
	case KindBool:
		if string(p) != "true" && string(p) != "false" {
			wrong = 0
		}
	case KindText:
		if !utf8.Valid(p) {
			wrong = 0
		}
	default:
		return c.number(el)
	}
	return payloadFault(wrong)
}

// maxNumber is how many bytes an int or a float may have.  Real ones have up to
// 326; a limit keeps what is done with them, such as big.Int.SetString, from
// costing more than linear time.
const maxNumber = 400

func (c *config) number(el Element) error {
	if len(el.Payload) > maxNumber {
		return &SyntaxError{Err: ErrTooLarge, detail: "a number has at most 400 bytes"}
	}
	if el.Kind == KindInt {
		return payloadFault(wrongInt(el.Payload, c.loose))
	}
	if c.nonFinite && nonFinite(el.Payload) {
		return nil
	}
	return payloadFault(wrongFloat(el.Payload, c.loose))
}

func payloadFault(wrong int) error {
	if wrong < 0 {
		return nil
	}
	return &SyntaxError{Offset: int64(wrong), Err: ErrPayload}
}

// wrongInt returns the index of the first byte of p that no integer has there,
// or -1: 0 or -?[1-9][0-9]*.
func wrongInt(p []byte, loose bool) int {
	from := skipSign(p, loose)
	end := skipDigits(p, from)
	if !loose && end > from && p[from] == '0' && len(p) > 1 {
		return 1 // the zero after a sign, or what comes after a zero
	}
	if end == from || end < len(p) {
		return end
	}
	return -1
}

// wrongFloat returns the index of the first byte of p that no float has there,
// or -1.  The grammar is that of numbers in JSON (RFC 8259, section 6).
func wrongFloat(p []byte, loose bool) int {
	from := skipSign(p, loose)
	at := skipDigits(p, from)
	digits := at - from
	if digits > 1 && p[from] == '0' && !loose {
		return from + 1
	}
	if digits == 0 && !loose {
		return at
	}
	if at < len(p) && p[at] == '.' {
		end := skipDigits(p, at+1)
		fraction := end - at - 1
		if fraction == 0 && (!loose || digits == 0) {
			return end
		}
		digits += fraction
		at = end
	}
	if digits == 0 {
		return at
	}
	return wrongExponent(p, at)
}

// wrongExponent is wrongFloat for the rest of it, an exponent or nothing.
func wrongExponent(p []byte, at int) int {
	if at == len(p) {
		return -1
	}
	if p[at] != 'e' && p[at] != 'E' {
		return at
	}
	at++
	at += skipSign(p[at:], true)
	end := skipDigits(p, at)
	if end == at || end < len(p) {
		return end
	}
	return -1
}

func skipSign(p []byte, plus bool) int {
	if len(p) > 0 && (p[0] == '-' || plus && p[0] == '+') {
		return 1
	}
	return 0
}

func skipDigits(p []byte, at int) int {
	for at < len(p) && isDigit(p[at]) {
		at++
	}
	return at
}

// nonFinite reports whether p spells an infinity or a NaN.
func nonFinite(p []byte) bool {
	switch word := p[skipSign(p, true):]; len(word) {
	case len("inf"):
		return bytes.EqualFold(word, []byte("inf")) || bytes.EqualFold(word, []byte("nan"))
	case len("infinity"):
		return bytes.EqualFold(word, []byte("infinity"))
	}
	return false
}

// fewKeys is how many keys are compared one by one before a map pays.
const fewKeys = 16

// A keySet finds the key that one dict has twice.
//
// Keys that come in ascending order, as every writer that sorts leaves them,
// need only be compared with the one before.  At the first that does not, those
// before it are collected; up to fewKeys are compared one by one, of more the
// hashes go into a map.  The hash is seeded, so nobody can choose keys that
// collide, and where two do the next free one serves.
type keySet struct {
	few      [fewKeys][]byte
	n        int    // keys in few
	last     []byte // the one before, while they ascend
	disorder bool
	many     map[uint64]int // from a hash to where in the dict its key begins
}

var keySeed = maphash.MakeSeed()

// add adds key and reports whether it is new.  It begins at b[at:] of the
// payload of a dict, all of whose keys before it have been added.
func (s *keySet) add(key []byte, c *config, b []byte, at int) bool {
	if !s.disorder {
		if at == 0 || bytes.Compare(s.last, key) < 0 {
			s.last = key
			return true
		}
		s.disorder = true
		s.collect(c, b, at)
	}
	return s.insert(key, c, b, at)
}

// collect inserts the keys of b[:end], which have been checked.
func (s *keySet) collect(c *config, b []byte, end int) {
	for at := 0; at < end; {
		key, n, _ := c.cut(b[at:end], int64(end))
		_, m, _ := c.cut(b[at+int(n):end], int64(end))
		s.insert(key.Payload, c, b, at)
		at += int(n + m)
	}
}

// insert inserts key and reports whether it is new.
func (s *keySet) insert(key []byte, c *config, b []byte, at int) bool {
	if s.many != nil {
		return s.hash(key, c, b, at)
	}
	for _, other := range s.few[:s.n] {
		if string(other) == string(key) {
			return false
		}
	}
	if s.n < fewKeys {
		s.few[s.n] = key
		s.n++
		return true
	}
	s.many = make(map[uint64]int, 2*fewKeys)
	s.collect(c, b, at)
	return s.hash(key, c, b, at)
}

func (s *keySet) hash(key []byte, c *config, b []byte, at int) bool {
	for h := maphash.Bytes(keySeed, key); ; h++ {
		other, taken := s.many[h]
		if !taken {
			s.many[h] = at
			return true
		}
		if el, _, _ := c.cut(b[other:], int64(len(b))); string(el.Payload) == string(key) {
			return false
		}
	}
}

// A back builds elements from their end.  What has been written is buf[at:],
// and grows towards the front; bytes handed to it appear before those already
// there.  The zero back is ready.
type back struct {
	buf []byte
	at  int
}

// bytes returns what has been written, valid until the next write.
func (w *back) bytes() []byte { return w.buf[w.at:] }

// len returns how much has been written.
func (w *back) len() int { return len(w.buf) - w.at }

func (w *back) reset() { w.at = len(w.buf) }

// reserve makes place for n more bytes in front of what has been written.  Until
// they are, they may hold anything: short things are written with wide stores,
// whose first bytes the next store overwrites.
func (w *back) reserve(n int) {
	if w.at < n {
		w.grow(n)
	}
}

// room is reserve, and returns the place, to be filled.
func (w *back) room(n int) []byte {
	w.reserve(n)
	w.at -= n
	return w.buf[w.at : w.at+n]
}

//go:noinline
func (w *back) grow(n int) {
	used := w.len()
	bigger := make([]byte, max(2*len(w.buf), used+n, 256))
	copy(bigger[len(bigger)-used:], w.bytes())
	w.buf, w.at = bigger, len(bigger)-used
}

func (w *back) byte(b byte) {
	if w.at == 0 {
		w.grow(1)
	}
	w.at--
	w.buf[w.at] = b
}

func (w *back) string(s string) { copy(w.room(len(s)), s) }
func (w *back) put(p []byte)    { copy(w.room(len(p)), p) }

// begin writes the tag of an element and returns what end needs.
func (w *back) begin(k Kind) (mark int) {
	mark = w.len()
	w.byte(byte(k))
	return mark
}

// end writes the colon and the size of the element begun at mark, whose payload
// has been written since, and returns the size.
func (w *back) end(mark int) (size int) {
	size = w.len() - mark - 1
	w.size(int64(size))
	return size
}

// sizeRoom is room for a size and its colon, and for what putSize may write in
// front of them.
const sizeRoom = 32

// size writes a size and its colon.
func (w *back) size(n int64) {
	w.reserve(sizeRoom)
	w.at = putSize(w.buf, w.at, n)
}

// putSize writes a size and its colon in front of b[at:] and returns where it
// begins.
func putSize(b []byte, at int, n int64) int {
	if n > 99 {
		b[at-1] = ':'
		return putDigits(b, at-1, uint64(n))
	}
	return putShortSize(b, at, int(n))
}

// putShortSize is putSize for what is below 100.
func putShortSize(b []byte, at, n int) int {
	binary.LittleEndian.PutUint32(b[at-4:at], shortSizes[n])
	if n > 9 {
		return at - 3
	}
	return at - 2
}

// shortSizes are the sizes below 100 with their colons: each the last two or
// three of four bytes.
var shortSizes = func() (sizes [100]uint32) {
	for n := range sizes {
		sizes[n] = uint32('0'+n/10)<<8 | uint32('0'+n%10)<<16 | ':'<<24
	}
	return sizes
}()

// element writes a whole element with payload s.
func (w *back) element(k Kind, s string) {
	w.reserve(sizeRoom + len(s) + 1)
	b, at := w.buf, w.at-1-len(s)
	b[w.at-1] = byte(k)
	copy(b[at:], s)
	w.at = putSize(b, at, int64(len(s)))
}

// maxShortKey is how many bytes an encoded key has that is short.
const maxShortKey = 32

// A wideKey is an encoded key that is written with one wide store if it is short,
// and compared with two loads if it has at most 16, as most have.
type wideKey struct {
	text string
	tail [maxShortKey]byte // the last of them are text, if it fits
	head [2]uint64         // the first bytes of text
	mask [2]uint64         // which of them are to be compared; none of a longer text
}

func newWideKey(text string) wideKey {
	k := wideKey{text: text}
	if len(text) <= len(k.tail) {
		copy(k.tail[len(k.tail)-len(text):], text)
	}
	if len(text) <= 16 {
		var b [16]byte
		copy(b[:], text)
		k.head = twoWords(b[:])
		copy(b[:], bytes.Repeat([]byte{0xff}, len(text)))
		k.mask = twoWords(b[:])
	}
	return k
}

func twoWords(b []byte) [2]uint64 {
	return [2]uint64{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
}

// begins reports whether b begins with k.
func (k *wideKey) begins(b []byte) bool {
	if k.mask[0] != 0 && len(b) >= 16 {
		return binary.LittleEndian.Uint64(b)&k.mask[0] == k.head[0] && binary.LittleEndian.Uint64(b[8:])&k.mask[1] == k.head[1]
	}
	return len(b) >= len(k.text) && string(b[:len(k.text)]) == k.text
}

// key writes k.
func (w *back) key(k *wideKey) {
	if len(k.text) > maxShortKey || w.at < maxShortKey {
		w.string(k.text)
		return
	}
	w.shortKey(k)
}

// shortKey writes k, which is short, where there is room.
func (w *back) shortKey(k *wideKey) {
	*(*[maxShortKey]byte)(w.buf[w.at-maxShortKey : w.at]) = k.tail
	w.at -= len(k.text)
}
