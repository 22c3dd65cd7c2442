package petrichor

// Every case through every entrance.
//
// A guard that holds in Unmarshal and is missing in Decoder is the commonest
// hole in codecs, so no test of what is read calls just one of them: it calls
// agree, which takes the bytes through all of them, in portions of all kinds,
// alone and with bytes behind them, and fails the test unless they agree in
// value, error, offset, path and in what is left over.

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"reflect"
	"testing"
	"testing/iotest"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// An entrance is one way for bytes to get in.
type entrance struct {
	name  string
	whole bool // bytes behind the element are ErrTrailing
	frame bool // the element is read as the body of a frame; offsets count from the body

	// into reads the first element of b into what v points to, and returns the
	// bytes behind it.
	into func(b []byte, v any) (rest []byte, err error)
}

// decode is into, for an any.
func (e entrance) decode(b []byte) (v any, rest []byte, err error) {
	v = untouched
	rest, err = e.into(b, &v)
	if err != nil && v != untouched {
		return v, rest, fmt.Errorf("the target was changed to %v by %w", v, err)
	}
	return v, rest, err
}

// untouched is in a target before, and after any error.
const untouched = "as it was"

// level gives all entrances the same limits: those of a slice.
func level(opts []Option) []Option {
	return append([]Option{MaxSize(maxNineDigits), MaxHeaderSize(maxNineDigits), MaxValues(math.MaxInt)}, opts...)
}

// entrances returns all of them.  Their limits are those of a slice where opts
// do not say otherwise.
func entrances(opts ...Option) []entrance {
	opts = level(opts)
	list := []entrance{
		{name: "Unmarshal", whole: true, into: func(b []byte, v any) ([]byte, error) {
			return nil, Unmarshal(b, v, opts...)
		}},
		{name: "Cut", into: func(b []byte, v any) ([]byte, error) {
			_, rest, err := Cut(b, opts...)
			if err != nil {
				return rest, err
			}
			return rest, Unmarshal(b[:len(b)-len(rest)], v, opts...)
		}},
		{name: "Valid", whole: true, into: func(b []byte, v any) ([]byte, error) {
			err := Unmarshal(b, v, opts...)
			_, malformed := err.(*SyntaxError)
			if valid := Valid(b, opts...); valid == malformed {
				return nil, fmt.Errorf("Valid says %v, Unmarshal says %w", valid, err)
			}
			return nil, err
		}},
		{name: "Parser whole", into: parserEntrance(opts, func(b []byte) [][]byte { return [][]byte{b} })},
		{name: "Parser bytewise", into: parserEntrance(opts, portions(1))},
		{name: "Parser in threes", into: parserEntrance(opts, portions(3))},
		{name: "Parser split", into: parserSplit(opts)},
		{name: "CutFrame", frame: true, into: inFrame(func(b []byte) (Raw, []byte, error) {
			f, rest, err := CutFrame(b, opts...)
			return f.Body, rest, err
		}, opts)},
		{name: "Parser.Next bytewise", frame: true, into: inFrame(func(b []byte) (Raw, []byte, error) {
			p := NewParser(opts...)
			f, rest, err := feeding(p, portions(1)(b), p.Next)
			return f.Body, rest, err
		}, opts)},
	}
	for _, r := range readers {
		list = append(list, streams(r.name, r.of, opts)...)
	}
	return list
}

// readers are the manners a reader may have.
var readers = []struct {
	name string
	of   func([]byte) io.Reader
}{
	{"whole", func(b []byte) io.Reader { return bytes.NewReader(b) }},
	{"one byte a read", func(b []byte) io.Reader { return iotest.OneByteReader(bytes.NewReader(b)) }},
	{"half reads", func(b []byte) io.Reader { return iotest.HalfReader(bytes.NewReader(b)) }},
	{"data with the error", func(b []byte) io.Reader { return iotest.DataErrReader(bytes.NewReader(b)) }},
	{"byte with the error", func(b []byte) io.Reader {
		return iotest.DataErrReader(iotest.OneByteReader(bytes.NewReader(b)))
	}},
	{"0, nil", func(b []byte) io.Reader { return &idler{r: iotest.HalfReader(bytes.NewReader(b))} }},
}

