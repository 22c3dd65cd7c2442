package petrichor

import (
	"bytes"
	"encoding"
	"errors"
	"io"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestBigIntPointerIsAnInt(t *testing.T) {
	for _, v := range []any{big.NewInt(5), *big.NewInt(5), []*big.Int{big.NewInt(5)}[0]} {
		if b, err := Marshal(v); string(b) != "1:5#" || err != nil {
			t.Errorf("%T: %q, %v", v, b, err)
		}
	}
}

func TestWrongIntIsTheFirstByteThatIs(t *testing.T) {
	for s, at := range map[string]int64{"-01": 1, "-0": 1, "05": 1, "00": 1, "00x": 1, "0x": 1, "-": 1, "-x": 1, "1x": 1, "": 0, "+1": 0} {
		b := Append(nil, KindInt, []byte(s))
		var e *SyntaxError
		if err := Unmarshal(b, new(any)); !errors.As(err, &e) || e.Offset != at+2 {
			t.Errorf("%q: %v; want offset %d", b, err, at+2)
		}
	}
}

type selfPointer *selfPointer

func TestUnmarshalIntoPointersThatGoRound(t *testing.T) {
	var p selfPointer
	p = &p
	if err := Unmarshal([]byte("1:1#"), p); !errors.Is(err, ErrTooDeep) {
		t.Errorf("a pointer to itself: %v", err)
	}
	if _, err := Marshal(p); !errors.Is(err, ErrTooDeep) {
		t.Errorf("a pointer to itself: %v", err)
	}
	var a, b any
	a, b = &b, &a
	if err := Unmarshal([]byte("1:1#"), a); !errors.Is(err, ErrTooDeep) || a != any(&b) || b != any(&a) {
		t.Errorf("two interfaces that hold pointers to each other: %v", err)
	}
	var v any
	v = &v
	if err := Unmarshal([]byte("1:1#"), v); err != nil || v != any(int64(1)) {
		t.Errorf("an interface that holds a pointer to itself, as encoding/json: %v, %v", v, err)
	}
	var s struct{ A any }
	s.A = &s.A
	if err := Unmarshal([]byte("8:1:A,1:1#}"), &s); err != nil || s.A != any(int64(1)) {
		t.Errorf("a field that holds a pointer to itself: %v, %v", s, err)
	}
}

func TestNullIntoAnInterfaceThatHoldsAPointer(t *testing.T) {
	n := 1
	p := &n
	var v any = &p
	if err := Unmarshal([]byte("0:~"), &v); err != nil || v != any(&p) || p != nil {
		t.Errorf("a pointer to a pointer: the inner one becomes nil, as encoding/json: %v, %v, %v", v, p, err)
	}
	v = &n
	if err := Unmarshal([]byte("0:~"), &v); err != nil || v != nil || n != 1 {
		t.Errorf("a pointer: the interface becomes nil, as encoding/json: %v, %v, %v", v, n, err)
	}
}

func TestParserForgetsWhatAFrameNeeds(t *testing.T) {
	p := NewParser()
	p.Feed([]byte("0:}5:he"))
	if _, err := p.Next(); err != ErrShort {
		t.Fatal(err)
	}
	if raw, err := p.NextElement(); string(raw) != "0:}" || err != nil {
		t.Errorf("the element is there whole: %q, %v", raw, err)
	}
}

// idleReader has nothing more after its bytes, and does not say so.
type idleReader struct{ io.Reader }

func (r idleReader) Read(p []byte) (int, error) {
	n, _ := r.Reader.Read(p)
	return n, nil
}

func TestBodyOfAReaderThatIdles(t *testing.T) {
	d := NewDecoder(idleReader{strings.NewReader("0:}2:ab")})
	_, body, err := d.NextFrame()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(body); string(b) != "ab" || err != io.ErrNoProgress {
		t.Errorf("%q, %v; want io.ErrNoProgress where the tag ought to be", b, err)
	}
}

// ---- Types for the tables --------------------------------------------------------

type (
	reflectBool   bool
	reflectInt    int16
	reflectUint   uint32
	reflectFloat  float32
	reflectString string
	reflectByte   byte
	reflectBytes  []byte
	reflectNamed  []reflectByte
	reflectStruct struct {
		A int    `tnet:"a"`
		B string `tnet:"b"`
	}
	reflectTree struct {
		Left, Right *reflectTree `tnet:",omitempty"`
		N           int
	}
	reflectList []reflectList
	reflectMap  map[string]reflectMap
)

// reflectValue writes itself with a value receiver.
type reflectValue struct{ b string }

func (m reflectValue) MarshalTNet() ([]byte, error) {
	if m.b == "" {
		return nil, errConn
	}
	return []byte(m.b), nil
}

// reflectPtr writes and reads itself with a pointer receiver.
type reflectPtr struct{ got string }

func (m *reflectPtr) MarshalTNet() ([]byte, error) { return []byte("3:ptr,"), nil }

func (m *reflectPtr) UnmarshalTNet(b []byte) error {
	if string(b) == "0:]" {
		return errConn
	}
	m.got = string(b)
	return nil
}

// reflectInto reads itself with the codec.
type reflectInto struct{ A int8 }

func (m *reflectInto) UnmarshalTNet(b []byte) error {
	type plain reflectInto
	return Unmarshal(b, (*plain)(m))
}

// reflectAppend reads itself the way json.RawMessage does.
type reflectAppend []byte

func (m *reflectAppend) UnmarshalTNet(b []byte) error {
	*m = append((*m)[:0], b...)
	if string(b) == "0:]" {
		return errConn
	}
	return nil
}

type reflectText string

func (k reflectText) MarshalText() ([]byte, error) {
	if k == "fail" {
		return nil, errConn
	}
	return []byte("<" + k + ">"), nil
}

func (k *reflectText) UnmarshalText(b []byte) error {
	if *k != "" {
		return errors.New("not a fresh value")
	}
	if len(b) < 2 {
		return errConn
	}
	*k = reflectText(b[1 : len(b)-1])
	return nil
}

type reflectBinary struct{ n byte }

func (k reflectBinary) MarshalBinary() ([]byte, error) {
	if k.n == 0 {
		return nil, errConn
	}
	return []byte{k.n}, nil
}

func (k *reflectBinary) UnmarshalBinary(b []byte) error {
	if len(b) != 1 {
		return errConn
	}
	k.n = b[0]
	return nil
}

type reflectPanic struct{}

func (reflectPanic) MarshalTNet() ([]byte, error)  { panic("mine") }
func (*reflectPanic) UnmarshalTNet(b []byte) error { panic("mine") }

// reflectTextByte makes a list of what would be bytes.
type reflectTextByte byte

func (b reflectTextByte) MarshalText() ([]byte, error) { return []byte{b.letter()}, nil }
func (b reflectTextByte) letter() byte                 { return 'a' + byte(b) }

func reflectOf[T any](v T) *T { return &v }

func reflectURL(s string) url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return *u
}

// ---- Both ways --------------------------------------------------------------------

