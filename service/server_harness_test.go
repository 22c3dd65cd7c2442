package service

// What the tests of the server have in common: a server on loopback or, where time
// is involved, on pipes in a bubble; and what is left when it has been shut down.

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

func echoBody(_ context.Context, req *Request) (header, body any, err error) {
	return nil, req.Frame.Body, nil
}

// A lab is a server being tested.
type lab struct {
	*Server
	t       testing.TB
	addr    string
	events  eventLog
	logged  lockedBuffer
	handled atomic.Int64
	dial    func() (net.Conn, error)
}

// newLab makes s observed and logged, and counts what it handles.
func newLab(t testing.TB, s *Server) *lab {
	l := &lab{Server: s, t: t}
	if s.Handle == nil && s.Loop == nil {
		s.Handle = echoBody
	}
	if handle := s.Handle; handle != nil {
		s.Handle = func(ctx context.Context, req *Request) (any, any, error) {
			l.handled.Add(1)
			return handle(ctx, req)
		}
	}
	if s.Observer == nil {
		s.Observer = &l.events
	}
	if s.Log == nil {
		s.Log = slog.New(slog.NewTextHandler(&l.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return l
}

// onLoopback serves on TCP until the test ends, and sees that nothing is left then.
func onLoopback(t testing.TB, s *Server) *lab {
	t.Helper()
	lab := newLab(t, s)
	nothingLeft(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lab.addr = l.Addr().String()
	lab.dial = func() (net.Conn, error) { return net.Dial("tcp", lab.addr) }
	lab.serve(l)
	return lab
}

func (l *lab) serve(on net.Listener) {
	served := make(chan error, 1)
	go func() { served <- l.Serve(on) }()
	l.t.Cleanup(func() { l.stop(served) })
}

func (l *lab) stop(served chan error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := l.Shutdown(ctx); err != nil {
		l.t.Errorf("Shutdown: %v", err)
	}
	if err := <-served; err != ErrServerClosed {
		l.t.Errorf("Serve: %v", err)
	}
}

// inBubble runs do with a server on pipes, in a bubble in which time passes at
// once.  The bubble does not end before all goroutines of the server have.
func inBubble(t *testing.T, s *Server, do func(t *testing.T, l *lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		lab := newLab(t, s)
		pipes := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
		lab.dial = pipes.dial
		served := make(chan error, 1)
		go func() { served <- s.Serve(pipes) }()
		defer func() {
			lab.stop(served)
			time.Sleep(time.Minute) // for the goroutines of the test
		}()
		do(t, lab)
	})
}

// A pipeListener accepts the other ends of the pipes it dials.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *pipeListener) dial() (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return nil }

// connect dials and says nothing.
func (l *lab) connect() net.Conn {
	l.t.Helper()
	stream, err := l.dial()
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { stream.Close() })
	return stream
}

// A peer is the other end of a connection, allowed.
type peer struct {
	*petrichor.Conn
	stream net.Conn
}

// greet connects, and is allowed.
func (l *lab) greet() *peer {
	l.t.Helper()
	return l.greetWith(petrichor.Header{"user": "peer"})
}

func (l *lab) greetWith(header petrichor.Header) *peer {
	l.t.Helper()
	p := &peer{stream: l.connect()}
	p.Conn = petrichor.NewConn(p.stream)
	answer, err := p.Request(header, nil)
	if err != nil || !petrichor.Allowed(answer.Header) {
		l.t.Fatalf("not allowed: %s, %v", answer.Header, err)
	}
	return p
}

// text is a frame as bytes.
func text(f petrichor.Frame) string { return string(f.Header) + string(f.Body) }

// read returns all that comes until the connection ends.
func read(stream net.Conn) string {
	b, _ := io.ReadAll(stream)
	return string(b)
}

// untilCut returns how long it takes until nothing more comes.
func untilCut(stream io.Reader) time.Duration {
	began := time.Now()
	io.Copy(io.Discard, stream)
	return time.Since(began)
}

// within checks a time.
func within(t testing.TB, what string, got, least, most time.Duration) {
	t.Helper()
	if got < least || got > most {
		t.Errorf("%s: after %v; want %v to %v", what, got, least, most)
	}
}

// An eventLog keeps what an Observer is told.
type eventLog struct {
	mu     sync.Mutex
	events []Event
}

func (l *eventLog) Observe(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// of returns the events of a kind.
func (l *eventLog) of(kind EventKind) (events []Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.Kind == kind {
			events = append(events, e)
		}
	}
	return events
}

// closed returns why connections have ended, once n have.
func (l *lab) closed(n int) (why []error) {
	l.t.Helper()
	eventually(l.t, "connections have ended", func() bool { return len(l.events.of(Closed)) >= n })
	for _, e := range l.events.of(Closed) {
		why = append(why, e.Err)
	}
	return why
}

// eventually waits for something that takes a moment.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come to pass that %s", what)
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// ---- What is left ------------------------------------------------------------------

// descriptors returns how many descriptors are open, or 0 where that is not known.
func descriptors() int {
	names, _ := os.ReadDir("/proc/self/fd")
	return len(names)
}

// nothingLeft sees to it that at the end of the test there are no more goroutines
// and descriptors than now.
func nothingLeft(t testing.TB) {
	goroutines, files := runtime.NumGoroutine(), descriptors()
	t.Cleanup(func() {
		deadline := time.Now().Add(time.Second)
		for time.Now().Before(deadline) && (runtime.NumGoroutine() > goroutines || descriptors() > files) {
			time.Sleep(time.Millisecond)
		}
		if now := runtime.NumGoroutine(); now > goroutines {
			t.Errorf("%d goroutines, %d before\n%s", now, goroutines, leftover(0))
		}
		if now := descriptors(); now > files {
			t.Errorf("%d descriptors, %d before", now, files)
		}
	})
}

// held is how many bytes of heap and stacks are reachable after build, and were not
// before.
func held(build func()) int64 {
	before := live()
	build()
	return live() - before
}

func live() int64 {
	for range 3 { // stacks shrink by half each time
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

var errMine = errors.New("mine")

// quiet logs nothing.
var quiet = slog.New(slog.DiscardHandler)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
