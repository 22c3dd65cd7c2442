package petrichortest

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// An Attack is one thing that a hostile or a broken peer does to a server.
// Attacks lists them.
type Attack struct {
	Row  int    // of the promises, numbered as the attacks in docs/limits.md
	Name string // unique within the row
	Why  string // what it is good for, or whom it hurt
	Must Must   // what the server has to do

	// Bytes are what the peer sends, where that is all there is to it: instead
	// of its first frame, or, with Allowed, after it.
	Bytes   []byte
	Allowed bool

	play  func(*Target) error // where bytes are not enough
	waits bool                // for a deadline of the server
	needs func(*Target) bool  // what has to be known of the server; nil: nothing
}

// Must says what a server has to do.  Those that are constants are for Bytes.
type Must string

const (
	Cut     Must = "cut the connection at once, after at most one answer"
	Refuse  Must = "deny the peer or cut the connection at once"
	Survive Must = "answer or cut, and be done with the connection when the peer is"
	Ignore  Must = "close when the peer has ended, without a reply to what is not whole"
	Serve   Must = "answer as always"
)

// String returns row and name.
func (a Attack) String() string { return fmt.Sprintf("%02d %s", a.Row, a.Name) }

// Play attacks the target, and returns what it did wrong.  That it serves a good
// peer afterwards is a part of every attack.
func (a Attack) Play(s *Target) error {
	play := a.play
	if play == nil {
		play = a.playBytes
	}
	if err := play(s); err != nil {
		return fmt.Errorf("%w\nit must: %s\nbecause: %s", err, a.Must, a.Why)
	}
	if err := s.eventually(s.good); err != nil {
		return fmt.Errorf("afterwards %w", err)
	}
	return nil
}

func (a Attack) playBytes(s *Target) error {
	p, err := a.enter(s)
	if err != nil {
		return err
	}
	defer p.leave()
	p.send(a.Bytes, a.Must == Survive || a.Must == Ignore)
	if !p.canHalfClose() && a.Must != Cut && a.Must != Refuse {
		return nil // whatever it does, we cannot tell when it is done
	}
	e := p.end(s.patience)
	if e.err != nil {
		return e.err
	}
	return a.Must.judge(e, s, len(a.Bytes))
}

func (a Attack) enter(s *Target) (*peer, error) {
	if a.Allowed {
		return s.guest()
	}
	return s.stranger()
}

// judge wants what the peer of n bytes saw to be what the server must do.
func (m Must) judge(e ending, s *Target, n int) error {
	switch {
	case m == Refuse && len(e.answers) > 0 && petrichor.Allowed(e.answers[0].Header):
		return fmt.Errorf("it was allowed: %.80q", e.answers[0].Header)
	case !e.cut:
		return fmt.Errorf("not closed after %v", round(e.took))
	case (m == Cut || m == Refuse) && e.took > s.soon():
		return fmt.Errorf("closed after %v", round(e.took))
	case m == Cut && len(e.answers) > 1:
		return fmt.Errorf("cut after %d answers", len(e.answers))
	case m == Cut && e.bytes > max(512, int64(n)):
		return fmt.Errorf("%d bytes are answered with %d", n, e.bytes)
	case m == Ignore && answered(e):
		return fmt.Errorf("answered: %.80q %.80q", e.answers[0].Header, e.answers[0].Body)
	}
	return nil
}

// answered says whether the peer got a reply.  A frame that says what is wrong
// is none.
func answered(e ending) bool {
	for _, f := range e.answers {
		if !isError(f.Header) {
			return true
		}
	}
	return false
}

func isError(header petrichor.Raw) bool {
	var known struct {
		Error any `tnet:"error"`
	}
	return petrichor.Unmarshal(header, &known) == nil && known.Error != nil || !petrichor.Allowed(header)
}

// TestServer attacks the server that dial connects to with every attack of
// Attacks, each as a subtest, and reads its gauges before and after.  It judges
// from outside: what the server answers, whether it closes connections, and
// when.  The server must not serve others meanwhile.
//
// It waits out each deadline of the server, all of them at the same time: with
// those of package service that takes two minutes.
func TestServer(t *testing.T, dial func() (net.Conn, error), opts ...Option) {
	s := NewTarget(dial, opts...)
	if err := s.good(); err != nil {
		t.Fatal(err)
	}
	left := s.watch()
	s.Play(s.Attacks(), func(a Attack, play func() error) {
		t.Run(a.String(), func(t *testing.T) {
			if err := play(); err != nil {
				t.Error(err)
			}
		})
	})
	err := left()
	t.Run("43 what is left", func(t *testing.T) {
		if err != nil {
			t.Error(err)
		}
	})
}

// Attacks returns those of Attacks that fit what is known of the target.
func (s *Target) Attacks() []Attack { return slices.DeleteFunc(Attacks(), s.spares) }

// Check says what is wrong when a peer that does everything right is not served:
// then attacks prove nothing.
func (s *Target) Check() error { return s.good() }

// Waits reports whether the attack waits for a deadline of the server.
func (a Attack) Waits() bool { return a.waits }

// Play hands each attack to run, in order, with a function that plays it and
// returns what the target did wrong.  Those that wait for a deadline have been
// played by then, all at the same time.
func (s *Target) Play(attacks []Attack, run func(a Attack, play func() error)) {
	waited := s.waitOut(attacks)
	for _, a := range attacks {
		run(a, func() error {
			if a.waits {
				return waited[a.String()]
			}
			return a.Play(s)
		})
	}
}

// waitOut plays all attacks that wait for a deadline, at the same time.
func (s *Target) waitOut(attacks []Attack) map[string]error {
	var mu sync.Mutex
	var running sync.WaitGroup
	errs := map[string]error{}
	for _, a := range attacks {
		if !a.waits {
			continue
		}
		running.Go(func() {
			err := a.Play(s)
			mu.Lock()
			defer mu.Unlock()
			errs[a.String()] = err
		})
	}
	running.Wait()
	return errs
}

// watch reads the gauges, and returns a function that reads them again, until
// they are as before or it has waited long enough.
func (s *Target) watch() func() error {
	time.Sleep(50 * time.Millisecond) // so that nothing is counted of those who are leaving
	before := make([]int64, len(s.gauges))
	for i, g := range s.gauges {
		before[i] = g.read()
	}
	return func() (err error) {
		for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if err = s.compare(before); err == nil {
				return nil
			}
		}
		return err
	}
}

func (s *Target) compare(before []int64) (err error) {
	for i, g := range s.gauges {
		if now := g.read(); now > before[i]+g.most {
			err = errors.Join(err, fmt.Errorf("%s: %d before, %d after", g.name, before[i], now))
		}
	}
	return err
}
