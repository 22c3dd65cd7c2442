package petrichor

import (
	"bytes"
	"testing"
)

func TestKindNames(t *testing.T) {
	for k, want := range map[Kind]string{
		KindNull: "null", KindBool: "bool", KindInt: "int", KindFloat: "float",
		KindString: "string", KindList: "list", KindDict: "dict", KindText: "text",
		'?': "'?'", 0: `'\x00'`, '\n': `'\n'`, '\'': `'\''`, 0x7f: `'\x7f'`, 0xa9: `'\xa9'`, 0xff: `'\xff'`,
	} {
		if got := k.String(); got != want {
			t.Errorf("%#x is %s, want %s", byte(k), got, want)
		}
	}
}

func TestDictGet(t *testing.T) {
	d := Dict{{Key: "a", Value: 1}, {Key: "b", Value: nil}, {Key: "a", Value: 2}}
	for key, want := range map[string]any{"a": 2, "b": nil} {
		if got, ok := d.Get(key); !ok || got != want {
			t.Errorf("%s: %v, %v; want %v", key, got, ok, want)
		}
	}
	for _, d := range []Dict{d, nil} {
		if got, ok := d.Get("A"); ok || got != nil {
			t.Errorf("a key that is not there: %v, %v", got, ok)
		}
	}
}

// Cut looks at the outer layer only, and what it returns cannot reach beyond.
func TestCut(t *testing.T) {
	for _, tt := range []struct {
		reason, in string
		kind       Kind
		payload    string
		rest       string
	}{
		{"a string", "5:hello,", KindString, "hello", ""},
		{"and what is behind it", "5:hello,1:x", KindString, "hello", "1:x"},
		{"an int that is none", "5:hello#", KindInt, "hello", ""},
		{"a list that is none", "5:hello]rest", KindList, "hello", "rest"},
		{"empty", "0:~0:~", KindNull, "", "0:~"},
		{"nothing of it is a size", "8:5:hello,]", KindList, "5:hello,", ""},
	} {
		el, rest, err := Cut([]byte(tt.in))
		if err != nil || el.Kind != tt.kind || string(el.Payload) != tt.payload || string(rest) != tt.rest {
			t.Errorf("%s: %v %q, %q, %v", tt.reason, el.Kind, el.Payload, rest, err)
		}
		if cap(el.Payload) != len(el.Payload) {
			t.Errorf("%s: a capacity of %d for %q", tt.reason, cap(el.Payload), el.Payload)
		}
	}
	f, rest, err := CutFrame([]byte("0:}5:hello]rest"))
	if err != nil || string(f.Header) != "0:}" || string(f.Body) != "5:hello]" || string(rest) != "rest" {
		t.Errorf("%q, %q, %v", f, rest, err)
	}
	if cap(f.Header) != 3 || cap(f.Body) != 8 {
		t.Errorf("capacities of %d and %d", cap(f.Header), cap(f.Body))
	}
}

// Every size there is a different number of digits for, forwards and backwards.
func TestSizes(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 11, 99, 100, 101, 999, 1000, 9999, 10_000, 99_999, 100_000, 1_000_001} {
		payload := bytes.Repeat([]byte("x"), n)
		forwards := Append(nil, KindString, payload)
		backwards, err := Marshal(payload)
		if err != nil || !bytes.Equal(forwards, backwards) {
			t.Errorf("%d: %.20q and %.20q, %v", n, forwards, backwards, err)
		}
		el, rest, err := Cut(backwards)
		if err != nil || !bytes.Equal(el.Payload, payload) || len(rest) > 0 {
			t.Errorf("%d: %d bytes, %d left, %v", n, len(el.Payload), len(rest), err)
		}
	}
}
