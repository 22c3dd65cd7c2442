package petrichor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// connPair returns two Conns on the ends of a pipe.
func connPair(t *testing.T, opts ...Option) (a, b *Conn) {
	t.Helper()
	left, right := net.Pipe()
	t.Cleanup(func() { left.Close(); right.Close() })
	return NewConn(left, opts...), NewConn(right, opts...)
}

// connServe accepts one peer on loopback, hands it to serve, and returns the
// address.
func connServe(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		stream, err := l.Accept()
		if err != nil {
			return
		}
		defer stream.Close()
		serve(stream)
	})
	t.Cleanup(func() { l.Close(); done.Wait() })
	return l.Addr().String()
}

func connText(f Frame) string { return string(f.Header) + string(f.Body) }

func TestConnectAndAccept(t *testing.T) {
	for _, c := range []struct {
		name    string
		answer  func(*Conn) error
		want    string
		allowed bool
	}{
		{"allowed", func(c *Conn) error { return c.Allow(nil, nil) }, "17:7:allowed,4:true!}0:~", true},
		{"denied", func(c *Conn) error { return c.Deny(nil, "why") }, "18:7:allowed,5:false!}3:why,", false},
		{"an answer that does not say is a yes", func(c *Conn) error { return c.Send(nil, "hello") }, "0:}5:hello,", true},
		{
			"with a header", func(c *Conn) error { return c.Allow(Header{"id": 7, "zone": "b"}, nil) },
			"37:7:allowed,4:true!2:id,1:7#4:zone,1:b,}0:~", true,
		},
		{
			"what the header says of it does not count", func(c *Conn) error { return c.Deny(Header{"allowed": true}, nil) },
			"18:7:allowed,5:false!}0:~", false,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var first Frame
			addr := connServe(t, func(stream net.Conn) {
				peer, f, err := Accept(stream)
				if err != nil {
					t.Error(err)
					return
				}
				first = f
				if err := c.answer(peer); err != nil {
					t.Error(err)
				}
				io.Copy(io.Discard, stream) // until the peer is done
			})
			conn, answer, err := Connect(t.Context(), "tcp", addr, Header{"id": 1}, "first")
			if err != nil {
				t.Fatal(err)
			}
			if connText(answer) != c.want || Allowed(answer.Header) != c.allowed {
				t.Errorf("answer %s, allowed %v; want %s, %v", connText(answer), Allowed(answer.Header), c.want, c.allowed)
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
			if want := "9:2:id,1:1#}5:first,"; connText(first) != want {
				t.Errorf("first frame %s; want %s", connText(first), want)
			}
		})
	}
}

func TestAllowed(t *testing.T) {
	for header, want := range map[string]bool{
		"0:}":                                    true, // absent means yes
		"9:2:id,1:1#}":                           true,
		"17:7:allowed,4:true!}":                  true,
		"18:7:allowed,5:false!}":                 false,
		"18:7:Allowed,5:false!}":                 true,  // names match exactly
		"13:7:allowed,0:~}":                      false, // null is not a yes
		"14:7:allowed,1:1#}":                     false, // nor is 1
		"17:7:allowed,4:true,}":                  false, // nor is the string
		"34:7:allowed,4:true!7:allowed,4:true!}": false, // twice
		"16:7:allowed,4:true!}":                  false, // malformed
		"8:2:id,1:1#}":                           false, // malformed elsewhere
		"0:]":                                    false, // no dict
		"":                                       false,
		"0:}0:~":                                 false, // more than a header
	} {
		if got := Allowed(Raw(header)); got != want {
			t.Errorf("Allowed(%q) = %v", header, got)
		}
	}
}

func TestAnswerLeavesTheHeaderAlone(t *testing.T) {
	a, b := connPair(t)
	header := Header{"id": 1}
	go a.Allow(header, nil)
	if _, err := b.Recv(); err != nil || len(header) != 1 {
		t.Errorf("%v, header %v", err, header)
	}
}

