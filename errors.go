package petrichor

// Two error types say where, the sentinels say what.  Both types carry an
// offset and a path, and both are filled in on the way back up: the function
// that meets the fault knows only where in its own slice it stands, and each
// container it returns through adds how far in it lay and under which key.
// Reading something well formed therefore pays nothing for paths.
//
// What a peer sent never appears in a message, except the one byte that is
// wrong and the keys of the path, both escaped and bounded: messages end up in
// logs and on terminals.

import (
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What can be wrong with bytes, or with a value to be written.  All but
// ErrShort are found in the Err field of a SyntaxError or TypeError; use
// errors.Is.
var (
	// ErrShort says that more bytes are needed.  Only Parser, Cut and CutFrame
	// return it, and never wrapped: it is an answer, not a fault.
	ErrShort = errors.New("petrichor: more bytes are needed")

	ErrSize      = errors.New("malformed size")
	ErrKind      = errors.New("unknown tag")
	ErrPayload   = errors.New("payload does not match its tag")
	ErrKey       = errors.New("dict key is not a string")
	ErrDuplicate = errors.New("duplicate dict key")
	ErrTooLarge  = errors.New("element larger than the limit")
	ErrTooDeep   = errors.New("nesting deeper than the limit")
	ErrTooMany   = errors.New("more values than the limit")
	ErrTrailing  = errors.New("bytes after the element")
	ErrHeader    = errors.New("frame header is not a dict")
)

// errRange is the Err of a TypeError for a number that the Go type cannot hold.
var errRange = errors.New("out of range")

// A SyntaxError says where bytes stop being tnetstrings.
//
// Bytes that end inside an element given as a whole slice are a SyntaxError
// wrapping io.ErrUnexpectedEOF; a stream that ends there is
// io.ErrUnexpectedEOF itself.
type SyntaxError struct {
	Offset int64  // of the byte that decided it, from the start of the stream or slice
	Path   string // of the value it lies in, such as /user/tags/3; at most 128 bytes, escaped
	Err    error  // one of the Err values, or io.ErrUnexpectedEOF

	detail string // what was found or which limit it was, bounded and escaped
}

// Error returns one line of at most 256 bytes of printable ASCII.
func (e *SyntaxError) Error() string {
	return describe(e.Err.Error(), e.detail, e.Offset, e.Path)
}

// Unwrap returns e.Err.
func (e *SyntaxError) Unwrap() error { return e.Err }

// A TypeError says which element does not fit which Go type, or which Go value
// cannot be written.
type TypeError struct {
	Offset int64        // of the element's payload, from the start of the stream or slice; 0 when marshaling
	Path   string       // of the value, such as /user/tags/3; at most 128 bytes, escaped
	Kind   Kind         // of the element; 0 when marshaling
	Type   reflect.Type // the Go type; nil for an untyped nil
	Err    error        // the reason where there is one beside the mismatch; may be nil

	foreign bool // Err is of a method of Type, and may quote what it was given
}

// Error returns one line of at most 256 bytes of printable ASCII.
func (e *TypeError) Error() string {
	name := "nil"
	if e.Type != nil {
		name = e.Type.String()
	}
	name = ellipsis(printable(name), 64)
	reason := ""
	switch {
	case e.foreign:
		reason = "refused by its own method"
	case e.Err != nil:
		reason = ellipsis(printable(e.Err.Error()), 64)
	}
	if e.Kind == 0 {
		return describe("cannot marshal Go type "+name, reason, -1, e.Path)
	}
	return describe("cannot unmarshal "+e.Kind.String()+" into Go type "+name, reason, e.Offset, e.Path)
}

// Unwrap returns e.Err.
func (e *TypeError) Unwrap() error { return e.Err }

// describe joins the parts of a message, 256 bytes at most.  The path comes
// last: it is what may be lost.
func describe(what, detail string, offset int64, path string) string {
	var s strings.Builder
	s.WriteString("petrichor: " + strings.TrimPrefix(what, "petrichor: "))
	if detail != "" {
		s.WriteString(" (" + strings.TrimPrefix(detail, "petrichor: ") + ")")
	}
	if offset >= 0 {
		s.WriteString(" at offset " + strconv.FormatInt(offset, 10))
	}
	if path != "" {
		s.WriteString(" in " + path)
	}
	return ellipsis(s.String(), maxMessage)
}

// wanted says what would have been right where one byte is wrong.
var wanted = map[error]string{
	ErrSize:     "want at most 9 digits without a leading zero, then a colon",
	ErrKind:     "want one of , # ^ ! ~ ] }",
	ErrKey:      "want a string, which ends in a comma",
	ErrHeader:   "want }",
	ErrTrailing: "want the end",
}

// fault is the SyntaxError for the byte at offset at of b.
func fault(err error, b []byte, at int64) error {
	e := &SyntaxError{Offset: at, Err: err}
	if want, ok := wanted[err]; ok && at < int64(len(b)) {
		e.detail = "found " + quoteByte(b[at]) + ", " + want
	}
	return e
}

// quoteByte is b as a Go rune literal; a byte that is not ASCII is no rune, and
// is spelled as what it is.
func quoteByte(b byte) string {
	if b < utf8.RuneSelf {
		return strconv.QuoteRuneToASCII(rune(b))
	}
	return `'\x` + strconv.FormatUint(uint64(b), 16) + `'`
}

// unexpectedEOF is the SyntaxError for a slice of n bytes that ought to have
// need or more.
func unexpectedEOF(n int, need int64) error {
	more := strconv.FormatInt(need-int64(n), 10)
	return &SyntaxError{Offset: int64(n), Err: io.ErrUnexpectedEOF, detail: "at least " + more + " more bytes are needed"}
}

// shift moves an error that was found in a part of the bytes to where that
// part begins in the whole.
func shift(err error, by int64) error {
	switch e := err.(type) {
	case *SyntaxError:
		e.Offset += by
	case *TypeError:
		e.Offset += by
	}
	return err
}

// under puts the key or index of a container in front of the path of a
// *TypeError; those of a *SyntaxError come from the checker's trail.
func under(err error, segment string) error {
	if e, ok := err.(*TypeError); ok {
		e.Path = joinPath(segment, e.Path)
	}
	return err
}

func underKey(err error, key []byte) error {
	if _, ok := err.(*TypeError); !ok {
		return err
	}
	return under(err, string(key[:min(len(key), shownSegment)]))
}

func underIndex(err error, i int) error { return under(err, strconv.Itoa(i)) }

const (
	maxMessage = 256 // bytes of a whole message
	maxPath    = 128 // bytes of a path
	maxSegment = 64  // bytes of one key in it
	ellipsisAt = "/..."

	shownSegment = maxSegment + utf8.UTFMax // bytes of a key that decide how it is spelled
)

// joinPath puts segment in front of the path rest.
func joinPath(segment, rest string) string {
	return clipPath("/" + escape(segment) + rest)
}

// escape spells a key or an index as a part of a path: printable, and the
// separator as JSON Pointer spells it.
func escape(segment string) string {
	var quoted, spelled [8 * maxSegment]byte
	segment = segment[:min(len(segment), shownSegment)]
	q, s := strconv.AppendQuoteToASCII(quoted[:0], segment), spelled[:0]
	for i := 1; i < len(q)-1; i++ {
		switch {
		case q[i] == '~':
			s = append(s, "~0"...)
		case q[i] == '/':
			s = append(s, "~1"...)
		case q[i] == '\\' && q[i+1] != '"':
			s = append(s, q[i], q[i+1])
			i++
		case q[i] != '\\':
			s = append(s, q[i])
		}
	}
	return ellipsis(string(s), maxSegment)
}

// clipPath keeps the outer end of a path that is too long: it tells a person
// where to begin to look, and the offset tells the rest.
func clipPath(path string) string {
	if len(path) <= maxPath {
		return path
	}
	cut := strings.LastIndexByte(path[:maxPath-len(ellipsisAt)+1], '/')
	return path[:max(cut, 0)] + ellipsisAt
}

// A trail is a path on the way back up: its segments, the inner ones first, each
// followed by its length.  They are escaped only when somebody asks, so that a
// fault deep down costs hardly more than one at the top.
type trail []byte

func (t *trail) under(segment []byte) {
	segment = segment[:min(len(segment), shownSegment)]
	*t = append(append(*t, segment...), byte(len(segment)))
	if outer := len(*t) - 2*maxPath; outer > 2*maxPath { // inner ones that the path has no room for
		*t = (*t)[:copy(*t, (*t)[outer:])]
	}
}

func (t trail) String() string {
	var path strings.Builder
	for len(t) > 0 && path.Len() <= maxPath {
		end := len(t) - 1
		begin := end - int(t[end])
		path.WriteByte('/')
		path.WriteString(escape(string(t[begin:end])))
		t = t[:begin]
	}
	return clipPath(path.String())
}

// printable escapes s as a Go string literal does, in ASCII and without the
// quotes.  A long s is cut first: escaping must not cost more than it shows.
func printable(s string) string {
	s = s[:min(len(s), maxMessage)]
	quoted := strconv.QuoteToASCII(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// ellipsis bounds s, which is ASCII, to n bytes and shows that it did.
func ellipsis(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n-len("...")] + "..."
}
