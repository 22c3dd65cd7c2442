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
		p.command(), p.rounds, p.slot)
	for _, pic := range pictures {
		if r.has(pic) {
			fmt.Fprintf(w, "\n![%s](img/%s)\n", pic.title, pic.file())
		}
	}
	r.summary(w)
	fmt.Fprint(w, targetText)
	r.targets(w)
	fmt.Fprint(w, method)
	r.versions(w)
	r.absent(w)
	fmt.Fprint(w, tablesText)
	for _, c := range r.contests {
		fmt.Fprintf(w, "\n### %s\n", c.work.heading())
		c.table(w)
	}
}

// command is how this program was called.
func (p *plan) command() string {
	tags := ""
	if contenderNamed(nameLibzmq) != nil {
		tags = " -tags libzmq"
	}
	return "go run -C bench/transport" + tags + " . " + strings.Join(p.args, " ")
}

// heading is the title with what else matters.
func (w *workload) heading() string {
	title := strings.ToUpper(w.title[:1]) + w.title[1:]
	if w.pinned {
		return title + ", both processes on one processor"
	}
	return title
}

// summary has a line for each contest: ours, and its ratio to each of the others.
func (r *results) summary(w io.Writer) {
	others := []string{nameRaw, nameRPC, nameHTTP, nameGRPC, nameDRPC, nameNATS, nameZMQ4, nameLibzmq}
	fmt.Fprint(w, summaryText)
	fmt.Fprintf(w, "| | | a second | µs | µs / raw | %s |\n|---|---|---:|---:|---:|%s\n", "× "+strings.Join(others, " | × "),
		strings.Repeat("---:|", len(others)))
	for _, c := range r.contests {
		for _, e := range c.sorted() {
			if e.who.kind != ours {
				continue
			}
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s |", c.work.title, e.who.name, c.work.rate(e), digits(e.cpu()),
				over(e, c.entry(nameRaw), cpuOf))
			for _, name := range others {
				fmt.Fprintf(w, " %s |", over(e, c.entry(name), rateOf))
			}
			fmt.Fprintln(w)
		}
	}
}

func (w *workload) rate(e *entry) string {
	if w.shape == body {
		return digits(e.rate()/1e6) + " MB"
	}
	return digits(e.rate())
}

// absent are those that were not timed, or that lost something.
func (r *results) absent(w io.Writer) {
	var b bytes.Buffer
	for _, c := range r.contests {
		for _, e := range c.entries {
			if why := e.failing(); why != "" {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", c.work.title, e.who.name, strings.ReplaceAll(why, "|", "\\|"))
			}
		}
	}
	if b.Len() > 0 {
		fmt.Fprint(w, absentText)
		b.WriteTo(w)
	}
}

func (e *entry) failing() string {
	if e.err != nil {
		return oneLine(e.err)
	}
	if e.lost() > 0 {
		return "lost " + percent(e.lost()) + " of its messages in its worst turn"
	}
	return ""
}

func (r *results) versions(w io.Writer) {
	fmt.Fprint(w, versionsText)
	for _, c := range contenders {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", c.name, c.module, version(c.module), c.note)
	}
}

const opening = `# Transport

*Written by a program; do not edit. It was run on %s on %s with %s:*

    %s

*Up to %d rounds of %v for each contender. How that is measured stands [below](#how-it-is-measured).*

petrichor as a transport, beside what Go programs speak to one another with, on loopback. All its
limits are on. Raw Go sockets, which have none and send a size and bytes, are the floor.
`

const summaryText = `
## In short

"A second" is messages answered or arrived (connections, megabytes); "µs" is processor time of both
processes for one (for a megabyte of the streamed body), and "µs / raw" how many times that of raw
sockets: what else runs on the machine changes it least. "×" is how many times as much as another
carries: the median over the rounds of the ratio within a round. An empty cell is a peer that cannot
do it, or was not built in.

`

const targetText = `
## Targets

What the transport set out to reach, before it was written, and whether this run shows it.
`

const method = `
## How it is measured

- **Two processes.** Each contender serves in one process and calls from another, both this program
  again. Where it says so both are on one processor, as from taskset: with two, waking an idle virtual
  processor costs more than any protocol. Throughput one way, fan-out, the body and the idle
  connections are free to use what there is.
- **Rounds.** In each round every contender has one slot; each round begins with another. A ratio is
  the median over the rounds of the ratio within a round, so it can differ from the ratio of the two
  medians.
- **Processor time** is getrusage of both processes, user and system, all threads; allocations are
  those of Go's heap in both. What other programs on the machine do changes rates more than it does
  processor time.
- **First it has to be right.** Before a contender is timed its messages are compared byte for byte;
  while it is timed each carries a number, and all are counted. One that loses or corrupts is said to.
- **The heap** is collected before each slot, outside of the time. Each process holds 32 MiB besides:
  in an empty one the collector would run for every 4 MiB allocated.
- **Headers.** petrichor's frames have the header {"op": "echo"}, and an id where callers share a
  client. gRPC, HTTP, drpc and NATS send what they call a method, a path or a subject.
- **Memory of idle connections** is resident memory of the process that serves, after a collection,
  less what it was before, each connection having made one request. It is none of the kernel's.
- **libzmq** takes part where the program is built with -tags libzmq, which needs cgo, a C compiler and
  Debian's libzmq3-dev.
`

const versionsText = `
## Contenders

Each in the fastest way its documentation has.

| | module | version | how |
|---|---|---|---|
`

const absentText = `
## Who failed

| | | |
|---|---|---|
`

const tablesText = `
## All figures

"/ raw" is the ratio to raw sockets within a round.
`
