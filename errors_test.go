package petrichor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// mark stands in front of the byte that is wrong.
const mark = "\u25b6"

// unmark takes the mark out of s and returns where it stood.
func unmark(t testing.TB, s string) (b []byte, offset int64) {
	t.Helper()
	before, after, ok := strings.Cut(s, mark)
	if !ok || strings.Contains(after, mark) {
		t.Fatalf("%q has to have one mark", s)
	}
	return []byte(before + after), int64(len(before))
}

// Each row through every entrance; the mark shows the offset that the error has
// to have.
func TestSyntaxErrors(t *testing.T) {
	text := AllowText(true)
	tests := []struct {
		reason string
		in     string
		err    error
		path   string
		opts   []Option
	}{
		{reason: "no digit at all", in: mark + "hello", err: ErrSize},
		{reason: "no digit before the colon", in: mark + ":,", err: ErrSize},
		{reason: "something else after the digits", in: "12" + mark + "x", err: ErrSize},
		{reason: "a zero in front", in: "0" + mark + "5:hello,", err: ErrSize},
		{reason: "a tenth digit", in: "123456789" + mark + "0:", err: ErrSize},
		{reason: "larger than the limit, seen at the colon", in: "6" + mark + ":hello!,", err: ErrTooLarge, opts: []Option{MaxSize(5)}},
		{reason: "a tag that is none", in: "5:hello" + mark + "?", err: ErrKind},
		{reason: "a tag of zero", in: "0:" + mark + "\x00", err: ErrKind},
		{reason: "a byte that is not ASCII", in: "0:" + mark + "\xa9", err: ErrKind},
		{reason: "a payload one byte longer than it says", in: "4:hell" + mark + "o,", err: ErrKind},
		{reason: "the text tag without its option", in: "0:" + mark + ";", err: ErrKind},

		{reason: "a null with a payload", in: "4:" + mark + "null~", err: ErrPayload},
		{reason: "a bool that is neither", in: "4:" + mark + "True!", err: ErrPayload},
		{reason: "a bool that begins well", in: "5:" + mark + "truex!", err: ErrPayload},
		{reason: "an int that is empty, at its tag", in: "0:" + mark + "#", err: ErrPayload},
		{reason: "an int that is a sign", in: "1:-" + mark + "#", err: ErrPayload},
		{reason: "an int with a zero in front", in: "2:0" + mark + "5#", err: ErrPayload},
		{reason: "an int with a zero after its sign", in: "3:-" + mark + "05#", err: ErrPayload},
		{reason: "minus zero", in: "2:-" + mark + "0#", err: ErrPayload},
		{reason: "an int with a plus", in: "2:" + mark + "+5#", err: ErrPayload},
		{reason: "an int with a letter in it", in: "4:12" + mark + "x4#", err: ErrPayload},
		{reason: "an int with a blank behind", in: "2:5" + mark + " #", err: ErrPayload},
		{reason: "an int that is a float", in: "3:1" + mark + ".5#", err: ErrPayload},
		{reason: "an int of 401 bytes", in: "401:" + mark + strings.Repeat("9", 401) + "#", err: ErrTooLarge},
		{reason: "a float of 401 bytes", in: "401:" + mark + "0." + strings.Repeat("1", 399) + "^", err: ErrTooLarge},
		{reason: "a float that is empty, at its tag", in: "0:" + mark + "^", err: ErrPayload},
		{reason: "a float that is a sign", in: "1:-" + mark + "^", err: ErrPayload},
		{reason: "a float that begins with its point", in: "2:" + mark + ".5^", err: ErrPayload},
		{reason: "a float that ends with its point", in: "2:5." + mark + "^", err: ErrPayload},
		{reason: "a float with a zero in front", in: "4:0" + mark + "1.5^", err: ErrPayload},
		{reason: "an exponent without digits", in: "3:1e+" + mark + "^", err: ErrPayload},
		{reason: "an exponent with a point", in: "5:1e5" + mark + ".5^", err: ErrPayload},
		{reason: "two points", in: "5:1.5" + mark + ".2^", err: ErrPayload},
		{reason: "hex", in: "5:0" + mark + "x1p4^", err: ErrPayload},
		{reason: "infinity", in: "3:" + mark + "inf^", err: ErrPayload},
		{reason: "a text that is not UTF-8", in: "3:" + mark + "h\xffi;", err: ErrPayload, opts: []Option{text}},

		{reason: "an element longer than its list", in: "6:" + mark + "5:hell]", err: ErrSize, path: "/0"},
		{reason: "an element whose tag the list lacks", in: "7:" + mark + "5:hello]", err: ErrSize, path: "/0"},
		{reason: "digits and the end of the list", in: "5:1:x," + mark + "5]", err: ErrSize, path: "/1"},
		{reason: "a size much larger than the list", in: "12:" + mark + "999999999:x,]", err: ErrSize, path: "/0"},
		{reason: "garbage after an element", in: "9:5:hello," + mark + "x]", err: ErrSize, path: "/1"},
		{reason: "a newline between elements", in: "9:1:x," + mark + "\n1:y,]", err: ErrSize, path: "/1"},
		{reason: "a bad tag in a list", in: "8:1:x,1:y" + mark + "?]", err: ErrKind, path: "/1"},
		{reason: "a bad int in the second list of a list", in: "11:0:]5:2:0" + mark + "1#]]", err: ErrPayload, path: "/1/0"},

		{reason: "a key that is an int", in: "8:1:1" + mark + "#1:1#}", err: ErrKey},
		{reason: "a key that is null", in: "7:0:" + mark + "~1:1#}", err: ErrKey},
		{reason: "a key that is a list", in: "7:0:" + mark + "]1:1#}", err: ErrKey},
		{reason: "a second key that is an int", in: "16:1:a,1:1#1:2" + mark + "#1:2#}", err: ErrKey},
		{reason: "a key in an inner dict", in: "15:1:k,8:1:1" + mark + "#1:1#}}", err: ErrKey, path: "/k"},
		{reason: "a key without a value", in: "4:1:a," + mark + "}", err: ErrPayload, path: "/a"},
		{reason: "a second key without a value", in: "12:1:a,1:1#1:b," + mark + "}", err: ErrPayload, path: "/b"},
		{reason: "a key longer than the dict", in: "3:" + mark + "5:a}", err: ErrSize, path: ""},
		{reason: "a value longer than the dict", in: "7:1:a," + mark + "5:x}", err: ErrSize, path: "/a"},
		{reason: "a bad value", in: "8:1:a,1:" + mark + "x#}", err: ErrPayload, path: "/a"},
		{reason: "a key twice, at the second", in: "16:1:a,1:1#1:" + mark + "a,1:2#}", err: ErrDuplicate, path: "/a"},
		{reason: "an empty key twice", in: "12:0:,0:~0:" + mark + ",0:~}", err: ErrDuplicate, path: "/"},
		{reason: "twice with another between", in: "24:1:a,1:1#1:b,1:2#1:" + mark + "a,1:3#}", err: ErrDuplicate, path: "/a"},
		{reason: "twice, and out of order", in: "24:1:b,1:1#1:a,1:2#1:" + mark + "b,1:3#}", err: ErrDuplicate, path: "/b"},
		{reason: "twice, and the last value is bad: what comes first counts", in: "16:1:a,1:1#1:" + mark + "a,1:x#}", err: ErrDuplicate, path: "/a"},
		{reason: "one key as a string and a text", in: "16:1:a,1:1#1:" + mark + "a;1:2#}", err: ErrDuplicate, path: "/a", opts: []Option{text}},
		{reason: "too deep", in: "6:3:0:" + mark + "]]]", err: ErrTooDeep, path: "/0/0", opts: []Option{MaxDepth(2)}},
		{reason: "too many", in: "8:1:x,1:" + mark + "y,]", err: ErrTooMany, path: "/1", opts: []Option{MaxValues(2)}},
	}
	for _, tt := range tests {
		b, offset := unmark(t, tt.in)
		_, err := agree(t, b, tt.opts...)
		if want := at(offset, tt.err).in(tt.path); verdictOf(err) != want {
			t.Errorf("%s: %.60q: error %v, want %+v", tt.reason, b, err, want)
			continue
		}
		var e *SyntaxError
		if !errors.As(err, &e) || !errors.Is(err, tt.err) {
			t.Errorf("%s: errors.Is and As do not find %v in %v", tt.reason, tt.err, err)
		}
		mustBeLegible(t, err)
	}
}