var reflectTable = []struct {
	name, reason string
	value        any
	wire         string
	opts         []Option
}{
	{"nil", "has no value", any(nil), "0:~", nil},
	{"bool", "true or false", true, "4:true!", nil},
	{"bool false", "true or false", false, "5:false!", nil},
	{"named bool", "its kind decides", reflectBool(true), "4:true!", nil},
	{"int", "decimal", -42, "3:-42#", nil},
	{"int 0", "one digit", 0, "1:0#", nil},
	{"int8", "down to the end", int8(math.MinInt8), "4:-128#", nil},
	{"int16", "named", reflectInt(math.MaxInt16), "5:32767#", nil},
	{"int32", "down to the end", int32(math.MinInt32), "11:-2147483648#", nil},
	{"int64", "down to the end", int64(math.MinInt64), "20:-9223372036854775808#", nil},
	{"uint", "decimal", uint(7), "1:7#", nil},
	{"uint8", "up to the end", uint8(255), "3:255#", nil},
	{"uint16", "up to the end", uint16(65535), "5:65535#", nil},
	{"uint32", "named", reflectUint(math.MaxUint32), "10:4294967295#", nil},
	{"uint64", "beyond int64", uint64(math.MaxUint64), "20:18446744073709551615#", nil},
	{"uintptr", "an integer like others", uintptr(9), "1:9#", nil},
	{"float32", "shortest for its size", float32(0.1), "3:0.1^", nil},
	{"named float", "its kind decides", reflectFloat(1.5), "3:1.5^", nil},
	{"float64", "always a point", 3.0, "3:3.0^", nil},
	{"float64 large", "no exponent below 1e21", 1e20, "23:100000000000000000000.0^", nil},
	{"float64 larger", "an exponent from there on", 1e21, "7:1.0e+21^", nil},
	{"float64 tiny", "never an exponent", 1e-7, "9:0.0000001^", nil},
	{"negative zero", "keeps its sign", math.Copysign(0, -1), "4:-0.0^", nil},
	{"infinity", "by option", math.Inf(1), "3:inf^", []Option{AllowNonFinite(true)}},
	{"negative infinity", "by option", float32(math.Inf(-1)), "4:-inf^", []Option{AllowNonFinite(true)}},
	{"string", "its bytes", "h\xe9", "2:h\xe9,", nil},
	{"named string", "its kind decides", reflectString("x"), "1:x,", nil},
	{"string as text", "by option", "\u00e9", "2:\u00e9;", []Option{AllowText(true)}},
	{"bytes", "a string", []byte{0, 255}, "2:\x00\xff,", nil},
	{"bytes with AllowText", "octets keep the comma", []byte("x"), "1:x,", []Option{AllowText(true)}},
	{"no bytes", "are not null", []byte{}, "0:,", nil},
	{"nil bytes", "are", []byte(nil), "0:~", nil},
	{"named bytes", "a string", reflectBytes("x"), "1:x,", nil},
	{"bytes of a named type", "a string", reflectNamed{1, 2}, "2:\x01\x02,", nil},
	{"byte array", "a string of that length", [3]byte{1, 2, 3}, "3:\x01\x02\x03,", nil},
	{"named byte array", "a string of that length", [1]reflectByte{'x'}, "1:x,", nil},
	{"empty byte array", "the empty string", [0]byte{}, "0:,", nil},
	{"slice", "a list", []int{1, 2}, "8:1:1#1:2#]", nil},
	{"empty slice", "the empty list", []int{}, "0:]", nil},
	{"nil slice", "null", []int(nil), "0:~", nil},
	{"array", "a list", [2]bool{true, false}, "15:4:true!5:false!]", nil},
	{"slices of slices", "lists of lists", [][]string{{"a"}, nil}, "10:4:1:a,]0:~]", nil},
	{"recursive slice", "ends where it is empty", reflectList{{}, {{}}}, "9:0:]3:0:]]]", nil},
	{"map", "sorted by bytes", map[string]int{"b": 1, "a": 2, "B": 3}, "24:1:B,1:3#1:a,1:2#1:b,1:1#}", nil},
	{"empty map", "the empty dict", map[string]int{}, "0:}", nil},
	{"nil map", "null", map[string]int(nil), "0:~", nil},
	{"named key", "its kind decides", map[reflectString]int{"k": 1}, "8:1:k,1:1#}", nil},
	{"int keys", "decimal, sorted as text", map[int]bool{10: true, -2: true, 9: true}, "35:2:-2,4:true!2:10,4:true!1:9,4:true!}", nil},
	{"uint keys", "decimal", map[uint8]int{255: 1}, "10:3:255,1:1#}", nil},
	{"text keys", "methods come before kinds", map[reflectText]int{"k": 1}, "10:3:<k>,1:1#}", nil},
	{"address keys", "their text", map[netip.Addr]int{netip.MustParseAddr("::1"): 1}, "10:3:::1,1:1#}", nil},
	{"keys as text", "by option", map[string]int{"k": 1}, "8:1:k;1:1#}", []Option{AllowText(true)}},
	{"recursive map", "ends where it is empty", reflectMap{"a": {"b": nil}}, "14:1:a,7:1:b,0:~}}", nil},
	{"struct", "a dict in declared order", reflectStruct{1, "x"}, "16:1:a,1:1#1:b,1:x,}", nil},
	{"recursive struct", "ends where nil is", reflectTree{Left: &reflectTree{N: 1}}, "26:4:Left,8:1:N,1:1#}1:N,1:0#}", nil},
	{"pointer", "what it points to", reflectOf(5), "1:5#", nil},
	{"nil pointer", "null", (*int)(nil), "0:~", nil},
	{"pointer to pointer", "what it leads to", reflectOf(reflectOf("x")), "1:x,", nil},
	{"interfaces", "what they hold", []any{nil, true, int64(1), 1.5, "s", []any{}, map[string]any{}}, "30:0:~4:true!1:1#3:1.5^1:s,0:]0:}]", nil},
	{"Marshaler", "writes itself", reflectPtr{"3:ptr,"}, "3:ptr,", nil},
	{"Marshaler behind a pointer", "writes itself", &reflectPtr{"3:ptr,"}, "3:ptr,", nil},
	{"nil Marshaler", "is not asked", (*reflectPtr)(nil), "0:~", nil},
	{"Marshalers in a map", "are not addressable, and asked on a copy", map[string]reflectPtr{"k": {"3:ptr,"}}, "10:1:k,3:ptr,}", nil},
	{"TextMarshaler", "a string", reflectText("x"), "3:<x>,", nil},
	{"BinaryMarshaler", "a string", reflectBinary{9}, "1:\t,", nil},
	{"BinaryMarshaler with AllowText", "of octets", reflectBinary{255}, "1:\xff,", []Option{AllowText(true)}},
	{"time", "RFC 3339", time.Date(2020, 1, 2, 3, 4, 5, 6000, time.UTC), "27:2020-01-02T03:04:05.000006Z,", nil},
	{"pointer to time", "RFC 3339", reflectOf(time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)), "20:2020-01-02T03:04:05Z,", nil},
	{"time as text", "by option", time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC), "20:2020-01-02T03:04:05Z;", []Option{AllowText(true)}},
	{"address", "its text", netip.MustParseAddr("192.0.2.1"), "9:192.0.2.1,", nil},
	{"URL", "its bytes", reflectURL("http://a/b?c"), "12:http://a/b?c,", nil},
	{"duration", "an int of nanoseconds", 1500 * time.Millisecond, "10:1500000000#", nil},
	{"big int", "an int of any size", *new(big.Int).Lsh(big.NewInt(1), 70), "22:1180591620717411303424#", nil},
	{"pointer to big int", "the same", big.NewInt(-3), "2:-3#", nil},
	{"Number int", "digit for digit", Number("-12"), "3:-12#", nil},
	{"Number float", "digit for digit", Number("1.50e+07"), "8:1.50e+07^", nil},
	{"Number -0", "is no int, and a float", Number("-0"), "2:-0^", nil},
	{"Raw", "as it is", Raw("3:0:~]"), "3:0:~]", nil},
	{"Dict", "in its own order", Dict{{Key: "b", Value: int64(1)}, {Key: "a", Value: Dict{}}}, "15:1:b,1:1#1:a,0:}}", nil},
	{"nil Dict", "null", Dict(nil), "0:~", nil},
	{"Dict with both keys", "tags are kept", Dict{{Key: "k", KeyKind: KindString}, {Key: "l"}}, "14:1:k,0:~1:l;0:~}", []Option{AllowText(true)}},
	{"Dict with a key twice", "by option", Dict{{Key: "k"}, {Key: "k", Value: true}}, "18:1:k,0:~1:k,4:true!}", []Option{AllowDuplicateKeys(true)}},
	{"Header", "a map", Header{"a": "b"}, "8:1:a,1:b,}", nil},
}