func TestRecvWaitsForAllow(t *testing.T) {
	stream := &connStream{in: []byte("0:}5:first,0:}6:second,")}
	c, first, err := Accept(stream)
	if err != nil || connText(first) != "0:}5:first," {
		t.Fatalf("%s, %v", connText(first), err)
	}
	refused := func(after string) {
		t.Helper()
		if _, err := c.Recv(); err != ErrNotAllowed {
			t.Errorf("Recv after %s: %v", after, err)
		}
		if _, err := c.Next(); err != ErrNotAllowed {
			t.Errorf("Next after %s: %v", after, err)
		}
		if _, err := c.Request(nil, nil); err != ErrNotAllowed {
			t.Errorf("Request after %s: %v", after, err)
		}
	}
	refused("nothing")
	if err := c.Allow(nil, make(chan int)); err == nil {
		t.Error("a chan was sent")
	}
	refused("an Allow that failed")
	if err := c.Deny(nil, nil); err != nil {
		t.Error(err)
	}
	refused("Deny")
	if err := c.Allow(nil, nil); err != nil {
		t.Error(err)
	}
	if f, err := c.Recv(); err != nil || connText(f) != "0:}6:second," {
		t.Errorf("Recv after Allow: %s, %v", connText(f), err)
	}
	if _, err := c.Recv(); err != io.EOF {
		t.Errorf("Recv at the end: %v", err)
	}
}

// connStream is a stream that has its input already and takes all output.
type connStream struct {
	in     []byte
	out    bytes.Buffer
	writes int
	closed bool
	err    error // of Write
}

func (s *connStream) Read(p []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.in)
	s.in = s.in[n:]
	return n, nil
}

func (s *connStream) Write(p []byte) (int, error) {
	s.writes++
	if s.err != nil {
		return 0, s.err
	}
	return s.out.Write(p)
}

func (s *connStream) Close() error {
	s.closed = true
	return nil
}

func TestAcceptReadsLittle(t *testing.T) {
	frame := func(header, body int) []byte {
		f, err := AppendFrame(nil, Header{"h": strings.Repeat("x", header)}, strings.Repeat("y", body))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, c := range []struct {
		name         string
		header, body int
		opts         []Option
		want         error
	}{
		{"a small frame", 10, 10, nil, nil},
		{"much body", 10, 16000, nil, nil},
		{"much header", 16000, 10, nil, nil},
		{"more body than 16 KiB", 10, 16 << 10, nil, ErrTooLarge},
		{"more header than 16 KiB", 16 << 10, 10, nil, ErrTooLarge},
		{"more of both", 9 << 10, 8 << 10, nil, ErrTooLarge},
		{"options do not raise it", 10, 16 << 10, []Option{MaxSize(1 << 30)}, ErrTooLarge},
		{"options lower it", 10, 200, []Option{MaxSize(100)}, ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			large := frame(10, 100_000)
			stream := &connStream{in: append(frame(c.header, c.body), large...)}
			conn, _, err := Accept(stream, c.opts...)
			if !errors.Is(err, c.want) || (conn == nil) != (err != nil) {
				t.Fatalf("%v; want %v", err, c.want)
			}
			if stream.closed {
				t.Error("the stream was closed: that is for who opened it")
			}
			if err != nil {
				return
			}
			if err := conn.Allow(nil, nil); err != nil {
				t.Fatal(err)
			}
			if f, err := conn.Recv(); err != nil || len(f.Body) < 100_000 {
				t.Errorf("once allowed the limits are those of the options: %v", err)
			}
		})
	}
}

func TestAcceptFails(t *testing.T) {
	for in, want := range map[string]error{
		"":           io.EOF,
		"0:}":        io.ErrUnexpectedEOF,
		"0:]0:~":     ErrHeader,
		"GET / HTTP": ErrSize,
	} {
		if c, _, err := Accept(&connStream{in: []byte(in)}); !errors.Is(err, want) || c != nil {
			t.Errorf("%q: %v; want %v", in, err, want)
		}
	}
}

