// Command picture draws docs/img/frame.svg: one frame, byte by byte, with the glossary's words on it.
//
//	go run ./internal/picture > docs/img/frame.svg
//
// The picture is computed, not drawn by hand: petrichor itself cuts the bytes below, and every cell,
// bracket and word takes its place from where a cut fell. Text is anchored in the middle of what it
// names, so that a reader whose machine has other fonts sees the same picture.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/petrichor-protocol/petrichor"
)

// The frame in the picture: a dict of two entries, then a string.
const (
	header = `21:4:user,3:zed,1:n,1:1#}`
	body   = `5:hello,`
)

// All lengths are in SVG user units; at the SVG's natural size, one is a pixel.
const (
	cellWidth  = 28
	cellHeight = 42
	margin     = 40
	between    = 28 // from the header's last cell to the body's first
	width      = margin + cellWidth*(len(header)+len(body)) + between + margin
	height     = 398
	bodyX      = margin + cellWidth*len(header) + between
)

// From top to bottom.
const (
	yFrame   = 46  // bracket of the whole frame
	yHalves  = 84  // brackets of header and body
	yBytes   = 98  // the bytes
	yRoles   = 146 // size, colon, payload, tag
	yEntries = 222 // the header's payload once more, opened
	yKeys    = 270 // key, value
	yEntry   = 306 // entry
	yFoot    = 372 // the note
)