// An idler returns 0, nil before each read of r.
type idler struct {
	r    io.Reader
	busy bool
}

func (i *idler) Read(p []byte) (int, error) {
	if i.busy = !i.busy; i.busy {
		return 0, nil
	}
	return i.r.Read(p)
}

// streams returns the entrances that read from an io.Reader.
func streams(name string, reader func([]byte) io.Reader, opts []Option) []entrance {
	return []entrance{
		{name: "Decode, " + name, into: func(b []byte, v any) ([]byte, error) {
			r := reader(b)
			d := NewDecoder(r, opts...)
			err := d.Decode(v)
			return leftOver(d, r, b, err)
		}},
		{name: "ReadElement, " + name, into: func(b []byte, v any) ([]byte, error) {
			r := reader(b)
			d := NewDecoder(r, opts...)
			raw, err := d.ReadElement()
			if err == nil {
				err = Unmarshal(raw, v, opts...)
			}
			return leftOver(d, r, b, err)
		}},
		{name: "ReadFrame, " + name, frame: true, into: inFrame(func(b []byte) (Raw, []byte, error) {
			r := reader(b)
			d := NewDecoder(r, opts...)
			f, err := d.ReadFrame()
			body := bytes.Clone(f.Body)
			rest, err := leftOver(d, r, b, err)
			return body, rest, err
		}, opts)},
		{name: "NextFrame, " + name, frame: true, into: inFrame(func(b []byte) (Raw, []byte, error) {
			r := reader(b)
			d := NewDecoder(r, opts...)
			body, err := streamedBody(d)
			rest, err := leftOver(d, r, b, err)
			return body, rest, err
		}, opts)},
		{name: "Recv, " + name, frame: true, into: inFrame(func(b []byte) (Raw, []byte, error) {
			r := reader(b)
			c := NewConn(readOnly{r}, opts...)
			f, err := c.Recv()
			rest, err := leftOver(c.dec, r, b, err)
			return f.Body, rest, err
		}, opts)},
	}
}

// readOnly is a stream nobody writes to.
type readOnly struct{ io.Reader }

func (readOnly) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }
func (readOnly) Close() error              { return nil }

// streamedBody reads a frame by NextFrame and puts its body together again.
func streamedBody(d *Decoder) (Raw, error) {
	_, body, err := d.NextFrame()
	if err != nil {
		return nil, err
	}
	payload, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	if int64(len(payload)) != body.Size() {
		return nil, fmt.Errorf("Size is %d, read %d bytes", body.Size(), len(payload))
	}
	return Append(nil, body.Kind(), payload), nil
}

// leftOver is what d has not handed out of b, which came from r.
func leftOver(d *Decoder, r io.Reader, b []byte, err error) ([]byte, error) {
	rest := bytes.Clone(d.Buffered())
	unread, readErr := io.ReadAll(r)
	if readErr != nil {
		return nil, readErr
	}
	rest = append(rest, unread...)
	if handedOut := int64(len(b) - len(rest)); d.Offset() != handedOut {
		return rest, fmt.Errorf("Offset is %d after %d bytes, with %w", d.Offset(), handedOut, cmp.Or(err, errNone))
	}
	return rest, err
}

var errNone = errors.New("no error")

// aHeader is the header in front of what a frame entrance reads.
const aHeader = "7:1:k,0:~}"

// inFrame reads b as the body of a frame.
func inFrame(cut func([]byte) (Raw, []byte, error), opts []Option) func([]byte, any) ([]byte, error) {
	return func(b []byte, v any) ([]byte, error) {
		body, rest, err := cut(append([]byte(aHeader), b...))
		if err != nil {
			return rest, shift(err, -int64(len(aHeader)))
		}
		return rest, Unmarshal(body, v, opts...)
	}
}

