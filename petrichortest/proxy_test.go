package petrichortest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// tcpServe hands each connection to serve, and returns the address.
func tcpServe(t testing.TB, serve func(*net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				serve(c.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return l.Addr().String()
}

func tcpDial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return c.(*net.TCPConn)
}

// arrival is what the target of a Proxy received, and how it ended.
type arrival struct {
	b   []byte
	err error
}

// through sends b through a Proxy, to a target that reads to the end.
func through(t *testing.T, f Faults, b []byte) (arrival, Counts) {
	t.Helper()
	arrived := make(chan arrival, 1)
	p := NewProxy(t, tcpServe(t, func(c *net.TCPConn) {
		c.SetDeadline(time.Now().Add(20 * time.Second))
		b, err := io.ReadAll(c)
		arrived <- arrival{b, err}
	}), f)
	c := tcpDial(t, p.Addr())
	c.Write(b) // an error is the fault's doing
	c.CloseWrite()
	a := <-arrived
	return a, p.Counts()
}

func proxyBytes(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(b)
	return b
}

func TestProxyFaults(t *testing.T) {
	sent := proxyBytes(300_000)
	for _, c := range []struct {
		name  string
		f     Faults
		check func(arrival, Counts) error
	}{
		{"nothing", Faults{}, func(a arrival, n Counts) error {
			return proxyWant(a, sent, nil)
		}},
		{"reset", Faults{Reset: 50_000}, func(a arrival, n Counts) error {
			if !errors.Is(a.err, syscall.ECONNRESET) || n.Reset != 1 || !bytes.HasPrefix(sent, a.b) {
				return fmt.Errorf("%d bytes, error %v, %d resets; want a reset within", len(a.b), a.err, n.Reset)
			}
			return nil
		}},
		{"cut", Faults{Cut: 50_000}, func(a arrival, n Counts) error {
			if len(a.b) == len(sent) || n.Cut != 1 || !bytes.HasPrefix(sent, a.b) {
				return fmt.Errorf("%d bytes, error %v, %d cuts; want an end within", len(a.b), a.err, n.Cut)
			}
			return nil
		}},
		{"half-close", Faults{HalfClose: 50_000}, func(a arrival, n Counts) error {
			if len(a.b) == len(sent) || n.HalfClose != 1 {
				return fmt.Errorf("%d bytes, %d half-closes; want an end within", len(a.b), n.HalfClose)
			}
			return proxyWant(a, sent[:len(a.b)], nil)
		}},
		{"corrupt", Faults{Corrupt: 50_000}, func(a arrival, n Counts) error {
			if changed := proxyDiffer(a.b, sent); changed == 0 || int64(changed) != n.Corrupt {
				return fmt.Errorf("%d bytes changed, %d counted", changed, n.Corrupt)
			}
			return nil
		}},
		{"delay", Faults{Delay: 50_000, MaxDelay: time.Millisecond}, func(a arrival, n Counts) error {
			if n.Delay == 0 {
				return errors.New("no delay")
			}
			return proxyWant(a, sent, nil)
		}},
		{"slice", Faults{Slice: 5_000}, func(a arrival, n Counts) error {
			if n.Slice == 0 {
				return errors.New("nothing sliced")
			}
			return proxyWant(a, sent, nil)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.f.Seed = 1
			a, n := through(t, c.f, sent)
			if err := c.check(a, n); err != nil {
				t.Error(err)
			}
		})
	}
}

func proxyWant(a arrival, b []byte, err error) error {
	if !bytes.Equal(a.b, b) || a.err != err {
		return fmt.Errorf("%d bytes and error %v arrived, want the %d sent and %v", len(a.b), a.err, len(b), err)
	}
	return nil
}

func proxyDiffer(a, b []byte) (n int) {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// Nothing passes after a stall, and neither peer is told.
func TestProxyStall(t *testing.T) {
	p := NewProxy(t, tcpServe(t, func(c *net.TCPConn) { io.Copy(c, c) }), Faults{Seed: 1, Stall: 1000})
	c := tcpDial(t, p.Addr())
	go c.Write(proxyBytes(100_000))
	for p.Counts().Stall == 0 {
		time.Sleep(time.Millisecond)
	}
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := io.Copy(io.Discard, c)
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == 100_000 {
		t.Errorf("%d bytes and error %v came back, want fewer, and silence", n, err)
	}
}

// The same seed makes the same faults at the same bytes, and another seed others.
func TestProxySeed(t *testing.T) {
	sent := proxyBytes(300_000)
	f := Faults{Seed: 7, Corrupt: 10_000, HalfClose: 200_000, Slice: 20_000, Delay: 100_000, MaxDelay: time.Millisecond}
	once, _ := through(t, f, sent)
	again, _ := through(t, f, sent)
	if !bytes.Equal(once.b, again.b) || bytes.Equal(once.b, sent[:len(once.b)]) {
		t.Errorf("%d bytes arrived, then %d; %d of them differ", len(once.b), len(again.b), proxyDiffer(once.b, again.b))
	}
	f.Seed = 8
	if other, _ := through(t, f, sent); bytes.Equal(once.b, other.b) {
		t.Error("another seed, the same faults")
	}
}

// A reset is passed on from either side, and so is one of all.
func TestProxyResets(t *testing.T) {
	p := NewProxy(t, tcpServe(t, func(c *net.TCPConn) {
		c.Read(make([]byte, 1))
		c.SetLinger(0)
	}), Faults{})
	byPeer, byAll := tcpDial(t, p.Addr()), tcpDial(t, p.Addr())
	byPeer.Write([]byte("x"))
	if _, err := byPeer.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the target's reset came as %v", err)
	}
	for p.Counts().Connections < 2 || p.Counts().Reset == 0 {
		p.ResetAll()
		time.Sleep(time.Millisecond)
	}
	if _, err := byAll.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the reset of all came as %v", err)
	}
}

// Where nobody listens, the peer is told by a reset.
func TestProxyRefused(t *testing.T) {
	const nobody = "127.0.0.1:1" // a port that has been free may be given to the proxy
	p := NewProxy(t, nobody, Faults{})
	c, err := net.Dial("tcp", p.Addr())
	if err == nil {
		_, err = c.Read(make([]byte, 1))
		c.Close()
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("nobody listens, and the error is %v", err)
	}
	if n := p.Counts(); n.Refused != 1 {
		t.Errorf("%d refused, want 1", n.Refused)
	}
}

// Frames arrive whole and in order through tiny portions and delays.
func TestProxyFrames(t *testing.T) {
	p := NewProxy(t, tcpServe(t, func(c *net.TCPConn) {
		conn := petrichor.NewConn(c)
		for {
			f, err := conn.Recv()
			if err != nil || conn.Send(f.Header, f.Body) != nil {
				return
			}
		}
	}), Faults{Slice: 100, Delay: 10_000, MaxDelay: time.Millisecond})
	conn := petrichor.NewConn(tcpDial(t, p.Addr()))
	for n := range 500 {
		f, err := conn.Request(petrichor.Header{"id": n}, "hello")
		if err != nil {
			t.Fatal(err)
		}
		var header struct {
			ID int `tnet:"id"`
		}
		if err := petrichor.Unmarshal(f.Header, &header); err != nil || header.ID != n {
			t.Fatalf("frame %d came back as %s, %v", n, f.Header, err)
		}
	}
}