func TestMappingBothWays(t *testing.T) {
	for _, c := range reflectTable {
		t.Run(c.name, func(t *testing.T) {
			b, err := Marshal(c.value, c.opts...)
			if err != nil || string(b) != c.wire {
				t.Fatalf("%s: %q, %v; want %q", c.reason, b, err, c.wire)
			}
			if c.value == nil {
				return
			}
			typ := reflect.TypeOf(c.value)
			for range 2 { // the second time the plan is there, and the target not blank
				got := reflect.New(typ)
				if err := Unmarshal(b, got.Interface(), c.opts...); err != nil || !reflect.DeepEqual(got.Elem().Interface(), c.value) {
					t.Fatalf("%s: %#v, %v; want %#v", c.reason, got.Elem(), err, c.value)
				}
			}
			if typ.Kind() == reflect.Uint8 {
				return // a list of these is a string
			}
			holder := reflect.New(reflect.SliceOf(typ))
			if err := Unmarshal(Append(nil, KindList, b), holder.Interface(), c.opts...); err != nil || !reflect.DeepEqual(holder.Elem().Index(0).Interface(), c.value) {
				t.Fatalf("%s in a list: %v, %v", c.reason, holder.Elem(), err)
			}
		})
	}
}

func TestTimeKeepsItsZone(t *testing.T) {
	for _, s := range []string{"2020-01-02T03:04:05+01:30", "1999-12-31T23:59:59.999999999-07:00", "0001-01-01T00:00:00Z"} {
		want, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Marshal(want)
		if err != nil || !bytes.Equal(b, Append(nil, KindString, []byte(s))) {
			t.Errorf("%q, %v; want %s", b, err, s)
		}
		var got time.Time
		if err := Unmarshal(b, &got); err != nil || !got.Equal(want) || got.Format(time.RFC3339Nano) != s {
			t.Errorf("%v, %v; want %s", got, err, s)
		}
	}
}

// ---- What cannot be written -------------------------------------------------------

func TestWhatCannotBeMarshaled(t *testing.T) {
	deep := Raw("0:]")
	for range 9 {
		deep = Append(nil, KindList, deep)
	}
	for _, c := range []struct {
		name, reason string
		value        any
		opts         []Option
		want         error
		path         string
	}{
		{"chan", "has no form", make(chan int), nil, nil, ""},
		{"func", "has no form", func() {}, nil, nil, ""},
		{"complex", "has no form", complex(1, 2), nil, nil, ""},
		{"nil func in a struct", "the type has none either", struct{ F func() }{}, nil, nil, "/F"},
		{"chan in a list", "the path says where", []any{1, make(chan int)}, nil, nil, "/1"},
		{"chan in an array", "the path says where", [1]chan int{}, nil, nil, "/0"},
		{"chan in a map", "the path says where", map[string]any{"a": map[string]any{"b/c~": make(chan int)}}, nil, nil, "/a/b~1c~0"},
		{"chan in a Dict", "the path says where", Dict{{Key: "k", Value: make(chan int)}}, nil, nil, "/k"},
		{"infinity", "no float of the format", math.Inf(1), nil, errNonFinite, ""},
		{"NaN", "no float of the format", float32(math.NaN()), nil, errNonFinite, ""},
		{"float keys", "have no one spelling", map[float64]int{1: 1}, nil, errKeyType, ""},
		{"struct keys", "are not text", map[struct{}]int{{}: 1}, nil, errKeyType, ""},
		{"any keys", "are not text", map[any]int{"a": 1}, nil, errKeyType, ""},
		{"key method fails", "its error is kept", map[reflectText]int{"fail": 1}, nil, errConn, ""},
		{"Marshaler fails", "its error is kept", reflectValue{}, nil, errConn, ""},
		{"Marshaler writes nothing", "that is no element", reflectValue{" "}, nil, ErrSize, ""},
		{"Marshaler writes half", "that is no element", reflectValue{"5:abc"}, nil, io.ErrUnexpectedEOF, ""},
		{"Marshaler writes two", "that is not one element", []any{reflectValue{"0:~0:~"}}, nil, ErrTrailing, "/0"},
		{"Marshaler writes rubbish inside", "it is checked all the way down", reflectValue{"5:2:01#]"}, nil, ErrPayload, ""},
		{"Marshaler writes text", "not without AllowText", reflectValue{"1:x;"}, nil, ErrKind, ""},
		{"Raw is malformed", "it is checked", Raw("x"), nil, ErrSize, ""},
		{"Raw is empty", "that is no element; nil would be", Raw{}, nil, io.ErrUnexpectedEOF, ""},
		{"Raw is too deep", "counted from the outside", []any{deep}, []Option{MaxDepth(10)}, ErrTooDeep, "/0"},
		{"Raw is too large", "MaxSize is for writing too", Raw("5:abcde,"), []Option{MaxSize(4)}, ErrTooLarge, ""},
		{"TextMarshaler fails", "its error is kept", reflectText("fail"), nil, errConn, ""},
		{"BinaryMarshaler fails", "its error is kept", reflectBinary{}, nil, errConn, ""},
		{"time beyond RFC 3339", "year 10000 has no text", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), nil, nil, ""},
		{"time beyond RFC 3339 in a struct", "the path says where", struct{ N, T any }{1, struct{ T time.Time }{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}}, nil, nil, "/T/T"},
		{"time before RFC 3339 behind a pointer", "the path says where", &struct {
			A int
			T time.Time
			B string
		}{T: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}, nil, nil, "/T"},
		{"Number that is none", "checked", Number("1_0"), nil, ErrPayload, ""},
		{"Number hexadecimal", "checked", Number("0x1p4"), nil, ErrPayload, ""},
		{"Number not finite", "by option only", Number("nan"), nil, ErrPayload, ""},
		{"Number too long", "numbers are short", Number(strings.Repeat("1", 401)), nil, ErrPayload, ""},
		{"big int too long", "numbers are short", new(big.Int).Lsh(big.NewInt(1), 5000), nil, ErrTooLarge, ""},
		{"big int of few bits too long", "numbers are short", new(big.Int).Exp(big.NewInt(10), big.NewInt(450), nil), nil, ErrTooLarge, ""},
		{"string too large", "MaxSize is for writing too", "12345", []Option{MaxSize(4)}, ErrTooLarge, ""},
		{"bytes too large", "MaxSize is for writing too", []byte("12345"), []Option{MaxSize(4)}, ErrTooLarge, ""},
		{"list too large", "MaxSize is for writing too", []string{"12345"}, []Option{MaxSize(7)}, ErrTooLarge, ""},
		{"dict too large", "MaxSize is for writing too", reflectStruct{}, []Option{MaxSize(10)}, ErrTooLarge, ""},
		{"key too large", "MaxSize is for writing too", map[string]int{"12345": 1}, []Option{MaxSize(4)}, ErrTooLarge, "/12345"},
		{"text that is no UTF-8", "another reader would refuse it", "\xff", []Option{AllowText(true)}, ErrPayload, ""},
		{"key that is no UTF-8", "another reader would refuse it", map[string]int{"\xff": 1}, []Option{AllowText(true)}, ErrPayload, `/\xff`},
		{"key that is no UTF-8 in a map of any", "another reader would refuse it", map[string]any{"\xff": 1}, []Option{AllowText(true)}, ErrPayload, `/\xff`},
		{"key that is no UTF-8 in a map of strings", "another reader would refuse it", map[string]string{"\xff": ""}, []Option{AllowText(true)}, ErrPayload, `/\xff`},
		{"Dict with a key twice", "an option allows it", Dict{{Key: "k"}, {Key: "k"}}, nil, ErrDuplicate, "/k"},
		{"Dict with a text key", "an option allows it", Dict{{Key: "k", KeyKind: KindText}}, nil, ErrKey, "/k"},
		{"Dict with a key that is a list", "keys are strings", Dict{{Key: "k", KeyKind: KindList}}, nil, ErrKey, "/k"},
		{"lists too deep", "MaxDepth is for writing too", [][][]int{{{}}}, []Option{MaxDepth(2)}, ErrTooDeep, "/0/0"},
		{"dicts too deep", "MaxDepth is for writing too", reflectMap{"a": {"b": {}}}, []Option{MaxDepth(2)}, ErrTooDeep, "/a/b"},
		{"maps of any too deep", "MaxDepth is for writing too", map[string]any{"a": map[string]any{}}, []Option{MaxDepth(1)}, ErrTooDeep, "/a"},
		{"lists of any too deep", "MaxDepth is for writing too", []any{[]any{}}, []Option{MaxDepth(1)}, ErrTooDeep, "/0"},
		{"structs too deep", "MaxDepth is for writing too", reflectTree{Left: &reflectTree{}}, []Option{MaxDepth(1)}, ErrTooDeep, "/Left"},
		{"Dicts too deep", "MaxDepth is for writing too", Dict{{Key: "a", Value: Dict{}}}, []Option{MaxDepth(1)}, ErrTooDeep, "/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := Marshal(c.value, c.opts...)
			e, ok := err.(*TypeError)
			if !ok || b != nil || c.want != nil && !errors.Is(err, c.want) {
				t.Fatalf("%s: %q, %v; want %v", c.reason, b, err, c.want)
			}
			if e.Path != c.path || e.Kind != 0 {
				t.Errorf("path %q, kind %v; want %q", e.Path, e.Kind, c.path)
			}
			dst := []byte("before")
			if b, err := MarshalAppend(dst, c.value, c.opts...); err == nil || string(b) != "before" {
				t.Errorf("MarshalAppend: %q, %v", b, err)
			}
			var out bytes.Buffer
			if err := NewEncoder(&out, c.opts...).Encode(c.value); err == nil || out.Len() > 0 {
				t.Errorf("Encode wrote %q, %v", out.String(), err)
			}
		})
	}
}

