package petrichor

// Rows 13 to 22, 24 and 25: what is accepted, what a fault leaves behind, and
// what is said about it.

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// limitDocument has every kind, and fits a limitStruct.
var limitDocument = limitMarshal(Dict{
	{Key: "n", Value: 42},
	{Key: "l", Value: []int{1, 2, 3}},
	{Key: "m", Value: Dict{{Key: "k", Value: true}, {Key: "o", Value: 1.5}}},
	{Key: "r", Value: []string{"hello"}},
	{Key: "next", Value: Dict{{Key: "n", Value: -98765}}},
	{Key: "unknown", Value: []any{nil}},
})

func limitMarshal(v any) string {
	b, err := Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestLimitDocumentIsSound(t *testing.T) {
	var v limitStruct
	if err := Unmarshal([]byte(limitDocument), &v); err != nil {
		t.Fatal(err)
	}
	if v.Number != 42 || len(v.List) != 3 || len(v.Map) != 2 || string(v.Raw) != "8:5:hello,]" || v.Next.Number != -98765 {
		t.Errorf("got %+v", v)
	}
}

// ---- 13 and 14: damage -------------------------------------------------------------------

func TestLimit13CutAtEveryByte(t *testing.T) {
	doors := append(limitDeepDoors(), limitOuterDoors()...)
	for n := range limitDocument {
		for _, door := range doors {
			b := []byte(limitDocument[:n])
			if door.wrap != nil && string(door.wrap(nil)) != "0:}" {
				continue // inside a container it is not cut off but malformed: row 3
			}
			err := door.read(door.bytes(b))
			switch {
			case errors.Is(err, io.ErrUnexpectedEOF), err == ErrShort, err == errLimitInvalid:
			case err == io.EOF && n == 0 && door.wrap == nil:
			default:
				t.Errorf("%d bytes: %s: got error %v", n, door.name, err)
			}
		}
	}
}

// What came whole before the cut is delivered, and the cut is told from an end.
func TestLimit13WholeOnesAreDelivered(t *testing.T) {
	two := strings.Repeat(limitDocument, 2)
	for n := len(limitDocument); n < len(two); n++ {
		d := NewDecoder(strings.NewReader(two[:n]))
		var v limitStruct
		if err := d.Decode(&v); err != nil || v.Number != 42 {
			t.Fatalf("%d bytes: %v", n, err)
		}
		want := io.ErrUnexpectedEOF
		if n == len(limitDocument) {
			want = io.EOF
		}
		if err := d.Decode(&v); err != want {
			t.Errorf("%d bytes: got %v, want %v", n, err, want)
		}
	}
}

func TestLimit14EveryByteSetToEveryOther(t *testing.T) {
	all, few := limitDoors(), limitDoors()[:8]
	if limitRace {
		all = few
	}
	for at := range limitDocument {
		for to := range 256 {
			b := []byte(limitDocument)
			b[at] = byte(to)
			doors := few
			if limitSometimes(at, to) {
				doors = all
				limitAtMost(t, fmt.Sprintf("%q", b), limitAllocated(func() { Unmarshal(b, new(any)) }), uint64(44*len(b)+8*limitKiB))
			}
			for _, door := range doors {
				before := len(b)
				err := door.read(door.bytes(b))
				var where *SyntaxError
				if errors.As(err, &where) && (where.Offset < 0 || where.Offset > int64(before+20)) {
					t.Errorf("%q: %s: offset of %v", b, door.name, err)
				}
			}
		}
	}
}

// limitSometimes picks what is to be measured, and to go through every door:
// sizes and tags, which decide how much is made, and a part of the rest.
func limitSometimes(at, to int) bool {
	return to == '9' || to == ':' || bytes.IndexByte([]byte(",#^!~]};"), byte(to)) >= 0 || (at+to)%16 == 0
}

// ---- 15: all or nothing ------------------------------------------------------------------

type limitEvery struct {
	N    int
	S    string
	B    []byte
	L    []int
	LP   []*int
	M    map[string]int
	MM   map[string]map[string]int
	P    *limitEvery
	PP   **int
	A    [3]int
	I    any
	Held any
	Big  *big.Int
	Time time.Time
	Own  limitOwn
	Last int8
}

func limitFilled() *limitEvery {
	one, two := 1, 2
	pointer := &two
	return &limitEvery{
		N: 1, S: "s", B: []byte("bytes")[:3], L: []int{1, 2, 3}[:2], LP: []*int{&one, nil},
		M: map[string]int{"a": 1}, MM: map[string]map[string]int{"a": {"b": 2}},
		P: &limitEvery{S: "inner", M: map[string]int{"x": 9}}, PP: &pointer, A: [3]int{1, 2, 3},
		I: "any", Held: &limitEvery{N: 7}, Big: big.NewInt(77), Time: time.Unix(5, 0).UTC(), Own: limitOwn{"own"}, Last: 3,
	}
}

func TestLimit15TheTargetIsAsItWas(t *testing.T) {
	changes := limitChanges(t)
	good := Append(nil, KindDict, []byte(changes))
	got := limitFilled()
	if err := Unmarshal(good, got); err != nil || reflect.DeepEqual(got, limitFilled()) {
		t.Fatalf("the good document: %v, changed %v", err, !reflect.DeepEqual(got, limitFilled()))
	}
	for _, test := range []struct {
		name, last string
		opts       []Option
		want       error
	}{
		{"a payload that does not match", "4:Last,1:x#", nil, ErrPayload},
		{"an unknown tag", "4:Last,1:1?", nil, ErrKind},
		{"a size beyond the dict", "4:Last,9:1#", nil, ErrSize},
		{"a malformed size", "4:Last,01:1#", nil, ErrSize},
		{"a key without a value", "4:Last,", nil, ErrPayload},
		{"a key that is no string", "1:1#1:1#", nil, ErrKey},
		{"a key twice", "1:N,1:3#", nil, ErrDuplicate},
		{"out of range", "4:Last,3:128#", nil, errRange},
		{"another type", "4:Last,1:x,", nil, nil},
		{"another type inside", "1:Z,3:0:~]1:P,0:]", []Option{AllowDuplicateKeys(true)}, nil},
		{"an unknown key, refused", "1:Z,0:~", []Option{RejectUnknownKeys(true)}, errUnknownKey},
		{"too deep", "1:Z,9:6:3:0:]]]]", []Option{MaxDepth(3)}, ErrTooDeep},
		{"too many", "1:Z,0:~", []Option{MaxValues(20)}, ErrTooMany},
		{"a method refuses", "4:Last,1:1#4:Time,4:noon,", []Option{AllowDuplicateKeys(true)}, nil},
		{"an Unmarshaler refuses", "3:Own,3:bad,", []Option{AllowDuplicateKeys(true)}, nil},
	} {
		b := Append(nil, KindDict, []byte(changes+test.last))
		for door, read := range map[string]func(v any) error{
			"Unmarshal":         func(v any) error { return Unmarshal(b, v, test.opts...) },
			"Decode":            func(v any) error { return NewDecoder(bytes.NewReader(b), test.opts...).Decode(v) },
			"Decode, in pieces": func(v any) error { return NewDecoder(&limitPieces{b, 1}, test.opts...).Decode(v) },
		} {
			target := limitFilled()
			held, list, bytes := target.Held, target.L[:3], target.B[:5]
			err := read(target)
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%s: %s: got error %v, want %v", test.name, door, err, test.want)
			}
			if want := limitFilled(); !reflect.DeepEqual(target, want) {
				t.Errorf("%s: %s: the target has changed:\n got %+v\nwant %+v", test.name, door, target, want)
			}
			if target.Held != held || !reflect.DeepEqual(list, []int{1, 2, 3}) || string(bytes) != "bytes" {
				t.Errorf("%s: %s: what lies behind the target has changed", test.name, door)
			}
		}
	}
}

