package petrichor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"
)

// ---- Against encoding/json ---------------------------------------------------------------

type (
	FieldsA     struct{ X, Y int }
	FieldsB     struct{ X, Z int }
	fieldsC     struct{ P, q int }
	FieldsDeep  struct{ FieldsA }
	FieldsDeep2 struct{ FieldsB }
	FieldsTag   struct {
		X int `json:"X" tnet:"X"`
	}
	FieldsTag2 struct {
		W int `json:"X" tnet:"X"`
	}
	FieldsInt       int
	fieldsInt       int
	FieldsOf[T any] struct{ G T }
	FieldsLoop      struct {
		L int
		*FieldsLoop
	}
	FieldsIface interface{ M() }
	FieldsTwice struct {
		FieldsOnce1
		FieldsOnce2
	}
	FieldsOnce1 struct{ FieldsSame }
	FieldsOnce2 struct{ FieldsSame }
	FieldsSame  struct{ S int }
)

var fieldsTable = []struct {
	name, reason string
	value        any // a pointer to a struct
}{
	{"plain", "in declared order", &struct{ B, A int }{}},
	{"unexported", "is not a field", &struct {
		A, b int
	}{}},
	{"names", "of the tag", &struct {
		A int `json:"a" tnet:"a"`
		B int `json:"b,omitempty" tnet:"b,omitempty"`
		C int `json:",omitempty" tnet:",omitempty"`
		D int `json:"" tnet:""`
		E int `json:"å" tnet:"å"`
	}{}},
	{"a dash", "leaves a field out; with a comma it is a name", fieldsTagged("-", "-,")},
	{"an option nobody knows", "is passed over", fieldsTagged("a,whatever")},
	{"embedded", "its fields are ours, where it stands", &struct {
		A int
		FieldsA
		B int
	}{}},
	{"embedded pointer", "the same", &struct{ *FieldsA }{}},
	{"embedded unexported struct", "its exported fields count", &struct{ fieldsC }{}},
	{"embedded pointer to an unexported struct", "nothing can be put there, so it stays nil", &struct{ *fieldsC }{}},
	{"embedded deeper", "through two levels", &struct{ FieldsDeep }{}},
	{"the same name twice", "at equal depth hides both", &struct {
		FieldsA
		FieldsB
	}{}},
	{"the same name twice and deeper", "what hides itself hides what is deeper too", &struct {
		FieldsA
		FieldsB
		FieldsDeep3
	}{}},
	{"a name and a deeper one", "the shallower wins", &struct {
		X int
		FieldsA
	}{}},
	{"depth one and depth two", "the shallower wins, whichever comes first", &struct {
		FieldsDeep
		FieldsB
	}{}},
	{"a tag at equal depth", "wins", &struct {
		FieldsA
		FieldsTag
	}{}},
	{"two tags at equal depth", "hide each other", fieldsEmbed(FieldsTag{}, FieldsTag2{})},
	{"two tags and a name", "the tags hide each other and the name as well", fieldsEmbed(FieldsTag{}, FieldsTag2{}, FieldsA{})},
	{"a tag that is another's name", "the tag wins", &struct {
		A int `json:"B" tnet:"B"`
		B int
	}{}},
	{"tagged embedded struct", "is a field of that name", &struct {
		FieldsA `json:"a" tnet:"a"`
	}{}},
	{"tagged embedded pointer", "is a field of that name", &struct {
		*FieldsA `json:"a" tnet:"a"`
	}{}},
	{"embedded with a dash", "is left out", &struct {
		FieldsA `json:"-" tnet:"-"`
		B       int
	}{}},
	{"embedded non-struct", "is a field named by its type", &struct{ FieldsInt }{}},
	{"embedded pointer to a non-struct", "is a field named by its type", &struct{ *FieldsInt }{}},
	{"embedded unexported non-struct", "is unexported", &struct {
		fieldsInt
		A int
	}{}},
	{"embedded interface", "is a field named by its type", &struct{ FieldsIface }{}},
	{"embedded generic", "is a struct like others", &struct{ FieldsOf[int] }{}},
	{"a struct in itself", "ends", &FieldsLoop{}},
	{"one type twice at one level", "its fields hide themselves", &struct {
		FieldsOnce1
		FieldsOnce2
		A int
	}{}},
	{"nothing", "is the empty dict", &struct{}{}},
}

type FieldsDeep3 struct{ FieldsDeep2 }

