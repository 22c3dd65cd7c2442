package main

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net"
	"os"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// A benchVerb puts a load on a server and reports.
type benchVerb struct {
	client
	load   load
	size   byteSize // of the body
	report choice
}

// What bounds a bench that was told neither how many requests nor how long.
const (
	benchRequests = 100_000
	benchTime     = 10 * time.Second
)

func newBench(a *app) *cobra.Command {
	b := &benchVerb{client: newClient(a), size: 64, report: newChoice("text", "json", "html")}
	cmd := &cobra.Command{
		Use:   "bench [ADDR]",
		Short: "Put a load on a server and report its latencies",
		Long: `bench opens connections to ADDR (or PETRICHOR_ADDR), sends requests over them and
reports how long the replies took. The server has to answer every request, as
echo and serve do: with the key id of its header, or in order.

By default the loop is closed: each connection has --pipeline requests in flight,
and sends another when a reply has come. That shows how much a server can do. Its
latencies are not corrected for coordinated omission: while the server pauses,
requests that would have suffered from the pause are not sent.

With --rate the loop is open: requests are due at fixed times, whatever the server
does, and latencies count from then, so that a pause is seen by every request it
held up. That shows how a server does at a load you choose. The latencies from
when requests were sent are reported beside them.

Told neither --requests nor --duration, bench stops after ` + digits(benchRequests) + ` requests or
` + benchTime.String() + `, whichever is first. Ctrl-C ends it early, with a report.`,
		Example: `  petrichor bench 127.0.0.1:7670
  petrichor bench 127.0.0.1:7670 -c 16 -P 8 -n 1000000 -d 1K
  petrichor bench 127.0.0.1:7670 -c 16 -r 20000 -z 30s --warmup 2s
  petrichor bench 127.0.0.1:7670 -H path=index.html --report html -o bench.html`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return b.run(args) },
	}
	flags := cmd.Flags()
	flags.IntVarP(&b.load.conns, "connections", "c", 8, "open `N` connections; a server may have a limit for an address")
	flags.IntVarP(&b.load.window, "pipeline", "P", 1, "requests in flight on a connection, `N`")
	flags.Int64VarP(&b.load.count, "requests", "n", 0, "stop after `N` requests")
	flags.DurationVarP(&b.load.duration, "duration", "z", 0, "stop after `TIME`")
	flags.VarP(&b.size, "size", "d", "body of a request, `BYTES`; K, M and G multiply by 1024")
	flags.Float64VarP(&b.load.rate, "rate", "r", 0, "open loop: `N` requests a second in all")
	flags.DurationVar(&b.load.warmup, "warmup", 0, "begin to record after `TIME`")
	addChoice(cmd, flags, &b.report, "report", "", "`FORM` of the report")
	b.addReach(cmd)
	b.addHeader(cmd)
	addOutput(cmd, &b.path)
	return cmd
}

// valid reports whether the flags make sense together.
func (b *benchVerb) valid() error {
	l := &b.load
	switch {
	case l.conns < 1 || l.conns > 10_000:
		return fail(exitUsage, "--connections %d: want 1 to 10000", l.conns)
	case l.window < 1 || l.window > 10_000:
		return fail(exitUsage, "--pipeline %d: want 1 to 10000", l.window)
	case l.count < 0, l.duration < 0, l.warmup < 0, l.rate < 0:
		return fail(exitUsage, "--requests, --duration, --warmup and --rate cannot be negative")
	case math.IsNaN(l.rate) || math.IsInf(l.rate, 0):
		return fail(exitUsage, "--rate %v: want so many requests a second, as in 2000", l.rate)
	case b.size > maxElement:
		return fail(exitUsage, "--size %s: a tnetstring has room for 999999999", b.size.String())
	}
	return nil
}

func (b *benchVerb) run(args []string) error {
	addr, _, err := addrArg(args, "")
	if err == nil {
		err = b.valid()
	}
	ctx, stop := interrupted()
	defer stop()
	if err == nil {
		err = b.prepare(ctx, addr)
	}
	if err != nil {
		return err
	}
	out, err := b.app.open(b.path) // before a load whose report would have no place
	if err != nil {
		return err
	}
	softMemory(int64(b.load.conns) * (64 << 10))
	forget := b.progress()
	r, err := b.load.run(ctx)
	forget()
	if err != nil && ctx.Err() != nil {
		err = fail(exitTimeout, "interrupted before %s had let anybody in", addr)
	}
	if err != nil {
		return out.close(failIn(addr, err, limitAdvice))
	}
	r.Address = addr
	return out.close(b.write(out, r))
}

// prepare makes the load ready.
func (b *benchVerb) prepare(ctx context.Context, addr string) (err error) {
	l := &b.load
	if l.count == 0 && l.duration == 0 {
		l.count, l.duration = benchRequests, benchTime
	}
	l.connect = func() (net.Conn, error) { return b.connectUntil(ctx, addr) }
	l.options = b.limits.options()
	l.timeout = b.timeout
	l.pauser = pauser
	l.prepare()
	if l.ident, err = petrichor.AppendFrame(nil, b.ident.header, ""); err != nil {
		return fail(exitUsage, "--ident: %v", message(err))
	}
	if l.request, err = newStencil(b.header.header, bytes.Repeat([]byte("x"), int(b.size))); err != nil {
		return fail(exitUsage, "--header: %v", message(err))
	}
	return nil
}

// connectUntil connects to addr.  Ctrl-C ends the wait for an answer to the first frame, while
// replies to requests are waited for.
func (b *benchVerb) connectUntil(ctx context.Context, addr string) (net.Conn, error) {
	stream, err := b.client.open(ctx, addr)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() {
		if b.load.end.Load() == 0 { // the load has not begun
			stream.Close()
		}
	})
	return stream, nil
}

// write writes the report.
func (b *benchVerb) write(out *output, r *result) error {
	form := map[string]func(*result) error{
		"text": func(r *result) error { return writeText(out, r) },
		"json": func(r *result) error { return writeJSON(out, r) },
		"html": func(r *result) error { return writeHTML(out, r) },
	}[b.report.value]
	if err := form(r); err != nil {
		return err
	}
	return r.failed()
}

// progress keeps a line about the load on a terminal until it is told to forget it.
func (b *benchVerb) progress() (forget func()) {
	if b.app.quiet || !term.IsTerminal(int(os.Stderr.Fd())) {
		return func() {}
	}
	start := time.Now()
	tick := time.NewTicker(200 * time.Millisecond)
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for before := int64(0); ; {
			select {
			case <-done:
				fmt.Fprint(os.Stderr, "\r\x1b[K")
				return
			case <-tick.C:
				n := b.load.replied()
				fmt.Fprintf(os.Stderr, "\r\x1b[K%.1f s: %s replies, %s a second", time.Since(start).Seconds(), digits(n), digits(5*(n-before)))
				before = n
			}
		}
	}()
	return func() {
		tick.Stop()
		close(done)
		<-gone
	}
}
