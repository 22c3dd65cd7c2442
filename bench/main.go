// Command bench times petrichor's codec beside its peers on the same content.
//
//	go run -C bench . -short                                fewer and shorter rounds
//	go run -C bench . -workloads A,Frame -rounds 21         some of it, more exactly
//	go run -C bench . -out ../docs/performance.md           all of it; writes the page and its pictures
//
// It takes the processor time of the process and not that of a clock on the wall, in rounds in which
// every peer has its turn, and says the median.  No peer is timed that does not carry the whole
// content; proof.go finds out.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// A plan is what the command line asks for.
type plan struct {
	workloads []string
	ops       []string
	peers     []string
	short     bool
	rounds    int
	slot      time.Duration
	out       string
	args      []string
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string, w io.Writer) error {
	p, err := parseArgs(args)
	if err != nil {
		return err
	}
	r := p.results(w)
	if p.out == "" {
		r.targets(w)
		return nil
	}
	return r.publish(p)
}

// results holds all contests that are asked for, and says on w how they went.
func (p *plan) results(w io.Writer) *results {
	r := new(results)
	for _, load := range workloads {
		if !wanted(p.workloads, load.name) {
			continue
		}
		contests, lost := p.holdAll(load)
		r.contests, r.losses = append(r.contests, contests...), append(r.losses, lost...)
		if p.out != "" {
			fmt.Fprintf(w, "%s %s\n", time.Now().UTC().Format(time.TimeOnly), load.name)
			continue
		}
		for _, c := range contests {
			c.table(w, "###")
		}
	}
	return r
}

func parseArgs(args []string) (*plan, error) {
	p := &plan{args: args}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.BoolVar(&p.short, "short", false, "fewer and shorter rounds, and the largest body for petrichor only")
	loads := flags.String("workloads", "", "only these, with commas between")
	ops := flags.String("ops", "", "only operations that begin so, with commas between")
	names := flags.String("peers", "", "only peers that have this in their name, with commas between")
	flags.IntVar(&p.rounds, "rounds", 11, "how often each peer has its turn")
	flags.DurationVar(&p.slot, "slot", 25*time.Millisecond, "how long one turn is")
	heap := flags.Int("heap", 32, "MiB that the process holds besides")
	flags.StringVar(&p.out, "out", "", "write the page to this file, and its pictures beside it")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	ballast = make([]byte, *heap<<20)
	if p.short {
		p.rounds, p.slot = min(p.rounds, 5), min(p.slot, 5*time.Millisecond)
	}
	p.workloads, p.ops, p.peers = list(*loads), list(*ops), list(*names)
	return p, nil
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}

// wanted reports whether name is asked for; an empty list asks for everything.
func wanted(list []string, name string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) })
}

// holdAll holds the contests of one workload.
func (p *plan) holdAll(load workload) ([]*contest, []loss) {
	if load.contests == nil {
		return p.hold(load.make())
	}
	contests := slices.DeleteFunc(load.contests(), func(c *contest) bool { return !p.wantedOp(c.op) })
	for _, c := range contests {
		c.hold(p.rounds, p.slot)
	}
	return contests, nil
}

// hold holds the contests of one subject.
func (p *plan) hold(s *subject) (contests []*contest, lost []loss) {
	carriers := map[*peer]*carrier{}
	for _, who := range p.wantedPeers() {
		c := who.codec(s)
		if c == nil || p.short && s.name == largest && who.kind != ours && who.kind != floor {
			continue
		}
		if err := prove(s, c); err != nil {
			lost = append(lost, loss{s, who, err})
			continue
		}
		if c.slow {
			lost = append(lost, loss{s, who, errLate})
		}
		carriers[who] = newCarrier(s, c)
	}
	for _, op := range s.ops {
		if !p.wantedOp(op) {
			continue
		}
		c := &contest{subject: s, op: op}
		for _, who := range peers {
			if held := carriers[who]; held != nil {
				c.enter(who, held)
			}
		}
		if len(c.entries) == 0 {
			continue
		}
		c.hold(p.rounds, p.slot)
		contests = append(contests, c)
	}
	return contests, lost
}

// enter adds a peer, if it has the operation.
func (c *contest) enter(who *peer, held *carrier) {
	run := held.operation(c.op)
	if run == nil {
		return
	}
	e := &entry{peer: who, run: run, per: 1, size: held.size()}
	if isStream(c.op) {
		e.per = held.stream
	}
	c.entries = append(c.entries, e)
}

func (p *plan) wantedPeers() []*peer {
	return slices.DeleteFunc(slices.Clone(peers), func(who *peer) bool {
		return len(p.peers) > 0 && !slices.ContainsFunc(p.peers, func(s string) bool { return strings.Contains(who.name, s) })
	})
}

func (p *plan) wantedOp(op string) bool {
	return len(p.ops) == 0 || slices.ContainsFunc(p.ops, func(s string) bool {
		return strings.HasPrefix(strings.ToLower(op), strings.ToLower(s))
	})
}
