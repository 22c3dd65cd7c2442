package service

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A peer that never answers keeps nobody longer than his context says, and the replies
// that come too late reach nobody else.
func TestClientDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newScript(t, nil)
		defer c.Close()
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		early := ask(c, ctx, "early")
		synctest.Wait()
		patient := ask(c, context.Background(), "patient")
		<-early.ended
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("the request took %v", took)
		}
		if !errors.Is(early.err, context.DeadlineExceeded) || !errors.Is(early.err, ErrMaybeHandled) {
			t.Errorf("the request ended with %v", early.err)
		}
		s.reply(0, 1) // in order, so for early
		s.reply(0, 2)
		<-patient.ended
		if patient.err != nil || string(patient.reply.Body) != body(2) {
			t.Errorf("the other request got %s, %v", patient.reply.Body, patient.err)
		}
		if late := c.Stats().Late; late != 1 {
			t.Errorf("%d replies counted as late", late)
		}
	})
}

// A request whose context is done is not sent.
func TestClientDoneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newScript(t, nil)
		defer c.Close()
		ctx, cancel := context.WithCancelCause(context.Background())
		why := errors.New("why")
		cancel(why)
		_, err := c.Request(ctx, nil, nil)
		if !errors.Is(err, ErrNotSent) || !errors.Is(err, why) || len(s.received()) > 0 {
			t.Errorf("error %v; received %v", err, s.received())
		}
		if err := c.Send(ctx, nil, nil); !errors.Is(err, ErrNotSent) || len(s.received()) > 0 {
			t.Errorf("error %v; received %v", err, s.received())
		}
	})
}

// silent is a stream whose peer never reads, or says anything.
func silent(cfg *ClientConfig) (*Client, net.Conn) {
	left, right := net.Pipe()
	return NewClient(left, cfg), right
}

// A peer that does not read is given up after the write timeout.  Of the requests then
// outstanding one may have been handled in part, and the others have not been sent.
func TestClientWriteTimeout(t *testing.T) {
	for _, c := range []struct {
		name string
		wrap func(net.Conn) io.ReadWriteCloser
	}{
		{"deadlines", func(s net.Conn) io.ReadWriteCloser { return s }},
		{"no deadlines", func(s net.Conn) io.ReadWriteCloser { return struct{ io.ReadWriteCloser }{s} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				left, right := net.Pipe()
				defer right.Close()
				client := NewClient(c.wrap(left), nil)
				start := time.Now()
				first := ask(client, context.Background(), nil)
				synctest.Wait()
				second := ask(client, context.Background(), nil)
				<-first.ended
				<-second.ended
				if took := time.Since(start); took < 10*time.Second || took > 12*time.Second {
					t.Errorf("it took %v", took)
				}
				if !errors.Is(first.err, ErrMaybeHandled) && c.name == "no deadlines" || !errors.Is(second.err, ErrNotSent) {
					t.Errorf("the requests ended with\n%v\n%v", first.err, second.err)
				}
			})
		})
	}
}

// While a peer reads something now and then it is not given up.
func TestClientSlowPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := silent(nil)
		defer peer.Close()
		a := ask(c, context.Background(), make([]byte, 3*maxWrite))
		buf := make([]byte, maxWrite)
		for range 2 {
			time.Sleep(9 * time.Second)
			io.ReadFull(peer, buf)
		}
		time.Sleep(9 * time.Second)
		if a.hasEnded() {
			t.Fatal(a.err)
		}
		c.Close()
		<-a.ended
	})
}

// The caller who writes for all gives up in time, and what he has begun is written.
func TestClientWriterIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, peer := silent(nil)
		defer c.Close()
		defer peer.Close()
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		writer := ask(c, ctx, "first")
		synctest.Wait()
		other := ask(c, context.Background(), "second")
		<-writer.ended
		if took := time.Since(start); took != time.Second || !errors.Is(writer.err, ErrMaybeHandled) {
			t.Errorf("after %v: %v", took, writer.err)
		}
		s := &script{stream: peer}
		go s.receive()
		if got := s.received(); len(got) != 2 {
			t.Fatalf("the peer has received %v", got)
		}
		s.reply(0, 1)
		s.reply(0, 2)
		<-other.ended
		if string(other.reply.Body) != body(2) {
			t.Errorf("%s, %v", other.reply.Body, other.err)
		}
	})
}

