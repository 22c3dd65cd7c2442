package petrichor

// The inputs of other implementations' tests, and the edge cases that 33 builds
// of them disagree on, through every entrance.  testdata/interop/README.md says
// where they are from and what the fields mean.

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

type vectorFile struct {
	Cases []vector
}

type vector struct {
	ID        string
	Hex       string
	Note      string
	Strict    string // the verdict; in edge-cases.json a sentence
	Value     tagged
	Rest      string
	Reencodes bool

	input []byte
}

func readVectors(t testing.TB, file string) []vector {
	t.Helper()
	var f vectorFile
	text, err := os.ReadFile(filepath.Join("testdata/interop", file))
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	for i := range f.Cases {
		if err == nil {
			f.Cases[i].input, err = hex.DecodeString(f.Cases[i].Hex)
		}
	}
	if err != nil || len(f.Cases) == 0 {
		t.Fatalf("%s: %d cases, %v", file, len(f.Cases), err)
	}
	return f.Cases
}

// A tagged is a value as the vectors spell it: its tag, and what it holds.
type tagged []json.RawMessage

func (v tagged) tag() Kind { return Kind(unjson[string](v[0])[0]) }

// goValue is what Unmarshal should make of v in an any.
func (v tagged) goValue(text, ordered bool) any {
	switch v.tag() {
	case KindString:
		if text {
			return unhex(v[1])
		}
		return string(unhex(v[1]))
	case KindText:
		return string(unhex(v[1]))
	case KindInt:
		n, err := strconv.ParseInt(unjson[string](v[1]), 10, 64)
		return sure(n, err)
	case KindFloat:
		f, err := strconv.ParseFloat(unjson[string](v[1]), 64)
		return sure(f, err)
	case KindBool:
		return unjson[bool](v[1])
	case KindNull:
		return nil
	case KindList:
		list := []any{}
		for _, item := range unjson[[]tagged](v[1]) {
			list = append(list, item.goValue(text, ordered))
		}
		return list
	case KindDict:
		dict := Dict{}
		for _, entry := range unjson[[][2]tagged](v[1]) {
			dict = append(dict, entry[0].goEntry(entry[1].goValue(text, ordered), text))
		}
		if ordered {
			return dict
		}
		return asMap(dict)
	}
	panic("a tag that is none: " + v.tag().String())
}

func (v tagged) goEntry(value any, text bool) Entry {
	e := Entry{Key: string(unhex(v[1])), Value: value}
	if text && v.tag() == KindString {
		e.KeyKind = KindString
	}
	return e
}

// hasText reports whether a text is in v.
func (v tagged) hasText() bool {
	switch v.tag() {
	case KindText:
		return true
	case KindList:
		return slices.ContainsFunc(unjson[[]tagged](v[1]), tagged.hasText)
	case KindDict:
		return slices.ContainsFunc(unjson[[][2]tagged](v[1]), func(entry [2]tagged) bool {
			return entry[0].hasText() || entry[1].hasText()
		})
	}
	return false
}

func asMap(d Dict) map[string]any {
	m := map[string]any{}
	for _, e := range d {
		m[e.Key] = e.Value
	}
	return m
}

func unjson[T any](text json.RawMessage) (v T) {
	return sure(v, json.Unmarshal(text, &v))
}

func unhex(text json.RawMessage) []byte {
	b, err := hex.DecodeString(unjson[string](text))
	return sure(b, err)
}

