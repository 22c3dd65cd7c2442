package petrichor

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// The benchmarks go over many different numbers, so that no branch is learnt by
// heart.  Each stands beside strconv's way to the same.
func benchmarkNumbers[T any](b *testing.B, all []T, f func(T)) {
	i := 0
	for b.Loop() {
		f(all[i&(benchNumbers-1)])
		i++
	}
}

func spelled[T any](all []T, spell func(T) string) [][]byte {
	var out [][]byte
	for _, n := range all {
		out = append(out, []byte(spell(n)))
	}
	return out
}

const benchNumbers = 1 << 12

func benchInts(shift int) []int64 {
	r := rand.New(rand.NewPCG(1, 2))
	var all []int64
	for range benchNumbers {
		all = append(all, int64(r.Uint64()>>shift))
	}
	return all
}

func benchFloats() map[string][]float64 {
	r := rand.New(rand.NewPCG(1, 2))
	all := map[string][]float64{}
	for range benchNumbers {
		all["unit"] = append(all["unit"], r.Float64())
		all["geo"] = append(all["geo"], math.Round((r.Float64()*360-180)*1e14)/1e14)
		all["price"] = append(all["price"], float64(r.IntN(100000))/100)
		all["whole"] = append(all["whole"], float64(r.IntN(1e6)))
		all["any"] = append(all["any"], anyFloat(r))
	}
	return all
}

var benchFloatSets = []string{"unit", "geo", "price", "whole", "any"}

func BenchmarkNumberInt(b *testing.B) {
	for name, shift := range map[string]int{"19": 1, "6": 44, "2": 57} {
		ints := benchInts(shift)
		text := spelled(ints, func(n int64) string { return strconv.FormatInt(n, 10) })
		b.Run("parse/own/"+name, func(b *testing.B) {
			benchmarkNumbers(b, text, func(p []byte) { parseInt64(p) })
		})
		b.Run("parse/strconv/"+name, func(b *testing.B) {
			benchmarkNumbers(b, text, func(p []byte) { strconv.ParseInt(string(p), 10, 64) })
		})
		var w back
		b.Run("write/own/"+name, func(b *testing.B) {
			benchmarkNumbers(b, ints, func(n int64) { w.reset(); w.intElement(n) })
		})
		b.Run("write/strconv/"+name, func(b *testing.B) {
			var digits [20]byte
			benchmarkNumbers(b, ints, func(n int64) { w.reset(); w.put(strconv.AppendInt(digits[:0], n, 10)) })
		})
	}
}

func BenchmarkNumberFloat(b *testing.B) {
	sets := benchFloats()
	for _, name := range benchFloatSets {
		floats := sets[name]
		text := spelled(floats, func(f float64) string { return string(appendFloat(nil, f, 64)) })
		b.Run("parse/own/"+name, func(b *testing.B) {
			benchmarkNumbers(b, text, func(p []byte) { parseFloat64(p) })
		})
		b.Run("parse/strconv/"+name, func(b *testing.B) {
			benchmarkNumbers(b, text, func(p []byte) { strconv.ParseFloat(string(p), 64) })
		})
		var w back
		b.Run("write/own/"+name, func(b *testing.B) {
			benchmarkNumbers(b, floats, func(f float64) { w.reset(); w.floatElement(f, 64) })
		})
		b.Run("write/strconv/"+name, func(b *testing.B) {
			var digits [maxNumber]byte
			benchmarkNumbers(b, floats, func(f float64) { w.reset(); w.put(appendFloat(digits[:0], f, 64)) })
		})
	}
}

func BenchmarkNumberTime(b *testing.B) {
	var times []time.Time
	for i := range benchNumbers {
		times = append(times, time.Unix(int64(i)*1234567, int64(i)*987654321%1e9).UTC())
	}
	text := spelled(times, func(t time.Time) string { return string(must(t.MarshalText())) })
	b.Run("parse/own", func(b *testing.B) {
		benchmarkNumbers(b, text, func(p []byte) { parseTime(p) })
	})
	b.Run("parse/time", func(b *testing.B) {
		benchmarkNumbers(b, text, func(p []byte) { must(0, new(time.Time).UnmarshalText(p)) })
	})
	var w back
	b.Run("write/own", func(b *testing.B) {
		benchmarkNumbers(b, times, func(t time.Time) { w.reset(); w.time(t) })
	})
	b.Run("write/time", func(b *testing.B) {
		var digits [40]byte
		benchmarkNumbers(b, times, func(t time.Time) { w.reset(); w.put(must(t.AppendText(digits[:0]))) })
	})
}
