package petrichortest

import (
	"bytes"
	"fmt"
	"math"
	"math/big"

	"github.com/petrichor-protocol/petrichor"
	"pgregory.net/rapid"
)

// Generators for pgregory.net/rapid.  What is odd comes often: empty things,
// bytes that look like sizes and tags, the largest and the smallest numbers.

// Values makes values as petrichor.Unmarshal puts them into an any: nil, bool,
// int64, *big.Int, float64, string, []any and map[string]any, up to 4 deep.
func Values() *rapid.Generator[any] { return values(4) }

func values(depth int) *rapid.Generator[any] {
	kinds := []*rapid.Generator[any]{
		rapid.Just(any(nil)),
		rapid.Bool().AsAny(),
		Ints().AsAny(),
		bigs().AsAny(),
		Floats().AsAny(),
		Strings().AsAny(),
	}
	if depth > 0 {
		inner := rapid.Deferred(func() *rapid.Generator[any] { return values(depth - 1) })
		kinds = append(kinds, rapid.SliceOfN(inner, 0, 5).AsAny(), rapid.MapOfN(Strings(), inner, 0, 5).AsAny())
	}
	return rapid.OneOf(kinds...)
}

// Strings makes strings of any bytes, as the wire has them.
func Strings() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[a-c0-9:,~#}\]]{0,12}`),
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 40), func(b []byte) string { return string(b) }),
	)
}

// Ints makes ints, those at the edges of Go's types often.
func Ints() *rapid.Generator[int64] {
	return rapid.OneOf(
		rapid.SampledFrom([]int64{
			0, 1, -1, math.MaxInt8, math.MinInt8, math.MaxUint8, math.MaxInt16, math.MaxInt32, math.MinInt32,
			math.MaxUint32, 1 << 53, math.MaxInt64, math.MinInt64,
		}),
		rapid.Int64(),
	)
}

// bigs makes ints that an int64 does not hold.
func bigs() *rapid.Generator[*big.Int] {
	return rapid.Map(rapid.StringMatching(`-?[1-9][0-9]{19,60}`), func(digits string) *big.Int {
		n, _ := new(big.Int).SetString(digits, 10)
		return n
	})
}

// Floats makes finite floats, the odd ones often.
func Floats() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.SampledFrom([]float64{
			0, math.Copysign(0, -1), 0.1, 1e20, 1e21, -1e21, math.MaxFloat64, -math.MaxFloat64,
			math.SmallestNonzeroFloat64, 1 << 53,
		}),
		rapid.Float64(),
	)
}

// Headers makes headers: the usual small ones, and dicts of any values.
func Headers() *rapid.Generator[petrichor.Header] {
	usual := rapid.MapOfN(rapid.SampledFrom([]string{"id", "path", "allowed", "error", "user"}), rapid.OneOf(
		Ints().AsAny(), Strings().AsAny(), rapid.Bool().AsAny(),
	), 0, 3)
	dicts := rapid.MapOfN(Strings(), values(2), 0, 5)
	return rapid.Map(rapid.OneOf(usual, dicts), func(m map[string]any) petrichor.Header { return m })
}

// Frames makes frames of Headers and Values.
func Frames() *rapid.Generator[petrichor.Frame] {
	return rapid.Custom(func(t *rapid.T) petrichor.Frame {
		b := encode(Headers().Draw(t, "header"), Values().Draw(t, "body"))
		f, _, err := petrichor.CutFrame(b)
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		return f
	})
}

// Stream is what a peer sends that sends these frames.
func Stream(frames ...petrichor.Frame) []byte {
	var b []byte
	for _, f := range frames {
		b = append(append(b, f.Header...), f.Body...)
	}
	return b
}

// Hostile makes streams that are nearly frames: one, after some that are good,
// has been cut off, or has a byte changed, taken out, or put in, or announces
// another size.  Now and then the change does no harm.
func Hostile() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		good := Stream(rapid.SliceOfN(Frames(), 0, 3).Draw(t, "good")...)
		bad := Stream(Frames().Draw(t, "bad"))
		at := rapid.IntRange(0, len(bad)-1).Draw(t, "at")
		head, tail := bad[:at:at], bad[at:]
		switch rapid.IntRange(0, 4).Draw(t, "change") {
		case 0:
			tail = nil
		case 1:
			head, tail = append(head, rapid.Byte().Draw(t, "byte")), tail[1:]
		case 2:
			tail = tail[1:]
		case 3:
			head = append(head, rapid.Byte().Draw(t, "byte"))
		case 4:
			size := rapid.SampledFrom([]uint64{0, 1, 99, 1 << 20, 999_999_999, 1 << 31, 1 << 32, 1 << 63}).Draw(t, "size")
			head = fmt.Append(head, size, ":")
		}
		return append(good, append(head, tail...)...)
	})
}

// Portions makes what reads of a stream of b may return: all of it in order, in
// pieces of any size above 0.
func Portions(b []byte) *rapid.Generator[[][]byte] {
	return rapid.Custom(func(t *rapid.T) (portions [][]byte) {
		most := rapid.SampledFrom([]int{1, 2, 10, 100, len(b) + 1}).Draw(t, "most")
		for rest := bytes.Clone(b); len(rest) > 0; {
			n := rapid.IntRange(1, min(most, len(rest))).Draw(t, "n")
			portions, rest = append(portions, rest[:n:n]), rest[n:]
		}
		return portions
	})
}