// sure is for what the test data itself promises.
func sure[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestInterop(t *testing.T) {
	files := []string{
		"rfk-tnetstring.json", "edsrzf-tnetstring-go.json", "mitmproxy-vectors.json", "mongrel2.json",
		"carlopires-tnetstring3.json", "jsimmons-lua.json", "mattyoho-ruby.json",
	}
	for _, file := range files {
		for _, v := range readVectors(t, file) {
			t.Run(v.ID, func(t *testing.T) {
				switch {
				case v.ID == "rb-04":
					// Its own tests accept -000.14, and so does the verdict; we
					// want what JSON wants of a number (wire.md, section 2).
					mustRefuse(t, v)
					mustAccept(t, v, AllowLoose(true))
				case v.Strict == "accept" && v.Rest != "":
					mustAcceptAndLeave(t, v)
				case v.Strict == "accept":
					mustAccept(t, v)
				case v.Strict == "reject":
					mustRefuse(t, v)
				case v.Strict == "eof":
					mustBeTheEnd(t, v)
				case v.Strict == "limit":
					mustBeLimited(t, v)
				default:
					t.Errorf("no test for the verdict %q", v.Strict)
				}
			})
		}
	}
}

// A form is one way to look at a value: with which options, and what they make
// of it.
var forms = []struct {
	name          string
	text, ordered bool
}{
	{"map", false, false}, {"Dict", false, true}, {"map and text", true, false}, {"Dict and text", true, true},
}

func mustAccept(t *testing.T, v vector, opts ...Option) {
	t.Helper()
	for _, form := range forms {
		if v.Value.hasText() && !form.text {
			if _, err := agree(t, v.input, opts...); !errors.Is(err, ErrKind) {
				t.Errorf("without AllowText: error %v, want %v", err, ErrKind)
			}
			continue
		}
		all := append([]Option{AllowText(form.text), KeepOrder(form.ordered)}, opts...)
		want := v.Value.goValue(form.text, form.ordered)
		got, err := agree(t, v.input, all...)
		if err != nil || !sameValue(got, want) {
			t.Errorf("%s: error %v, %s", form.name, err, diff(got, want))
		}
		if v.Reencodes && form.ordered {
			mustEncode(t, got, v.input, all...)
		}
		if v.Reencodes {
			back := sure(Marshal(got, all...))
			if again, err := agree(t, back, all...); err != nil || !sameValue(again, want) {
				t.Errorf("%s: written as %q and read again: error %v, %s", form.name, back, err, diff(again, want))
			}
		}
	}
	mustKeep(t, v.input, opts...)
}

// mustEncode checks that every way out writes v as want.
func mustEncode(t testing.TB, v any, want []byte, opts ...Option) {
	t.Helper()
	for _, e := range exits(opts...) {
		if got, err := e.encode(v); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s of %v: %q, %v; want %q", e.name, v, got, err, want)
		}
	}
}

// mustKeep checks that b, which is one element, survives where nothing of it is
// interpreted: as a Raw, and a number as a Number.
func mustKeep(t testing.TB, b []byte, opts ...Option) {
	t.Helper()
	opts = append([]Option{AllowText(true)}, opts...)
	var raw Raw
	if err := Unmarshal(b, &raw, opts...); err != nil || !bytes.Equal(raw, b) {
		t.Errorf("as a Raw: %q, %v; want %q", raw, err, b)
	}
	mustEncode(t, raw, b, opts...)
	el, _, _ := Cut(b, opts...)
	if got := Append(nil, el.Kind, el.Payload); !bytes.Equal(got, b) {
		t.Errorf("cut and appended: %q, want %q", got, b)
	}
	if el.Kind != KindInt && el.Kind != KindFloat {
		return
	}
	var n Number
	if err := Unmarshal(b, &n, opts...); err != nil || string(n) != string(el.Payload) {
		t.Errorf("as a Number: %q, %v; want %q", n, err, el.Payload)
	}
	if wrongInt(el.Payload, onSlice(opts).loose) < 0 {
		el.Kind = KindInt // a Number keeps digits, and 1^ has those of 1#
	}
	mustEncode(t, n, Append(nil, el.Kind, el.Payload), opts...)
}

func mustAcceptAndLeave(t *testing.T, v vector) {
	t.Helper()
	rest := sure(hex.DecodeString(v.Rest))
	mustLeaveRest(t, v.input, v.Value.goValue(false, false), string(rest))
	v.input = bytes.TrimSuffix(v.input, rest)
	mustAccept(t, v)
}