// fieldsEmbed returns a pointer to a struct that embeds these, which go vet would
// not let stand in one.
func fieldsEmbed(structs ...any) any {
	var fields []reflect.StructField
	for _, s := range structs {
		typ := reflect.TypeOf(s)
		fields = append(fields, reflect.StructField{Name: typ.Name(), Type: typ, Anonymous: true})
	}
	return reflect.New(reflect.StructOf(fields)).Interface()
}

// fieldsTagged returns a pointer to a struct of ints with these tags, which
// linters would not let stand in one.
func fieldsTagged(tags ...string) any {
	var fields []reflect.StructField
	for i, tag := range tags {
		name := string(rune('A' + i))
		both := fmt.Sprintf("json:%q tnet:%q", tag, tag)
		fields = append(fields, reflect.StructField{Name: name, Type: reflect.TypeFor[int](), Tag: reflect.StructTag(both)})
	}
	return reflect.New(reflect.StructOf(fields)).Interface()
}

// fieldsFill gives every int of v that can be set another number.
func fieldsFill(v reflect.Value, n *int64) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.CanSet() && v.IsNil() && *n < 20 {
			v.Set(reflect.New(v.Type().Elem()))
		}
		if !v.IsNil() {
			fieldsFill(v.Elem(), n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			*n++
			fieldsFill(v.Field(i), n)
		}
	case reflect.Int:
		if v.CanSet() {
			v.SetInt(*n)
		}
	}
}

// fieldsJSON reads a JSON object of integers and objects into a Dict.
func fieldsJSON(t *testing.T, b []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var read func() any
	read = func() any {
		token, err := d.Token()
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		switch token := token.(type) {
		case json.Number:
			n, _ := token.Int64()
			return n
		case json.Delim:
			dict := Dict{}
			for d.More() {
				key, _ := d.Token()
				dict = append(dict, Entry{Key: key.(string), Value: read()})
			}
			d.Token()
			return dict
		}
		return token
	}
	return read()
}

func TestFieldsAreThoseOfJSON(t *testing.T) {
	for _, c := range fieldsTable {
		t.Run(c.name, func(t *testing.T) {
			fieldsFill(reflect.ValueOf(c.value), new(int64))
			if c.name == "one type twice at one level" {
				// encoding/json looks at a type once where it is embedded twice by
				// way of others, and finds S; by Go's rule S is ambiguous.
				if b, err := Marshal(c.value); err != nil || bytes.Contains(b, []byte("S,")) {
					t.Errorf("%q, %v: %s", b, err, c.reason)
				}
				return
			}
			theirs, err := json.Marshal(c.value)
			if err != nil {
				t.Fatal(err)
			}
			ours, err := Marshal(c.value)
			if err != nil {
				t.Fatal(err)
			}
			var got any
			if err := Unmarshal(ours, &got, KeepOrder(true)); err != nil {
				t.Fatal(err)
			}
			if want := fieldsJSON(t, theirs); !reflect.DeepEqual(got, want) {
				t.Errorf("%s\npetrichor:     %q\nencoding/json: %s", c.reason, ours, theirs)
			}
			typ := reflect.TypeOf(c.value).Elem()
			x, y := reflect.New(typ).Interface(), reflect.New(typ).Interface()
			if err := errors.Join(Unmarshal(ours, x), json.Unmarshal(theirs, y)); err != nil || !reflect.DeepEqual(x, y) {
				t.Errorf("%s\nread back:     %+v, %v\nencoding/json: %+v", c.reason, x, err, y)
			}
		})
	}
}

// ---- Ours alone ----------------------------------------------------------------------------

func TestFieldErrors(t *testing.T) {
	for _, c := range []struct {
		name, reason string
		value        any // a pointer to a struct
		doc          string
		want         error
	}{
		{"inline int", "only structs and maps have entries", &struct {
			A int `tnet:",inline"`
		}{}, "0:}", errInline},
		{"inline pointer to pointer", "one pointer is enough", &struct {
			A **FieldsA `tnet:",inline"`
		}{}, "0:}", errInline},
		{"inline map with other keys", "an entry's key is a string", &struct {
			A map[int]int `tnet:",inline"`
		}{}, "0:}", errInline},
		{"two inline maps", "nobody could say which one is meant", &struct {
			A, B map[string]int `tnet:",inline"`
		}{}, "0:}", errTwoInline},
		{"a hidden struct with a name", "reflection cannot set what it points to", &struct {
			fieldsC `tnet:"c"`
		}{}, "0:}", errHiddenName},
	} {
		t.Run(c.name, func(t *testing.T) {
			if b, err := Marshal(c.value); !errors.Is(err, c.want) {
				t.Errorf("Marshal: %q, %v: %s", b, err, c.reason)
			}
			if err := Unmarshal([]byte(c.doc), c.value); !errors.Is(err, c.want) {
				t.Errorf("Unmarshal: %v: %s", err, c.reason)
			}
		})
	}
	var hidden struct{ *fieldsC }
	if err := Unmarshal([]byte("8:1:P,1:1#}"), &hidden); !errors.Is(err, errHiddenField) || hidden.fieldsC != nil {
		t.Errorf("a nil embedded pointer to an unexported struct: %v", err)
	}
	hidden.fieldsC = &fieldsC{q: 1}
	if err := Unmarshal([]byte("8:1:P,1:5#}"), &hidden); err != nil || *hidden.fieldsC != (fieldsC{5, 1}) {
		t.Errorf("one that is there: %v, %v", hidden.fieldsC, err)
	}
	if err := Unmarshal([]byte(fuzzDictOf("P", "1:6#", "P", "1:x,")), &hidden, AllowDuplicateKeys(true)); !fuzzIsType(err) || hidden.P != 5 {
		t.Errorf("one that is there, and an error: %v, %v", hidden.fieldsC, err)
	}
}

