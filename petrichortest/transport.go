package petrichortest

// What petrichor expects of a stream, whatever it is made of.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
)

// transportPatience is how long anything of TestTransport may take.
const transportPatience = 10 * time.Second

// TestTransport runs petrichor over a kind of stream, in subtests: first frames,
// frames of all sizes, many peers at once, closing one direction where a stream has
// CloseWrite, deadlines where it has SetReadDeadline, closing either end, and ending
// what waits.  listen is called once; dial opens a stream to what it returned.
//
// In the end as many goroutines run as before.
func TestTransport(t *testing.T, listen func() (net.Listener, error), dial func(context.Context, net.Addr) (io.ReadWriteCloser, error)) {
	before := runtime.NumGoroutine()
	l, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	tr := &transport{accepted: make(chan io.ReadWriteCloser), over: make(chan struct{})}
	tr.dial = func(ctx context.Context) (io.ReadWriteCloser, error) { return dial(ctx, l.Addr()) }
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		tr.accept(l)
	}()
	for _, part := range []struct {
		name string
		test func(*transport, *testing.T)
	}{
		{"handshake", (*transport).handshake},
		{"echo", (*transport).echo},
		{"large", (*transport).large},
		{"many", (*transport).many},
		{"half close", (*transport).halfClose},
		{"deadline", (*transport).deadline},
		{"context", (*transport).context},
		{"close", (*transport).close},
		{"closed by the server", (*transport).closedFar},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(tr, t) })
	}
	l.Close()
	close(tr.over)
	<-accepting
	nothingRuns(t, before)
}

// nothingRuns fails where more goroutines run than before, after a while.
func nothingRuns(t *testing.T, before int) {
	for end := time.Now().Add(transportPatience); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
		}
	}
}

// A transport is a kind of stream under test.
type transport struct {
	dial     func(context.Context) (io.ReadWriteCloser, error)
	accepted chan io.ReadWriteCloser
	over     chan struct{}
}

func (tr *transport) accept(l net.Listener) {
	for {
		stream, err := l.Accept()
		if err != nil {
			return
		}
		select {
		case tr.accepted <- stream:
		case <-tr.over:
			stream.Close()
		}
	}
}

// serve gives a stream to an echo, and returns ours and the server's end of it.  The
// error of the server comes out when it has ended.
func (tr *transport) serve(t *testing.T) (near io.ReadWriteCloser, ended <-chan error) {
	near, far := tr.pair(t)
	s := &service.Server{
		Admit: func(_ context.Context, p *service.Peer) (service.Answer, error) {
			var first petrichor.Header
			err := petrichor.Unmarshal(p.First.Header, &first)
			return service.Answer{Allow: first["user"] != "nobody"}, err
		},
		Handle: func(_ context.Context, req *service.Request) (any, any, error) {
			return nil, req.Frame.Body, nil
		},
		Options: []petrichor.Option{petrichor.MaxSize(32 << 20)},
		Log:     slog.New(slog.DiscardHandler),
	}
	end := make(chan error, 1)
	go func() { end <- s.ServeStream(far) }()
	t.Cleanup(func() {
		near.Close()
		s.Close()
	})
	return near, end
}

// pair opens a stream, and returns both ends of it.
func (tr *transport) pair(t *testing.T) (near, far io.ReadWriteCloser) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), transportPatience)
	defer cancel()
	dialed := make(chan error, 1)
	go func() (err error) {
		defer func() { dialed <- err }()
		near, err = tr.dial(ctx)
		return err
	}()
	select {
	case far = <-tr.accepted:
	case <-ctx.Done():
		t.Fatalf("the stream has not been accepted; %v", soon(dialed))
	}
	if secured, ok := far.(interface{ HandshakeContext(context.Context) error }); ok {
		secured.HandshakeContext(ctx) // which who dials waits for
	}
	if err := soon(dialed); err != nil {
		far.Close()
		t.Fatal(err)
	}
	return near, far
}

// client is a Conn on a stream to an echo that has let it in.
func (tr *transport) client(t *testing.T) (c *petrichor.Conn, stream io.ReadWriteCloser, ended <-chan error) {
	t.Helper()
	stream, ended = tr.serve(t)
	c = petrichor.NewConn(stream, petrichor.MaxSize(32<<20))
	answer, err := c.Request(petrichor.Header{"user": "zed"}, nil)
	if err != nil || !petrichor.Allowed(answer.Header) {
		t.Fatalf("%s, %v", answer.Header, err)
	}
	return c, stream, ended
}

func (tr *transport) handshake(t *testing.T) {
	tr.client(t)
	stream, _ := tr.serve(t)
	c := petrichor.NewConn(stream)
	answer, err := c.Request(petrichor.Header{"user": "nobody"}, nil)
	if err != nil || petrichor.Allowed(answer.Header) {
		t.Errorf("%s, %v", answer.Header, err)
	}
	if _, err := c.Recv(); err == nil {
		t.Error("a frame after being denied")
	}
}