// mustLeaveRest checks that b is the value want and then rest, which is not
// looked at, where b does not have to be one whole element.
func mustLeaveRest(t *testing.T, b []byte, want any, rest string) {
	t.Helper()
	end := int64(len(b) - len(rest))
	for _, e := range entrances() {
		got, left, err := e.decode(b)
		switch {
		case e.whole:
			if verdictOf(err) != (verdict{Err: ErrTrailing, Offset: end}) {
				t.Errorf("%s: error %v, want %v at %d", e.name, err, ErrTrailing, end)
			}
		case err != nil || string(left) != rest || !sameValue(got, want):
			t.Errorf("%s: leaves %q, error %v, %s", e.name, left, err, diff(got, want))
		}
	}
}

func mustRefuse(t *testing.T, v vector) {
	t.Helper()
	got, err := agree(t, v.input)
	want, known := faults[v.ID]
	if !known {
		t.Errorf("not in faults: %q is %v", v.input, err)
	}
	if verdictOf(err) != want {
		t.Errorf("%q: %v and error %v, want %v at %d in %q", v.input, got, err, want.Err, want.Offset, want.Path)
	}
	if want.Err == io.ErrUnexpectedEOF {
		mustEndEarly(t, v.input)
	}
}

// mustEndEarly checks the three spellings of bytes that end inside an element.
func mustEndEarly(t *testing.T, b []byte) {
	t.Helper()
	err := Unmarshal(b, new(any))
	if e, ok := err.(*SyntaxError); !ok || e.Err != io.ErrUnexpectedEOF || e.Offset != int64(len(b)) {
		t.Errorf("Unmarshal: error %v, want a SyntaxError with io.ErrUnexpectedEOF at %d", err, len(b))
	}
	if _, rest, err := Cut(b); err != ErrShort || !bytes.Equal(rest, b) {
		t.Errorf("Cut: error %v, want ErrShort; rest %q, want %q", err, rest, b)
	}
	p := NewParser(MaxSize(maxNineDigits))
	p.Feed(b)
	if _, err := p.NextElement(); err != ErrShort || p.Buffered() != len(b) {
		t.Errorf("Parser: error %v, want ErrShort; %d buffered, want %d", err, p.Buffered(), len(b))
	}
	d := NewDecoder(bytes.NewReader(b), MaxSize(maxNineDigits))
	if err := d.Decode(new(any)); err != io.ErrUnexpectedEOF {
		t.Errorf("Decode: error %v, want io.ErrUnexpectedEOF", err)
	}
}

func mustBeTheEnd(t *testing.T, v vector) {
	t.Helper()
	if len(v.input) > 0 {
		t.Fatalf("%q is not empty", v.input)
	}
	_, err := agree(t, v.input)
	if want := (verdict{Err: io.ErrUnexpectedEOF}); verdictOf(err) != want {
		t.Errorf("error %v, want %v", err, want.Err)
	}
	for _, r := range readers {
		d := NewDecoder(r.of(v.input))
		if err := d.Decode(new(any)); err != io.EOF {
			t.Errorf("Decode, %s: error %v, want io.EOF", r.name, err)
		}
		if _, err := NewDecoder(r.of(v.input)).ReadFrame(); err != io.EOF {
			t.Errorf("ReadFrame, %s: error %v, want io.EOF", r.name, err)
		}
		if _, _, err := NewDecoder(r.of(v.input)).NextFrame(); err != io.EOF {
			t.Errorf("NextFrame, %s: error %v, want io.EOF", r.name, err)
		}
	}
}