type fieldsInline struct {
	A int `tnet:"a"`
	FieldsA
	In     FieldsB        `tnet:"ignored,inline"`
	Ptr    *FieldsOf[int] `tnet:",inline"`
	Others map[string]any `tnet:",inline"`
	Z2     int            `tnet:"z"`
}

func TestInline(t *testing.T) {
	v := fieldsInline{A: 1, Z2: 2, Ptr: &FieldsOf[int]{3}, Others: map[string]any{"y": 4, "b": 5}}
	b, err := Marshal(v)
	want := fuzzDictOf("a", "1:1#", "Y", "1:0#", "Z", "1:0#", "G", "1:3#", "z", "1:2#", "b", "1:5#", "y", "1:4#")
	if err != nil || string(b) != want {
		t.Fatalf("the fields, and after them the map's entries in order:\n%s, %v; want\n%s", b, err, want)
	}
	var got fieldsInline
	if err := Unmarshal(b, &got); err != nil || got.Ptr.G != 3 || fmt.Sprint(got.Others) != "map[b:5 y:4]" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := Unmarshal([]byte(fuzzDictOf("c", "1:6#")), &got, RejectUnknownKeys(true)); err != nil || fmt.Sprint(got.Others) != "map[b:5 c:6 y:4]" {
		t.Errorf("no key is unknown to an inline map, and it is merged into: %+v, %v", got.Others, err)
	}
	if err := Unmarshal([]byte(fuzzDictOf("d", "1:7#", "a", "1:x,")), &got); err == nil || len(got.Others) != 3 {
		t.Errorf("an error after an entry of the map: %+v, %v", got.Others, err)
	}
	if b, err := Marshal(fieldsInline{}); err != nil || string(b) != fuzzDictOf("a", "1:0#", "Y", "1:0#", "Z", "1:0#", "z", "1:0#") {
		t.Errorf("nil pointers and maps have no entries: %s, %v", b, err)
	}
	_, err = Marshal(fieldsInline{Others: map[string]any{"a": 1}})
	if e, ok := err.(*TypeError); !ok || e.Err != ErrDuplicate || e.Path != "/a" {
		t.Errorf("an entry with the key of a field: %v", err)
	}
	_, err = Marshal(fieldsInline{Others: map[string]any{"f": make(chan int)}})
	if e, ok := err.(*TypeError); !ok || e.Path != "/f" {
		t.Errorf("an entry that cannot be written: %v", err)
	}
	if err := Unmarshal([]byte(fuzzDictOf("k", "5:1e400^")), &got); !errors.Is(err, errRange) {
		t.Errorf("an entry that cannot be read: %v", err)
	}
}

type FieldsNested struct {
	*FieldsMaps
}

type FieldsMaps struct {
	Others map[string]int `tnet:",inline"`
}

func TestInlineMapBehindPointers(t *testing.T) {
	var v FieldsNested
	if b, err := Marshal(v); err != nil || string(b) != "0:}" {
		t.Errorf("%s, %v", b, err)
	}
	if err := Unmarshal([]byte("8:1:a,1:1#}"), &v); err != nil || v.Others["a"] != 1 {
		t.Errorf("%+v, %v", v, err)
	}
	if err := Unmarshal([]byte("8:1:b,1:2#}"), &v); err != nil || len(v.Others) != 2 {
		t.Errorf("%+v, %v", v, err)
	}
	var hidden struct {
		*fieldsMaps
	}
	if err := Unmarshal([]byte("8:1:a,1:1#}"), &hidden); !errors.Is(err, errHiddenField) {
		t.Errorf("%v", err)
	}
}

