package service

// Rows 36 to 38, 41, 43, 45 and 46: many peers at once, and what is left of them.

import (
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/compress"
)

// crowd is a server for many peers of one address.
func crowd() *Server {
	return &Server{MaxPerAddress: 1 << 20, Log: quiet, Observer: new(Vars)}
}

// Of 10,000 connections 4,096 are served, and the others closed at once; each that
// is idle holds 16 KiB at most, with one goroutine.
func TestLimit36TenThousandConnections(t *testing.T) {
	s := crowd()
	l := onLoopback(t, s)
	goroutines := runtime.NumGoroutine()
	var conns []net.Conn
	bytes := held(func() {
		for range 10_000 {
			if c := l.connect(); greets(c) {
				conns = append(conns, c)
				continue
			}
			conns = append(conns, nil)
		}
	})
	served := 0
	for i, c := range conns {
		if c != nil {
			served++
		} else if i < 4096 {
			t.Fatalf("connection %d was refused", i)
		}
	}
	if served != 4096 {
		t.Errorf("%d connections are served", served)
	}
	if n := runtime.NumGoroutine() - goroutines; n > 4096+1 { // and the watch
		t.Errorf("%d goroutines", n)
	}
	if each := bytes / 4096; each > 16<<10 && !raceOn {
		t.Errorf("%d bytes for each", each)
	}
	conns[0].Close()
	eventually(t, "there is room again", func() bool { return greets(l.connect()) })
}

// greets exchanges first frames on c, or closes it.
func greets(c net.Conn) bool {
	c.Write([]byte("0:}0:~"))
	answer := make([]byte, len("17:7:allowed,4:true!}0:~"))
	if _, err := io.ReadFull(c, answer); err != nil {
		c.Close()
		return false
	}
	return true
}

// A peer is served within 50 ms whatever a crowd of 1,000 others is silent, whether
// they come from its address or not.
func TestLimit37OneAmongSilent(t *testing.T) {
	for _, from := range []string{"elsewhere", "the same address"} {
		t.Run(from, func(t *testing.T) {
			l := onLoopback(t, &Server{})
			silentCrowd(t, l, from == "elsewhere")
			var took time.Duration
			for range 20 { // what else the machine does only ever adds
				if took = timeToServe(t, l); took <= 50*time.Millisecond {
					break
				}
			}
			within(t, "served", took, 0, 50*time.Millisecond)
		})
	}
}

// silentCrowd makes 1,000 peers that say nothing, or half a frame.
func silentCrowd(t testing.TB, l *lab, elsewhere bool) {
	for i := range 1000 {
		dialer := net.Dialer{}
		if elsewhere {
			dialer.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(i%200))}
		}
		c, err := dialer.Dial("tcp", l.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if i%2 == 0 {
			c.Write([]byte("0:}10:abc"))
		}
	}
}

// timeToServe is how long it takes to connect, to be allowed and to get a reply.
func timeToServe(t testing.TB, l *lab) time.Duration {
	began := time.Now()
	p := l.greet()
	defer p.Close()
	if f, err := p.Request(nil, "x"); err != nil || text(f) != "0:}1:x," {
		t.Errorf("%s, %v", text(f), err)
	}
	return time.Since(began)
}

// Who has to go for a newcomer is the oldest silent one of the place that has most of
// them; who has been allowed never goes.
func TestDoor(t *testing.T) {
	s := &Server{MaxConns: 6, MaxPending: 3, MaxPerAddress: 2}
	s.init()
	d := &s.door
	come := func(from string) (*Conn, *Conn, error) {
		c := newConn(s, addressed{from: from})
		victim, err := d.enter(c)
		return c, victim, err
	}
	want := func(what string, victim, who *Conn, err, why error) {
		t.Helper()
		if victim != who || err != why {
			t.Errorf("%s: %p has to go, %v; want %p, %v", what, victim, err, who, why)
		}
	}
	a1, victim, err := come("192.0.2.1:1")
	want("the first", victim, nil, err, nil)
	a2, victim, err := come("192.0.2.1:2")
	want("the second of one address", victim, nil, err, nil)
	a3, victim, err := come("192.0.2.1:3")
	want("the third of it", victim, a1, err, nil)
	b1, victim, err := come("[2001:db8::1]:1")
	want("another address", victim, nil, err, nil)
	c1, victim, err := come("[2001:db8:0:1::1]:1")
	want("the fourth that waits", victim, a2, err, nil)
	for _, c := range []*Conn{a3, b1, c1} {
		d.allow(c)
		d.allow(c)
	}
	d.allow(a1) // who has gone is not asked
	b2, victim, err := come("[2001:db8::ffff:2]:1")
	want("the second of a network", victim, nil, err, nil)
	d.allow(b2)
	_, victim, err = come("[2001:db8::3]:1")
	want("the third of it, and all are allowed", victim, nil, err, ErrRefused)
	_, victim, err = come("a pipe")
	want("no address", victim, nil, err, nil)
	_, victim, err = come("another pipe")
	want("no address again", victim, nil, err, nil)
	_, victim, err = come("192.0.2.9:1")
	want("the seventh in all", victim, nil, err, ErrRefused)
	for c := range d.conns {
		d.leave(c)
		d.leave(c)
	}
	if len(d.conns) != 0 || len(d.places) != 0 || d.pending != 0 {
		t.Errorf("left over: %+v", d)
	}
	if placeOf(nil).IsValid() || placeOf(&net.TCPAddr{IP: net.ParseIP("::ffff:192.0.2.1"), Port: 1}).String() != "192.0.2.1/32" {
		t.Error("places")
	}
}

// addressed is a stream that has only an address.
type addressed struct {
	io.Closer
	from string
}

func (a addressed) RemoteAddr() net.Addr        { return addressOf(a.from) }
func (a addressed) Read([]byte) (int, error)    { return 0, io.EOF }
func (a addressed) Write(b []byte) (int, error) { return len(b), nil }
func (a addressed) Close() error                { return nil }

type addressOf string

func (a addressOf) Network() string { return "test" }
func (a addressOf) String() string  { return string(a) }

// A connection that has declared the largest frame, and sent little of it, holds 64
// KiB at most.
func TestLimit38DeclaredFramesCostNothing(t *testing.T) {
	l := onLoopback(t, crowd())
	if each := declared(t, l, 500); each > 64<<10 && !raceOn {
		t.Errorf("%d bytes for each", each)
	}
}

