package petrichor

import (
	"errors"
	"io"
	"math/big"
	"strings"
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
