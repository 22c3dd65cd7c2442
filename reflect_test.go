package petrichor

import (
	"errors"
	"math/big"
	"testing"
)

func TestBigIntPointerIsAnInt(t *testing.T) {
	for _, v := range []any{big.NewInt(5), *big.NewInt(5), []*big.Int{big.NewInt(5)}[0]} {
		if b, err := Marshal(v); string(b) != "1:5#" || err != nil {
			t.Errorf("%T: %q, %v", v, b, err)
		}
	}
}

func TestWrongIntIsTheFirstByteThatIs(t *testing.T) {
	for s, at := range map[string]int64{"-01": 1, "-0": 1, "05": 1, "00": 1, "-": 1, "-x": 1, "1x": 1, "": 0, "+1": 0} {
		b := Append(nil, KindInt, []byte(s))
		var e *SyntaxError
		if err := Unmarshal(b, new(any)); !errors.As(err, &e) || e.Offset != at+2 {
			t.Errorf("%q: %v; want offset %d", b, err, at+2)
		}
	}
}
