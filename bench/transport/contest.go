package main

import (
	"fmt"
	"slices"
	"time"
)

// A contest is one workload, and all contenders that can do it.
type contest struct {
	work    *workload
	entries []*entry
	rounds  int // that have been held
}

// An entry is one contender in a contest.
type entry struct {
	who     *contender
	pair    *pair // nil where none has been started, or it has ended
	n       int   // messages sent in a turn
	samples []sample
	err     error // why it is not timed, or not any more
}

// A sample is what one turn came to.
type sample struct {
	rate   float64 // messages a second that arrived or were answered; bytes for a body
	cpu    float64 // microseconds of processor time for one, both processes; for a body, for one MB
	allocs float64 // for one, both processes
	lost   float64 // the part of the messages that did not arrive
	held   float64 // bytes: of the process that serves, for one idle connection; of both, above what they had, for a body
}

// hold proves every contender that can do the workload, and then gives each a turn in each round.  A
// round begins with another contender each time, so that whatever changes on the machine hits all alike.
func (p *plan) hold(w *workload) *contest {
	c := &contest{work: w}
	for _, who := range contenders {
		if w.takes(who) && p.wants(who) {
			c.entries = append(c.entries, &entry{who: who})
		}
	}
	began := time.Now()
	defer c.end()
	for _, e := range c.entries {
		e.err = e.prepare(p, w)
	}
	for c.rounds < p.roundsOf(w) && (c.rounds == 0 || time.Since(began) < p.limit) {
		c.round()
	}
	return c
}

func (c *contest) round() {
	for i := range c.entries {
		e := c.entries[(i+c.rounds)%len(c.entries)]
		if e.err == nil {
			e.err = e.turn(c.work)
		}
	}
	c.rounds++
}

func (c *contest) end() {
	for _, e := range c.entries {
		e.endPair()
	}
}

func (e *entry) endPair() {
	if e.pair != nil {
		e.pair.end()
		e.pair = nil
	}
}

// prepare starts the two processes, proves that they carry everything, and finds out how many
// messages fill a slot.
func (e *entry) prepare(p *plan, w *workload) (err error) {
	if w.shape == idle {
		e.n = p.connections
		return e.proveAlone(w)
	}
	if e.pair, err = startPair(e.who, w); err != nil {
		return err
	}
	if err := e.prove(w); err != nil {
		return err
	}
	return e.calibrate(p, w)
}

// settling is how long subscriptions have to reach a publisher that does not say when they have.
const settling = 300 * time.Millisecond

// prove has a few messages carried, all of their bytes compared.
func (e *entry) prove(w *workload) error {
	if w.shape == fanOut {
		time.Sleep(settling)
	}
	got, _, err := e.exchange(w, order{Do: doReady, N: w.proofs(), Proof: true})
	if err == nil && got.lost > 0 {
		err = fmt.Errorf("lost %.2g of the messages", got.lost)
	}
	return err
}

// proveAlone does it with processes that are ended after it.
func (e *entry) proveAlone(w *workload) (err error) {
	if e.pair, err = startPair(e.who, w); err != nil {
		return err
	}
	defer e.endPair()
	return e.prove(w)
}

// proofs is how many messages prove a contender.
func (w *workload) proofs() int {
	switch {
	case w.shape == body:
		return 1
	case w.size >= 64<<10:
		return 40
	case w.shape == idle:
		return 40
	}
	return 2000
}

// calibrate doubles the number of messages until they take about a slot.
func (e *entry) calibrate(p *plan, w *workload) error {
	if w.shape == body {
		e.n = 1
		return nil
	}
	for n := w.proofs(); ; n *= 4 {
		_, took, err := e.exchange(w, order{Do: doReady, N: n})
		if err != nil {
			return err
		}
		if took > p.slot/6 {
			e.n = max(w.many, 16, int(float64(n)*float64(p.slot)/float64(took)))
			return nil
		}
	}
}

// turn is one slot.
func (e *entry) turn(w *workload) (err error) {
	if w.shape == idle {
		return e.turnIdle(w)
	}
	got, _, err := e.exchange(w, order{Do: doReady, N: e.n})
	if err != nil {
		return err
	}
	e.samples = append(e.samples, got)
	return nil
}

