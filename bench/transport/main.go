// Command transport times petrichor as a transport beside its peers, on loopback.
//
//	go run -C bench/transport . -short                              every workload for less than three minutes
//	go run -C bench/transport . -workloads ping64,pipe128           some of it
//	go run -C bench/transport . -out ../../docs/transport.md        all of it; writes the page and its pictures
//	go run -C bench/transport -tags libzmq . -short                 with libzmq, which needs Debian's libzmq3-dev
//
// Each contender serves in one process and calls from another.  They have turns of a slot each, in
// rounds; what is said are medians, and ratios within a round.
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
	workloads   []string
	contenders  []string
	short       bool
	rounds      int
	slot        time.Duration
	connections int
	limit       time.Duration // of a workload, after which no further round begins
	out         string
	args        []string
}

func main() {
	err := error(nil)
	if len(os.Args) > 1 && os.Args[1] == roleArg {
		err = playFromArgs(os.Args[2:])
	} else {
		err = run(os.Args[1:], os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "transport:", err)
		os.Exit(1)
	}
}

func run(args []string, w io.Writer) error {
	p, err := parseArgs(args)
	if err != nil {
		return err
	}
	r := new(results)
	for _, work := range workloads {
		if !wanted(p.workloads, work.name) {
			continue
		}
		began := time.Now()
		c := p.hold(work)
		r.contests = append(r.contests, c)
		fmt.Fprintf(w, "\n%s (%.0f s)\n", work.title, time.Since(began).Seconds())
		c.table(w)
		c.absent(w)
	}
	if p.out != "" {
		return r.publish(p)
	}
	r.targets(w)
	return nil
}

func parseArgs(args []string) (*plan, error) {
	p := &plan{args: args}
	flags := flag.NewFlagSet("transport", flag.ContinueOnError)
	flags.BoolVar(&p.short, "short", false, "fewer and shorter rounds, fewer connections")
	loads := flags.String("workloads", "", "only these, with commas between")
	names := flags.String("contenders", "", "only those that have one of these in their name, with commas between")
	flags.IntVar(&p.rounds, "rounds", 9, "how often each contender has its turn")
	flags.DurationVar(&p.slot, "slot", 400*time.Millisecond, "how long one turn is")
	flags.IntVar(&p.connections, "connections", 10_000, "how many are idle")
	profiles := flags.String("profile", "", "have each role write a profile of its processor time into this directory")
	flags.StringVar(&p.out, "out", "", "write the page to this file, and its pictures beside it")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	p.limit = 95 * time.Second
	if *profiles != "" {
		os.Setenv(profileVariable, *profiles)
	}
	if p.short {
		p.rounds, p.slot, p.connections = min(p.rounds, 5), min(p.slot, 50*time.Millisecond), min(p.connections, 2000)
		p.limit = 11 * time.Second
	}
	p.workloads, p.contenders = list(*loads), list(*names)
	return p, nil
}

// roundsOf is fewer where a turn cannot be made short.
func (p *plan) roundsOf(w *workload) int {
	switch {
	case w.shape == idle && p.short:
		return 1
	case w.shape == idle:
		return min(p.rounds, 3)
	case w.shape == body && p.short:
		return min(p.rounds, 3)
	}
	return p.rounds
}

func (p *plan) wants(c *contender) bool {
	return len(p.contenders) == 0 || slices.ContainsFunc(p.contenders, func(s string) bool { return strings.Contains(c.name, s) })
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}

// wanted reports whether name is asked for; an empty list asks for everything.
func wanted(list []string, name string) bool { return len(list) == 0 || slices.Contains(list, name) }
