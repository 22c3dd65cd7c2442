package dedupe_test

// Rows 44 and 49 of the limits: requests that are tried again over a network that resets,
// cuts, stalls and delays are each handled once, and what is acknowledged has been handled.
//
//	PETRICHOR_HISTORY=N    requests in all; 100,000 otherwise, fewer with -short

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/compress"
	"github.com/petrichor-protocol/petrichor/dedupe"
	"github.com/petrichor-protocol/petrichor/petrichortest"
	"github.com/petrichor-protocol/petrichor/service"
)

func historySize(t *testing.T) int {
	if text := os.Getenv("PETRICHOR_HISTORY"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if testing.Short() {
		return 20_000
	}
	return 100_000
}

func TestLimit49HandledOnceOverAFaultyNetwork(t *testing.T) {
	const workers = 64
	requests := historySize(t) / workers
	handled := make([][]atomic.Int32, workers)
	for w := range handled {
		handled[w] = make([]atomic.Int32, requests)
	}
	handle := func(ctx context.Context, req *service.Request) (header, body any, err error) {
		var at [2]int
		if err := req.Body(&at); err != nil {
			return nil, nil, err
		}
		handled[at[0]][at[1]].Add(1)
		return nil, at, nil
	}
	opts := []petrichor.Option{petrichor.WithExtensions(
		dedupe.Bodies(0, nil),
		compress.New(compress.Config{Methods: []compress.Method{compress.DeflateStream, compress.Deflate}}),
	)}
	window := &dedupe.Window{ForgetOldest: true, MaxPerPeer: 65_536, MaxBytes: 256 << 20}
	s := &service.Server{
		Options: opts, HandlersPerConn: 16, MaxPerAddress: 4096,
		Handle: dedupe.Handler(window, handle, dedupe.Options{Anonymous: true}),
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	defer s.Close()
	proxy := petrichortest.NewProxy(t, l.Addr().String(), petrichortest.Faults{
		Reset: 256 << 10, Cut: 256 << 10, HalfClose: 1 << 20, Stall: 4 << 20,
		Delay: 256 << 10, Slice: 64 << 10, MaxDelay: 2 * time.Millisecond,
	})
	c := dial(t, proxy.Addr(), &service.ClientConfig{
		Options: opts, Reconnect: true, Attempts: 30, Ping: 200 * time.Millisecond, WriteTimeout: time.Second,
	})
	defer c.Close()
	var acknowledged, unknown, lost, twice atomic.Int64
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for n := range requests {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				reply, err := dedupe.Request(ctx, c, petrichor.Header{"worker": w}, []int{w, n})
				cancel()
				var at []int
				switch {
				case errors.Is(err, service.ErrMaybeHandled) || errors.Is(err, service.ErrNotSent):
					unknown.Add(1)
				case err != nil:
					t.Errorf("worker %d, request %d: %v", w, n, err)
				case petrichor.Unmarshal(reply.Body, &at) != nil || at[0] != w || at[1] != n:
					t.Errorf("worker %d, request %d: answered with %s", w, n, reply.Body)
				case handled[w][n].Load() == 0:
					lost.Add(1)
				default:
					acknowledged.Add(1)
				}
			}
		})
	}
	all.Wait()
	s.Close()
	for w := range handled {
		for n := range handled[w] {
			if handled[w][n].Load() > 1 {
				twice.Add(1)
			}
		}
	}
	t.Logf("%d acknowledged, %d unknown; %+v, %+v", acknowledged.Load(), unknown.Load(), proxy.Counts(), c.Stats())
	if lost.Load()+twice.Load() > 0 || acknowledged.Load() == 0 || c.Stats().Connects < 2 {
		t.Errorf("%d acknowledged and lost, %d handled twice", lost.Load(), twice.Load())
	}
}

func dial(t *testing.T, addr string, cfg *service.ClientConfig) *service.Client {
	t.Helper()
	for range 100 { // the proxy may break this one too
		c, _, err := service.Dial(t.Context(), "tcp", addr, nil, nil, cfg)
		if err == nil {
			return c
		}
	}
	t.Fatal("no connection in 100 attempts")
	return nil
}

