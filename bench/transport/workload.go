package main

import (
	"errors"
	"io"
	"sync"
)

// A workload is what is timed: so many messages of a size, in some shape.
type workload struct {
	name   string
	title  string
	shape  shape
	size   int  // of a message
	many   int  // outstanding, callers, subscribers or connections
	tls    bool // TLS 1.3
	pinned bool // both processes on one processor
}

// A shape is who sends what to whom.
type shape string

const (
	roundTrip shape = "round trip" // one request outstanding
	pipelined shape = "pipelined"  // many on one connection, from one goroutine
	sharing   shape = "shared"     // many goroutines share one client
	clients   shape = "clients"    // many clients, one outstanding each
	oneWay    shape = "one way"    // nothing comes back
	fanOut    shape = "fan-out"    // each message goes to many
	idle      shape = "idle"       // many connections, on which one request has been made
	body      shape = "body"       // one large body, never held as a whole
)

const mib = 1 << 20

// bodySize is that of the body that is streamed, in bytes.
const bodySize = 900_000_000

var workloads = []*workload{
	{name: "ping64", title: "1 outstanding, 64 B", shape: roundTrip, size: 64, pinned: true},
	{name: "ping1k", title: "1 outstanding, 1 KiB", shape: roundTrip, size: 1 << 10, pinned: true},
	{name: "pipe64", title: "64 outstanding on one connection, 64 B", shape: pipelined, size: 64, many: 64, pinned: true},
	{name: "pipe128", title: "128 outstanding on one connection, 64 B", shape: pipelined, size: 64, many: 128, pinned: true},
	{name: "shared128", title: "128 callers sharing one client, 64 B", shape: sharing, size: 64, many: 128, pinned: true},
	{name: "clients64", title: "64 clients, closed loop, 64 B", shape: clients, size: 64, many: 64, pinned: true},
	{name: "oneway64", title: "one way, 64 B", shape: oneWay, size: 64},
	{name: "oneway1k", title: "one way, 1 KiB", shape: oneWay, size: 1 << 10},
	{name: "oneway64k", title: "one way, 64 KiB", shape: oneWay, size: 64 << 10},
	{name: "oneway1m", title: "one way, 1 MiB", shape: oneWay, size: mib},
	{name: "fanout16", title: "fan-out to 16, 64 B", shape: fanOut, size: 64, many: 16},
	{name: "tlsping64", title: "TLS 1.3, 1 outstanding, 64 B", shape: roundTrip, size: 64, tls: true, pinned: true},
	{name: "tls1m", title: "TLS 1.3, one way, 1 MiB", shape: oneWay, size: mib, tls: true},
	{name: "body900m", title: "a body of 900 MB, streamed", shape: body, size: bodySize},
	{name: "idle", title: "idle connections", shape: idle, size: 64, many: 10_000},
}

// takes reports whether c can do w.
func (w *workload) takes(c *contender) bool {
	if w.tls && !c.tls {
		return false
	}
	switch w.shape {
	case roundTrip, clients, idle:
		return c.echo != nil && c.caller != nil
	case pipelined:
		return c.echo != nil && c.stream != nil
	case sharing:
		return c.echo != nil && c.shared != nil
	case oneWay:
		return c.sink != nil && c.sender != nil
	case fanOut:
		return c.publish != nil && c.subscribe != nil
	}
	return c.drain != nil && c.upload != nil
}

// A part is what one of the two processes does while a workload runs: run n messages, or nothing.
type part func(n int, proof bool) error

// serve begins to serve, and returns what this process does beside that.
func (w *workload) serve(c *contender, s *site) (addr string, p part, err error) {
	switch w.shape {
	case oneWay:
		addr, err = c.sink(s)
	case fanOut:
		var out sender
		addr, out, err = c.publish(s)
		p = w.sending(out)
	case body:
		addr, err = c.drain(s)
	default:
		addr, err = c.echo(s)
	}
	return addr, p, err
}

