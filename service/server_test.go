package service

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"expvar"
	"io"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

func TestServe(t *testing.T) {
	l := onLoopback(t, &Server{})
	p := l.greet()
	for _, c := range []struct{ name, in, out string }{
		{"a request", "0:}1:x,", "0:}1:x,"},
		{"an id", "9:2:id,1:7#}1:x,", "9:2:id,1:7#}1:x,"},
		{"an id of another kind", "21:2:id,12:3:abc,3:def,]}1:x,", "21:2:id,12:3:abc,3:def,]}1:x,"},
		{"an id among others", "24:1:a,1:1#2:id,1:x,1:b,0:~}1:x,", "9:2:id,1:x,}1:x,"},
	} {
		if _, err := p.stream.Write([]byte(c.in)); err != nil {
			t.Fatal(err)
		}
		if f, err := p.Recv(); err != nil || text(f) != c.out {
			t.Errorf("%s: %s, %v; want %s", c.name, text(f), err, c.out)
		}
	}
}

// What a handler returns is answered as the documentation says.
func TestReplies(t *testing.T) {
	type header struct {
		Status int `tnet:"status"`
	}
	for _, c := range []struct {
		name         string
		header, body any
		err          error
		want, logged string
	}{
		{"nothing", nil, nil, nil, "9:2:id,1:7#}0:~", ""},
		{"a struct for a header", header{200}, "x", nil, "24:2:id,1:7#6:status,3:200#}1:x,", ""},
		{"a map for a header", petrichor.Header{"a": 1}, 1, nil, "17:2:id,1:7#1:a,1:1#}1:1#", ""},
		{"raw", petrichor.Raw("8:1:a,1:1#}"), petrichor.Raw("0:]"), nil, "17:2:id,1:7#1:a,1:1#}0:]", ""},
		{"a header with an id of its own", petrichor.Header{"id": 8}, nil, nil, "9:2:id,1:7#}0:~", ""},
		{"an error for the peer", nil, "x", &Error{Text: "no such thing"}, "34:2:id,1:7#5:error,13:no such thing,}0:~", ""},
		{"one that is wrapped", nil, nil, errors.Join(errMine, &Error{Text: "no"}), "22:2:id,1:7#5:error,2:no,}0:~", ""},
		{"an error of ours", nil, nil, errMine, "35:2:id,1:7#5:error,14:internal error,}0:~", "error=mine"},
		{"a header that is no dict", "text", nil, nil, "35:2:id,1:7#5:error,14:internal error,}0:~", "not a dict"},
		{"a raw header that is no dict", petrichor.Raw("0:]"), nil, nil, "35:2:id,1:7#5:error,14:internal error,}0:~", "not a dict"},
		{"a raw header that is none", petrichor.Raw("0:}0:}"), nil, nil, "35:2:id,1:7#5:error,14:internal error,}0:~", "not a dict"},
		{"a header that has no form", make(chan int), nil, nil, "35:2:id,1:7#5:error,14:internal error,}0:~", "chan int"},
		{"a body that has no form", nil, make(chan int), nil, "35:2:id,1:7#5:error,14:internal error,}0:~", "chan int"},
		{"a raw body that is none", nil, petrichor.Raw("1:x"), nil, "35:2:id,1:7#5:error,14:internal error,}0:~", "unexpected EOF"},
	} {
		for _, perConn := range []int{1, 2} {
			t.Run(c.name, func(t *testing.T) {
				inBubble(t, &Server{
					HandlersPerConn: perConn,
					Handle: func(_ context.Context, req *Request) (any, any, error) {
						if string(req.Frame.Body) == "4:none," {
							return nil, nil, ErrNoReply
						}
						return c.header, c.body, c.err
					},
				}, func(t *testing.T, l *lab) {
					p := l.greet()
					if err := errors.Join(p.Queue(nil, "none"), p.Send(petrichor.Header{"id": 7}, "some")); err != nil {
						t.Fatal(err)
					}
					if f, err := p.Recv(); err != nil || text(f) != c.want {
						t.Errorf("%s, %v; want %s", text(f), err, c.want)
					}
					if got := l.logged.String(); (c.logged == "") != (got == "") || !strings.Contains(got, c.logged) {
						t.Errorf("logged %q; want %q", got, c.logged)
					}
				})
			})
		}
	}
}

