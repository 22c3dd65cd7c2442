package petrichor

// One row per thing an option does, in each direction, with the reason.  What
// an option does not do is in the tables as well: a leniency that is wider than
// its name is the beginning of two readers that disagree.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// tn is the element of kind k whose payload is all the parts.
func tn(k Kind, parts ...string) string {
	return string(Append(nil, k, []byte(strings.Join(parts, ""))))
}

// str is a string element.
func str(s string) string { return tn(KindString, s) }

// at is a fault at an offset.
func at(offset int64, err error) verdict { return verdict{Err: err, Offset: offset} }

// in is the same at a path.
func (v verdict) in(path string) verdict {
	v.Path = path
	return v
}

// short is the verdict on bytes that end early.
var short = verdict{Err: io.ErrUnexpectedEOF}

func TestOptionsRead(t *testing.T) {
	loose, text, finite := AllowLoose(true), AllowText(true), AllowNonFinite(true)
	double, order := AllowDuplicateKeys(true), KeepOrder(true)
	twice := "16:1:a,1:1#1:a,1:2#}"

	tests := []struct {
		reason string
		opts   []Option
		in     string
		want   any     // unless
		fault  verdict // is set
	}{
		{reason: "a size has no leading zero", in: "05:hello,", fault: at(1, ErrSize)},
		{reason: "loose: it may", opts: []Option{loose}, in: "05:hello,", want: "hello"},
		{reason: "loose: the zero may be doubled", opts: []Option{loose}, in: "00:,", want: ""},
		{reason: "loose: nine digits in all", opts: []Option{loose}, in: "000000005:hello,", want: "hello"},
		{reason: "loose: but not ten", opts: []Option{loose}, in: "0000000005:hello,", fault: at(9, ErrSize)},
		{reason: "loose: also inside", opts: []Option{loose}, in: "5:01:x,]", want: []any{"x"}},
		{reason: "loose: an int may have a plus", opts: []Option{loose}, in: "2:+5#", want: int64(5)},
		{reason: "loose: leading zeros", opts: []Option{loose}, in: "3:005#", want: int64(5)},
		{reason: "loose: zeros after a minus", opts: []Option{loose}, in: "3:-05#", want: int64(-5)},
		{reason: "loose: and be minus zero", opts: []Option{loose}, in: "2:-0#", want: int64(0)},
		{reason: "loose: big ones too", opts: []Option{loose}, in: "20:+9223372036854775808#", want: new(big.Int).SetUint64(1 << 63)},
		{reason: "loose: a float without integer digits", opts: []Option{loose}, in: "2:.5^", want: 0.5},
		{reason: "loose: without a fraction", opts: []Option{loose}, in: "2:5.^", want: 5.0},
		{reason: "loose: with a plus", opts: []Option{loose}, in: "4:+1.5^", want: 1.5},
		{reason: "loose: with leading zeros", opts: []Option{loose}, in: "7:-000.14^", want: -0.14},
		{reason: "loose can be taken back", opts: []Option{loose, AllowLoose(false)}, in: "2:+5#", fault: at(2, ErrPayload)},

		{reason: "the text tag is an extension", in: "2:hi;", fault: at(4, ErrKind)},
		{reason: "the text tag is an extension, inside too", in: "5:2:hi;]", fault: at(6, ErrKind).in("/0")},
		{reason: "text: a text is a string", opts: []Option{text}, in: "2:hi;", want: "hi"},
		{reason: "text: and a string is bytes", opts: []Option{text}, in: "2:hi,", want: []byte("hi")},
		{reason: "text: an empty string too", opts: []Option{text}, in: "0:,", want: []byte{}},
		{reason: "text: it has to be UTF-8", opts: []Option{text}, in: "2:h\xff;", fault: at(2, ErrPayload)},
		{reason: "text: surrogates are not", opts: []Option{text}, in: "3:\xed\xa0\x80;", fault: at(2, ErrPayload)},
		{reason: "text: strings need not be", opts: []Option{text}, in: "2:h\xff,", want: []byte("h\xff")},
		{reason: "text: keys of both kinds", opts: []Option{text}, in: "16:1:a,1:1#1:b;1:2#}", want: map[string]any{"a": int64(1), "b": int64(2)}},
		{reason: "text: one key in both kinds is one key", opts: []Option{text}, in: "16:1:a,1:1#1:a;1:2#}", fault: at(13, ErrDuplicate).in("/a")},
		{reason: "text: a key has to be UTF-8 as well", opts: []Option{text}, in: "8:1:\xff;1:1#}", fault: at(4, ErrPayload)},
		{
			reason: "text and order: the kinds of keys are kept apart", opts: []Option{text, order}, in: "16:1:b,1:1#1:a;1:2#}",
			want: Dict{{Key: "b", Value: int64(1), KeyKind: KindString}, {Key: "a", Value: int64(2)}},
		},

		{reason: "not finite is not JSON's number", in: "3:inf^", fault: at(2, ErrPayload)},
		{reason: "loose is not non-finite", opts: []Option{loose}, in: "3:inf^", fault: at(2, ErrPayload)},
		{reason: "non-finite is not loose", opts: []Option{finite}, in: "2:.5^", fault: at(2, ErrPayload)},
		{reason: "non-finite: an int never is", opts: []Option{finite, loose}, in: "3:inf#", fault: at(2, ErrPayload)},
		{reason: "non-finite: overflow is a range error, not infinity", opts: []Option{finite}, in: "5:1e400^", fault: verdict{errRange, 2, "", KindFloat, anyType}},

		{reason: "a key comes once", in: twice, fault: at(13, ErrDuplicate).in("/a")},
		{reason: "duplicates: the last wins", opts: []Option{double}, in: twice, want: map[string]any{"a": int64(2)}},
		{
			reason: "duplicates: a Dict keeps them all", opts: []Option{double, order}, in: twice,
			want: Dict{{Key: "a", Value: int64(1)}, {Key: "a", Value: int64(2)}},
		},

		{reason: "a dict is a map", in: "8:1:a,1:1#}", want: map[string]any{"a": int64(1)}},
		{reason: "order: a dict is a Dict", opts: []Option{order}, in: "8:1:a,1:1#}", want: Dict{{Key: "a", Value: int64(1)}}},
		{reason: "order: an empty one too", opts: []Option{order}, in: "0:}", want: Dict{}},
		{reason: "order: a dict in a list", opts: []Option{order}, in: "3:0:}]", want: []any{Dict{}}},
		{reason: "order: a dict in a dict", opts: []Option{order}, in: "7:1:a,0:}}", want: Dict{{Key: "a", Value: Dict{}}}},

		{reason: "size: at the limit", opts: []Option{MaxSize(5)}, in: "5:hello,", want: "hello"},
		{reason: "size: over it", opts: []Option{MaxSize(5)}, in: "6:hello!,", fault: at(1, ErrTooLarge)},
		{reason: "size: refused before any payload", opts: []Option{MaxSize(5)}, in: "6:", fault: at(1, ErrTooLarge)},
		{reason: "size: but not before the colon", opts: []Option{MaxSize(5)}, in: "6", fault: short},
		{reason: "size: none at all", opts: []Option{MaxSize(0)}, in: "0:,", want: ""},
		{reason: "size: one more than none", opts: []Option{MaxSize(0)}, in: "1:x,", fault: at(1, ErrTooLarge)},
		{reason: "size: a negative limit refuses everything", opts: []Option{MaxSize(-1)}, in: "0:,", fault: at(1, ErrTooLarge)},
		{reason: "size: a container counts with all in it", opts: []Option{MaxSize(7)}, in: "8:5:hello,]", fault: at(1, ErrTooLarge)},
		{reason: "size: nine digits at the most", in: "999999999:", fault: short},
		{reason: "size: not ten, whatever they say", in: "1000000000", fault: at(9, ErrSize)},
		{reason: "size: ten digits where the limit has ten", opts: []Option{MaxSize(1_000_000_000)}, in: "1000000000:", fault: short},
		{reason: "size: and is not exceeded", opts: []Option{MaxSize(1_000_000_000)}, in: "1000000001:", fault: at(10, ErrTooLarge)},
		{reason: "size: eleven digits are too many then", opts: []Option{MaxSize(1_000_000_000)}, in: "10000000000", fault: at(10, ErrSize)},
		{reason: "size: the twelve digits of mitmproxy", opts: []Option{MaxSize(999_999_999_999)}, in: "999999999999:", fault: short},
		{reason: "size: but not thirteen", opts: []Option{MaxSize(999_999_999_999)}, in: "1000000000000:pwned!,", fault: at(12, ErrSize)},
		{reason: "size: not by way of zeros either", opts: []Option{MaxSize(999_999_999_999), loose}, in: "0000000000001:x,", fault: at(12, ErrSize)},
		{reason: "size: the largest limit has eighteen digits", opts: []Option{MaxSize(math.MaxInt64)}, in: "999999999999999999:", fault: short},
		{reason: "size: nineteen might wrap", opts: []Option{MaxSize(math.MaxInt64)}, in: "9999999999999999999", fault: at(18, ErrSize)},
		{reason: "size: an inner one is bounded by what it lies in", opts: []Option{MaxSize(math.MaxInt64)}, in: "21:999999999999999999:x,]", fault: at(3, ErrSize).in("/0")},
		{reason: "size: of two the later counts", opts: []Option{MaxSize(1), MaxSize(5)}, in: "5:hello,", want: "hello"},

		{reason: "depth: scalars have none", opts: []Option{MaxDepth(0)}, in: "1:x,", want: "x"},
		{reason: "depth: an empty list has one", opts: []Option{MaxDepth(0)}, in: "0:]", fault: at(2, ErrTooDeep)},
		{reason: "depth: so has a dict", opts: []Option{MaxDepth(0)}, in: "0:}", fault: at(2, ErrTooDeep)},
		{reason: "depth: a negative limit is like 0", opts: []Option{MaxDepth(-1)}, in: "1:x,", want: "x"},
		{reason: "depth: one", opts: []Option{MaxDepth(1)}, in: "4:1:x,]", want: []any{"x"}},
		{reason: "depth: two of one", opts: []Option{MaxDepth(1)}, in: "3:0:]]", fault: at(4, ErrTooDeep).in("/0")},
		{reason: "depth: a dict in a list in a dict", opts: []Option{MaxDepth(2)}, in: "10:1:k,3:0:}]}", fault: at(11, ErrTooDeep).in("/k/0")},
		{reason: "depth: 100 by default", in: nested(101), fault: at(int64(len(nested(101))-101), ErrTooDeep).in(nestedPath)},
		{reason: "depth: what comes before is not deep", opts: []Option{MaxDepth(1)}, in: "8:1:x,1:y,]", want: []any{"x", "y"}},

		{reason: "values: a scalar is one", opts: []Option{MaxValues(1)}, in: "1:x,", want: "x"},
		{reason: "values: and none are none", opts: []Option{MaxValues(0)}, in: "1:x,", fault: at(2, ErrTooMany)},
		{reason: "values: a list counts with its elements", opts: []Option{MaxValues(3)}, in: "8:1:x,1:y,]", want: []any{"x", "y"}},
		{reason: "values: one too many", opts: []Option{MaxValues(2)}, in: "8:1:x,1:y,]", fault: at(8, ErrTooMany).in("/1")},
		{reason: "values: keys count", opts: []Option{MaxValues(3)}, in: "8:1:a,1:1#}", want: map[string]any{"a": int64(1)}},
		{reason: "values: keys count, and one is too many", opts: []Option{MaxValues(1)}, in: "8:1:a,1:1#}", fault: at(4, ErrTooMany)},
		{reason: "values: so is its value", opts: []Option{MaxValues(2)}, in: "8:1:a,1:1#}", fault: at(8, ErrTooMany).in("/a")},
		{reason: "values: the count goes over all levels", opts: []Option{MaxValues(4)}, in: "15:6:0:~0:~]3:0:~]]", fault: at(14, ErrTooMany).in("/1")},
	}
	for _, tt := range tests {
		got, err := agree(t, []byte(tt.in), tt.opts...)
		if verdictOf(err) != tt.fault {
			t.Errorf("%s: %.80q: error %v, want %+v", tt.reason, tt.in, err, tt.fault)
		} else if err == nil && !sameValue(got, tt.want) {
			t.Errorf("%s: %.80q: %s", tt.reason, tt.in, diff(got, tt.want))
		}
	}
}

