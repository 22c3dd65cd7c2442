package main

// Each contender is timed in two processes of its own: this program again, in one of two roles.
//
//	the program        serve            call
//	   | -- start ------>|                |
//	   | <-- address ----|                |
//	   | -- start ----------------------->|
//	   | -- ready, run, settle ---------->|   and to the other
//	   | <-- reports ---------------------|
//
// Orders go in at standard input and reports out at standard output, both in JSON; a role ends when
// its input does.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
)

const (
	roleServe = "serve"
	roleCall  = "call"
)

// An order is what a role is told to do.
type order struct {
	Do    string
	N     int  // messages that are sent
	Proof bool // look at every byte
}

const (
	doReady  = "ready"  // collect the heap, and expect N messages
	doRun    = "run"    // do your part
	doSettle = "settle" // wait for what was expected, and say what has been used since ready
	doRest   = "rest"   // give memory back, and say how much is left
)

// A report is what it answers.
type report struct {
	Err      string
	Addr     string // the first report of one that serves
	Cert     []byte
	Start    int64 // of clock
	End      int64
	Arrived  uint64
	Used     used
	Resident int64 // bytes
	Peak     int64 // the same, the most since ready
}

// An actor plays a role.
type actor struct {
	work  *workload
	who   *contender
	tally *tally
	part  part

	before   used
	resident int64
	expects  bool
}

// play is the whole life of a role.
func play(role, who, work, addr string, cert []byte, in io.Reader, out io.Writer) error {
	a := &actor{work: workloadNamed(work), who: contenderNamed(who)}
	if a.work == nil || a.who == nil {
		return fmt.Errorf("no workload %q or no contender %q", work, who)
	}
	a.tally = newTally(a.work.size)
	stop, err := profile(work + "." + who + "." + role)
	if err != nil {
		return err
	}
	defer stop()
	orders, reports := json.NewDecoder(in), json.NewEncoder(out)
	first := a.begin(role, addr, cert)
	if err := reports.Encode(first); err != nil {
		return err
	}
	for {
		var o order
		if err := orders.Decode(&o); err != nil {
			return nil // the program has ended, or has had enough
		}
		if err := reports.Encode(a.obey(o)); err != nil {
			return err
		}
	}
}

func (a *actor) begin(role, addr string, cert []byte) (r report) {
	var err error
	if role == roleServe {
		r.Addr, r.Cert, err = a.serve()
		return r.with(err)
	}
	at := place{work: a.work, addr: addr}
	if a.work.tls {
		at.tls, err = trusting(cert)
	}
	if err == nil {
		a.part, err = a.work.call(a.who, at, a.tally)
	}
	a.expects = a.work.shape == fanOut
	return r.with(err)
}

func (a *actor) serve() (addr string, cert []byte, err error) {
	s := &site{work: a.work, tally: a.tally}
	if a.work.tls {
		if s.tls, cert, err = identity(); err != nil {
			return "", nil, err
		}
	}
	addr, a.part, err = a.work.serve(a.who, s)
	a.expects = a.work.shape == oneWay || a.work.shape == body
	return addr, cert, err
}

func (a *actor) obey(o order) (r report) {
	switch o.Do {
	case doReady:
		a.ready(o)
	case doRun:
		r = a.run(o)
	case doSettle:
		r = a.settle()
	case doRest:
		debug.FreeOSMemory()
	}
	r.Resident, r.Peak = residentNow(), residentPeak()
	return r
}

func (a *actor) ready(o order) {
	runtime.GC()
	a.tally.expect(uint64(o.N), int64(o.N)*int64(a.work.size), o.Proof)
	forgetPeak()
	a.before = usedNow()
}

func (a *actor) run(o order) (r report) {
	if a.part == nil {
		return r.with(errors.New("this role has no part"))
	}
	r.Start = clock()
	err := a.part(o.N, o.Proof)
	r.End = clock()
	return r.with(err)
}

func (a *actor) settle() (r report) {
	var err error
	if a.expects {
		r.Arrived, r.End, err = a.tally.await()
	}
	r.Used = usedNow().since(a.before)
	return r.with(err)
}

func (r report) with(err error) report {
	if err != nil {
		r.Err = err.Error()
	}
	return r
}

func workloadNamed(name string) *workload {
	for _, w := range workloads {
		if w.name == name {
			return w
		}
	}
	return nil
}

// playFromArgs plays the role that the arguments name: role, contender, workload, and for one that
// calls where.  The certificate is in the environment.
func playFromArgs(args []string) error {
	addr := ""
	if len(args) > 3 {
		addr = args[3]
	}
	return play(args[0], args[1], args[2], addr, []byte(os.Getenv(certVariable)), os.Stdin, os.Stdout)
}

const certVariable = "PETRICHOR_TRANSPORT_CERT"
