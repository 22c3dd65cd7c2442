package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// publish writes the page, and the pictures into img/ beside it.
func (r *results) publish(p *plan) error {
	dir := filepath.Join(filepath.Dir(p.out), "img")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var b bytes.Buffer
	r.page(&b, p)
	for _, pic := range pictures {
		svg := r.picture(pic)
		if svg == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, pic.file()), svg, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(p.out, b.Bytes(), 0o644)
}

func (r *results) page(w io.Writer, p *plan) {
	fmt.Fprintf(w, opening, time.Now().UTC().Format(time.DateOnly), machine(), runtime.Version(),
		strings.Join(p.args, " "), p.rounds, p.slot)
	for _, pic := range pictures {
		if r.has(pic) {
			fmt.Fprintf(w, "\n![%s](img/%s)\n", pic.title, pic.file())
		}
	}
	r.summary(w)
	r.winners(w)
	fmt.Fprint(w, targetText)
	r.targets(w)
	fmt.Fprint(w, method)
	r.absent(w)
	r.versions(w)
	fmt.Fprint(w, "\n## All figures\n")
	for _, load := range workloads {
		r.tablesOf(w, load.name)
	}
}

func (r *results) tablesOf(w io.Writer, name string) {
	first := true
	for _, c := range r.contests {
		if c.subject.name != name {
			continue
		}
		if first {
			fmt.Fprintf(w, "\n### %s: %s\n", name, c.subject.about)
			first = false
		}
		c.table(w, "####")
	}
}

// summary is a line for each contest.
func (r *results) summary(w io.Writer) {
	fmt.Fprint(w, summaryText)
	for _, c := range r.contests {
		us := c.entry(namePetrichor)
		best := c.best(isRunTime)
		if us == nil || best == nil {
			continue
		}
		fmt.Fprintf(w, "| %s, %s | %s | %s | %s | %s | %s | %s |\n", c.subject.name, c.op, digits(us.ns()),
			speed(us, c.entry(nameJSON)), speed(us, best), best.peer.name, over(us, c.entry(nameHand)), digits(us.allocs()))
	}
}

// winners are all entries that are faster than ours.
func (r *results) winners(w io.Writer) {
	fmt.Fprint(w, winnersText)
	for _, c := range r.contests {
		us := c.entry(namePetrichor)
		if us == nil {
			continue
		}
		fmt.Fprintf(w, "| %s, %s | %s | %s |\n", c.subject.name, c.op,
			c.faster(us, func(p *peer) bool { return p.kind == runTime }),
			c.faster(us, func(p *peer) bool { return p.kind == generated }))
	}
}

// faster lists the entries that are faster than us, and by how much.
func (c *contest) faster(us *entry, fits func(*peer) bool) string {
	var list []string
	for _, e := range c.sorted() {
		if fits(e.peer) && e.over(us) < 1 {
			list = append(list, fmt.Sprintf("%s %s", e.peer.name, digits(1/e.over(us))))
		}
	}
	return strings.Join(list, ", ")
}

// absent are those that are not timed.
func (r *results) absent(w io.Writer) {
	if len(r.losses) == 0 {
		return
	}
	fmt.Fprint(w, absentText)
	for _, l := range r.losses {
		fmt.Fprintf(w, "| %s | %s | %s |\n", l.subject.name, l.peer.name, strings.ReplaceAll(l.why.Error(), "|", "\\|"))
	}
}

func (r *results) versions(w io.Writer) {
	fmt.Fprint(w, versionsText)
	for _, p := range peers {
		if p.module != "" {
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", p.name, p.kind, p.module, version(p.module), p.note)
		}
	}
}

const opening = `# Performance

*Written by a program; do not edit. It was run on %s on %s with %s:*

    go run -C bench . %s

*%d rounds of %v for each codec. How that is measured stands [below](#how-it-is-measured).*

petrichor's codec works by reflection, in safe Go: no unsafe, no assembly, no generated code; all checks
and limits are on. It is shown beside every codec for Go that is known to be fast, on the same content.
`

const summaryText = `
## In short

Times are nanoseconds of processor time for one value. "× json" is how many times as fast as
encoding/json petrichor is, "× best" the same for the fastest other codec that works at run time, whatever
its means, which is named. "/ hand" is petrichor's time divided by that of code written by hand for
the one type, which knows no limits and makes no promises.

| | ns | × json | × best | which is | / hand | allocations |
|---|---:|---:|---:|---|---:|---:|
`

const winnersText = `
## Where others win

The name is followed by how many times as fast as petrichor it is. An empty cell means nobody is.
A binary form need not print and parse numbers, and generated code need not look at a type while running:
where numbers are most of the content no text can keep up with the first, and the second is out of
reach for small flat structs. What they give up is that a frame can be read and written by eye.

| | at run time | generated |
|---|---|---|
`

const targetText = `
## Targets

What the codec set out to reach, before it was written, and whether this run shows it.
`

const method = `
## How it is measured

- **Processor time of the whole process** (getrusage, user and system), not a clock on the wall. Other
  programs on the machine do not count; the garbage collector's workers do.
- **Rounds.** In each round every codec has one slot; each round begins with another. A ratio is the
  median over the rounds of the ratio within a round, so it can differ a little from the ratio of the
  two medians.
- **The heap** is collected before each slot, outside of the time, with GOGC as it is by default. The
  process holds 32 MiB besides: in an empty one the collector would run for every 4 MiB allocated,
  and its fixed costs would be most of many figures. ` + "`-heap 0`" + ` shows that.
- **The same content.** Before a codec is timed it has to carry the content there and back, whole
  and in pieces, and what has been read must not change with the input. Codecs have the fastest
  settings with which they do.
- **Values** of small types are 1,000 different ones in turn. Unmarshal reads into a zero value.
  Where a codec has no append, an Encoder that has been used before writes to the slice.
- **hand** is the code in [bench/hand](../bench/hand): straight code for each type with the standard
  library's number formatting, no unsafe. It takes keys in any order and skips unknown ones; it
  checks neither duplicates nor depth, and says nothing of where an error is.
- **memcpy** is what copying the bytes takes that petrichor writes: to a new slice for Marshal, to one that
  is reused for append and Unmarshal, from a reader to a new one for Decoder.
- **Documents** are generated by a program, with as many of everything as the originals have.
`

const absentText = `
## Who is not timed, and why

| content | codec | |
|---|---|---|
`

const versionsText = `
## Versions

Generated codecs take part where code has been generated: msgp everywhere but in documents without
types, protobuf in the small types and lists, mus and benc in A and Event.

| | | module | version | |
|---|---|---|---|---|
`