// nested is n lists in one another.
func nested(n int) string {
	b := back{}
	for range n {
		b.byte(byte(KindList))
	}
	// Each list's size is what has been put before its tags.
	inner := 0
	for range n {
		before := b.len()
		b.size(int64(inner))
		inner += b.len() - before + 1
	}
	return string(b.bytes())
}

// nestedPath is the path of a value that many lists deep.
var nestedPath = strings.Repeat("/0", 62) + "/..."

// Every spelling that wire.md lists, and a few more that it does not: refused
// without the option, accepted or not with it.
func TestSpellings(t *testing.T) {
	accepted := func(opt Option, k Kind, spellings map[string]any) {
		t.Helper()
		for payload, want := range spellings {
			b := []byte(tn(k, payload))
			if got, err := agree(t, b, opt); err != nil || !sameValue(got, want) {
				t.Errorf("%q with the option: error %v, %s", b, err, diff(got, want))
			}
			if _, err := agree(t, b); !errors.Is(err, ErrPayload) {
				t.Errorf("%q without the option: error %v, want %v", b, err, ErrPayload)
			}
			mustKeep(t, b, opt)
		}
	}
	accepted(AllowLoose(true), KindInt, map[string]any{
		"+5": int64(5), "05": int64(5), "-0": int64(0), "+0": int64(0), "00": int64(0), "-05": int64(-5), "+05": int64(5),
		"0" + strings.Repeat("9", 18): int64(999_999_999_999_999_999),
	})
	accepted(AllowLoose(true), KindFloat, map[string]any{
		".5": 0.5, "5.": 5.0, "+1.5": 1.5, "-.5": -0.5, "+.5": 0.5, "-5.": -5.0, "00.5": 0.5, "-000.14": -0.14, "05": 5.0,
		".5e1": 5.0, "5.e1": 50.0, "+1": 1.0,
	})
	inf, nan := math.Inf(1), math.NaN()
	accepted(AllowNonFinite(true), KindFloat, map[string]any{
		"inf": inf, "+inf": inf, "-inf": -inf, "Inf": inf, "+Inf": inf, "-Inf": -inf, "INF": inf, "-INF": -inf,
		"Infinity": inf, "-Infinity": -inf, "infinity": inf, "+INFINITY": inf,
		"nan": nan, "NaN": nan, "NAN": nan, "-nan": nan, "+NaN": nan,
	})

	lenient := []Option{AllowLoose(true), AllowNonFinite(true), AllowText(true), AllowDuplicateKeys(true)}
	for k, payloads := range map[Kind][]string{
		KindInt: {
			"", "+", "-", "--5", "++5", "+-5", "-+5", "5-", " 5", "5 ", "5\n", "\t5", "1_0", "1,000", "0x1f", "0X1F", "0b1", "0o7", "1e3",
			"1E3", "1.0", "5.", ".5", "1e+21", "0.1", "inf", "nan", "five", "\x00", "5\x00", "\u0665", "\uff15", strings.Repeat("9", 401),
		},
		KindFloat: {
			"", "+", "-", ".", "+.", "-.", "e5", ".e5", "1e", "1e+", "1e-", "1E", "1.5e", "1.5.2", "1,5", " 1.5", "1.5 ", "1.5\n", "1_0.5",
			"0x1p4", "0x1.8p1", "1p4", "1.5f", "1d5", "--1.5", "+-1.5", "1e5.5", "1e 5", "1e++5", "in", "inf ", " inf", "infi", "infinit", "infinityy",
			"--inf", "nan()", "nan1", "snan", "1.#INF", "\u221e", "1.5\x00", "\u0661.5", "0." + strings.Repeat("1", 399),
		},
		KindBool: {"", "True", "TRUE", "1", "0", "t", "truee", "true ", " true", "false\x00", "yes", "on", "nil"},
		KindNull: {"null", "~", " ", "0", "\x00", "0:~"},
	} {
		for _, payload := range payloads {
			b := []byte(tn(k, payload))
			_, err := agree(t, b, lenient...)
			e, ok := err.(*SyntaxError)
			if !ok || e.Err != ErrPayload && (e.Err != ErrTooLarge || len(payload) <= maxNumber) {
				t.Errorf("%.40q with every leniency: error %v, want %v", b, err, ErrPayload)
			}
		}
	}
	for in, offset := range map[string]int64{
		"+5:hello,": 0, " 5:hello,": 0, "5 :hello,": 1, "-0:,": 0, "-5:hello,": 0, "1_0:0123456789,": 1, "0x5:hello,": 1, "5e0:hello,": 1,
		"5.0:hello,": 1, ":,": 0, ":}": 0, ",": 0, "\n5:hello,": 0, "\u0665:hello,": 0, "0000000000:,": 9, "18446744073709551621:hello,": 9,
		"5;hello,": 1, "5hello,": 1, "\x00:,": 0, "5\x00:hello,": 1,
	} {
		if _, err := agree(t, []byte(in), lenient...); verdictOf(err) != at(offset, ErrSize) {
			t.Errorf("%q with every leniency: error %v, want %v at %d", in, err, ErrSize, offset)
		}
	}
	for _, in := range []string{"7:0:~1:1#}", "8:1:1#1:1#}", "7:0:]1:1#}", "7:0:}1:1#}", "11:4:true!1:1#}", "10:3:1.5^1:1#}"} {
		if _, err := agree(t, []byte(in), lenient...); !errors.Is(err, ErrKey) {
			t.Errorf("%q with every leniency: error %v, want %v", in, err, ErrKey)
		}
	}
}

