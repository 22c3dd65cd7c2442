package main

import (
	"fmt"
	"io"
	"strings"
)

// results are all contests of a run.
type results struct{ contests []*contest }

func (r *results) contest(name string) *contest {
	for _, c := range r.contests {
		if c.work.name == name {
			return c
		}
	}
	return nil
}

// table writes one contest as a table.
func (c *contest) table(w io.Writer) {
	raw := c.entry(c.work.floor())
	fmt.Fprintf(w, "\nRounds: %d.\n\n| | %s | / raw | CPU µs%s | CPU / raw | allocs | lost |%s\n", c.rounds, c.work.unit(), c.work.per(), c.work.heldHeading())
	fmt.Fprintf(w, "|---|---:|---:|---:|---:|---:|---:|%s\n", c.work.heldRule())
	for _, e := range c.sorted() {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s |%s\n", e.who.label(), digits(c.work.shown(e.rate())),
			over(e, raw, rateOf), digits(e.cpu()), over(e, raw, cpuOf), digits(e.allocs()), percent(e.lost()), c.work.heldCell(e))
	}
}

// absent writes who was not timed.
func (c *contest) absent(w io.Writer) {
	for _, e := range c.entries {
		if e.err != nil {
			fmt.Fprintf(w, "\n%s: %s\n", e.who.name, oneLine(e.err))
		}
	}
}

// oneLine is the first of those that an error has.
func oneLine(err error) string {
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

// floor is who everything is divided by.
func (w *workload) floor() string { return nameRaw }

func (w *workload) unit() string {
	switch w.shape {
	case body:
		return "MB/s"
	case idle:
		return "connections/s"
	}
	return "messages/s"
}

func (w *workload) shown(rate float64) float64 {
	if w.shape == body {
		return rate / 1e6
	}
	return rate
}

func (w *workload) per() string {
	if w.shape == body {
		return " per MB"
	}
	return ""
}

func (w *workload) heldHeading() string {
	switch w.shape {
	case body:
		return " memory, MiB |"
	case idle:
		return " server memory, KiB |"
	}
	return ""
}

func (w *workload) heldRule() string {
	if w.heldHeading() == "" {
		return ""
	}
	return "---:|"
}

func (w *workload) heldCell(e *entry) string {
	switch w.shape {
	case body:
		return " " + digits(e.held()/mib) + " |"
	case idle:
		return " " + digits(e.held()/1024) + " |"
	}
	return ""
}

// label is the name as it stands in tables.
func (c *contender) label() string {
	if c.kind == ours {
		return "**" + c.name + "**"
	}
	return c.name
}

func over(e, other *entry, of func(sample) float64) string {
	if other == nil {
		return ""
	}
	return digits(e.over(other, of))
}

func percent(part float64) string {
	if part == 0 {
		return "0"
	}
	return digits(part*100) + " %"
}

// digits writes a figure with no more digits than mean something.
func digits(f float64) string {
	switch {
	case f < 0:
		return "-" + digits(-f)
	case f < 0.005:
		return "0"
	case f < 10:
		return fmt.Sprintf("%.2f", f)
	case f < 100:
		return fmt.Sprintf("%.1f", f)
	}
	return thousands(fmt.Sprintf("%.0f", f))
}

// thousands puts commas into a number.
func thousands(s string) string {
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
