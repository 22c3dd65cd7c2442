package main

import (
	"os"
	"testing"
)

// The roles of a test are this test's program again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == roleArg {
		if playFromArgs(os.Args[2:]) != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// Every contender carries every message of every workload it takes part in, whole and in order.
func TestContendersCarryEverything(t *testing.T) {
	for _, w := range workloads {
		for _, who := range contenders {
			if w.takes(who) {
				t.Run(w.name+"/"+who.name, func(t *testing.T) {
					e := &entry{who: who}
					if err := e.proveAlone(w); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}

// A checker finds what a transport can do to messages.
func TestCheckerFindsFaults(t *testing.T) {
	const size = 64
	second := func() []byte {
		c := newContent(size, true)
		c.next()
		return c.next()
	}
	for _, test := range []struct {
		name string
		msg  func() []byte
		gaps bool
		good bool
	}{
		{"the next message", func() []byte { return newContent(size, true).next() }, false, true},
		{"one byte changed", func() []byte { m := newContent(size, true).next(); m[size-1] ^= 1; return m }, false, false},
		{"one byte short", func() []byte { return newContent(size, true).next()[1:] }, false, false},
		{"a message too early", second, false, false},
		{"a message lost, where that is counted", second, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newChecker(size, true)
			c.gaps = test.gaps
			if err := c.check(test.msg()); (err == nil) != test.good {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A tally counts what is missing, and says so.
func TestTallyTellsLosses(t *testing.T) {
	ta := newTally(64)
	in := ta.inlet()
	ta.expect(3, 0, true)
	out := newContent(64, true)
	in.take(out.next())
	out.next() // lost
	in.take(out.next())
	arrived, _, err := ta.awaitFor(0)
	if arrived != 2 || err != nil {
		t.Errorf("%d arrived, %v; expected 2 and no error", arrived, err)
	}
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		list []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(test.list); got != test.want {
			t.Errorf("median(%v) = %v, expected %v", test.list, got, test.want)
		}
	}
}