// At most 64 frames stand in line, or 8 MiB; one who has more waits, as long as his
// context lets him.
func TestClientQueueIsBounded(t *testing.T) {
	for _, test := range []struct {
		name     string
		size     int
		inLine   int
		atOnceIn int // frames that the first Write takes
	}{
		{"frames", 10, maxQueuedFrames, 1},
		{"bytes", 1 << 20, 7, 1},
		{"one larger than that", maxQueuedBytes + 1, 1, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, peer := silent(&ClientConfig{WriteTimeout: -1})
				defer peer.Close()
				ctx, cancel := context.WithCancel(context.Background())
				var all []*asked
				for range test.inLine + test.atOnceIn + 3 {
					all = append(all, ask(c, ctx, make([]byte, test.size)))
					synctest.Wait()
				}
				l := c.link.Load()
				if l.frames != test.inLine {
					t.Errorf("%d frames of %d bytes stand in line, want %d", l.frames, len(l.out), test.inLine)
				}
				cancel()
				notSent := 0
				for _, a := range all {
					<-a.ended
					if errors.Is(a.err, ErrNotSent) {
						notSent++
					}
				}
				if notSent != 3 {
					t.Errorf("%d requests were not sent, want the 3 that did not stand in line", notSent)
				}
				c.Close()
			})
		})
	}
}

// Those who wait to stand in line are told when the connection breaks, and go on when
// there is place again.
func TestClientQueueMoves(t *testing.T) {
	for n, size := range map[int]int{100: 10, 12: 1 << 20} {
		synctest.Test(t, func(t *testing.T) {
			c, peer := silent(nil)
			var all []*asked
			for range n {
				all = append(all, ask(c, context.Background(), make([]byte, size)))
			}
			synctest.Wait()
			s := &script{stream: peer}
			go s.receive()
			if got := len(s.received()); got != n {
				t.Errorf("%d frames have come", got)
			}
			c.Close()
			for _, a := range all {
				if <-a.ended; !errors.Is(a.err, ErrMaybeHandled) {
					t.Error(a.err)
				}
			}
		})
		synctest.Test(t, func(t *testing.T) {
			c, peer := silent(nil)
			defer peer.Close()
			var all []*asked
			for range n {
				all = append(all, ask(c, context.Background(), make([]byte, size)))
				synctest.Wait()
			}
			c.Close()
			maybe := 0
			for _, a := range all {
				<-a.ended
				if errors.Is(a.err, ErrMaybeHandled) {
					maybe++
				} else if !errors.Is(a.err, ErrNotSent) {
					t.Error(a.err)
				}
			}
			if maybe != 1 {
				t.Errorf("%d requests may have been handled, want the one being written", maybe)
			}
		})
	}
}

// Nobody calls, and the peer leaves: the next request is known not to be sent.
func TestClientIdleNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newScript(t, nil)
		s.stream.Close()
		time.Sleep(2 * idleAfter)
		synctest.Wait()
		_, err := c.Request(context.Background(), nil, nil)
		if !errors.Is(err, ErrNotSent) || !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	})
}

// The goroutine that reads while nobody calls stops at the first reply.
func TestClientIdleEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newScript(t, nil)
		defer c.Close()
		l := c.link.Load()
		for range 3 {
			time.Sleep(2 * idleAfter)
			synctest.Wait()
			if reader(l) != &l.idle {
				t.Fatal("nobody reads")
			}
			a := ask(c, context.Background(), nil)
			synctest.Wait()
			s.reply(0, 1)
			if <-a.ended; a.err != nil {
				t.Fatal(a.err)
			}
			synctest.Wait()
			if reader(l) != nil {
				t.Fatal("somebody reads")
			}
		}
	})
}

