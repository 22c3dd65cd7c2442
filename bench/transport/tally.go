package main

import (
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// A tally counts what arrives at a process, on one or more connections.
//
// What arrives is counted for the run that was announced last; between runs nothing is under way.
type tally struct {
	size int

	mu     sync.Mutex
	want   uint64 // messages on each inlet
	proof  bool
	inlets []*inlet
	err    error

	open  atomic.Int64 // inlets that have not got all
	ended atomic.Int64 // when the last of them had; of clock
	done  chan struct{}

	bytes atomic.Int64 // that drains have taken
	body  int64        // and are to take
}

// An inlet is where one connection's messages arrive.
type inlet struct {
	tally *tally
	seen  atomic.Uint64
	want  atomic.Uint64
	check atomic.Pointer[checker]
}

func newTally(size int) *tally { return &tally{size: size, done: make(chan struct{})} }

func (t *tally) inlet() *inlet {
	in := &inlet{tally: t}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inlets = append(t.inlets, in)
	in.expect(t.want, t.proof)
	t.open.Add(1)
	return in
}

func (in *inlet) expect(want uint64, proof bool) {
	in.seen.Store(0)
	in.want.Store(want)
	c := newChecker(in.tally.size, proof)
	c.gaps = true // the count tells them
	in.check.Store(c)
}

// expect announces a run of n messages to each inlet, or one of body bytes.
func (t *tally) expect(n uint64, body int64, proof bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.want, t.proof, t.err, t.body = n, proof, nil, body
	t.done = make(chan struct{})
	t.bytes.Store(0)
	t.open.Store(int64(len(t.inlets)))
	for _, in := range t.inlets {
		in.expect(n, proof)
	}
}

// take counts a message, whose bytes remain the caller's.
func (in *inlet) take(msg []byte) {
	if err := in.check.Load().check(msg); err != nil {
		in.tally.fault(err)
	}
	if in.seen.Add(1) == in.want.Load() && in.tally.open.Add(-1) == 0 {
		in.tally.finish()
	}
}

// Write takes a piece of a body.
func (t *tally) Write(p []byte) (int, error) {
	if t.bytes.Add(int64(len(p))) == t.body {
		t.finish()
	}
	return len(p), nil
}

func (t *tally) finish() {
	t.ended.Store(clock())
	close(t.done)
}

// fault remembers the first thing that was wrong.
func (t *tally) fault(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
}

// Where nothing arrives for stalled, the rest is lost.
const (
	glance  = 20 * time.Millisecond
	stalled = 2 * time.Second
)

// await waits until everything has arrived or nothing does any more, and returns how many messages
// arrived in all and when the last one did.
func (t *tally) await() (arrived uint64, ended int64, err error) { return t.awaitFor(stalled) }

func (t *tally) awaitFor(stalled time.Duration) (arrived uint64, ended int64, err error) {
	ended = clock()
	last := t.progress()
	for clock()-ended < int64(stalled) {
		select {
		case <-t.done:
			return t.arrived(), t.ended.Load(), t.firstFault()
		case <-time.After(glance):
		}
		if now := t.progress(); now != last {
			last, ended = now, clock()
		}
	}
	return t.arrived(), ended, t.firstFault()
}

func (t *tally) progress() uint64 { return t.arrived() + uint64(t.bytes.Load()) }

func (t *tally) arrived() (n uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, in := range t.inlets {
		n += in.seen.Load()
	}
	return n
}

func (t *tally) firstFault() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// clock is nanoseconds on a clock that both processes read.
func clock() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err)
	}
	return ts.Nano()
}