func TestRecvGivesFramesToKeep(t *testing.T) {
	c := NewConn(&connStream{in: []byte("0:}3:one,0:}3:two,0:}3:thr,0:}4:")})
	var kept []Frame
	for range 3 {
		f, err := c.Recv()
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, f)
	}
	if _, err := c.Recv(); err != io.ErrUnexpectedEOF {
		t.Errorf("inside a frame: %v", err)
	}
	if got := connText(kept[0]) + connText(kept[1]) + connText(kept[2]); got != "0:}3:one,0:}3:two,0:}3:thr," {
		t.Errorf("kept %s", got)
	}
}

func TestSendIsOneWrite(t *testing.T) {
	stream := new(connStream)
	c := NewConn(stream)
	if err := c.Send(Header{"a": 1}, strings.Repeat("x", 100_000)); err != nil || stream.writes != 1 {
		t.Errorf("%d writes, %v", stream.writes, err)
	}
	if err := c.Send("no dict", nil); !errors.Is(err, ErrHeader) || stream.writes != 1 {
		t.Errorf("a header that is no dict: %d writes, %v", stream.writes, err)
	}
	if err := c.Send(nil, func() {}); err == nil || stream.writes != 1 {
		t.Errorf("a body that has no form: %d writes, %v", stream.writes, err)
	}
	if err := c.Send(nil, nil); err != nil || stream.writes != 2 {
		t.Errorf("after what could not be marshaled: %v", err)
	}
	stream.err = errConn
	for range 2 {
		if err := c.Send(nil, nil); err != errConn {
			t.Errorf("an error of the stream: %v", err)
		}
		stream.err = nil // it remains
	}
	if _, err := c.Request(nil, nil); err != errConn {
		t.Errorf("Request: %v", err)
	}
}

var errConn = errors.New("the line is broken")

func TestManySendersBesideOneReceiver(t *testing.T) {
	const senders, frames = 8, 50
	a, b := connPair(t)
	var done sync.WaitGroup
	for i := range senders {
		done.Go(func() {
			for j := range frames {
				if err := a.Send(Header{"from": i}, fmt.Sprintf("%d/%d %s", i, j, strings.Repeat("x", j))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Go(func() { // and the other way at the same time
		for range frames {
			if err := b.Send(nil, 1); err != nil {
				t.Error(err)
			}
		}
	})
	done.Go(func() {
		for range frames {
			if _, err := a.Recv(); err != nil {
				t.Error(err)
			}
		}
	})
	next := map[int]int{}
	for range senders * frames {
		f, err := b.Recv()
		if err != nil {
			t.Fatal(err)
		}
		var header struct {
			From int `tnet:"from"`
		}
		var body string
		if err := errors.Join(Unmarshal(f.Header, &header), Unmarshal(f.Body, &body)); err != nil {
			t.Fatal(err)
		}
		j := next[header.From]
		if want := fmt.Sprintf("%d/%d %s", header.From, j, strings.Repeat("x", j)); body != want {
			t.Fatalf("%q; want %q", body, want)
		}
		next[header.From]++
	}
	done.Wait()
}

func TestCloseEndsRecv(t *testing.T) {
	a, _ := connPair(t)
	got := make(chan error)
	go func() {
		_, err := a.Recv()
		got <- err
	}()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if err := <-got; err != io.ErrClosedPipe {
		t.Errorf("%v; want what the stream says", err)
	}
}

// ---- Within and Connect -----------------------------------------------------------

func TestWithin(t *testing.T) {
	errMine := errors.New("mine")
	cancelled, cancel := context.WithCancelCause(context.Background())
	cancel(errMine)
	for _, c := range []struct {
		name string
		ctx  func() (context.Context, context.CancelFunc)
		want error
	}{
		{"a deadline", func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), 20*time.Second)
		}, context.DeadlineExceeded},
		{"a cancelled context", func() (context.Context, context.CancelFunc) { return cancelled, func() {} }, errMine},
		{"a context cancelled later", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			stop := time.AfterFunc(time.Hour, cancel)
			return ctx, func() { stop.Stop(); cancel() }
		}, context.Canceled},
	} {
		for _, kind := range []string{"a pipe", "a stream without deadlines", "a stream whose deadlines fail"} {
			t.Run(c.name+" on "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					left, right := net.Pipe()
					defer right.Close()
					var stream io.ReadWriteCloser = left
					switch kind {
					case "a stream without deadlines":
						stream = struct{ io.ReadWriteCloser }{left}
					case "a stream whose deadlines fail":
						stream = connNoDeadline{left}
					}
					ctx, cancel := c.ctx()
					defer cancel()
					conn := NewConn(stream)
					defer conn.Close()
					err := conn.Within(ctx, func() error {
						_, err := conn.Recv()
						return err
					})
					if err != c.want {
						t.Errorf("%v; want %v", err, c.want)
					}
					go io.Copy(io.Discard, right)
					if _, err := left.Write([]byte("x")); (err == nil) != (kind == "a pipe") {
						t.Errorf("the stream afterwards: %v", err)
					}
				})
			})
		}
	}
}