func reader(l *link) *call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reader
}

func TestClientPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s, c := newScript(t, &ClientConfig{Ping: 30 * time.Second})
		time.Sleep(31 * time.Second)
		got := s.received()
		if len(got) != 1 || string(got[0].Header) != "23:2:id,1:1#4:ping,4:true!}" {
			t.Fatalf("received %s", got)
		}
		s.reply(1, nil)
		time.Sleep(15 * time.Second)
		a := ask(c, context.Background(), nil) // the peer is heard of, so no ping at 60 s
		synctest.Wait()
		s.reply(2, nil)
		<-a.ended
		time.Sleep(15 * time.Second)
		if got := s.received(); len(got) != 2 {
			t.Fatalf("received %s", got)
		}
		// Those at 90 and at 120 s stay without a reply.
		_, err := c.Request(context.Background(), nil, nil)
		if !errors.Is(err, errSilent) || !errors.Is(err, ErrMaybeHandled) {
			t.Error(err)
		}
		if took := time.Since(start); took != 150*time.Second {
			t.Errorf("given up after %v", took)
		}
	})
}

// A peer may leave a few cancelled requests without a reply, and not any number.
func TestClientGivenUpIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := newScript(t, nil)
		var err error
		for range maxGivenUp + 1 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			_, err = c.Request(ctx, nil, nil)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
		}
		if _, err = c.Request(context.Background(), nil, nil); !errors.Is(err, errGivenUp) {
			t.Error(err)
		}
	})
}

// A dialed is the peer's end of a connection that pipes has made, and when.
type dialed struct {
	at   time.Time
	peer net.Conn
}

// A pipes makes the connections of a Client, and fails as often as it is told.
type pipes struct {
	mu    sync.Mutex
	fail  int
	all   []dialed
	serve func(net.Conn)
}

func (p *pipes) dial(context.Context, string, string) (io.ReadWriteCloser, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, dialed{at: time.Now()})
	if p.fail > 0 {
		p.fail--
		return nil, io.ErrNoProgress
	}
	left, right := net.Pipe()
	p.all[len(p.all)-1].peer = right
	go p.serve(right)
	return left, nil
}

func (p *pipes) last() net.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all[len(p.all)-1].peer
}

func (p *pipes) dials() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all)
}

// connect returns a Client whose connections p makes.
func (p *pipes) connect(t *testing.T, cfg ClientConfig) *Client {
	cfg.Dial = p.dial
	c, _, err := Dial(t.Context(), "pipe", "", petrichor.Header{"who": "me"}, nil, &cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A broken connection is made again, with the first frame, when a request wants it.
func TestClientReconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var firsts []string
		p := &pipes{serve: func(stream net.Conn) {
			c, first, err := petrichor.Accept(stream)
			if err != nil {
				return
			}
			firsts = append(firsts, string(first.Header))
			c.Allow(nil, nil)
			for f, err := c.Recv(); err == nil; f, err = c.Recv() {
				c.Send(f.Header, f.Body)
			}
		}}
		c := p.connect(t, ClientConfig{Reconnect: true})
		defer c.Close()
		for i := range 3 {
			reply, err := c.Request(t.Context(), nil, i)
			if err != nil || string(reply.Body) != body(i) {
				t.Fatal(reply, err)
			}
			p.last().Close()
			time.Sleep(2 * idleAfter)
			synctest.Wait()
		}
		if !slices.Equal(firsts, []string{"11:3:who,2:me,}", "11:3:who,2:me,}", "11:3:who,2:me,}"}) || c.Stats().Connects != 3 {
			t.Errorf("first frames %q, %+v", firsts, c.Stats())
		}
	})
}

func TestClientDoesNotReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{serve: allow}
		c := p.connect(t, ClientConfig{})
		p.last().Close()
		for range 2 {
			if _, err := c.Request(t.Context(), nil, nil); err == nil {
				t.Error("no error")
			}
		}
		if len(p.all) != 1 {
			t.Errorf("dialed %d times", len(p.all))
		}
	})
}

