package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// subscribes is the Loop of connections that only listen.
func subscribes(f *Fanout) func(context.Context, *Conn) error {
	return func(ctx context.Context, c *Conn) error {
		defer f.Subscribe(c).Close()
		_, err := c.Next()
		return err
	}
}

// Everybody gets all that is published, in order.
func TestFanout(t *testing.T) {
	const subscribers, frames = 16, 1000
	f := new(Fanout)
	l := onLoopback(t, &Server{Loop: subscribes(f)})
	var done sync.WaitGroup
	for range subscribers {
		p := l.greet()
		done.Go(func() {
			for i := range frames {
				got, err := p.Next()
				if want := fmt.Sprintf("0:}%d:%d#", len(fmt.Sprint(i)), i); err != nil || text(got) != want {
					t.Errorf("%s, %v; want %s", text(got), err, want)
					return
				}
			}
			p.Close()
		})
	}
	eventually(t, "all have subscribed", func() bool { return f.Len() == subscribers })
	for i := range frames {
		if err := f.Send(t.Context(), nil, i); err != nil {
			t.Fatal(err)
		}
	}
	done.Wait()
	eventually(t, "all have gone", func() bool { return f.Len() == 0 })
	if err := f.Publish(nil, 1); err != nil {
		t.Errorf("nobody is there: %v", err)
	}
}

// Who is too slow loses the oldest frames and is told how many, where; nobody waits
// for it, and what is kept for it is bounded.
func TestFanoutToTheSlow(t *testing.T) {
	for name, f := range map[string]*Fanout{"frames": {}, "bytes": {MaxFrames: 1 << 20, MaxBytes: 640}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, &Server{Loop: subscribes(f)}, func(t *testing.T, l *lab) {
				p := l.greet()
				synctest.Wait()
				published := 0
				publish := func(n int) {
					for range n {
						published++
						if err := f.Publish(nil, 1000+published); err != nil { // with the header 10 bytes
							t.Error(err)
						}
					}
					synctest.Wait()
				}
				read := func(n int) (got []string) {
					for range n {
						frame, err := p.Recv()
						if err != nil {
							t.Fatal(err)
						}
						got = append(got, text(frame))
					}
					return got
				}
				publish(1) // is being sent
				publish(200)
				const kept = 64
				s := f.subs[0]
				if s.Lost() != 200-kept || f.end.frames-f.oldest.frames != kept {
					t.Errorf("%d lost, %v to %v kept", s.Lost(), f.oldest, f.end)
				}
				got := read(2 + kept)
				if note := "13:4:lost,3:136#}0:~"; got[0] != "0:}4:1001#" || got[1] != note || got[2] != "0:}4:1138#" || got[65] != "0:}4:1201#" {
					t.Errorf("told %q", got)
				}
				synctest.Wait()
				if f.blocks != nil {
					t.Errorf("all have sent all, and %d blocks are kept", len(f.blocks))
				}
				publish(1) // there is room
				publish(kept)
				if got := read(1 + kept); strings.Contains(strings.Join(got, " "), "lost") || got[kept] != "0:}4:1266#" {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}

// A frame larger than all that may be kept goes out by itself.
func TestFanoutLargeFrames(t *testing.T) {
	f := &Fanout{MaxBytes: 100}
	inBubble(t, &Server{Loop: subscribes(f)}, func(t *testing.T, l *lab) {
		p := l.greet()
		synctest.Wait()
		f.Publish(nil, 1) // is being sent
		synctest.Wait()
		large := strings.Repeat("x", 2*blockSize)
		f.Publish(nil, 2)
		f.Publish(nil, large)
		for _, want := range []string{"0:}1:1#", "11:4:lost,1:1#}0:~", "0:}131072:" + large + ","} {
			if got, err := p.Recv(); err != nil || text(got) != want {
				t.Errorf("%.30s, %v; want %.30s", text(got), err, want)
			}
		}
	})
}

// Send waits for the slow, until its context is done.
func TestFanoutSendWaits(t *testing.T) {
	f := &Fanout{MaxFrames: 2}
	inBubble(t, &Server{Loop: subscribes(f), WriteTimeout: time.Hour}, func(t *testing.T, l *lab) {
		p := l.greet()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		for range 2 {
			if err := f.Send(ctx, nil, "x"); err != nil {
				t.Error(err)
			}
		}
		go func() {
			time.Sleep(10 * time.Second)
			p.Recv()
		}()
		if err := f.Send(ctx, nil, "x"); err != nil {
			t.Error(err)
		}
		within(t, "there was room", time.Since(began), 10*time.Second, 10*time.Second)
		f.Send(ctx, nil, "x")
		if err := f.Send(ctx, nil, "x"); err != context.DeadlineExceeded {
			t.Error(err)
		}
		within(t, "given up", time.Since(began), time.Minute, time.Minute)
		for range 2 { // beside those being sent
			f.Send(ctx, nil, "x")
		}
		if n := f.subs[0].Lost(); n == 0 {
			t.Error("what was given up is not counted")
		}
		go f.Send(t.Context(), nil, "x") // ends with the subscriber
		time.Sleep(time.Second)
		p.Close()
		synctest.Wait()
		if f.Len() != 0 {
			t.Error("who has gone is still there")
		}
	})
}

// Frames that cannot be encoded go to nobody.
func TestFanoutErrors(t *testing.T) {
	f := new(Fanout)
	if err := errors.Join(f.Publish("no dict", nil)); !errors.Is(err, petrichor.ErrHeader) {
		t.Error(err)
	}
	if err := f.Send(t.Context(), nil, func() {}); err == nil {
		t.Error("a func was sent")
	}
}

// A subscription ends with its connection, by itself, or when sending fails.
func TestSubscriptionEnds(t *testing.T) {
	f := new(Fanout)
	subscribed := make(chan *Subscription, 1)
	handle := func(_ context.Context, req *Request) (any, any, error) {
		subscribed <- f.Subscribe(req.Conn())
		return nil, nil, nil
	}
	l := onLoopback(t, &Server{Handle: handle})
	t.Run("by itself", func(t *testing.T) {
		p := l.greet()
		p.Request(nil, "x")
		s := <-subscribed
		s.Close()
		s.Close()
		f.Publish(nil, "x")
		if frames, _ := s.take(); frames.Len() != 0 || f.Len() != 0 {
			t.Error("it goes on")
		}
		if _, err := p.Request(nil, "y"); err != nil {
			t.Errorf("the connection does not: %v", err)
		}
		(<-subscribed).Close()
	})
	t.Run("with its connection", func(t *testing.T) {
		p := l.greet()
		p.Request(nil, "x")
		<-subscribed
		p.Close()
		eventually(t, "it has ended", func() bool { return f.Len() == 0 })
	})
	t.Run("when sending fails", func(t *testing.T) {
		for n := 1; n < 4; n++ {
			f := &Fanout{MaxFrames: 2}
			s := newLab(t, &Server{})
			s.init()
			stream := &nthFails{n: n}
			c := newConn(s.Server, stream)
			c.Conn = petrichor.NewConn(stream)
			f.Subscribe(c)
			f.mu.Lock() // so that there is a note
			f.oldest.frames, f.end.frames = 1, 1
			f.mu.Unlock()
			large := petrichor.Raw(petrichor.Append(nil, petrichor.KindString, make([]byte, 20_000)))
			for range 3 {
				f.Publish(nil, large)
			}
			eventually(t, "it has ended", func() bool {
				f.Publish(nil, large)
				return f.Len() == 0
			})
			s.Close()
		}
	})
}
