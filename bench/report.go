package main

import (
	"fmt"
	"io"
)

// table writes one contest as a table.
func (c *contest) table(w io.Writer, heading string) {
	json, hand := c.entry(nameJSON), c.entry(nameHand)
	best := c.best(func(p *peer) bool { return p.kind == runTime })
	fmt.Fprintf(w, "\n%s %s, %s\n\n", heading, c.subject.name, c.op)
	bestName := "the best peer"
	if best != nil {
		bestName = best.peer.name
	}
	fmt.Fprintf(w, "| | ns/op | × json v1 | × %s | time / hand | allocs/op | B/op | bytes |\n", bestName)
	fmt.Fprintf(w, "|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, e := range c.sorted() {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", e.peer.label(),
			digits(e.ns()), speed(e, json), speed(e, best), over(e, hand), digits(e.allocs()), digits(e.bytes()), orNothing(e.size))
	}
}

// targets writes what was asked for, and whether this run has it.
func (r *results) targets(w io.Writer) {
	list := r.verdicts()
	met := 0
	fmt.Fprintf(w, "\n| | target | this run | |\n|---|---|---:|---|\n")
	for _, v := range list {
		word := "**not met**"
		if v.met {
			met, word = met+1, "met"
		}
		fmt.Fprintf(w, "| %s, %s | %s | %s | %s |\n", v.target.subject, v.target.op, v.claim.what, digits(v.got), word)
	}
	fmt.Fprintf(w, "\n%d of %d met.\n", met, len(list))
}

// label is the name as it stands in tables.
func (p *peer) label() string {
	switch p.kind {
	case ours:
		return "**" + p.name + "**"
	case runTime:
		return p.name
	}
	return p.name + " (" + string(p.kind) + ")"
}

// speed says how many times as fast as other e is.
func speed(e, other *entry) string {
	if other == nil {
		return ""
	}
	return digits(1 / e.over(other))
}

func over(e, other *entry) string {
	if other == nil {
		return ""
	}
	return digits(e.over(other))
}

// digits writes a figure with no more digits than mean something.
func digits(f float64) string {
	switch {
	case f == 0:
		return "0"
	case f < 0.01:
		return fmt.Sprintf("%.4f", f)
	case f < 0.1:
		return fmt.Sprintf("%.3f", f)
	case f < 10:
		return fmt.Sprintf("%.2f", f)
	case f < 100:
		return fmt.Sprintf("%.1f", f)
	}
	return thousands(fmt.Sprintf("%.0f", f))
}

func orNothing(n int) string {
	if n == 0 {
		return ""
	}
	return thousands(fmt.Sprint(n))
}

// thousands puts commas into a number.
func thousands(s string) string {
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
