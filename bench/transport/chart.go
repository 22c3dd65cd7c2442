package main

import (
	"bytes"
	"fmt"
	"html"
)

// A picture shows some contests side by side, a bar for each contender.
type picture struct {
	name  string
	title string
	of    []string // workloads
	cpu   bool     // processor time, not the rate
}

func (p picture) file() string { return "transport-" + p.name + ".svg" }

var pictures = []picture{
	{name: "ping", title: "Requests, both processes on one processor: answers a second", of: []string{"ping64", "clients64", "tlsping64"}},
	{name: "pipe", title: "Many outstanding, both processes on one processor: answers a second", of: []string{"pipe64", "pipe128", "shared128"}},
	{name: "oneway", title: "One way: messages a second", of: []string{"oneway64", "oneway64k", "oneway1m"}},
	{name: "cpu", title: "Processor time for a message, both processes together", of: []string{"ping64", "oneway1k", "fanout16"}, cpu: true},
}

// Lengths in a picture, in pixels at its natural size.
const (
	panelWidth = 430
	barsX      = 190 // from the left of a panel
	barsWidth  = 160
	barHeight  = 18
	rowHeight  = 24
	topY       = 84
	below      = 44 // of the bars
)

func (r *results) has(p picture) bool {
	for _, name := range p.of {
		if c := r.contest(name); c == nil || len(c.sorted()) == 0 {
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
	rows := 0
	for _, name := range p.of {
		rows = max(rows, len(r.contest(name).sorted()))
	}
	width, height := panelWidth*len(p.of)+24, topY+rowHeight*rows+below
	var b bytes.Buffer
	fmt.Fprintf(&b, svgOpening, width, height, width, height, p.title, p.title, width-1, height-1)
	fmt.Fprintf(&b, "<text class=\"title\" x=\"24\" y=\"36\">%s</text>\n", p.title)
	for i, name := range p.of {
		p.panel(&b, r.contest(name), 12+i*panelWidth)
	}
	p.legend(&b, 24, height-20)
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func (p picture) panel(b *bytes.Buffer, c *contest, x int) {
	fmt.Fprintf(b, "<text class=\"panel\" x=\"%d\" y=\"%d\">%s</text>\n", x+12, topY-16, html.EscapeString(c.work.title))
	list, longest := c.sorted(), 0.0
	for _, e := range list {
		longest = max(longest, p.figure(e))
	}
	for i, e := range list {
		p.bar(b, e, longest, x, topY+i*rowHeight)
	}
}

func (p picture) figure(e *entry) float64 {
	if p.cpu {
		return e.cpu()
	}
	return e.rate()
}

func (p picture) bar(b *bytes.Buffer, e *entry, longest float64, x, y int) {
	length := max(1, p.figure(e)/longest*barsWidth)
	class := map[kind]string{ours: "ours", floor: "floor", peer: "peer"}[e.who.kind]
	fmt.Fprintf(b, "<text class=\"name %s\" x=\"%d\" y=\"%d\">%s</text>\n", class, x+barsX-8, y+14, html.EscapeString(e.who.short()))
	fmt.Fprintf(b, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\"/>\n", class, x+barsX, y, length, barHeight)
	fmt.Fprintf(b, "<text class=\"value\" x=\"%.1f\" y=\"%d\">%s</text>\n", float64(x+barsX)+length+6, y+14, p.value(e))
}

// short is the name as far as there is room for it.
func (c *contender) short() string {
	if c.name == nameHandlers {
		return "petrichor, goroutine each"
	}
	return c.name
}

func (p picture) value(e *entry) string {
	if p.cpu {
		return digits(e.cpu()) + " µs"
	}
	return digits(e.rate())
}

func (p picture) legend(b *bytes.Buffer, x, y int) {
	for _, l := range [][2]string{{"ours", "petrichor"}, {"peer", "peers"}, {"floor", "raw Go sockets"}} {
		fmt.Fprintf(b, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"14\" height=\"12\" rx=\"2\"/>\n", l[0], x, y-10)
		fmt.Fprintf(b, "<text class=\"legend\" x=\"%d\" y=\"%d\">%s</text>\n", x+20, y, l[1])
		x += 48 + 7*len(l[1])
	}
	better := "longer is better"
	if p.cpu {
		better = "shorter is better"
	}
	fmt.Fprintf(b, "<text class=\"legend\" x=\"%d\" y=\"%d\">%s</text>\n", x, y, better)
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
rect.floor { fill: #ffd98a; }
</style>
<rect x="0.5" y="0.5" width="%d" height="%d" rx="10" fill="#fcfcfa" stroke="#d9dce1"/>
`