type connNoDeadline struct{ net.Conn }

func (connNoDeadline) SetDeadline(time.Time) error { return os.ErrNoDeadline }

func TestWithinLeavesOtherThingsAlone(t *testing.T) {
	a, b := connPair(t)
	go b.Send(nil, "x")
	ctx, cancel := context.WithCancel(context.Background())
	err := a.Within(ctx, func() error {
		_, err := a.Recv()
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := a.Within(ctx, func() error { return errConn }); err != errConn {
		t.Errorf("an error while ctx goes on: %v", err)
	}
	cancel()
	if err := a.Within(ctx, func() error { return nil }); err != nil {
		t.Errorf("what succeeds has succeeded: %v", err)
	}
	go b.Send(nil, "y")
	if _, err := a.Recv(); err != nil {
		t.Errorf("the deadline was not lifted: %v", err)
	}
}

func TestConnectTakesTwentySeconds(t *testing.T) {
	if got := timeLeft(context.Background()); got != 20*time.Second {
		t.Errorf("without a deadline: %v", got)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if got := timeLeft(ctx); got < 59*time.Minute {
		t.Errorf("with one: %v", got)
	}
}

func TestConnectFails(t *testing.T) {
	silent := func(stream net.Conn) { io.Copy(io.Discard, stream) }
	soon := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), 20*time.Millisecond)
	}
	later := func() (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(20*time.Millisecond, cancel)
		return ctx, cancel
	}
	forever := func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) }
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
		ctx   func() (context.Context, context.CancelFunc)
		body  any
		want  error
	}{
		{"a deadline while the peer is silent", silent, soon, nil, context.DeadlineExceeded},
		{"a cancel while the peer is silent", silent, later, nil, context.Canceled},
		{"a peer that hangs up", func(s net.Conn) { s.Read(make([]byte, 1024)) }, forever, nil, io.EOF},
		{
			"a peer that hangs up inside a frame", func(s net.Conn) { s.Read(make([]byte, 1024)); s.Write([]byte("0:}")) },
			forever, nil, io.ErrUnexpectedEOF,
		},
		{"a peer that speaks something else", func(s net.Conn) { s.Write([]byte("220 smtp")); silent(s) }, forever, nil, ErrSize},
		{"a body that has no form", silent, forever, make(chan int), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := connServe(t, c.serve)
			ctx, cancel := c.ctx()
			defer cancel()
			conn, _, err := Connect(ctx, "tcp", addr, nil, c.body)
			if conn != nil || err == nil || !errors.Is(err, c.want) && c.want != nil {
				t.Errorf("%v, %v; want %v", conn, err, c.want)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		if _, _, err := Connect(t.Context(), "tcp", l.Addr().String(), nil, nil); err == nil {
			t.Error("connected")
		}
		if _, _, err := Connect(t.Context(), "carrier pigeon", "", nil, nil); err == nil {
			t.Error("connected")
		}
	})
	t.Run("a context that is done", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, _, err := Connect(ctx, "tcp", "127.0.0.1:1", nil, nil); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// ---- Filters ---------------------------------------------------------------------------

// connFilter puts its name around the bodies on their way out, and wants it
// there on their way in.
type connFilter struct {
	name string
	log  *[]string
}

func (c connFilter) Outbound(f Frame) (Frame, error) {
	*c.log = append(*c.log, "out "+c.name)
	f.Body = Append(nil, KindList, append([]byte("1:"+c.name+","), f.Body...))
	return f, nil
}

func (c connFilter) Inbound(f Frame) (Frame, error) {
	*c.log = append(*c.log, "in "+c.name)
	list, _, err := Cut(f.Body)
	if err != nil {
		return Frame{}, err
	}
	name, rest, err := Cut(list.Payload)
	if err != nil || string(name.Payload) != c.name {
		return Frame{}, fmt.Errorf("not mine: %q, %v", name.Payload, err)
	}
	f.Body = Raw(rest)
	return f, nil
}

func TestFiltersRunInOrderAndBackwards(t *testing.T) {
	var log []string
	a, b := connFilter{"a", &log}, connFilter{"b", &log}
	stream := new(connStream)
	c := NewConn(stream, WithFilters(a, b))
	if err := c.Send(Header{"k": 1}, "x"); err != nil {
		t.Fatal(err)
	}
	if got, want := stream.out.String(), "8:1:k,1:1#}23:1:b,16:1:a,4:1:x,,]]"; stream.writes != 1 {
		t.Errorf("%s in %d writes; want %s", got, stream.writes, want)
	}
	stream.in = bytes.Clone(stream.out.Bytes())
	f, err := c.Recv()
	if err != nil || connText(f) != "8:1:k,1:1#}1:x," {
		t.Errorf("%s, %v", connText(f), err)
	}
	if want := []string{"out a", "out b", "in b", "in a"}; !slices.Equal(log, want) {
		t.Errorf("%q; want %q", log, want)
	}
}

// One who moves frames by other means than a Conn gets the filters as a Conn would.
func TestFiltersOfOptions(t *testing.T) {
	a, b := extensionOf("x", "a").Choices[0].New(Limits{}), extensionOf("x", "b").Choices[0].New(Limits{})
	for _, test := range []struct {
		reason string
		opts   []Option
		want   string
	}{
		{"none are set", nil, ""},
		{"in the order of WithFilters", []Option{WithFilters(b, a)}, "b a"},
		{"the last option holds", []Option{WithFilters(a), MaxSize(1), WithFilters(b)}, "b"},
		{"extensions have none before they are agreed on", []Option{WithExtensions(extensionOf("x", "a"))}, ""},
	} {
		if got := strings.Join(namesOf(Filters(test.opts...)), " "); got != test.want {
			t.Errorf("%s: %q; want %q", test.reason, got, test.want)
		}
	}
}

// connBroken is a filter with an opinion.
type connBroken struct {
	out, in func(Frame) (Frame, error)
}

func (c connBroken) Outbound(f Frame) (Frame, error) { return c.out(f) }
func (c connBroken) Inbound(f Frame) (Frame, error)  { return c.in(f) }

func TestFilterErrors(t *testing.T) {
	pass := func(f Frame) (Frame, error) { return f, nil }
	fail := func(Frame) (Frame, error) { return Frame{}, errConn }
	never := func(f Frame) (Frame, error) { t.Error("called after another failed"); return f, nil }

	stream := &connStream{in: []byte("0:}1:x,0:}1:y,")}
	c := NewConn(stream, WithFilters(connBroken{fail, never}, connBroken{never, fail}))
	if err := c.Send(nil, "x"); err != errConn || stream.writes != 0 {
		t.Errorf("Outbound fails: %v, %d writes", err, stream.writes)
	}
	for range 2 {
		if _, err := c.Recv(); err != errConn {
			t.Errorf("Inbound fails, which is final: %v", err)
		}
	}

	for _, f := range []Frame{{Raw("0:]"), Raw("0:~")}, {Raw("0:}"), Raw("1:x")}, {Raw("0:}0:}"), Raw("0:~")}, {Raw("0:}"), Raw("")}} {
		stream := new(connStream)
		c := NewConn(stream, WithFilters(connBroken{func(Frame) (Frame, error) { return f, nil }, pass}))
		if err := c.Send(nil, "x"); err == nil || stream.writes != 0 {
			t.Errorf("Outbound makes %q of a frame: %v, %d writes", f, err, stream.writes)
		}
	}

	stream = new(connStream)
	c = NewConn(stream, WithFilters(connBroken{never, pass}))
	if err := c.SendFrame(Frame{Raw("0:]"), nil}); !errors.Is(err, ErrHeader) || stream.writes != 0 {
		t.Errorf("a filter is not shown what is no frame: %v, %d writes", err, stream.writes)
	}

	stream = new(connStream)
	c = NewConn(stream, WithFilters(connBroken{pass, pass}))
	if err := c.SendFrame(Frame{nil, Raw("1:x")}); err == nil || stream.writes != 0 {
		t.Errorf("what is no frame: %v", err)
	}
	if err := c.Send(nil, make(chan int)); err == nil || stream.writes != 0 {
		t.Errorf("what cannot be marshaled: %v", err)
	}
	if err := c.Send(nil, nil); err != nil || stream.out.String() != "0:}0:~" {
		t.Errorf("%q, %v", stream.out.String(), err)
	}
}

func TestFiltersKeepToTheLimitsOfWriting(t *testing.T) {
	pass := func(f Frame) (Frame, error) { return f, nil }
	stream := new(connStream)
	c := NewConn(stream, MaxHeaderSize(4), MaxValues(2), WithFilters(connBroken{pass, pass}))
	if err := c.Send(Header{"key": "value"}, []int{1, 2, 3}); err != nil {
		t.Errorf("MaxHeaderSize and MaxValues affect reading: %v", err)
	}
}

// ---- A pair of Conns against a model ---------------------------------------------------

// connWire is one direction of a stream with a buffer, read in small portions.
type connWire struct {
	data   []byte
	closed bool // by either end
	turn   int
}

// connEnd is one end of two wires.  Nothing waits: reading an open empty wire
// is an error that the model never provokes.
type connEnd struct{ in, out *connWire }

var errWouldWait = errors.New("would wait")

func (e connEnd) Read(p []byte) (int, error) {
	switch {
	case len(e.in.data) > 0:
		e.in.turn++
		n := copy(p[:min(len(p), 1+e.in.turn%7)], e.in.data)
		e.in.data = e.in.data[n:]
		return n, nil
	case e.in.closed:
		return 0, io.EOF
	}
	return 0, errWouldWait
}

func (e connEnd) Write(p []byte) (int, error) {
	if e.out.closed {
		return 0, io.ErrClosedPipe
	}
	e.out.data = append(e.out.data, p...)
	return len(p), nil
}

func (e connEnd) Close() error {
	e.in.closed, e.out.closed = true, true
	return nil
}

// connModel is a pair of Conns and what is known of them.
type connModel struct {
	conns   [2]*Conn
	queues  [2][]string // on their way to conn i
	kept    [2][]Frame  // received by conn i
	keptAs  [2][]string
	allowed bool // conn 1 accepted, and has allowed
	closed  bool
}

func (m *connModel) init(t *rapid.T) {
	ab, ba := new(connWire), new(connWire)
	a, b := connEnd{ba, ab}, connEnd{ab, ba}
	m.conns[0] = NewConn(a)
	if err := m.conns[0].Send(Header{"id": "a"}, nil); err != nil {
		t.Fatal(err)
	}
	conn, first, err := Accept(b)
	if err != nil || connText(first) != "9:2:id,1:a,}0:~" {
		t.Fatalf("%s, %v", connText(first), err)
	}
	m.conns[1] = conn
}

func (m *connModel) side(t *rapid.T) int { return rapid.IntRange(0, 1).Draw(t, "side") }

func (m *connModel) sent(t *rapid.T, from int, err error, text string) {
	if m.closed {
		if err != io.ErrClosedPipe {
			t.Fatalf("Send after Close: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	m.queues[1-from] = append(m.queues[1-from], text)
}

func (m *connModel) Send(t *rapid.T) {
	from := m.side(t)
	n := rapid.Int().Draw(t, "n")
	body := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "body")
	err := m.conns[from].Send(Header{"n": n}, body)
	number := fmt.Sprint(n)
	entry := fmt.Sprintf("1:n,%d:%s#", len(number), number)
	m.sent(t, from, err, fmt.Sprintf("%d:%s}%d:%s,", len(entry), entry, len(body), body))
}

func (m *connModel) SendWhatCannotBe(t *rapid.T) {
	if err := m.conns[m.side(t)].Send(nil, make(chan int)); !fuzzIsType(err) {
		t.Fatal(err)
	}
}

func (m *connModel) Answer(t *rapid.T) {
	yes := rapid.Bool().Draw(t, "yes")
	answer, text := m.conns[1].Deny, "18:7:allowed,5:false!}0:~"
	if yes {
		answer, text = m.conns[1].Allow, "17:7:allowed,4:true!}0:~"
	}
	err := answer(nil, nil)
	m.sent(t, 1, err, text)
	m.allowed = m.allowed || yes && err == nil
}

func (m *connModel) Recv(t *rapid.T) {
	at := m.side(t)
	queue, waits := m.queues[at], at == 1 && !m.allowed
	if len(queue) == 0 && !m.closed && !waits {
		t.Skip("it would wait")
	}
	f, err := m.conns[at].Recv()
	switch {
	case waits:
		if err != ErrNotAllowed {
			t.Fatalf("from a peer not allowed: %v", err)
		}
	case len(queue) > 0:
		if err != nil || connText(f) != queue[0] {
			t.Fatalf("%q, %v; want %q", connText(f), err, queue[0])
		}
		m.queues[at] = queue[1:]
		m.kept[at], m.keptAs[at] = append(m.kept[at], f), append(m.keptAs[at], queue[0])
	case err != io.EOF:
		t.Fatalf("all received of a closed stream: %v", err)
	}
}

func (m *connModel) Request(t *rapid.T) {
	if m.closed || len(m.queues[0]) == 0 {
		t.Skip("no answer there")
	}
	f, err := m.conns[0].Request(nil, true)
	if err != nil || connText(f) != m.queues[0][0] {
		t.Fatalf("%q, %v; want %q", connText(f), err, m.queues[0][0])
	}
	m.queues[0] = m.queues[0][1:]
	m.queues[1] = append(m.queues[1], "0:}4:true!")
}

func (m *connModel) Close(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "close") > 0 {
		t.Skip("rarely")
	}
	if err := m.conns[m.side(t)].Close(); err != nil {
		t.Fatal(err)
	}
	m.closed = true
}

func (m *connModel) Check(t *rapid.T) {
	for i, kept := range m.kept {
		for j, f := range kept {
			if connText(f) != m.keptAs[i][j] {
				t.Fatalf("a frame kept has become %q; was %q", connText(f), m.keptAs[i][j])
			}
		}
	}
}

func TestConnAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := new(connModel)
		m.init(t)
		t.Repeat(rapid.StateMachineActions(m))
	})
}

