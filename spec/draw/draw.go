package main

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"strings"

	"github.com/petrichor-protocol/petrichor"
)

// All lengths are in SVG user units: a pixel, at the SVG's natural size.
const (
	cell    = 26
	tall    = 38
	margin  = 36
	padding = 9 // between a box and those inside it
)

// element draws one element and the names of its parts.
func element(s string) []byte {
	const scale, top = 2, 30
	el, _ := cut(s)
	width := 2*margin + scale*cell*len(s)
	c := begin(width+250, 150, "An element", "The bytes "+s+": size, colon, payload, tag")
	x, names := margin, map[string]string{"size": "size", "colon": "colon", "payload": "payload: " + el.size + " bytes", "tag": "tag"}
	for _, p := range el.parts() {
		for i := range len(p.text) {
			c.cell(p.class, x+i*scale*cell, top, scale*cell, 50, p.text[i:i+1])
		}
		end := x + scale*cell*len(p.text)
		c.below(p.class, x, end, top+58, names[p.class])
		x = end
	}
	c.text("left strong", width, top+20, "the size counts the payload,")
	c.text("left", width, top+42, "and only that; the tag says")
	c.text("left", width, top+64, "that it is a string")
	return c.end()
}

type piece struct{ class, text string }

func (p part) parts() []piece {
	return []piece{{"size", p.size}, {"colon", ":"}, {"payload", p.payload}, {"tag", p.tag}}
}

// boxes draws elements inside one another as boxes inside one another.
func boxes(s string) []byte {
	el, _ := cut(s)
	depth := levels(el)
	width := 2*margin + el.width()
	height := 2*margin + tall + 2*padding*depth + 34
	c := begin(width, height, "Boxes in boxes", "The bytes "+s+", a box around each element")
	c.box(el, margin, margin, depth)
	c.text("note", width/2, height-22, "Each box says in front how much is in it, and ends in what it is.")
	return c.end()
}

func levels(el part) (deepest int) {
	for _, child := range el.children() {
		deepest = max(deepest, levels(child)+1)
	}
	return deepest
}

func (p part) children() (list []part) {
	for rest := p.payload; p.container && rest != ""; {
		var child part
		child, rest = cut(rest)
		list = append(list, child)
	}
	return list
}

// width is how wide p is drawn.
func (p part) width() int {
	w := cell * (len(p.size) + 2)
	for _, child := range p.children() {
		w += child.width() + padding
	}
	if !p.container {
		return w + cell*len(p.payload)
	}
	return w + padding
}

// box draws p at x, y with room for levels inside it.
func (c *canvas) box(p part, x, y, inside int) {
	high := tall + 2*padding*inside
	c.printf("<rect class=\"box\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"4\"/>\n", x, y, p.width(), high)
	x = c.cells("size", p.size, x, y, high)
	x = c.cells("colon", ":", x, y, high)
	if !p.container {
		x = c.cells("payload", p.payload, x, y, high)
	}
	for _, child := range p.children() {
		x += padding
		c.box(child, x, y+padding, inside-1)
		x += child.width()
	}
	if p.container {
		x += padding
	}
	c.cells("tag", p.tag, x, y, high)
}

// cells draws text a byte a cell and returns where it ends.
func (c *canvas) cells(class, text string, x, y, high int) int {
	for i := range len(text) {
		c.cell(class, x, y, cell, high, text[i:i+1])
		x += cell
	}
	return x
}

// parser draws what next says, and what is in the buffer after each feed.
func parser(pieces []string) []byte {
	longest := len(strings.Join(pieces, ""))
	buffer := margin + 190
	width := buffer + longest*18 + 230
	c := begin(width, 280+len(pieces)*52, "A parser", "What a parser says when it is fed "+strings.Join(pieces, ", then "))
	c.states(width)
	c.text("left strong", margin, 252, "fed")
	c.text("left strong", buffer, 252, "in the buffer")
	c.text("left strong", width-210, 252, "next says")
	p, held := petrichor.NewParser(), ""
	for i, s := range pieces {
		y := 268 + i*52
		p.Feed([]byte(s))
		held += s
		c.text("left mono", margin, y+24, s)
		f, err := p.Next()
		whole := len(f.Header) + len(f.Body)
		c.row(held, whole, buffer, y)
		c.text("left", width-210, y+24, verdict(err))
		held = held[whole:]
	}
	return c.end()
}

// row draws the bytes of a buffer, of which the first are a frame.
func (c *canvas) row(held string, whole, x, y int) {
	for i := range len(held) {
		class := "colon"
		if i < whole {
			class = "payload"
		}
		c.cell(class, x+i*18, y, 18, 34, held[i:i+1])
	}
}

func verdict(err error) string {
	switch {
	case err == nil:
		return "a frame; the rest stays"
	case errors.Is(err, petrichor.ErrShort):
		return "short"
	}
	return "fault"
}

// states draws the three things that next can say, and what leads from one to another.
func (c *canvas) states(width int) {
	left, middle, right := width/6, width/2, width-width/6
	for _, s := range []struct {
		x                  int
		class, name, about string
	}{
		{left, "tag", "fault", "the same for ever"},
		{middle, "size", "short", "more has to be fed"},
		{right, "payload", "frame", "header and body"},
	} {
		c.printf("<rect class=\"cell %s\" x=\"%d\" y=\"90\" width=\"180\" height=\"64\" rx=\"12\"/>\n", s.class, s.x-90)
		c.text("big", s.x, 117, s.name)
		c.text("note", s.x, 140, s.about)
	}
	c.arrow(middle-90, 122, left+90, 122, "a wrong byte")
	c.arrow(middle+90, 108, right-90, 108, "it is whole")
	c.arrow(right-90, 136, middle+90, 136, "")
	c.text("note", (middle+right)/2, 158, "nothing whole left")
	c.loop(middle, 90, "feed: not yet whole")
	c.loop(right, 90, "another one")
	c.printf("<path class=\"line\" d=\"M%d 156C%d 216 %d 216 %d 158\" marker-end=\"url(#head)\"/>\n", right, right-80, left+80, left)
	c.text("note", middle, 218, "a wrong byte behind it")
}

