package main

import (
	"fmt"
	"io"
)

// A claim is a line of what was asked for: what has to hold of ours in a contest.
type claim struct {
	workload string
	what     string
	check    func(c *contest) (got float64, ok bool)
	want     float64
	most     bool // want is the most there may be, not the least
	slack    float64
}

var claims = []claim{
	overRaw("ping64", nameConn, 0.95),
	overRaw("ping1k", nameConn, 0.95),
	overRaw("ping64", nameService, 0.88),
	overRaw("ping1k", nameService, 0.88),
	allocations("ping64", nameConn, 0),
	ahead("ping64", nameConn, nameGRPC, 3.7),
	ahead("ping64", nameConn, nameLibzmq, 2.8),
	ahead("ping64", nameConn, nameHTTP, 2.7),
	ahead("ping64", nameConn, nameRPC, 1.5),

	overRaw("clients64", nameConn, 0.92),
	ahead("clients64", nameConn, nameGRPC, 7.5),
	ahead("clients64", nameConn, nameLibzmq, 5),
	ahead("clients64", nameConn, nameRPC, 2),

	overRaw("pipe128", nameConn, 0.70),
	allocations("pipe128", nameConn, 0),
	ahead("pipe128", nameConn, nameLibzmq, 18),
	ahead("pipe128", nameConn, nameGRPC, 13),
	ahead("pipe128", nameConn, nameNATS, 10),

	allocations("shared128", nameService, 1),
	allocations("shared128", nameHandlers, 3),
	ahead("shared128", nameService, nameGRPC, 10),
	ahead("shared128", nameService, nameRPC, 3),

	overRaw("oneway64", nameConn, 0.90),
	ahead("oneway64", nameConn, nameLibzmq, 10),
	ahead("oneway64", nameConn, nameNATS, 11),
	ahead("oneway64", nameConn, nameGRPC, 22),

	overRaw("oneway1m", nameConn, 0.94),
	ahead("oneway1m", nameConn, nameLibzmq, 2.8),
	ahead("oneway1m", nameConn, nameGRPC, 4.5),

	overRaw("fanout16", nameConn, 0.70),
	lost("fanout16", nameConn),
	ahead("fanout16", nameConn, nameNATS, 7),
	ahead("fanout16", nameConn, nameLibzmq, 7),

	memory("idle", nameService, 6.5, 1024, "KiB for each connection in the process that serves"),
	overRaw("idle", nameService, 0.85),
	ahead("idle", nameService, nameGRPC, 5),

	overRaw("tlsping64", nameConn, 0.97),
	ahead("tlsping64", nameConn, nameGRPC, 3.5),
	overRaw("tls1m", nameConn, 0.92),

	overRaw("body900m", nameConn, 0.85),
	memory("body900m", nameConn, 2, mib, "MiB of memory"),

	processor("ping64", nameService, nameConn, 1.15),
	processor("clients64", nameService, nameConn, 1.15),
}

func overRaw(workload, ours string, least float64) claim {
	c := ahead(workload, ours, nameRaw, least)
	c.what = fmt.Sprintf("%s ≥ %v × raw", ours, least)
	return c
}

// ahead claims that ours carries at least so many times as much as another.
func ahead(workload, ours, other string, least float64) claim {
	what := fmt.Sprintf("%s ≥ %v × %s", ours, least, other)
	check := func(c *contest) (float64, bool) { return c.ratio(ours, other, rateOf) }
	return claim{workload: workload, what: what, check: check, want: least}
}

// processor claims that ours takes at most so many times the processor time of another.
func processor(workload, ours, other string, most float64) claim {
	what := fmt.Sprintf("%s ≤ %v × the processor time of %s", ours, most, other)
	check := func(c *contest) (float64, bool) { return c.ratio(ours, other, cpuOf) }
	return claim{workload: workload, what: what, check: check, want: most, most: true}
}

func (c *contest) ratio(ours, other string, of func(sample) float64) (float64, bool) {
	a, b := c.entry(ours), c.entry(other)
	if a == nil || b == nil {
		return 0, false
	}
	return a.over(b, of), true
}

func allocations(workload, ours string, most float64) claim {
	c := ofOurs(workload, ours, fmt.Sprintf("≤ %v allocations", most), most, (*entry).allocs)
	c.slack = almost
	return c
}

func memory(workload, ours string, most, unit float64, what string) claim {
	return ofOurs(workload, ours, fmt.Sprintf("≤ %v %s", most, what), most, func(e *entry) float64 { return e.held() / unit })
}

func lost(workload, ours string) claim {
	return ofOurs(workload, ours, "loses nothing", 0, (*entry).lost)
}

func ofOurs(workload, ours, what string, most float64, of func(*entry) float64) claim {
	check := func(c *contest) (float64, bool) {
		e := c.entry(ours)
		if e == nil {
			return 0, false
		}
		return of(e), true
	}
	return claim{workload: workload, what: ours + " " + what, check: check, want: most, most: true}
}

// almost is what a turn's own allocations come to for one message: those of its orders and reports,
// which a slow workload has few messages to spread over.
const almost = 0.1

func (c claim) met(got float64) bool {
	if c.most {
		return got <= c.want+c.slack
	}
	return got >= c.want
}

// targets writes what was asked for, and whether this run has it.
func (r *results) targets(w io.Writer) {
	met, all := 0, 0
	fmt.Fprint(w, "\n| | target | this run | |\n|---|---|---:|---|\n")
	for _, claim := range claims {
		c := r.contest(claim.workload)
		if c == nil {
			continue
		}
		got, ok := claim.check(c)
		if !ok {
			continue
		}
		word := "**not met**"
		if claim.met(got) {
			met, word = met+1, "met"
		}
		all++
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", c.work.title, claim.what, digits(got), word)
	}
	fmt.Fprintf(w, "\n%d of %d met.\n", met, all)
}