// portions cuts bytes into portions of n.
func portions(n int) func([]byte) [][]byte {
	return func(b []byte) (list [][]byte) {
		for ; len(b) > n; b = b[n:] {
			list = append(list, b[:n])
		}
		return append(list, b)
	}
}

// feeding feeds portions until next has something, and returns that and what is
// left.
func feeding[T any](p *Parser, portions [][]byte, next func() (T, error)) (got T, rest []byte, err error) {
	err = ErrShort
	for _, b := range portions {
		if err != ErrShort {
			rest = append(rest, b...)
			continue
		}
		p.Feed(b)
		got, err = next()
		rest = p.buf[p.next:len(p.buf):len(p.buf)]
		if p.Buffered() != len(rest) {
			err = fmt.Errorf("Buffered is %d, and %d bytes are left", p.Buffered(), len(rest))
		}
	}
	return got, rest, err
}

func parserEntrance(opts []Option, portions func([]byte) [][]byte) func([]byte, any) ([]byte, error) {
	return func(b []byte, v any) ([]byte, error) {
		p := NewParser(opts...)
		raw, rest, err := feeding(p, portions(b), p.NextElement)
		if err != nil {
			return rest, err
		}
		return rest, Unmarshal(raw, v, opts...)
	}
}

// parserSplit feeds b in two portions, cut at every place there is, or for a
// very long b at some thousands of them.
func parserSplit(opts []Option) func([]byte, any) ([]byte, error) {
	return func(b []byte, v any) ([]byte, error) {
		var whole Raw
		var rest []byte
		var err error
		for at := 0; at <= len(b); at += 1 + len(b)/4096 {
			p := NewParser(opts...)
			raw, left, splitErr := feeding(p, [][]byte{b[:at], b[at:]}, p.NextElement)
			if at == 0 {
				whole, rest, err = raw, left, splitErr
			}
			if !bytes.Equal(raw, whole) || !bytes.Equal(left, rest) || verdictOf(splitErr) != verdictOf(err) {
				return rest, fmt.Errorf("split at %d gives %q, %v; unsplit %q, %v", at, raw, splitErr, whole, err)
			}
		}
		if err != nil {
			return rest, err
		}
		return rest, Unmarshal(whole, v, opts...)
	}
}

// A verdict is what all entrances have to agree in when there is an error.
type verdict struct {
	Err    error // the sentinel; an ending too early is always io.ErrUnexpectedEOF
	Offset int64
	Path   string
	Kind   Kind
	Type   reflect.Type
}

// verdictOf strips err of what entrances may differ in: bytes that end early
// are ErrShort where more may be fed, io.ErrUnexpectedEOF (io.EOF before the
// first byte) in a stream, and a SyntaxError wrapping that in a slice.
func verdictOf(err error) verdict {
	switch e := err.(type) {
	case nil:
		return verdict{}
	case *SyntaxError:
		if e.Err != io.ErrUnexpectedEOF {
			return verdict{Err: e.Err, Offset: e.Offset, Path: e.Path}
		}
		return verdict{Err: e.Err}
	case *TypeError:
		return verdict{e.Err, e.Offset, e.Path, e.Kind, e.Type}
	}
	if err == ErrShort || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return verdict{Err: err}
}

// agree takes b, which is one element or is meant to be none, through every
// entrance and returns what they agree in.
func agree(t testing.TB, b []byte, opts ...Option) (any, error) {
	t.Helper()
	return agreeOn(t, entrances(opts...), b)
}