// exchange has both processes make ready, and the one whose part it is send so many messages.
func (e *entry) exchange(w *workload, o order) (s sample, took time.Duration, err error) {
	serve, call := e.pair.serve, e.pair.call
	o.N = w.share(o.N)
	idleServe, err := serve.ask(o)
	if err != nil {
		return s, 0, err
	}
	idleCall, err := call.ask(o)
	if err != nil {
		return s, 0, err
	}
	from := call
	if w.shape == fanOut {
		from = serve
	}
	ran, err := from.ask(order{Do: doRun, N: w.whole(o.N), Proof: o.Proof})
	if err != nil {
		return s, 0, err
	}
	atServe, err := serve.ask(order{Do: doSettle})
	if err != nil {
		return s, 0, err
	}
	atCall, err := call.ask(order{Do: doSettle})
	if err != nil {
		return s, 0, err
	}
	end := max(ran.End, atServe.End, atCall.End)
	s = w.sampleOf(o.N, atServe.Arrived+atCall.Arrived, time.Duration(end-ran.Start), atServe.Used.plus(atCall.Used))
	if w.shape == body {
		s.held = float64(atServe.Peak - idleServe.Resident + atCall.Peak - idleCall.Resident)
	}
	return s, time.Duration(end - ran.Start), nil
}

// whole is how many messages n for each caller are.
func (w *workload) whole(n int) int {
	if w.shape == clients || w.shape == sharing {
		return n * w.many
	}
	return n
}

// sampleOf divides what was used by what was carried.
func (w *workload) sampleOf(n int, arrived uint64, took time.Duration, u used) sample {
	sent := w.whole(n)
	got := float64(sent)
	if w.shape == fanOut {
		sent *= w.many
	}
	if w.shape == fanOut || w.shape == oneWay {
		got = float64(arrived)
	}
	s := sample{lost: 1 - got/float64(sent)}
	if w.shape == fanOut || w.shape == oneWay || w.shape != body {
		s.rate, s.cpu, s.allocs = got/took.Seconds(), float64(u.CPU)/1e3/got, float64(u.Allocs)/got
		return s
	}
	size := float64(w.size) * float64(n)
	return sample{rate: size / took.Seconds(), cpu: float64(u.CPU) / 1e3 / (size / 1e6), allocs: float64(u.Allocs) / got}
}

// turnIdle opens the connections to a process that has none, and closes them with the processes.
func (e *entry) turnIdle(w *workload) (err error) {
	if e.pair, err = startPair(e.who, w); err != nil {
		return err
	}
	defer e.endPair()
	if _, _, err := e.exchange(w, order{Do: doReady, N: dialers}); err != nil { // the first are slower
		return err
	}
	before, err := e.pair.serve.ask(order{Do: doRest})
	if err != nil {
		return err
	}
	s, _, err := e.exchange(w, order{Do: doReady, N: e.n})
	if err != nil {
		return err
	}
	after, err := e.pair.serve.ask(order{Do: doRest})
	if err != nil {
		return err
	}
	s.held = float64(after.Resident-before.Resident) / float64(e.n)
	e.samples = append(e.samples, s)
	return nil
}

func (c *contest) entry(name string) *entry {
	for _, e := range c.entries {
		if e.who.name == name && len(e.samples) > 0 {
			return e
		}
	}
	return nil
}

// sorted returns the entries that were timed, the fastest first.
func (c *contest) sorted() []*entry {
	list := slices.DeleteFunc(slices.Clone(c.entries), func(e *entry) bool { return len(e.samples) == 0 })
	slices.SortStableFunc(list, func(a, b *entry) int {
		if a.rate() > b.rate() {
			return -1
		}
		return 1
	})
	return list
}

func (e *entry) rate() float64   { return e.median(func(s sample) float64 { return s.rate }) }
func (e *entry) cpu() float64    { return e.median(func(s sample) float64 { return s.cpu }) }
func (e *entry) allocs() float64 { return e.median(func(s sample) float64 { return s.allocs }) }
func (e *entry) held() float64   { return e.median(func(s sample) float64 { return s.held }) }

// lost is the worst of all turns.
func (e *entry) lost() (worst float64) {
	for _, s := range e.samples {
		worst = max(worst, s.lost)
	}
	return worst
}

func (e *entry) median(of func(sample) float64) float64 {
	list := make([]float64, len(e.samples))
	for i, s := range e.samples {
		list[i] = of(s)
	}
	return median(list)
}

// over is the median of what e has divided by what other has in the same round: within a round the
// machine is the same for both.
func (e *entry) over(other *entry, of func(sample) float64) float64 {
	list := make([]float64, min(len(e.samples), len(other.samples)))
	for i := range list {
		list[i] = of(e.samples[i]) / of(other.samples[i])
	}
	return median(list)
}

func rateOf(s sample) float64 { return s.rate }
func cpuOf(s sample) float64  { return s.cpu }

func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	if n := len(list); n%2 == 0 {
		return (list[n/2-1] + list[n/2]) / 2
	}
	return list[len(list)/2]
}
