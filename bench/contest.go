package main

import (
	"slices"
	"time"
)

// A contest is one subject and one operation, and all peers that can do it.
type contest struct {
	subject *subject
	op      string
	entries []*entry
}

// An entry is one peer in a contest.
type entry struct {
	peer  *peer
	run   func(n int)
	n     int     // runs in a slot
	per   int     // values carried in a run
	size  int     // bytes of a value on the wire, on average
	slots []usage // one a round
}

// patience is how long a run may take that is worth more than fewRounds.
const (
	patience  = time.Second
	fewRounds = 3
)

// hold runs every entry once a round, a slot at a time.  Each round begins with another entry, so
// that whatever changes on the machine while it lasts hits all of them alike.
func (c *contest) hold(rounds int, slot time.Duration) {
	for _, e := range c.entries {
		e.n = times(e.run, slot)
	}
	for round := range rounds {
		for i := range c.entries {
			e := c.entries[(i+round)%len(c.entries)]
			if round < fewRounds || !e.slow() {
				e.turn()
			}
		}
	}
}

// turn is one slot.
func (e *entry) turn() {
	u, per := measure(e.run, e.n), float64(e.per)
	e.slots = append(e.slots, usage{u.ns / per, u.allocs / per, u.bytes / per})
}

func (e *entry) slow() bool { return e.slots[0].ns*float64(e.per) > float64(patience) }

func (c *contest) entry(name string) *entry {
	for _, e := range c.entries {
		if e.peer.name == name {
			return e
		}
	}
	return nil
}

// best returns the fastest entry that fits, or nil.
func (c *contest) best(fits func(*peer) bool) *entry {
	var best *entry
	for _, e := range c.entries {
		if fits(e.peer) && (best == nil || e.ns() < best.ns()) {
			best = e
		}
	}
	return best
}

// sorted returns the entries, the fastest first.
func (c *contest) sorted() []*entry {
	list := slices.Clone(c.entries)
	slices.SortStableFunc(list, func(a, b *entry) int { return cmpFloat(a.ns(), b.ns()) })
	return list
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (e *entry) ns() float64     { return e.median(func(u usage) float64 { return u.ns }) }
func (e *entry) allocs() float64 { return e.median(func(u usage) float64 { return u.allocs }) }
func (e *entry) bytes() float64  { return e.median(func(u usage) float64 { return u.bytes }) }

func (e *entry) median(of func(usage) float64) float64 {
	list := make([]float64, len(e.slots))
	for i, u := range e.slots {
		list[i] = of(u)
	}
	return median(list)
}

// over returns the time of e divided by that of other: the median of what it is in each round, for
// within a round the machine is the same for both.
func (e *entry) over(other *entry) float64 {
	list := make([]float64, min(len(e.slots), len(other.slots)))
	for i := range list {
		list[i] = e.slots[i].ns / other.slots[i].ns
	}
	return median(list)
}

func median(list []float64) float64 {
	slices.Sort(list)
	if n := len(list); n%2 == 0 {
		return (list[n/2-1] + list[n/2]) / 2
	}
	return list[len(list)/2]
}