// agreeOn is agree for a list of entrances.
func agreeOn(t testing.TB, list []entrance, b []byte) (any, error) {
	t.Helper()
	input := bytes.Clone(b)
	value, _, err := list[0].decode(b)
	for _, e := range list {
		v, rest, eErr := e.decode(b)
		switch {
		case verdictOf(eErr) != verdictOf(err):
			t.Errorf("%s of %.200q: error %v; %s has %v", e.name, b, eErr, list[0].name, err)
		case err == nil && !sameValue(v, value):
			t.Errorf("%s of %.200q: %s", e.name, b, diff(v, value))
		case err == nil && len(rest) > 0:
			t.Errorf("%s of %.200q leaves %q", e.name, b, rest)
		case err == nil && !e.mustLeave(t, b, value):
		default:
			continue
		}
		return value, err // one is enough to read
	}
	if !bytes.Equal(b, input) {
		t.Errorf("the input %.200q was changed", input)
	}
	return value, err
}

// behind are bytes behind an element that say nothing about it.
var behind = []string{"1:x,", "5:hel", "garbage", "0", "\n", "0:}0:,"}

// mustLeave checks that e returns value and leaves what is behind it alone.
func (e entrance) mustLeave(t testing.TB, b []byte, value any) (ok bool) {
	t.Helper()
	tails := behind
	if len(b) > 1024 {
		tails = tails[:1] // each takes as long as b itself
	}
	for _, more := range tails {
		v, rest, err := e.decode(append(b[:len(b):len(b)], more...))
		switch {
		case e.whole:
			want := verdict{Err: ErrTrailing, Offset: int64(len(b))}
			if verdictOf(err) == want {
				continue
			}
			t.Errorf("%s of %.200q with %q behind: error %v, want %v at %d", e.name, b, more, err, ErrTrailing, len(b))
		case err != nil:
			t.Errorf("%s of %.200q with %q behind: %v", e.name, b, more, err)
		case string(rest) != more || !sameValue(v, value):
			t.Errorf("%s of %.200q with %q behind: leaves %q; %s", e.name, b, more, rest, diff(v, value))
		default:
			continue
		}
		return false
	}
	return true
}

// values compares what a tnetstring can become: a NaN is a NaN, a nil list is
// not an empty one.
var values = gocmp.Options{
	cmpopts.EquateNaNs(),
	gocmp.Comparer(func(a, b *big.Int) bool { return a == b || a != nil && b != nil && a.Cmp(b) == 0 }),
}

func sameValue(a, b any) bool { return reflect.DeepEqual(a, b) || gocmp.Equal(a, b, values) }

func diff(got, want any) string { return "(-want +got)\n" + gocmp.Diff(want, got, values) }

// Every entrance is in the list once, and the helper that all other tests lean
// on does see a difference.
func TestEntrancesDiffer(t *testing.T) {
	names := map[string]bool{}
	for _, e := range entrances() {
		if names[e.name] {
			t.Errorf("two entrances are called %q", e.name)
		}
		names[e.name] = true
	}
	honest := entrances()
	liars := map[string]entrance{
		"value":  {name: "liar", into: func(b []byte, v any) ([]byte, error) { *v.(*any) = int64(2); return nil, nil }},
		"error":  {name: "liar", into: func(b []byte, v any) ([]byte, error) { return nil, ErrTooDeep }},
		"rest":   {name: "liar", into: func(b []byte, v any) ([]byte, error) { return []byte("x"), Unmarshal(b, v) }},
		"target": {name: "liar", into: func(b []byte, v any) ([]byte, error) { *v.(*any) = 7; return nil, ErrShort }},
	}
	for what, liar := range liars {
		watched := &watcher{TB: t}
		agreeOn(watched, append(honest[:len(honest):len(honest)], liar), []byte("1:1#"))
		if watched.failures == 0 {
			t.Errorf("a wrong %s was not seen", what)
		}
	}
}

// A watcher counts failures instead of reporting them.
type watcher struct {
	testing.TB
	failures int
}

func (w *watcher) Errorf(string, ...any) { w.failures++ }

// to returns a pointer to a new T, to be unmarshaled into.
func to[T any]() any { return new(T) }

// valueAt is what ptr points to.
func valueAt(ptr any) any { return reflect.ValueOf(ptr).Elem().Interface() }

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }
