package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"

	"github.com/petrichor-protocol/petrichor"
)

const (
	opHost  = "one field of each"
	opWalk  = "one field of each, Decoder and Get"
	opTyped = "one field of each, Decode into a struct"
	opAll   = "all of it, as any"
	opRaw   = "each as Raw"
)

// flowsSize is how long the file of flows is.
const flowsSize = 190 << 20

// hostOnly is all that some of the operations want of a flow.
type hostOnly struct {
	Request struct {
		Host any `tnet:"host"`
	} `tnet:"request"`
}

// flows reads a file of mitmproxy's, made of the dumps in testdata over and over.
func flows() []*contest {
	in, count := flowFile()
	s := &subject{name: "flows", about: "a file of mitmproxy's, 190 MiB; figures are for one flow", stream: count}
	read := func(target func() any) func() { return func() { readFlows(in, target) } }
	return []*contest{
		rivals(s, opHost, len(in), func() { walkFlows(in) }, nil),
		rivals(s, opWalk, len(in), func() { decodeAndWalkFlows(in) }, nil),
		rivals(s, opTyped, len(in), read(func() any { return new(hostOnly) }), nil),
		rivals(s, opRaw, len(in), read(func() any { return new(petrichor.Raw) }), nil),
		rivals(s, opAll, len(in), read(func() any { return new(any) }), nil),
	}
}

// flowFile returns the file and how many flows it has.
func flowFile() ([]byte, int) {
	names, err := filepath.Glob("../testdata/interop/mitmproxy/*.mitm")
	must(err)
	var once []byte
	for _, name := range names {
		b, err := os.ReadFile(name)
		must(err)
		once = append(once, b...)
	}
	if len(once) == 0 {
		panic("bench: no flows; run it in bench/")
	}
	times := flowsSize/len(once) + 1
	return bytes.Repeat(once, times), times * readFlows(once, func() any { return new(petrichor.Raw) })
}

// readFlows reads every flow into a new target and returns how many there are.
func readFlows(b []byte, target func() any) (n int) {
	d := petrichor.NewDecoder(bytes.NewReader(b), petrichor.AllowText(true))
	for {
		err := d.Decode(target())
		if err == io.EOF {
			return n
		}
		must(err)
		n++
	}
}

// walkFlows looks for the host of every flow, and into nothing else.
func walkFlows(b []byte) {
	text := petrichor.AllowText(true)
	for rest := b; len(rest) > 0; {
		_, next, err := petrichor.Cut(rest, text)
		must(err)
		host(rest[:len(rest)-len(next)], text)
		rest = next
	}
}

// decodeAndWalkFlows is walkFlows on a stream.
func decodeAndWalkFlows(b []byte) {
	text := petrichor.AllowText(true)
	d := petrichor.NewDecoder(bytes.NewReader(b), text, petrichor.MaxSize(flowsSize))
	for {
		flow, err := d.ReadElement()
		if err == io.EOF {
			return
		}
		must(err)
		host(flow, text)
	}
}

// host returns the host that a flow's request was for.  A flow of TCP has no request.
func host(flow petrichor.Raw, text petrichor.Option) petrichor.Raw {
	request, err := flow.Get("request", text)
	must(err)
	name, err := request.Get("host", text)
	must(err)
	return name
}
