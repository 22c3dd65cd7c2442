package main

import (
	"bytes"
	"fmt"
	"html"
	"slices"
)

// A picture shows some contests side by side, a bar for each codec.
type picture struct {
	name  string
	title string
	of    [][2]string // subject and operation
}

func (p picture) file() string { return "perf-" + p.name + ".svg" }

var pictures = []picture{
	{"small", "A small struct: time for one value", [][2]string{{"A", opMarshal}, {"A", opAppend}, {"A", opUnmarshal}}},
	{"frame", "A frame, header and 1 KiB of body: time for one", [][2]string{{"Frame", opMarshal}, {"Frame", opAppend}, {"Frame", opUnmarshal}}},
	{"stream", "A stream of small messages: time for one", [][2]string{{"stream", opEncode}, {"stream", opDecode}, {"stream", opPieces}}},
	{"documents", "Documents into structs: time to read one", [][2]string{{"canada", opUnmarshal}, {"citm", opUnmarshal}, {"twitter", opUnmarshal}}},
}

// Lengths in a picture, in pixels at its natural size.
const (
	panelWidth = 400
	barsX      = 160 // from the left of a panel
	barsWidth  = 160
	barHeight  = 18
	rowHeight  = 24
	topY       = 84
	bars       = 12 // the fastest so many; ours always
)

func (r *results) has(p picture) bool {
	for _, name := range p.of {
		if r.contest(name[0], name[1]) == nil {
			return false
		}
	}
	return true
}

// picture draws p, or returns nil if not all of it has been run.
func (r *results) picture(p picture) []byte {
	if !r.has(p) {
		return nil
	}
	width, height := panelWidth*len(p.of)+24, topY+rowHeight*bars+44
	var b bytes.Buffer
	fmt.Fprintf(&b, svgOpening, width, height, width, height, p.title, p.title, width-1, height-1)
	fmt.Fprintf(&b, "<text class=\"title\" x=\"24\" y=\"36\">%s</text>\n", p.title)
	for i, name := range p.of {
		panel(&b, r.contest(name[0], name[1]), 12+i*panelWidth)
	}
	legend(&b, 24, height-20)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func panel(b *bytes.Buffer, c *contest, x int) {
	fmt.Fprintf(b, "<text class=\"panel\" x=\"%d\" y=\"%d\">%s, %s</text>\n", x+12, topY-16, c.subject.name, c.op)
	list := c.shown()
	longest := list[len(list)-1].ns()
	for i, e := range list {
		bar(b, e, longest, x, topY+i*rowHeight)
	}
}

// shown are the fastest entries, and those that everything is measured with.
func (c *contest) shown() []*entry {
	list := slices.DeleteFunc(c.sorted(), func(e *entry) bool {
		return e.peer.name == nameMemcpy || e.peer.name == nameFrames
	})
	for i := len(list) - 1; i >= 0 && len(list) > bars; i-- {
		if !list[i].peer.yardstick() {
			list = slices.Delete(list, i, i+1)
		}
	}
	return list
}

func (p *peer) yardstick() bool {
	return p.name == namePetrichor || p.name == nameJSON || p.name == nameHand
}

func bar(b *bytes.Buffer, e *entry, longest float64, x, y int) {
	length := max(1, e.ns()/longest*barsWidth)
	class := map[peerKind]string{ours: "ours", floor: "floor", runTime: "peer", generated: "generated"}[e.peer.kind]
	fmt.Fprintf(b, "<text class=\"name %s\" x=\"%d\" y=\"%d\">%s</text>\n", class, x+barsX-8, y+14, html.EscapeString(e.peer.name))
	fmt.Fprintf(b, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>\n", class, x+barsX, y, length, barHeight)
	fmt.Fprintf(b, "<text class=\"value\" x=\"%.1f\" y=\"%d\">%s</text>\n", float64(x+barsX)+length+6, y+14, duration(e.ns()))
}

func legend(b *bytes.Buffer, x, y int) {
	for _, l := range [][2]string{
		{"ours", "petrichor"}, {"peer", "at run time"}, {"generated", "generated code"}, {"floor", "written by hand for the type"},
	} {
		fmt.Fprintf(b, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"14\" height=\"12\" rx=\"2\"/>\n", l[0], x, y-10)
		fmt.Fprintf(b, "<text class=\"legend\" x=\"%d\" y=\"%d\">%s</text>\n", x+20, y, l[1])
		x += 48 + 7*len(l[1])
	}
	fmt.Fprintf(b, "<text class=\"legend\" x=\"%d\" y=\"%d\">shorter is better</text>\n", x, y)
}

func duration(ns float64) string {
	switch {
	case ns >= 1e6:
		return digits(ns/1e6) + " ms"
	case ns >= 1e4:
		return digits(ns/1e3) + " µs"
	}
	return digits(ns) + " ns"
}

// svgOpening has its own background and its own colours, so that it reads the same on any page.  They
// differ in lightness too, for eyes that mix up hues.
const svgOpening = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="title desc">
<title id="title">%s</title>
<desc id="desc">%s, as bars; the figures are in the tables of the page.</desc>
<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif; fill: #3b4048; }
.title { font-size: 18px; font-weight: 600; fill: #16191d; }
.panel { font-size: 15px; font-weight: 600; fill: #16191d; }
.name { text-anchor: end; }
text.ours { font-weight: 600; fill: #982a63; }
.value, .legend { fill: #5a616b; }
rect.ours { fill: #b9417f; }
rect.peer { fill: #6aaedb; }
rect.generated { fill: #c5cbd3; }
rect.floor { fill: #ffd98a; }
</style>
<rect x="0.5" y="0.5" width="%d" height="%d" rx="10" fill="#fcfcfa" stroke="#d9dce1"/>
`