// What is canonical, and so accepted without options, at the edges.
func TestStrictNumbers(t *testing.T) {
	for payload, want := range map[string]any{
		"0": int64(0), "-1": int64(-1), "10": int64(10),
		"9223372036854775807": int64(math.MaxInt64), "-9223372036854775808": int64(math.MinInt64),
		"9223372036854775808":          new(big.Int).SetUint64(1 << 63),
		"18446744073709551616":         new(big.Int).Lsh(big.NewInt(1), 64),
		"1" + strings.Repeat("0", 399): new(big.Int).Exp(big.NewInt(10), big.NewInt(399), nil),
	} {
		b := []byte(tn(KindInt, payload))
		got, err := agree(t, b)
		if err != nil || !sameValue(got, want) {
			t.Errorf("%.40q: error %v, %s", b, err, diff(got, want))
		}
		mustKeep(t, b)
		mustEncode(t, got, b)
	}
	for payload, want := range map[string]float64{
		"0": 0, "1": 1, "0.1": 0.1, "-0": math.Copysign(0, -1), "-0.0": math.Copysign(0, -1), "1.0": 1, "1e5": 1e5, "1E5": 1e5, "1e+16": 1e16,
		"1.0e-07": 1e-7, "1e05": 1e5, "0e0": 0, "1e-400": 0, "1.7976931348623157e308": math.MaxFloat64, "5e-324": 5e-324, "4.9e-324": 5e-324,
	} {
		b := []byte(tn(KindFloat, payload))
		got, err := agree(t, b)
		if f, ok := got.(float64); err != nil || !ok || f != want || math.Signbit(f) != math.Signbit(want) {
			t.Errorf("%q: %v, error %v, want %v", b, got, err, want)
		}
		mustKeep(t, b)
	}
	for v, payload := range map[float64]string{
		0: "0.0", 1: "1.0", 0.1: "0.1", -2.5: "-2.5", 1e16: "10000000000000000.0", 1e20: "100000000000000000000.0", 1e21: "1.0e+21",
		1.5e300: "1.5e+300", 1e-7: "0.0000001", math.MaxFloat64: "1.7976931348623157e+308",
	} {
		mustEncode(t, v, []byte(tn(KindFloat, payload)))
		if got, err := agree(t, []byte(tn(KindFloat, payload))); err != nil || got != v {
			t.Errorf("%q: %v, error %v, want %v", payload, got, err, v)
		}
	}
	mustEncode(t, math.Copysign(0, -1), []byte("4:-0.0^"))
	mustEncode(t, float32(0.1), []byte("3:0.1^"))
	mustEncode(t, float32(16777216), []byte("10:16777216.0^"))
}