// limitChanges is the entries of a dict that would change every field but Last.
func limitChanges(t *testing.T) string {
	el, _, err := Cut([]byte(limitMarshal(Dict{
		{Key: "N", Value: 2},
		{Key: "S", Value: "x"},
		{Key: "B", Value: "XYZ"},
		{Key: "L", Value: []int{9, 8}},
		{Key: "LP", Value: []int{9}},
		{Key: "M", Value: map[string]int{"a": 9, "n": 9}},
		{Key: "MM", Value: Dict{{Key: "a", Value: map[string]int{"b": 9}}}},
		{Key: "P", Value: Dict{{Key: "S", Value: "y"}, {Key: "M", Value: map[string]int{"x": 1}}}},
		{Key: "PP", Value: 5},
		{Key: "A", Value: []int{9, 8}},
		{Key: "I", Value: []int{}},
		{Key: "Held", Value: map[string]int{"N": 8}},
		{Key: "Big", Value: 78},
		{Key: "Time", Value: "2026-01-01T00:00:00Z"},
		{Key: "Own", Value: 1},
	})))
	if err != nil {
		t.Fatal(err)
	}
	return string(el.Payload)
}

// What keeps the target safe is a copy of it to write into, which a target that
// is zero does not need.
func TestLimit15Cost(t *testing.T) {
	b := []byte(limitMarshal(Dict{
		{Key: "n", Value: 42},
		{Key: "l", Value: make([]int, 20)},
		{Key: "next", Value: Dict{{Key: "l", Value: make([]int, 20)}}},
	}))
	read := func(fill func() limitStruct) func() {
		return func() {
			for range 1000 {
				v := fill()
				if err := Unmarshal(b, &v); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	zero := read(func() limitStruct { return limitStruct{} })
	filled := read(func() limitStruct { return limitStruct{Number: 1} })
	limitEventually(t, 20, func() error {
		bare, safe := limitFastest(3, zero), limitFastest(3, filled)
		t.Logf("with a copy %v, without %v", safe, bare)
		if 10*safe > 11*bare {
			return fmt.Errorf("%v, and %v without a copy: promised are 10 %% more", safe, bare)
		}
		return nil
	})
}

// ---- 16 to 21: one spelling --------------------------------------------------------------

// limitEverywhere reads b by all ways that look all the way down.
func limitEverywhere(b []byte, each func(door string, err error)) {
	for _, door := range limitDeepDoors() {
		each(door.name, door.read(door.bytes(b)))
	}
}

func TestLimit16DuplicateNames(t *testing.T) {
	var many []byte
	for range 100_000 {
		many = append(many, "1:k,0:~"...)
	}
	var far []byte
	for i := range 50 {
		far = append(Append(far, KindString, fmt.Appendf(nil, "k%d", i*7%50)), "0:~"...)
	}
	for _, test := range []struct {
		name, entries string
		offset        int64
		path          string
	}{
		{"in a row", "1:k,0:~1:k,0:~", 9 + 4, "/k"},
		{"another value", "1:k,0:~1:k,1:1#", 9 + 4 + 1 - 1, "/k"},
		{"one between", "1:k,0:~1:a,0:~1:k,0:~", 0, "/k"},
		{"the empty name", "0:,0:~0:,0:~", 0, "/"},
		{"100,000 times", string(many), 7 + 7 + 2, "/k"},
		{"after fifty others", string(far) + "2:k0,0:~", 0, "/k0"},
	} {
		b := Append(nil, KindDict, []byte(test.entries))
		limitEverywhere(b, func(door string, err error) {
			if !errors.Is(err, ErrDuplicate) && err != errLimitInvalid {
				t.Errorf("%s: %s: got %v, want ErrDuplicate", test.name, door, err)
			}
		})
		var where *SyntaxError
		err := Unmarshal(b, new(any))
		if !errors.As(err, &where) || where.Path != test.path {
			t.Fatalf("%s: got %v, want the path %s", test.name, err, test.path)
		}
		key := strings.TrimPrefix(test.path, "/")
		second := strings.LastIndex(string(b), key+",")
		if test.name == "100,000 times" {
			second = strings.Index(string(b), ":") + 1 + len("1:k,0:~1:")
		}
		if where.Offset != int64(second) {
			t.Errorf("%s: offset %d, want %d", test.name, where.Offset, second)
		}
		var last map[string]any
		if err := Unmarshal(b, &last, AllowDuplicateKeys(true)); err != nil {
			t.Errorf("%s: allowed: %v", test.name, err)
		}
	}
	var last map[string]int
	if err := Unmarshal([]byte("16:1:k,1:1#1:k,1:2#}"), &last, AllowDuplicateKeys(true)); err != nil || last["k"] != 2 {
		t.Errorf("got %v, %v, want the last one", last, err)
	}
}

func TestLimit17Names(t *testing.T) {
	var v struct {
		Name  int
		Other int `tnet:"other"`
	}
	for _, name := range []string{"name", "NAME", "nAME", "Name ", " Name", "Name\x00", "Other", "oTher", "ﾅame", "Nam\u0065\u0301", ""} {
		b := Append(nil, KindDict, append(Append(nil, KindString, []byte(name)), "1:1#"...))
		if err := Unmarshal(b, &v); err != nil || v.Name != 0 || v.Other != 0 {
			t.Errorf("%q: %v, got %+v", name, err, v)
		}
		if err := Unmarshal(b, &v, RejectUnknownKeys(true)); !errors.Is(err, errUnknownKey) {
			t.Errorf("%q: got %v, want an unknown key", name, err)
		}
	}
	for _, key := range []string{"1:1#", "3:1.5^", "4:true!", "0:~", "0:]", "0:}", "7:1:k,1:1#}"} {
		limitEverywhere(Append(nil, KindDict, []byte(key+"0:~")), func(door string, err error) {
			if !errors.Is(err, ErrKey) && err != errLimitInvalid {
				t.Errorf("%q as a key: %s: got %v, want ErrKey", key, door, err)
			}
		})
	}
	limitEverywhere([]byte("7:1:k;0:~}"), func(door string, err error) {
		if !errors.Is(err, ErrKind) && err != errLimitInvalid {
			t.Errorf("a text as a key: %s: got %v, want ErrKind", door, err)
		}
	})
}

func TestLimit18Ints(t *testing.T) {
	for _, text := range []string{
		"", "-", "+1", "+0", "01", "00", "-0", "-01", "--1", "1-", " 1", "1 ", "1_000", "0x1f", "0b1", "0o7", "1e3",
		"1.0", "1,000", "١", "1\x00", "\n1", "NaN", "inf", "1a", "a1",
	} {
		limitRefused(t, KindInt, text, ErrPayload)
	}
	for _, n := range []int{401, 1000, 1_000_000} {
		limitRefused(t, KindInt, strings.Repeat("9", n), ErrTooLarge)
	}
	for _, text := range []string{"0", "1", "-1", "9223372036854775807", "-9223372036854775808", "18446744073709551615", strings.Repeat("9", 400)} {
		var n *big.Int
		var number Number
		if err := Unmarshal(Append(nil, KindInt, []byte(text)), &n); err != nil || n.String() != text {
			t.Errorf("%s: got %v, %v", text, n, err)
		}
		if err := Unmarshal(Append(nil, KindInt, []byte(text)), &number); err != nil || string(number) != text {
			t.Errorf("%s: got %v, %v", text, number, err)
		}
	}
	for _, test := range []struct {
		text   string
		target any
	}{
		{"128", new(int8)},
		{"-129", new(int8)},
		{"32768", new(int16)},
		{"2147483648", new(int32)},
		{"9223372036854775808", new(int64)},
		{"-9223372036854775809", new(int64)},
		{"256", new(uint8)},
		{"-1", new(uint)},
		{"18446744073709551616", new(uint64)},
		{"65536", new(uint16)},
		{"4294967296", new(uint32)},
		{strings.Repeat("9", 400), new(int64)},
		{strings.Repeat("9", 400), new(uint64)},
		{strings.Repeat("9", 400), new(float64)},
	} {
		err := Unmarshal(Append(nil, KindInt, []byte(test.text)), test.target)
		var mismatch *TypeError
		if !errors.As(err, &mismatch) || !errors.Is(err, errRange) || !reflect.ValueOf(test.target).Elem().IsZero() {
			t.Errorf("%.40s into %T: got %v, %v, want a range error", test.text, test.target, err, reflect.ValueOf(test.target).Elem())
		}
	}
}

// limitRefused wants an element with tag k and payload text refused everywhere.
func limitRefused(t *testing.T, k Kind, text string, want error) {
	t.Helper()
	limitEverywhere(Append(nil, k, []byte(text)), func(door string, err error) {
		if !errors.Is(err, want) && err != errLimitInvalid {
			t.Errorf("%.40q as %v: %s: got %v, want %v", text, k, door, err, want)
		}
	})
}

// A number that is too long is refused by its size: its digits are not looked
// at, however many there are.
func TestLimit18LongNumbersCostNothing(t *testing.T) {
	long := Append(nil, KindInt, bytes.Repeat([]byte("7"), 1_000_000))
	for _, to := range limitTargets() {
		read := func() {
			for range 100 {
				Unmarshal(long, to.make())
			}
		}
		limitAtMost(t, to.name, limitAllocated(func() { Unmarshal(long, to.make()) }), 8*limitKiB)
		limitEventually(t, 20, func() error {
			// To look at a million digits takes 100 microseconds at least.
			if took := limitFastest(3, read) / 100; took > 20*time.Microsecond && !limitRace {
				return fmt.Errorf("%s: %v", to.name, took)
			}
			return nil
		})
	}
}

func TestLimit19Floats(t *testing.T) {
	for _, text := range []string{
		"", "-", ".", "-.", ".5", "5.", "+1.5", "00.5", "01.5", "-00.5", "1.5.5", "1,5", "1 .5", " 1.5", "1.5 ", "1_0.5", "0x1p-2", "0X1.8P1",
		"1e", "1e+", "e5", "1.e5", "1e5.5", "1E++5", "nan", "NaN", "inf", "-inf", "+Inf", "Infinity", "infinity", "1.5f", "1.5\x00", "１.5",
	} {
		limitRefused(t, KindFloat, text, ErrPayload)
	}
	limitRefused(t, KindFloat, "0."+strings.Repeat("1", 399), ErrTooLarge)
	for _, text := range []string{"1e999", "-1e999", "1e400", "1" + strings.Repeat("0", 399)} {
		for _, target := range []any{new(any), new(float64), new(float32)} {
			err := Unmarshal(Append(nil, KindFloat, []byte(text)), target)
			if !errors.Is(err, errRange) {
				t.Errorf("%.20s into %T: got %v, want a range error", text, target, err)
			}
		}
	}
	for _, text := range []string{"0.0", "-0.0", "1", "1e16", "1E+16", "1.5e-7", "0." + strings.Repeat("0", 396) + "1", fmt.Sprintf("%f", math.MaxFloat64)} {
		var f float64
		if err := Unmarshal(Append(nil, KindFloat, []byte(text)), &f); err != nil {
			t.Errorf("%.20s: %v", text, err)
		}
	}
	for _, f := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		b, err := Marshal(f)
		if err == nil {
			t.Errorf("%v is written as %q", f, b)
		}
		if b, err = Marshal(f, AllowNonFinite(true)); err != nil || !Valid(b, AllowNonFinite(true)) || Valid(b) {
			t.Errorf("%v, allowed, is written as %q, %v", f, b, err)
		}
	}
}

func TestLimit20BoolsAndNulls(t *testing.T) {
	for _, text := range []string{"", "True", "TRUE", "tru", "truee", "1", "0", "yes", "t", "false ", " true", "False", "f", "\x00", "null", "falsetrue"} {
		limitRefused(t, KindBool, text, ErrPayload)
	}
	for _, text := range []string{"null", "nil", "0", " ", "~", "\x00", "none"} {
		limitRefused(t, KindNull, text, ErrPayload)
	}
}

func TestLimit21BytesAfterTheValue(t *testing.T) {
	for _, value := range []string{"0:~", "5:hello,", limitDocument} {
		for _, rest := range []string{"0:~", "\n", "\x00", " ", "x", "5:hello,", "999999999:"} {
			b := []byte(value + rest)
			for _, to := range limitTargets() {
				if err := Unmarshal(b, to.make()); !errors.Is(err, ErrTrailing) {
					t.Errorf("%q into %s: got %v, want ErrTrailing", b, to.name, err)
				}
			}
			if Valid(b) {
				t.Errorf("%q is valid", b)
			}
			if _, left, err := Cut(b); err != nil || string(left) != rest {
				t.Errorf("%q: Cut leaves %q, %v", b, left, err)
			}
			d := NewDecoder(bytes.NewReader(b))
			if err := d.Decode(new(any)); err != nil || string(d.Buffered()) != rest || d.Offset() != int64(len(value)) {
				t.Errorf("%q: Decode leaves %q, %v", b, d.Buffered(), err)
			}
			p := NewParser()
			p.Feed(b)
			if _, err := p.NextElement(); err != nil || p.Buffered() != len(rest) {
				t.Errorf("%q: NextElement leaves %d bytes, %v", b, p.Buffered(), err)
			}
		}
	}
	if _, left, err := CutFrame([]byte("0:}0:,rest")); err != nil || string(left) != "rest" {
		t.Errorf("CutFrame leaves %q, %v", left, err)
	}
}

// ---- 22: encode(decode(x)) = x -------------------------------------------------------------

// What is accepted is written again as it was.  Only a float that was not spelled
// the shortest way is spelled so from then on; as a Number it stays as it was.
//
// That the ports for C and Ruby give the same verdicts and values is for their
// own tests to show.
func TestLimit22AcceptedIsWrittenAgain(t *testing.T) {
	files, err := filepath.Glob("testdata/interop/*.json")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d files of vectors, %v", len(files), err)
	}
	accepted, floats := 0, 0
	for _, name := range files {
		for _, x := range limitVectors(t, name) {
			for _, text := range []bool{false, true} {
				options := []Option{KeepOrder(true), AllowText(text)}
				var v any
				if Unmarshal(x, &v, options...) != nil {
					continue
				}
				accepted++
				again, err := Marshal(v, options...)
				if err != nil {
					t.Errorf("%s: %.60q cannot be written: %v", name, x, err)
				}
				if bytes.Equal(again, x) {
					continue
				}
				floats++
				if bytes.IndexByte(x, '^') < 0 {
					t.Errorf("%s: %.60q is written as %.60q", name, x, again)
				}
				var second any
				if err := Unmarshal(again, &second, options...); err != nil || !reflect.DeepEqual(v, second) {
					t.Errorf("%s: %.60q is written as %.60q, which is another value (%v)", name, x, again, err)
				}
			}
			var raw Raw
			if Unmarshal(x, &raw) == nil && !bytes.Equal(raw, x) {
				t.Errorf("%s: %.60q as Raw is %.60q", name, x, raw)
			}
		}
	}
	if accepted < 100 || floats > accepted/10 {
		t.Errorf("%d accepted, of them %d with floats spelled anew: the test has lost its point", accepted, floats)
	}
}

func limitVectors(t *testing.T, name string) (inputs [][]byte) {
	t.Helper()
	var file struct {
		Cases []struct{ Hex string }
	}
	b, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(b, &file)
	}
	for _, c := range file.Cases {
		x, bad := hex.DecodeString(c.Hex)
		if bad != nil {
			err = bad
		}
		inputs = append(inputs, x)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return inputs
}

// ---- 24: buffers ---------------------------------------------------------------------------

type limitKept struct{ b []byte }

func (k *limitKept) UnmarshalTNet(b []byte) error { k.b = b; return nil }

func TestLimit24TheInputIsNotKept(t *testing.T) {
	type all struct {
		S    string
		B    []byte
		A    [3]byte
		R    Raw
		N    Number
		Any  any
		Dict Dict
		M    map[string]string
		L    []string
		Kept limitKept
		Big  *big.Int
		URL  *url.URL
		IP   netip.Addr
	}
	wire := []byte(limitMarshal(Dict{
		{Key: "S", Value: "string"},
		{Key: "B", Value: "bytes"},
		{Key: "A", Value: "abc"},
		{Key: "R", Value: []any{"raw", 1}},
		{Key: "N", Value: 12345},
		{Key: "Any", Value: Dict{{Key: "key", Value: []any{"value", "x"}}}},
		{Key: "Dict", Value: Dict{{Key: "key", Value: "value"}}},
		{Key: "M", Value: map[string]string{"key": "value"}},
		{Key: "L", Value: []string{"one", "two"}},
		{Key: "Kept", Value: "kept"},
		{Key: "Big", Value: 98765},
		{Key: "URL", Value: "http://example.org/path"},
		{Key: "IP", Value: "192.0.2.1"},
	}))
	var want all
	if err := Unmarshal(bytes.Clone(wire), &want); err != nil {
		t.Fatal(err)
	}
	for _, opt := range []Option{KeepOrder(false), AllowText(true)} {
		for name, read := range map[string]func(b []byte, v *all) error{
			"Unmarshal": func(b []byte, v *all) error { return Unmarshal(b, v, opt) },
			"Decode": func(b []byte, v *all) error {
				d := NewDecoder(&limitPieces{append(b, bytes.Repeat([]byte("3:***,"), 1000)...), 5000}, opt)
				err := d.Decode(v)
				for range 1000 { // the buffer is used again
					if _, err := d.ReadElement(); err != nil {
						return err
					}
				}
				return err
			},
			"Parser": func(b []byte, v *all) error {
				p := NewParser(opt)
				p.Feed(b)
				raw, err := p.NextElement()
				if err == nil {
					err = Unmarshal(raw, v, opt)
				}
				p.Feed(bytes.Repeat([]byte("*"), len(b)))
				return err
			},
		} {
			b := append(make([]byte, 0, len(wire)), wire...)
			var got, want all
			if err := read(b, &got); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for i := range b {
				b[i] = '*'
			}
			runtime.GC()
			if err := Unmarshal(bytes.Clone(wire), &want, opt); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: after the input was overwritten:\n got %+v\nwant %+v", name, got, want)
			}
		}
	}
}

