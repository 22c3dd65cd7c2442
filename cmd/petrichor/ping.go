package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/spf13/cobra"
)

// A pingVerb measures round trips.
type pingVerb struct {
	client
	count    int
	interval time.Duration
	out      *output
}

func newPing(a *app) *cobra.Command {
	p := &pingVerb{client: newClient(a)}
	p.timeout = 5 * time.Second
	cmd := &cobra.Command{
		Use:   "ping [ADDR]",
		Short: "Measure how long a server takes to answer an empty frame",
		Long: `ping connects to ADDR (or PETRICHOR_ADDR), is allowed in, and sends frames with an
empty body and the key id in the header, one after another. For each it prints
how long the reply took, and at the end the least, the mean, the most and the
standard deviation, as ping(8) does; -q prints the end only.

The server has to answer every frame, as echo and serve do: with the same id, or
in order. A reply that says there was an error is a reply. One that comes after
--timeout counts as lost. The exit code is 4 when any is lost.`,
		Example: `  petrichor ping 127.0.0.1:7670
  petrichor ping 127.0.0.1:7670 -c 100 -i 10ms -q
  petrichor ping 127.0.0.1:7670 -c 0`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return p.run(args) },
	}
	cmd.Flags().IntVarP(&p.count, "count", "c", 5, "stop after `N` frames; 0 is at Ctrl-C")
	cmd.Flags().DurationVarP(&p.interval, "interval", "i", time.Second, "begin a round trip every `TIME`")
	p.addReach(cmd)
	p.addHeader(cmd)
	addOutput(cmd, &p.path)
	return cmd
}

func (p *pingVerb) run(args []string) error {
	addr, _, err := addrArg(args, "")
	if err != nil {
		return err
	}
	if p.count < 0 || p.interval < 0 {
		return fail(exitUsage, "--count and --interval cannot be negative")
	}
	s, err := p.dial(addr)
	if err != nil {
		return err
	}
	if p.out, err = p.app.open(p.path); err != nil {
		s.conn.Close()
		return err
	}
	ctx, stop := interrupted()
	defer stop()
	var trips trips
	err = p.trips(ctx, s, &trips)
	if err == nil && trips.sent > trips.got {
		err = fail(exitTimeout, "%d of %d frames got no reply from %s within %v", trips.sent-trips.got, trips.sent, addr, p.timeout)
	}
	fmt.Fprintf(p.out, "%s: %s\n", escapeLine(addr), trips.String())
	return p.out.close(err)
}

// trips makes the round trips until there are enough, or ctx is done.
func (p *pingVerb) trips(ctx context.Context, s *session, done *trips) error {
	replies, stop := s.receive()
	defer stop()
	tick := time.NewTicker(max(p.interval, 1))
	defer tick.Stop()
	for p.count == 0 || done.sent < p.count {
		if err := p.trip(ctx, s, replies, done); err != nil {
			return s.explain(err)
		}
		if done.sent == p.count {
			break
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
	return nil
}

// trip makes one round trip, which may be lost.
func (p *pingVerb) trip(ctx context.Context, s *session, replies <-chan arrival, done *trips) error {
	header := maps.Clone(p.header.header)
	if header == nil {
		header = petrichor.Header{}
	}
	id := int64(done.sent + 1)
	header["id"] = id
	start := time.Now()
	if err := s.conn.Send(header, ""); err != nil {
		return err
	}
	waiting, cancel := within(ctx, p.timeout)
	defer cancel()
	reply := await(waiting, replies, id)
	switch {
	case ctx.Err() != nil: // Ctrl-C: this one has not been waited for
		return nil
	case reply.err == context.DeadlineExceeded:
		done.sent++
		return p.say("id %d: no reply within %v\n", id, p.timeout)
	case reply.err != nil:
		done.sent++
		return reply.err
	}
	took := reply.at.Sub(start)
	done.add(took)
	return p.say("id %d: %s\n", id, p.answer(reply.frame, took))
}

// await waits for the reply with this id, or with none, and leaves out those of requests that have
// been given up.
func await(ctx context.Context, replies <-chan arrival, id int64) arrival {
	for {
		var reply arrival
		select {
		case <-ctx.Done():
			return arrival{err: ctx.Err()}
		case reply = <-replies:
		}
		if reply.err != nil {
			return reply
		}
		if whose, _ := replyOf(reply.frame.Header); whose == id || whose == 0 {
			return reply
		}
	}
}

func (p *pingVerb) answer(f petrichor.Frame, took time.Duration) string {
	text := fmt.Sprintf("%d B in %s", len(f.Header)+len(f.Body), short(int64(took)))
	if _, refused := replyOf(f.Header); refused {
		text += ", which says there was an error: " + reading(f.Header, 80)
	}
	return text
}

// say prints a line about a round trip, to be seen at once.
func (p *pingVerb) say(format string, args ...any) error {
	if p.app.quiet {
		return nil
	}
	fmt.Fprintf(p.out, format, args...)
	return p.out.Flush()
}

// trips are round trips that have come to an end, as ping(8) sums them up.
type trips struct {
	sent, got  int
	least      time.Duration
	most       time.Duration
	sum, power float64 // of the times and their squares, in ns
}

func (t *trips) add(d time.Duration) {
	if t.got == 0 || d < t.least {
		t.least = d
	}
	t.sent++
	t.got++
	t.most = max(t.most, d)
	t.sum += float64(d)
	t.power += float64(d) * float64(d)
}

func (t *trips) String() string {
	text := fmt.Sprintf("%d sent, %d replies, %.3g%% lost", t.sent, t.got, 100*float64(t.sent-t.got)/float64(max(1, t.sent)))
	if t.got == 0 {
		return text
	}
	mean := t.sum / float64(t.got)
	deviation := math.Sqrt(max(0, t.power/float64(t.got)-mean*mean))
	return text + fmt.Sprintf("; min/avg/max/mdev = %s/%s/%s/%s",
		short(int64(t.least)), short(int64(mean)), short(int64(t.most)), short(int64(deviation)))
}
