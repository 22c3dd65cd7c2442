package petrichortest

import (
	"slices"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/internal/flawed"
)

// A server that does everything right passes.
func TestServerPasses(t *testing.T) {
	TestServer(t, Dialer(start(t, flawed.New())), append(known(), Compresses(), InProcess())...)
}

// known is what attacks are told of a flawed.Server.
func known() []Option {
	return []Option{
		First(petrichor.Header{"user": "me"}, nil), Denied(petrichor.Header{"user": "nobody"}, nil),
		Panics(nil, "panic"), Echoes(), Deadlines(time.Second, time.Second, 1500*time.Millisecond, time.Second),
		MaxConns(400),
	}
}

// start serves until the test is over.
func start(t *testing.T, s *flawed.Server) (addr string) {
	addr = s.Listen()
	t.Cleanup(s.Stop)
	return addr
}

// What is wrong with a server fails the attacks of at least these rows.
func TestServerFinds(t *testing.T) {
	for _, c := range flawed.Faults {
		t.Run(c.Name, func(t *testing.T) {
			opts := append(known(), Compresses())
			counts := slices.Contains(c.Rows, 43)
			if counts {
				opts = append(opts, InProcess())
			}
			if !counts {
				t.Parallel()
			}
			failed := failing(NewTarget(Dialer(start(t, c.Server())), opts...), c.Rows)
			for _, row := range c.Rows {
				if failed[row] == nil {
					t.Errorf("row %d does not find it", row)
				}
			}
		})
	}
}

// A handler's panic that nothing stops ends the process, so that one is another.
func TestServerFindsPanic(t *testing.T) {
	addr, _ := child(t, "panics")
	if failed := failing(NewTarget(Dialer(addr), known()...), []int{41}); failed[41] == nil {
		t.Error("row 41 does not find it")
	}
}

// failing plays the attacks of some rows, and returns what failed in each.
func failing(s *Target, rows []int) map[int]error {
	failed := map[int]error{}
	left := s.watch()
	attacks := slices.DeleteFunc(s.Attacks(), func(a Attack) bool { return !slices.Contains(rows, a.Row) })
	s.Play(attacks, func(a Attack, play func() error) {
		if failed[a.Row] == nil {
			failed[a.Row] = play()
		}
	})
	if err := left(); err != nil {
		failed[43] = err
	}
	return failed
}