type reflectSameKey struct{ n int }

func (reflectSameKey) MarshalText() ([]byte, error) { return []byte("same"), nil }

func TestTwoKeysOfOneText(t *testing.T) {
	_, err := Marshal(map[reflectSameKey]int{{1}: 1, {2}: 2})
	if e, ok := err.(*TypeError); !ok || e.Err != ErrDuplicate || e.Path != "/same" {
		t.Errorf("%v", err)
	}
	if b, err := Marshal(map[*reflectText]int{nil: 1}); err != nil || string(b) != "7:0:,1:1#}" {
		t.Errorf("a nil key is the empty one, as with encoding/json: %q, %v", b, err)
	}
}

func TestCyclesAreRefused(t *testing.T) {
	tree := &reflectTree{}
	tree.Left = tree
	list := reflectList{nil}
	list[0] = list
	anys := []any{nil}
	anys[0] = anys
	m := reflectMap{}
	m["k"] = m
	dict := Dict{{Key: "k"}}
	dict[0].Value = dict
	var held any
	held = &held
	var long *reflectTree
	for range 200 {
		long = &reflectTree{Right: long}
	}
	array := [1]any{}
	array[0] = &array
	for _, c := range []struct {
		name  string
		value any
	}{
		{"pointer", tree},
		{"slice", list},
		{"slice of any", anys},
		{"map", m},
		{"Dict", dict},
		{"interface", held},
		{"array", &array},
		{"no cycle, but as deep", long},
	} {
		for _, opts := range [][]Option{nil, {MaxDepth(deepest)}} {
			if c.name == "no cycle, but as deep" && opts != nil {
				continue
			}
			var out bytes.Buffer
			if err := NewEncoder(&out, opts...).Encode(c.value); !errors.Is(err, ErrTooDeep) || out.Len() > 0 {
				t.Errorf("%s: %v, %d bytes written", c.name, err, out.Len())
			}
			if len(err0(Marshal(c.value, opts...)).Error()) > maxMessage {
				t.Errorf("%s: a long message", c.name)
			}
		}
	}
}

func err0(_ []byte, err error) error { return err }

func TestPanicsOfMethodsPassThrough(t *testing.T) {
	panics := func(f func()) (r any) {
		defer func() { r = recover() }()
		f()
		return nil
	}
	if r := panics(func() { Marshal([]any{1, reflectPanic{}}) }); r != "mine" {
		t.Errorf("Marshal: %v", r)
	}
	if r := panics(func() { Unmarshal([]byte("0:~"), new(reflectPanic)) }); r != "mine" {
		t.Errorf("Unmarshal: %v", r)
	}
	for range 100 { // the writer of the panic is in use again
		if b, err := Marshal([]any{1}); err != nil || string(b) != "4:1:1#]" {
			t.Fatalf("%q, %v", b, err)
		}
	}
	v := struct {
		A int
		P *reflectPanic
	}{1, &reflectPanic{}}
	panics(func() { Unmarshal([]byte(fuzzDictOf("A", "1:2#", "P", "0:]")), &v) })
	if v.A != 1 {
		t.Errorf("a panic is no reason to leave half a value: %+v", v)
	}
}

// ---- What cannot be read -----------------------------------------------------------