func TestOptionsWrite(t *testing.T) {
	text, finite := AllowText(true), AllowNonFinite(true)
	twice := Dict{{Key: "a", Value: 1}, {Key: "a", Value: 2}}
	type pair struct {
		A string `tnet:"a"`
		B []byte `tnet:"b"`
	}

	tests := []struct {
		reason string
		opts   []Option
		v      any
		want   string // unless
		fault  error  // is set
	}{
		{reason: "a string", v: "hi", want: "2:hi,"},
		{reason: "text: a string is a text", opts: []Option{text}, v: "hi", want: "2:hi;"},
		{reason: "text: bytes are a string", opts: []Option{text}, v: []byte("hi"), want: "2:hi,"},
		{reason: "text: an array of bytes too", opts: []Option{text}, v: [2]byte{'h', 'i'}, want: "2:hi,"},
		{reason: "text: the keys of a map", opts: []Option{text}, v: map[string]any{"b": "x", "a": []byte("y")}, want: "16:1:a;1:y,1:b;1:x;}"},
		{reason: "text: the keys of a struct", opts: []Option{text}, v: pair{"x", []byte("y")}, want: "16:1:a;1:x;1:b;1:y,}"},
		{reason: "text: the keys of a Dict", opts: []Option{text}, v: Dict{{Key: "a", Value: 1}}, want: "8:1:a;1:1#}"},
		{reason: "text: a key that says otherwise", opts: []Option{text}, v: Dict{{Key: "a", Value: 1, KeyKind: KindString}}, want: "8:1:a,1:1#}"},
		{reason: "text: a key that says the same", opts: []Option{text}, v: Dict{{Key: "a", Value: 1, KeyKind: KindText}}, want: "8:1:a;1:1#}"},
		{reason: "text: a string has to be UTF-8", opts: []Option{text}, v: "h\xff", fault: ErrPayload},
		{reason: "text: a key too", opts: []Option{text}, v: map[string]int{"\xff": 1}, fault: ErrPayload},
		{reason: "text: bytes need not be", opts: []Option{text}, v: []byte("h\xff"), want: "2:h\xff,"},
		{reason: "a text key needs the option", v: Dict{{Key: "a", Value: 1, KeyKind: KindText}}, fault: ErrKey},
		{reason: "a key of another kind is none", opts: []Option{text}, v: Dict{{Key: "a", Value: 1, KeyKind: KindInt}}, fault: ErrKey},
		{reason: "a string may be any bytes", v: "h\xff", want: "2:h\xff,"},
		{reason: "a Raw text needs the option", v: Raw("2:hi;"), fault: ErrKind},
		{reason: "text: and has it here", opts: []Option{text}, v: Raw("2:hi;"), want: "2:hi;"},

		{reason: "not finite", v: math.Inf(1), fault: errNonFinite},
		{reason: "not finite, of 32 bits", v: float32(math.Inf(-1)), fault: errNonFinite},
		{reason: "not a number", v: math.NaN(), fault: errNonFinite},
		{reason: "non-finite: infinity", opts: []Option{finite}, v: math.Inf(1), want: "3:inf^"},
		{reason: "non-finite: minus infinity", opts: []Option{finite}, v: math.Inf(-1), want: "4:-inf^"},
		{reason: "non-finite: NaN", opts: []Option{finite}, v: math.NaN(), want: "3:nan^"},
		{reason: "non-finite: a NaN has no sign", opts: []Option{finite}, v: math.Copysign(math.NaN(), -1), want: "3:nan^"},
		{reason: "non-finite: 32 bits", opts: []Option{finite}, v: float32(math.Inf(1)), want: "3:inf^"},
		{reason: "a Number that is not finite", v: Number("inf"), fault: ErrPayload},
		{reason: "non-finite: a Number as it is spelled", opts: []Option{finite}, v: Number("-Infinity"), want: "9:-Infinity^"},
		{reason: "a Number that is loose", v: Number("+5"), fault: ErrPayload},
		{reason: "loose: a Number as it is spelled", opts: []Option{AllowLoose(true)}, v: Number("+5"), want: "2:+5#"},
		{reason: "loose writes nothing else that is loose", opts: []Option{AllowLoose(true)}, v: []any{0, 0.5}, want: "10:1:0#3:0.5^]"},
		{reason: "a Raw that is loose", v: Raw("2:+5#"), fault: ErrPayload},
		{reason: "loose: a Raw as it is spelled", opts: []Option{AllowLoose(true)}, v: Raw("02:+5#"), want: "02:+5#"},

		{reason: "a Dict with a key twice", v: twice, fault: ErrDuplicate},
		{reason: "duplicates: both are written", opts: []Option{AllowDuplicateKeys(true)}, v: twice, want: "16:1:a,1:1#1:a,1:2#}"},
		{reason: "a Raw with a key twice", v: Raw("16:1:a,1:1#1:a,1:2#}"), fault: ErrDuplicate},
		{reason: "duplicates: is as it is", opts: []Option{AllowDuplicateKeys(true)}, v: Raw("16:1:a,1:1#1:a,1:2#}"), want: "16:1:a,1:1#1:a,1:2#}"},

		{reason: "depth: none for a scalar", opts: []Option{MaxDepth(0)}, v: 1, want: "1:1#"},
		{reason: "depth: a list", opts: []Option{MaxDepth(0)}, v: []int{}, fault: ErrTooDeep},
		{reason: "depth: a map", opts: []Option{MaxDepth(0)}, v: map[string]int{}, fault: ErrTooDeep},
		{reason: "depth: a struct", opts: []Option{MaxDepth(0)}, v: pair{}, fault: ErrTooDeep},
		{reason: "depth: a Dict", opts: []Option{MaxDepth(0)}, v: Dict{}, fault: ErrTooDeep},
		{reason: "depth: a Raw list", opts: []Option{MaxDepth(0)}, v: Raw("0:]"), fault: ErrTooDeep},
		{reason: "depth: a nil list is null", opts: []Option{MaxDepth(0)}, v: []int(nil), want: "0:~"},
		{reason: "depth: a Raw counts where it lies", opts: []Option{MaxDepth(1)}, v: []Raw{Raw("0:]")}, fault: ErrTooDeep},
		{reason: "depth: two of two", opts: []Option{MaxDepth(2)}, v: []Raw{Raw("0:]")}, want: "3:0:]]"},

		{reason: "size: a string at the limit", opts: []Option{MaxSize(5)}, v: "hello", want: "5:hello,"},
		{reason: "size: a string over it", opts: []Option{MaxSize(4)}, v: "hello", fault: ErrTooLarge},
		{reason: "size: bytes", opts: []Option{MaxSize(4)}, v: []byte("hello"), fault: ErrTooLarge},
		{reason: "size: an array", opts: []Option{MaxSize(4)}, v: [5]byte{}, fault: ErrTooLarge},
		{reason: "size: a list", opts: []Option{MaxSize(7)}, v: []string{"hello"}, fault: ErrTooLarge},
		{reason: "size: a map", opts: []Option{MaxSize(7)}, v: map[string]int{"a": 1}, fault: ErrTooLarge},
		{reason: "size: a Dict", opts: []Option{MaxSize(7)}, v: Dict{{Key: "a", Value: 1}}, fault: ErrTooLarge},
		{reason: "size: a Raw", opts: []Option{MaxSize(4)}, v: Raw("5:hello,"), fault: ErrTooLarge},
		{reason: "size: at the limit with all in it", opts: []Option{MaxSize(8)}, v: []string{"hello"}, want: "8:5:hello,]"},
		{reason: "a limit on headers means nothing to what writes", opts: []Option{MaxHeaderSize(0)}, v: Dict{{Key: "a", Value: 1}}, want: "8:1:a,1:1#}"},
		{reason: "nor does one on values", opts: []Option{MaxValues(0)}, v: []int{1, 2}, want: "8:1:1#1:2#]"},
	}
	for _, tt := range tests {
		// Depth and size count from where the value lies, so no list of exits
		// that put it into something.
		for _, e := range exits(tt.opts...)[:3] {
			got, err := e.encode(tt.v)
			if tt.fault == nil && (err != nil || string(got) != tt.want) {
				t.Errorf("%s: %s(%#v) is %q, %v; want %q", tt.reason, e.name, tt.v, got, err, tt.want)
			}
			if tt.fault == nil {
				continue
			}
			if _, ok := err.(*TypeError); !ok || !errors.Is(err, tt.fault) || len(got) > 0 {
				t.Errorf("%s: %s(%#v) is %q, error %v; want %v", tt.reason, e.name, tt.v, got, err, tt.fault)
			}
		}
	}
}

