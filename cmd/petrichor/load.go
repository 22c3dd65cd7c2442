package main

// A load is requests put on a server, and what comes of them.
//
// Each connection is a lane.  A request leaves with an id of its own and is in flight until a reply
// with that id, or with none, takes it out; at most window of them are in flight on a lane.
//
// In a closed loop a request leaves when a reply has made room for it.  A server that pauses is
// asked less while it does, so the latencies leave out what the requests would have suffered that
// were not sent: coordinated omission.  In an open loop requests are due at fixed times whatever
// the server does, and a latency counts from when the request was due, not from when it could be
// sent, so nothing is left out.

import (
	"cmp"
	"context"
	"math"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

type load struct {
	connect  func() (net.Conn, error)
	ident    []byte // the first frame
	request  *stencil
	options  []petrichor.Option
	conns    int
	window   int           // requests in flight on a lane, at most
	rate     float64       // requests due in a second; 0 is a closed loop
	count    int64         // requests in all, warm-up apart; 0 is no limit
	duration time.Duration // of sending, warm-up apart; 0 is no limit
	warmup   time.Duration // what is due before it has passed is not recorded
	timeout  time.Duration // for a reply; 0 is for ever
	pauser   func() (pause func(time.Duration), release func())

	start   time.Time
	end     atomic.Int64 // the time since start at which sending ends
	unsent  atomic.Int64 // closed loop: requests still to be sent
	lanes   []*lane
	tallies []*tally
	running sync.WaitGroup
}

// greeters is how many lanes exchange first frames at the same time.
const greeters = 32

// prepare makes the tallies, which can be read from then on.
func (l *load) prepare() {
	l.tallies = make([]*tally, min(runtime.GOMAXPROCS(0), l.conns))
	for i := range l.tallies {
		l.tallies[i] = newTally(l.rate > 0)
	}
}

// now is the time since the start.
func (l *load) now() time.Duration { return time.Since(l.start) }

// run puts the load, which has been prepared, on the server and returns what came of it.  When ctx
// is done nothing more is sent; replies are still waited for.  The error is that of a load that
// could not begin.
func (l *load) run(ctx context.Context) (*result, error) {
	if err := l.meet(); err != nil {
		return nil, err
	}
	l.begin()
	defer context.AfterFunc(ctx, l.stop)()
	for _, lane := range l.lanes {
		lane.begin()
	}
	if l.rate > 0 {
		l.running.Go(l.pace)
	}
	over := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { l.watch(over) })
	l.running.Wait()
	close(over)
	watch.Wait()
	return l.result(), nil
}

// meet connects all lanes and exchanges first frames.  A lane that does not come about is counted;
// the first reason is the error when none does.
func (l *load) meet() error {
	met := make([]*lane, l.conns)
	failed := make([]error, l.conns)
	slots := make(chan struct{}, greeters)
	var all sync.WaitGroup
	for i := range l.conns {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			met[i], failed[i] = l.meetOne(i)
		})
	}
	all.Wait()
	for i, lane := range met {
		if failed[i] != nil {
			l.tallies[0].fault(failed[i])
			continue
		}
		lane.nth = len(l.lanes)
		l.lanes = append(l.lanes, lane)
	}
	if len(l.lanes) == 0 {
		return cmp.Or(failed...)
	}
	return nil
}

func (l *load) meetOne(i int) (*lane, error) {
	stream, err := l.connect()
	if err != nil {
		return nil, err
	}
	n := newLane(l, stream, l.tallies[i%len(l.tallies)])
	if err := n.greet(); err != nil {
		stream.Close()
		return nil, err
	}
	return n, nil
}

// begin starts the clock.
func (l *load) begin() {
	l.end.Store(math.MaxInt64)
	if l.duration > 0 {
		l.end.Store(int64(l.warmup + l.duration))
	}
	l.unsent.Store(math.MaxInt64)
	if l.count > 0 {
		l.unsent.Store(l.count)
	}
	l.start = time.Now()
}

// stop ends the sending.
func (l *load) stop() {
	l.end.Store(min(l.end.Load(), int64(l.now())))
	l.pokeAll()
}

func (l *load) pokeAll() {
	for _, lane := range l.lanes {
		lane.poke()
	}
}

// due is when the i-th request of an open loop is.
func (l *load) due(i int64) time.Duration {
	return time.Duration(float64(i) / l.rate * float64(time.Second))
}

// total is how many requests an open loop has in all.
func (l *load) total() int64 {
	total := int64(math.MaxInt64)
	if l.count > 0 {
		total = l.count + int64(math.Ceil(l.warmup.Seconds()*l.rate))
	}
	if end := l.end.Load(); end < math.MaxInt64 {
		total = min(total, int64(math.Ceil(time.Duration(end).Seconds()*l.rate)))
	}
	return total
}

// pace wakes the lane whose turn it is whenever a request is due, and all of them after the last.
func (l *load) pace() {
	pause, release := l.pauser()
	defer release()
	for i := int64(0); i < l.total(); i++ {
		for wait := l.due(i) - l.now(); wait > 0 && i < l.total(); wait = l.due(i) - l.now() {
			pause(min(wait, 50*time.Millisecond))
		}
		l.lanes[i%int64(len(l.lanes))].poke()
	}
	l.pokeAll()
}

// watch ends lanes whose oldest request has waited too long.
func (l *load) watch(over chan struct{}) {
	if l.timeout <= 0 {
		return
	}
	tick := time.NewTicker(min(l.timeout/4+1, 100*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
			l.expire()
		}
	}
}

func (l *load) expire() {
	for _, lane := range l.lanes {
		lane.expire()
	}
}