// The same keys many times, in and out of order, few and many: a duplicate is
// found wherever it is.
func TestDuplicatesAreFound(t *testing.T) {
	for _, n := range []int{2, 3, fewKeys - 1, fewKeys, fewKeys + 1, fewKeys + 2, 100} {
		for name, index := range map[string]func(i int) int{
			"ascending": func(i int) int { return i }, "descending": func(i int) int { return n - i },
			"shuffled": func(i int) int { return (i*7919 + 3) % 1009 },
			"late":     func(i int) int { return (i + 1) % n },
		} {
			entry := func(i int) string { return str(fmt.Sprintf("%06d", index(i))) + "0:~" }
			var entries strings.Builder
			for i := range n {
				entries.WriteString(entry(i))
			}
			if _, err := agree(t, []byte(tn(KindDict, entries.String()))); err != nil {
				t.Errorf("%d keys, %s: %v", n, name, err)
			}
			for _, again := range []int{0, n / 2, n - 1} {
				b := []byte(tn(KindDict, entries.String(), entry(again)))
				offset := int64(len(b)) - int64(len("123456,0:~}"))
				want := at(offset, ErrDuplicate).in(fmt.Sprintf("/%06d", index(again)))
				if err := Unmarshal(b, new(any)); verdictOf(err) != want {
					t.Errorf("%d keys, %s, number %d twice: error %v, want %+v", n, name, again, err, want)
				}
			}
		}
	}
}