// The limit of MaxDepth itself, both ways.
func TestDeepest(t *testing.T) {
	for _, limit := range []int{deepest, deepest + 1, math.MaxInt} {
		opt := MaxDepth(limit)
		b := []byte(nested(deepest))
		var v any
		if err := Unmarshal(b, &v, opt); err != nil {
			t.Fatalf("MaxDepth(%d): %v", limit, err)
		}
		got, err := Marshal(v, opt)
		if err != nil || !bytes.Equal(got, b) {
			t.Errorf("MaxDepth(%d): the same bytes %v, error %v", limit, bytes.Equal(got, b), err)
		}
		if _, err := Marshal([]any{v}, opt); !errors.Is(err, ErrTooDeep) {
			t.Errorf("MaxDepth(%d): one level more is written with error %v, want %v", limit, err, ErrTooDeep)
		}
		if err := Unmarshal([]byte(nested(deepest+1)), &v, opt); !errors.Is(err, ErrTooDeep) {
			t.Errorf("MaxDepth(%d): one level more is read with error %v, want %v", limit, err, ErrTooDeep)
		}
	}
	if _, err := agree(t, []byte(nested(deepest+1)), MaxDepth(math.MaxInt)); !errors.Is(err, ErrTooDeep) {
		t.Errorf("one level more than the deepest: error %v, want %v", err, ErrTooDeep)
	}
}