// What cannot be read of a request is told its sender, and nobody else.
func TestBadRequests(t *testing.T) {
	handle := func(_ context.Context, req *Request) (header, body any, err error) {
		var h struct {
			N int8 `tnet:"n"`
		}
		var b []string
		if err := req.Header(&h); err != nil {
			return nil, nil, err
		}
		err = req.Body(&b)
		return nil, b, err
	}
	for _, opts := range [][]petrichor.Option{nil, {petrichor.AllowLoose(true)}} {
		for in, want := range map[string]string{
			"0:}6:3:abc,]":      "0:}6:3:abc,]",
			"8:1:n,1:1#}0:]":    "0:}0:]",
			"10:1:n,3:300#}0:]": "bad request: petrichor: cannot unmarshal int into Go type int8 (out of range) at offset 9 in /n",
			"0:}1:x,":           "bad request: petrichor: cannot unmarshal string into Go type []string",
			"8:1:n,1:x#}0:]":    "bad request: petrichor: payload does not match its tag",
			"0:}7:3:abc,0]":     "bad request: petrichor: malformed size",
			"0:}300001:" + strings.Repeat("0:~", 100_000) + "1]": "bad request: petrichor: ",
		} {
			inBubble(t, &Server{Handle: handle, Options: opts}, func(t *testing.T, l *lab) {
				p := l.greet()
				go p.stream.Write([]byte(in))
				if f, err := p.Recv(); err != nil || !strings.Contains(text(f), want) || len(text(f)) > 300 {
					t.Errorf("%.20s: %s, %v; want %s", in, text(f), err, want)
				}
				if got := l.logged.String(); got != "" {
					t.Errorf("logged: %s", got)
				}
			})
		}
	}
	err := error(badRequest{petrichor.ErrTooMany})
	if !errors.Is(err, petrichor.ErrTooMany) || errors.As(err, new(*RequestError)) {
		t.Error("a bad request is what it wraps, and nothing else")
	}
}

func TestTooManyValuesInARequest(t *testing.T) {
	handle := func(_ context.Context, req *Request) (header, body any, err error) {
		return nil, nil, req.Body(new(any))
	}
	inBubble(t, &Server{Handle: handle}, func(t *testing.T, l *lab) {
		p := l.greet()
		if err := p.Send(nil, make([]any, maxValues)); err != nil {
			t.Fatal(err)
		}
		if f, err := p.Recv(); err != nil || !strings.Contains(text(f), "more values than the limit") {
			t.Errorf("%s, %v", text(f), err)
		}
	})
}

// Replies come in the order of requests, and together when these came together.
func TestRepliesInOrder(t *testing.T) {
	l := onLoopback(t, &Server{})
	p := l.greet()
	const n = 1000
	go func() {
		for i := range n {
			p.Queue(petrichor.Header{"id": i}, i)
		}
		p.Flush()
	}()
	for i := range n {
		f, err := p.Recv()
		var body int
		if err := errors.Join(err, petrichor.Unmarshal(f.Body, &body)); err != nil || body != i {
			t.Fatalf("reply %d: %d, %v", i, body, err)
		}
	}
}