// Frames have two elements to be wrong in.
func TestFrameErrors(t *testing.T) {
	for _, tt := range []struct {
		reason string
		in     string
		err    error
	}{
		{"a header that is a list", "0:" + mark + "]0:,", ErrHeader},
		{"a header that is null", "0:" + mark + "~0:,", ErrHeader},
		{"a header that is a string", "5:hello" + mark + ",0:,", ErrHeader},
		{"a header with a tag that is none", "0:" + mark + "?0:,", ErrKind},
		{"a header with a bad size", mark + ":}0:,", ErrSize},
		{"a body with a bad size", "0:}" + mark + ":,", ErrSize},
		{"a body with a bad size, further on", "0:}0" + mark + "5:hello,", ErrSize},
		{"a body with a tag that is none", "0:}5:hello" + mark + "?", ErrKind},
		{"a newline between them", "0:}" + mark + "\n0:,", ErrSize},
	} {
		b, offset := unmark(t, tt.in)
		for name, read := range frameReaders {
			if _, err := read(b); verdictOf(err) != at(offset, tt.err) {
				t.Errorf("%s: %s of %q: error %v, want %v at %d", tt.reason, name, b, err, tt.err, offset)
			}
			// Behind another frame the offset counts from the start of the stream.
			if name == "CutFrame" {
				continue
			}
		}
		for _, r := range readers {
			d := NewDecoder(r.of(append([]byte("0:}1:x,"), b...)))
			_, first := d.ReadFrame()
			_, err := d.ReadFrame()
			if first != nil || verdictOf(err) != at(7+offset, tt.err) {
				t.Errorf("%s: ReadFrame, %s, of %q behind a frame: errors %v and %v, want %v at %d", tt.reason, r.name, b, first, err, tt.err, 7+offset)
			}
			d = NewDecoder(r.of(append([]byte("0:}1:x,"), b...)))
			_, first = streamedBody(d)
			_, err = streamedBody(d)
			if first != nil || verdictOf(err) != at(7+offset, tt.err) {
				t.Errorf("%s: NextFrame, %s, of %q behind a frame: errors %v and %v, want %v at %d", tt.reason, r.name, b, first, err, tt.err, 7+offset)
			}
		}
	}
}

// CutFrame gives nothing and everything back where it fails.
func TestCutsThatFail(t *testing.T) {
	for _, in := range []string{"", "0", "0:", "0:}", "0:}1:", "0:}1:x", "0:]0:,", "x", "0:}x", "0:}0:?"} {
		f, rest, err := CutFrame([]byte(in))
		if err == nil || f.Header != nil || f.Body != nil || string(rest) != in {
			t.Errorf("CutFrame(%q): %q, rest %q, error %v", in, f, rest, err)
		}
	}
	for _, in := range []string{"", "0", "0:", "1:x", "x", "0:?"} {
		el, rest, err := Cut([]byte(in))
		if err == nil || el.Payload != nil || el.Kind != 0 || string(rest) != in {
			t.Errorf("Cut(%q): %v, rest %q, error %v", in, el, rest, err)
		}
	}
}