// answer lets the peer in and sends everything back.
func answer(stream net.Conn) {
	c, _, err := petrichor.Accept(stream)
	if err != nil || c.Allow(nil, nil) != nil {
		return
	}
	for f, err := c.Recv(); err == nil; f, err = c.Recv() {
		c.Send(f.Header, f.Body)
	}
}

// allow lets the peer in and answers nothing.
func allow(stream net.Conn) {
	if c, _, err := petrichor.Accept(stream); err == nil {
		c.Allow(nil, nil)
		io.Copy(io.Discard, stream)
	}
}

// Attempts to connect come further and further apart, at random, and serve all who wait.
func TestClientBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{serve: allow}
		c := p.connect(t, ClientConfig{Reconnect: true, Attempts: 15})
		defer c.Close()
		p.last().Close()
		time.Sleep(2 * idleAfter)
		p.fail = 1000
		before := time.Now()
		var all []*asked
		for range 10 {
			all = append(all, ask(c, context.Background(), nil))
		}
		for _, a := range all {
			if <-a.ended; !errors.Is(a.err, ErrNotSent) || !errors.Is(a.err, io.ErrNoProgress) {
				t.Error(a.err)
			}
		}
		tried := p.all[1:]
		if len(tried) != 15 {
			t.Fatalf("dialed %d times for 10 requests of 15 attempts", len(tried))
		}
		most := minBackoff
		waits := map[time.Duration]bool{}
		for i, d := range tried {
			wait := d.at.Sub(before)
			if wait < 0 || wait > most {
				t.Errorf("%v before dial %d, want at most %v", wait, i, most)
			}
			before, most = d.at, min(2*most, maxBackoff)
			waits[wait] = true
		}
		if last := before.Sub(tried[9].at); len(waits) < 10 || last < time.Second {
			t.Errorf("not random, or not growing: %v", waits)
		}

		// A reply, and the next time begins with little again.
		p.fail, p.serve = 0, answer
		if _, err := c.Request(t.Context(), nil, nil); err != nil {
			t.Fatal(err)
		}
		p.last().Close()
		time.Sleep(2 * idleAfter)
		before = time.Now()
		if _, err := c.Request(t.Context(), nil, nil); err != nil || time.Since(before) > minBackoff {
			t.Errorf("%v, after %v", err, time.Since(before))
		}
	})
}

// Only what has not been handled for certain, or is marked, is tried again.
func TestClientRetries(t *testing.T) {
	marked, plain := Idempotent(context.Background()), context.Background()
	for _, test := range []struct {
		name     string
		ctx      context.Context
		attempts int
		received int // requests that come to the peer, who leaves at each but the third
		err      error
	}{
		{"not asked for", marked, 0, 1, ErrMaybeHandled},
		{"not marked", plain, 5, 1, ErrMaybeHandled},
		{"marked", marked, 5, 3, nil},
		{"too few", marked, 2, 2, ErrMaybeHandled},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				received := 0
				p := &pipes{serve: func(stream net.Conn) {
					defer stream.Close()
					c, _, err := petrichor.Accept(stream)
					if err != nil || c.Allow(nil, nil) != nil {
						return
					}
					f, err := c.Recv()
					if received++; err == nil && received == 3 {
						c.Send(f.Header, f.Body)
						io.Copy(io.Discard, stream)
					}
				}}
				c := p.connect(t, ClientConfig{Reconnect: true, Attempts: test.attempts})
				_, err := c.Request(test.ctx, nil, nil)
				if !errors.Is(err, test.err) || test.err == nil && err != nil || received != test.received {
					t.Errorf("%d received, error %v; want %d, %v", received, err, test.received, test.err)
				}
				c.Close()
			})
		})
	}
}

