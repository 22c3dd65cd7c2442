package service

// Rows 32 to 35, 39, 40 and 42: who is cut, and when.

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

const second = time.Second

// A peer that says nothing, or not all of its first frame, or does not finish the
// TLS handshake, is cut after 5 seconds.
func TestLimit32Silent(t *testing.T) {
	handshake := func(stream io.ReadWriteCloser) (string, error) {
		return "", tls.Server(stream.(net.Conn), &tls.Config{}).Handshake()
	}
	for name, c := range map[string]struct {
		in       string
		identify func(io.ReadWriteCloser) (string, error)
	}{
		"silent":            {},
		"half a frame":      {in: "0:}3:"},
		"no TLS handshake":  {identify: handshake},
		"half of it":        {in: "\x16\x03\x01", identify: handshake},
		"a slow first byte": {in: "trickle"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, &Server{Identify: c.identify}, func(t *testing.T, l *lab) {
				stream := l.connect()
				go trickle(stream, c.in)
				within(t, "cut", untilCut(stream), 5*second, 5500*time.Millisecond)
				if why := l.closed(1)[0]; !errors.Is(why, os.ErrDeadlineExceeded) {
					t.Error(why)
				}
			})
		})
	}
}

// trickle writes in, or a frame of 1,000 bytes one by one each 100 ms.
func trickle(stream net.Conn, in string) {
	if in != "trickle" {
		stream.Write([]byte(in))
		return
	}
	for _, b := range []byte("0:}1000:" + strings.Repeat("x", 1000)) {
		if _, err := stream.Write([]byte{b}); err != nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// A frame that is not whole 30 seconds after its first byte is the last, whatever
// trickles in, and whatever came before.
func TestLimit33Slowloris(t *testing.T) {
	inBubble(t, &Server{}, func(t *testing.T, l *lab) {
		p := l.greet()
		time.Sleep(100 * second)
		go trickle(p.stream, "trickle")
		within(t, "cut", untilCut(p.stream), 30*second, 30500*time.Millisecond)
		if why := l.closed(1)[0]; !errors.Is(why, os.ErrDeadlineExceeded) || !strings.Contains(why.Error(), "whole of a frame") {
			t.Error(why)
		}
	})
	t.Run("the clock begins with each frame", func(t *testing.T) {
		inBubble(t, &Server{}, func(t *testing.T, l *lab) {
			p := l.greet()
			for range 10 {
				for _, piece := range []string{"0:}", "5:ab", "cde,"} {
					time.Sleep(14 * second)
					p.stream.Write([]byte(piece))
				}
				if f, err := p.Recv(); err != nil || text(f) != "0:}5:abcde," {
					t.Fatalf("%s, %v", text(f), err)
				}
			}
		})
	})
	t.Run("and not while a handler runs", func(t *testing.T) {
		handle := func(_ context.Context, req *Request) (any, any, error) {
			time.Sleep(60 * second)
			return nil, nil, nil
		}
		inBubble(t, &Server{Handle: handle}, func(t *testing.T, l *lab) {
			p := l.greet()
			go p.stream.Write([]byte("0:}1:x,0:}1:"))
			if _, err := p.Recv(); err != nil {
				t.Fatal(err)
			}
			within(t, "cut", untilCut(p.stream), 30*second, 30500*time.Millisecond)
		})
	})
}

// A peer that was allowed, and is silent, is cut after 120 seconds.
func TestLimit34Idle(t *testing.T) {
	inBubble(t, &Server{}, func(t *testing.T, l *lab) {
		p := l.greet()
		for range 5 {
			time.Sleep(119 * second)
			if _, err := p.Request(nil, "x"); err != nil {
				t.Fatal(err)
			}
		}
		within(t, "cut", untilCut(p.stream), 120*second, 120500*time.Millisecond)
		if why := l.closed(1)[0]; !errors.Is(why, os.ErrDeadlineExceeded) {
			t.Error(why)
		}
	})
}

// One ping in 10 seconds is answered, without a handler; after two more often than
// that the next is the last.
func TestLimit35Pings(t *testing.T) {
	for name, ping := range map[string]string{
		"pings":        "14:4:ping,4:true!}0:~",
		"empty frames": "0:}0:~",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, &Server{}, func(t *testing.T, l *lab) {
				p := l.greet()
				send := func() error {
					p.stream.Write([]byte(ping))
					f, err := p.Recv()
					if err == nil && text(f) != "0:}0:~" {
						t.Errorf("answered %s", text(f))
					}
					return err
				}
				for range 10 {
					if err := send(); err != nil {
						t.Fatal(err)
					}
					time.Sleep(pingEvery)
				}
				for range 1 + maxStrikes {
					if err := send(); err != nil {
						t.Fatal(err)
					}
				}
				if err := send(); err == nil {
					t.Error("answered a flood")
				}
				if why := l.closed(1)[0]; why != errPings {
					t.Error(why)
				}
				if n := l.handled.Load(); n != 0 {
					t.Errorf("%d were handled", n)
				}
			})
		})
	}
	t.Run("with ids, and what is none", func(t *testing.T) {
		inBubble(t, &Server{}, func(t *testing.T, l *lab) {
			p := l.greet()
			for _, in := range []string{
				"23:4:ping,4:true!2:id,1:7#}0:~", // a ping
				"15:4:ping,5:false!}0:~", "14:4:ping,4:true,}0:~", "14:4:ping,4:true!}0:]", "14:4:pong,4:true!}0:~",
			} {
				p.stream.Write([]byte(in))
				if _, err := p.Recv(); err != nil {
					t.Errorf("%s: %v", in, err)
				}
			}
			if n := l.handled.Load(); n != 4 {
				t.Errorf("%d were handled", n)
			}
		})
	})
}

