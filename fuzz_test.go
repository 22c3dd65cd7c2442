package petrichor

// Native fuzz targets.  Each is named by the sentence it checks, and opens with
// that sentence.  The seeds are the interop vectors and a handful of our own;
// the second argument of a target selects options, so that one corpus serves
// the strict form and every looser one.

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
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"testing"
	"time"
	"unicode/utf8"
)

// What the second argument of a target selects.
const (
	fuzzText = 1 << iota
	fuzzLoose
	fuzzNonFinite
	fuzzDuplicates
	fuzzOrder
	fuzzSeparated
	fuzzSmall
	fuzzUnknown
	fuzzFrame
	fuzzPresent
)

// fuzzLong is the longest input worth its time; nothing new begins there.
const fuzzLong = 8 << 10

func fuzzOptions(bits uint16) []Option {
	opts := []Option{
		AllowText(bits&fuzzText != 0),
		AllowLoose(bits&fuzzLoose != 0),
		AllowNonFinite(bits&fuzzNonFinite != 0),
		AllowDuplicateKeys(bits&fuzzDuplicates != 0),
		KeepOrder(bits&fuzzOrder != 0),
		RejectUnknownKeys(bits&fuzzUnknown != 0),
	}
	if bits&fuzzSeparated != 0 {
		opts = append(opts, Separator('\n'))
	}
	if bits&fuzzSmall != 0 {
		opts = append(opts, MaxSize(64), MaxHeaderSize(24), MaxDepth(3), MaxValues(9))
	}
	return opts
}

// fuzzVectors returns every interop vector and the small mitmproxy dumps.
func fuzzVectors(tb testing.TB) [][]byte {
	tb.Helper()
	files, err := filepath.Glob("testdata/interop/*.json")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no interop vectors to seed with: %v", err)
	}
	var all [][]byte
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		var file struct{ Cases []struct{ Hex string } }
		if err := json.Unmarshal(text, &file); err != nil {
			tb.Fatalf("%s: %v", name, err)
		}
		for _, c := range file.Cases {
			b, err := hex.DecodeString(c.Hex)
			if err != nil {
				tb.Fatalf("%s: %v", name, err)
			}
			all = append(all, b)
		}
	}
	dumps, _ := filepath.Glob("testdata/interop/mitmproxy/*.mitm")
	for _, name := range dumps {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		if len(b) <= 3<<10 {
			all = append(all, b)
		}
	}
	return all
}

// fuzzHandwritten are inputs the vectors lack.
var fuzzHandwritten = []string{
	"0:}5:hello,", "0:}5:hello,0:}0:~", "12:2:id,5:hello,}0:~\n0:}3:abc,\n",
	"0:}05:hello,", "00:}0:~", "0:]0:~", "0:}9:abc", "0:}1:ab", "999999999:", "1000000000:", "0:}999999999:",
	"10:1:a,1:1#1:a}", "16:1:b,1:1#1:a,1:2#}", "16:1:a,1:1#1:a,1:2#}", "16:1:a;1:1#1:a,1:2#}",
	"3:nan^", "8:Infinity^", "4:-inf^", "2:+5#", "2:05#", "2:-0#", "2:.5^", "2:5.^", "4:-0.0^", "5:1e400^",
	"19:9223372036854775807#", "20:18446744073709551615#", "21:100000000000000000000#",
	"7:1e+0021^", "0:;", "2:\xc3\xa9;", "1:\xff;", "1:\xff,", "4:4:~~~~]", "16:12:8:4:0:~0:~]]]]",
	"9:6:3:0:~]]]", "3:0:~]", "12:4:true!0:~0:]}", "7:0:,0:~0:,}", "4:5:x,]", "4:0:~\n]",
	"12:7:unknown,0:~}", "5:1:A,1:1#}",
}

// fuzzSeed hands every seed to add.
func fuzzSeed(f *testing.F, add func(b []byte)) {
	for _, b := range fuzzVectors(f) {
		add(b)
	}
	for _, s := range fuzzHandwritten {
		add([]byte(s))
	}
}

// ---- A reference reader, written from the grammar with regular expressions ------

// A fuzzNode is an element as the reference reader sees it.
type fuzzNode struct {
	kind    Kind
	payload []byte
	kids    []fuzzNode
}