func TestPaths(t *testing.T) {
	long := strings.Repeat("k", 200)
	for key, want := range map[string]string{
		"":                      "/",
		"a":                     "/a",
		"a b":                   "/a b",
		"a/b":                   "/a~1b",
		"m~n":                   "/m~0n",
		"~1":                    "/~01",
		"a\nb":                  `/a\nb`,
		"\x1b[31m":              `/\x1b[31m`,
		"\x00":                  `/\x00`,
		"\x7f":                  `/\x7f`,
		"\xff":                  `/\xff`,
		"\u00e9":                `/\u00e9`,
		"\u202e":                `/\u202e`,
		"\U0001f327":            `/\U0001f327`,
		`"`:                     `/"`,
		`\`:                     `/\\`,
		"12":                    "/12",
		long:                    "/" + strings.Repeat("k", 61) + "...",
		strings.Repeat("/", 50): "/" + strings.Repeat("~1", 30) + "~...",
	} {
		b := []byte(tn(KindDict, str(key), "1:x#"))
		_, err := agree(t, b)
		if got := verdictOf(err); got.Err != ErrPayload || got.Path != want {
			t.Errorf("key %.60q: path %q, want %q", key, got.Path, want)
		}
		// The same path where a Go type does not fit, and where it cannot be written.
		b = []byte(tn(KindDict, str(key), "1:1#"))
		if got := verdictOf(Unmarshal(b, new(map[string]string))); got.Path != want {
			t.Errorf("key %.60q: path %q of a TypeError, want %q", key, got.Path, want)
		}
		_, err = Marshal(map[string]any{key: math.Inf(1)})
		if got := verdictOf(err); got.Err != errNonFinite || got.Path != want {
			t.Errorf("key %.60q: path %q when marshaling, want %q", key, got.Path, want)
		}
		_, err = Marshal(Dict{{Key: key, Value: math.Inf(1)}})
		if got := verdictOf(err); got.Err != errNonFinite || got.Path != want {
			t.Errorf("key %.60q: path %q when marshaling a Dict, want %q", key, got.Path, want)
		}
	}
}

// A path that grows too long keeps its outer end.
func TestLongPaths(t *testing.T) {
	wrap := func(b string, levels int, key string) string {
		for range levels {
			b = tn(KindDict, str(key), b)
		}
		return b
	}
	for _, tt := range []struct {
		key    string
		levels int
		want   string
	}{
		{"abc", 32, strings.Repeat("/abc", 32)},
		{"abc", 33, strings.Repeat("/abc", 31) + "/..."},
		{"abc", 99, strings.Repeat("/abc", 31) + "/..."},
		{strings.Repeat("x", 63), 2, strings.Repeat("/"+strings.Repeat("x", 63), 2)},
		{strings.Repeat("x", 63), 3, "/" + strings.Repeat("x", 63) + "/..."},
		{"", 99, strings.Repeat("/", 124) + "/..."},
	} {
		if tt.key == "" {
			tt.want = strings.Repeat("/", 99)
		}
		for what, err := range map[string]error{
			"syntax": Unmarshal([]byte(wrap("1:x#", tt.levels, tt.key)), new(any)),
			"type":   Unmarshal([]byte(wrap("5:1e400^", tt.levels, tt.key)), new(any)),
			"typed":  Unmarshal([]byte(wrap("5:1e400^", tt.levels, tt.key)), new(map[string]any)),
		} {
			if got := verdictOf(err).Path; got != tt.want {
				t.Errorf("%s: %d levels of %q: path %q, want %q", what, tt.levels, tt.key, got, tt.want)
			}
			mustBeLegible(t, err)
		}
	}
}

// mustBeLegible checks that err says what is wrong in one short line that no
// terminal or log file can take harm from, whatever the peer has sent.
func mustBeLegible(t testing.TB, err error) {
	t.Helper()
	message := err.Error()
	if len(message) > 256 || !strings.HasPrefix(message, "petrichor: ") || strings.Count(message, "petrichor: ") > 1 {
		t.Errorf("%d bytes of message: %q", len(message), message)
	}
	for _, c := range []byte(message) {
		if c < ' ' || c > '~' {
			t.Errorf("byte %#x in a message: %q", c, message)
			break
		}
	}
	var path string
	switch e := err.(type) {
	case *SyntaxError:
		path = e.Path
	case *TypeError:
		path = e.Path
	}
	if len(path) > 128 {
		t.Errorf("%d bytes of path: %q", len(path), path)
	}
}

// Whatever bytes a peer puts into keys, tags, sizes and payloads.
func TestHostileMessages(t *testing.T) {
	var hostile []string
	for c := range 256 {
		hostile = append(hostile, string([]byte{byte(c)}), strings.Repeat(string([]byte{byte(c)}), 300), "k\xe2\x80"+string([]byte{byte(c)})+"\u202e\u0000")
	}
	type refusing struct {
		A netip.Addr `tnet:"a"`
		B time.Time  `tnet:"b"`
		C []int      `tnet:"c"`
	}
	for _, s := range hostile {
		for _, in := range []string{
			s, "1" + s, "0:" + s, "0:}" + s, "1:x," + s,
			tn(KindInt, s), tn(KindFloat, s), tn(KindBool, s), tn(KindNull, s), tn(KindList, s), tn(KindDict, s), tn(KindText, s),
			tn(KindDict, str(s)), tn(KindDict, str(s), "1:x#"), tn(KindDict, tn(KindInt, s), "0:~"),
			tn(KindDict, str(s), "0:~", str(s), "0:~"), tn(KindDict, str(s), tn(KindDict, str(s), tn(KindList, s))),
			tn(KindDict, str("a"), str(s)), tn(KindDict, str("b"), str(s)), tn(KindDict, str("c"), str(s)), tn(KindDict, str(s), "0:~"),
		} {
			for _, opts := range [][]Option{nil, {AllowText(true), AllowLoose(true)}, {RejectUnknownKeys(true)}} {
				for _, target := range []any{new(any), new(refusing), new(map[int]int), new(map[netip.Addr]any)} {
					if err := Unmarshal([]byte(in), target, opts...); err != nil {
						mustBeLegible(t, err)
					}
				}
			}
			if _, _, err := Cut([]byte(in)); err != nil && err != ErrShort {
				mustBeLegible(t, err)
			}
			if _, _, err := CutFrame([]byte(in)); err != nil && err != ErrShort {
				mustBeLegible(t, err)
			}
		}
		if _, err := Marshal(map[string]any{s: make(chan int)}); err == nil {
			t.Errorf("a chan was marshaled")
		} else {
			mustBeLegible(t, err)
		}
	}
}

// A few whole messages, so that a person can judge them.
func TestMessages(t *testing.T) {
	type point struct {
		X int8 `tnet:"x"`
	}
	var p point
	read := func(in string, opts ...Option) error { return Unmarshal([]byte(in), new(any), opts...) }
	write := func(v any, opts ...Option) error {
		_, err := Marshal(v, opts...)
		return err
	}
	_, _, noHeader := CutFrame([]byte("0:]0:,"))
	for _, tt := range []struct {
		err  error
		want string
	}{
		{read("hello"), "petrichor: malformed size (found 'h', want at most 9 digits without a leading zero, then a colon) at offset 0"},
		{read("1:x\xa9"), `petrichor: unknown tag (found '\xa9', want one of , # ^ ! ~ ] }) at offset 3`},
		{read("8:1:a,1:\n#}"), "petrichor: payload does not match its tag at offset 8 in /a"},
		{read("8:1:1#1:1#}"), "petrichor: dict key is not a string (found '#', want a string, which ends in a comma) at offset 5"},
		{read("16:1:a,1:1#1:a,1:2#}"), "petrichor: duplicate dict key at offset 13 in /a"},
		{read("4:1:a,}"), "petrichor: payload does not match its tag (a key without a value) at offset 6 in /a"},
		{read("6:5:hell]"), "petrichor: malformed size (reaches beyond its container) at offset 2 in /0"},
		{read("5:hel"), "petrichor: unexpected EOF (at least 3 more bytes are needed) at offset 5"},
		{read("1:x,\n"), `petrichor: bytes after the element (found '\n', want the end) at offset 4`},
		{read("6:hello!,", MaxSize(5)), "petrichor: element larger than the limit (MaxSize is 5 bytes) at offset 1"},
		{read("3:0:]]", MaxDepth(1)), "petrichor: nesting deeper than the limit (MaxDepth is 1) at offset 4 in /0"},
		{read("4:1:x,]", MaxValues(1)), "petrichor: more values than the limit (MaxValues is 1) at offset 4 in /0"},
		{read(tn(KindInt, strings.Repeat("9", 500))), "petrichor: element larger than the limit (a number has at most 400 bytes) at offset 4"},
		{noHeader, "petrichor: frame header is not a dict (found ']', want }) at offset 2"},
		{Unmarshal([]byte("10:1:x,3:128#}"), &p), "petrichor: cannot unmarshal int into Go type int8 (out of range) at offset 9 in /x"},
		{Unmarshal([]byte("2:hi,"), &p), "petrichor: cannot unmarshal string into Go type petrichor.point at offset 2"},
		{Unmarshal([]byte("7:1:y,0:~}"), &p, RejectUnknownKeys(true)), "petrichor: cannot unmarshal null into Go type petrichor.point (unknown key) at offset 8 in /y"},
		{Unmarshal([]byte("0:~"), p), "petrichor: cannot unmarshal null into Go type petrichor.point (want a pointer that is not nil) at offset 2"},
		{Unmarshal([]byte("0:~"), nil), "petrichor: cannot unmarshal null into Go type nil (want a pointer that is not nil) at offset 2"},
		{write([]any{1, make(chan int)}), "petrichor: cannot marshal Go type chan int in /1"},
		{write(map[string]float64{"a": math.NaN()}), "petrichor: cannot marshal Go type float64 (not finite, and AllowNonFinite is not set) in /a"},
		{write(Dict{{Key: "a"}, {Key: "a"}}), "petrichor: cannot marshal Go type petrichor.Dict (duplicate dict key) in /a"},
		{write(Raw("5:hel")), "petrichor: cannot marshal Go type petrichor.Raw (unexpected EOF (at least 3 more bytes are needed) ...)"},
		{ErrShort, "petrichor: more bytes are needed"},
	} {
		if tt.err == nil || tt.err.Error() != tt.want {
			t.Errorf("says\n\t%v, want\n\t%s", tt.err, tt.want)
		}
	}
}

// An element that does not fit its Go type, for each kind of type: through every
// entrance the same TypeError, and a target that is as it was.
func TestTypeErrors(t *testing.T) {
	type deep struct {
		List []map[string]int8 `tnet:"list"`
	}
	tests := []struct {
		reason string
		in     string
		target any // points to what it was before
		kind   Kind
		typ    reflect.Type
		err    error
		path   string
	}{
		{reason: "bool", in: "1:" + mark + "1#", target: ptr(true), kind: KindInt, typ: typeOf[bool]()},
		{reason: "int8, above", in: "3:" + mark + "128#", target: ptr(int8(7)), kind: KindInt, typ: typeOf[int8](), err: errRange},
		{reason: "int8, below", in: "4:" + mark + "-129#", target: ptr(int8(7)), kind: KindInt, typ: typeOf[int8](), err: errRange},
		{reason: "int16", in: "5:" + mark + "32768#", target: ptr(int16(7)), kind: KindInt, typ: typeOf[int16](), err: errRange},
		{reason: "int32", in: "10:" + mark + "2147483648#", target: ptr(int32(7)), kind: KindInt, typ: typeOf[int32](), err: errRange},
		{reason: "int64", in: "19:" + mark + "9223372036854775808#", target: ptr(int64(7)), kind: KindInt, typ: typeOf[int64](), err: errRange},
		{reason: "int from a float, also a whole one", in: "3:" + mark + "1.0^", target: ptr(7), kind: KindFloat, typ: typeOf[int]()},
		{reason: "int from a string", in: "1:" + mark + "1,", target: ptr(7), kind: KindString, typ: typeOf[int]()},
		{reason: "uint8, above", in: "3:" + mark + "256#", target: ptr(uint8(7)), kind: KindInt, typ: typeOf[uint8](), err: errRange},
		{reason: "uint8, below", in: "2:" + mark + "-1#", target: ptr(uint8(7)), kind: KindInt, typ: typeOf[uint8](), err: errRange},
		{reason: "uint16", in: "5:" + mark + "65536#", target: ptr(uint16(7)), kind: KindInt, typ: typeOf[uint16](), err: errRange},
		{reason: "uint32", in: "10:" + mark + "4294967296#", target: ptr(uint32(7)), kind: KindInt, typ: typeOf[uint32](), err: errRange},
		{reason: "uint64", in: "20:" + mark + "18446744073709551616#", target: ptr(uint64(7)), kind: KindInt, typ: typeOf[uint64](), err: errRange},
		{reason: "uint from a bool", in: "4:" + mark + "true!", target: ptr(uint(7)), kind: KindBool, typ: typeOf[uint]()},
		{reason: "float32", in: "4:" + mark + "1e39^", target: ptr(float32(7)), kind: KindFloat, typ: typeOf[float32](), err: errRange},
		{reason: "float64", in: "6:" + mark + "-1e309^", target: ptr(7.0), kind: KindFloat, typ: typeOf[float64](), err: errRange},
		{reason: "float64 from a string", in: "1:" + mark + "1,", target: ptr(7.0), kind: KindString, typ: typeOf[float64]()},
		{reason: "string", in: "1:" + mark + "1#", target: ptr("seven"), kind: KindInt, typ: typeOf[string]()},
		{reason: "[]byte", in: "0:" + mark + "]", target: ptr([]byte("seven")), kind: KindList, typ: typeOf[[]byte]()},
		{reason: "[4]byte, too short", in: "3:" + mark + "abc,", target: ptr([4]byte{7}), kind: KindString, typ: typeOf[[4]byte](), err: errLength},
		{reason: "[4]byte, too long", in: "5:" + mark + "abcde,", target: ptr([4]byte{7}), kind: KindString, typ: typeOf[[4]byte](), err: errLength},
		{reason: "[2]int", in: "0:" + mark + "}", target: ptr([2]int{7, 7}), kind: KindDict, typ: typeOf[[2]int]()},
		{reason: "[2]int, its second", in: "8:1:1#1:" + mark + "x,]", target: ptr([2]int{7, 7}), kind: KindString, typ: typeOf[int](), path: "/1"},
		{reason: "[]int", in: "0:" + mark + ",", target: ptr([]int{7}), kind: KindString, typ: typeOf[[]int]()},
		{reason: "[]int, its second", in: "8:1:1#1:" + mark + "x,]", target: ptr([]int{7}), kind: KindString, typ: typeOf[int](), path: "/1"},
		{reason: "map", in: "0:" + mark + "]", target: ptr(map[string]int{"a": 7}), kind: KindList, typ: typeOf[map[string]int]()},
		{reason: "map, a value", in: "16:1:a,1:1#1:b,1:" + mark + "x,}", target: ptr(map[string]int{"a": 7}), kind: KindString, typ: typeOf[int](), path: "/b"},
		{reason: "map, a key that is no number", in: "8:1:" + mark + "x,1:1#}", target: ptr(map[int8]int{1: 7}), kind: KindString, typ: typeOf[int8](), err: errRange, path: "/x"},
		{reason: "map, a key out of range", in: "10:3:" + mark + "128,1:1#}", target: ptr(map[int8]int{1: 7}), kind: KindString, typ: typeOf[int8](), err: errRange, path: "/128"},
		{reason: "map, a key that is spelled otherwise", in: "9:2:" + mark + "01,1:1#}", target: ptr(map[int]int{1: 7}), kind: KindString, typ: typeOf[int](), err: errRange, path: "/01"},
		{reason: "map, keys of a type that cannot be", in: "8:1:" + mark + "x,1:1#}", target: ptr(map[bool]int{true: 7}), kind: KindString, typ: typeOf[bool](), err: errKeyType, path: "/x"},
		{reason: "struct", in: "0:" + mark + "]", target: ptr(deep{}), kind: KindList, typ: typeOf[deep]()},
		{reason: "struct, deep inside", in: "41:4:list,30:8:1:a,1:1#}15:1:b,8:" + mark + "12345678#}]}", target: ptr(deep{}), kind: KindInt, typ: typeOf[int8](), err: errRange, path: "/list/1/b"},
		{reason: "pointer", in: "1:" + mark + "x,", target: ptr(ptr(7)), kind: KindString, typ: typeOf[int]()},
		{reason: "pointer, nil", in: "1:" + mark + "x,", target: ptr((*int)(nil)), kind: KindString, typ: typeOf[int]()},
		{reason: "interface with methods", in: "1:" + mark + "x,", target: ptr(fmt.Stringer(nil)), kind: KindString, typ: typeOf[fmt.Stringer]()},
		{reason: "any, a float out of range", in: "5:" + mark + "1e999^", target: ptr(any(7)), kind: KindFloat, typ: anyType, err: errRange},
		{reason: "chan", in: "1:" + mark + "1#", target: ptr((chan int)(nil)), kind: KindInt, typ: typeOf[chan int]()},
		{reason: "func", in: "1:" + mark + "1#", target: ptr((func())(nil)), kind: KindInt, typ: typeOf[func()]()},
		{reason: "complex", in: "3:" + mark + "1.0^", target: ptr(complex(7, 7)), kind: KindFloat, typ: typeOf[complex128]()},
		{reason: "Dict", in: "0:" + mark + "]", target: ptr(Dict{{Key: "a"}}), kind: KindList, typ: typeOf[Dict]()},
		{reason: "Number", in: "1:" + mark + "1,", target: ptr(Number("7")), kind: KindString, typ: typeOf[Number]()},
		{reason: "big.Int from a float", in: "3:" + mark + "1.0^", target: big.NewInt(7), kind: KindFloat, typ: typeOf[big.Int]()},
		{reason: "a text type from an int", in: "1:" + mark + "1#", target: ptr(netip.IPv4Unspecified()), kind: KindInt, typ: typeOf[netip.Addr]()},
	}
	for _, tt := range tests {
		b, offset := unmark(t, tt.in)
		before := fmt.Sprintf("%#v", valueAt(tt.target))
		for _, e := range entrances() {
			_, err := e.into(b, tt.target)
			want := verdict{tt.err, offset, tt.path, tt.kind, tt.typ}
			if got := verdictOf(err); got != want {
				t.Errorf("%s: %s of %q: error %v, %+v, want %+v", tt.reason, e.name, b, err, got, want)
				break
			}
			var te *TypeError
			if !errors.As(fmt.Errorf("wrapped: %w", err), &te) || tt.err != nil && !errors.Is(err, tt.err) {
				t.Errorf("%s: errors.Is and As do not find it in %v", tt.reason, err)
			}
			mustBeLegible(t, err)
			if after := fmt.Sprintf("%#v", valueAt(tt.target)); after != before {
				t.Errorf("%s: %s changed the target from %s to %s", tt.reason, e.name, before, after)
				break
			}
		}
	}
}

func ptr[T any](v T) *T { return &v }

// What the methods of a type say is in the chain, and not in the message, where
// it could quote the peer.
func TestForeignErrors(t *testing.T) {
	in := []byte(tn(KindDict, str("at"), str("yesterday\x1b[2J")))
	var v struct {
		At time.Time `tnet:"at"`
	}
	err := Unmarshal(in, &v)
	var parse *time.ParseError
	if !errors.As(err, &parse) {
		t.Errorf("no time.ParseError in %v", err)
	}
	if strings.Contains(err.Error(), "yesterday") {
		t.Errorf("%q quotes the peer", err)
	}
	if got := verdictOf(err); got.Path != "/at" || got.Offset != 11 || got.Kind != KindString {
		t.Errorf("%+v", got)
	}
	_, err = Marshal([]any{broken{}})
	if !errors.Is(err, errBroken) || verdictOf(err).Path != "/0" {
		t.Errorf("error %v, want %v in /0", err, errBroken)
	}
	_, err = Marshal(map[string]any{"k": malformed{}})
	var inner *SyntaxError
	if !errors.As(err, &inner) || !errors.Is(err, ErrTrailing) || inner.Offset != 4 || verdictOf(err).Path != "/k" {
		t.Errorf("error %v, want %v at 4 in it, in /k", err, ErrTrailing)
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) MarshalTNet() ([]byte, error) { return nil, errBroken }

type malformed struct{}

func (malformed) MarshalTNet() ([]byte, error) { return []byte("1:1#x"), nil }

// A value that cannot be written is a TypeError with its path, and no byte of it
// goes out by any exit.
func TestMarshalErrors(t *testing.T) {
	type knot struct {
		Next *knot `tnet:"next"`
	}
	cycle := &knot{}
	cycle.Next = cycle
	loop := []any{nil}
	loop[0] = loop
	ring := map[string]any{}
	ring["a"] = ring
	var self any
	self = &self

	for reason, tt := range map[string]struct {
		v    any
		err  error
		typ  reflect.Type
		path string
	}{
		"chan":                      {make(chan int), nil, typeOf[chan int](), ""},
		"func":                      {func() {}, nil, typeOf[func()](), ""},
		"complex64":                 {complex64(1), nil, typeOf[complex64](), ""},
		"nil chan":                  {(chan int)(nil), nil, typeOf[chan int](), ""},
		"chan in a list":            {[]any{1, make(chan int)}, nil, typeOf[chan int](), "/1"},
		"func in a map":             {map[string]any{"a": 1, "f": func() {}}, nil, typeOf[func()](), "/f"},
		"a map with bad keys":       {map[bool]int{true: 1}, errKeyType, typeOf[bool](), ""},
		"a Dict with a key twice":   {Dict{{Key: "a"}, {Key: "a"}}, ErrDuplicate, typeOf[Dict](), "/a"},
		"a Raw that is empty":       {Raw{}, io.ErrUnexpectedEOF, typeOf[Raw](), ""},
		"a Raw that is two":         {Raw("0:~0:~"), ErrTrailing, typeOf[Raw](), ""},
		"a Number that is none":     {Number("x"), ErrPayload, typeOf[Number](), ""},
		"a pointer to itself":       {self, ErrTooDeep, nil, ""},
		"a struct that holds it":    {cycle, ErrTooDeep, typeOf[knot](), ""},
		"a list that holds itself":  {loop, ErrTooDeep, typeOf[[]any](), ""},
		"a map that holds itself":   {ring, ErrTooDeep, typeOf[map[string]any](), ""},
		"a very large big.Int":      {new(big.Int).Lsh(big.NewInt(1), 1<<20), ErrTooLarge, typeOf[big.Int](), ""},
		"a big.Int of 401 digits":   {new(big.Int).Exp(big.NewInt(10), big.NewInt(400), nil), ErrTooLarge, typeOf[big.Int](), ""},
		"a Number of 401 digits":    {Number(strings.Repeat("9", 401)), ErrPayload, typeOf[Number](), ""},
		"an Unmarshaler, malformed": {malformed{}, ErrTrailing, typeOf[malformed](), ""},
	} {
		for _, e := range exits()[:3] {
			got, err := e.encode(tt.v)
			te, ok := err.(*TypeError)
			if !ok || len(got) > 0 || te.Kind != 0 || te.Offset != 0 || tt.typ != nil && te.Type != tt.typ {
				t.Errorf("%s: %s gives %q, error %v", reason, e.name, got, err)
				continue
			}
			if tt.err != nil && !errors.Is(err, tt.err) || tt.err == nil && te.Err != nil {
				t.Errorf("%s: %s: error %v, want %v", reason, e.name, err, tt.err)
			}
			if te.Path != tt.path && tt.err != ErrTooDeep {
				t.Errorf("%s: %s: path %q, want %q", reason, e.name, te.Path, tt.path)
			}
			mustBeLegible(t, err)
		}
		for _, e := range exits() {
			if got, err := e.encode(tt.v); err == nil || len(got) > 0 {
				t.Errorf("%s: %s gives %q, error %v", reason, e.name, got, err)
			}
		}
	}
}

// A header that is no dict, and what is wrong in either half, say where.
func TestFrameMarshalErrors(t *testing.T) {
	before := []byte("before")
	for reason, tt := range map[string]struct {
		header, body any
		err          error
		path         string
	}{
		"a header that is a list":     {[]int{1}, nil, ErrHeader, "/header"},
		"a header that is a string":   {"x", nil, ErrHeader, "/header"},
		"a header that is a Raw int":  {Raw("1:1#"), nil, ErrHeader, "/header"},
		"a header with infinity":      {Header{"a": math.Inf(1)}, nil, errNonFinite, "/header/a"},
		"a body with infinity":        {nil, []float64{math.Inf(1)}, errNonFinite, "/body/0"},
		"a body that is wrong itself": {nil, math.Inf(1), errNonFinite, "/body"},
	} {
		got, err := AppendFrame(before, tt.header, tt.body)
		if e, ok := err.(*TypeError); !ok || !errors.Is(err, tt.err) || e.Path != tt.path || string(got) != "before" {
			t.Errorf("%s: AppendFrame: %q, error %v, want %v in %s", reason, got, err, tt.err, tt.path)
		}
		var w bytes.Buffer
		err = NewEncoder(&w).WriteFrame(tt.header, tt.body)
		if e, ok := err.(*TypeError); !ok || !errors.Is(err, tt.err) || e.Path != tt.path || w.Len() > 0 {
			t.Errorf("%s: WriteFrame: %q, error %v, want %v in %s", reason, w.Bytes(), err, tt.err, tt.path)
		}
		if strings.HasPrefix(tt.path, "/body") {
			continue
		}
		err = NewEncoder(&w).WriteFrameFrom(tt.header, 1, strings.NewReader("x"))
		if e, ok := err.(*TypeError); !ok || !errors.Is(err, tt.err) || e.Path != tt.path || w.Len() > 0 {
			t.Errorf("%s: WriteFrameFrom: %q, error %v, want %v in %s", reason, w.Bytes(), err, tt.err, tt.path)
		}
	}
	for _, nothing := range []any{nil, Header(nil), (*struct{})(nil), Dict(nil), map[string]any(nil), Raw(nil)} {
		if got, err := AppendFrame(nil, nothing, nothing); err != nil || !bytes.HasPrefix(got, []byte("0:}0:~")) {
			t.Errorf("a header that is %#v: %q, %v", nothing, got, err)
		}
	}
}