// A peer that takes nothing of what is sent for 10 seconds is cut, and nobody else
// notices; one that takes it slowly is not.
func TestLimit39NeverReads(t *testing.T) {
	reply := petrichor.Raw(petrichor.Append(nil, petrichor.KindString, make([]byte, 500_000)))
	handle := func(context.Context, *Request) (any, any, error) { return nil, reply, nil }
	t.Run("cut", func(t *testing.T) {
		inBubble(t, &Server{Handle: handle}, func(t *testing.T, l *lab) {
			p, others := l.greet(), []*peer{l.greet(), l.greet()}
			began := time.Now()
			p.stream.Write([]byte("0:}1:x,"))
			for range 20 { // time stands still for them: it passes only when all wait
				for _, other := range others {
					if _, err := other.Request(nil, "x"); err != nil {
						t.Error(err)
					}
				}
			}
			if took := time.Since(began); took != 0 {
				t.Errorf("the others waited %v", took)
			}
			why := l.closedLater(1)[0]
			within(t, "cut", time.Since(began), 10*second, 10500*time.Millisecond)
			if !errors.Is(why, os.ErrDeadlineExceeded) || !strings.Contains(why.Error(), "did not take") {
				t.Error(why)
			}
		})
	})
	t.Run("the kernel keeps nothing for it", func(t *testing.T) {
		l := onLoopback(t, &Server{Handle: handle, WriteTimeout: second / 10})
		p := l.greet()
		p.stream.(*net.TCPConn).SetReadBuffer(4 << 10)
		for range 1000 { // 500 MB, more than any kernel takes
			p.stream.Write([]byte("0:}1:x,"))
		}
		l.closed(1)
		p.stream.SetDeadline(time.Now().Add(10 * second))
		if _, err := io.Copy(io.Discard, p.stream); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("what was left to be sent still comes: %v", err)
		}
	})
	t.Run("slow", func(t *testing.T) {
		inBubble(t, &Server{Handle: handle}, func(t *testing.T, l *lab) {
			p := l.greet()
			p.stream.Write([]byte("0:}1:x,"))
			for left := len("0:}") + len(reply); left > 0; left -= 50_000 {
				time.Sleep(4 * second) // so that 64 KiB take less than 10
				if _, err := io.ReadFull(p.stream, make([]byte, min(left, 50_000))); err != nil {
					t.Fatal(err)
				}
			}
		})
	})
	t.Run("first frame", func(t *testing.T) {
		inBubble(t, &Server{}, func(t *testing.T, l *lab) {
			stream := l.connect()
			stream.Write([]byte("0:}0:~"))
			began := time.Now()
			l.closedLater(1)
			within(t, "cut", time.Since(began), 10*second, 10500*time.Millisecond)
		})
	})
}