// A request that finds the connection broken has not been sent, so it is tried again
// without a mark.
func TestClientRetriesWhatIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{serve: answer}
		c := p.connect(t, ClientConfig{Reconnect: true, Attempts: 5})
		defer c.Close()
		p.last().Close()
		time.Sleep(2 * idleAfter)
		p.fail = 3
		if _, err := c.Request(t.Context(), nil, nil); err != nil {
			t.Error(err)
		}
		if err := c.Send(t.Context(), nil, nil); err != nil {
			t.Error(err)
		}
		if len(p.all) != 5 {
			t.Errorf("dialed %d times", len(p.all))
		}
	})
}

// Who waits for a connection waits as long as his context says, and Close ends all.
func TestClientWaitsForConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{serve: allow}
		c := p.connect(t, ClientConfig{Reconnect: true})
		p.last().Close()
		time.Sleep(2 * idleAfter)
		p.serve = func(net.Conn) {} // no answer to the first frame
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Request(ctx, nil, nil)
		if !errors.Is(err, ErrNotSent) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		a := ask(c, t.Context(), nil)
		synctest.Wait()
		c.Close()
		if <-a.ended; !errors.Is(a.err, ErrNotSent) || !errors.Is(a.err, ErrClientClosed) {
			t.Error(a.err)
		}
		p.last().Close()
	})
}

// Connecting takes at most DialTimeout where the context has no deadline.
func TestClientDialTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{serve: func(s net.Conn) { io.Copy(io.Discard, s) }}
		start := time.Now()
		_, _, err := Dial(context.Background(), "pipe", "", nil, nil, &ClientConfig{Dial: p.dial})
		if took := time.Since(start); took != 20*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// A denial on reconnecting is not tried again at once.
func TestClientIsDeniedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{serve: allow}
		c := p.connect(t, ClientConfig{Reconnect: true, Attempts: 5})
		defer c.Close()
		p.serve = func(stream net.Conn) {
			defer stream.Close()
			if c, _, err := petrichor.Accept(stream); err == nil {
				c.Deny(nil, "no more")
			}
		}
		p.last().Close()
		time.Sleep(2 * idleAfter)
		if _, err := c.Request(t.Context(), nil, nil); !errors.Is(err, ErrDenied) || len(p.all) != 2 {
			t.Errorf("%v, dialed %d times", err, len(p.all))
		}
	})
}

// Close ends those who wait for the time of the next attempt to connect, too.
func TestClientClosedWhileBackingOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{serve: allow}
		c := p.connect(t, ClientConfig{Reconnect: true, Attempts: 100})
		p.last().Close()
		time.Sleep(2 * idleAfter)
		p.fail = 1000
		a := ask(c, t.Context(), nil)
		time.Sleep(time.Minute)
		dialed := p.dials()
		c.Close()
		if <-a.ended; !errors.Is(a.err, ErrNotSent) || !errors.Is(a.err, ErrClientClosed) {
			t.Error(a.err)
		}
		time.Sleep(time.Hour)
		if p.dials() != dialed {
			t.Errorf("dialed %d times after Close", p.dials()-dialed)
		}
	})
}

// Bytes behind the answer to the first frame that are no frame break the connection
// before anything is sent.
func TestClientGarbageBehindAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{serve: func(stream net.Conn) {
			petrichor.Accept(stream)
			io.WriteString(stream, "0:}0:~GET")
		}}
		c := p.connect(t, ClientConfig{})
		_, err := c.Request(t.Context(), nil, nil)
		if !errors.Is(err, petrichor.ErrSize) || !errors.Is(err, ErrNotSent) {
			t.Error(err)
		}
		p.last().Close()
	})
}

// A caller who gives up when he has just been woken to read has another woken.
func TestClientRoleIsNotLost(t *testing.T) {
	l := newLink(newClient(nil), &faulty{})
	leaves, stays := l.newCall(), l.newCall()
	l.add(stays)
	l.add(leaves)
	stays.waits, leaves.waits = true, true
	l.promote()
	if len(leaves.wake) != 1 {
		t.Fatal("the newest has not been woken")
	}
	leaves.waits = false
	l.giveUp(leaves)
	if len(stays.wake) != 1 {
		t.Error("nobody reads")
	}
}
