package main

import (
	"github.com/petrichor-protocol/petrichor"
)

// A viewer prints frames that came in, in the form that -f asks for.
type viewer struct {
	out  *output
	form string
}

// view opens the output of a client.
func (c *client) view() (*viewer, error) {
	out, err := c.app.open(c.path)
	if err != nil {
		return nil, err
	}
	v := &viewer{out, c.format.value}
	switch {
	case v.form != "":
	case out.terminal:
		v.form = "pretty"
	default:
		v.form = "jsonl"
	}
	return v, nil
}

// show prints one frame and lets it be seen at once.
func (v *viewer) show(f petrichor.Frame) error {
	if err := v.print(f); err != nil {
		return err
	}
	return v.out.Flush()
}

func (v *viewer) print(f petrichor.Frame) error {
	switch v.form {
	case "raw":
		return v.payload(f.Body)
	case "tnet":
		return writeRaw(v.out, record{f.Header, f.Body})
	case "hex":
		dump := hexDump{out: v.out}
		dump.record(record{f.Header, f.Body})
		return nil
	case "json":
		return newSink(v.out, form{name: "json", indent: 2})(record{f.Header, f.Body})
	case "jsonl":
		return newSink(v.out, form{name: "jsonl"})(record{f.Header, f.Body})
	}
	return v.pretty(f)
}

// pretty prints a header and a body the way a reader of letters wants them: a line each, and more
// where they have more to say.
func (v *viewer) pretty(f petrichor.Frame) error {
	p := &printer{w: v.out.Writer, colors: v.out.colors, pretty: true, indent: 2}
	if len(f.Header) <= 72 {
		p.indent = 0
	}
	if err := p.line(record{value: f.Header}); err != nil {
		return err
	}
	p.indent = 2
	return p.line(record{value: f.Body})
}

// payload prints what a body says and nothing else.
func (v *viewer) payload(body petrichor.Raw) error {
	el, _, err := petrichor.Cut(body, anyElement...)
	if err != nil {
		return err
	}
	if err := v.out.raw(el.Payload); err != nil || !v.out.terminal {
		return err
	}
	return v.out.WriteByte('\n')
}