// mustBeLimited is for lists in lists and nothing else: as many levels as there
// are have to be allowed.
func mustBeLimited(t *testing.T, v vector) {
	t.Helper()
	levels := bytes.Count(v.input, []byte("]"))
	if levels <= defaultDepth {
		t.Fatalf("%d levels are within the default limit", levels)
	}
	for _, limit := range []int{defaultDepth, levels - 1} {
		var opts []Option
		if limit != defaultDepth {
			opts = []Option{MaxDepth(limit)}
		}
		_, err := agree(t, v.input, opts...)
		e, ok := err.(*SyntaxError)
		if !ok || e.Err != ErrTooDeep || len(e.Path) > maxPath {
			t.Fatalf("with MaxDepth %d: error %v, want %v", limit, err, ErrTooDeep)
		}
		// Each level within the limit has been entered past its colon.
		if colons := bytes.Count(v.input[:e.Offset], []byte(":")); colons != limit+1 {
			t.Errorf("with MaxDepth %d: offset %d lies %d colons deep", limit, e.Offset, colons)
		}
	}
	got, err := agree(t, v.input, MaxDepth(levels))
	if err != nil {
		t.Fatalf("with MaxDepth %d: %v", levels, err)
	}
	if b, err := Marshal(got, MaxDepth(levels)); err != nil || !bytes.Equal(b, v.input) {
		t.Errorf("written with MaxDepth %d: %v, the same bytes: %v", levels, err, bytes.Equal(b, v.input))
	}
	if _, err := Marshal(got, MaxDepth(levels-1)); !errors.Is(err, ErrTooDeep) {
		t.Errorf("written with MaxDepth %d: error %v, want %v", levels-1, err, ErrTooDeep)
	}
	for range levels - 1 {
		got = got.([]any)[0]
	}
	if _, ok := got.([]any); !ok {
		t.Errorf("the innermost is %T", got)
	}
}

func TestEdgeCases(t *testing.T) {
	for _, v := range readVectors(t, "edge-cases.json") {
		t.Run(v.ID, func(t *testing.T) {
			check, ok := edgeChecks[v.Strict]
			if !ok {
				t.Fatalf("no test for the verdict %q", v.Strict)
			}
			check(t, v)
		})
	}
}

// edgeChecks says what each sentence in edge-cases.json means for us.
var edgeChecks = map[string]func(*testing.T, vector){
	"accept": func(t *testing.T, v vector) { mustBecome(t, v) },
	"reject": mustRefuse,
	"unexpected end of input": func(t *testing.T, v vector) {
		mustRefuse(t, v)
		mustEndEarly(t, v.input)
	},
	"reject; accept only in a lenient mode": func(t *testing.T, v vector) {
		mustRefuse(t, v)
		mustBecome(t, v, AllowLoose(true))
	},
	"reject; accept with the text-tag extension": func(t *testing.T, v vector) {
		mustRefuse(t, v)
		mustBecome(t, v, AllowText(true))
	},
	"reject; option to allow non-finite": func(t *testing.T, v vector) {
		mustRefuse(t, v)
		mustBecome(t, v, AllowNonFinite(true))
	},
	"reject (duplicate key); option to allow": func(t *testing.T, v vector) {
		mustRefuse(t, v)
		mustBecome(t, v, AllowDuplicateKeys(true))
	},
	"accept as a big integer or raw number; range error into int64": func(t *testing.T, v vector) {
		mustBecome(t, v)
		mustBeOutOfRange(t, v, new(int64), new(uint64))
	},
	"range error": func(t *testing.T, v vector) {
		mustBeOutOfRange(t, v, new(any), new(float64), new(float32))
		mustKeep(t, v.input)
	},
	"stream: accept the value, leave the rest; whole-buffer decode: reject": func(t *testing.T, v vector) {
		first := []byte("1:1#")
		mustLeaveRest(t, v.input, int64(1), string(bytes.TrimPrefix(v.input, first)))
	},
	"by the depth limit; never a crash": mustBeLimited,
}

// mustBecome checks that v is what edgeValues says, where opts allow it.
func mustBecome(t *testing.T, v vector, opts ...Option) {
	t.Helper()
	want, known := edgeValues[v.ID]
	got, err := agree(t, v.input, opts...)
	if !known {
		t.Fatalf("not in edgeValues: %q is %#v, %v", v.input, got, err)
	}
	if err != nil || !sameValue(got, want) {
		t.Errorf("error %v, %s", err, diff(got, want))
	}
	mustKeep(t, v.input, opts...)
}

