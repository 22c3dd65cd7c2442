package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// listen calls serve for each connection to the address that it returns.  At the end
// of the test all of them are closed, and have returned.
func listen(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	countLeft(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var streams []net.Conn
	all.Go(func() {
		for {
			stream, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			streams = append(streams, stream)
			mu.Unlock()
			all.Go(func() {
				defer stream.Close()
				serve(stream)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, stream := range streams {
			stream.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return l.Addr().String()
}

// countLeft fails the test when it ends with more goroutines of this package, or with
// more descriptors, than there are now.
func countLeft(t testing.TB) {
	goroutines, descriptors := countGoroutines(), countDescriptors()
	t.Cleanup(func() {
		g, d := 0, 0
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if g, d = countGoroutines()-goroutines, countDescriptors()-descriptors; g <= 0 && d <= 0 {
				return
			}
		}
		t.Errorf("%d goroutines and %d descriptors are left", g, d)
	})
}

func countGoroutines() int {
	buf := make([]byte, 1<<20)
	return strings.Count(string(buf[:runtime.Stack(buf, true)]), "petrichor/service.(*link)")
}

// countDescriptors is 0 where the system does not tell.
func countDescriptors() int {
	open, _ := os.ReadDir("/proc/self/fd")
	return len(open)
}

// echo allows everybody and sends every frame back, in batches.
func echo(stream net.Conn) {
	p, buf, out := petrichor.NewParser(), make([]byte, 64<<10), []byte(nil)
	for first := true; ; {
		n, err := stream.Read(buf)
		if err != nil {
			return
		}
		p.Feed(buf[:n])
		out = out[:0]
		for {
			f, err := p.Next()
			if err != nil {
				break
			}
			if first {
				f.Header, first = petrichor.Raw("0:}"), false
			}
			out = append(append(out, f.Header...), f.Body...)
		}
		if _, err := stream.Write(out); err != nil {
			return
		}
	}
}

func dial(t testing.TB, addr string, cfg *ClientConfig) *Client {
	t.Helper()
	c, _, err := Dial(t.Context(), "tcp", addr, nil, nil, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestClientRequest(t *testing.T) {
	c := dial(t, listen(t, echo), nil)
	for i := range 10 {
		reply, err := c.Request(t.Context(), petrichor.Header{"n": i}, i)
		if err != nil || string(reply.Body) != body(i) {
			t.Fatal(reply, err)
		}
		id, _ := idOf(reply.Header)
		n, _ := lookup(reply.Header, "n")
		if id != uint64(i+1) || string(n.Payload) != fmt.Sprint(i) {
			t.Errorf("header %s, want id %d and n %d", reply.Header, i+1, i)
		}
	}
}

// Replies are the caller's to keep, and share no bytes.
func TestClientRepliesAreKept(t *testing.T) {
	c := dial(t, listen(t, echo), nil)
	var kept []petrichor.Frame
	for i := range 100 {
		reply, err := c.Request(t.Context(), nil, i)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, reply)
		_ = append(reply.Header, "and more"...) // must not reach the body
	}
	for i, reply := range kept {
		if string(reply.Body) != body(i) {
			t.Errorf("reply %d has become %s", i, reply.Body)
		}
	}
}

// Headers may be whatever marshals as a dict, and have an id of their own, which is
// replaced.
func TestClientHeaders(t *testing.T) {
	c := dial(t, listen(t, echo), nil)
	raw, none := petrichor.Raw("16:1:k,1:v,2:id,0:~}"), petrichor.Raw(nil)
	for _, test := range []struct {
		name   string
		header any
		want   string // entries but the id
	}{
		{"nil", nil, ""},
		{"map", map[string]string{"k": "v"}, "1:k,1:v,"},
		{"nil map", map[string]string(nil), ""},
		{"struct", struct {
			K string `tnet:"k"`
		}{"v"}, "1:k,1:v,"},
		{"Dict", petrichor.Dict{{Key: "z", Value: 1}, {Key: "a", Value: 2}}, "1:z,1:1#1:a,1:2#"},
		{"with an id", petrichor.Header{"id": "mine", "k": "v"}, "1:k,1:v,"},
		{"Raw", raw, "1:k,1:v,"},
		{"pointer to Raw", &raw, "1:k,1:v,"},
		{"nil Raw", none, ""},
		{"pointer to nil Raw", &none, ""},
		{"nil pointer to Raw", (*petrichor.Raw)(nil), ""},
	} {
		reply, err := c.Request(t.Context(), test.header, nil)
		if err != nil || string(without(reply.Header, keyID)) != test.want {
			t.Errorf("%s: header %s, %v", test.name, reply.Header, err)
		}
	}
}

// What cannot be written is an error, sends nothing, and leaves the connection in use.
func TestClientUnwritable(t *testing.T) {
	c := dial(t, listen(t, echo), nil)
	list, half, more := petrichor.Raw("4:1:a,]"), petrichor.Raw("4:1:a"), petrichor.Raw("0:}0:}")
	for _, test := range []struct {
		name         string
		header, body any
	}{
		{"header is a list", []int{1}, nil},
		{"header is a string", "k", nil},
		{"header is a channel", make(chan int), nil},
		{"header is a raw list", list, nil},
		{"header is half a dict", &half, nil},
		{"header is two dicts", more, nil},
		{"body is a channel", nil, make(chan int)},
		{"body is half an element", nil, half},
	} {
		_, err := c.Request(t.Context(), test.header, test.body)
		if err == nil || errors.As(err, new(*RequestError)) {
			t.Errorf("%s: %v", test.name, err)
		}
		if err := c.Send(t.Context(), test.header, test.body); err == nil {
			t.Errorf("%s: no error of Send", test.name)
		}
	}
	if l := c.link.Load(); len(l.slots) > 0 || l.queued > 0 {
		t.Errorf("%d frames, %d bytes queued", len(l.slots), l.queued)
	}
	if _, err := c.Request(t.Context(), nil, nil); err != nil {
		t.Error(err)
	}
}

// The options of the Client are used both ways.
func TestClientOptions(t *testing.T) {
	addr := listen(t, func(stream net.Conn) {
		c, _, err := petrichor.Accept(stream, petrichor.Separator('\n'), petrichor.AllowText(true))
		if err != nil || c.Allow(nil, nil) != nil {
			return
		}
		for f, err := c.Recv(); err == nil; f, err = c.Recv() {
			c.Send(f.Header, f.Body)
		}
	})
	c := dial(t, addr, &ClientConfig{Options: []petrichor.Option{
		petrichor.Separator('\n'), petrichor.AllowText(true), petrichor.MaxSize(100),
	}})
	for range 3 {
		reply, err := c.Request(t.Context(), petrichor.Header{"k": "v"}, "text")
		if err != nil || string(reply.Body) != "4:text;" || string(without(reply.Header, keyID)) != "1:k;1:v;" {
			t.Fatalf("%s, %v", reply, err)
		}
	}
	if _, err := c.Request(t.Context(), nil, make([]byte, 101)); err == nil || errors.As(err, new(*RequestError)) {
		t.Errorf("a body over the limit: %v", err)
	}
}

// 64 senders on one connection: every frame is whole, and every reply is its caller's.
func TestClientManySenders(t *testing.T) {
	c := dial(t, listen(t, echo), nil)
	var all sync.WaitGroup
	for s := range 64 {
		all.Go(func() {
			for i := range 200 {
				body := fmt.Sprint(s, " ", i, " ", strings.Repeat("x", i*s%3000))
				reply, err := c.Request(t.Context(), nil, body)
				var got string
				if err == nil {
					err = petrichor.Unmarshal(reply.Body, &got)
				}
				if err != nil || got != body {
					t.Errorf("%.20q, %v, want %.20q", got, err, body)
					return
				}
			}
		})
	}
	all.Wait()
}

// The connection is closed while 64 send on it: of each frame the peer has received all
// or nothing, and of those that were not sent nothing.
func TestClientClosedWhileSending(t *testing.T) {
	var mu sync.Mutex
	received, faults := map[string]bool{}, []error{}
	served := make(chan struct{})
	addr := listen(t, func(stream net.Conn) {
		defer close(served)
		c, _, err := petrichor.Accept(stream)
		if err != nil || c.Allow(nil, nil) != nil {
			return
		}
		for {
			f, err := c.Recv()
			if err != nil {
				faults = append(faults, err)
				return
			}
			received[string(f.Body)] = true
			c.Send(f.Header, nil)
		}
	})
	c := dial(t, addr, nil)
	outcomes := map[string]error{}
	var all sync.WaitGroup
	for s := range 64 {
		all.Go(func() {
			for i := 0; ; i++ {
				text := fmt.Sprintf("%02d %06d", s, i)
				_, err := c.Request(t.Context(), nil, text)
				mu.Lock()
				outcomes["9:"+text+","] = err
				mu.Unlock()
				if err != nil {
					return
				}
				if s == 0 && i == 50 {
					c.Close()
				}
			}
		})
	}
	all.Wait()
	<-served
	for frame, err := range outcomes {
		if err == nil && !received[frame] || errors.Is(err, ErrNotSent) && received[frame] {
			t.Errorf("%s ended with %v; received: %v", frame, err, received[frame])
		}
		if err != nil && !errors.Is(err, ErrClientClosed) {
			t.Error(err)
		}
		delete(received, frame)
	}
	if len(received) > 0 || errors.As(faults[0], new(*petrichor.SyntaxError)) {
		t.Errorf("the peer has received %v, and then %v", received, faults)
	}
}

func TestClientIsClosed(t *testing.T) {
	c := dial(t, listen(t, allow), nil)
	a := ask(c, t.Context(), nil)
	for l := c.link.Load(); reader(l) == nil; {
		runtime.Gosched()
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	<-a.ended
	if !errors.Is(a.err, ErrMaybeHandled) || !errors.Is(a.err, ErrClientClosed) {
		t.Error(a.err)
	}
	_, err := c.Request(t.Context(), nil, nil)
	if !errors.Is(err, ErrNotSent) || !errors.Is(err, ErrClientClosed) {
		t.Error(err)
	}
	if err := c.Send(t.Context(), nil, nil); !errors.Is(err, ErrNotSent) {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

// A peer that answers with an error, and one that denies.
func TestClientIsRefused(t *testing.T) {
	addr := listen(t, func(stream net.Conn) {
		c, first, err := petrichor.Accept(stream)
		switch {
		case err != nil:
		case string(first.Body) == "6:nobody,":
			c.Deny(petrichor.Header{"why": "unknown"}, nil)
		case c.Allow(nil, "welcome") == nil:
			f, _ := c.Recv()
			c.Send(petrichor.Raw(withEntry(nil, f.Header, keyError, petrichor.Element{Kind: ',', Payload: []byte("no\x1b such")})), "more")
			f, _ = c.Recv()
			c.Send(petrichor.Raw(withEntry(nil, f.Header, keyError, petrichor.Element{Kind: '~'})), nil)
		}
	})
	c, answer, err := Dial(t.Context(), "tcp", addr, nil, "nobody", nil)
	if c != nil || err != ErrDenied || string(answer.Header) != "34:7:allowed,5:false!3:why,7:unknown,}" {
		t.Errorf("%v, %s, %v", c, answer, err)
	}
	c, answer, err = Dial(t.Context(), "tcp", addr, nil, "me", nil)
	if err != nil || string(answer.Body) != "7:welcome," {
		t.Fatalf("%s, %v", answer, err)
	}
	defer c.Close()
	reply, err := c.Request(t.Context(), nil, nil)
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Text != "no\x1b such" || string(reply.Body) != "4:more," {
		t.Errorf("%s, %v", reply, err)
	}
	if err != nil && err.Error() != `no\x1b such` {
		t.Error(err)
	}
	if _, err = c.Request(t.Context(), nil, nil); err != nil {
		t.Errorf("a null error: %v", err)
	}
}

func TestClientCannotDial(t *testing.T) {
	if c, _, err := Dial(t.Context(), "tcp", "127.0.0.1:1", nil, nil, nil); c != nil || err == nil {
		t.Error(c, err)
	}
	if c, _, err := Dial(t.Context(), "tcp", "127.0.0.1:1", []int{1}, nil, nil); c != nil || !errors.Is(err, petrichor.ErrHeader) {
		t.Error(c, err)
	}
	addr := listen(t, func(stream net.Conn) {
		petrichor.Accept(stream) // what is not read at the end makes it a reset
		io.WriteString(stream, "3:ab")
	})
	if c, _, err := Dial(t.Context(), "tcp", addr, nil, nil, nil); c != nil || err != io.ErrUnexpectedEOF {
		t.Error(c, err)
	}
}

// What Send sends gets no reply; one that comes is dropped, and reaches no request.
func TestClientSend(t *testing.T) {
	c := dial(t, listen(t, echo), nil)
	for i := range 100 {
		if err := c.Send(t.Context(), nil, "nothing"); err != nil {
			t.Fatal(err)
		}
		reply, err := c.Request(t.Context(), nil, i)
		if err != nil || string(reply.Body) != body(i) {
			t.Fatal(reply, err)
		}
	}
	if late := c.Stats().Late; late != 100 {
		t.Errorf("%d replies dropped", late)
	}
}

// The caller who writes for all is cancelled in the middle of a frame that the peer does
// not take: he leaves, and the frame still arrives whole.
func TestClientWriterIsCancelledMidway(t *testing.T) {
	const size = 24 << 20 // more than what the system buffers
	begin := make(chan struct{})
	got := make(chan int, 2)
	addr := listen(t, func(stream net.Conn) {
		c, _, err := petrichor.Accept(stream, petrichor.MaxSize(2*size))
		if err != nil || c.Allow(nil, nil) != nil {
			return
		}
		<-begin
		for range 2 {
			f, err := c.Recv()
			if err != nil {
				t.Error(err)
				break
			}
			got <- len(f.Body)
			c.Send(f.Header, nil)
		}
		close(got)
	})
	c := dial(t, addr, nil)
	writer := ask(c, t.Context(), make([]byte, size))
	awaitWriting(c)
	writer.cancel()
	if <-writer.ended; !errors.Is(writer.err, ErrMaybeHandled) || !errors.Is(writer.err, context.Canceled) {
		t.Error(writer.err)
	}
	a := ask(c, t.Context(), "behind it")
	close(begin)
	if <-a.ended; a.err != nil {
		t.Error(a.err)
	}
	first, second := <-got, <-got
	if first != size+len("25165824:,") || second != len("9:behind it,") {
		t.Errorf("received bodies of %d and %d bytes", first, second)
	}
}

// awaitWriting returns when a caller writes who can be interrupted.
func awaitWriting(c *Client) {
	for l := c.link.Load(); ; runtime.Gosched() {
		l.mu.Lock()
		writing := l.writer != nil && l.begun > 0
		l.mu.Unlock()
		if writing {
			return
		}
	}
}

// A Send that is cancelled midway leaves a whole frame as well.
func TestClientSenderIsCancelledMidway(t *testing.T) {
	begin := make(chan struct{})
	addr := listen(t, func(stream net.Conn) {
		c, _, err := petrichor.Accept(stream, petrichor.MaxSize(100<<20))
		if err != nil || c.Allow(nil, nil) != nil {
			return
		}
		<-begin
		for f, err := c.Recv(); err == nil; f, err = c.Recv() {
			c.Send(f.Header, len(f.Body))
		}
	})
	c := dial(t, addr, nil)
	ctx, cancel := context.WithCancel(t.Context())
	sent := make(chan error)
	go func() { sent <- c.Send(ctx, nil, make([]byte, 24<<20)) }()
	awaitWriting(c)
	cancel()
	if err := <-sent; err != nil {
		t.Error(err)
	}
	close(begin)
	if reply, err := c.Request(t.Context(), nil, nil); err != nil || string(reply.Body) != body(3) {
		t.Errorf("%s, %v", reply, err)
	}
}

// Cancelling the one who reads for all disturbs nobody.
func TestClientReaderIsCancelled(t *testing.T) {
	c := dial(t, listen(t, echo), nil)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for i := range 300 {
				mine, cancel := context.WithTimeout(t.Context(), time.Duration(i%7)*50*time.Microsecond)
				reply, err := c.Request(mine, nil, "mine")
				if err == nil && string(reply.Body) != "4:mine," || err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(reply, err)
				}
				cancel()
			}
		})
	}
	for i := range 1000 {
		reply, err := c.Request(ctx, nil, i)
		if err != nil || string(reply.Body) != body(i) {
			t.Fatal(reply, err)
		}
	}
	cancel()
	all.Wait()
	if _, err := c.Request(t.Context(), nil, nil); err != nil {
		t.Error(err)
	}
}

// Frames that come with the answer to the first frame, and while nobody asks, go to the
// handler.
func TestClientUnsolicited(t *testing.T) {
	addr := listen(t, func(stream net.Conn) {
		petrichor.Accept(stream)
		io.WriteString(stream, "0:}0:~"+"0:}1:1#"+"9:2:id,1:x,}1:2#"+"0:}1:3#")
		io.Copy(io.Discard, stream)
	})
	got := make(chan string)
	c := dial(t, addr, &ClientConfig{Unsolicited: func(f petrichor.Frame) { got <- string(f.Body) }})
	for i := range 3 {
		if frame := <-got; frame != body(i+1) {
			t.Errorf("got %s", frame)
		}
	}
	if n := c.Stats().Unsolicited; n != 0 {
		t.Errorf("%d dropped", n)
	}
}

// Any stream will do, with deadlines or without.
func TestClientOnAnyStream(t *testing.T) {
	left, right := net.Pipe()
	defer right.Close()
	go func() {
		c := petrichor.NewConn(right)
		for f, err := c.Recv(); err == nil; f, err = c.Recv() {
			c.Send(f.Header, f.Body)
		}
	}()
	c := NewClient(struct{ io.ReadWriteCloser }{left}, nil)
	defer c.Close()
	for i := range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		reply, err := c.Request(ctx, nil, i)
		if cancel(); err != nil || string(reply.Body) != body(i) {
			t.Fatal(reply, err)
		}
	}
}

// A faulty is a stream whose Read and Write do as they are told.
type faulty struct {
	io.ReadWriteCloser
	read, write func([]byte) (int, error)
}

func (f *faulty) Read(p []byte) (int, error)  { return f.read(p) }
func (f *faulty) Write(p []byte) (int, error) { return f.write(p) }
func (f *faulty) Close() error                { return nil }

// Whatever Read and Write may return ends in an error that says what has been sent.
func TestClientFaultyStream(t *testing.T) {
	fails := errors.New("fails")
	never := make(chan struct{})
	defer close(never)
	blocked := func([]byte) (int, error) { <-never; return 0, io.EOF }
	wrote := make(chan struct{}, 1)
	afterWrite := func(n int, err error) func([]byte) (int, error) {
		return func([]byte) (int, error) { <-wrote; wrote <- struct{}{}; return n, err }
	}
	whole := func(p []byte) (int, error) { wrote <- struct{}{}; return len(p), nil }
	for _, test := range []struct {
		name        string
		read, write func([]byte) (int, error)
		want        error
		sent        bool
	}{
		{"nothing is written", blocked, func([]byte) (int, error) { return 0, fails }, fails, false},
		{"a byte is written", blocked, func([]byte) (int, error) { return 1, fails }, fails, true},
		{"all but a byte is written", blocked, func(p []byte) (int, error) { return len(p) - 1, fails }, fails, true},
		{"a short write", blocked, func(p []byte) (int, error) { return 1, nil }, io.ErrShortWrite, true},
		{"the end", afterWrite(0, io.EOF), whole, io.EOF, true},
		{"the end inside a frame", func(p []byte) (int, error) { afterWrite(0, nil)(p); return copy(p, "0:}3:ab"), io.EOF }, whole, io.ErrUnexpectedEOF, true},
		{"nothing is read", afterWrite(0, nil), whole, io.ErrNoProgress, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			for len(wrote) > 0 {
				<-wrote
			}
			c := NewClient(&faulty{read: test.read, write: test.write}, nil)
			_, err := c.Request(t.Context(), nil, nil)
			var request *RequestError
			if !errors.As(err, &request) || request.Sent != test.sent || !errors.Is(err, test.want) {
				t.Errorf("%v, want %v, sent: %v", err, test.want, test.sent)
			}
			if _, err = c.Request(t.Context(), nil, nil); !errors.Is(err, ErrNotSent) || !errors.Is(err, test.want) {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// Why a peer leaves, if it says so before, stands in the error, which is not the *Error of
// a reply.
func TestClientIsTold(t *testing.T) {
	addr := listen(t, func(stream net.Conn) {
		c, _, err := petrichor.Accept(stream, petrichor.MaxSize(100))
		if err != nil || c.Allow(nil, nil) != nil {
			return
		}
		f, _ := c.Recv()
		c.Send(f.Header, nil)
		c.Recv()
		c.Send(petrichor.Header{keyError: "too long"}, nil)
	})
	c := dial(t, addr, nil)
	if _, err := c.Request(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	_, err := c.Request(t.Context(), nil, nil)
	if !errors.Is(err, io.EOF) || errors.As(err, new(*Error)) || !strings.HasSuffix(err.Error(), "too long") {
		t.Error(err)
	}
}
