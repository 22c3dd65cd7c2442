package service

// Headers stay raw.  What stands between two peers wants one or two of their
// keys, and for these no map of all has to be made.

import (
	"errors"
	"strconv"

	"github.com/petrichor-protocol/petrichor"
)

// keyID is the header key that ties a reply to its request.
const keyID = "id"

// lookup returns the value of key in dict, which is a header of CutFrame or its
// kin, and whether the key is there.  The value aliases dict.
//
// A dict that is malformed, or that has the key twice, might be read differently
// by another program.  It yields true and an Element of Kind 0, which nobody
// asks for, so that it passes neither for one of the values nor for none.
func lookup(dict petrichor.Raw, key string) (value petrichor.Element, ok bool) {
	w := walkDict(dict)
	for w.next() {
		if string(w.key.Payload) != key {
			continue
		}
		if ok {
			return petrichor.Element{}, true
		}
		value, ok = w.value, true
	}
	if w.err != nil {
		return petrichor.Element{}, true
	}
	return value, ok
}

// withID appends to dst the given header with the entry id, in place of one that
// it may have.  The header has to be a dict; nil is the empty one.
func withID(dst []byte, header petrichor.Raw, id uint64) []byte {
	return beforeEntries(dst, id, without(header, keyID))
}

// beforeEntries appends the dict of an id and the entries in kept.
func beforeEntries(dst []byte, id uint64, kept []byte) []byte {
	var digits [20]byte
	return withEntries(dst, keyID, petrichor.Element{
		Kind:    petrichor.KindInt,
		Payload: strconv.AppendUint(digits[:0], id, 10),
	}, kept)
}

// withEntry is withID for any key and value.
func withEntry(dst []byte, header petrichor.Raw, key string, value petrichor.Element) []byte {
	return withEntries(dst, key, value, without(header, key))
}

// withEntries appends the dict of an entry and those in kept.
func withEntries(dst []byte, key string, value petrichor.Element, kept []byte) []byte {
	var room [64]byte
	entry := petrichor.Append(room[:0], petrichor.KindString, []byte(key))
	entry = petrichor.Append(entry, value.Kind, value.Payload)
	dst = strconv.AppendInt(dst, int64(len(entry)+len(kept)), 10)
	dst = append(dst, ':')
	dst = append(dst, entry...)
	dst = append(dst, kept...)
	return append(dst, byte(petrichor.KindDict))
}

// without returns the payload of dict without the entries of key.  It aliases
// dict where there are none.
func without(dict petrichor.Raw, key string) []byte {
	var kept []byte
	from, w := 0, walkDict(dict)
	for w.next() {
		if string(w.key.Payload) == key {
			kept = append(kept, w.payload[from:w.at]...)
			from = w.end
		}
	}
	if from == 0 {
		return w.payload
	}
	return append(kept, w.payload[from:]...)
}

// idOf returns the id in a header, and whether there is one.  What is not an int
// as withID writes it is 0, which is the id of nothing.
func idOf(header petrichor.Raw) (id uint64, ok bool) {
	el, ok := lookup(header, keyID)
	if el.Kind != petrichor.KindInt {
		return 0, ok
	}
	id, err := strconv.ParseUint(string(el.Payload), 10, 64)
	if err != nil || el.Payload[0] == '0' {
		return 0, true
	}
	return id, true
}

// A walk goes over the entries of a dict.
type walk struct {
	payload    []byte // of the dict
	at, end    int    // where in it the entry lies
	key, value petrichor.Element
	err        error
}

func walkDict(dict petrichor.Raw) walk {
	if dict == nil {
		return walk{}
	}
	el, rest, err := cut(dict)
	if err == nil && (el.Kind != petrichor.KindDict || len(rest) > 0) {
		err = petrichor.ErrHeader
	}
	return walk{payload: el.Payload, err: err}
}

// next goes to the next entry, and reports whether there is one.
func (w *walk) next() bool {
	rest := w.payload[w.end:]
	if w.err != nil || len(rest) == 0 {
		return false
	}
	w.at = w.end
	if w.key, rest, w.err = cut(rest); w.err == nil {
		w.value, rest, w.err = cut(rest)
	}
	if w.err == nil && w.key.Kind != petrichor.KindString && w.key.Kind != petrichor.KindText {
		w.err = petrichor.ErrKey
	}
	w.end = len(w.payload) - len(rest)
	return w.err == nil
}

var allowText = petrichor.AllowText(true)

// cut is petrichor.Cut, of text too.  That is not allowed from the start because
// an option costs an allocation.
func cut(b []byte) (el petrichor.Element, rest []byte, err error) {
	el, rest, err = petrichor.Cut(b)
	if err != nil && errors.Is(err, petrichor.ErrKind) {
		return petrichor.Cut(b, allowText)
	}
	return el, rest, err
}