// A million frames over 64 connections, each with the name of its connection in
// every place: none shows up in another.
func TestLimit24Canaries(t *testing.T) {
	const connections = 64
	frames := 1_000_000 / connections
	if limitRace || testing.Short() {
		frames /= 20
	}
	var wg sync.WaitGroup
	for i := range connections {
		wg.Go(func() {
			near, far := limitPipe()
			go func() {
				c := NewConn(near)
				defer c.Close()
				for n := range frames {
					canary := limitCanary(i, n)
					if err := c.Send(Header{"canary": canary}, canary); err != nil {
						t.Errorf("connection %d: Send: %v", i, err)
						return
					}
				}
			}()
			c := NewConn(far)
			for n := range frames {
				f, err := c.Recv()
				canary := limitCanary(i, n)
				var header struct {
					Canary string `tnet:"canary"`
				}
				if err == nil {
					err = Unmarshal(f.Header, &header)
				}
				body, _, _ := Cut(f.Body)
				if err != nil || header.Canary != canary || string(body.Payload) != canary {
					t.Errorf("connection %d, frame %d: %q, %q, %v, want %q", i, n, header.Canary, body.Payload, err, canary)
					return
				}
			}
			if _, err := c.Recv(); err != io.EOF {
				t.Errorf("connection %d: after the last: %v", i, err)
			}
		})
	}
	wg.Wait()
}

