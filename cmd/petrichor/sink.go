package main

import (
	"errors"

	"github.com/petrichor-protocol/petrichor"
)

// A sink writes one record.
type sink func(record) error

// A form is how results are written: --to or -f, and what goes with it.
type form struct {
	name   string // tnet, frames, json, jsonl or pretty
	indent int    // negative: 2 for a person, 0 for a program
	exact  bool
}

// spaces is the indentation of a form that has one.
func (f form) spaces(person bool) int {
	if f.indent >= 0 {
		return f.indent
	}
	if person {
		return 2
	}
	return 0
}

// newSink returns the sink that writes records to out in the given form.
func newSink(out *output, f form) sink {
	p := &printer{w: out.Writer, colors: out.colors, exact: f.exact}
	switch f.name {
	case "json":
		p.indent = f.spaces(out.terminal)
	case "pretty":
		p.indent = f.spaces(true)
		p.pretty = true
	case "frames":
		return func(r record) error { return writeFrame(out, r) }
	case "tnet":
		return func(r record) error { return writeRaw(out, r) }
	}
	return func(r record) error { return p.line(r) }
}

// line prints a record and a newline.
func (p *printer) line(r record) error {
	if r.header != nil {
		p.frame(r.frame())
	} else {
		p.raw(r.value)
	}
	return p.w.WriteByte('\n')
}

func writeRaw(out *output, r record) error {
	if err := out.raw(r.header); err != nil {
		return err
	}
	return out.raw(r.value)
}

// writeFrame writes a frame; a value is one if it is what line makes of a frame.
func writeFrame(out *output, r record) error {
	if r.header != nil {
		return writeRaw(out, r)
	}
	f, err := frameOf(r.value)
	if err != nil {
		return err
	}
	return writeRaw(out, record{f.Header, f.Body})
}

var errNoFrame = errors.New("a value that is no frame: want a dict of a dict \"header\" and a \"body\", nothing else")

func frameOf(value petrichor.Raw) (petrichor.Frame, error) {
	var halves struct {
		Header petrichor.Raw `tnet:"header"`
		Body   petrichor.Raw `tnet:"body"`
	}
	opts := append([]petrichor.Option{petrichor.RejectUnknownKeys(true)}, anyElement...)
	err := petrichor.Unmarshal(value, &halves, opts...)
	if err != nil || halves.Header == nil || halves.Body == nil {
		return petrichor.Frame{}, fail(exitMalformed, "%v", errNoFrame)
	}
	header, _, err := petrichor.Cut(halves.Header, anyElement...)
	if err != nil || header.Kind != petrichor.KindDict {
		return petrichor.Frame{}, fail(exitMalformed, "%v", errNoFrame)
	}
	return petrichor.Frame{Header: halves.Header, Body: halves.Body}, nil
}