type fieldsMaps struct {
	Others map[string]int `tnet:",inline"`
}

type fieldsZero struct{ n int }

func (z fieldsZero) IsZero() bool { return z.n == 7 }

type fieldsZeroPtr struct{ n int }

func (z *fieldsZeroPtr) IsZero() bool { return z.n == 7 }

type fieldsZeroer interface{ IsZero() bool }

func TestOmit(t *testing.T) {
	seven := 7
	type one[T any] struct {
		A T `tnet:",omitempty"`
	}
	type zero[T any] struct {
		A T `tnet:",omitzero"`
	}
	type both[T any] struct {
		A T `tnet:",omitempty,omitzero"`
	}
	for _, c := range []struct {
		name    string
		value   any
		omitted bool
	}{
		{"empty false", one[bool]{}, true},
		{"empty true", one[bool]{true}, false},
		{"empty 0", one[int]{}, true},
		{"empty 1", one[uint8]{1}, false},
		{"empty 0.0", one[float64]{}, true},
		{"empty string", one[string]{}, true},
		{"empty string with bytes", one[string]{"x"}, false},
		{"empty nil slice", one[[]int]{}, true},
		{"empty slice", one[[]int]{[]int{}}, true},
		{"empty slice of one", one[[]int]{[]int{0}}, false},
		{"empty map", one[map[string]int]{map[string]int{}}, true},
		{"empty array", one[[0]int]{}, true},
		{"empty array of zeros", one[[1]int]{}, false},
		{"empty nil pointer", one[*int]{}, true},
		{"empty pointer to 0", one[*int]{new(int)}, false},
		{"empty nil interface", one[any]{}, true},
		{"empty interface of 0", one[any]{0}, false},
		{"empty struct is never empty", one[struct{}]{}, false},
		{"empty time", one[time.Time]{}, false},
		{"zero struct", zero[FieldsA]{}, true},
		{"zero struct with something", zero[FieldsA]{FieldsA{X: 1}}, false},
		{"zero time", zero[time.Time]{}, true},
		{"zero nil slice", zero[[]int]{}, true},
		{"zero slice that is empty", zero[[]int]{[]int{}}, false},
		{"zero array of zeros", zero[[2]int]{}, true},
		{"zero by IsZero", zero[fieldsZero]{fieldsZero{7}}, true},
		{"zero not by IsZero", zero[fieldsZero]{}, false},
		{"zero by IsZero of a pointer", zero[fieldsZeroPtr]{fieldsZeroPtr{7}}, true},
		{"zero by IsZero of a pointer, addressable", &zero[fieldsZeroPtr]{fieldsZeroPtr{7}}, true},
		{"zero pointer by IsZero", zero[*fieldsZeroPtr]{&fieldsZeroPtr{7}}, true},
		{"zero nil pointer with IsZero", zero[*fieldsZero]{}, true},
		{"zero pointer to 0", zero[*int]{new(int)}, false},
		{"zero interface by IsZero", zero[fieldsZeroer]{fieldsZero{7}}, true},
		{"zero interface of a nil pointer", zero[fieldsZeroer]{(*fieldsZero)(nil)}, true},
		{"zero nil interface", zero[fieldsZeroer]{}, true},
		{"zero interface not by IsZero", zero[fieldsZeroer]{fieldsZero{1}}, false},
		{"both, empty", both[[]int]{[]int{}}, true},
		{"both, zero", both[FieldsA]{}, true},
		{"both, neither", both[*int]{&seven}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if b, err := Marshal(c.value); err != nil || (string(b) == "0:}") != c.omitted {
				t.Errorf("%q, %v", b, err)
			}
		})
	}
}

type fieldsListInt int

func (fieldsListInt) MarshalTNet() ([]byte, error) { return []byte("0:]"), nil }

type fieldsTextInt int

func (fieldsTextInt) MarshalText() ([]byte, error)  { return []byte("x"), nil }
func (n *fieldsTextInt) UnmarshalText([]byte) error { *n = 7; return nil }

func TestStringOptionLeavesMethodsAlone(t *testing.T) {
	type T struct {
		A fieldsListInt  `tnet:",string"`
		B *fieldsTextInt `tnet:",string"`
	}
	b, err := Marshal(T{B: new(fieldsTextInt)})
	if string(b) != "15:1:A,0:]1:B,1:x,}" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	var v T
	if err := Unmarshal([]byte("8:1:B,1:x,}"), &v); err != nil || v.B == nil || *v.B != 7 {
		t.Errorf("%v, %v", v.B, err)
	}
}

