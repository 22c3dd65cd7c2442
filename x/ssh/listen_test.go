package ssh

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor/service"
	"golang.org/x/crypto/ssh"
)

// underWay is how many handshakes are.
func underWay(l *Listener) int {
	l.lobby.mu.Lock()
	defer l.lobby.mu.Unlock()
	return len(l.lobby.guests)
}

// listening listens, and returns who may come in.
func listening(t *testing.T) (*Listener, *ssh.ClientConfig) {
	t.Helper()
	server, client := configs(t, newKey(t), newKey(t), "zed")
	l, err := Listen("127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, client
}

// pair opens a stream to l.
func pair(t *testing.T, l *Listener, config *ssh.ClientConfig) (near, far io.ReadWriteCloser) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	dialed := make(chan error, 1)
	go func() (err error) {
		defer func() { dialed <- err }()
		near, err = Dial(ctx, l.Addr().String(), config)
		return err
	}()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := <-dialed; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}

// served fails where a good peer is not within a time.
func served(t *testing.T, l *Listener, config *ssh.ClientConfig, within time.Duration) {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s, err := Dial(ctx, l.Addr().String(), config)
	if err != nil {
		t.Error(err)
		return
	}
	s.Close()
	if took := time.Since(began); took > within {
		t.Errorf("a good peer is served after %v", took)
	}
}

// take accepts and closes all streams until l is closed.
func take(l *Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		c.Close()
	}
}

// Peers that open sessions without end, and never ask for the subsystem, leave nothing
// behind, whether they stay or vanish.
func TestManySessions(t *testing.T) {
	l, client := listening(t)
	before := runtime.NumGoroutine()
	stays := make([]net.Conn, 0, 32)
	for i := range 64 {
		socket, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conn, channels, requests, err := ssh.NewClientConn(socket, "", client)
		if err != nil {
			t.Fatal(err)
		}
		go ssh.DiscardRequests(requests)
		go refuse(channels)
		for range 40 {
			go conn.OpenChannel("session", nil)
		}
		if i%2 == 0 {
			time.AfterFunc(200*time.Millisecond, func() { socket.Close() })
			continue
		}
		stays = append(stays, socket)
	}
	for end := time.Now().Add(patience + 3*time.Second); underWay(l) > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := underWay(l); n > 0 {
		t.Errorf("%d handshakes are under way for ever", n)
	}
	for _, socket := range stays {
		socket.Close()
	}
	for end := time.Now().Add(3 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
	go take(l)
	served(t, l, client, 2*time.Second)
}

// A crowd that says nothing keeps nobody waiting.
func TestSilent(t *testing.T) {
	l, client := listening(t)
	go take(l)
	for range 3 * 64 {
		socket, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close()
	}
	time.Sleep(50 * time.Millisecond)
	served(t, l, client, 2*time.Second)
}

// An addressed socket comes from somewhere.
type addressed struct {
	net.Conn
	from netip.AddrPort
}

func (a addressed) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(a.from) }
func (a addressed) Close() error         { return nil }

// Those who have to go are the oldest of the most crowded address.
func TestCrowd(t *testing.T) {
	var l lobby
	enter := func(from string) *guest {
		return l.enter(addressed{from: netip.AddrPortFrom(netip.MustParseAddr(from), 1)})
	}
	gone := func(g *guest) bool {
		select {
		case <-g.gone:
			return true
		default:
			return false
		}
	}
	alone := enter("192.0.2.1")
	var crowd []*guest
	for i := range 3 * maxGuests {
		crowd = append(crowd, enter(fmt.Sprintf("2001:db8::%x", i+1)))
	}
	if gone(alone) || len(l.guests) != maxGuests {
		t.Errorf("alone: %v; %d guests", gone(alone), len(l.guests))
	}
	for i, g := range crowd {
		if want := i < len(crowd)-maxGuests+1; gone(g) != want {
			t.Errorf("%d: %v, want %v", i, gone(g), want)
		}
	}
}

