package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
)

// echoServer is an echo that denies these peers, until the test ends; then no goroutine may be left.
func echoServer(t *testing.T, deny petrichor.Header) (addr string) {
	t.Helper()
	gate := &gate{echoes: true, deny: headerFlag{deny}}
	return serverOf(t, &service.Server{Loop: echoing, Admit: gate.admit})
}

// serverOf runs s on the loopback until the test ends.
func serverOf(t *testing.T, s *service.Server) (addr string) {
	t.Helper()
	before := runtime.NumGoroutine()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Log = slog.New(slog.DiscardHandler)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != service.ErrServerClosed {
			t.Errorf("serve: %v", err)
		}
		wantGoroutines(t, before)
	})
	return l.Addr().String()
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
func TestEcho(t *testing.T) {
	addr := echoServer(t, petrichor.Header{"name": "mallory"})
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

// Many peers at once each get their own frames back, and leave nothing behind.
func TestEchoManyPeers(t *testing.T) {
	addr := echoServer(t, nil)
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

// A gate lets in who has one of the entries it allows, and none of those it denies.
func TestGate(t *testing.T) {
	for _, c := range []struct {
		allow, deny petrichor.Header
		first       string
		want        bool
	}{
		{nil, nil, "0:}", true},
		{petrichor.Header{"key": "secret"}, nil, "0:}", false},
		{petrichor.Header{"key": "secret"}, nil, "15:3:key,6:secret,}", true},
		{petrichor.Header{"key": "secret"}, nil, "15:3:key,6:Secret,}", false},
		{petrichor.Header{"key": "secret"}, nil, "14:3:key,5:secre,}", false},
		{petrichor.Header{"key": 1}, nil, "10:3:key,1:1,}", false}, // a string is no int
		{petrichor.Header{"key": 1, "other": 2}, nil, "12:5:other,1:2#}", true},
		{petrichor.Header{"key": 1}, petrichor.Header{"bad": true}, "23:3:bad,4:true!3:key,1:1#}", false},
		{nil, petrichor.Header{"bad": true}, "9:3:bad,0:~}", true},
	} {
		g := &gate{allow: headerFlag{c.allow}, deny: headerFlag{c.deny}}
		answer, err := g.admit(t.Context(), &service.Peer{First: petrichor.Frame{Header: petrichor.Raw(c.first), Body: petrichor.Raw("0:~")}})
		if err != nil || answer.Allow != c.want || !answer.Allow && answer.Body == nil {
			t.Errorf("%v %v %s: %+v, %v", c.allow, c.deny, c.first, answer, err)
		}
		if strings.Contains(fmt.Sprint(answer), "secret") {
			t.Errorf("%+v has the secret", answer)
		}
	}
	g := &gate{}
	if _, err := g.admit(t.Context(), &service.Peer{First: petrichor.Frame{Header: petrichor.Raw("10:1:a,0:~1:a,0:~}")}}); err == nil {
		t.Error("a key twice is allowed in")
	}
}
