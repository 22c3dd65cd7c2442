package petrichortest

import (
	"bytes"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/petrichor-protocol/petrichor"
	"pgregory.net/rapid"
)

// What Values makes is what Unmarshal makes of it.
func TestValues(t *testing.T) {
	sameInt := cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })
	rapid.Check(t, func(t *rapid.T) {
		v := Values().Draw(t, "v")
		b, err := petrichor.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var again any
		if err := petrichor.Unmarshal(b, &again); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(v, again, sameInt); diff != "" {
			t.Fatal(diff)
		}
	})
}

// Every kind of value is made, and every kind of change to a stream.
func TestGeneratorsReachAll(t *testing.T) {
	kinds, verdicts := map[petrichor.Kind]bool{}, map[string]bool{}
	for seed := range 500 {
		b, err := petrichor.Marshal(Values().Example(seed))
		if err != nil {
			t.Fatal(err)
		}
		kinds[petrichor.Kind(b[len(b)-1])] = true
		_, err = feed([][]byte{Hostile().Example(seed)})
		verdicts[err.Error()[:16]] = true
	}
	if len(kinds) != 7 {
		t.Errorf("%d kinds of values, want 7", len(kinds))
	}
	if len(verdicts) < 4 {
		t.Errorf("streams are wrong in only %d ways: %v", len(verdicts), verdicts)
	}
}

// A Parser takes the frames of any stream, in any portions, and gives the same
// for all of them.
func TestFramesInPortions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frames := rapid.SliceOfN(Frames(), 1, 4).Draw(t, "frames")
		b := Stream(frames...)
		got, err := feed(Portions(b).Draw(t, "portions"))
		if !bytes.Equal(got, b) || err != petrichor.ErrShort {
			t.Fatalf("%q became %q, %v", b, got, err)
		}
	})
}

// The same holds for hostile streams, faults included.
func TestHostileInPortions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := Hostile().Draw(t, "b")
		whole, wholeErr := feed([][]byte{b})
		got, err := feed(Portions(b).Draw(t, "portions"))
		if !bytes.Equal(got, whole) || err.Error() != wholeErr.Error() {
			t.Fatalf("whole: %q, %v\nin portions: %q, %v", whole, wholeErr, got, err)
		}
	})
}

// feed feeds portions to a Parser until it finds a fault, and returns the frames
// that came out and the last error.
func feed(portions [][]byte) (frames []byte, err error) {
	p := petrichor.NewParser()
	err = petrichor.ErrShort
	for _, portion := range portions {
		p.Feed(portion)
		for err = nil; err == nil; {
			var f petrichor.Frame
			if f, err = p.Next(); err == nil {
				frames = append(frames, Stream(f)...)
			}
		}
		if err != petrichor.ErrShort {
			return frames, err
		}
	}
	return frames, err
}