// echo sends frames of many sizes faster than they come back.
func (tr *transport) echo(t *testing.T) {
	c, _, _ := tr.client(t)
	const frames = 500
	sizes := rand.New(rand.NewPCG(1, 2))
	bodies := make([][]byte, frames)
	for i := range bodies {
		bodies[i] = bytes.Repeat([]byte{byte(i)}, sizes.IntN(1<<sizes.IntN(14)))
	}
	sent := make(chan error, 1)
	go func() {
		for i, body := range bodies {
			if err := c.Send(petrichor.Header{"id": i}, body); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for i, body := range bodies {
		f, err := c.Recv()
		if want := petrichor.Append(nil, petrichor.KindString, body); err != nil || !bytes.Equal(f.Body, want) {
			t.Fatalf("frame %d: %d bytes, %v; want %d", i, len(f.Body), err, len(want))
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

func (tr *transport) large(t *testing.T) {
	c, _, _ := tr.client(t)
	body := make([]byte, 8<<20)
	rand.NewChaCha8([32]byte{}).Read(body)
	f, err := c.Request(nil, body)
	if want := petrichor.Append(nil, petrichor.KindString, body); err != nil || !bytes.Equal(f.Body, want) {
		t.Errorf("%d bytes, %v; want %d", len(f.Body), err, len(want))
	}
}

func (tr *transport) many(t *testing.T) {
	const peers = 8
	done := make(chan error, peers)
	for i := range peers {
		c, _, _ := tr.client(t)
		go func() {
			for range 20 {
				f, err := c.Request(nil, i)
				if want := fmt.Sprintf("1:%d#", i); err != nil || string(f.Body) != want {
					done <- fmt.Errorf("%s, %w; want %s", f.Body, err, want)
					return
				}
			}
			done <- nil
		}()
	}
	for range peers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// halfClose has the reply to what was sent before still come, and then the end.
func (tr *transport) halfClose(t *testing.T) {
	c, stream, ended := tr.client(t)
	half, ok := stream.(interface{ CloseWrite() error })
	if !ok {
		t.Skip("the stream has no CloseWrite")
	}
	if err := c.Send(nil, "last"); err != nil {
		t.Fatal(err)
	}
	if err := half.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if f, err := c.Recv(); err != nil || string(f.Body) != "4:last," {
		t.Errorf("%s, %v", f.Body, err)
	}
	if _, err := c.Recv(); err != io.EOF {
		t.Errorf("after the last reply: %v", err)
	}
	if err := soon(ended); err != nil {
		t.Errorf("the server: %v", err)
	}
}

// deadline ends a Read of a stream on which nothing comes.
func (tr *transport) deadline(t *testing.T) {
	_, stream, _ := tr.client(t)
	timed, ok := stream.(interface{ SetReadDeadline(time.Time) error })
	if !ok || errors.Is(timed.SetReadDeadline(time.Time{}), os.ErrNoDeadline) {
		t.Skip("the stream has no deadlines")
	}
	began := time.Now()
	if err := timed.SetReadDeadline(began.Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() {
		_, err := stream.Read(make([]byte, 1))
		read <- err
	}()
	err := soon(read)
	if timeout, ok := errors.AsType[net.Error](err); !errors.Is(err, os.ErrDeadlineExceeded) && !(ok && timeout.Timeout()) {
		t.Errorf("%v; want a timeout", err)
	}
	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("after %v", took)
	}
}

// context ends what waits, by whatever means the stream has for it.
func (tr *transport) context(t *testing.T) {
	c, _, _ := tr.client(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	waited := make(chan error, 1)
	go func() {
		waited <- c.Within(ctx, func() error {
			_, err := c.Recv()
			return err
		})
	}()
	if err := soon(waited); err != context.DeadlineExceeded {
		t.Errorf("%v", err)
	}
}

// close has what waits at our end end, and the server notice.
func (tr *transport) close(t *testing.T) {
	c, stream, ended := tr.client(t)
	waited := make(chan error, 1)
	go func() {
		_, err := c.Recv()
		waited <- err
	}()
	stream.Close()
	if err := soon(waited); err == nil || err == errLate {
		t.Errorf("what waits: %v", err)
	}
	if err := soon(ended); err == errLate {
		t.Errorf("the server: %v", err)
	}
	if _, err := stream.Write([]byte("0:}0:~")); err == nil {
		t.Error("it can still be written")
	}
	stream.Close() // once more does no harm
}

// closedFar has us notice that the server has closed.
func (tr *transport) closedFar(t *testing.T) {
	near, far := tr.pair(t)
	defer near.Close()
	written := make(chan error, 1)
	go func() {
		_, err := near.Write([]byte("0:}0:~"))
		written <- err
	}()
	if _, err := io.ReadFull(far, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	if err := soon(written); err != nil {
		t.Fatal(err)
	}
	far.Close()
	read := make(chan error, 1)
	go func() {
		_, err := near.Read(make([]byte, 1))
		read <- err
	}()
	if err := soon(read); err == nil || err == errLate {
		t.Errorf("%v", err)
	}
}

var errLate = errors.New("it takes too long")

// soon is what comes, if it does.
func soon(c <-chan error) error {
	select {
	case err := <-c:
		return err
	case <-time.After(transportPatience):
		return errLate
	}
}