// closedLater is closed in a bubble, where time has to pass.
func (l *lab) closedLater(n int) []error {
	for range 10_000 {
		synctest.Wait()
		if len(l.events.of(Closed)) >= n {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return l.closed(n)
}

// However many requests come: one handler for a connection, MaxHandlers in all,
// counted until they have returned.
func TestLimit40Handlers(t *testing.T) {
	for _, perConn := range []int{1, 3} {
		var running, most, ofOne, most1 atomic.Int64
		handle := func(_ context.Context, req *Request) (any, any, error) {
			raise(&most, running.Add(1))
			defer running.Add(-1)
			if string(req.Frame.Body) == "3:one," {
				raise(&most1, ofOne.Add(1))
				defer ofOne.Add(-1)
			}
			time.Sleep(second)
			return nil, nil, nil
		}
		inBubble(t, &Server{Handle: handle, MaxHandlers: 4, HandlersPerConn: perConn}, func(t *testing.T, l *lab) {
			var done sync.WaitGroup
			for i := range 10 {
				p := l.greet()
				go io.Copy(io.Discard, p.stream)
				done.Go(func() {
					body := "other"
					if i == 0 {
						body = "one"
					}
					for range 10 {
						p.Send(nil, body)
					}
					if i > 4 {
						p.Close() // rapid connect and cancel: what runs still counts
					}
				})
			}
			done.Wait()
			time.Sleep(100 * second)
		})
		if most.Load() != 4 || most1.Load() > int64(perConn) {
			t.Errorf("%d handlers at once, %d of one connection", most.Load(), most1.Load())
		}
	}
}

func raise(most *atomic.Int64, n int64) {
	for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
	}
}

// A handler is told within a second that its peer has left, also when there are
// further requests to be read first.
func TestLimit40PeerLeaves(t *testing.T) {
	for _, perConn := range []int{1, 2} {
		for name, more := range map[string]string{"leaves": "", "leaves requests behind": "0:}1:y,0:}1:z,"} {
			t.Run(name, func(t *testing.T) {
				var told chan error // made in the bubble
				handle := func(ctx context.Context, req *Request) (any, any, error) {
					select {
					case <-ctx.Done():
					case <-time.After(time.Hour):
					}
					told <- context.Cause(ctx)
					return nil, nil, nil
				}
				inBubble(t, &Server{Handle: handle, HandlersPerConn: perConn}, func(t *testing.T, l *lab) {
					told = make(chan error, 10)
					p := l.greet()
					go p.stream.Write([]byte("0:}1:x," + more))
					time.Sleep(20 * second)
					began := time.Now()
					p.Close()
					if err := <-told; err != errLeft {
						t.Error(err)
					}
					within(t, "told", time.Since(began), 0, second)
					l.closedLater(1)
					within(t, "ended", time.Since(began), 0, second)
				})
			})
		}
	}
	t.Run("reset", func(t *testing.T) {
		told := make(chan struct{})
		handle := func(ctx context.Context, req *Request) (any, any, error) {
			<-ctx.Done()
			close(told)
			return nil, nil, nil
		}
		l := onLoopback(t, &Server{Handle: handle})
		p := l.greet()
		p.Send(nil, "x")
		eventually(t, "it is handled", func() bool { return l.handled.Load() == 1 })
		p.stream.(*net.TCPConn).SetLinger(0)
		began := time.Now()
		p.Close()
		<-told
		within(t, "told", time.Since(began), 0, second)
	})
}

// What comes while a long handler runs is not lost, nor out of order.
func TestReadingAhead(t *testing.T) {
	handle := func(ctx context.Context, req *Request) (any, any, error) {
		if string(req.Frame.Body) == "4:slow," {
			time.Sleep(2 * second)
		}
		return nil, req.Frame.Body, nil
	}
	for _, size := range []int{1, 1000, 100_000} {
		inBubble(t, &Server{Handle: handle}, func(t *testing.T, l *lab) {
			p := l.greet()
			body := strings.Repeat("x", size)
			for range 3 {
				go func() {
					p.stream.Write([]byte("0:}4:slow,"))
					time.Sleep(second)
					p.Send(nil, body)
					p.Send(nil, body+"y")
				}()
				for _, want := range []int{4, size, size + 1} {
					if f, err := p.Recv(); err != nil || len(f.Body) < want+3 || len(f.Body) > want+8 {
						t.Fatalf("%d bytes, %v; want %d", len(f.Body), err, want)
					}
				}
				time.Sleep(second)
			}
			within(t, "cut", untilCut(p.stream), 119*second-second/2, 120*second)
		})
	}
	t.Run("on a socket", func(t *testing.T) {
		release := make(chan struct{})
		handle := func(ctx context.Context, req *Request) (any, any, error) {
			if string(req.Frame.Body) == "4:slow," {
				<-release
			}
			return nil, req.Frame.Body, nil
		}
		l := onLoopback(t, &Server{Handle: handle})
		for range 2 {
			p := l.greet()
			p.Send(nil, "slow")
			eventually(t, "somebody reads ahead", func() bool { return strings.Contains(leftover(0), "(*lookout).run") })
			release <- struct{}{}
			if f, err := p.Recv(); err != nil || string(f.Body) != "4:slow," {
				t.Fatalf("%s, %v", text(f), err)
			}
			for _, body := range []string{"a", "b"} {
				time.Sleep(10 * time.Millisecond) // so that it waits for the one who reads ahead
				if f, err := p.Request(nil, body); err != nil || text(f) != "0:}1:"+body+"," {
					t.Fatalf("%s, %v", text(f), err)
				}
			}
		}
	})
}

// A peer that closes its own direction gets the replies to all it has sent, and then
// the end; a second later nothing is left.
func TestLimit42HalfClose(t *testing.T) {
	for _, perConn := range []int{1, 2} {
		handle := func(ctx context.Context, req *Request) (any, any, error) {
			time.Sleep(20 * time.Millisecond)
			return nil, req.Frame.Body, nil
		}
		l := onLoopback(t, &Server{Handle: handle, HandlersPerConn: perConn})
		p := l.greet()
		if _, err := p.stream.Write([]byte("0:}1:x,0:}1:x,0:}1:x,")); err != nil {
			t.Fatal(err)
		}
		if err := p.stream.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if got := read(p.stream); got != "0:}1:x,0:}1:x,0:}1:x," {
			t.Errorf("%d handlers: %q", perConn, got)
		}
		l.closed(1)
		within(t, "ended", time.Since(began), 0, second)
		p.Close()
	}
}

// ---- Accepting ---------------------------------------------------------------------

// When descriptors are used up accepting is tried again after 10 ms, and after twice
// as long each time up to a second, and goes on as soon as there are some.
func TestLimit36AcceptBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lab := newLab(t, &Server{})
		failing := &failingListener{pipeListener: pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}}
		failing.left.Store(10)
		lab.dial = failing.dial
		served := make(chan error, 1)
		go func() { served <- lab.Serve(failing) }()
		began := time.Now()
		p := lab.greet()
		within(t, "greeted", time.Since(began), 4270*time.Millisecond, 4270*time.Millisecond) // 10 + 20 + ... + 640 + 3 times 1,000 ms
		if n := strings.Count(lab.logged.String(), "cannot accept"); n != 10 {
			t.Errorf("%d lines are logged", n)
		}
		failing.left.Store(1 << 30)
		p.Close()
		failing.conns <- nil // goes on to the next Accept
		time.Sleep(10 * second)
		lab.stop(served) // while it pauses
	})
	for err, want := range map[error]bool{
		&net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}: true,
		syscall.ENOBUFS:         true,
		os.ErrDeadlineExceeded:  true,
		net.ErrClosed:           false,
		syscall.EINVAL:          false,
		errors.New("who knows"): false,
	} {
		if passes(err) != want {
			t.Errorf("%v passes: %v", err, !want)
		}
	}
}

// A failingListener has no descriptors for some time.
type failingListener struct {
	pipeListener
	left atomic.Int64
}

func (l *failingListener) Accept() (net.Conn, error) {
	if l.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	c, err := l.pipeListener.Accept()
	if c == nil && err == nil {
		return nil, syscall.EMFILE
	}
	return c, err
}
