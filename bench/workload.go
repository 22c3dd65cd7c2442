package main

import "github.com/petrichor-protocol/petrichor/bench/sample"

// A workload makes its subject when its turn comes, so that the heap holds one at a time.
type workload struct {
	name string
	make func() *subject
}

var (
	oneShot = []string{opMarshal, opAppend, opUnmarshal}
	streams = []string{opEncode, opDecode, opPieces}
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
}