// mustBeOutOfRange checks that v, a number, fits none of targets, and that they
// stay as they were.
func mustBeOutOfRange(t *testing.T, v vector, targets ...any) {
	t.Helper()
	el, _, err := Cut(v.input)
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range targets {
		if n, ok := target.(*uint64); ok && len(el.Payload) < 20 {
			// 2^63 to 2^64-1 fit a uint64.
			if err := Unmarshal(v.input, n); err != nil || strconv.FormatUint(*n, 10) != string(el.Payload) {
				t.Errorf("uint64 of %q: %d, %v", v.input, *n, err)
			}
			continue
		}
		for _, e := range entrances() {
			_, err := e.into(v.input, target)
			if te, ok := err.(*TypeError); !ok || te.Err != errRange || te.Kind != el.Kind || te.Offset != payloadAt(el, int64(len(v.input))) {
				t.Errorf("%s into %T: error %v, want %v", e.name, target, err, errRange)
			}
		}
	}
}

var big30, _ = new(big.Int).SetString("123456789012345678901234567890", 10)

// edgeValues is what the edge cases are that are accepted, or can be.
var edgeValues = map[string]any{
	"s01": "hello",
	"t02": "héllo",
	"i01": int64(0),
	"i03": int64(5),
	"i13": int64(1<<53 + 1),
	"i15": new(big.Int).SetUint64(1 << 63),
	"i17": new(big.Int).Sub(big.NewInt(math.MinInt64), big.NewInt(1)),
	"i19": big30,
	"f01": 1.5,
	"f03": 0.5,
	"f05": 1e5,
	"f07": math.Inf(1),
	"f09": math.NaN(),
	"f19": 1.5,
	"n01": nil,
	"d01": map[string]any{},
	"d03": map[string]any{"a": int64(2)},
	"d11": map[string]any{"a": int64(1)},
	"d13": map[string]any{"\xff": int64(1)},
	"l01": []any{},
	"x01": "",
	"x03": "é",
}

