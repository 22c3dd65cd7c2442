package petrichor

import (
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