// Nothing is inflated for a peer that has not been allowed, and what is agreed
// on in the first frames cannot change them.
func TestFirstFramesPassNoFilter(t *testing.T) {
	fail := func(Frame) (Frame, error) { return Frame{}, errors.New("a filter saw a first frame") }
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		stream, err := l.Accept()
		if err != nil {
			served <- err
			return
		}
		defer stream.Close()
		c, _, err := Accept(stream, WithFilters(connBroken{fail, fail}))
		if err == nil {
			err = c.Allow(nil, nil)
		}
		if err == nil && c.Send(nil, nil) == nil {
			err = errors.New("a frame after the first passed no filter")
		}
		served <- err
	}()
	c, answer, err := Connect(t.Context(), "tcp", l.Addr().String(), nil, nil, WithFilters(connBroken{fail, fail}))
	if err != nil || !Allowed(answer.Header) {
		t.Fatalf("got %s, %v", answer.Header, err)
	}
	defer c.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := c.Send(nil, nil); err == nil {
		t.Error("a frame after the first passed no filter")
	}
}

// A body is sent while it is read, between the frames that came before and after.
func TestSendFrom(t *testing.T) {
	stream := new(connStream)
	c := NewConn(stream)
	r := strings.NewReader("hello and more")
	if err := errors.Join(c.Queue(nil, 1), c.SendFrom(Header{"k": 1}, 5, r), c.Send(nil, 2)); err != nil {
		t.Fatal(err)
	}
	if got := stream.out.String(); got != "0:}1:1#"+"8:1:k,1:1#}5:hello,"+"0:}1:2#" || r.Len() != len(" and more") {
		t.Errorf("%q, and %d bytes left", got, r.Len())
	}
	stream = new(connStream)
	if err := NewConn(stream, Separator('\n')).SendFrom(nil, 0, strings.NewReader("")); err != nil || stream.out.String() != "0:}\n0:,\n" {
		t.Errorf("%v, %q", err, &stream.out)
	}
	dec := NewDecoder(strings.NewReader("0:}8:1:x,1:y,]"))
	_, body, err := dec.NextFrame()
	stream = new(connStream)
	if err := errors.Join(err, NewConn(stream).SendFrom(nil, body.Size(), body)); err != nil || stream.out.String() != "0:}8:1:x,1:y,]" {
		t.Errorf("a Body keeps its kind: %v, %q", err, &stream.out)
	}
}

