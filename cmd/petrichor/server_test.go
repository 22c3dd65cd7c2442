package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A logbook keeps what a server logs.
type logbook struct {
	mu    sync.Mutex
	lines []string
}

func (l *logbook) log(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// serving runs s on the loopback until the test ends, and then wants no goroutine to be left.
func serving(t *testing.T, s *server) (addr string, log *logbook, stop func()) {
	t.Helper()
	before := runtime.NumGoroutine()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log = &logbook{}
	s.log = log.log
	if s.first == 0 {
		s.first, s.idle, s.maxConns = 5*time.Second, 5*time.Second, 64
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.serve(ctx, l) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(func() {
		stop()
		wantGoroutines(t, before)
	})
	return l.Addr().String(), log, stop
}

// wantGoroutines gives goroutines that are about to end a second to do so.
func wantGoroutines(t *testing.T, want int) {
	t.Helper()
	for range 100 {
		if runtime.NumGoroutine() <= want {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 64<<10)
	t.Errorf("%d goroutines, want %d\n%s", runtime.NumGoroutine(), want, stacks[:runtime.Stack(stacks, true)])
}

func dialTest(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	return conn.(*net.TCPConn)
}

// say sends text, closes that half, and returns all that comes back.
func say(t *testing.T, addr, text string) string {
	t.Helper()
	conn := dialTest(t, addr)
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	conn.CloseWrite()
	answer, _ := io.ReadAll(conn) // a reset ends it as well as the end does
	return string(answer)
}

// What a peer has sent is answered, also when it has closed its sending half; nothing after a
// fault is.
func TestServerEchoes(t *testing.T) {
	addr, _, _ := serving(t, &server{deny: petrichor.Header{"name": "mallory"}})
	const allowed = "17:7:allowed,4:true!}"
	for _, c := range []struct{ name, sent, want string }{
		{"nothing", "", ""},
		{"first frame", "0:}5:hello,", allowed + "5:hello,"},
		{"requests in one go", "0:}0:~0:}1:a,0:}1:b,", allowed + "0:~0:}1:a,0:}1:b,"},
		{"half a request", "0:}0:~0:}1:", allowed + "0:~"},
		{"half a first frame", "0:}", ""},
		{"no dict", "0:~0:~", ""},
		{"another protocol", "GET / HTTP/1.1\r\n\r\n", ""},
		{"says itself that it is allowed", "18:7:allowed,5:false!}0:~", allowed + "0:~"},
		{"first header twice the same key", "14:1:a,0:~1:a,0:~}0:~", ""},
		{"too large a first frame", "0:}20000:" + strings.Repeat("x", 20000) + ",", ""},
		{"denied", "17:4:name,7:mallory,}0:~0:}1:a,", "35:7:allowed,5:false!4:name,7:mallory,}19:denied for its name,"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := say(t, addr, c.sent); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Peers that say nothing, or stop in the middle, are cut off in their time.
func TestServerDeadlines(t *testing.T) {
	addr, log, _ := serving(t, &server{first: 50 * time.Millisecond, idle: 100 * time.Millisecond, maxConns: 8})
	for _, sent := range []string{"", "0:", "0:}0:~", "0:}0:~0:}5:he"} {
		conn := dialTest(t, addr)
		io.WriteString(conn, sent)
		start := time.Now()
		io.Copy(io.Discard, conn)
		if took := time.Since(start); took > time.Second {
			t.Errorf("after %q: cut off after %v", sent, took)
		}
	}
	if !strings.Contains(log.String(), "i/o timeout") {
		t.Errorf("log: %s", log)
	}
}

// One peer too many is closed at once, and does not disturb the others.
func TestServerMaxConns(t *testing.T) {
	addr, _, _ := serving(t, &server{first: time.Second, idle: time.Second, maxConns: 1})
	first := dialTest(t, addr)
	io.WriteString(first, "0:}0:~")
	answer := make([]byte, len("17:7:allowed,4:true!}0:~"))
	if _, err := io.ReadFull(first, answer); err != nil {
		t.Fatal(err)
	}
	if got := say(t, addr, "0:}0:~"); got != "" {
		t.Errorf("the second peer got %q", got)
	}
	io.WriteString(first, "0:}1:a,")
	if _, err := io.ReadFull(first, answer[:7]); err != nil || string(answer[:7]) != "0:}1:a," {
		t.Errorf("the first peer got %q, %v", answer[:7], err)
	}
}

// Stopping ends waiting at once: for peers, for first frames and for the next.
func TestServerStops(t *testing.T) {
	addr, _, stop := serving(t, &server{})
	silent, idle := dialTest(t, addr), dialTest(t, addr)
	io.WriteString(idle, "0:}0:~")
	io.ReadFull(idle, make([]byte, 24))
	start := time.Now()
	stop()
	if took := time.Since(start); took > time.Second {
		t.Errorf("stopping took %v", took)
	}
	for _, conn := range []net.Conn{silent, idle} {
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a connection outlived the server: %v", err)
		}
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("the server still listens")
	}
}

// Out of descriptors, the server waits and goes on.
func TestServerOutlivesAcceptErrors(t *testing.T) {
	l := &flakyListener{errs: make(chan error, 3), closed: make(chan struct{})}
	for range 3 {
		l.errs <- errors.New("too many open files")
	}
	log := &logbook{}
	s := &server{maxConns: 1, log: log.log}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if err := s.serve(ctx, l); err != nil {
		t.Errorf("serve: %v", err)
	}
	if got := strings.Count(log.String(), "too many open files"); got != 3 {
		t.Errorf("log: %s", log)
	}
	if !strings.Contains(log.String(), "again in 40ms") {
		t.Errorf("the wait does not grow: %s", log)
	}
}

// A flakyListener fails as often as it has errors, and then waits.
type flakyListener struct {
	errs   chan error
	closed chan struct{}
}

func (l *flakyListener) Accept() (net.Conn, error) {
	select {
	case err := <-l.errs:
		return nil, err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *flakyListener) Close() error   { close(l.closed); return nil }
func (l *flakyListener) Addr() net.Addr { return &net.TCPAddr{} }

// A listener that somebody else has closed is an error, not a wait.
func TestServerClosedListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	s := &server{log: func(string, ...any) {}}
	if err := s.serve(context.Background(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want %v", err, net.ErrClosed)
	}
}

// Many peers at once each get their own frames back, and leave nothing behind.
func TestServerManyPeers(t *testing.T) {
	addr, _, _ := serving(t, &server{})
	var peers sync.WaitGroup
	for i := range 32 {
		peers.Go(func() {
			s := clientOf(t, addr)
			defer s.conn.Close()
			for j := range 50 {
				body := fmt.Sprintf("%d of %d", j, i)
				reply, err := s.request(petrichor.Header{"id": j}, body)
				var got string
				if err == nil {
					err = petrichor.Unmarshal(reply.Body, &got)
				}
				if err != nil || got != body {
					t.Errorf("got %q, %v, want %q", got, err, body)
				}
			}
		})
	}
	peers.Wait()
}

func clientOf(t *testing.T, addr string) *session {
	s := &session{addr: addr, conn: petrichor.NewConn(dialTest(t, addr)), timeout: 5 * time.Second}
	if _, err := s.greet(petrichor.Header{"name": "alice"}); err != nil {
		t.Error(err)
	}
	return s
}

// The demonstration leaves no goroutine behind.
func TestDemoLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	a := &app{color: newChoice("never")}
	stdout := captureStdout(t)
	if err := a.demo(); err != nil {
		t.Error(err)
	}
	if got := stdout(); !strings.Contains(got, "mallory -> echo") {
		t.Errorf("%q", got)
	}
	wantGoroutines(t, before)
}