// Into typed targets: what options do to maps, Dicts and structs.
func TestOptionsInto(t *testing.T) {
	type inner struct {
		X int `tnet:"x"`
	}
	type outer struct {
		A  int    `tnet:"a"`
		In inner  `tnet:"in"`
		Ps *inner `tnet:"ps"`
	}
	type open struct {
		A    int            `tnet:"a"`
		Rest map[string]any `tnet:",inline"`
	}
	double, known, text := AllowDuplicateKeys(true), RejectUnknownKeys(true), AllowText(true)
	twice := "16:1:a,1:1#1:a,1:2#}"

	tests := []struct {
		reason string
		opts   []Option
		in     string
		target func() any
		want   any
		fault  verdict
	}{
		{reason: "duplicates: a map", opts: []Option{double}, in: twice, target: to[map[string]int], want: map[string]int{"a": 2}},
		{reason: "duplicates: a Dict", opts: []Option{double}, in: twice, target: to[Dict], want: Dict{{Key: "a", Value: int64(1)}, {Key: "a", Value: int64(2)}}},
		{reason: "duplicates: a struct", opts: []Option{double}, in: twice, target: to[outer], want: outer{A: 2}},
		{reason: "duplicates: an inline map", opts: []Option{double}, in: "16:1:b,1:1#1:b,1:2#}", target: to[open], want: open{Rest: map[string]any{"b": int64(2)}}},
		{reason: "a struct with a field twice", in: twice, target: to[outer], fault: at(13, ErrDuplicate).in("/a")},
		{reason: "a struct with an unknown key twice", in: "16:1:?,1:1#1:?,1:2#}", target: to[outer], fault: at(13, ErrDuplicate).in("/?")},
		{reason: "twice inside a skipped value", in: "24:1:?,16:1:a,1:1#1:a,1:2#}}", target: to[outer], fault: at(20, ErrDuplicate).in("/?/a")},
		{reason: "twice inside a Raw", in: twice, target: to[Raw], fault: at(13, ErrDuplicate).in("/a")},

		{reason: "loose: ints of a list", opts: []Option{AllowLoose(true)}, in: "15:2:+5#3:-07#1:9#]", target: to[[]int], want: []int{5, -7, 9}},
		{reason: "loose: ints of 64 bits", opts: []Option{AllowLoose(true)}, in: "6:3:+05#]", target: to[[]int64], want: []int64{5}},
		{reason: "loose: but they have to fit", opts: []Option{AllowLoose(true)}, in: "24:20:+9223372036854775808#]", target: to[[]int64], fault: verdict{errRange, 6, "/0", KindInt, typeOf[int64]()}},

		{reason: "an unknown key is skipped", in: "16:1:?,1:1#1:a,1:2#}", target: to[outer], want: outer{A: 2}},
		{reason: "known: it is refused, at its value", opts: []Option{known}, in: "16:1:?,1:1#1:a,1:2#}", target: to[outer], fault: verdict{errUnknownKey, 9, "/?", KindInt, typeOf[outer]()}},
		{reason: "known: also further in", opts: []Option{known}, in: "15:2:in,7:1:y,0:~}}", target: to[outer], fault: verdict{errUnknownKey, 16, "/in/y", KindNull, typeOf[inner]()}},
		{reason: "known: also behind a pointer", opts: []Option{known}, in: "15:2:ps,7:1:y,0:~}}", target: to[outer], fault: verdict{errUnknownKey, 16, "/ps/y", KindNull, typeOf[inner]()}},
		{reason: "known: fields are matched by their bytes", opts: []Option{known}, in: "8:1:A,1:1#}", target: to[outer], fault: verdict{errUnknownKey, 8, "/A", KindInt, typeOf[outer]()}},
		{reason: "known: an inline map knows all", opts: []Option{known}, in: "8:1:b,1:1#}", target: to[open], want: open{Rest: map[string]any{"b": int64(1)}}},
		{reason: "known: a map does too", opts: []Option{known}, in: "8:1:b,1:1#}", target: to[map[string]int], want: map[string]int{"b": 1}},

		{reason: "text: a typed string takes both", opts: []Option{text}, in: "8:1:a,1:b;]", target: to[[]string], want: []string{"a", "b"}},
		{reason: "text: typed bytes take both", opts: []Option{text}, in: "8:1:a,1:b;]", target: to[[][]byte], want: [][]byte{[]byte("a"), []byte("b")}},
		{reason: "text: an array of bytes takes both", opts: []Option{text}, in: "8:1:a,1:b;]", target: to[[][1]byte], want: [][1]byte{{'a'}, {'b'}}},
		{reason: "text: fields are found by both", opts: []Option{text}, in: "8:1:a;1:1#}", target: to[outer], want: outer{A: 1}},
		{reason: "text: map keys are both", opts: []Option{text}, in: "16:1:a;1:1#1:b,1:2#}", target: to[map[string]int], want: map[string]int{"a": 1, "b": 2}},

		{reason: "order: an any in a map", opts: []Option{KeepOrder(true)}, in: "7:1:a,0:}}", target: to[map[string]any], want: map[string]any{"a": Dict{}}},
		{reason: "order: an any in a list", opts: []Option{KeepOrder(true)}, in: "3:0:}]", target: to[[]any], want: []any{Dict{}}},
		{reason: "order: a Dict has Dicts in it without the option", in: "7:1:a,0:}}", target: to[Dict], want: Dict{{Key: "a", Value: Dict{}}}},
		{reason: "order: a Dict is empty, not nil", in: "0:}", target: to[Dict], want: Dict{}},
		{reason: "a Header has maps in it", in: "7:1:a,0:}}", target: to[Header], want: Header{"a": map[string]any{}}},

		{reason: "loose: a plus into uint8", opts: []Option{AllowLoose(true)}, in: "4:+255#", target: to[uint8], want: uint8(255)},
		{reason: "loose: minus zero into uint8", opts: []Option{AllowLoose(true)}, in: "2:-0#", target: to[uint8], want: uint8(0)},
		{reason: "loose: minus one does not fit", opts: []Option{AllowLoose(true)}, in: "3:-01#", target: to[uint8], fault: verdict{errRange, 2, "", KindInt, typeOf[uint8]()}},
		{reason: "non-finite: into float32", opts: []Option{AllowNonFinite(true)}, in: "4:-inf^", target: to[float32], want: float32(math.Inf(-1))},
		{reason: "too large for float32", in: "4:1e39^", target: to[float32], fault: verdict{errRange, 2, "", KindFloat, typeOf[float32]()}},
	}
	for _, tt := range tests {
		for _, e := range entrances(tt.opts...) {
			target := tt.target()
			_, err := e.into([]byte(tt.in), target)
			want := tt.want
			if err != nil {
				want = valueAt(tt.target())
			}
			if verdictOf(err) != tt.fault || !sameValue(valueAt(target), want) {
				t.Errorf("%s: %s of %q: error %v, want %+v; %s", tt.reason, e.name, tt.in, err, tt.fault, diff(valueAt(target), want))
				break
			}
		}
	}
}

// frameReaders are the ways to read a frame.
var frameReaders = map[string]func(b []byte, opts ...Option) (Frame, error){
	"CutFrame": func(b []byte, opts ...Option) (Frame, error) {
		f, _, err := CutFrame(b, opts...)
		return f, err
	},
	"Parser.Next": func(b []byte, opts ...Option) (Frame, error) {
		p := NewParser(opts...)
		p.Feed(b)
		return p.Next()
	},
	"ReadFrame": func(b []byte, opts ...Option) (Frame, error) {
		return NewDecoder(bytes.NewReader(b), opts...).ReadFrame()
	},
	"NextFrame": func(b []byte, opts ...Option) (Frame, error) {
		header, body, err := NewDecoder(bytes.NewReader(b), opts...).NextFrame()
		if err != nil {
			return Frame{}, err
		}
		payload, err := io.ReadAll(body)
		return Frame{header, Append(nil, body.Kind(), payload)}, err
	},
	"Recv": func(b []byte, opts ...Option) (Frame, error) {
		return NewConn(readOnly{bytes.NewReader(b)}, opts...).Recv()
	},
}