// call connects, and returns what this process does then.
func (w *workload) call(c *contender, at place, t *tally) (part, error) {
	switch w.shape {
	case roundTrip:
		return w.callers(1, func() (caller, error) { return c.caller(at) })
	case clients:
		return w.callers(w.many, func() (caller, error) { return c.caller(at) })
	case sharing:
		each, err := c.shared(at)
		if err != nil {
			return nil, err
		}
		return w.callers(w.many, func() (caller, error) { return each(), nil })
	case pipelined:
		one, err := c.stream(at)
		return w.piping(one), err
	case oneWay:
		one, err := c.sender(at)
		return w.sending(one), err
	case fanOut:
		return nil, w.subscribe(c, at, t)
	case body:
		one, err := c.upload(at)
		return w.uploading(one), err
	}
	held := new(held)
	return held.connecting(w, func() (caller, error) { return c.caller(at) }), nil
}

func (w *workload) callers(n int, dial func() (caller, error)) (part, error) {
	list := make([]caller, n)
	for i := range list {
		var err error
		if list[i], err = dial(); err != nil {
			return nil, err
		}
	}
	return w.calling(n, func(i int) caller { return list[i] }), nil
}

// calling has n callers make an equal share of the calls each.
func (w *workload) calling(n int, of func(i int) caller) part {
	return func(calls int, proof bool) error {
		share := w.share(calls)
		if n == 1 {
			return w.callInTurn(of(0), share, proof)
		}
		errs := make([]error, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { errs[i] = w.callInTurn(of(i), share, proof) })
		}
		wg.Wait()
		return errors.Join(errs...)
	}
}

// share is what one of many callers does of n calls, at least one.
func (w *workload) share(n int) int {
	if w.shape != clients && w.shape != sharing {
		return n
	}
	return max(1, n/w.many)
}

func (w *workload) callInTurn(one caller, calls int, proof bool) error {
	out, back := newContent(w.size, proof), newChecker(w.size, proof)
	for range calls {
		answer, err := one.Call(out.next())
		if err != nil {
			return err
		}
		if err := back.check(answer); err != nil {
			return err
		}
	}
	return nil
}

// piping keeps as many requests outstanding as the workload says.
func (w *workload) piping(one stream) part {
	return func(n int, proof bool) error {
		out, back := newContent(w.size, proof), newChecker(w.size, proof)
		sent := 0
		for got := range n {
			for ; sent < n && sent-got < w.many; sent++ {
				if err := one.Send(out.next()); err != nil {
					return err
				}
			}
			answer, err := one.Recv()
			if err != nil {
				return err
			}
			if err := back.check(answer); err != nil {
				return err
			}
		}
		return nil
	}
}

func (w *workload) sending(one sender) part {
	return func(n int, proof bool) error {
		out := newContent(w.size, proof)
		for range n {
			if err := one.Send(out.next()); err != nil {
				return err
			}
		}
		return one.Flush()
	}
}

func (w *workload) subscribe(c *contender, at place, t *tally) error {
	for range w.many {
		if _, err := c.subscribe(at, t.inlet()); err != nil {
			return err
		}
	}
	return nil
}

func (w *workload) uploading(one uploader) part {
	return func(n int, _ bool) error {
		for range n {
			if err := one.Upload(int64(w.size), newSource(int64(w.size))); err != nil {
				return err
			}
		}
		return nil
	}
}

// dialers is how many connections are being made at once.
const dialers = 8

// A held keeps connections until the process ends.
type held struct {
	mu   sync.Mutex
	list []io.Closer
}

// connecting makes n more connections, with one call on each.
func (h *held) connecting(w *workload, dial func() (caller, error)) part {
	return func(n int, proof bool) error {
		errs := make([]error, dialers)
		var wg sync.WaitGroup
		for i := range dialers {
			share := n / dialers
			if i < n%dialers {
				share++
			}
			wg.Go(func() { errs[i] = h.connect(w, dial, share, proof) })
		}
		wg.Wait()
		return errors.Join(errs...)
	}
}

func (h *held) connect(w *workload, dial func() (caller, error), n int, proof bool) error {
	for range n {
		one, err := dial()
		if err != nil {
			return err
		}
		if err := w.callInTurn(one, 1, proof); err != nil {
			return err
		}
		h.mu.Lock()
		h.list = append(h.list, one)
		h.mu.Unlock()
	}
	return nil
}
