package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/petrichor-protocol/petrichor"
	"github.com/spf13/cobra"
)

// A hexVerb prints annotated bytes.
type hexVerb struct {
	app   *app
	input input
	path  string // of -o
}

func newHex(a *app) *cobra.Command {
	h := &hexVerb{app: a, input: newInput()}
	h.input.from = newChoice("tnet", "frames", "mitm")
	cmd := &cobra.Command{
		Use:   "hex [FILE]",
		Short: "Print the bytes of each element with what they mean",
		Long: `hex prints one line an element: where it begins (decimal, as in all messages),
its bytes, its kind and size, and what it says. What lies in a list or a dict
follows it, indented. Of a list or a dict only the size and the tag are shown as
bytes, of a long element its beginning and its tag.

What is well formed before a fault is printed; the exit code is then 5.`,
		Example: `  printf '17:7:allowed,4:true!}5:hello,' | petrichor hex
  petrichor hex --from mitm --color always flows.mitm | less -R`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, files []string) error { return h.run(orStdin(files)[0]) },
	}
	h.input.addTo(cmd)
	addOutput(cmd, &h.path)
	return cmd
}

func (h *hexVerb) run(path string) error {
	r, name, err := openInput(path)
	if err != nil {
		return err
	}
	defer r.Close()
	out, err := h.app.open(h.path)
	if err != nil {
		return err
	}
	dump := hexDump{out: out}
	src := h.input.source(promptReader{r, out})
	for err == nil {
		var rec record
		rec, err = src.next()
		dump.record(rec)
	}
	if err == io.EOF {
		return out.close(nil)
	}
	return out.close(failIn(name, err, fileAdvice))
}

// A hexDump prints elements, and counts the bytes of those before.
type hexDump struct {
	out    *output
	offset int64
}

// record prints a record, of which only the outer layer need be right.
func (d *hexDump) record(r record) {
	d.roots("header", r.header)
	if r.header != nil {
		d.roots("body", r.value)
		return
	}
	d.roots("", r.value)
}

// roots prints an element that lies in no other.
func (d *hexDump) roots(role string, raw petrichor.Raw) {
	if len(raw) == 0 {
		return
	}
	d.element(raw, d.offset, 0, role)
	d.offset += int64(len(raw))
}

// element prints the first element of b and returns what follows it, or nil after a fault.
func (d *hexDump) element(b []byte, at int64, level int, role string) (rest []byte) {
	el, rest, err := petrichor.Cut(b, anyElement...)
	if err != nil {
		return nil
	}
	whole := b[:len(b)-len(rest)]
	container := el.Kind == petrichor.KindList || el.Kind == petrichor.KindDict
	fmt.Fprintf(d.out, "%8d  %s%-*s%s  %s%s\n", at,
		d.out.colors.dim, hexWidth, hexBytes(whole, el, container), d.out.colors.reset,
		strings.Repeat("  ", level), d.reading(el, role))
	if container {
		d.children(el, at+int64(len(whole)-1-len(el.Payload)), level+1)
	}
	return rest
}

func (d *hexDump) children(parent petrichor.Element, at int64, level int) {
	rest := parent.Payload
	for i := 0; len(rest) > 0; i++ {
		role := ""
		if parent.Kind == petrichor.KindDict && i%2 == 0 {
			role = "key"
		}
		next := d.element(rest, at, level, role)
		if next == nil {
			return
		}
		at += int64(len(rest) - len(next))
		rest = next
	}
}

// reading is what an element says: its role or kind, its size, and its value.
func (d *hexDump) reading(el petrichor.Element, role string) string {
	c := d.out.colors
	color, value := c.number, ""
	switch el.Kind {
	case petrichor.KindList:
		color, value = c.word, count(countElements(el.Payload), "element", "elements")
	case petrichor.KindDict:
		color, value = c.word, count(countElements(el.Payload)/2, "entry", "entries")
	case petrichor.KindString, petrichor.KindText:
		color, value = c.text, string(quoteShort(el.Payload, readingShown))
	default:
		value = escapeLine(string(clip(el.Payload, readingShown)))
	}
	name := el.Kind.String()
	if role == "key" {
		name, color = role, c.key
	} else if role != "" {
		name = role + " " + name
	}
	return fmt.Sprintf("%s %d%s", name, len(el.Payload), paint(color, c.reset, value))
}

func paint(color, reset, value string) string {
	if value == "" {
		return ""
	}
	return ": " + color + value + reset
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

const (
	hexShown = 12             // bytes of an element that are shown
	hexWidth = 3*hexShown + 1 // columns that takes

	readingShown = 48 // bytes of a payload that are read out
)

// hexBytes is the beginning of an element in hexadecimal, and its tag.
func hexBytes(whole []byte, el petrichor.Element, container bool) string {
	shown := hexShown - 2
	if container {
		shown = len(whole) - 1 - len(el.Payload)
	} else if len(whole) <= hexShown {
		return fmt.Sprintf("% x", whole)
	}
	if shown == len(whole)-1 {
		return fmt.Sprintf("% x", whole)
	}
	return fmt.Sprintf("% x … %x", whole[:shown], whole[len(whole)-1])
}
