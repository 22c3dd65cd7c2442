package main

import (
	"slices"

	"github.com/petrichor-protocol/petrichor/bench/sample"
)

// A workload makes its subject when its turn comes, so that the heap holds one at a time; or it is
// something that other codecs do not have, and makes its contests itself.
type workload struct {
	name     string
	make     func() *subject
	contests func() []*contest
}

var (
	oneShot   = []string{opMarshal, opAppend, opUnmarshal}
	streams   = []string{opEncode, opDecode, opPieces}
	documents = []string{opMarshal, opAppend, opUnmarshal, opDecode, opPieces}
	bodies    = []string{opMarshal, opAppend, opUnmarshal, opEncode, opDecode, opPieces, opDrain}
)

// isStream reports whether a run of op carries a whole stream.
func isStream(op string) bool { return slices.Contains(streams, op) || op == opDrain }

var workloads = []workload{
	{name: "A", make: func() *subject {
		return newSubject("A", "the struct of go_serialization_benchmarks", 1000, oneShot, sample.As(1000)...)
	}},
	{name: "Frame", make: func() *subject {
		return newSubject("Frame", "a header of six short fields and a body of 1 KiB", 1000, bodies, sample.Frames(100, 1<<10)...)
	}},
	{name: "FrameMap", make: func() *subject {
		return newSubject("FrameMap", "the same, the header a map[string]any", 1000, oneShot, sample.FrameMaps(100, 1<<10)...)
	}},
	{name: "Event", make: func() *subject {
		return newSubject("Event", "a small message", 1000, oneShot, sample.Events(1000)...)
	}},
	{name: "stream", make: func() *subject {
		return newSubject("stream", "100,000 Events, one after the other; figures are for one", 100_000, streams, sample.Events(1000)...)
	}},
	{name: "Ints", make: func() *subject {
		return newSubject("Ints", "10,000 int64s of one to eighteen digits", 1, oneShot, sample.Ints(10_000))
	}},
	{name: "Floats", make: func() *subject {
		return newSubject("Floats", "10,000 float64s with all their digits", 1, oneShot, sample.Floats(10_000))
	}},
	{name: "Strings", make: func() *subject {
		return newSubject("Strings", "10,000 strings of up to 40 bytes", 1, oneShot, sample.Strings(10_000))
	}},
	{name: "Map", make: func() *subject {
		return newSubject("Map", "a map[string]string of 1,000 entries", 1, oneShot, sample.Map(1000))
	}},
	{name: "canada", make: func() *subject {
		return newSubject("canada", "coordinates, 2.2 MB, into structs", 1, documents, sample.NewCanada())
	}},
	{name: "canada any", make: func() *subject {
		return newSubject("canada any", "the same without types", 1, documents, sample.Untyped(sample.NewCanada()))
	}},
	{name: "citm", make: func() *subject {
		return newSubject("citm", "a catalogue of small dicts, 0.5 MB, into structs", 1, documents, sample.NewCitm())
	}},
	{name: "citm any", make: func() *subject {
		return newSubject("citm any", "the same without types", 1, documents, sample.Untyped(sample.NewCitm()))
	}},
	{name: "twitter", make: func() *subject {
		return newSubject("twitter", "a hundred statuses, 0.4 MB, into structs", 1, documents, sample.NewTwitter())
	}},
	{name: "twitter any", make: func() *subject {
		return newSubject("twitter any", "the same without types", 1, documents, sample.Untyped(sample.NewTwitter()))
	}},
	{name: "body 1 MiB", make: func() *subject {
		return newSubject("body 1 MiB", "a Frame with a body of 1 MiB", 1, bodies, sample.Frames(1, 1<<20)...)
	}},
	{name: largest, make: func() *subject {
		return newSubject(largest, "a Frame with a body of 64 MiB", 1, bodies, sample.Frames(1, 64<<20)...)
	}},
	{name: "frame path", contests: framePath},
	{name: "flows", contests: flows},
}