var (
	fuzzSizes = map[bool]*regexp.Regexp{
		false: regexp.MustCompile(`^(0|[1-9][0-9]{0,8}):`),
		true:  regexp.MustCompile(`^([0-9]{1,9}):`),
	}
	fuzzSizesBegun = map[bool]*regexp.Regexp{
		false: regexp.MustCompile(`^(|0|[1-9][0-9]{0,8})$`),
		true:  regexp.MustCompile(`^[0-9]{0,9}$`),
	}
	fuzzInts = map[bool]*regexp.Regexp{
		false: regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`),
		true:  regexp.MustCompile(`^[+-]?[0-9]+$`),
	}
	fuzzIntsBegun = map[bool]*regexp.Regexp{
		false: regexp.MustCompile(`^(|0|-|-?[1-9][0-9]*)$`),
		true:  regexp.MustCompile(`^[+-]?[0-9]*$`),
	}
	fuzzFloats = map[bool]*regexp.Regexp{
		false: regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`),
		true:  regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`),
	}
	fuzzFloatsBegun = map[bool]*regexp.Regexp{
		false: regexp.MustCompile(`^-?(|(0|[1-9][0-9]*)(\.[0-9]*|(\.[0-9]+)?[eE][+-]?[0-9]*)?)$`),
		true:  regexp.MustCompile(`^[+-]?(|[0-9]+\.?[0-9]*|\.[0-9]*|([0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]*)$`),
	}
	fuzzNonFinites = regexp.MustCompile(`^[+-]?(?i:inf|infinity|nan)$`)
)

// fuzzCut is Cut as the grammar says it.  short says that b is the beginning of
// an element, ok that it holds a whole one.
func fuzzCut(b []byte, bits uint16) (el fuzzNode, rest []byte, short, ok bool) {
	loose := bits&fuzzLoose != 0
	if fuzzSizesBegun[loose].Match(b) {
		return el, nil, true, false
	}
	m := fuzzSizes[loose].FindSubmatch(b)
	if m == nil {
		return el, nil, false, false
	}
	size, _ := strconv.Atoi(string(m[1]))
	if bits&fuzzSmall != 0 && size > 64 {
		return el, nil, false, false
	}
	b = b[len(m[0]):]
	if len(b) < size+1 {
		return el, nil, true, false
	}
	tags := ",#^!~]}"
	if bits&fuzzText != 0 {
		tags += ";"
	}
	if !bytes.ContainsRune([]byte(tags), rune(b[size])) {
		return el, nil, false, false
	}
	return fuzzNode{kind: Kind(b[size]), payload: b[:size]}, b[size+1:], false, true
}

// fuzzParse is the whole of b as one element, all the way down.
func fuzzParse(b []byte, bits uint16) (fuzzNode, bool) {
	left, depth := math.MaxInt, 100
	if bits&fuzzSmall != 0 {
		left, depth = 9, 3
	}
	el, rest, _, ok := fuzzCut(b, bits)
	if !ok || len(rest) > 0 {
		return el, false
	}
	return el, el.parse(bits, depth, &left)
}

func (n *fuzzNode) parse(bits uint16, depth int, left *int) bool {
	if *left--; *left < 0 {
		return false
	}
	loose, s := bits&fuzzLoose != 0, string(n.payload)
	switch n.kind {
	case KindString:
		return true
	case KindText:
		return utf8.Valid(n.payload)
	case KindNull:
		return s == ""
	case KindBool:
		return s == "true" || s == "false"
	case KindInt:
		return len(s) <= 400 && fuzzInts[loose].MatchString(s)
	case KindFloat:
		return len(s) <= 400 && (fuzzFloats[loose].MatchString(s) || bits&fuzzNonFinite != 0 && fuzzNonFinites.MatchString(s))
	}
	if depth == 0 {
		return false
	}
	for b := n.payload; len(b) > 0; {
		kid, rest, _, ok := fuzzCut(b, bits)
		if !ok || !kid.parse(bits, depth-1, left) {
			return false
		}
		n.kids, b = append(n.kids, kid), rest
	}
	return n.kind == KindList || n.keysAreFine(bits)
}

func (n *fuzzNode) keysAreFine(bits uint16) bool {
	seen := map[string]bool{}
	for i := 0; i < len(n.kids); i += 2 {
		key := n.kids[i]
		if key.kind != KindString && key.kind != KindText {
			return false
		}
		if seen[string(key.payload)] && bits&fuzzDuplicates == 0 {
			return false
		}
		seen[string(key.payload)] = true
	}
	return len(n.kids)%2 == 0
}

// value is what the element is in an any; ok is false for a float that a
// float64 cannot hold.
func (n *fuzzNode) value(bits uint16) (v any, ok bool) {
	s := string(n.payload)
	switch n.kind {
	case KindNull:
		return nil, true
	case KindBool:
		return s == "true", true
	case KindInt:
		v := new(big.Int)
		v.SetString(s, 10)
		if v.IsInt64() {
			return v.Int64(), true
		}
		return v, true
	case KindFloat:
		f, err := strconv.ParseFloat(s, 64) // takes more than the grammar does, and all of that
		if fuzzNonFinites.MatchString(s) && err != nil {
			return math.NaN(), true // of the spellings of NaN it does not take the signed ones
		}
		return f, err == nil
	case KindString:
		if bits&fuzzText != 0 {
			return append([]byte{}, s...), true
		}
		return s, true
	case KindText:
		return s, true
	case KindList:
		list := []any{}
		for _, kid := range n.kids {
			v, ok := kid.value(bits)
			if !ok {
				return nil, false
			}
			list = append(list, v)
		}
		return list, true
	}
	return n.dict(bits)
}

func (n *fuzzNode) dict(bits uint16) (v any, ok bool) {
	ordered, m := Dict{}, map[string]any{}
	for i := 0; i < len(n.kids); i += 2 {
		v, ok := n.kids[i+1].value(bits)
		if !ok {
			return nil, false
		}
		e := Entry{Key: string(n.kids[i].payload), Value: v}
		if bits&fuzzText != 0 && n.kids[i].kind == KindString {
			e.KeyKind = KindString
		}
		ordered, m[e.Key] = append(ordered, e), v
	}
	if bits&fuzzOrder != 0 {
		return ordered, true
	}
	return m, true
}

// fuzzSame is reflect.DeepEqual with NaN equal to itself.
func fuzzSame(a, b any) bool {
	return fmt.Sprintf("%#v", fuzzPlain(a)) == fmt.Sprintf("%#v", fuzzPlain(b))
}

// fuzzPlain replaces the pointers of v, of which Sprintf shows the address.
func fuzzPlain(v any) any {
	switch v := v.(type) {
	case *big.Int:
		return "big " + v.String()
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = fuzzPlain(v[i])
		}
		return list
	case Dict:
		dict := make(Dict, len(v))
		for i, e := range v {
			dict[i] = Entry{e.Key, fuzzPlain(e.Value), e.KeyKind}
		}
		return dict
	case map[string]any:
		m := map[string]any{}
		for k, e := range v {
			m[k] = fuzzPlain(e)
		}
		return m
	}
	return v
}

func fuzzIsSyntax(err error) bool {
	var e *SyntaxError
	return errors.As(err, &e)
}

func fuzzIsType(err error) bool {
	_, ok := err.(*TypeError)
	return ok
}

// ---- The targets ---------------------------------------------------------------------

// Cut takes exactly the element that the grammar says, and what it returns puts
// together what it was given, with no capacity beyond the element.
func FuzzCutNeverReadsPastItsElement(f *testing.F) {
	fuzzSeed(f, func(b []byte) {
		f.Add(b, uint16(0))
		f.Add(append(b[:len(b):len(b)], "0:~rest"...), uint16(fuzzText|fuzzLoose))
	})
	f.Fuzz(func(t *testing.T, b []byte, bits uint16) {
		if len(b) > fuzzLong {
			return
		}
		opts := fuzzOptions(bits)
		el, rest, err := Cut(b[:len(b):len(b)], opts...)
		want, wantRest, short, ok := fuzzCut(b, bits)
		switch {
		case ok != (err == nil) || short != (err == ErrShort):
			t.Fatalf("Cut(%q) = %v; the grammar says ok %v, short %v", b, err, ok, short)
		case err != nil && !short && !fuzzIsSyntax(err):
			t.Fatalf("Cut(%q): %T %v", b, err, err)
		case err != nil:
			if !bytes.Equal(rest, b) || el.Payload != nil {
				t.Fatalf("Cut(%q) = %v, %q, %v: what was not cut is not all there", b, el, rest, err)
			}
			return
		}
		if el.Kind != want.kind || !bytes.Equal(el.Payload, want.payload) || !bytes.Equal(rest, wantRest) {
			t.Fatalf("Cut(%q) = %v %q, %q; want %v %q, %q", b, el.Kind, el.Payload, rest, want.kind, want.payload, wantRest)
		}
		if cap(el.Payload) != len(el.Payload) {
			t.Fatalf("Cut(%q): a payload of %d bytes with capacity %d", b, len(el.Payload), cap(el.Payload))
		}
		n := len(b) - len(rest)
		if bits&fuzzLoose == 0 && !bytes.Equal(Append(nil, el.Kind, el.Payload), b[:n]) {
			t.Fatalf("Cut(%q): its element is not what Append makes of it", b)
		}
		alone, none, err := Cut(b[:n:n], opts...)
		if err != nil || len(none) != 0 || alone.Kind != el.Kind || !bytes.Equal(alone.Payload, el.Payload) {
			t.Fatalf("Cut(%q) alone = %v, %q, %v", b[:n], alone, none, err)
		}
		for i := range min(n, 64) {
			if _, _, err := Cut(b[:i:i], opts...); err != ErrShort {
				t.Fatalf("Cut(%q) = %v; want ErrShort", b[:i], err)
			}
		}
	})
}

// Valid is true just where Unmarshal finds no SyntaxError, and both where the
// grammar says so; what Unmarshal makes is what the grammar names.
func FuzzValidAgreesWithUnmarshal(f *testing.F) {
	fuzzSeed(f, func(b []byte) {
		f.Add(b, uint16(0))
		f.Add(b, uint16(fuzzText|fuzzLoose|fuzzNonFinite|fuzzDuplicates|fuzzOrder))
	})
	f.Fuzz(func(t *testing.T, b []byte, bits uint16) {
		if len(b) > fuzzLong {
			return
		}
		opts := fuzzOptions(bits)
		before := bytes.Clone(b)
		valid := Valid(b, opts...)
		want, ok := fuzzParse(b, bits)
		if valid != ok {
			t.Fatalf("Valid(%q) = %v with %b; the grammar says %v", b, valid, bits, ok)
		}
		var raw Raw
		if err := Unmarshal(b, &raw, opts...); (err == nil) != valid || err != nil && !fuzzIsSyntax(err) {
			t.Fatalf("Unmarshal(%q) into a Raw: %v; Valid says %v", b, err, valid)
		}
		if valid && bits&fuzzLoose == 0 && !bytes.Equal(raw, b) {
			t.Fatalf("Unmarshal(%q) into a Raw = %q", b, raw)
		}
		var v any
		err := Unmarshal(b, &v, opts...)
		if err != nil && fuzzIsSyntax(err) == valid || err == nil && !valid {
			t.Fatalf("Unmarshal(%q) into an any: %v; Valid says %v", b, err, valid)
		}
		if err != nil && !valid {
			fuzzCheckOffset(t, b, err, opts)
		}
		if valid {
			value, holds := want.value(bits)
			if holds != (err == nil) || err == nil && !fuzzSame(v, value) {
				t.Fatalf("Unmarshal(%q) with %b = %#v, %v; want %#v, %v", b, bits, v, err, value, holds)
			}
		}
		if !bytes.Equal(b, before) {
			t.Fatalf("the input %q has become %q", before, b)
		}
	})
}

// fuzzCheckOffset wants the offset of err to lie in b, and what comes after it
// to be of no account.
func fuzzCheckOffset(t *testing.T, b []byte, err error, opts []Option) {
	t.Helper()
	e := err.(*SyntaxError)
	if e.Offset < 0 || e.Offset > int64(len(b)) {
		t.Fatalf("%v: offset outside of the %d bytes of %q", err, len(b), b)
	}
	if len(e.Error()) > 256 || !utf8.ValidString(e.Error()) {
		t.Fatalf("message of %d bytes: %q", len(e.Error()), e.Error())
	}
}

// fuzzOwn reads and writes itself.
type fuzzOwn struct{ kept Raw }

func (o fuzzOwn) MarshalTNet() ([]byte, error) {
	if o.kept == nil {
		return []byte("0:~"), nil
	}
	return o.kept, nil
}

func (o *fuzzOwn) UnmarshalTNet(b []byte) error {
	if len(b) > 3 && b[len(b)-2] == '!' {
		return errors.New("none of these")
	}
	o.kept = b
	return nil
}

type fuzzInner struct {
	X int
	Y *string
}

type FuzzPromoted struct {
	Deep  int
	Names map[string][]string
}

type fuzzHidden struct{ Promoted string }

type fuzzEmbedded struct {
	*FuzzPromoted
	fuzzHidden
	X int64
}

// fuzzEvery has a field of every kind there is.
type fuzzEvery struct {
	Bool    bool
	Int     int
	Int8    int8 `tnet:"i8"`
	Int16   int16
	Int32   int32
	Int64   int64
	Uint    uint
	Uint8   uint8
	Uint16  uint16
	Uint32  uint32
	Uint64  uint64
	Uintptr uintptr
	F32     float32
	F64     float64
	String  string
	Bytes   []byte
	Four    [4]byte
	List    []int
	Array   [3]int16
	Point   [2]float64
	Map     map[string]int
	IntKeys map[int8]string
	Keys    map[netip.Addr]bool
	Inner   fuzzInner
	Ptr     *fuzzInner
	PtrPtr  **int
	Self    *fuzzEvery
	Selves  []fuzzEvery
	Any     any
	Reader  io.Reader
	Time    time.Time
	Addr    netip.Addr
	For     time.Duration
	Big     *big.Int
	BigV    big.Int
	Number  Number
	Raw     Raw
	Dict    Dict
	Header  Header
	Own     fuzzOwn
	OwnPtr  *fuzzOwn
	Quoted  int      `tnet:"q,string"`
	QBool   bool     `tnet:",string"`
	QFloat  *float64 `tnet:",string"`
	Empty   string   `tnet:",omitempty"`
	Zero    int      `tnet:",omitzero"`
	Chan    chan int `tnet:"-"`
	hidden  int
	fuzzEmbedded
	Others map[string]any `tnet:",inline"`
}

// fuzzTarget makes a target, empty or with something everywhere.
func fuzzTarget(present bool) *fuzzEvery {
	if !present {
		return new(fuzzEvery)
	}
	s, n, f := "y", 7, 1.5
	pn := &n
	v := &fuzzEvery{
		Bool: true, Int: 1, String: "s", Bytes: []byte("bytes"), Four: [4]byte{1, 2, 3, 4},
		List: []int{1, 2, 3, 4}[:2], Array: [3]int16{1, 2, 3}, Point: [2]float64{1, 2}, Map: map[string]int{"a": 1},
		IntKeys: map[int8]string{1: "one"}, Keys: map[netip.Addr]bool{}, Inner: fuzzInner{1, &s},
		Ptr: &fuzzInner{2, nil}, PtrPtr: &pn, Selves: []fuzzEvery{{Int: 3}}, Any: &fuzzInner{3, nil},
		Reader: &bytes.Reader{}, Time: time.Unix(0, 0).UTC(), Big: big.NewInt(5), Number: "1", Raw: Raw("0:~"),
		Dict: Dict{{Key: "k"}}, Header: Header{"h": 1}, Own: fuzzOwn{Raw("0:]")}, OwnPtr: &fuzzOwn{}, QFloat: &f,
		hidden: 1, Others: map[string]any{"o": "o"},
	}
	v.BigV.SetInt64(6)
	v.FuzzPromoted = &FuzzPromoted{Deep: 4, Names: map[string][]string{"n": {"m"}}}
	v.Self = &fuzzEvery{Any: map[string]any{"x": 1}, Ptr: v.Ptr, Map: v.Map}
	return v
}

// fuzzAliases are what v's pointers and maps lead to.
func fuzzAliases(v *fuzzEvery) []any {
	all := []any{v.Ptr, v.PtrPtr, v.Self, v.Big, v.OwnPtr, v.QFloat, v.FuzzPromoted, v.Inner.Y}
	if v.PtrPtr != nil {
		all = append(all, *v.PtrPtr)
	}
	return append(all, v.Map, v.IntKeys, v.Keys, v.Header, v.Others, v.Bytes, v.List[:cap(v.List)], v.Selves)
}

// Whatever the bytes are, a target is either untouched or becomes something
// that marshals and reads back as itself.
func FuzzUnmarshalIntoEveryKind(f *testing.F) {
	fuzzSeed(f, func(b []byte) { f.Add(b, uint16(0)) })
	full, err := Marshal(fuzzTarget(true))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(full, uint16(0))
	f.Add(full, uint16(fuzzPresent))
	for i := range reflect.TypeFor[fuzzEvery]().NumField() {
		for _, value := range []string{"0:~", "1:1#", "3:1.5^", "1:a,", "0:]", "12:1:1#1:2#1:3#]", "12:3:1.5^3:2.5^]", "9:1:1,1:1,}", "4:true!"} {
			key := reflect.TypeFor[fuzzEvery]().Field(i).Name
			f.Add([]byte(fuzzDictOf(key, value)), uint16(i)<<4)
			f.Add([]byte(fuzzDictOf("Map", "7:1:b,1:2#}", key, value)), uint16(fuzzPresent))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, bits uint16) {
		if len(b) > fuzzLong {
			return
		}
		opts := fuzzOptions(bits)
		present := bits&fuzzPresent != 0
		v := fuzzTarget(present)
		aliases := fuzzAliases(v)
		if err := Unmarshal(b, v, opts...); err != nil {
			if !fuzzIsSyntax(err) && !fuzzIsType(err) {
				t.Fatalf("%T: %v", err, err)
			}
			if fuzzIsSyntax(err) == Valid(b, opts...) {
				t.Fatalf("Unmarshal(%q) = %v, and Valid says otherwise", b, err)
			}
			want := fuzzTarget(present)
			if !reflect.DeepEqual(v, want) || !reflect.DeepEqual(aliases, fuzzAliases(want)) {
				t.Fatalf("Unmarshal(%q) = %v, and the target has changed:\n%+v\nwas\n%+v", b, err, v, want)
			}
			for i, now := range fuzzAliases(v) {
				if reflect.ValueOf(now).Pointer() != reflect.ValueOf(aliases[i]).Pointer() {
					t.Fatalf("Unmarshal(%q) = %v, and the target points to another %T", b, err, now)
				}
			}
			return
		}
		if !Valid(b, opts...) {
			t.Fatalf("Unmarshal takes %q, and Valid does not", b)
		}
		fuzzReadsBack(t, v, bits)
	})
}

func fuzzReadsBack(t *testing.T, v *fuzzEvery, bits uint16) {
	t.Helper()
	opts := fuzzOptions(bits)
	v.Reader = nil // what it holds cannot be read into an empty one
	first, err := Marshal(v, opts...)
	if bits&fuzzText != 0 && errors.Is(err, ErrPayload) {
		return // a string read from a , need not be UTF-8, and has to be for a ;
	}
	if bits&fuzzSmall != 0 && (errors.Is(err, ErrTooLarge) || errors.Is(err, ErrTooDeep) || errors.Is(err, ErrTooMany)) {
		return // all the other fields are written too
	}
	if err != nil {
		t.Fatalf("Marshal(%+v): %v", v, err)
	}
	again := new(fuzzEvery)
	if err := Unmarshal(first, again, opts...); err != nil {
		if bits&fuzzSmall != 0 && errors.Is(err, ErrTooMany) {
			return
		}
		t.Fatalf("Unmarshal(%q), which Marshal made: %v", first, err)
	}
	second, err := Marshal(again, opts...)
	if err != nil || !bytes.Equal(first, second) {
		t.Fatalf("marshals as\n%q\nand, read back, as\n%q, %v", first, second, err)
	}
	v.spellZeros()
	if bits&(fuzzPresent|fuzzNonFinite) == 0 && !reflect.DeepEqual(v, again) {
		t.Fatalf("%q\nreads back as\n%+v\nwant\n%+v", first, again, v)
	}
}

// spellZeros replaces the zero values that read back as others.
func (v *fuzzEvery) spellZeros() {
	if v.Number == "" {
		v.Number = "0"
	}
	for _, raw := range []*Raw{&v.Raw, &v.Own.kept} {
		if *raw == nil {
			*raw = Raw("0:~")
		}
	}
	if v.OwnPtr != nil && v.OwnPtr.kept == nil {
		v.OwnPtr.kept = Raw("0:~")
	}
	if v.Self != nil {
		v.Self.spellZeros()
	}
	for i := range v.Selves {
		v.Selves[i].spellZeros()
	}
}

// fuzzDictOf is the dict of keys and whole elements.
func fuzzDictOf(entries ...string) string {
	var s []byte
	for i := 0; i < len(entries); i += 2 {
		s = Append(s, KindString, []byte(entries[i]))
		s = append(s, entries[i+1]...)
	}
	return string(Append(nil, KindDict, s))
}

// A fuzzReader gives its bytes in portions chosen by the bits of plan, now and
// then none, and its end together with data or after it.
type fuzzReader struct {
	b    []byte
	plan uint64
	err  error
}

func (r *fuzzReader) Read(p []byte) (int, error) {
	r.plan = r.plan*6364136223846793005 + 1442695040888963407
	n := min(int(r.plan>>60), len(r.b), len(p))
	if r.plan>>59&1 == 1 {
		n = min(1, len(r.b), len(p))
	}
	copy(p, r.b[:n])
	r.b = r.b[n:]
	if len(r.b) == 0 && (n == 0 || r.plan>>58&1 == 1) {
		return n, r.err
	}
	return n, nil
}

// A fuzzGot is what an entrance has handed out and how it ended.
type fuzzGot struct {
	parts   []string
	offsets []int64
	left    int
	err     error
}

func (g *fuzzGot) add(offset int64, parts ...[]byte) {
	for _, p := range parts {
		g.parts = append(g.parts, string(p))
		g.offsets = append(g.offsets, offset)
	}
}

// ending is the error as a stream of just these bytes has it.
func (g *fuzzGot) ending() string {
	switch {
	case g.err == ErrShort && g.left > 0:
		return fmt.Sprint(io.ErrUnexpectedEOF)
	case g.err == ErrShort:
		return fmt.Sprint(io.EOF)
	}
	return fmt.Sprint(g.err)
}

func (g *fuzzGot) String() string {
	return fmt.Sprintf("%q %v %s", g.parts, g.offsets, g.ending())
}

// drain takes what p has.
func (g *fuzzGot) drain(p *Parser, frames bool) {
	for {
		var parts [][]byte
		var err error
		if frames {
			var f Frame
			f, err = p.Next()
			parts = [][]byte{f.Header, f.Body}
		} else {
			var raw Raw
			raw, err = p.NextElement()
			parts = [][]byte{raw}
		}
		if err != nil {
			g.err, g.left = err, p.Buffered()
			return
		}
		g.add(p.offset(), parts...)
	}
}

// Any bytes fed in any portions give the same elements or frames and the same
// error as all at once, and a Decoder gives them too.
func FuzzDecoderAgreesWithParser(f *testing.F) {
	fuzzSeed(f, func(b []byte) {
		f.Add(b, uint64(1), uint16(0))
		f.Add(append(b[:len(b):len(b)], b...), uint64(99), uint16(fuzzFrame|fuzzText))
		f.Add(append(append(b[:len(b):len(b)], '\n'), b...), uint64(7), uint16(fuzzSeparated))
	})
	f.Fuzz(func(t *testing.T, b []byte, plan uint64, bits uint16) {
		if len(b) > fuzzLong {
			return
		}
		opts, frames := fuzzOptions(bits), bits&fuzzFrame != 0
		var whole, portions fuzzGot
		p := NewParser(opts...)
		p.Feed(b)
		whole.drain(p, frames)

		p = NewParser(opts...)
		portions.drain(p, frames)
		for r := (&fuzzReader{b: b, plan: plan, err: io.EOF}); len(r.b) > 0; {
			var buf [32]byte
			n, _ := r.Read(buf[:])
			p.Feed(buf[:n])
			clear(buf[:]) // they were copied
			portions.drain(p, frames)
		}
		if portions.String() != whole.String() {
			t.Fatalf("%q in portions:\n%v\nat once:\n%v", b, &portions, &whole)
		}

		streamed := fuzzDecode(&fuzzReader{b: b, plan: plan, err: io.EOF}, frames, opts)
		if streamed.String() != whole.String() {
			t.Fatalf("%q from a Decoder:\n%v\nfrom a Parser:\n%v", b, &streamed, &whole)
		}
		broken := fuzzDecode(&fuzzReader{b: b, plan: plan, err: errFuzz}, frames, opts)
		if fmt.Sprintf("%q", broken.parts) != fmt.Sprintf("%q", whole.parts) {
			t.Fatalf("%q from a Decoder whose stream breaks:\n%v\nfrom a Parser:\n%v", b, &broken, &whole)
		}
		if whole.err == ErrShort && broken.err != errFuzz {
			t.Fatalf("%q from a Decoder whose stream breaks: %v", b, broken.err)
		}
		if !frames {
			fuzzDecodeValues(t, b, plan, whole, bits)
		}
	})
}

var errFuzz = errors.New("the line is broken")

func fuzzDecode(r io.Reader, frames bool, opts []Option) (g fuzzGot) {
	d := NewDecoder(r, opts...)
	for {
		if frames {
			f, err := d.ReadFrame()
			if err != nil {
				g.err = err
				break
			}
			g.add(d.Offset(), f.Header, f.Body)
			continue
		}
		raw, err := d.ReadElement()
		if err != nil {
			g.err = err
			break
		}
		g.add(d.Offset(), raw)
	}
	if _, again := d.ReadElement(); again != g.err {
		g.err = fmt.Errorf("%w and then %v", g.err, again)
	}
	return g
}

// fuzzDecodeValues wants Decode to make of each element what Unmarshal does.
func fuzzDecodeValues(t *testing.T, b []byte, plan uint64, whole fuzzGot, bits uint16) {
	t.Helper()
	opts := fuzzOptions(bits)
	d := NewDecoder(&fuzzReader{b: b, plan: plan, err: io.EOF}, opts...)
	for i, part := range whole.parts {
		var got, want any
		err := d.Decode(&got)
		values := MaxValues(defaultValues)
		if bits&fuzzSmall != 0 {
			values = MaxValues(9)
		}
		wantErr := Unmarshal([]byte(part), &want, append(opts, values)...)
		wantErr = shift(wantErr, whole.offsets[i]-int64(len(part)))
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || !fuzzSame(got, want) {
			t.Fatalf("Decode of %q: %#v, %v; Unmarshal: %#v, %v", part, got, err, want, wantErr)
		}
		if fuzzIsSyntax(err) {
			return
		}
	}
}

// CutFrame, Parser.Next, Decoder.ReadFrame and Decoder.NextFrame with its Body
// find the same frames in the same bytes, and the same fault after them.
func FuzzFrames(f *testing.F) {
	fuzzSeed(f, func(b []byte) {
		framed := append([]byte("0:}"), b...)
		f.Add(b, uint64(0), uint16(0))
		f.Add(framed, uint64(1), uint16(fuzzText))
		f.Add(append(framed, framed...), uint64(2), uint16(fuzzLoose))
		f.Add(append(append(framed, '\n'), framed...), uint64(3), uint16(fuzzSeparated|fuzzSmall))
	})
	f.Fuzz(func(t *testing.T, b []byte, plan uint64, bits uint16) {
		if len(b) > fuzzLong {
			return
		}
		opts := append([]Option{MaxSize(4 << 10), MaxHeaderSize(1 << 10)}, fuzzOptions(bits)...)
		cut := fuzzCutFrames(t, b, opts, bits&fuzzSeparated != 0)

		var fed fuzzGot
		p := NewParser(opts...)
		p.Feed(b)
		fed.drain(p, true)
		if fed.String() != cut.String() {
			t.Fatalf("%q from a Parser:\n%v\nfrom CutFrame:\n%v", b, &fed, &cut)
		}
		read := fuzzDecode(&fuzzReader{b: b, plan: plan, err: io.EOF}, true, opts)
		if read.String() != cut.String() {
			t.Fatalf("%q from ReadFrame:\n%v\nfrom CutFrame:\n%v", b, &read, &cut)
		}
		streamed := fuzzNextFrames(t, &fuzzReader{b: b, plan: plan, err: io.EOF}, plan, opts)
		if bits&fuzzLoose != 0 {
			// The Body does not say how its size was spelled.
			fuzzNormalize(cut.parts)
		}
		if streamed.String() != cut.String() {
			t.Fatalf("%q from NextFrame:\n%v\nfrom CutFrame:\n%v", b, &streamed, &cut)
		}
		fuzzSkipBodies(t, &fuzzReader{b: b, plan: plan, err: io.EOF}, cut, opts)
	})
}

func fuzzCutFrames(t *testing.T, b []byte, opts []Option, separated bool) (g fuzzGot) {
	for rest := b; ; {
		if separated && len(g.parts) > 0 && len(rest) > 0 && rest[0] == '\n' {
			rest = rest[1:]
		}
		f, next, err := CutFrame(rest, opts...)
		if err != nil {
			if !bytes.Equal(next, rest) || f.Header != nil || f.Body != nil {
				t.Fatalf("CutFrame(%q) = %v, %q, %v", rest, f, next, err)
			}
			g.err, g.left = shift(err, int64(len(b)-len(rest))), len(rest)
			return g
		}
		if cap(f.Header) != len(f.Header) || cap(f.Body) != len(f.Body) {
			t.Fatalf("CutFrame(%q): capacity beyond the halves", rest)
		}
		rest = next
		g.add(int64(len(b)-len(rest)), f.Header, f.Body)
	}
}

// fuzzNextFrames reads bodies as streams, by Read or by WriteTo.
func fuzzNextFrames(t *testing.T, r io.Reader, plan uint64, opts []Option) (g fuzzGot) {
	d := NewDecoder(r, opts...)
	for {
		header, body, err := d.NextFrame()
		if err != nil {
			g.err = err
			return g
		}
		header = bytes.Clone(header) // a read may end its loan
		var payload []byte
		plan = plan*6364136223846793005 + 1442695040888963407
		if plan>>63 == 0 {
			payload, err = io.ReadAll(body)
		} else {
			var buf bytes.Buffer
			_, err = body.WriteTo(&buf)
			payload = buf.Bytes()
		}
		if err != nil {
			g.err = err
			return g
		}
		if int64(len(payload)) != body.Size() {
			t.Fatalf("a body of %d bytes gave %d", body.Size(), len(payload))
		}
		g.add(d.Offset(), header, Append(nil, body.Kind(), payload))
	}
}

// fuzzSkipBodies does not read the bodies: the headers have to be the same.
func fuzzSkipBodies(t *testing.T, r io.Reader, cut fuzzGot, opts []Option) {
	t.Helper()
	d := NewDecoder(r, opts...)
	for i := 0; i < len(cut.parts); i += 2 {
		header, _, err := d.NextFrame()
		if err != nil || string(header) != cut.parts[i] {
			t.Fatalf("header %d = %q, %v; want %q", i/2, header, err, cut.parts[i])
		}
	}
}

// fuzzNormalize gives every body the canonical size.
func fuzzNormalize(parts []string) {
	for i := 1; i < len(parts); i += 2 {
		el, _, _ := Cut([]byte(parts[i]), AllowLoose(true), AllowText(true))
		parts[i] = string(Append(nil, el.Kind, el.Payload))
	}
}

// What has been read and written once is written the same for ever, and what
// was canonical is written as it was.
func FuzzMarshalUnmarshalMarshal(f *testing.F) {
	fuzzSeed(f, func(b []byte) {
		f.Add(b, uint16(0))
		f.Add(b, uint16(fuzzText|fuzzLoose|fuzzNonFinite|fuzzDuplicates))
	})
	f.Fuzz(func(t *testing.T, b []byte, bits uint16) {
		if len(b) > fuzzLong {
			return
		}
		bits |= fuzzOrder
		bits &^= fuzzSmall
		opts := fuzzOptions(bits)
		var v, again any
		if err := Unmarshal(b, &v, opts...); err != nil {
			return
		}
		first, err := Marshal(v, opts...)
		if err != nil {
			t.Fatalf("Marshal of %#v, read from %q: %v", v, b, err)
		}
		if err := Unmarshal(first, &again, opts...); err != nil {
			t.Fatalf("%q was written as %q: %v", b, first, err)
		}
		if !fuzzSame(v, again) {
			t.Fatalf("%q was written as %q, and the value changed:\n%#v\nwas\n%#v", b, first, again, v)
		}
		second, err := Marshal(again, opts...)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("written as %q and then as %q, %v", first, second, err)
		}
		n, ok := fuzzParse(b, bits&^fuzzLoose)
		if ok && n.canonicalFloats() && !bytes.Equal(first, b) {
			t.Fatalf("canonical %q was written as %q", b, first)
		}
	})
}

// canonicalFloats reports whether the floats in n are spelled as we spell them.
func (n *fuzzNode) canonicalFloats() bool {
	if n.kind == KindFloat {
		f, err := strconv.ParseFloat(string(n.payload), 64)
		return err == nil && fuzzFloatText(f) == string(n.payload)
	}
	for _, kid := range n.kids {
		if !kid.canonicalFloats() {
			return false
		}
	}
	return true
}

// fuzzFloatText spells a finite f as design decisions say: shortest, a point
// always, an exponent from 1e21 on.
func fuzzFloatText(f float64) string {
	if math.Abs(f) >= 1e21 {
		digits, exponent, _ := bytes.Cut(strconv.AppendFloat(nil, f, 'e', -1, 64), []byte("e"))
		if !bytes.Contains(digits, []byte(".")) {
			digits = append(digits[:len(digits):len(digits)], ".0"...)
		}
		return string(digits) + "e" + string(exponent)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if f == math.Trunc(f) {
		s += ".0"
	}
	return s
}

// A number is accepted just where the grammar has it, blamed at the first byte
// that the grammar has not, and has the value that strconv and math/big give it.
func FuzzNumbers(f *testing.F) {
	for _, s := range []string{
		"", "0", "-0", "1", "-1", "+1", "01", "-01", "00", "9223372036854775807", "-9223372036854775809",
		"18446744073709551615", "18446744073709551616", "1.", ".1", ".", "-.", "+.5", "1.5", "1e5", "1E+05", "1e", "1e+",
		"1.e5", "0x1p-2", "1_0", "inf", "-Infinity", "+nan", "NaN", "nans", "1e400", "-1e400", "1e-400", "4e-324", "16777217",
		"0.1", "1.7976931348623157e308", "340282356779733661637539395458142568448", " 1", "1 ", "1,5", "1e21", "999999999999999999999",
	} {
		f.Add(s, 0.1, uint16(0))
		f.Add(s, math.Copysign(0, -1), uint16(fuzzLoose|fuzzNonFinite))
	}
	f.Add("1", math.MaxFloat64, uint16(0))
	f.Add("1", math.SmallestNonzeroFloat64, uint16(0))
	f.Add("1", 1e21, uint16(0))
	f.Add("1", math.Inf(-1), uint16(fuzzNonFinite))
	f.Fuzz(func(t *testing.T, s string, value float64, bits uint16) {
		if len(s) > 1000 {
			return
		}
		loose := bits&fuzzLoose != 0
		fuzzCheckWrong(t, s, "int", wrongInt([]byte(s), loose), fuzzInts[loose], fuzzIntsBegun[loose])
		fuzzCheckWrong(t, s, "float", wrongFloat([]byte(s), loose), fuzzFloats[loose], fuzzFloatsBegun[loose])
		bits &= fuzzLoose | fuzzNonFinite
		fuzzCheckInt(t, s, bits)
		fuzzCheckFloat(t, s, bits)
		fuzzCheckWritten(t, value, bits)
	})
}

// fuzzCheckWrong wants wrong to be -1 just where s matches whole, and else the
// length of the longest beginning of s that can still become something whole.
func fuzzCheckWrong(t *testing.T, s, what string, wrong int, whole, begun *regexp.Regexp) {
	t.Helper()
	if whole.MatchString(s) != (wrong == -1) {
		t.Fatalf("%s %q: wrong at %d", what, s, wrong)
	}
	if wrong < 0 {
		return
	}
	if wrong > len(s) || !begun.MatchString(s[:wrong]) || wrong < len(s) && begun.MatchString(s[:wrong+1]) {
		t.Fatalf("%s %q: wrong at %d, which is not the first byte that is", what, s, wrong)
	}
}

func fuzzCheckInt(t *testing.T, s string, bits uint16) {
	t.Helper()
	b, opts := Append(nil, KindInt, []byte(s)), fuzzOptions(bits)
	n, ok := new(big.Int).SetString(s, 10)
	if _, fine := fuzzParse(b, bits); !fine {
		if Valid(b, opts...) {
			t.Fatalf("%q is valid", b)
		}
		return
	}
	if !ok {
		t.Fatalf("%q is fine and big.Int does not take it", s)
	}
	var (
		i8  int8
		i64 int64
		u8  uint8
		u64 uint64
		f64 float64
		z   big.Int
		num Number
	)
	fuzzFits(t, b, &i8, n.IsInt64() && n.Int64() == int64(int8(n.Int64())), opts)
	fuzzFits(t, b, &i64, n.IsInt64(), opts)
	fuzzFits(t, b, &u8, n.IsUint64() && n.Uint64() < 256, opts)
	fuzzFits(t, b, &u64, n.IsUint64(), opts)
	fuzzFits(t, b, &z, true, opts)
	fuzzFits(t, b, &num, true, opts)
	_, err := strconv.ParseFloat(s, 64)
	fuzzFits(t, b, &f64, err == nil, opts)
	if n.IsInt64() && i64 != n.Int64() || n.IsUint64() && u64 != n.Uint64() || z.Cmp(n) != 0 || string(num) != s {
		t.Fatalf("%q: %d %d %v %q; want %v", b, i64, u64, &z, num, n)
	}
	if out, err := Marshal(&z); err != nil || !bytes.Equal(out, Append(nil, KindInt, []byte(n.String()))) {
		t.Fatalf("%v is written as %q, %v", n, out, err)
	}
	if out, err := Marshal(num, opts...); err != nil || !bytes.Equal(out, b) {
		t.Fatalf("Number %q is written as %q, %v", num, out, err)
	}
}

func fuzzFits(t *testing.T, b []byte, target any, fits bool, opts []Option) {
	t.Helper()
	if err := Unmarshal(b, target, opts...); fits != (err == nil) || err != nil && !errors.Is(err, errRange) {
		t.Fatalf("Unmarshal(%q) into %T: %v; fits: %v", b, target, err, fits)
	}
}

func fuzzCheckFloat(t *testing.T, s string, bits uint16) {
	t.Helper()
	b, opts := Append(nil, KindFloat, []byte(s)), fuzzOptions(bits)
	n, fine := fuzzParse(b, bits)
	if !fine {
		if Valid(b, opts...) {
			t.Fatalf("%q is valid", b)
		}
		return
	}
	value, ok := n.value(bits)
	var f64 float64
	fuzzFits(t, b, &f64, ok, opts)
	if ok && !fuzzSameFloat(f64, value.(float64)) {
		t.Fatalf("%q = %v; want %v", b, f64, value)
	}
	if fuzzNonFinites.MatchString(s) {
		return
	}
	var f32 float32
	want, err := strconv.ParseFloat(s, 32)
	fuzzFits(t, b, &f32, err == nil, opts)
	if err == nil && float32(want) != f32 {
		t.Fatalf("%q = %v as a float32; want %v", b, f32, want)
	}
}

func fuzzSameFloat(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
}

// fuzzCheckWritten wants f to be written as decided, and to read back.
func fuzzCheckWritten(t *testing.T, f float64, bits uint16) {
	t.Helper()
	opts := fuzzOptions(bits)
	b, err := Marshal(f, opts...)
	finite := !math.IsInf(f, 0) && !math.IsNaN(f)
	if !finite && bits&fuzzNonFinite == 0 {
		if err == nil {
			t.Fatalf("%v is written as %q", f, b)
		}
		return
	}
	var back float64
	if err != nil || Unmarshal(b, &back, opts...) != nil || !fuzzSameFloat(f, back) {
		t.Fatalf("%v is written as %q, %v, and read as %v", f, b, err, back)
	}
	if want := Append(nil, KindFloat, []byte(fuzzFloatText(f))); finite && !bytes.Equal(b, want) {
		t.Fatalf("%v is written as %q; want %q", f, b, want)
	}
	var small float32
	b, err = Marshal(float32(f), AllowNonFinite(true))
	if err != nil || Unmarshal(b, &small, AllowNonFinite(true)) != nil || !fuzzSameFloat(float64(float32(f)), float64(small)) {
		t.Fatalf("%v as a float32 is written as %q, %v, and read as %v", f, b, err, small)
	}
}

// A time is read and written just as time.Time's own methods do it.
func FuzzTimes(f *testing.F) {
	for _, s := range []string{
		"2020-01-02T03:04:05Z", "2020-02-29T23:59:59.999999999+23:59", "1900-02-29T00:00:00Z", "2000-02-29T00:00:00-00:00",
		"0000-01-01T00:00:00Z", "9999-12-31T23:59:59.9Z", "2020-12-31T24:00:00Z", "2020-04-31T00:00:00Z", "2020-00-10T00:00:00Z",
		"2020-01-02t03:04:05z", "2020-01-02T3:04:05Z", "2020-01-02T03:04:60Z", "2020-01-02T03:04:05,5Z", "2020-01-02T03:04:05.Z",
		"2020-01-02T03:04:05+24:00", "2020-01-02T03:04:05+0100", "2020-01-02T03:04:05.0000000001Z", "2020-01-02T03:04:05", "Z", "",
	} {
		f.Add(s, int64(1577934245), int64(123456789), 3600)
		f.Add(s, int64(-62135596800), int64(1), -5*3600-30)
	}
	f.Add("", int64(253402300799), int64(0), 60)
	f.Add("", int64(-62167219200), int64(0), -60)
	f.Fuzz(func(t *testing.T, s string, seconds, nanoseconds int64, zone int) {
		var got, want time.Time
		b := Append(nil, KindString, []byte(s))
		gotErr, wantErr := Unmarshal(b, &got), want.UnmarshalText([]byte(s))
		if (gotErr == nil) != (wantErr == nil) || wantErr == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q is read as %v, %v; want %v, %v", s, got, gotErr, want, wantErr)
		}
		for _, v := range []time.Time{
			want,
			time.Unix(seconds, nanoseconds).UTC(),
			time.Unix(seconds, nanoseconds),
			time.Unix(seconds, nanoseconds).In(time.FixedZone("here", zone)),
		} {
			text, textErr := v.MarshalText()
			b, err := Marshal(v)
			if (err == nil) != (textErr == nil) || err == nil && !bytes.Equal(b, Append(nil, KindString, text)) {
				t.Fatalf("%v is written as %q, %v; want %q, %v", v, b, err, text, textErr)
			}
		}
	})
}

// What is accepted strictly is accepted loosely, with the same value.
func FuzzStrictSubsetOfLoose(f *testing.F) {
	fuzzSeed(f, func(b []byte) {
		f.Add(b, uint16(fuzzLoose|fuzzNonFinite|fuzzDuplicates))
		f.Add(b, uint16(fuzzText|fuzzLoose))
	})
	f.Fuzz(func(t *testing.T, b []byte, bits uint16) {
		if len(b) > fuzzLong {
			return
		}
		bits &= fuzzText | fuzzLoose | fuzzNonFinite | fuzzDuplicates | fuzzOrder
		strict, loose := fuzzOptions(bits&fuzzOrder), fuzzOptions(bits)
		var want, got any
		wantErr := Unmarshal(b, &want, strict...)
		gotErr := Unmarshal(b, &got, loose...)
		if fuzzIsSyntax(wantErr) {
			return
		}
		if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
			t.Fatalf("%q: strictly %v, with %b %v", b, wantErr, bits, gotErr)
		}
		if bits&fuzzText != 0 {
			want, got = fuzzAsText(want), fuzzAsText(got)
		}
		if !fuzzSame(got, want) {
			t.Fatalf("%q: strictly %#v, with %b %#v", b, want, bits, got)
		}
	})
}

// fuzzAsText makes strings of byte slices: AllowText tells the two apart.
func fuzzAsText(v any) any {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case []any:
		for i := range v {
			v[i] = fuzzAsText(v[i])
		}
	case Dict:
		for i := range v {
			v[i].Value, v[i].KeyKind = fuzzAsText(v[i].Value), 0
		}
	case map[string]any:
		for k := range v {
			v[k] = fuzzAsText(v[k])
		}
	}
	return v
}