func TestFrameLimits(t *testing.T) {
	tests := []struct {
		reason string
		opts   []Option
		in     string
		fault  verdict
	}{
		{reason: "header at the limit", opts: []Option{MaxHeaderSize(7)}, in: "7:1:a,0:~}0:,"},
		{reason: "header over it, at its colon", opts: []Option{MaxHeaderSize(6)}, in: "7:1:a,0:~}0:,", fault: at(1, ErrTooLarge)},
		{reason: "before any of it has come", opts: []Option{MaxHeaderSize(6)}, in: "7:", fault: at(1, ErrTooLarge)},
		{reason: "the body has a limit of its own", opts: []Option{MaxHeaderSize(0)}, in: "0:}5:hello,"},
		{reason: "body at the limit", opts: []Option{MaxSize(5)}, in: "0:}5:hello,"},
		{reason: "body over it, at its colon", opts: []Option{MaxSize(4)}, in: "0:}5:hello,", fault: at(4, ErrTooLarge)},
		{reason: "before any of it has come", opts: []Option{MaxSize(4)}, in: "0:}5:", fault: at(4, ErrTooLarge)},
		{reason: "the header is not limited by that", opts: []Option{MaxSize(0)}, in: "7:1:a,0:~}0:,"},
		{reason: "no body at all", opts: []Option{MaxSize(0)}, in: "0:}1:x,", fault: at(4, ErrTooLarge)},
		{reason: "no text without the option", in: "0:}2:hi;", fault: at(7, ErrKind)},
		{reason: "text", opts: []Option{AllowText(true)}, in: "0:}2:hi;"},
		{reason: "a size with a zero", in: "00:}0:,", fault: at(1, ErrSize)},
		{reason: "loose: in both sizes", opts: []Option{AllowLoose(true)}, in: "00:}00:,"},
		{reason: "thirteen digits", opts: []Option{MaxSize(999_999_999_999)}, in: "0:}1000000000000:", fault: at(15, ErrSize)},
		{reason: "twelve digits", opts: []Option{MaxSize(999_999_999_999)}, in: "0:}100000000000:x", fault: short},
		{reason: "twelve digits and a header", opts: []Option{MaxSize(999_999_999_999), MaxHeaderSize(999_999_999_999)}, in: "100000000000:x", fault: short},
	}
	for _, tt := range tests {
		for name, read := range frameReaders {
			f, err := read([]byte(tt.in), tt.opts...)
			if verdictOf(err) != tt.fault {
				t.Errorf("%s: %s of %q: error %v, want %+v", tt.reason, name, tt.in, err, tt.fault)
			}
			// NextFrame does not keep how the size of the body was spelled.
			plain := strings.NewReplacer("00:", "0:")
			if got, want := plain.Replace(string(f.Header)+string(f.Body)), plain.Replace(tt.in); err == nil && got != want {
				t.Errorf("%s: %s of %q is %q", tt.reason, name, tt.in, got)
			}
		}
	}
}

// The defaults: limits for what reads a stream, only depth for what holds its
// bytes already.
func TestDefaultLimits(t *testing.T) {
	header := func(size int) string { // of a dict with one entry
		return tn(KindDict, str("k"), str(strings.Repeat("x", size-4-len("65000:,"))))
	}
	list := func(n int) string { return tn(KindList, strings.Repeat("0:~", n)) }
	tests := []struct {
		reason string
		in     string
		err    error
	}{
		{"an element of 1 MiB", str(strings.Repeat("x", 1<<20)), nil},
		{"one byte more", str(strings.Repeat("x", 1<<20+1)), ErrTooLarge},
		{"65,536 values", list(65_535), nil},
		{"one more", list(65_536), ErrTooMany},
		{"100 levels", nested(100), nil},
		{"one more", nested(101), ErrTooDeep},
	}
	for _, tt := range tests {
		for _, r := range readers {
			if err := NewDecoder(r.of([]byte(tt.in))).Decode(new(any)); !errors.Is(err, tt.err) {
				t.Errorf("%s: Decode, %s: error %v, want %v", tt.reason, r.name, err, tt.err)
			}
		}
		onSlice := tt.err
		if onSlice != ErrTooDeep {
			onSlice = nil
		}
		if err := Unmarshal([]byte(tt.in), new(any)); !errors.Is(err, onSlice) {
			t.Errorf("%s: Unmarshal: error %v, want %v", tt.reason, err, onSlice)
		}
		if got := Valid([]byte(tt.in)); got != (onSlice == nil) {
			t.Errorf("%s: Valid: %v", tt.reason, got)
		}
		p := new(Parser)
		p.Feed([]byte(tt.in))
		if _, err := p.NextElement(); (err != nil) != (tt.err == ErrTooLarge) {
			t.Errorf("%s: the zero Parser: error %v", tt.reason, err)
		}
	}
	for size, ok := range map[int]bool{64 << 10: true, 64<<10 + 1: false} {
		for name, read := range frameReaders {
			want := ok || name == "CutFrame"
			if _, err := read([]byte(header(size) + "0:,")); (err == nil) != want || err != nil && verdictOf(err) != at(5, ErrTooLarge) {
				t.Errorf("%s of a header of %d bytes: %v", name, size, err)
			}
		}
	}
	for size, ok := range map[int]bool{1 << 20: true, 1<<20 + 1: false} {
		for name, read := range frameReaders {
			want := ok || name == "CutFrame"
			if _, err := read([]byte("0:}" + str(strings.Repeat("x", size)))); (err == nil) != want || err != nil && verdictOf(err) != at(10, ErrTooLarge) {
				t.Errorf("%s of a body of %d bytes: %v", name, size, err)
			}
		}
	}
}