// declared is what each of n connections holds that has declared the largest frame,
// and sent 10,000 bytes of it.
func declared(t testing.TB, l *lab, n int) int64 {
	some := append([]byte("0:}1048576:"), make([]byte, 10_000)...)
	return held(func() {
		for range n {
			p := l.greet()
			if _, err := p.stream.Write(some); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(100 * time.Millisecond) // the server reads them
	}) / int64(n)
}

// Frames in flight never take more than MaxInFlight, and the one frame that is lent;
// reading pauses, and nobody is cut.
func TestLimit38FramesInFlight(t *testing.T) {
	const most, size = 2 << 20, 1 << 20
	var s *Server
	var taken atomic.Int64
	handle := func(_ context.Context, req *Request) (any, any, error) {
		raise(&taken, flying(s))
		return nil, len(req.Frame.Body), nil
	}
	s = &Server{MaxInFlight: most, Handle: handle}
	l := onLoopback(t, s)
	var done sync.WaitGroup
	for range 20 {
		p := l.greet()
		done.Go(func() {
			for range 3 {
				if f, err := p.Request(nil, strings.Repeat("x", size)); err != nil || text(f) != "0:}7:1048585#" {
					t.Errorf("%s, %v", text(f), err)
				}
			}
		})
	}
	done.Wait()
	if n := taken.Load(); n == 0 || n > most+2*size+(64<<10) {
		t.Errorf("%d bytes were taken", n)
	}
	eventually(t, "all is given back", func() bool { return flying(s) == 0 })
}

// What has been read ahead while a handler ran leaves nothing behind when it is used up.
func TestLimit38NothingIsHeldAfterReadingAhead(t *testing.T) {
	handle := func(_ context.Context, req *Request) (any, any, error) {
		if string(req.Frame.Body) == "4:slow," {
			eventually(t, "somebody reads ahead", func() bool { return req.conn.stream.ahead.state.Load()&1 == 0 })
		}
		return nil, nil, nil
	}
	s := &Server{Handle: handle, FrameTimeout: second} // looked at twenty times in that
	l := onLoopback(t, s)
	p := l.greet()
	for _, body := range []string{"slow", "quick", "slow", "slow", "quick", "quick"} {
		if f, err := p.Request(nil, body); err != nil || text(f) != "0:}0:~" {
			t.Fatalf("%s: %s, %v", body, text(f), err)
		}
		eventually(t, "all is given back", func() bool { return flying(s) == 0 })
	}
}

// What is queued to be written counts too, and is given back; where there is no memory
// left replies leave as they come.
func TestLimit38QueuedIsInFlight(t *testing.T) {
	for most, want := range map[int64]int64{64 << 20: 36 << 10, 1 << 10: 0} {
		var queued atomic.Int64
		s := &Server{MaxInFlight: most, Handle: func(_ context.Context, req *Request) (any, any, error) {
			raise(&queued, req.conn.stream.queued.n)
			return nil, req.Frame.Body, nil
		}}
		l := onLoopback(t, s)
		p := l.greet()
		frames := bytes.Repeat([]byte("0:}1000:"+strings.Repeat("x", 1000)+","), 100)
		go p.stream.Write(frames)
		got := make([]byte, len(frames))
		if _, err := io.ReadFull(p.stream, got); err != nil || !bytes.Equal(got, frames) {
			t.Errorf("%d bytes in flight: other replies than requests, %v", most, err)
		}
		if n := queued.Load(); n != want {
			t.Errorf("%d bytes in flight: of what is queued %d are counted; want %d", most, n, want)
		}
		eventually(t, "all is given back", func() bool { return flying(s) == 0 })
	}
}

// Nor does what is inflated: of many bombs that come at once, each as large as it may be,
// as many are inflated as there is memory for, and the others wait.
func TestLimit46BombsAtOnceAreInFlight(t *testing.T) {
	const most, size, peers = 8 << 20, 1 << 20, 20
	bomb := bombOf(size)
	for _, perConn := range []int{1, 2} {
		var inflated, peak atomic.Int64
		full := make(chan struct{})
		s := &Server{MaxInFlight: most, HandlersPerConn: perConn}
		s.Options = []petrichor.Option{petrichor.WithExtensions(compress.New(compress.Config{}))}
		s.Handle = func(_ context.Context, req *Request) (any, any, error) {
			n := int64(len(req.Frame.Body))
			defer inflated.Add(-n)
			raise(&peak, inflated.Add(n))
			<-full
			return nil, n, nil
		}
		l := onLoopback(t, s)
		var done sync.WaitGroup
		before := live()
		for range peers {
			p := l.greetWith(petrichor.Header{compress.Key: []string{"deflate"}})
			done.Go(func() {
				if f, err := p.Request(bomb.Header, bomb.Body); err != nil || text(f) != fmt.Sprintf("0:}7:%d#", size) {
					t.Errorf("%s, %v", text(f), err)
				}
			})
		}
		eventually(t, "all the others wait for memory", func() bool { return inflated.Load()/size+waiting(s) == peers })
		if n := live() - before; n > most && !raceOn {
			t.Errorf("%d handlers for a connection: %d bytes of memory", perConn, n)
		}
		close(full)
		done.Wait()
		if n := peak.Load(); n < 4*size || 2*n > most+2*size {
			t.Errorf("%d handlers for a connection: %d bytes were inflated at once", perConn, n)
		}
		eventually(t, "all is given back", func() bool { return flying(s) == 0 })
	}
}

// bombOf is a compressed frame whose body becomes size bytes, nearly a hundred times what
// it has.
func bombOf(size int) petrichor.Frame {
	payload := make([]byte, size-len("1048576:,"))
	rand.NewChaCha8([32]byte{}).Read(payload[:size/90])
	body := must(petrichor.Marshal(payload))
	var b bytes.Buffer
	w := must(flate.NewWriter(&b, 9))
	w.Write(body)
	w.Close()
	return petrichor.Frame{
		Header: must(petrichor.Marshal(petrichor.Dict{{Key: "z", Value: len(body)}})),
		Body:   must(petrichor.Marshal(b.Bytes())),
	}
}

// waiting is how many wait for memory in flight, and flying how much is taken.
func waiting(s *Server) int64 {
	s.flight.mu.Lock()
	defer s.flight.mu.Unlock()
	return int64(len(s.flight.queue))
}

func flying(s *Server) int64 {
	s.flight.mu.Lock()
	defer s.flight.mu.Unlock()
	return cmp.Or(s.MaxInFlight, 64<<20) - s.flight.left
}

// A request that takes more than there is, in whatever way, is answered all the same:
// what its connection has been lent is lent to it.
func TestLimit38OneRequestTakesMoreThanThereIs(t *testing.T) {
	for name, body := range map[string]any{
		"large": strings.Repeat("x", 500_000), "values": make([]any, 60_000), "small values": make([]any, 1000),
	} {
		for _, perConn := range []int{1, 2} {
			for _, most := range []int64{1, 50_000, 400_000, 1_200_000} {
				s := &Server{MaxInFlight: most, HandlersPerConn: perConn, Handle: func(_ context.Context, r *Request) (any, any, error) {
					return nil, nil, r.Body(new(any))
				}}
				l := onLoopback(t, s)
				var done sync.WaitGroup
				for range 4 {
					p := l.greet()
					p.stream.SetDeadline(time.Now().Add(30 * time.Second))
					done.Go(func() {
						for range 3 {
							if f, err := p.Request(nil, body); err != nil || errorOf(f.Header) != nil {
								t.Errorf("%s, %d handlers, %d bytes: %s, %v", name, perConn, most, text(f), err)
							}
						}
					})
				}
				done.Wait()
				eventually(t, "all is given back", func() bool { return flying(s) == 0 })
			}
		}
	}
}

// What is decoded from a request counts too.
func TestLimit38DecodedValuesCount(t *testing.T) {
	var s *Server
	var taken atomic.Int64
	handle := func(_ context.Context, req *Request) (any, any, error) {
		err := req.Body(new(any))
		taken.Store(flying(s))
		return nil, nil, err
	}
	s = &Server{Handle: handle}
	l := onLoopback(t, s)
	p := l.greet()
	for n, want := range map[int]int64{10: 0, 10_000: 128 * 10_001, 60_000: 128 * 60_001} {
		eventually(t, "what came before is given back", func() bool {
			s.flight.mu.Lock()
			defer s.flight.mu.Unlock()
			return s.flight.left == 64<<20
		})
		if f, err := p.Request(nil, make([]any, n)); err != nil || errorOf(f.Header) != nil {
			t.Fatalf("%s, %v", text(f), err)
		}
		if got := taken.Load(); got < want || got > want+2*int64(3*n)+(128<<10) {
			t.Errorf("%d values: %d bytes taken; want %d", n, got, want)
		}
	}
}

// Where there is no memory left small frames are read, those behind the first frame too,
// for which there was a buffer.
func TestLimit38SmallFramesNeedNone(t *testing.T) {
	asked, sent := make(chan bool), make(chan bool)
	s := &Server{
		MaxInFlight: 1 << 10,
		Handle:      func(_ context.Context, req *Request) (any, any, error) { return nil, req.Frame.Body, nil },
		Admit: func(context.Context, *Peer) (Answer, error) {
			asked <- true
			<-sent
			return Allow(nil, nil), nil
		},
	}
	l := onLoopback(t, s)
	var lent hold
	s.init()
	s.flight.set(&lent, 1<<20, nil) // somebody has it all
	for range 20 {
		c := l.connect()
		io.WriteString(c, "0:}0:~")
		<-asked
		io.WriteString(c, "0:}1:x,") // is there when the server looks whether it has to wait
		sent <- true
		const want = "17:7:allowed,4:true!}0:~0:}1:x,"
		got := make([]byte, len(want))
		c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
		// And one whose beginning comes with the end of another.
		io.WriteString(c, "0:}1:y,0:}1:")
		io.ReadFull(c, got[:7])
		io.WriteString(c, "z,")
		io.ReadFull(c, got[7:14])
		if string(got[:14]) != "0:}1:y,0:}1:z," {
			t.Fatalf("%q", got[:14])
		}
	}
	s.flight.set(&lent, 0, nil)
}

// One who waits for memory and is cut gets none.
func TestCutWhileWaitingForMemory(t *testing.T) {
	release := make(chan struct{})
	handle := func(ctx context.Context, req *Request) (any, any, error) {
		<-release
		return nil, nil, req.Body(new(any))
	}
	for _, perConn := range []int{1, 2} {
		s := &Server{MaxInFlight: 1 << 10, Handle: handle, HandlersPerConn: perConn}
		l := onLoopback(t, s)
		var lent hold
		s.init()
		s.flight.set(&lent, 1<<20, nil) // somebody has it all
		p := l.greet()
		p.Send(nil, "x")
		other := l.greet()
		other.Send(nil, strings.Repeat("x", 100_000))
		eventually(t, "it waits", func() bool { return waiting(s) == 1 })
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		release <- struct{}{}
		for _, why := range l.closed(2) {
			if why != ErrServerClosed {
				t.Error(why)
			}
		}
		s.flight.set(&lent, 0, nil)
	}
}

// A panic of a handler cuts its connection, is logged once, and disturbs nobody.
func TestLimit41HandlerPanics(t *testing.T) {
	handle := func(_ context.Context, req *Request) (any, any, error) {
		if string(req.Frame.Body) == "5:panic," {
			panic("\x1b[2J" + strings.Repeat("x", 1000))
		}
		return nil, req.Frame.Body, nil
	}
	for _, perConn := range []int{1, 2} {
		inBubble(t, &Server{Handle: handle, HandlersPerConn: perConn}, func(t *testing.T, l *lab) {
			p, other := l.greet(), l.greet()
			go p.Send(nil, "panic")
			if got := read(p.stream); got != "" {
				t.Errorf("answered %q", got)
			}
			if f, err := other.Request(nil, "x"); err != nil || text(f) != "0:}1:x," {
				t.Errorf("another connection: %s, %v", text(f), err)
			}
			if why := l.closed(1)[0]; why != errPanic {
				t.Error(why)
			}
			log := l.logged.String()
			if strings.Count(log, "\n") != 1 || !strings.Contains(log, "level=ERROR") || strings.Contains(log, "\x1b") || len(log) > 8<<10 {
				t.Errorf("logged %d bytes: %s", len(log), log)
			}
			if n := len(l.events.of(Panicked)); n != 1 {
				t.Errorf("%d panics were told", n)
			}
		})
	}
}

// A first header that two programs could read differently is denied, whoever
// would have been allowed.
func TestMalformedFirstHeaderIsDenied(t *testing.T) {
	handle := func(context.Context, *Request) (any, any, error) { return nil, nil, nil }
	for _, c := range []struct{ name, in string }{
		{"a key twice", "14:1:a,0:~1:a,0:~}0:~"},
		{"an int with a zero in front", "9:1:a,2:05#}0:~"},
		{"a key that is no string", "7:1:1#0:~}0:~"},
		{"malformed deeper down", "10:1:a,3:0:?]}0:~"},
	} {
		t.Run(c.name, func(t *testing.T) {
			nothingLeft(t)
			s := &Server{Log: quiet, Handle: handle}
			defer s.Close()
			if err := s.ServeStream(&nthFails{in: []byte(c.in)}); err != errDenied {
				t.Errorf("%v; want %v", err, errDenied)
			}
		})
	}
	s := &Server{Log: quiet, Handle: handle}
	defer s.Close()
	if err := s.ServeStream(&nthFails{in: []byte("7:1:a,0:~}0:~")}); err != nil {
		t.Errorf("a header that is right: %v", err)
	}
}

// 100,000 denied peers leave nothing behind.
func TestLimit43DeniedPeers(t *testing.T) {
	nothingLeft(t)
	denied := 100_000
	if raceOn || testing.Short() {
		denied = 10_000
	}
	s := &Server{Log: quiet, Admit: func(context.Context, *Peer) (Answer, error) { return Deny(nil, nil), nil }}
	in := []byte("0:}0:~")
	if err := s.ServeStream(&nthFails{in: in}); err != errDenied {
		t.Fatal(err)
	}
	left := held(func() {
		var done sync.WaitGroup
		for range 10 {
			done.Go(func() {
				for range denied / 10 {
					s.ServeStream(&nthFails{in: in})
				}
			})
		}
		done.Wait()
	})
	if left > 1<<20 {
		t.Errorf("%d bytes are left", left)
	}
	s.Close()
}

// The same over sockets, and fewer.
func TestLimit43DeniedSockets(t *testing.T) {
	l := onLoopback(t, &Server{Log: quiet, Admit: func(context.Context, *Peer) (Answer, error) { return Deny(nil, nil), nil }})
	for range 1000 {
		c := l.connect()
		c.Write([]byte("0:}0:~"))
		if got := read(c); got != "18:7:allowed,5:false!}0:~" {
			t.Fatalf("%q", got)
		}
		c.Close()
	}
}

// Under load Shutdown ends within its context, and all that has been handled was
// acknowledged; Close ends within a second also for a peer that never reads and a
// handler that never returns.
func TestLimit43StopUnderLoad(t *testing.T) {
	t.Run("Shutdown", func(t *testing.T) {
		l := onLoopback(t, &Server{Handle: func(context.Context, *Request) (any, any, error) {
			time.Sleep(time.Millisecond)
			return nil, nil, nil
		}})
		var done sync.WaitGroup
		var acknowledged atomic.Int64
		for range 50 {
			p := l.greet()
			done.Go(func() {
				for {
					if _, err := p.Request(nil, "x"); err != nil {
						return
					}
					acknowledged.Add(1)
				}
			})
		}
		eventually(t, "they are busy", func() bool { return l.handled.Load() > 500 })
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := l.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		done.Wait()
		if l.handled.Load() != acknowledged.Load() {
			t.Errorf("%d were handled, %d acknowledged", l.handled.Load(), acknowledged.Load())
		}
	})
	t.Run("Close", func(t *testing.T) {
		block := make(chan struct{})
		reply := petrichor.Raw(petrichor.Append(nil, petrichor.KindString, make([]byte, 100<<20)))
		l := onLoopback(t, &Server{Handle: func(ctx context.Context, req *Request) (any, any, error) {
			if string(req.Frame.Body) == "5:block," {
				<-block
			}
			return nil, reply, nil
		}})
		l.greet().Send(nil, "never reads")
		l.greet().Send(nil, "block")
		eventually(t, "they are handled", func() bool { return l.handled.Load() == 2 })
		began := time.Now()
		l.Close()
		within(t, "closed", time.Since(began), 0, 1100*time.Millisecond)
		close(block)
	})
	t.Run("Shutdown in vain", func(t *testing.T) {
		block := make(chan struct{})
		l := onLoopback(t, &Server{Handle: func(ctx context.Context, req *Request) (any, any, error) {
			<-ctx.Done()
			close(block)
			return nil, nil, nil
		}})
		l.greet().Send(nil, "x")
		eventually(t, "it is handled", func() bool { return l.handled.Load() == 1 })
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := l.Shutdown(ctx); err != context.DeadlineExceeded {
			t.Error(err)
		}
		<-block
	})
}

// What peers say is logged in one line, escaped, and at most 256 bytes of it.
func FuzzLimit45Logged(f *testing.F) {
	for _, s := range []string{"", "mine", "\n", "\x1b[2J", "\u202e", strings.Repeat("\xff", 300), strings.Repeat("é", 128), "a=b \"c\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := printable(s)
		if len(got) > maxLogged {
			t.Errorf("%d bytes", len(got))
		}
		for _, b := range []byte(got) {
			if b < ' ' || b > '~' {
				t.Errorf("%q has %q", got, b)
			}
		}
		if len(got) < min(len(s), maxLogged) {
			t.Errorf("%q became %q", s, got)
		}
	})
}