// limitCanary differs in length too, so that buffers are used unevenly.
func limitCanary(connection, n int) string {
	return fmt.Sprintf("%0*d-%d", connection+1, connection, n)
}

// ---- 25: what errors say -------------------------------------------------------------------

func TestLimit25ErrorsAreForPeople(t *testing.T) {
	hostile := []string{
		strings.Repeat("long", 10_000), "\x00\x01\x1b[31m\x07\r\n", "\u202e\u2066\u200b", "\xff\xfe\x80", strings.Repeat("\x00", 1000),
		"a/b~c", "\"quoted\"\\", "", strings.Repeat("\u202e", 300), "日本語", "%s%n%x", "<script>",
	}
	const secret = "hunter2-the-secret"
	kinds := []struct {
		name, value string
	}{
		{"syntax", limitMarshal(secret) + "1:x#"},
		{"type", limitMarshal(secret)},
		{"bool", string(Append(nil, KindBool, []byte(secret)))},
		{"int", string(Append(nil, KindInt, []byte(secret)))},
		{"float", string(Append(nil, KindFloat, []byte(secret)))},
		{"null", string(Append(nil, KindNull, []byte(secret)))},
		{"tag", fmt.Sprintf("%d:%s?", len(secret), secret)},
		{"method", limitMarshal("bad " + secret)},
		{"list", limitMarshal([]string{secret})},
		{"dict", limitMarshal(Dict{{Key: "k", Value: secret}})},
	}
	type own struct {
		T time.Time
		A netip.Addr
		U *url.URL
		O limitOwn
		N int8
		B [3]byte
		M map[int]int
	}
	seen := 0
	for _, key := range hostile {
		for _, kind := range kinds {
			dict := Append(nil, KindDict, append(Append(nil, KindString, []byte(key)), kind.value...))
			deep := dict
			for range 20 {
				deep = Append(nil, KindDict, append(Append(nil, KindString, []byte(key)), deep...))
			}
			for _, b := range [][]byte{dict, deep} {
				for _, target := range []any{new(any), new(map[string]int), new(map[string]time.Time), new(map[string]netip.Addr), new(map[string]limitOwn), new(map[int]int), new(int)} {
					for _, err := range []error{
						Unmarshal(b, target), Unmarshal(b, target, RejectUnknownKeys(true), MaxDepth(3)),
						NewDecoder(bytes.NewReader(b)).Decode(target), Unmarshal(append(b, secret...), target),
					} {
						if err != nil {
							seen++
							limitMessage(t, err, secret)
						}
					}
				}
			}
		}
		for field := range reflect.TypeFor[own]().Fields() {
			for _, kind := range kinds {
				b := Append(nil, KindDict, append(Append(nil, KindString, []byte(field.Name)), kind.value...))
				if err := Unmarshal(b, new(own)); err != nil {
					seen++
					limitMessage(t, err, secret)
				}
			}
		}
	}
	if seen < 1000 {
		t.Errorf("%d errors: the test has lost its point", seen)
	}
}