func TestSeparator(t *testing.T) {
	newline := Separator('\n')
	tests := []struct {
		reason string
		opts   []Option
		in     string
		want   []string // the elements, and what comes then
	}{
		{"without the option", nil, "1:a,\n1:b,", []string{"1:a,", "malformed size at 4"}},
		{"one is skipped", []Option{newline}, "1:a,\n1:b,\n", []string{"1:a,", "1:b,", "EOF at 10"}},
		{"it is not missed", []Option{newline}, "1:a,1:b,\n1:c,", []string{"1:a,", "1:b,", "1:c,", "EOF at 13"}},
		{"two are one too many", []Option{newline}, "1:a,\n\n1:b,", []string{"1:a,", "malformed size at 5"}},
		{"two at the end as well", []Option{newline}, "1:a,\n\n", []string{"1:a,", "malformed size at 5"}},
		{"none before the first", []Option{newline}, "\n1:a,", []string{"malformed size at 0"}},
		{"nothing but one", []Option{newline}, "\n", []string{"malformed size at 0"}},
		{"only the one that is set", []Option{newline}, "1:a,\r\n1:b,", []string{"1:a,", "malformed size at 4"}},
		{"none inside", []Option{newline}, "8:0:~\n0:~,]1:b,", []string{"8:0:~\n0:~,]", "1:b,", "EOF at 15"}},
		{"a digit is ignored", []Option{Separator('1')}, "1:a,1:b,", []string{"1:a,", "1:b,", "EOF at 8"}},
		{"and takes back the one before", []Option{newline, Separator('0')}, "1:a,\n", []string{"1:a,", "malformed size at 4"}},
		{"a colon, odd as it is", []Option{Separator(':')}, "1:a,:1:b,", []string{"1:a,", "1:b,", "EOF at 9"}},
		{"a zero byte", []Option{Separator(0)}, "1:a,\x001:b,", []string{"1:a,", "1:b,", "EOF at 9"}},
		{"and nothing behind it", []Option{newline}, "1:a,\n1", []string{"1:a,", "unexpected EOF at 5"}},
	}
	for _, tt := range tests {
		for _, r := range readers {
			d := NewDecoder(r.of([]byte(tt.in)), tt.opts...)
			got := trace(d.ReadElement, d.Offset)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s: %q, %s: %q, want %q", tt.reason, tt.in, r.name, got, tt.want)
			}
		}
		for n := 1; n <= len(tt.in); n++ {
			p := NewParser(tt.opts...)
			rest := portions(n)([]byte(tt.in))
			got := trace(func() (Raw, error) { return nextFed(p, &rest) }, p.offset)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%s: %q, a Parser in portions of %d: %q, want %q", tt.reason, tt.in, n, got, tt.want)
			}
		}
	}
}

// nextFed is the next element of p, for which portions are fed as needed; at
// their end it is what a stream would say.
func nextFed(p *Parser, portions *[][]byte) (Raw, error) {
	for {
		raw, err := p.NextElement()
		if err != ErrShort {
			return raw, err
		}
		if len(*portions) == 0 && p.Buffered() > 0 {
			return nil, io.ErrUnexpectedEOF
		}
		if len(*portions) == 0 {
			return nil, io.EOF
		}
		p.Feed((*portions)[0])
		*portions = (*portions)[1:]
	}
}

// trace is what next returns, until it is an error, which is the last.
func trace(next func() (Raw, error), offset func() int64) (list []string) {
	for {
		raw, err := next()
		if e, ok := err.(*SyntaxError); ok {
			return append(list, fmt.Sprintf("%v at %d", e.Err, e.Offset))
		}
		if err != nil {
			return append(list, fmt.Sprintf("%v at %d", err, offset()))
		}
		list = append(list, string(raw))
	}
}

// Frames have one between header and body, and one between them and the next.
func TestSeparatorInFrames(t *testing.T) {
	newline := Separator('\n')
	for in, want := range map[string][]string{
		"0:}\n1:a,\n0:}\n1:b,\n": {"0:}1:a,", "0:}1:b,", "EOF at 18"},
		"0:}1:a,0:}1:b,":         {"0:}1:a,", "0:}1:b,", "EOF at 14"},
		"0:}1:a,\n0:}1:b,":       {"0:}1:a,", "0:}1:b,", "EOF at 15"},
		"0:}\n1:a,0:}\n1:b,":     {"0:}1:a,", "0:}1:b,", "EOF at 16"},
		"0:}\n\n1:a,":            {"malformed size at 4"},
		"0:}\n":                  {"unexpected EOF at 0"},
		"\n0:}1:a,":              {"malformed size at 0"},
	} {
		for _, r := range readers {
			d := NewDecoder(r.of([]byte(in)), newline)
			got := trace(func() (Raw, error) {
				f, err := d.ReadFrame()
				return slices.Concat(f.Header, f.Body), err
			}, d.Offset)
			if !slices.Equal(got, want) {
				t.Errorf("%q by ReadFrame, %s: %q, want %q", in, r.name, got, want)
			}
			d = NewDecoder(r.of([]byte(in)), newline)
			got = trace(func() (Raw, error) {
				header, body, err := d.NextFrame()
				if err != nil {
					return nil, err
				}
				frame := slices.Clone(header)
				payload, err := io.ReadAll(body)
				return append(frame, Append(nil, body.Kind(), payload)...), err
			}, d.Offset)
			if !slices.Equal(got, want) {
				t.Errorf("%q by NextFrame, %s: %q, want %q", in, r.name, got, want)
			}
		}
		p := NewParser(newline)
		p.Feed([]byte(in))
		got := trace(func() (Raw, error) {
			f, err := p.Next()
			if err == ErrShort && p.Buffered() == 0 {
				err = io.EOF
			} else if err == ErrShort {
				err = io.ErrUnexpectedEOF
			}
			return slices.Concat(f.Header, f.Body), err
		}, p.offset)
		if !slices.Equal(got, want) {
			t.Errorf("%q by Parser.Next: %q, want %q", in, got, want)
		}
	}
}

func TestSeparatorWritten(t *testing.T) {
	var w bytes.Buffer
	e := NewEncoder(&w, Separator('\n'))
	err := errors.Join(
		e.Encode("a"), e.Encode([]any{1, 2}),
		e.WriteFrame(Header{}, "b"),
		e.WriteFrameFrom(Header{}, 1, strings.NewReader("c")),
		e.Encode(nil),
	)
	if want := "1:a,\n8:1:1#1:2#]\n0:}\n1:b,\n0:}\n1:c,\n0:~\n"; err != nil || w.String() != want {
		t.Errorf("written %q, %v; want %q", w.String(), err, want)
	}
	w.Reset()
	e = NewEncoder(&w, Separator('7'))
	if err := e.Encode("a"); err != nil || w.String() != "1:a," {
		t.Errorf("with a digit: %q, %v", w.String(), err)
	}
	// One element by itself has nothing to be separated from.
	if b, err := Marshal("a", Separator('\n')); err != nil || string(b) != "1:a," {
		t.Errorf("Marshal: %q, %v", b, err)
	}
}