// faults says what is wrong with each input that is refused, and where.
var faults = map[string]verdict{
	"rfk-22":    {Err: ErrSize, Offset: 9},                     // 1000000000:pwned!,
	"edsrzf-40": {Err: ErrSize, Offset: 2},                     // 11\x00:-1000000000#
	"edsrzf-41": {Err: ErrSize, Offset: 2},                     // 10-100000000#
	"mitm-30":   {Err: ErrSize, Offset: 9},                     // 1000000000000:pwned!,
	"mitm-31":   {Err: ErrKey, Offset: 17},                     // 51:11:12345678901#4:this,8:true!0:~,4:true!0:]4:\x00,~}
	"mitm-32":   {Err: io.ErrUnexpectedEOF},                    // 0:
	"tn3-01":    {Err: ErrSize, Offset: 0},                     // :
	"tn3-02":    {Err: ErrPayload, Offset: 2},                  // 0:#
	"tn3-03":    {Err: ErrPayload, Offset: 2},                  // 1:+#
	"tn3-04":    {Err: ErrPayload, Offset: 3},                  // 1:-#
	"tn3-05":    {Err: ErrPayload, Offset: 2},                  // 0:^
	"tn3-06":    {Err: ErrPayload, Offset: 2},                  // 1: ^
	"tn3-07":    {Err: ErrPayload, Offset: 2},                  // 4: 1.0^
	"tn3-08":    {Err: io.ErrUnexpectedEOF},                    // 10:123#
	"tn3-09":    {Err: ErrSize, Offset: 9},                     // 1000000000:value,
	"tn3-10":    {Err: ErrKey, Offset: 4},                      // 6:0:]0:~}
	"lua-40":    {Err: ErrSize, Offset: 0},                     // :hello,
	"lua-41":    {Err: ErrSize, Offset: 1},                     // 5hello,
	"lua-42":    {Err: io.ErrUnexpectedEOF},                    // 16:hello,
	"lua-43":    {Err: ErrKind, Offset: 7},                     // 5:hello?
	"lua-44":    {Err: io.ErrUnexpectedEOF},                    // 5:hello
	"lua-45":    {Err: ErrKey, Offset: 10},                     // 16:5:hello!5:hello,}
	"lua-46":    {Err: ErrPayload, Offset: 13, Path: "/hello"}, // 16:5:hello,5:hello!}
	"lua-47":    {Err: ErrPayload, Offset: 13, Path: "/1"},     // 16:5:hello,5:hello!]
	"lua-48":    {Err: ErrPayload, Offset: 2},                  // 5:hello~
	"lua-49":    {Err: ErrPayload, Offset: 2},                  // 5:hello#
	"lua-50":    {Err: ErrPayload, Offset: 2},                  // 5:hello!
	"lua-51":    {Err: ErrPayload, Offset: 10, Path: "/hello"}, // 8:5:hello,}
	"lua-52":    {Err: ErrKey, Offset: 9},                      // 8:5:12345#}
	"rb-04":     {Err: ErrPayload, Offset: 4},                  // 7:-000.14^
	"rb-40":     {Err: ErrPayload, Offset: 2},                  // 1:x~
	"rb-41":     {Err: ErrPayload, Offset: 2},                  // 5:pants!
	"rb-42":     {Err: ErrSize, Offset: 0},                     // -1:asd,
	"rb-43":     {Err: ErrSize, Offset: 9},                     // 1000000000:asd,
	"rb-44":     {Err: ErrKind, Offset: 2},                     // 0:)
	"rb-60":     {Err: ErrKind, Offset: 3},                     // 1:é,
	"s03":       {Err: ErrSize, Offset: 1},                     // 00:,
	"s05":       {Err: ErrSize, Offset: 1},                     // 0000000005:hello,
	"s07":       {Err: ErrSize, Offset: 0},                     // -1:hello,
	"s09":       {Err: ErrSize, Offset: 0},                     //  5:hello,
	"s11":       {Err: ErrSize, Offset: 1},                     // 1_0:0123456789,
	"s13":       {Err: ErrSize, Offset: 1},                     // 5e0:hello,
	"s15":       {Err: ErrSize, Offset: 0},                     // :,
	"s17":       {Err: io.ErrUnexpectedEOF},                    // 5
	"s19":       {Err: io.ErrUnexpectedEOF},                    // 6:hello,
	"s21":       {Err: io.ErrUnexpectedEOF},                    // 5:hel
	"s23":       {Err: io.ErrUnexpectedEOF},                    // 999999999:x,
	"s25":       {Err: ErrSize, Offset: 9},                     // 4294967301:hello,
	"s27":       {Err: ErrSize, Offset: 0},                     // ٥:hello,
	"t02":       {Err: ErrKind, Offset: 8},                     // 6:héllo;
	"i03":       {Err: ErrPayload, Offset: 2},                  // 2:+5#
	"i05":       {Err: ErrPayload, Offset: 2},                  // 0:#
	"i07":       {Err: ErrPayload, Offset: 2},                  // 2: 5#
	"i09":       {Err: ErrPayload, Offset: 3},                  // 2:5\n#
	"i11":       {Err: ErrPayload, Offset: 3},                  // 4:0x1f#
	"i21":       {Err: ErrPayload, Offset: 3},                  // 3:1e3#
	"f03":       {Err: ErrPayload, Offset: 2},                  // 2:.5^
	"f07":       {Err: ErrPayload, Offset: 2},                  // 3:inf^
	"f09":       {Err: ErrPayload, Offset: 2},                  // 3:nan^
	"f13":       {Err: ErrPayload, Offset: 2},                  // 0:^
	"f15":       {Err: ErrPayload, Offset: 2},                  // 4: 1.5^
	"f17":       {Err: ErrPayload, Offset: 3},                  // 3:1,5^
	"f19":       {Err: ErrPayload, Offset: 2},                  // 4:+1.5^
	"b02":       {Err: ErrPayload, Offset: 2},                  // 4:True!
	"b04":       {Err: ErrPayload, Offset: 2},                  // 1:1!
	"b06":       {Err: ErrPayload, Offset: 2},                  // 4:tXXX!
	"d03":       {Err: ErrDuplicate, Offset: 13, Path: "/a"},   // 16:1:a,1:1#1:a,1:2#}
	"d05":       {Err: ErrKey, Offset: 14},                     // 16:1:a,1:1#1:2#1:2#}
	"d07":       {Err: ErrKey, Offset: 4},                      // 7:0:]1:1#}
	"d09":       {Err: ErrPayload, Offset: 6, Path: "/a"},      // 4:1:a,}
	"d11":       {Err: ErrKind, Offset: 5},                     // 8:1:a;1:1#}
	"l03":       {Err: ErrSize, Offset: 2, Path: "/0"},         // 6:5:hell]
	"l05":       {Err: ErrSize, Offset: 10, Path: "/1"},        // 9:5:hello,x]
}

