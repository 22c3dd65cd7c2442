package sample

import "fmt"

//go:generate go run github.com/tinylib/msgp@v1.6.5 -file=lists.go -tests=false
//msgp:tag json

// Generated code needs types with names; all others get the plain ones.
type (
	Int64s    []int64
	Float64s  []float64
	TextList  []string
	TextTable map[string]string
)

// Ints returns n ints of one to eighteen digits, as many of each length.
func Ints(n int) []int64 {
	return many(4, n, func(r random) int64 {
		limit := int64(10)
		for range r.IntN(18) {
			limit *= 10
		}
		v := r.Int64N(limit)
		if r.IntN(4) == 0 {
			v = -v
		}
		return v
	})
}

// Floats returns n floats that need all of their digits.
func Floats(n int) []float64 {
	return many(5, n, func(r random) float64 { return r.NormFloat64() * 1000 })
}

// Strings returns n strings of up to 40 bytes.
func Strings(n int) []string {
	return many(6, n, func(r random) string { return r.word(r.IntN(41)) })
}

// Map returns n strings under keys of seven bytes.
func Map(n int) map[string]string {
	r, m := newRandom(7), map[string]string{}
	for i := range n {
		m[fmt.Sprintf("key%04d", i)] = r.word(4 + r.IntN(30))
	}
	return m
}
