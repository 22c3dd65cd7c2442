package gotest

import (
	"slices"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/internal/conform"
)

// An input is some bytes, and how they are to be read.
type input struct {
	read   string         // element or frames
	allow  int            // bits of enum petrichor_allow
	limits map[string]int // size, depth, values
	wire   []byte
}

// inputOf is the input that q asks about.
func inputOf(q conform.Question) input {
	allow := 0
	for bit, name := range conform.OptionNames {
		if slices.Contains(q.Options, name) {
			allow |= 1 << bit
		}
	}
	return input{q.Read, allow, q.Limits, q.Wire}
}

// header is that of the frame the driver gets.
func (in input) header() petrichor.Header {
	h := petrichor.Header{"read": in.read, "allow": in.allow}
	for name, n := range in.limits {
		h[name] = n
	}
	return h
}

// options are what header says, here.
func (in input) options() []petrichor.Option {
	opts := []petrichor.Option{
		petrichor.AllowText(in.allow&1 != 0),
		petrichor.AllowDuplicateKeys(in.allow&2 != 0),
		petrichor.AllowLoose(in.allow&4 != 0),
		petrichor.AllowNonFinite(in.allow&8 != 0),
	}
	if n, ok := in.limits["size"]; ok {
		opts = append(opts, petrichor.MaxSize(int64(n)))
	}
	if n, ok := in.limits["depth"]; ok {
		opts = append(opts, petrichor.MaxDepth(n))
	}
	if n, ok := in.limits["values"]; ok {
		opts = append(opts, petrichor.MaxValues(n))
	}
	return opts
}