// Who asks again after a reconnect, with another id, is answered from the store; another
// peer with the same key is not.
func TestLimit49ReplayAfterReconnect(t *testing.T) {
	var handled atomic.Int32
	handle := func(context.Context, *service.Request) (header, body any, err error) {
		return petrichor.Header{"n": handled.Add(1)}, "reply", nil
	}
	for _, test := range []struct {
		name string
		opts dedupe.Options
		want string
	}{
		{"by address", dedupe.Options{Anonymous: true}, ""},
		{"unverified", dedupe.Options{}, dedupe.ErrUnverified.Text},
	} {
		t.Run(test.name, func(t *testing.T) {
			handled.Store(0)
			s := &service.Server{Handle: dedupe.Handler(new(dedupe.Window), handle, test.opts)}
			defer s.Close()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go s.Serve(l)
			for range 2 {
				c := dial(t, l.Addr().String(), nil)
				reply, err := c.Request(t.Context(), petrichor.Header{"once": "k1"}, "x")
				if told := (*service.Error)(nil); errors.As(err, &told) != (test.want != "") || told != nil && told.Text != test.want {
					t.Errorf("%s, %v", reply.Header, err)
				}
				c.Close()
			}
			if n := handled.Load(); test.want == "" && n != 1 || test.want != "" && n != 0 {
				t.Errorf("handled %d times", n)
			}
		})
	}
}

func TestHandlerAnswers(t *testing.T) {
	boom := errors.New("boom")
	for _, test := range []struct {
		name        string
		err         error
		body        any
		once        any
		first, then string
	}{
		{"refused", &service.Error{Text: "no"}, nil, "a", "no", "no"},
		{"failed", boom, nil, "b", "internal error", "internal error"},
		{"cannot be encoded", nil, make(chan int), "c", "internal error", "internal error"},
		{"too large to keep", nil, make([]byte, 100_000), "d", "", dedupe.ErrNotKept.Text},
		{"no string", nil, nil, 1, dedupe.ErrMalformed.Text, dedupe.ErrMalformed.Text},
		{"empty", nil, nil, "", dedupe.ErrMalformed.Text, dedupe.ErrMalformed.Text},
		{"too long", nil, nil, string(make([]byte, 65)), dedupe.ErrMalformed.Text, dedupe.ErrMalformed.Text},
	} {
		t.Run(test.name, func(t *testing.T) {
			handled := 0
			s := &service.Server{Handle: dedupe.Handler(new(dedupe.Window), func(context.Context, *service.Request) (header, body any, err error) {
				handled++
				return nil, test.body, test.err
			}, dedupe.Options{Anonymous: true})}
			defer s.Close()
			ours, theirs := net.Pipe()
			go s.ServeStream(theirs)
			c := petrichor.NewConn(ours)
			defer c.Close()
			c.Request(nil, nil)
			for _, want := range []string{test.first, test.then} {
				f, err := c.Request(petrichor.Header{"once": test.once}, "x")
				if err != nil {
					t.Fatal(err)
				}
				var got struct {
					Error string `tnet:"error"`
				}
				if err := petrichor.Unmarshal(f.Header, &got); err != nil || got.Error != want {
					t.Errorf("%s; want %q", f.Header, want)
				}
			}
			if handled > 1 {
				t.Errorf("handled %d times", handled)
			}
			if f, err := c.Request(petrichor.Header{"once": test.once}, "y"); err != nil || handled == 1 && !errorIs(f, dedupe.ErrDifferent) {
				t.Errorf("another body: %s, %v", f.Header, err)
			}
		})
	}
}

func errorIs(f petrichor.Frame, want *service.Error) bool {
	value, err := f.Header.Get("error")
	var text string
	return err == nil && petrichor.Unmarshal(value, &text) == nil && text == want.Text
}