// Every row of the tables above belongs to a vector.
func TestInteropTables(t *testing.T) {
	known := map[string]bool{}
	paths := sure(filepath.Glob("testdata/interop/*.json"))
	if len(paths) != 8 {
		t.Errorf("%d files of vectors", len(paths))
	}
	for _, path := range paths {
		for _, v := range readVectors(t, filepath.Base(path)) {
			if known[v.ID] {
				t.Errorf("two vectors are called %s", v.ID)
			}
			known[v.ID] = true
		}
	}
	rows := slices.AppendSeq(slices.Collect(maps.Keys(faults)), maps.Keys(edgeValues))
	for _, id := range rows {
		if !known[id] {
			t.Errorf("there is no vector %s", id)
		}
	}
	if len(known) != 203 {
		t.Errorf("%d vectors, want 203: has a file been cut?", len(known))
	}
}

// An exit is one way for a value to get out.
type exit struct {
	name   string
	encode func(v any) ([]byte, error)
}

// exits returns all of them.
func exits(opts ...Option) []exit {
	return []exit{
		{"Marshal", func(v any) ([]byte, error) { return Marshal(v, opts...) }},
		{"MarshalAppend", func(v any) ([]byte, error) {
			b, err := MarshalAppend([]byte("before"), v, opts...)
			after, ok := bytes.CutPrefix(b, []byte("before"))
			if !ok {
				err = cmp.Or(err, errors.New("what was in dst is lost"))
			}
			return after, err
		}},
		{"Encode", func(v any) ([]byte, error) {
			var w oneWrite
			err := NewEncoder(&w, opts...).Encode(v)
			return w.written, cmp.Or(err, w.err)
		}},
		{"AppendFrame", func(v any) ([]byte, error) {
			b, err := AppendFrame(nil, nil, v, opts...)
			return bytes.TrimPrefix(b, []byte("0:}")), err
		}},
		{"WriteFrame", func(v any) ([]byte, error) {
			var w oneWrite
			err := NewEncoder(&w, opts...).WriteFrame(Header{}, v)
			return bytes.TrimPrefix(w.written, []byte("0:}")), cmp.Or(err, w.err)
		}},
		{"Send", func(v any) ([]byte, error) {
			var w oneWrite
			err := NewConn(writeOnly{&w}, opts...).Send(nil, v)
			return bytes.TrimPrefix(w.written, []byte("0:}")), cmp.Or(err, w.err)
		}},
		{"Dict", func(v any) ([]byte, error) {
			b, err := Marshal(Dict{{Key: "k", Value: v, KeyKind: KindString}}, opts...)
			el, _, _ := Cut(b, opts...)
			return bytes.TrimPrefix(el.Payload, []byte("1:k,")), err
		}},
	}
}

// A oneWrite takes one Write.
type oneWrite struct {
	written []byte
	writes  int
	err     error
}

func (w *oneWrite) Write(p []byte) (int, error) {
	w.written = append(w.written, p...)
	if w.writes++; w.writes > 1 {
		w.err = errors.New("more than one Write")
	}
	return len(p), nil
}

// writeOnly is a stream nobody reads from.
type writeOnly struct{ io.Writer }

func (writeOnly) Read([]byte) (int, error) { return 0, errors.ErrUnsupported }
func (writeOnly) Close() error             { return nil }