func TestLimit45OneLineForEachEvent(t *testing.T) {
	hostile := "\x1b[2J\nlevel=ERROR " + strings.Repeat("x", 1000)
	l := newLab(t, &Server{
		Identify: func(io.ReadWriteCloser) (string, error) { return hostile, nil },
		Handle:   func(context.Context, *Request) (any, any, error) { return nil, nil, errors.New(hostile) },
	})
	if err := l.ServeStream(&nthFails{in: []byte("0:}0:~0:}1:x,0:}1:x?")}); !errors.Is(err, petrichor.ErrKind) {
		t.Error(err)
	}
	l.Close()
	lines := strings.Split(strings.TrimSuffix(l.logged.String(), "\n"), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "request failed") || !strings.Contains(lines[1], "unknown tag") {
		t.Errorf("logged %q", lines)
	}
	for _, line := range lines {
		if len(line) > 3*maxLogged || strings.ContainsAny(line, "\x1b") || !strings.Contains(line, "peer=unknown") || !strings.Contains(line, "identity=") {
			t.Errorf("%d bytes: %q", len(line), line)
		}
	}
	var quietly bytes.Buffer
	s := &Server{Log: slog.New(slog.NewTextHandler(&quietly, nil))}
	s.ServeStream(&nthFails{in: []byte("GET /")})
	s.Close()
	if quietly.Len() > 0 {
		t.Errorf("what peers do wrong is for debugging: %s", quietly.String())
	}
}
