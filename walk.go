package petrichor

// Looking into elements without decoding them.  What is not asked for is jumped
// over by its size, so what a walk costs depends on how many elements there are
// in the list or dict, and not on how large they are.
//
// A walk sees one layer, and says of it all that Unmarshal would: that it ends
// where it should, that keys are strings and occur once.  What lies deeper it
// does not verify.  See docs/design/0010-a-lazy-walk-is-strict.md.

import (
	"iter"
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// A RawEntry is one entry of a dict that has not been decoded.
type RawEntry struct {
	Key   []byte
	Value Raw
}

// Get returns the value that the dict r has under key, or nil where it has none.
// It aliases r.  A nil Raw and a null have no keys.
//
// All of the dict's keys are looked at: a dict that has this one twice is
// ErrDuplicate, or with AllowDuplicateKeys it is the last one's value, so nobody
// gets another answer here than from Unmarshal.  The value and those of other
// keys are verified in their outer layer only, like Cut does.  What is malformed
// is a *SyntaxError, what is not a dict a *TypeError; offsets count from the
// beginning of r.  Without options nothing is allocated.
func (r Raw) Get(key string, opts ...Option) (Raw, error) {
	l, err := onSlice(opts).layer(r, KindDict)
	var found Raw
	for err == nil && l.more() {
		at := l.at
		var e RawEntry
		e, err = l.only(key)
		if e.Key == nil {
			continue
		}
		if found != nil && !l.duplicates {
			return nil, l.again(at)
		}
		found = e.Value
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Entries returns the entries of the dict r in their order, which alias r.
//
// Errors are those of Get, a key that comes again is ErrDuplicate unless options
// allow it; an error comes with no entry and ends the walk.  For up to 16 keys,
// and for any number in ascending order, nothing is allocated without options.
//
//	for e, err := range header.Entries() {
//		if err != nil {
//			return err
//		}
//		...
//	}
func (r Raw) Entries(opts ...Option) iter.Seq2[RawEntry, error] {
	return func(yield func(RawEntry, error) bool) { onSlice(opts).entries(r, yield) }
}

func (c *config) entries(r Raw, yield func(RawEntry, error) bool) {
	l, err := c.layer(r, KindDict)
	var seen keySet
	for err == nil && l.more() {
		var e RawEntry
		at := l.at
		e, err = l.entry()
		if e.Key != nil && !c.duplicates && !seen.add(e.Key, c, l.b, at) {
			err = l.again(at)
		}
		if err == nil && !yield(e, nil) {
			return
		}
	}
	if err != nil {
		yield(RawEntry{}, err)
	}
}

// Elements returns the elements of the list r in their order, which alias r.
// Errors are as with Entries; a nil Raw and a null have no elements.
func (r Raw) Elements(opts ...Option) iter.Seq2[Raw, error] {
	return func(yield func(Raw, error) bool) { onSlice(opts).elements(r, yield) }
}

func (c *config) elements(r Raw, yield func(Raw, error) bool) {
	l, err := c.layer(r, KindList)
	for i := 0; err == nil && l.more(); i++ {
		var el Raw
		if el, err = l.element(i); err == nil && !yield(el, nil) {
			return
		}
	}
	if err != nil {
		yield(nil, err)
	}
}

// A layer is a walk over the payload of one list or dict.
type layer struct {
	*config
	b     []byte
	at    int // where in b the next element begins
	begin int // where in what was given b begins
}

// layer returns the walk over the list or dict that r is, or over nothing where
// r is null.
func (c *config) layer(r Raw, k Kind) (layer, error) {
	if r == nil {
		return layer{}, nil
	}
	el, err := c.cutAll(r)
	if err != nil {
		return layer{}, err
	}
	begin := payloadAt(el, int64(len(r)))
	if el.Kind == k {
		return layer{config: c, b: el.Payload, begin: int(begin)}, nil
	}
	if el.Kind != KindNull {
		return layer{}, shift(mismatch(el, walked[k], nil), begin)
	}
	return layer{}, shift(c.check(el), begin)
}

// walked are the Go types that a mismatch names.
var walked = map[Kind]reflect.Type{KindDict: reflect.TypeFor[Dict](), KindList: reflect.TypeFor[[]Raw]()}

func (l *layer) more() bool { return l.at < len(l.b) }

// entry cuts the next entry.  Where only its value is at fault the key comes
// with the error.
func (l *layer) entry() (RawEntry, error) {
	from, end, next := l.bounds()
	if next == 0 {
		return l.unusual()
	}
	l.at = next
	return RawEntry{l.b[from:end:end], Raw(l.b[end+1 : next : next])}, nil
}

// only is entry for one who wants the entry of just this key, and gets another
// without its key.
func (l *layer) only(key string) (e RawEntry, err error) {
	from, end, next := l.bounds()
	if next > 0 {
		l.at = next
		if string(l.b[from:end]) == key {
			e = RawEntry{l.b[from:end:end], Raw(l.b[end+1 : next : next])}
		}
		return e, nil
	}
	e, err = l.unusual()
	if string(e.Key) != key {
		e.Key = nil
	}
	return e, err
}

// bounds returns where the key of the next entry begins and ends, and where its
// value ends.  All are 0 where the key is long, or something malformed.
func (l *layer) bounds() (from, end, next int) {
	b := l.b[l.at:]
	from, end = shortSize(b)
	if end >= len(b) || Kind(b[end]) != KindString && !l.isTextKey(b[from:end+1]) {
		return 0, 0, 0
	}
	value := b[end+1:]
	_, last := shortSize(value)
	if last >= len(value) {
		last = l.longEnd(value)
	}
	if last >= len(value) || !l.known(Kind(value[last])) {
		return 0, 0, 0
	}
	return l.at + from, l.at + end, l.at + end + 1 + last + 1
}

// isTextKey reports whether a payload and its tag may be a key, not being a
// string.
func (l *layer) isTextKey(b []byte) bool {
	return l.text && Kind(b[len(b)-1]) == KindText && utf8.Valid(b[:len(b)-1])
}

// unusual is entry for keys that are long, or texts, and for what is malformed.
func (l *layer) unusual() (e RawEntry, err error) {
	k := checker{config: l.config, left: math.MaxInt}
	key, n, err := k.key(l.b, int64(l.at))
	if err != nil {
		return RawEntry{}, shift(err, int64(l.begin))
	}
	e.Key = key.Payload
	at := int(n)
	_, n, err = k.inner(l.b, n)
	if err != nil {
		return e, l.named(err, e.Key)
	}
	l.at = int(n)
	e.Value = Raw(l.b[at:l.at:l.at])
	return e, nil
}

// element cuts element i of a list.
func (l *layer) element(i int) (Raw, error) {
	b := l.b[l.at:]
	if _, end := shortSize(b); end < len(b) && l.known(Kind(b[end])) {
		l.at += end + 1
		return Raw(b[: end+1 : end+1]), nil
	}
	k := checker{config: l.config}
	_, n, err := k.inner(l.b, int64(l.at))
	if err != nil {
		return nil, l.named(err, strconv.AppendInt(nil, int64(i), 10))
	}
	size := int(n) - l.at
	l.at = int(n)
	return Raw(b[:size:size]), nil
}

// again is the error for the key at b[at:], which came before.
func (l *layer) again(at int) error {
	key, n, _ := l.cut(l.b[at:], int64(len(l.b)))
	return l.named(&SyntaxError{Offset: int64(at) + payloadAt(key, n), Err: ErrDuplicate}, key.Payload)
}

// named puts a key or an index in front of the path of err, a *SyntaxError in b.
func (l *layer) named(err error, segment []byte) error {
	var path trail
	path.under(segment)
	err.(*SyntaxError).Path = path.String()
	return shift(err, int64(l.begin))
}