// With more than one handler per connection a slow one holds up nobody.
func TestHandlersPerConn(t *testing.T) {
	release := make(chan struct{})
	handle := func(ctx context.Context, req *Request) (header, body any, err error) {
		if string(req.Frame.Body) == "4:slow," {
			<-release
		}
		return nil, req.Frame.Body, nil
	}
	l := onLoopback(t, &Server{Handle: handle, HandlersPerConn: 2})
	p := l.greet()
	for i, body := range []string{"slow", "a", "b", "c"} {
		if err := p.Queue(petrichor.Header{"id": i + 1}, body); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for i := range 4 {
		if i == 3 {
			close(release)
		}
		f, err := p.Recv()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, text(f))
	}
	want := []string{"9:2:id,1:2#}1:a,", "9:2:id,1:3#}1:b,", "9:2:id,1:4#}1:c,", "9:2:id,1:1#}4:slow,"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestLoop(t *testing.T) {
	ended := make(chan error, 1)
	loop := func(ctx context.Context, c *Conn) error {
		f, err := c.Recv()
		for err == nil {
			if err = c.QueueFrame(f); err == nil {
				f, err = c.Next()
			}
		}
		ended <- err
		return err
	}
	t.Run("the peer ends it", func(t *testing.T) {
		l := onLoopback(t, &Server{Loop: loop})
		p := l.greet()
		if f, err := p.Request(nil, "x"); err != nil || text(f) != "0:}1:x," {
			t.Errorf("%s, %v", text(f), err)
		}
		p.Close()
		if err := <-ended; err != io.EOF {
			t.Error(err)
		}
		if why := l.closed(1)[0]; why != nil {
			t.Error(why)
		}
	})
	t.Run("the server ends it", func(t *testing.T) {
		l := onLoopback(t, &Server{Loop: loop})
		l.greet()
		if err := l.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != ErrServerClosed {
			t.Error(err)
		}
	})
	t.Run("it asks its peer", func(t *testing.T) {
		l := onLoopback(t, &Server{Loop: func(ctx context.Context, c *Conn) error {
			f, err := c.Request(nil, c.Peer().First.Header)
			return errors.Join(err, c.SendFrame(f))
		}})
		p := l.greet()
		f, err := p.Request(nil, "answer")
		if err != nil || text(f) != "0:}14:4:user,4:peer,}" {
			t.Errorf("%s, %v", text(f), err)
		}
		if f, err := p.Recv(); err != nil || text(f) != "0:}6:answer," {
			t.Errorf("%s, %v", text(f), err)
		}
		if _, err := p.Recv(); err != io.EOF {
			t.Errorf("when Loop returns the connection ends: %v", err)
		}
	})
	t.Run("its peer has gone", func(t *testing.T) {
		l := onLoopback(t, &Server{Loop: func(ctx context.Context, c *Conn) error {
			c.Next()
			c.stream.rwc.Close()
			_, err := c.Request(nil, nil)
			ended <- err
			return err
		}})
		l.greet().Close()
		if err := <-ended; err == nil {
			t.Error("no error")
		}
	})
}

func TestAdmit(t *testing.T) {
	admit := func(ctx context.Context, p *Peer) (Answer, error) {
		var first struct {
			User string `tnet:"user"`
		}
		if err := petrichor.Unmarshal(p.First.Header, &first); err != nil {
			return Answer{}, err
		}
		if p.Identity != "somebody" || p.Addr == nil {
			return Deny(nil, "who are you"), nil
		}
		return Answer{first.User == "zed", petrichor.Header{"hello": first.User}, nil}, nil
	}
	identify := func(stream io.ReadWriteCloser) (string, error) { return "somebody", nil }
	for _, c := range []struct {
		name, first, want string
		allowed           bool
		kind              EventKind
	}{
		{"allowed", "13:4:user,3:zed,}0:~", "31:7:allowed,4:true!5:hello,3:zed,}0:~", true, Allowed},
		{"denied", "13:4:user,3:bob,}0:~", "32:7:allowed,5:false!5:hello,3:bob,}0:~", false, Denied},
		{"an error denies", "13:4:user,3:zed#}0:~", "18:7:allowed,5:false!}0:~", false, Denied},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, &Server{Admit: admit, Identify: identify}, func(t *testing.T, l *lab) {
				stream := l.connect()
				if _, err := stream.Write([]byte(c.first)); err != nil {
					t.Fatal(err)
				}
				p := petrichor.NewConn(stream)
				if f, err := p.Recv(); err != nil || text(f) != c.want {
					t.Errorf("%s, %v; want %s", text(f), err, c.want)
				}
				if _, err := p.Request(nil, "x"); (err == nil) != c.allowed {
					t.Errorf("a request after that: %v", err)
				}
				l.closed(1 - len(l.events.of(Allowed)))
				if len(l.events.of(c.kind)) != 1 || len(l.events.of(Allowed))+len(l.events.of(Denied)) != 1 {
					t.Errorf("%d allowed, %d denied", len(l.events.of(Allowed)), len(l.events.of(Denied)))
				}
			})
		})
	}
	t.Run("whom nobody knows", func(t *testing.T) {
		failing := func(stream io.ReadWriteCloser) (string, error) { return "", errMine }
		inBubble(t, &Server{Identify: failing}, func(t *testing.T, l *lab) {
			if got := read(l.connect()); got != "" {
				t.Errorf("sent %q", got)
			}
			if why := l.closed(1); why[0] != errMine {
				t.Error(why)
			}
		})
	})
	t.Run("an answer that has no form", func(t *testing.T) {
		admit := func(ctx context.Context, p *Peer) (Answer, error) { return Allow(nil, make(chan int)), nil }
		inBubble(t, &Server{Admit: admit}, func(t *testing.T, l *lab) {
			stream := l.connect()
			stream.Write([]byte("0:}0:~"))
			if got := read(stream); got != "" {
				t.Errorf("sent %q", got)
			}
		})
	})
	t.Run("a panic", func(t *testing.T) {
		admit := func(ctx context.Context, p *Peer) (Answer, error) { panic("no") }
		inBubble(t, &Server{Admit: admit}, func(t *testing.T, l *lab) {
			stream := l.connect()
			stream.Write([]byte("0:}0:~"))
			if got := read(stream); got != "" || strings.Count(l.logged.String(), "handler panicked") != 1 {
				t.Errorf("sent %q, logged %s", got, l.logged.String())
			}
		})
	})
}

func TestServeStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, &Server{MaxConns: 1})
		serve := func() (net.Conn, chan error) {
			ours, theirs := net.Pipe()
			ended := make(chan error, 1)
			go func() { ended <- l.ServeStream(struct{ io.ReadWriteCloser }{theirs}) }()
			return ours, ended
		}
		ours, ended := serve()
		p := petrichor.NewConn(ours)
		if _, err := p.Request(nil, nil); err != nil {
			t.Fatal(err)
		}
		if f, err := p.Request(nil, "x"); err != nil || text(f) != "0:}1:x," {
			t.Errorf("%s, %v", text(f), err)
		}
		if _, refused := serve(); <-refused != ErrRefused {
			t.Error("there is only one place")
		}
		ours.Write([]byte("0:}"))
		ours.Close()
		if err := <-ended; err != io.ErrUnexpectedEOF {
			t.Error(err)
		}
		ours, ended = serve()
		ours.Write([]byte("0:}0:~"))
		synctest.Wait()
		go l.Close()
		if got := read(ours); got != "17:7:allowed,4:true!}0:~" {
			t.Errorf("sent %q", got)
		}
		if err := <-ended; err != ErrServerClosed {
			t.Error(err)
		}
		if _, ended := serve(); <-ended != ErrServerClosed {
			t.Error("served after Close")
		}
	})
}

func TestServeEnds(t *testing.T) {
	var s Server
	s.Close()
	pipes := &pipeListener{done: make(chan struct{})}
	if err := s.Serve(pipes); err != ErrServerClosed {
		t.Errorf("after Close: %v", err)
	}
	if _, err := pipes.Accept(); err == nil {
		t.Error("the listener is open")
	}
	s = Server{}
	if err := s.Serve(pipes); err != net.ErrClosed {
		t.Errorf("a listener that fails: %v", err)
	}
	if err := errors.Join(s.Shutdown(t.Context()), s.Close(), s.Shutdown(t.Context())); err != nil {
		t.Errorf("stopped again: %v", err)
	}
}

// The zero values of a Server's fields stand for these.
func TestDefaults(t *testing.T) {
	s := new(Server)
	s.init()
	if s.set.handshake != 5*time.Second || s.set.frame != 30*time.Second || s.set.idle != 120*time.Second || s.set.write != 10*time.Second {
		t.Errorf("timeouts %+v", s.set)
	}
	if s.door.most != 4096 || s.door.mostPending != 256 || s.door.mostPerAddress != 64 {
		t.Errorf("door %+v", &s.door)
	}
	if s.handlers.left != 1024 || s.set.perConn != 1 || s.flight.left != 64<<20 {
		t.Errorf("%d handlers, %d for a connection, %d in flight", s.handlers.left, s.set.perConn, s.flight.left)
	}
	if s.set.tick != 250*time.Millisecond || s.set.log != slog.Default() {
		t.Errorf("tick %v", s.set.tick)
	}
	fast := &Server{IdleTimeout: 40 * time.Millisecond, FrameTimeout: -1}
	fast.init()
	if fast.set.tick != 2*time.Millisecond {
		t.Errorf("tick %v", fast.set.tick)
	}
}