func main() {
	if err := draw(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

// draw writes the whole SVG.
func draw(w io.Writer) error {
	var c canvas
	c.printf(opening, width, height, width, height, header, body, width-1, height-1)
	c.entries()
	c.frame()
	c.kinds()
	c.text("note", width/2, yFoot,
		"A size counts the bytes of its payload, no more. The tag comes last and says what kind the element is.")
	c.printf("</svg>\n")
	_, err := w.Write(c.Bytes())
	return err
}

// frame draws the upper row: both elements, and what their bytes are.
func (c *canvas) frame() {
	c.above("big", margin, width-margin, yFrame, "a frame: two elements, one after the other")
	c.above("strong", margin, margin+cellWidth*len(header), yHalves, "HEADER: an element, always a dict")
	c.above("strong", bodyX, width-margin, yHalves, "BODY: any element")
	for _, half := range []struct {
		x     int
		bytes string
		what  string
	}{{margin, header, "payload: 21 bytes, the entries of the dict"}, {bodyX, body, "payload"}} {
		el := cut(half.bytes)
		c.element(half.x, yBytes, el)
		c.roles(half.x, el, half.what)
	}
	colon := bodyX + cellWidth*3/2
	c.printf("<path class=\"bracket\" d=\"M%d %dv28\"/>\n", colon, yRoles-1)
	c.text("name", colon, yRoles+42, "colon")
}

// roles names the parts of el, drawn at x in the upper row.
func (c *canvas) roles(x int, el element, what string) {
	payload := x + cellWidth*(len(el.size)+1)
	tag := payload + cellWidth*len(el.payload)
	c.below("size", x, payload-cellWidth, yRoles, "size")
	c.below("payload", payload, tag, yRoles, what)
	c.below("tag", tag, tag+cellWidth, yRoles, "tag")
}

// entries draws the lower row: the header's payload, each byte under where it is in the upper row.
func (c *canvas) entries() {
	outer := cut(header)
	x := margin + cellWidth*(len(outer.size)+1)
	c.printf("<rect class=\"band\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n",
		x+1, yRoles+6, cellWidth*len(outer.payload)-2, yEntries-yRoles-6)
	for rest := outer.payload; rest != ""; {
		key := cut(rest)
		value := cut(rest[key.len():])
		middle := x + cellWidth*key.len()
		end := middle + cellWidth*value.len()
		c.element(x, yEntries, key)
		c.element(middle, yEntries, value)
		c.below("plain", x, middle, yKeys, "key")
		c.below("plain", middle, end, yKeys, "value")
		c.below("strong", x, end, yEntry, "entry: "+key.literal()+" is "+value.literal())
		x, rest = end, rest[key.len()+value.len():]
	}
}

// kinds draws the list of tags, in the free corner under the body.
func (c *canvas) kinds() {
	const rows, step, columnWidth = 4, 30, 112
	c.text("left strong", bodyX, yEntries-8, "tags and their kinds")
	for i, k := range []struct{ tag, name string }{
		{",", "string"}, {"#", "int"}, {"^", "float"}, {"!", "bool"}, {"~", "null"}, {"]", "list"}, {"}", "dict"},
	} {
		x, y := bodyX+i/rows*columnWidth, yEntries+4+i%rows*step
		c.printf("<rect class=\"cell tag\" x=\"%d\" y=\"%d\" width=\"24\" height=\"24\" rx=\"3\"/>\n", x, y)
		c.text("byte", x+12, y+17, k.tag)
		c.text("left", x+33, y+17, k.name)
	}
}

// An element is one tnetstring cut into its parts.
type element struct{ size, payload, tag string }

// cut returns the first element of s, which is well formed.
func cut(s string) element {
	el, rest, err := petrichor.Cut([]byte(s))
	if err != nil {
		panic(err)
	}
	end := len(s) - len(rest)
	payload := string(el.Payload)
	return element{s[:end-len(payload)-len(":,")], payload, s[end-1 : end]}
}

// len is how many bytes e takes, the colon included.
func (e element) len() int { return len(e.size) + 1 + len(e.payload) + len(e.tag) }

// literal is e, a scalar, as people write it.
func (e element) literal() string {
	if e.tag == "," {
		return "“" + e.payload + "”"
	}
	return e.payload
}

// A canvas collects SVG.
type canvas struct{ bytes.Buffer }

func (c *canvas) printf(format string, args ...any) { fmt.Fprintf(c, format, args...) }

// element draws the cells of el, the first of them at x, y.
func (c *canvas) element(x, y int, el element) {
	for _, part := range []struct{ class, bytes string }{
		{"size", el.size}, {"colon", ":"}, {"payload", el.payload}, {"tag", el.tag},
	} {
		for i := range len(part.bytes) {
			c.printf("<rect class=\"cell %s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\"/>\n",
				part.class, x+1, y, cellWidth-2, cellHeight)
			c.text("byte", x+cellWidth/2, y+27, part.bytes[i:i+1])
			x += cellWidth
		}
	}
}

// above draws a bracket open downwards over what lies between left and right, and its label.
func (c *canvas) above(class string, left, right, y int, label string) {
	c.printf("<path class=\"bracket\" d=\"M%d %dv-7H%dv7\"/>\n", left+2, y+7, right-2)
	c.text(class, (left+right)/2, y-8, label)
}

// below draws a bracket open upwards under what lies between left and right, and its label.
func (c *canvas) below(class string, left, right, y int, label string) {
	c.printf("<path class=\"bracket %s\" d=\"M%d %dv6H%dv-6\"/>\n", class, left+2, y, right-2)
	c.text("name "+class, (left+right)/2, y+22, label)
}

func (c *canvas) text(class string, x, y int, s string) {
	c.printf("<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>\n", class, x, y, s)
}

// opening has its own background and its own colours, so that it reads the same on any page. The
// three colours of size, payload and tag also differ in lightness, for eyes that mix up hues.
const opening = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="title desc">
<title id="title">The anatomy of a frame</title>
<desc id="desc">The bytes %s (the header, a dict of two entries) and %s (the body, a string), each element cut into its size, a colon, its payload and its tag.</desc>
<style>
text { font: 14px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif; fill: #3b4048; text-anchor: middle; }
.left { text-anchor: start; }
.big { font-size: 17px; font-weight: 600; fill: #16191d; }
.strong { font-weight: 600; fill: #16191d; }
.note { fill: #5a616b; }
.byte { font: 600 17px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #16191d; }
.cell { stroke-width: 1; }
.cell.size { fill: #ffd98a; stroke: #c98a00; }
.cell.colon { fill: #eceef1; stroke: #b4bac3; }
.cell.payload { fill: #d5ebfb; stroke: #6aaedb; }
.cell.tag { fill: #f3b6d3; stroke: #b9417f; }
.name.size { fill: #7d5400; font-weight: 600; }
.name.payload { fill: #135d8f; font-weight: 600; }
.name.tag { fill: #982a63; font-weight: 600; }
.bracket { fill: none; stroke: #848c97; stroke-width: 1.5; }
.bracket.size { stroke: #c98a00; }
.bracket.payload { stroke: #4a97cb; }
.bracket.tag { stroke: #b9417f; }
.band { fill: #d5ebfb; fill-opacity: 0.4; }
</style>
<rect x="0.5" y="0.5" width="%d" height="%d" rx="10" fill="#fcfcfa" stroke="#d9dce1"/>
`
