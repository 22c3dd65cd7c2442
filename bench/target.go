package main

import "fmt"

// A target is one line of what was asked for: an operation on a subject, and what has to hold of it.
type target struct {
	subject string
	op      string
	claims  []claim
}

// A claim says of ours in a contest what there is and whether that is enough.
type claim struct {
	what  string // such as "time <= 0.78 x hand"
	check func(r *results, c *contest) (got float64, ok bool)
	want  float64
	most  bool // want is the most there may be, not the least
}

// level is how much slower may be and still be level.
const level = 0.95

var targets = []target{
	{"A", opMarshal, []claim{overHand(0.78), ahead(nameGoccy, 1.2), ahead(nameJSON, 2.7)}},
	{"A", opAppend, []claim{overHand(0.65), aheadOfBest(1.4), ahead(nameCBOR, 2.9), allocations(0)}},
	{"A", opUnmarshal, []claim{overHand(0.80), ahead(nameGoccy, 1.55), ahead(nameCBOR, 3.5), ahead(nameJSON, 9)}},
	{"Frame", opMarshal, []claim{overHand(1.00), aheadOfBest(1)}},
	{"Frame", opAppend, []claim{overHand(1.10), aheadOfBest(2)}},
	{"Frame", opUnmarshal, []claim{overHand(1.10), aheadOfBest(1.15), ahead(nameJSON, 8.8)}},
	{"FrameMap", opUnmarshal, []claim{overHand(0.95), aheadOfBest(1.25)}},
	{"Event", opMarshal, []claim{overHand(0.95), ahead(nameGoccy, 1.05)}},
	{"stream", opEncode, []claim{overHand(1.10), aheadOfBest(1), ahead(nameMsgp, level)}},
	{"stream", opDecode, []claim{
		overHand(1.15), ahead(nameMsgp, 1.35), aheadOfBest(1.9), ahead(nameJSON, 7.5), allocations(0.01),
	}},
	{"Ints", opMarshal, []claim{ahead(nameJSON, 2.2), ahead(nameCBOR, 1)}},
	{"Ints", opUnmarshal, []claim{ahead(nameJSON, 8), ahead(nameCBOR, 2)}},
	{"Floats", opMarshal, []claim{ahead(nameJSON, 1.8)}},
	{"Floats", opUnmarshal, []claim{ahead(nameJSON, 6), aheadOfText(1.5)}},
	{"canada", opMarshal, []claim{ahead(nameJSON, 1.8)}},
	{"canada", opUnmarshal, []claim{ahead(nameJSON, 6), aheadOfText(1.5)}},
	{"Strings", opMarshal, []claim{ahead(nameJSON, 1.9)}},
	{"Strings", opUnmarshal, []claim{aheadOfBest(1), ahead(nameMsgp, 1)}},
	{"Map", opMarshal, []claim{ahead(nameJSON, 2.5)}},
	{"Map", opUnmarshal, []claim{aheadOfBest(1), ahead(nameMsgp, 1)}},
	{"twitter", opMarshal, []claim{ahead(nameJSON, 2.4), ahead(nameSonic, 1)}},
	{"twitter", opUnmarshal, []claim{aheadOfBest(1.6), ahead(nameMsgp, 0.9)}},
	{"citm", opMarshal, []claim{ahead(nameJSON, 2.2), ahead(nameGoccy, 1), ahead(nameSonic, 1)}},
	{"citm", opUnmarshal, []claim{aheadOfBest(1.3)}},
	{"canada any", opUnmarshal, []claim{aheadOfText(1.2)}},
	{"citm any", opUnmarshal, []claim{aheadOfText(1.2)}},
	{"twitter any", opUnmarshal, []claim{aheadOfText(1.2)}},
	{largest, opEncode, []claim{microseconds(100), allocated(0)}},
	{largest, opDecode, []claim{overCopy(1.15)}},
	{largest, opPieces, []claim{overCopy(1.15)}},
	{largest, opDrain, []claim{allocated(64 << 10)}},
	{"canada", opPieces, []claim{overUnmarshal(1.25)}},
	{"citm", opPieces, []claim{overUnmarshal(1.25)}},
	{"twitter", opPieces, []claim{overUnmarshal(1.25)}},
	{"frame path", opCut, []claim{overHand(2), allocations(0)}},
	{"frame path", opReadFrame, []claim{allocations(0)}},
	{"frame path", opNext, []claim{allocations(0)}},
	{"frame path", opWrite, []claim{allocations(0)}},
	{"flows", opHost, []claim{gigabytes(3)}},
	{"flows", opAll, []claim{gigabytes(0.4)}},
}