func TestWhatCannotBeUnmarshaled(t *testing.T) {
	for _, c := range []struct {
		name, reason string
		wire         string
		target       any // a pointer
		want         error
		offset       int64
		path         string
	}{
		{"no pointer", "nothing could be set", "1:1#", 5, errTarget, 2, ""},
		{"nil", "nothing could be set", "1:1#", nil, errTarget, 2, ""},
		{"nil pointer", "nothing could be set", "1:1#", (*int)(nil), errTarget, 2, ""},
		{"chan", "has no form", "0:~", new(chan int), nil, 2, ""},
		{"func", "has no form", "1:1#", new(func()), nil, 2, ""},
		{"complex", "has no form", "3:1.5^", new(complex128), nil, 2, ""},
		{"int into bool", "nothing is converted", "1:1#", reflectOf(true), nil, 2, ""},
		{"string into int", "nothing is converted", "1:1,", reflectOf(7), nil, 2, ""},
		{"float into int", "even where it is whole", "3:1.0^", reflectOf(7), nil, 2, ""},
		{"bool into uint", "nothing is converted", "4:true!", reflectOf(uint(7)), nil, 2, ""},
		{"string into float", "nothing is converted", "3:1.5,", reflectOf(7.0), nil, 2, ""},
		{"int into string", "nothing is converted", "1:1#", reflectOf("s"), nil, 2, ""},
		{"list into bytes", "nothing is converted", "4:1:1#]", reflectOf([]byte("b")), nil, 2, ""},
		{"list into byte array", "nothing is converted", "4:1:1#]", reflectOf([1]byte{7}), nil, 2, ""},
		{"string into slice", "nothing is converted", "1:x,", reflectOf([]int{7}), nil, 2, ""},
		{"dict into array", "nothing is converted", "0:}", reflectOf([1]int{7}), nil, 2, ""},
		{"list into map", "nothing is converted", "0:]", reflectOf(map[string]int{"a": 7}), nil, 2, ""},
		{"list into struct", "nothing is converted", "0:]", reflectOf(reflectStruct{A: 7}), nil, 2, ""},
		{"list into Dict", "nothing is converted", "0:]", reflectOf(Dict{{Key: "k"}}), nil, 2, ""},
		{"string into Number", "nothing is converted", "1:1,", reflectOf(Number("7")), nil, 2, ""},
		{"float into big int", "nothing is converted", "3:1.0^", big.NewInt(7), nil, 2, ""},
		{"int into time", "a time is text", "1:1#", reflectOf(time.Unix(7, 0)), nil, 2, ""},
		{"no time", "the error of the method is kept", "1:x,", reflectOf(time.Unix(7, 0)), nil, 2, ""},
		{"int into TextUnmarshaler", "a text is a string", "1:1#", reflectOf(reflectText("7")), nil, 2, ""},
		{"TextUnmarshaler fails", "its error is kept", "1:x,", reflectOf(reflectText("7")), errConn, 2, ""},
		{"BinaryUnmarshaler fails", "its error is kept", "2:xx,", &reflectBinary{7}, errConn, 2, ""},
		{"list into BinaryUnmarshaler", "octets are a string", "0:]", &reflectBinary{7}, nil, 2, ""},
		{"Unmarshaler fails", "its error is kept", "0:]", &reflectPtr{"7"}, errConn, 2, ""},
		{"Unmarshaler fails inside", "offset and path are those of the document", fuzzDictOf("k", "3:0:~]", "l", "0:]"), &struct {
			L reflectPtr `tnet:"l"`
		}{reflectPtr{"7"}}, errConn, 19, "/l"},
		{"Unmarshaler that uses the codec", "its error is ours, and moved", fuzzDictOf("k", "10:1:A,3:999#}"), reflectOf(map[string]reflectInto{}), errRange, 16, "/k/A"},
		{"Unmarshaler that appends", "and fails: the old bytes are as they were", "0:]", reflectOf(reflectAppend("seven")), errConn, 2, ""},
		{"beyond int8", "out of range", "3:128#", reflectOf(int8(7)), errRange, 2, ""},
		{"below int16", "out of range", "6:-32769#", reflectOf(int16(7)), errRange, 2, ""},
		{"beyond int64", "out of range", "19:9223372036854775808#", reflectOf(int64(7)), errRange, 3, ""},
		{"far beyond int64", "out of range", "30:" + strings.Repeat("9", 30) + "#", reflectOf(int64(7)), errRange, 3, ""},
		{"negative into uint", "out of range", "2:-1#", reflectOf(uint(7)), errRange, 2, ""},
		{"beyond uint8", "out of range", "3:256#", reflectOf(uint8(7)), errRange, 2, ""},
		{"beyond uint64", "out of range", "20:18446744073709551616#", reflectOf(uint64(7)), errRange, 3, ""},
		{"beyond float32", "out of range", "4:1e39^", reflectOf(float32(7)), errRange, 2, ""},
		{"beyond float64", "out of range", "5:1e400^", reflectOf(7.0), errRange, 2, ""},
		{"beyond float64 in an any", "out of range", "8:5:1e400^]", reflectOf(any(7)), errRange, 4, "/0"},
		{"short for the array", "a digest that is padded lies", "2:xx,", reflectOf([3]byte{7}), errLength, 2, ""},
		{"long for the array", "a digest that is cut lies", "4:xxxx,", reflectOf([3]byte{7}), errLength, 2, ""},
		{"in a slice", "the path says where", "12:1:1#1:2#1:x,]", reflectOf([]int{7}), nil, 13, "/2"},
		{"in an array", "the path says where", "8:1:1#1:x,]", reflectOf([2]int{7}), nil, 8, "/1"},
		{"in a map", "the path says where", "16:1:a,1:1#1:b,1:x,}", reflectOf(map[string]int{"a": 7}), nil, 17, "/b"},
		{"in a struct", "the path says where", "16:1:a,1:1#1:b,1:1#}", reflectOf(reflectStruct{A: 7}), nil, 17, "/b"},
		{"in a Dict", "the path says where", fuzzDictOf("a", "8:5:1e400^]"), reflectOf(Dict{{Key: "k"}}), errRange, 11, "/a/0"},
		{"int key", "out of range", "10:3:128,1:1#}", reflectOf(map[int8]int{7: 7}), errRange, 5, "/128"},
		{"int key with a zero in front", "would be another key too", "9:2:01,1:1#}", reflectOf(map[int]int{7: 7}), errRange, 4, "/01"},
		{"int key with a plus", "would be another key too", "9:2:+1,1:1#}", reflectOf(map[int]int{7: 7}), errRange, 4, "/+1"},
		{"uint key", "out of range", "9:2:-1,1:1#}", reflectOf(map[uint]int{7: 7}), errRange, 4, "/-1"},
		{"uint key with a zero in front", "would be another key too", "9:2:01,1:1#}", reflectOf(map[uint]int{7: 7}), errRange, 4, "/01"},
		{"empty int key", "no integer", "7:0:,1:1#}", reflectOf(map[int]int{7: 7}), errRange, 4, "/"},
		{"text key", "its error is kept", "8:1:x,1:1#}", reflectOf(map[reflectText]int{"7": 7}), errConn, 4, "/x"},
		{"float key", "has no one spelling", "8:1:1,1:1#}", reflectOf(map[float64]int{7: 7}), errKeyType, 4, "/1"},
		{"interface with methods", "nobody says which type", "0:}", new(io.Reader), nil, 2, ""},
		{"interface with methods in a struct", "nobody says which type", fuzzDictOf("R", "1:x,"), &struct{ R encoding.TextMarshaler }{}, nil, 8, "/R"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := genSnapshot(c.target)
			err := Unmarshal([]byte(c.wire), c.target)
			e, ok := err.(*TypeError)
			if !ok || c.want != nil && !errors.Is(err, c.want) {
				t.Fatalf("%s: %T %v; want %v", c.reason, err, err, c.want)
			}
			if e.Offset != c.offset || e.Path != c.path || e.Kind == 0 {
				t.Errorf("offset %d, path %q, kind %v; want %d, %q", e.Offset, e.Path, e.Kind, c.offset, c.path)
			}
			if after := genSnapshot(c.target); after != before {
				t.Errorf("the target was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

// ---- Null, merging and what exists already ------------------------------------------

func TestNull(t *testing.T) {
	five := 5
	for _, c := range []struct {
		name, reason string
		target, want any // pointers
	}{
		{"bool", "cannot be nil, and is left alone", reflectOf(true), reflectOf(true)},
		{"int", "left alone", reflectOf(5), reflectOf(5)},
		{"uint", "left alone", reflectOf(uint(5)), reflectOf(uint(5))},
		{"float", "left alone", reflectOf(0.5), reflectOf(0.5)},
		{"string", "left alone", reflectOf("s"), reflectOf("s")},
		{"struct", "left alone", &reflectStruct{A: 1}, &reflectStruct{A: 1}},
		{"array", "left alone", reflectOf([2]int{1, 2}), reflectOf([2]int{1, 2})},
		{"byte array", "left alone", reflectOf([1]byte{1}), reflectOf([1]byte{1})},
		{"time", "left alone", reflectOf(time.Unix(1, 0)), reflectOf(time.Unix(1, 0))},
		{"Number", "left alone", reflectOf(Number("1")), reflectOf(Number("1"))},
		{"big int", "left alone", big.NewInt(1), big.NewInt(1)},
		{"text", "left alone", reflectOf(reflectText("x")), reflectOf(reflectText("x"))},
		{"binary", "left alone", &reflectBinary{1}, &reflectBinary{1}},
		{"slice", "becomes nil", reflectOf([]int{1}), new([]int)},
		{"bytes", "become nil", reflectOf([]byte{1}), new([]byte)},
		{"map", "becomes nil", reflectOf(map[string]int{"a": 1}), new(map[string]int)},
		{"pointer", "becomes nil", reflectOf(&five), new(*int)},
		{"any", "becomes nil", reflectOf(any(1)), new(any)},
		{"interface", "becomes nil", reflectOf(io.Reader(&bytes.Buffer{})), new(io.Reader)},
		{"Dict", "becomes nil", reflectOf(Dict{}), new(Dict)},
		{"Raw", "is the null", reflectOf(Raw("0:]")), reflectOf(Raw("0:~"))},
		{"Unmarshaler", "is asked", &reflectPtr{"x"}, &reflectPtr{"0:~"}},
		{"pointer to Unmarshaler", "becomes nil without asking", reflectOf(&reflectPtr{"x"}), new(*reflectPtr)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := Unmarshal([]byte("0:~"), c.target); err != nil || !reflect.DeepEqual(c.target, c.want) {
				t.Errorf("%s: %v, %v", c.reason, c.target, err)
			}
			elem := reflect.TypeOf(c.target).Elem()
			list := reflect.New(reflect.SliceOf(elem))
			if err := Unmarshal([]byte("3:0:~]"), list.Interface()); err != nil {
				t.Errorf("in a list: %v", err)
			}
		})
	}
	if err := Unmarshal([]byte("4:1:x~]"), new([]int)); !fuzzIsSyntax(err) {
		t.Errorf("null has no payload: %v", err)
	}
}

func TestMerging(t *testing.T) {
	five := 5
	in := &reflectStruct{1, "old"}
	v := struct {
		In   *reflectStruct
		M    map[string]int
		S    []int
		A    [3]int
		I    any
		P    *int
		New  **int
		Self *int
	}{In: in, M: map[string]int{"a": 1, "b": 2}, S: []int{1, 2, 3}, A: [3]int{1, 2, 3}, I: in, P: &five}
	s, m := v.S, v.M
	doc := fuzzDictOf("In", "8:1:a,1:9#}", "M", "16:1:b,1:8#1:c,1:7#}", "S", "4:1:6#]", "A", "4:1:6#]",
		"I", "10:1:b,3:new,}", "P", "1:4#", "New", "1:3#")
	if err := Unmarshal([]byte(doc), &v); err != nil {
		t.Fatal(err)
	}
	if v.In != in || v.I != any(in) || *in != (reflectStruct{9, "new"}) {
		t.Errorf("pointers that are there are followed, and two to one place share it: %+v, %+v", v.In, v.I)
	}
	if !reflect.DeepEqual(m, map[string]int{"a": 1, "b": 8, "c": 7}) {
		t.Errorf("a map that is there is added to: %v", m)
	}
	if !reflect.DeepEqual(v.S, []int{6}) || !reflect.DeepEqual(s, []int{1, 2, 3}) {
		t.Errorf("a slice is always new: %v, and the old one %v", v.S, s)
	}
	if v.A != [3]int{6, 0, 0} {
		t.Errorf("what the list does not have becomes zero: %v", v.A)
	}
	if five != 4 || v.P != &five || **v.New != 3 || v.Self != nil {
		t.Errorf("%d, %v", five, v.New)
	}
	if err := Unmarshal([]byte("16:1:1#1:2#1:3#1:4#]"), &v.A); err != nil || v.A != [3]int{1, 2, 3} {
		t.Errorf("what an array has no place for is dropped: %v, %v", v.A, err)
	}
	if err := Unmarshal([]byte("15:1:1#1:2#1:3#01#]"), &v.A); !fuzzIsSyntax(err) {
		t.Errorf("but checked: %v", err)
	}
}

func TestDuplicateKeysTheLastWins(t *testing.T) {
	doc := []byte(fuzzDictOf("a", "1:1#", "b", "1:x,", "a", "1:2#"))
	allow := AllowDuplicateKeys(true)
	var s reflectStruct
	if err := Unmarshal(doc, &s, allow); err != nil || s != (reflectStruct{2, "x"}) {
		t.Errorf("%+v, %v", s, err)
	}
	var m map[string]any
	if err := Unmarshal(doc, &m, allow); err != nil || m["a"] != any(int64(2)) || len(m) != 2 {
		t.Errorf("%+v, %v", m, err)
	}
	var d Dict
	if err := Unmarshal(doc, &d, allow); err != nil || len(d) != 3 {
		t.Errorf("a Dict keeps them all: %+v, %v", d, err)
	}
	if v, ok := d.Get("a"); !ok || v != any(int64(2)) {
		t.Errorf("and Get finds the last: %v, %v", v, ok)
	}
	if v, ok := d.Get("c"); ok || v != nil {
		t.Errorf("%v, %v", v, ok)
	}
	merged := map[string]map[string]int{}
	if err := Unmarshal([]byte(fuzzDictOf("k", "8:1:a,1:1#}", "k", "8:1:b,1:2#}")), &merged, allow); err != nil || len(merged["k"]) != 1 {
		t.Errorf("a map's entries are new values: %v, %v", merged, err)
	}
	for _, target := range []any{new(any), new(reflectStruct), new(map[string]any), new(Dict), new(map[reflectText]int), new(Raw), new(reflectPtr)} {
		var e *SyntaxError
		if err := Unmarshal(doc, target); !errors.As(err, &e) || e.Err != ErrDuplicate || e.Offset != 21 || e.Path != "/a" {
			t.Errorf("%T without the option: %v", target, err)
		}
	}
}

func TestMethodsReadIntoFreshValues(t *testing.T) {
	v := struct {
		T reflectText
		M map[reflectText]reflectText
		P *reflectText
	}{T: "old", P: reflectOf(reflectText("old"))}
	p := v.P
	if err := Unmarshal([]byte(fuzzDictOf("T", "3:<x>,", "M", fuzzDictOf("<k>", "3:<v>,"), "P", "3:<y>,")), &v); err != nil {
		t.Fatal(err)
	}
	if v.T != "x" || v.M["k"] != "v" || v.P != p || *p != "y" {
		t.Errorf("%+v", v)
	}
	old := reflectAppend("long enough")
	shared := old[:4]
	if err := Unmarshal([]byte("1:1#"), &old); err != nil || string(old) != "1:1#" || string(shared) != "long" {
		t.Errorf("%q, and what shared its array %q, %v", old, shared, err)
	}
	var f big.Float
	f.SetFloat64(1)
	g := f
	if err := Unmarshal([]byte("3:2.5,"), &f); err != nil || f.String() != "2.5" || g.String() != "1" {
		t.Errorf("%v, %v, %v", &f, &g, err)
	}
}

func TestBytesWhoseElementsWriteThemselves(t *testing.T) {
	if b, err := Marshal([]reflectTextByte{0, 1}); err != nil || string(b) != "8:1:a,1:b,]" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestOneTypeFromManyGoroutines(t *testing.T) {
	type fresh struct {
		A map[string][]*reflectTree
		B struct{ C, D reflectStruct }
	}
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			b, err := Marshal(fresh{A: map[string][]*reflectTree{"k": {{N: 1}}}})
			var v fresh
			if err := errors.Join(err, Unmarshal(b, &v)); err != nil || v.A["k"][0].N != 1 {
				t.Errorf("%+v, %v", v, err)
			}
		})
	}
	done.Wait()
}

// Reading and checking is one pass, so every type has to find what check would
// find, and to leave it to check to say what it was.
func TestEveryTypeRefusesMalformedElements(t *testing.T) {
	malformed := []string{
		"1:x#", "0:#", "2:01#", "2:-0#", "2:+1#", "1:-#", "401:" + strings.Repeat("1", 401) + "#",
		"1:x^", "0:^", "2:1.^", "2:.1^", "3:01.^", "3:nan^", "3:1e+^", "401:" + strings.Repeat("1", 401) + "^",
		"1:t!", "4:True!", "0:!", "5:truee!", "1:x~", "3:abc?",
		"1:x]", "3:1:x]", "4:9:x,]", "4:2:01]", "6:3:0:~]~]", "5:2:01#]", "4:1:x#]",
		"1:x}", "4:1:k,}", "8:1:1#1:v,}", "7:0:~1:v,}", "7:1:k,1:x}", "9:1:k,2:01#}", "14:1:k,0:~1:k,0:~}", "8:1:k,9:v,}", "7:1:k,0:?}",
		"7:01:k,0:~}", "12:7:1:k,0:?}0:~}",
	}
	targets := []any{
		reflectOf(true), reflectOf(7), reflectOf(int8(7)), reflectOf(uint(7)), reflectOf(uint8(7)), reflectOf(7.5), reflectOf(float32(7)),
		reflectOf("s"), reflectOf([]byte("b")), reflectOf([3]byte{7}), reflectOf([]int{7}), reflectOf([1]int{7}), reflectOf([]string{"s"}),
		reflectOf([]any{7}), reflectOf([]float64{7}), reflectOf([]int64{7}), reflectOf(reflectList{{}}), reflectOf([0]int{}),
		reflectOf(map[string]int{"k": 7}), reflectOf(map[int]string{7: "s"}), reflectOf(map[reflectText]int{"k": 7}), reflectOf(map[string]string{"k": "v"}),
		reflectOf(map[string]any{"k": 7}), &Header{"k": 7}, &reflectStruct{7, "s"}, &struct{ K reflectStruct }{}, &struct {
			K int `tnet:"k"`
		}{7},
		&fieldsInline{A: 7}, &FieldsNested{}, &fieldsQuoted{I: 7},
		reflectOf(reflectOf(7)), new(*reflectStruct), reflectOf(any(7)), new(any), reflectOf(any(reflectOf(7))), new(io.Reader),
		reflectOf(time.Unix(7, 0)), new(netip.Addr), reflectOf(reflectText("7")), &reflectBinary{7}, new(url.URL), &reflectPtr{"7"},
		reflectOf(Number("7")), reflectOf(Raw("0:~")), reflectOf(Dict{{Key: "k"}}), big.NewInt(7), reflectOf(big.NewInt(7)), reflectOf(time.Hour),
	}
	text := AllowText(true) // so that there is one more way to be wrong
	for _, wire := range append(malformed, "1:\xff;") {
		for _, inside := range []string{wire, "1:1#" + wire, fuzzDictOf("k", wire, "z", "0:~")} {
			b := []byte(inside)
			if strings.HasPrefix(inside, "1:1#") {
				b = Append(nil, KindList, b)
			}
			want := Unmarshal(b, new(Raw), text)
			if !fuzzIsSyntax(want) {
				t.Fatalf("%q: %v", b, want)
			}
			for _, target := range targets {
				before := genSnapshot(target)
				err := Unmarshal(b, target, text)
				if err == nil || err.Error() != want.Error() {
					t.Errorf("%q into %T: %v; want %v", b, target, err, want)
				}
				if after := genSnapshot(target); after != before {
					t.Errorf("%q into %T: the target was\n%s\nand is\n%s", b, target, before, after)
				}
			}
		}
	}
}

// reflectDocs are documents and targets that take them.
var reflectDocs = []struct {
	wire   string
	target any // a pointer
}{
	{"1:1#", new(int)},
	{"0:~", new(*int)},
	{"1:x,", new(string)},
	{"0:]", new([]int)},
	{"8:1:1#1:2#]", new([]int)},
	{"8:1:1#1:2#]", new([1]int)},
	{"8:1:1#1:2#]", new([]int8)},
	{"10:7:4:1:x,]]]", new([][][]string)},
	{"10:7:4:1:x,]]]", new(any)},
	{"10:7:4:1:x,]]]", new([]any)},
	{"10:7:4:1:x,]]]", new(Raw)},
	{"10:7:4:1:x,]]]", new(reflectPtr)},
	{"10:7:4:1:x,]]]", new([0]int)},
	{"0:}", new(map[string]int)},
	{"8:1:a,1:1#}", new(map[string]int)},
	{"8:1:a,1:x,}", new(map[string]string)},
	{"8:1:1,1:x,}", new(map[int]string)},
	{"15:1:a,8:1:b,1:1#}}", new(map[string]any)},
	{"15:1:a,8:1:b,1:1#}}", new(any)},
	{"15:1:a,8:1:b,1:1#}}", new(Dict)},
	{"15:1:a,8:1:b,1:1#}}", new(reflectStruct)},
	{"14:1:a,7:1:b,0:~}}", new(reflectMap)},
	{"14:1:a,7:1:b,0:~}}", new(FieldsIn)},
	{"14:1:a,7:1:b,0:~}}", &struct {
		A struct{ B *int } `tnet:"a"`
	}{}},
	{"14:1:x,7:1:y,0:~}}", &fieldsInline{}},
	{"14:1:x,7:1:y,0:~}}", new(reflectStruct)}, // both unknown
}

// FieldsIn has a key for nobody and a map for the rest.
type FieldsIn struct {
	Others map[string]any `tnet:",inline"`
}

func TestEveryTypeKeepsTheLimits(t *testing.T) {
	for _, c := range reflectDocs {
		for n := range 8 {
			for name, opts := range map[string][]Option{
				"MaxDepth": {MaxDepth(n)}, "MaxValues": {MaxValues(n)}, "MaxSize": {MaxSize(int64(n))},
			} {
				before := genSnapshot(c.target)
				want := Unmarshal([]byte(c.wire), new(Raw), opts...)
				target := reflect.New(reflect.TypeOf(c.target).Elem()).Interface()
				err := Unmarshal([]byte(c.wire), target, opts...)
				if want == nil && fuzzIsType(err) {
					continue // 15:1:a,8:... into a struct whose a is an int
				}
				if (err == nil) != (want == nil) || err != nil && err.Error() != want.Error() {
					t.Errorf("%s(%d): %s into %T: %v; want %v", name, n, c.wire, c.target, err, want)
				}
				if after := genSnapshot(c.target); after != before {
					t.Errorf("%s(%d): %s into %T: the target has changed", name, n, c.wire, c.target)
				}
			}
		}
	}
}

// A struct of many fields counts those that have come in another way.
func TestWideStruct(t *testing.T) {
	var fields []reflect.StructField
	var names []string
	for i := range 150 {
		name := "F" + strings.Repeat("x", i%7) + string(rune('A'+i/26)) + string(rune('a'+i%26))
		names = append(names, name)
		fields = append(fields, reflect.StructField{Name: name, Type: reflect.TypeFor[int]()})
	}
	typ := reflect.StructOf(fields)
	one := []byte("1:7#")
	entry := func(names ...string) (b []byte) {
		for _, name := range names {
			b = append(Append(b, KindString, []byte(name)), one...)
		}
		return b
	}
	backwards := slices.Clone(names)
	slices.Reverse(backwards)
	for name, payload := range map[string][]byte{
		"in order":                    entry(names...),
		"backwards":                   entry(backwards...),
		"one that is far":             entry(names[140]),
		"first twice":                 entry(names[0], names[1], names[0]),
		"last twice":                  entry(names[149], names[149]),
		"last twice, far apart":       append(entry(names[149]), entry(names...)...),
		"63 twice":                    append(entry(names[63]), entry(names...)...),
		"64 twice":                    append(entry(names[64]), entry(names...)...),
		"unknown":                     entry("unknown"),
		"unknown twice":               entry("unknown", names[3], "unknown"),
		"unknown twice, and many":     append(entry(backwards...), entry("unknown", "unknown")...),
		"all twice":                   append(entry(names...), entry(backwards...)...),
		"in order, and unknown twice": append(append(entry("a"), entry(names...)...), entry("a")...),
	} {
		b := Append(nil, KindDict, payload)
		for _, allow := range []bool{false, true} {
			opt := AllowDuplicateKeys(allow)
			v := reflect.New(typ)
			want, err := Unmarshal(b, new(Raw), opt), Unmarshal(b, v.Interface(), opt)
			if (want == nil) != (err == nil) || err != nil && err.Error() != want.Error() {
				t.Errorf("%s, duplicates allowed %v: %v; want %v", name, allow, err, want)
			}
			if err != nil && !v.Elem().IsZero() {
				t.Errorf("%s: the target has changed", name)
			}
		}
	}
}

type FieldsOuter struct {
	*FieldsNested
	Last int
}

func TestNilEmbeddedPointerBehindOneThatIsThere(t *testing.T) {
	nested := &FieldsNested{}
	v := FieldsOuter{FieldsNested: nested}
	if err := Unmarshal([]byte(fuzzDictOf("a", "1:1#", "Last", "1:x,")), &v); !fuzzIsType(err) || nested.FieldsMaps != nil {
		t.Errorf("an error later: %v, %v", nested.FieldsMaps, err)
	}
	if err := Unmarshal([]byte(fuzzDictOf("a", "1:1#", "Last", "1:2#")), &v); err != nil || nested.FieldsMaps == nil || nested.Others["a"] != 1 {
		t.Errorf("%+v, %v", nested.FieldsMaps, err)
	}
}

func TestInterfaceInTheMiddleOfACycle(t *testing.T) {
	var held any
	p := &held
	held = &p
	for _, v := range []any{held, &held, p, &p, any(&p)} {
		if _, err := Marshal(v); !errors.Is(err, ErrTooDeep) {
			t.Errorf("%T: %v", v, err)
		}
		if err := Unmarshal([]byte("1:1#"), v); !errors.Is(err, ErrTooDeep) {
			t.Errorf("%T: %v", v, err)
		}
	}
}

func TestInlineMapWhoseKeysFail(t *testing.T) {
	v := struct {
		M map[reflectText]int `tnet:",inline"`
	}{map[reflectText]int{"fail": 1}}
	if _, err := Marshal(v); !errors.Is(err, errConn) {
		t.Error(err)
	}
	if err := Unmarshal([]byte("8:1:x,1:1#}"), &v); !errors.Is(err, errConn) || len(v.M) != 1 {
		t.Error(v, err)
	}
}

// reflectFull is a full tree of that depth.
func reflectFull(depth int) string {
	if depth == 0 {
		return "0:}"
	}
	below := reflectFull(depth - 1)
	return fuzzDictOf("Left", below, "Right", below)
}

// What a document says twice is read through pointers the first time has made,
// and each of these has a shadow: they must not be looked through one by one.
func TestManyShadowsAreFoundByTheirAddress(t *testing.T) {
	var r reader
	places := make([]reflectTree, 1000)
	for i := range places {
		r.shadow(reflect.ValueOf(&places[i]).Elem()).FieldByName("N").SetInt(int64(i))
	}
	for i := range places {
		place := reflect.ValueOf(&places[i])
		if n := r.shadow(place.Elem()).FieldByName("N").Int(); n != int64(i) || places[i].N != 0 {
			t.Fatalf("the shadow of %d is that of %d", i, n)
		}
		// The first field is at the same address, and is another place.
		if left := r.shadow(place.Elem().Field(0)); left.Kind() != reflect.Pointer {
			t.Fatalf("the shadow of a pointer is a %v", left.Kind())
		}
	}
	if len(r.shadows) != 2000 || len(r.many) != 2000 {
		t.Errorf("%d shadows, %d of them by address", len(r.shadows), len(r.many))
	}
	full := reflectFull(12) // takes seconds where each is compared with all before
	v := new(reflectTree)
	if err := Unmarshal([]byte(fuzzDictOf("Left", full, "Left", full)), v, AllowDuplicateKeys(true)); err != nil || v.Left.Right == nil {
		t.Error(err)
	}
}