// loop draws an arrow from a state to itself.
func (c *canvas) loop(x, y int, label string) {
	c.printf("<path class=\"line\" d=\"M%d %dC%d %d %d %d %d %d\" marker-end=\"url(#head)\"/>\n", x-30, y, x-44, y-44, x+44, y-44, x+30, y-2)
	c.text("note", x, y-42, label)
}

// handshake draws a conversation between two peers, time going down.
func handshake(frames []exchange) []byte {
	const width, left, right, top, step = 860, 150, 710, 84, 74
	height := top + step*len(frames) + 44
	c := begin(width, height, "First frames, then others", "One peer connects and the other accepts")
	for _, side := range []struct {
		x           int
		name, about string
	}{{left, "who connects", "connect, request"}, {right, "who accepts", "accept, allow or deny"}} {
		c.text("big", side.x, 36, side.name)
		c.text("note", side.x, 58, side.about)
		c.printf("<path class=\"life\" d=\"M%d 70V%d\"/>\n", side.x, height-24)
	}
	for i, e := range frames {
		y := top + 46 + i*step
		from, to := left, right
		if e.who == "accept" {
			from, to = right, left
		}
		c.text("strong", width/2, y-32, e.verb)
		c.text("mono", width/2, y-10, e.frame)
		c.arrow(from, y, to, y, "")
	}
	between := top + 2*step - 12
	c.printf("<path class=\"dash\" d=\"M%d %dH%d\"/>\n", margin, between, width-margin)
	c.text("left note", margin, between-8, "first frames")
	c.text("left note", margin, between+18, "frames")
	return c.end()
}

// A canvas collects SVG.
type canvas struct{ bytes.Buffer }

func begin(width, height int, title, about string) *canvas {
	c := new(canvas)
	c.printf(opening, width, height, width, height, html.EscapeString(title), html.EscapeString(about), width-1, height-1)
	return c
}

func (c *canvas) end() []byte {
	c.printf("</svg>\n")
	return c.Bytes()
}

func (c *canvas) printf(format string, args ...any) { fmt.Fprintf(c, format, args...) }

func (c *canvas) text(class string, x, y int, s string) {
	c.printf("<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>\n", class, x, y, html.EscapeString(s))
}

// cell draws one byte.
func (c *canvas) cell(class string, x, y, width, height int, s string) {
	c.printf("<rect class=\"cell %s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\"/>\n", class, x+1, y+1, width-2, height-2)
	c.text("byte", x+width/2, y+height/2+6, s)
}

// below draws a bracket under what lies between left and right, and its name.
func (c *canvas) below(class string, left, right, y int, label string) {
	c.printf("<path class=\"bracket %s\" d=\"M%d %dv6H%dv-6\"/>\n", class, left+3, y, right-3)
	c.text("name "+class, (left+right)/2, y+26, label)
}

// arrow draws one from x, y to another place, and a label over its middle.
func (c *canvas) arrow(x, y, toX, toY int, label string) {
	tip := 3
	if toX < x {
		tip = -3
	}
	c.printf("<path class=\"line\" d=\"M%d %dL%d %d\" marker-end=\"url(#head)\"/>\n", x, y, toX-tip, toY)
	if label != "" {
		c.text("note", (x+toX)/2, y-8, label)
	}
}

// opening has its own background and its own colours, so that it reads the same on any page.
const opening = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="title desc">
<title id="title">%s</title>
<desc id="desc">%s</desc>
<style>
text { font: 14px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif; fill: #3b4048; text-anchor: middle; }
.left { text-anchor: start; }
.big { font-size: 17px; font-weight: 600; fill: #16191d; }
.strong { font-weight: 600; fill: #16191d; }
.note { fill: #5a616b; }
.byte, .mono { font: 600 16px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #16191d; }
.cell { stroke-width: 1; }
.cell.size { fill: #ffd98a; stroke: #c98a00; }
.cell.colon { fill: #eceef1; stroke: #b4bac3; }
.cell.payload { fill: #d5ebfb; stroke: #6aaedb; }
.cell.tag { fill: #f3b6d3; stroke: #b9417f; }
.box { fill: #ffffff; stroke: #16191d; stroke-width: 1.5; }
.name.size { fill: #7d5400; font-weight: 600; }
.name.payload { fill: #135d8f; font-weight: 600; }
.name.tag { fill: #982a63; font-weight: 600; }
.bracket, .line, .life, .dash { fill: none; stroke: #848c97; stroke-width: 1.5; }
.bracket.size { stroke: #c98a00; }
.bracket.payload { stroke: #4a97cb; }
.bracket.tag { stroke: #b9417f; }
.line { stroke: #3b4048; }
.life { stroke-width: 2; }
.dash { stroke-dasharray: 4 5; }
</style>
<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L10 5L0 10z" fill="#3b4048"/></marker></defs>
<rect x="0.5" y="0.5" width="%d" height="%d" rx="10" fill="#fcfcfa" stroke="#d9dce1"/>
`
