package petrichor

import (
	"testing"
	"time"
)

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
