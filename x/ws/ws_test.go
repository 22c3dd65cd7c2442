//go:build !js

package ws

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/petrichortest"
	"github.com/petrichor-protocol/petrichor/service"
)

// A served is a Listener with a server around it, which ends with it.
type served struct {
	*Listener
	server *http.Server
}

func (s *served) Close() error {
	s.Listener.Close()
	return s.server.Close()
}

func listen() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &served{Listener: NewListener(l.Addr())}
	s.server = &http.Server{Handler: s.Listener, ReadHeaderTimeout: 5 * time.Second}
	go s.server.Serve(l)
	return s, nil
}

func TestTransport(t *testing.T) {
	petrichortest.TestTransport(t, listen, func(ctx context.Context, at net.Addr) (io.ReadWriteCloser, error) {
		return Dial(ctx, "ws://"+at.String())
	})
}

// A peer that does not name the protocol is not let in, and a page of another host
// neither.
func TestStrangers(t *testing.T) {
	l, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, opts := range map[string]*websocket.DialOptions{
		"no protocol":  {},
		"another":      {Subprotocols: []string{"chat"}},
		"another host": {Subprotocols: []string{Protocol}, HTTPHeader: http.Header{"Origin": {"https://evil.example"}}},
	} {
		c, _, err := websocket.Dial(t.Context(), "ws://"+l.Addr().String(), opts)
		if err != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if _, _, err := c.Read(ctx); err == nil || ctx.Err() != nil {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
		c.CloseNow()
	}
}

// upgrade opens a WebSocket from a host of this machine and answers nothing by itself.
func upgrade(t *testing.T, from string, at net.Addr) (net.Conn, *bufio.Reader) {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	c, err := d.Dial("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: %s\r\n\r\n", at, Protocol)
	r := bufio.NewReader(c)
	c.SetReadDeadline(time.Now().Add(30 * time.Second))
	if answer, err := http.ReadResponse(r, nil); err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(answer, err)
	}
	return c, r
}

// Peers that are refused and say nothing keep nobody waiting.
func TestRefused(t *testing.T) {
	l, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	s := &service.Server{MaxPerAddress: 1, Handle: func(context.Context, *service.Request) (any, any, error) { return nil, nil, nil }}
	go s.Serve(l)
	defer s.Close()
	first, err := Dial(t.Context(), "ws://"+l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := petrichor.NewConn(first).Greet(nil, nil); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		upgrade(t, "127.0.0.1", l.Addr())
	}
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	c, r := upgrade(t, "127.0.0.2", l.Addr())
	c.Write(append([]byte{0x82, 0x86, 0, 0, 0, 0}, "0:}0:~"...)) // a masked message
	if b, err := r.Peek(1); err != nil || b[0] != 0x82 {
		t.Errorf("%x, %v", b, err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("one from elsewhere is answered after %v", took)
	}
}

// pair opens a stream to l.
func pair(t *testing.T, l net.Listener) (near, far net.Conn) {
	t.Helper()
	dialed := make(chan error, 1)
	go func() (err error) {
		defer func() { dialed <- err }()
		near, err = Dial(t.Context(), "ws://"+l.Addr().String())
		return err
	}()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := <-dialed; err != nil {
		t.Fatal(err)
	}
	return near, far
}

// Close waits for nobody, whatever reads or writes, and leaves nothing behind; and who
// reads gets all that was written and then the end, also in the crowd of others.
func TestClose(t *testing.T) {
	l, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	before := runtime.NumGoroutine()
	silent := make([]net.Conn, cap(farewells)+50)
	for i := range silent {
		silent[i], _ = upgrade(t, "127.0.0.1", l.Addr())
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		far.Write([]byte("0:}0:~"))
		if i%2 == 0 {
			go far.Read(make([]byte, 1))
		}
		if i == 0 {
			go far.Write(make([]byte, 32<<20))
			time.Sleep(10 * time.Millisecond)
		}
		began := time.Now()
		far.Close()
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Fatalf("%d: Close takes %v", i, took)
		}
	}
	for _, reads := range []bool{false, true} {
		near, far := pair(t, l)
		want := bytes.Repeat([]byte("petrichor"), 30_000)
		written := make(chan error, 1)
		go func() {
			if reads {
				go far.Read(make([]byte, 1))
			}
			_, err := far.Write(want)
			far.Close()
			written <- err
		}()
		time.Sleep(50 * time.Millisecond)
		if got, err := io.ReadAll(near); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
		}
		if err := <-written; err != nil {
			t.Error(err)
		}
		near.Close()
	}
	for end := time.Now().Add(3 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
	for _, c := range silent {
		c.Close()
	}
}

// Who has dialed waits no longer, and what it reads ends.
func TestCloseDialed(t *testing.T) {
	l, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, reads := range []bool{false, true} {
		near, far := pair(t, l)
		defer far.Close()
		near.Write([]byte("0:}0:~"))
		read := make(chan error, 1)
		if reads {
			go func() {
				_, err := near.Read(make([]byte, 1))
				read <- err
			}()
			time.Sleep(10 * time.Millisecond)
		} else {
			read <- io.EOF
		}
		began := time.Now()
		near.Close()
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Errorf("Close takes %v", took)
		}
		select {
		case err := <-read:
			if err == nil {
				t.Error("something has come from nowhere")
			}
		case <-time.After(3 * time.Second):
			t.Error("what reads is not ended")
		}
	}
}
