package main

import (
	"bytes"
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// Showing a frame leaves it as it is, however long its halves are.
func TestTracerLeavesFrames(t *testing.T) {
	for _, size := range []int{0, 10, traced, traced + 1, 1000} {
		wire, err := petrichor.AppendFrame(nil, petrichor.Header{"k": strings.Repeat("h", size)}, strings.Repeat("b", size))
		if err != nil {
			t.Fatal(err)
		}
		f, _, err := petrichor.CutFrame(bytes.Clone(wire))
		if err != nil {
			t.Fatal(err)
		}
		var shown bytes.Buffer
		tracer := &tracer{w: &shown, out: ">", in: "<"}
		tracer.sentFrame(f)
		tracer.received(f)
		if got := slices.Concat(f.Header, f.Body); !bytes.Equal(got, wire) {
			t.Errorf("a header and a body of %d bytes are %q after they were shown", size, got)
		}
	}
}

var errGone = fail(exitConnect, "nobody there")

// Between tries there are pauses, each twice the one before, up to a longest one.
func TestInsist(t *testing.T) {
	c := newClient(&app{})
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var tries []time.Duration
		err := c.insist(t.Context(), 8, func() error {
			tries = append(tries, time.Since(start)/time.Millisecond)
			return errGone
		})
		if want := []time.Duration{0, 100, 300, 700, 1500, 3100, 6300, 11300, 16300}; err != errGone || !slices.Equal(tries, want) {
			t.Errorf("%v, tries at %d ms, want %d", err, tries, want)
		}
	})
}

// No try follows one that went well, was denied, or was the last before the end.
func TestInsistEnds(t *testing.T) {
	c := newClient(&app{})
	denied := fail(exitDenied, "no")
	for _, end := range []struct {
		errs []error
		want time.Duration
	}{
		{[]error{nil}, 0},
		{[]error{denied}, 0},
		{[]error{errGone, nil}, firstPause},
		{[]error{errGone, errGone, denied}, 3 * firstPause},
		{[]error{errGone, errGone, errGone}, 450 * time.Millisecond}, // which is when it is over
	} {
		synctest.Test(t, func(t *testing.T) {
			start, n := time.Now(), 0
			ctx, cancel := context.WithTimeout(t.Context(), 450*time.Millisecond)
			defer cancel()
			err := c.insist(ctx, 20, func() error {
				n++
				return end.errs[n-1]
			})
			if took := time.Since(start); n != len(end.errs) || err != end.errs[n-1] || took != end.want {
				t.Errorf("%v: %v after %d tries and %v, want %v", end.errs, err, n, took, end.want)
			}
		})
	}
}

// A session waits until its context is done, and its timeout is another matter.
func TestExchangeUntil(t *testing.T) {
	for name, c := range map[string]struct {
		wait, timeout time.Duration
		want          string
		took          time.Duration
	}{
		"context": {time.Second, 5 * time.Second, "no reply from peer before --wait was over", time.Second},
		"timeout": {5 * time.Second, time.Second, "no reply from peer within 1s; raise --timeout to wait longer", time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				defer far.Close()
				ctx, cancel := context.WithTimeout(t.Context(), c.wait)
				defer cancel()
				s := &session{addr: "peer", conn: petrichor.NewConn(near), timeout: c.timeout, ctx: ctx}
				defer s.conn.Close()
				start := time.Now()
				_, err := s.greet(nil)
				if err == nil || err.Error() != c.want || codeOf(err) != exitTimeout || time.Since(start) != c.took {
					t.Errorf("%v after %v, want %s after %v", err, time.Since(start), c.want, c.took)
				}
			})
		})
	}
}

// What is under way at Ctrl-C has a little time left, and no more than it had anyway.
func TestWindingUp(t *testing.T) {
	for _, c := range []struct{ d, interrupted, want time.Duration }{
		{10 * time.Second, time.Hour, 10 * time.Second},
		{10 * time.Second, 2 * time.Second, 2*time.Second + lastWords},
		{10 * time.Second, 0, lastWords},
		{lastWords / 2, 0, lastWords / 2},
		{0, 3 * time.Second, 3*time.Second + lastWords},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			ctx, stop := context.WithTimeout(t.Context(), c.interrupted)
			defer stop()
			longer, cancel := windingUp(ctx, c.d)
			defer cancel()
			<-longer.Done()
			if took := time.Since(start); took != c.want {
				t.Errorf("%+v: done after %v", c, took)
			}
		})
	}
}
