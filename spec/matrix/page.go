package main

import (
	"fmt"
	"strings"

	"github.com/petrichor-protocol/petrichor/internal/conform"
	"github.com/petrichor-protocol/petrichor/spec"
)

// A column is what one implementation says, as a mark for each vector: = for
// what is wanted, in verdict, layer, place and value; - for what it is not asked;
// ! for anything else.
type column struct {
	name  string
	of    map[string]string // by the name of a vector
	wrong []string
	marks map[string]int
}

func fill(i implementation, dir string) (column, error) {
	c := column{name: i.name, of: map[string]string{}, marks: map[string]int{}}
	answers, err := i.answers(dir)
	if err != nil {
		return c, fmt.Errorf("%s: %w", i.name, err)
	}
	for _, v := range spec.Vectors() {
		a, asked := answers[v.Name]
		mark := c.mark(v, a, asked)
		c.of[v.Name] = mark
		c.marks[mark]++
	}
	return c, nil
}

func (c *column) mark(v spec.Vector, a conform.Answer, asked bool) string {
	if !asked {
		return "-"
	}
	j := conform.Judge(v, a)
	switch {
	case j.Spared:
		return "-"
	case len(j.Wrong) > 0 || len(j.Untold) > 0:
		told := strings.Join(append(j.Wrong, j.Untold...), "; ")
		c.wrong = append(c.wrong, fmt.Sprintf("%s, %s: %s", v.Name, c.name, told))
		return "!"
	}
	return "="
}

// page is the matrix in Markdown.
func page(columns []column) string {
	var text strings.Builder
	text.WriteString("<!-- Made by: go run ./spec/matrix -o docs/matrix.md -->\n# Who says what\n\n")
	fmt.Fprintf(&text, "Every vector of [the specification](../spec/petrichor.md) through every implementation here: %d times %d.\n", len(spec.Vectors()), len(columns))
	text.WriteString("A `=` is the same verdict, layer, offset and value; a `-` was not asked; a `!` is anything else.\n" +
		"The Python program is that of the specification, and Wireshark sees the vectors as traffic. An element is the\n" +
		"body of a frame to `conn` and to Wireshark, which therefore is not asked the two that allow no depth at all.\n\n")
	summary(&text, columns)
	for _, c := range columns {
		for _, line := range c.wrong {
			text.WriteString("\n- " + line)
		}
	}
	topic := ""
	for _, v := range spec.Vectors() {
		if v.Topic != topic {
			text.WriteString(map[bool]string{true: "```\n"}[topic != ""])
			topic = v.Topic
			fmt.Fprintf(&text, "\n## %s\n\n```\n", topic)
		}
		text.WriteString(row(v, columns))
	}
	text.WriteString("```\n")
	return text.String()
}

func summary(text *strings.Builder, columns []column) {
	text.WriteString("| | implementation | `=` | `-` | `!` |\n|---:|---|---:|---:|---:|\n")
	for n, c := range columns {
		fmt.Fprintf(text, "| %d | %s | %d | %d | %d |\n", n+1, c.name, c.marks["="], c.marks["-"], c.marks["!"])
	}
}

// row is a mark for each column, in order, and what is wanted.
func row(v spec.Vector, columns []column) string {
	marks := ""
	for _, c := range columns {
		marks += c.of[v.Name]
	}
	want := v.Want
	if v.At >= 0 {
		want = fmt.Sprintf("%s at %d", v.Want, v.At)
	}
	return fmt.Sprintf("%s  %-24s %s\n", marks, want, v.Name)
}