// limitMessage wants the message of err short, in printable ASCII, without the
// secret, and where there was a place with the place.
func limitMessage(t *testing.T, err error, secret string) {
	t.Helper()
	message := err.Error()
	if len(message) > 256 || strings.IndexFunc(message, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 {
		t.Errorf("%d bytes: %q", len(message), message)
	}
	for n := 5; n <= len(secret); n++ {
		if strings.Contains(message, secret[:n]) || strings.Contains(message, secret[len(secret)-n:]) {
			t.Fatalf("the value is in %q", message)
		}
	}
	if message != io.ErrUnexpectedEOF.Error() && !strings.Contains(message, "at offset ") && !errors.Is(err, ErrTooLarge) {
		t.Errorf("no offset in %q", message)
	}
}

// What stands in the way of a frame is a peer's too.
func TestLimit25FrameErrors(t *testing.T) {
	for _, peer := range []string{"\x1b[2J", "GET / HTTP/1.1\r\n", "999999999:", "6:secret,0:~", "0:}6:secret?"} {
		for _, door := range limitFrameDoors() {
			err := door.read([]byte(peer))
			if err == nil {
				t.Errorf("%q: %s: no error", peer, door.name)
				continue
			}
			if message := err.Error(); len(message) > 256 || strings.Contains(message, "secret") || strings.Contains(message, "\x1b") {
				t.Errorf("%q: %s: %q", peer, door.name, message)
			}
		}
	}
}