// ours is the entry a claim is about.  Frames go through the calls for frames where bodies are large.
func (c *contest) ours() *entry {
	if c.subject.name == largest {
		return c.entry(nameFrames)
	}
	return c.entry(namePetrichor)
}

func overHand(most float64) claim { return overPeer("hand", nameHand, most) }

func overCopy(most float64) claim { return overPeer("allocate and copy", nameMemcpy, most) }

// overPeer claims that ours takes at most so many times as long as another.
func overPeer(what, name string, most float64) claim {
	return claim{fmt.Sprintf("time ≤ %.2f × %s", most, what), func(_ *results, c *contest) (float64, bool) {
		return ratio(c.ours(), c.entry(name), false)
	}, most, true}
}

// ahead claims that ours is at least so many times as fast as another.
func ahead(name string, least float64) claim {
	return claim{fmt.Sprintf("≥ %v × %s", least, name), func(_ *results, c *contest) (float64, bool) {
		return ratio(c.ours(), c.entry(name), true)
	}, least, false}
}

func aheadOfBest(least float64) claim {
	return aheadOf("the best peer", isRunTime, least)
}

func aheadOfText(least float64) claim {
	return aheadOf("the best text peer", func(p *peer) bool { return isRunTime(p) && p.text }, least)
}

func isRunTime(p *peer) bool { return p.kind == runTime }

func aheadOf(what string, fits func(*peer) bool, least float64) claim {
	return claim{fmt.Sprintf("≥ %v × %s", least, what), func(_ *results, c *contest) (float64, bool) {
		return ratio(c.ours(), c.best(fits), true)
	}, least, false}
}

func ratio(a, b *entry, speed bool) (float64, bool) {
	if a == nil || b == nil {
		return 0, false
	}
	if speed {
		return 1 / a.over(b), true
	}
	return a.over(b), true
}

// overUnmarshal compares with another contest, so the medians have to do.
func overUnmarshal(most float64) claim {
	return claim{fmt.Sprintf("time ≤ %.2f × Unmarshal", most), func(r *results, c *contest) (float64, bool) {
		other := r.contest(c.subject.name, opUnmarshal)
		if other == nil || c.ours() == nil || other.ours() == nil {
			return 0, false
		}
		return c.ours().ns() / other.ours().ns(), true
	}, most, true}
}

func allocations(most float64) claim {
	return ofOurs(fmt.Sprintf("≤ %v allocations", most), most, func(e *entry) float64 { return e.allocs() })
}

func allocated(most float64) claim {
	return ofOurs(fmt.Sprintf("≤ %v B allocated", most), most, func(e *entry) float64 { return e.bytes() })
}

func microseconds(most float64) claim {
	return ofOurs(fmt.Sprintf("≤ %v µs", most), most, func(e *entry) float64 { return e.ns() / 1000 })
}

func ofOurs(what string, most float64, of func(*entry) float64) claim {
	return claim{what, func(_ *results, c *contest) (float64, bool) {
		if c.ours() == nil {
			return 0, false
		}
		return of(c.ours()), true
	}, most, true}
}

func gigabytes(least float64) claim {
	return claim{fmt.Sprintf("≥ %v GB/s", least), func(_ *results, c *contest) (float64, bool) {
		e := c.ours()
		return float64(e.size) / e.ns(), true
	}, least, false}
}

// A verdict is what became of a claim in a run.
type verdict struct {
	target target
	claim  claim
	got    float64
	met    bool
}

// almostNone is what one slot's own allocations may come to where there are to be none.
const almostNone = 0.005

func (r *results) verdicts() []verdict {
	var list []verdict
	for _, t := range targets {
		c := r.contest(t.subject, t.op)
		if c == nil {
			continue
		}
		for _, claim := range t.claims {
			if got, ok := claim.check(r, c); ok {
				list = append(list, verdict{t, claim, got, claim.met(got)})
			}
		}
	}
	return list
}

func (c claim) met(got float64) bool {
	if c.most {
		return got <= c.want || c.want == 0 && got < almostNone
	}
	return got >= c.want
}