// Without deadlines nobody is cut.
func TestNoDeadlines(t *testing.T) {
	inBubble(t, &Server{HandshakeTimeout: -1, FrameTimeout: -1, IdleTimeout: -1, WriteTimeout: -1}, func(t *testing.T, l *lab) {
		silent := l.connect()
		p := l.greet()
		time.Sleep(time.Hour)
		p.stream.Write([]byte("0:}1:"))
		time.Sleep(time.Hour)
		p.stream.Write([]byte("x,"))
		time.Sleep(time.Hour)
		if f, err := p.Recv(); err != nil || text(f) != "0:}1:x," {
			t.Errorf("%s, %v", text(f), err)
		}
		if f, err := petrichor.NewConn(silent).Request(nil, nil); err != nil || !petrichor.Allowed(f.Header) {
			t.Error(err)
		}
	})
}

func TestVars(t *testing.T) {
	vars := new(Vars)
	var _ expvar.Var = vars
	l := onLoopback(t, &Server{Observer: vars, Handle: func(_ context.Context, req *Request) (any, any, error) {
		if string(req.Frame.Body) == "5:panic," {
			panic("no")
		}
		return nil, req.Frame.Body, nil
	}, Admit: func(_ context.Context, p *Peer) (Answer, error) {
		return Answer{Allow: len(p.First.Header) > 3}, nil
	}, MaxConns: 1})
	p := l.greet()
	p.Request(nil, "x")
	if got := read(l.connect()); got != "" {
		t.Errorf("refused with %q", got)
	}
	p.Request(nil, "panic")
	open := func() int64 { return vars.open.Load() }
	eventually(t, "the connection has ended", func() bool { return open() == 0 })
	denied := l.connect()
	denied.Write([]byte("0:}0:~"))
	read(denied)
	eventually(t, "the connection has ended", func() bool { return open() == 0 })
	got := map[string]int64{}
	if err := json.Unmarshal([]byte(vars.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got["handler_nanoseconds"] <= 0 {
		t.Error("the handler took no time")
	}
	delete(got, "handler_nanoseconds")
	in := int64(len("14:4:user,4:peer,}0:~" + "0:}1:x," + "0:}5:panic," + "0:}0:~"))
	want := map[string]int64{
		"connections_open": 0, "connections_opened": 2, "connections_refused": 1, "connections_allowed": 1, "connections_denied": 1,
		"connections_closed": 2, "connections_cut": 1, "frames_in": 4, "bytes_in": in, "replies_out": 1, "reply_bytes_out": 7, "handler_panics": 1,
	}
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s: %d; want %d", name, got[name], n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
}

func TestEventKinds(t *testing.T) {
	seen := map[string]bool{}
	for k := Opened; k <= Panicked; k++ {
		seen[k.String()] = true
	}
	if len(seen) != 8 || seen["unknown"] || EventKind(-1).String() != "unknown" || EventKind(8).String() != "unknown" {
		t.Errorf("%v", seen)
	}
}

// One Server serves several listeners and streams at once.
func TestServeSeveral(t *testing.T) {
	nothingLeft(t)
	var s Server
	s.Handle = echoBody
	var done sync.WaitGroup
	var addrs []string
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addrs = append(addrs, l.Addr().String())
		done.Go(func() {
			if err := s.Serve(l); err != ErrServerClosed {
				t.Error(err)
			}
		})
	}
	for _, addr := range addrs {
		c, _, err := petrichor.Connect(t.Context(), "tcp", addr, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if f, err := c.Request(nil, rand.Text()); err != nil || len(f.Body) != 26+len("26:,") {
			t.Error(err)
		}
		c.Close()
	}
	s.Shutdown(t.Context())
	done.Wait()
}

// A request costs one allocation, which is the handler's: what it returns is put
// into an interface.
func TestRequestsWithoutAllocations(t *testing.T) {
	const requests = 10_000
	run := func(n int) uint64 {
		stream := &nthFails{in: []byte("0:}0:~" + strings.Repeat("9:2:id,1:7#}1:x,", n))}
		stream.out.Grow(20 * (n + 10))
		s := &Server{Handle: echoBody, Log: quiet}
		defer s.Close()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := s.ServeStream(stream); err != nil {
			t.Error(err)
		}
		runtime.ReadMemStats(&after)
		return after.Mallocs - before.Mallocs
	}
	run(1)
	if got := float64(run(requests)) / requests; got > 1.1 && !raceOn {
		t.Errorf("%.2f allocations a request", got)
	}
}