// A faulty listener fails to accept, as often as it is told to.
type faulty struct {
	net.Listener
	fail chan error
}

func (f *faulty) Accept() (net.Conn, error) {
	select {
	case err := <-f.fail:
		return nil, err
	default:
		return f.Listener.Accept()
	}
}

// An error that passes is what Accept returns, and not its end: a service goes on.
func TestAcceptFails(t *testing.T) {
	server, client := configs(t, newKey(t), newKey(t), "zed")
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{tcp, make(chan error, 2)}
	f.fail <- syscall.EMFILE
	f.fail <- syscall.EMFILE
	l := listen(f, server)
	if _, err := l.Accept(); err != syscall.EMFILE {
		t.Errorf("%v", err)
	}
	s := echo()
	s.Log = slog.New(slog.DiscardHandler)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	ask(t, func(ctx context.Context) (io.ReadWriteCloser, error) { return Dial(ctx, l.Addr().String(), client) })
	s.Close()
	if err := <-served; err != service.ErrServerClosed {
		t.Error(err)
	}
}

// Close ends a listener whose error nobody has taken.
func TestCloseFailed(t *testing.T) {
	server, _ := configs(t, newKey(t), newKey(t), "zed")
	before := runtime.NumGoroutine()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{tcp, make(chan error, 1)}
	f.fail <- syscall.EMFILE
	l := listen(f, server)
	time.Sleep(20 * time.Millisecond)
	l.Close()
	l.Close()
	for range 2 {
		if _, err := l.Accept(); err != net.ErrClosed && err != syscall.EMFILE {
			t.Error(err)
		}
	}
	for end := time.Now().Add(3 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// What is said on stderr, by either end, does not stop the stream: 4 MiB, where the window
// of both together is 2.
func TestStderr(t *testing.T) {
	l, client := listening(t)
	near, far := pair(t, l, client)
	for name, ends := range map[string][2]io.ReadWriteCloser{"client": {near, far}, "server": {far, near}} {
		done := make(chan error, 1)
		go func() {
			_, err := io.ReadFull(ends[1], make([]byte, 4096*6))
			done <- err
		}()
		go func() {
			stderr := ends[0].(interface{ Stderr() io.ReadWriter }).Stderr()
			for range 4096 {
				stderr.Write(make([]byte, 1024))
				io.WriteString(ends[0], "0:}0:~")
			}
		}()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("the %s complains, and the stream stalls", name)
		}
	}
}

// A stuck socket takes nothing any more, from when it is told to, until it is closed.
type stuck struct {
	net.Conn
	full   atomic.Bool
	closed chan struct{}
	once   sync.Once
}

func (s *stuck) Write(b []byte) (int, error) {
	if s.full.Load() {
		<-s.closed
		return 0, net.ErrClosed
	}
	return s.Conn.Write(b)
}

func (s *stuck) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.Conn.Close()
}

type stuckListener struct {
	net.Listener
	sockets chan *stuck
}

func (l stuckListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s := &stuck{Conn: c, closed: make(chan struct{})}
	l.sockets <- s
	return s, nil
}

// Close does not wait for a peer that does not read.
func TestCloseStuck(t *testing.T) {
	server, client := configs(t, newKey(t), newKey(t), "zed")
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sockets := make(chan *stuck, 1)
	l := listen(stuckListener{tcp, sockets}, server)
	defer l.Close()
	_, far := pair(t, l, client)
	(<-sockets).full.Store(true)
	wrote := make(chan error, 1)
	go func() {
		_, err := far.Write([]byte("0:}0:~"))
		wrote <- err
	}()
	time.Sleep(20 * time.Millisecond)
	closed := make(chan error, 1)
	go func() { closed <- far.Close() }()
	select {
	case <-closed:
	case <-time.After(2 * time.Second):
		t.Fatal("Close waits")
	}
	<-wrote // it has ended, with whatever x/crypto makes of it
}