// What cannot be sent is not; what ends in the middle is the end.
func TestSendFromFails(t *testing.T) {
	for name, c := range map[string]struct {
		header any
		size   int64
		opts   []Option
		err    error
	}{
		"no dict":   {header: 1, size: 1, err: ErrHeader},
		"negative":  {size: -1, err: ErrTooLarge},
		"too large": {size: 11, opts: []Option{MaxSize(10)}, err: ErrTooLarge},
		"filters":   {size: 1, opts: []Option{WithFilters(twice{})}, err: errors.ErrUnsupported},
	} {
		stream := new(connStream)
		conn := NewConn(stream, c.opts...)
		r := strings.NewReader("12345678901234567890")
		if err := conn.SendFrom(c.header, c.size, r); !errors.Is(err, c.err) || stream.out.Len() > 0 || r.Len() != 20 {
			t.Errorf("%s: %v, %q was sent", name, err, &stream.out)
		}
		if err := conn.Send(nil, "x"); err != nil {
			t.Errorf("%s: afterwards %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		r   io.Reader
		err error
	}{
		"short": {strings.NewReader("12"), io.ErrUnexpectedEOF}, "broken": {io.MultiReader(strings.NewReader("12"), iotest.ErrReader(errConn)), errConn},
	} {
		stream := new(connStream)
		conn := NewConn(stream)
		if err := conn.SendFrom(nil, 3, c.r); err != c.err {
			t.Errorf("%s: %v", name, err)
		}
		for _, again := range []error{conn.Send(nil, nil), conn.Queue(nil, nil), conn.Flush(), conn.SendFrom(nil, 1, strings.NewReader("x"))} {
			if again != c.err {
				t.Errorf("%s: afterwards %v", name, again)
			}
		}
		if got := stream.out.String(); got != "0:}3:12" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Those who send meanwhile wait for a body to end, and what they queue is bounded.
func TestSendersWaitForSendFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left, right := net.Pipe()
		c := NewConn(left)
		more, body := io.Pipe()
		var done sync.WaitGroup
		done.Go(func() {
			if err := c.SendFrom(nil, 10, more); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		for i := range 4 {
			done.Go(func() {
				if err := c.Send(nil, i); err != nil {
					t.Error(err)
				}
			})
		}
		got := make([]byte, 2*len("0:}10:0123"))
		done.Go(func() {
			io.WriteString(body, "01234")
			synctest.Wait()
			io.WriteString(body, "56789")
		})
		whole := "0:}10:0123456789,"
		if _, err := io.ReadFull(right, got[:len(whole)]); err != nil || string(got[:len(whole)]) != whole {
			t.Errorf("%q, %v", got[:len(whole)], err)
		}
		d := NewDecoder(right)
		seen := make(map[string]bool)
		for range 4 {
			f, err := d.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			seen[string(f.Body)] = true
		}
		if len(seen) != 4 {
			t.Errorf("%v", seen)
		}
		done.Wait()
		left.Close()
		right.Close()
	})
}