func TestOmitZeroInAnInterface(t *testing.T) {
	type T struct {
		A any `tnet:",omitzero"`
	}
	for _, v := range []any{(*time.Time)(nil), time.Time{}} {
		if b, err := Marshal(T{v}); err != nil || string(b) == "0:}" {
			t.Errorf("%T: %q, %v; encoding/json omits only a nil interface", v, b, err)
		}
	}
}

type fieldsQuoted struct {
	I  int8     `tnet:"i,string"`
	U  uint     `tnet:"u,string"`
	F  float64  `tnet:"f,string"`
	B  bool     `tnet:"b,string"`
	P  *int     `tnet:"p,string"`
	S  string   `tnet:"s,string"`
	L  []int    `tnet:"l,string"`
	PP **uint16 `tnet:"pp,string"`
}

func TestStringOption(t *testing.T) {
	n := 5
	b, err := Marshal(fieldsQuoted{I: -1, U: 2, F: 0.5, B: true, P: &n, S: "s"})
	want := fuzzDictOf("i", "2:-1,", "u", "1:2,", "f", "3:0.5,", "b", "4:true,", "p", "1:5,", "s", "1:s,", "l", "0:~", "pp", "0:~")
	if err != nil || string(b) != want {
		t.Fatalf("numbers and bools only:\n%s, %v; want\n%s", b, err, want)
	}
	var got fieldsQuoted
	if err := Unmarshal(b, &got); err != nil || got.I != -1 || got.U != 2 || got.F != 0.5 || !got.B || *got.P != 5 {
		t.Errorf("%+v, %v", got, err)
	}
	if b, err := Marshal(fieldsQuoted{}, AllowText(true)); err != nil || !bytes.Contains(b, []byte("1:i;1:0;")) {
		t.Errorf("with AllowText: %s, %v", b, err)
	}
	for _, c := range []struct {
		name, key, element string
		want               error
	}{
		{"an int as it is", "i", "1:1#", nil},
		{"beyond the type", "i", "3:128,", errRange},
		{"not canonical", "i", "2:01,", ErrPayload},
		{"empty", "u", "0:,", ErrPayload},
		{"no float", "f", "1:x,", ErrPayload},
		{"not finite", "f", "3:nan,", ErrPayload},
		{"no bool", "b", "1:1,", ErrPayload},
		{"a list", "p", "0:]", nil},
	} {
		before := got
		err := Unmarshal([]byte(fuzzDictOf(c.key, c.element)), &got)
		if e, ok := err.(*TypeError); !ok || c.want != nil && !errors.Is(err, c.want) || e.Path != "/"+c.key {
			t.Errorf("%s: %v; want %v", c.name, err, c.want)
		}
		if !reflect.DeepEqual(got, before) {
			t.Errorf("%s: the target has changed", c.name)
		}
	}
	if err := Unmarshal([]byte(fuzzDictOf("i", "0:~", "p", "0:~")), &got); err != nil || got.I != -1 || got.P != nil {
		t.Errorf("null: %+v, %v", got, err)
	}
	var f struct {
		F float32 `tnet:",string"`
	}
	if err := Unmarshal([]byte(fuzzDictOf("F", "3:inf,")), &f, AllowNonFinite(true)); err != nil || f.F < 1e38 {
		t.Errorf("not finite, and allowed: %v, %v", f, err)
	}
	if _, err := Marshal(f); !errors.Is(err, errNonFinite) {
		t.Errorf("written: %v", err)
	}
}

func TestUnknownKeys(t *testing.T) {
	for _, c := range []struct {
		name, doc string
		opts      []Option
		ok        bool
	}{
		{"passed over", fuzzDictOf("x", "1:1#", "Y", "1:2#"), nil, true},
		{"refused", fuzzDictOf("Y", "1:2#", "x", "1:1#"), []Option{RejectUnknownKeys(true)}, false},
		{"checked all the same", fuzzDictOf("x", "2:01#"), nil, false},
		{"names match exactly", fuzzDictOf("y", "1:x,"), nil, true},
	} {
		v := FieldsA{1, 1}
		err := Unmarshal([]byte(c.doc), &v, c.opts...)
		if (err == nil) != c.ok || !c.ok && v != (FieldsA{1, 1}) {
			t.Errorf("%s: %+v, %v", c.name, v, err)
		}
	}
	err := Unmarshal([]byte(fuzzDictOf("x", "1:1#")), new(FieldsA), RejectUnknownKeys(true))
	if e, ok := err.(*TypeError); !ok || e.Err != errUnknownKey || e.Path != "/x" || e.Offset != 8 {
		t.Errorf("%v", err)
	}
}
