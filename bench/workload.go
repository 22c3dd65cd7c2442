package main

import "github.com/petrichor-protocol/petrichor/bench/sample"

// A workload makes its subject when its turn comes, so that the heap holds one at a time.
type workload struct {
	name string
	make func() *subject
}

var (
	oneShot   = []string{opMarshal, opAppend, opUnmarshal}
	documents = []string{opMarshal, opAppend, opUnmarshal, opDecode, opPieces}
	streams   = []string{opEncode, opDecode, opPieces}
)

var workloads = []workload{
	{"A", func() *subject {
		return newSubject("A", "the struct of go_serialization_benchmarks", 1000, oneShot, sample.As(1000)...)
	}},
	{"Frame", func() *subject {
		return newSubject("Frame", "a header of six short fields and a body of 1 KiB", 1000, operations, sample.Frames(100, 1<<10)...)
	}},
	{"FrameMap", func() *subject {
		return newSubject("FrameMap", "the same, the header a map[string]any", 1000, oneShot, sample.FrameMaps(100, 1<<10)...)
	}},
	{"Event", func() *subject {
		return newSubject("Event", "a small message", 1000, oneShot, sample.Events(1000)...)
	}},
	{"stream", func() *subject {
		return newSubject("stream", "100,000 Events, one after the other; figures are for one", 100_000, streams, sample.Events(1000)...)
	}},
	{"Ints", func() *subject {
		return newSubject("Ints", "10,000 int64s of one to eighteen digits", 1, oneShot, sample.Ints(10_000))
	}},
	{"Floats", func() *subject {
		return newSubject("Floats", "10,000 float64s with all their digits", 1, oneShot, sample.Floats(10_000))
	}},
	{"Strings", func() *subject {
		return newSubject("Strings", "10,000 strings of up to 40 bytes", 1, oneShot, sample.Strings(10_000))
	}},
	{"Map", func() *subject {
		return newSubject("Map", "a map[string]string of 1,000 entries", 1, oneShot, sample.Map(1000))
	}},
	{"canada", func() *subject {
		return newSubject("canada", "coordinates, 2.2 MB, into structs", 1, documents, sample.NewCanada())
	}},
	{"canada any", func() *subject {
		return newSubject("canada any", "the same without types", 1, documents, sample.Untyped(sample.NewCanada()))
	}},
	{"citm", func() *subject {
		return newSubject("citm", "a catalogue of small dicts, 0.5 MB, into structs", 1, documents, sample.NewCitm())
	}},
	{"citm any", func() *subject {
		return newSubject("citm any", "the same without types", 1, documents, sample.Untyped(sample.NewCitm()))
	}},
	{"twitter", func() *subject {
		return newSubject("twitter", "a hundred statuses, 0.4 MB, into structs", 1, documents, sample.NewTwitter())
	}},
	{"twitter any", func() *subject {
		return newSubject("twitter any", "the same without types", 1, documents, sample.Untyped(sample.NewTwitter()))
	}},
	{"body 1 MiB", func() *subject {
		return newSubject("body 1 MiB", "a Frame with a body of 1 MiB", 1, operations, sample.Frames(1, 1<<20)...)
	}},
	{"body 64 MiB", func() *subject {
		return newSubject("body 64 MiB", "a Frame with a body of 64 MiB", 1, operations, sample.Frames(1, 64<<20)...)
	}},
}
