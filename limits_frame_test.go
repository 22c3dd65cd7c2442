package petrichor

// Rows 26 to 31: frames and connections.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

// ---- A connection in memory ---------------------------------------------------------------

// A limitDuct is one direction of a limitPipe: what is written waits to be read,
// up to a point.
type limitDuct struct {
	mu     sync.Mutex
	change sync.Cond
	b      []byte
	closed bool
}

func (d *limitDuct) Read(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.b) == 0 && !d.closed {
		d.change.Wait()
	}
	if len(d.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, d.b)
	d.b = d.b[n:]
	d.change.Broadcast()
	return n, nil
}

func (d *limitDuct) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.b) > 64*limitKiB && !d.closed {
		d.change.Wait()
	}
	if d.closed {
		return 0, io.ErrClosedPipe
	}
	d.b = append(d.b, p...)
	d.change.Broadcast()
	return len(p), nil
}

func (d *limitDuct) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.change.Broadcast()
	return nil
}

type limitEnd struct{ in, out *limitDuct }

func (e limitEnd) Read(p []byte) (int, error)  { return e.in.Read(p) }
func (e limitEnd) Write(p []byte) (int, error) { return e.out.Write(p) }
func (e limitEnd) Close() error                { e.in.Close(); return e.out.Close() }

// limitPipe is a connection with room for 64 KiB each way; what was written
// before a Close can still be read at the other end.
func limitPipe() (near, far io.ReadWriteCloser) {
	a, b := new(limitDuct), new(limitDuct)
	a.change.L, b.change.L = &a.mu, &b.mu
	return limitEnd{a, b}, limitEnd{b, a}
}

// ---- 26 to 28 -----------------------------------------------------------------------------

// limitStreamDoors read one frame after another from a stream.
func limitStreamDoors() map[string]func(r io.Reader, opts ...Option) (next func() error) {
	return map[string]func(r io.Reader, opts ...Option) func() error{
		"ReadFrame": func(r io.Reader, opts ...Option) func() error {
			d := NewDecoder(r, opts...)
			return func() error { _, err := d.ReadFrame(); return err }
		},
		"NextFrame": func(r io.Reader, opts ...Option) func() error {
			d := NewDecoder(r, opts...)
			return func() error {
				_, body, err := d.NextFrame()
				if err == nil {
					_, err = io.Copy(io.Discard, body)
				}
				return err
			}
		},
		"Recv": func(r io.Reader, opts ...Option) func() error {
			c := NewConn(limitStream{r}, opts...)
			return func() error { _, err := c.Recv(); return err }
		},
		"Parser": func(r io.Reader, opts ...Option) func() error {
			p := NewParser(opts...)
			return func() error {
				for {
					_, err := p.Next()
					if err != ErrShort {
						return err
					}
					var b [1]byte
					if _, err := r.Read(b[:]); err != nil {
						return err
					}
					p.Feed(b[:])
				}
			}
		},
	}
}

func TestLimit26LargeHeaderOrBody(t *testing.T) {
	for _, test := range []struct {
		name, frame string
		opts        []Option
	}{
		{"a header over 64 KiB", "65537:", nil},
		{"a body over 1 MiB", "0:}1048577:", nil},
		{"a header over its option", "11:", []Option{MaxHeaderSize(10)}},
		{"a body over its option", "0:}11:", []Option{MaxSize(10)}},
		{"as large as can be", "999999999:", nil},
	} {
		for door, open := range limitStreamDoors() {
			after := "0:}0:,0:}0:,"
			peer := strings.NewReader("0:}2:ok," + test.frame + after)
			next := open(iotest.OneByteReader(peer), test.opts...)
			if err := next(); err != nil {
				t.Errorf("%s: %s: the frame before: %v", test.name, door, err)
			}
			var err error
			for range 3 { // no further frame is read, ever
				err = next()
				limitWant(t, test.name+": "+door, err, ErrTooLarge)
			}
			if peer.Len() != len(after) {
				t.Errorf("%s: %s: %d bytes left, want %d", test.name, door, peer.Len(), len(after))
			}
		}
	}
	header := limitInDict("k")(Append(nil, KindString, make([]byte, defaultHeaderSize-len("1:k,65526:,"))))
	body := Append(nil, KindString, make([]byte, defaultSize))
	if f, _, err := CutFrame(append(header, body...)); err != nil || len(f.Header) != defaultHeaderSize+len("65536:}") {
		t.Fatalf("%d bytes of header, %v", len(f.Header), err)
	}
	for door, open := range limitStreamDoors() {
		if err := open(bytes.NewReader(append(header, body...)))(); err != nil {
			t.Errorf("%s: the largest there may be: %v", door, err)
		}
	}
}

func TestLimit27BeforeAllow(t *testing.T) {
	body := func(n int) string { return string(Append(nil, KindString, make([]byte, n))) }
	for _, test := range []struct {
		name, first string
		read        int // bytes until it is refused; 0: it is not
	}{
		{"nothing in it", "0:}0:,", 0},
		{"just fits", "0:}" + body(admissionSize-3), 0},
		{"a byte over", "0:}" + body(admissionSize-2), len("0:}16382:")},
		{"all of it header", limitMarshal(Header{"k": make([]byte, 16_363)}) + "0:,", 0},
		{"a header over", "16385:", len("16385:")},
		{"a header that fits and a body that does not", limitMarshal(Header{"k": make([]byte, 8000)}) + "9000:", 8016 + 5},
		{"a megabyte", "0:}1048576:", len("0:}1048576:")},
	} {
		const after = "0:}6:second,"
		for name, opts := range map[string][]Option{"default": nil, "no limits": limitStreamed()} {
			peer := strings.NewReader(test.first + after)
			var c *Conn
			var f Frame
			var err error
			allocated := limitAllocated(func() {
				peer.Reset(test.first + after)
				c, f, err = Accept(limitStream{iotest.OneByteReader(peer)}, opts...)
			})
			limitAtMost(t, test.name, allocated, 64*limitKiB+4*admissionSize)
			read := len(test.first) + len(after) - peer.Len()
			if test.read > 0 {
				limitWant(t, test.name+", "+name, err, ErrTooLarge)
				if read != test.read {
					t.Errorf("%s, %s: %d bytes read, want %d", test.name, name, read, test.read)
				}
				continue
			}
			if err != nil || string(f.Header)+string(f.Body) != test.first || read != len(test.first) {
				t.Errorf("%s, %s: %d bytes read, %v", test.name, name, read, err)
				continue
			}
			for range 2 {
				if _, err := c.Recv(); err != ErrNotAllowed {
					t.Errorf("%s, %s: Recv before Allow: %v", test.name, name, err)
				}
			}
			if peer.Len() != len(after) {
				t.Errorf("%s, %s: read on before Allow", test.name, name)
			}
			if err := c.Deny(nil, nil); err != nil {
				t.Error(err)
			}
			if _, err := c.Recv(); err != ErrNotAllowed {
				t.Errorf("%s, %s: Recv after Deny: %v", test.name, name, err)
			}
			if err := c.Allow(nil, nil); err != nil {
				t.Error(err)
			}
			if f, err := c.Recv(); err != nil || string(f.Body) != "6:second," {
				t.Errorf("%s, %s: after Allow: %q, %v", test.name, name, f.Body, err)
			}
		}
	}
	peer := strings.NewReader(strings.Repeat("0:}0:,", 2))
	c, _, err := Accept(limitStream{peer})
	if err == nil {
		err = c.Allow(nil, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	// From then on the limits are those of a stream again.
	c.dec.r = io.MultiReader(peer, bytes.NewReader(append([]byte("0:}"), Append(nil, KindString, make([]byte, defaultSize))...)))
	for _, size := range []int{0, defaultSize} {
		f, err := c.Recv()
		if body, _, _ := Cut(f.Body); err != nil || len(body.Payload) != size {
			t.Errorf("a body of %d bytes after Allow: %d, %v", size, len(body.Payload), err)
		}
	}
}

func TestLimit28HalfAFrame(t *testing.T) {
	for _, test := range []struct {
		name, peer string
		want       error
	}{
		{"nothing", "", io.EOF},
		{"a string for a header", "1:a,0:,", ErrHeader},
		{"a list for a header", "0:]0:,", ErrHeader},
		{"null for a header", "0:~0:,", ErrHeader},
		{"ends in the header", "7:1:k,0:", io.ErrUnexpectedEOF},
		{"ends between the two", "7:1:k,0:~}", io.ErrUnexpectedEOF},
		{"ends in the size of the body", "0:}1", io.ErrUnexpectedEOF},
		{"ends before the tag of the body", "0:}2:ok", io.ErrUnexpectedEOF},
		{"no tag on the body", "0:}2:okX", ErrKind},
		{"no tag on the header", "7:1:k,0:~X", ErrKind},
		{"garbage between the two", "0:}\n0:,", ErrSize},
	} {
		for door, open := range limitStreamDoors() {
			for piece, r := range limitReaders([]byte(test.peer)) {
				if door == "Parser" && (piece == "a byte with the error" || errors.Is(test.want, io.ErrUnexpectedEOF) || piece == "nothing now and then" || piece == "data with the error") {
					continue // it is the caller who reads, and knows whether there is half a frame
				}
				limitWant(t, fmt.Sprintf("%s: %s: %s", test.name, door, piece), open(r())(), test.want)
			}
		}
		if test.want == io.ErrUnexpectedEOF {
			if f, rest, err := CutFrame([]byte(test.peer)); err != ErrShort || f.Header != nil || string(rest) != test.peer {
				t.Errorf("%s: CutFrame: %q, %q, %v", test.name, f, rest, err)
			}
			d := NewDecoder(strings.NewReader(test.peer))
			if f, err := d.ReadFrame(); f.Header != nil || f.Body != nil {
				t.Errorf("%s: half a frame was delivered: %q, %v", test.name, f, err)
			}
		}
	}
}

// ---- 29: the n-th call fails ------------------------------------------------------------------

var errLimitFault = errors.New("the stream fails here")

// A limitFault lets the n-th call of one method fail in its way, and all after
// it work again: only what remembers the fault refuses to go on.
type limitFault struct {
	method string // Read, Write, SetDeadline or Close
	n      int
	how    func(works func([]byte) (int, error), p []byte) (int, error)
}

// A limitFaulty is a stream of what the peer has sent, and collects what is sent
// to it.
type limitFaulty struct {
	limitFault
	in    io.Reader
	out   bytes.Buffer
	calls int
}

func (s *limitFaulty) call(method string, works func([]byte) (int, error), p []byte) (int, error) {
	if method == s.method {
		if s.calls++; s.calls == s.n {
			return s.how(works, p)
		}
	}
	return works(p)
}

func (s *limitFaulty) Read(p []byte) (int, error)  { return s.call("Read", s.in.Read, p) }
func (s *limitFaulty) Write(p []byte) (int, error) { return s.call("Write", s.out.Write, p) }
func (s *limitFaulty) Close() error {
	_, err := s.call("Close", limitNoCall, nil)
	return err
}

func (s *limitFaulty) SetDeadline(time.Time) error {
	_, err := s.call("SetDeadline", limitNoCall, nil)
	return err
}

func limitNoCall([]byte) (int, error) { return 0, nil }

var limitFaultKinds = []struct {
	name, method string
	how          func(works func([]byte) (int, error), p []byte) (int, error)
}{
	{"an error", "Read", func(func([]byte) (int, error), []byte) (int, error) { return 0, errLimitFault }},
	{"data and an error", "Read", func(works func([]byte) (int, error), p []byte) (int, error) {
		n, _ := works(p[:1])
		return n, errLimitFault
	}},
	{"an early end", "Read", func(func([]byte) (int, error), []byte) (int, error) { return 0, io.EOF }},
	{"an error", "Write", func(func([]byte) (int, error), []byte) (int, error) { return 0, errLimitFault }},
	{"half and an error", "Write", func(works func([]byte) (int, error), p []byte) (int, error) {
		n, _ := works(p[:len(p)/2])
		return n, errLimitFault
	}},
	{"half and no error", "Write", func(works func([]byte) (int, error), p []byte) (int, error) { return works(p[:len(p)/2]) }},
	{"all and an error", "Write", func(works func([]byte) (int, error), p []byte) (int, error) {
		n, _ := works(p)
		return n, errLimitFault
	}},
	{"an error", "SetDeadline", func(func([]byte) (int, error), []byte) (int, error) { return 0, errLimitFault }},
	{"an error", "Close", func(func([]byte) (int, error), []byte) (int, error) { return 0, errLimitFault }},
}

// A limitTalk is what came of one conversation.
type limitTalk struct {
	received           []string
	recvErrs, sendErrs []error
	closeErr           error
}

// limitConverse plays a whole conversation through s, and goes on after errors.
func limitConverse(s *limitFaulty) (talk limitTalk) {
	recv := func(f Frame, err error) {
		if err != nil {
			talk.recvErrs = append(talk.recvErrs, err)
			return
		}
		talk.received = append(talk.received, string(f.Header)+string(f.Body))
	}
	send := func(err error) {
		if err != nil {
			talk.sendErrs = append(talk.sendErrs, err)
		}
	}
	c, first, err := Accept(s)
	recv(first, err)
	if err != nil {
		talk.closeErr = s.Close()
		return talk
	}
	send(c.Allow(nil, "welcome"))
	for i := range 4 {
		c.Within(context.Background(), func() error {
			recv(c.Recv())
			return nil
		})
		send(c.Send(Header{"n": i}, strings.Repeat("x", 100)))
	}
	talk.closeErr = c.Close()
	return talk
}

func TestLimit29TheNthCallFails(t *testing.T) {
	var sent strings.Builder
	for i := range 5 {
		b, _ := AppendFrame(nil, Header{"n": i}, strings.Repeat("y", 2000*i))
		sent.Write(b)
	}
	stream := func(f limitFault) *limitFaulty {
		return &limitFaulty{limitFault: f, in: &limitPieces{[]byte(sent.String()), 700}}
	}
	whole := stream(limitFault{})
	want := limitConverse(whole)
	if len(want.received) != 5 || len(want.recvErrs)+len(want.sendErrs) > 0 || want.closeErr != nil {
		t.Fatalf("without a fault: %d frames, %v, %v, %v", len(want.received), want.recvErrs, want.sendErrs, want.closeErr)
	}
	before := runtime.NumGoroutine()
	for _, kind := range limitFaultKinds {
		faults := 0
		for n := 1; ; n++ {
			s := stream(limitFault{kind.method, n, kind.how})
			got := limitConverse(s)
			if s.calls < n {
				break // none has failed: that was all of them
			}
			faults++
			name := fmt.Sprintf("%s %d: %s", kind.method, n, kind.name)
			if all, prefix := strings.Join(want.received, ""), strings.Join(got.received, ""); !strings.HasPrefix(all, prefix) {
				t.Errorf("%s: received other frames than were sent", name)
			}
			if !bytes.HasPrefix(whole.out.Bytes(), s.out.Bytes()) {
				t.Errorf("%s: something was sent after half a frame:\n%q", name, s.out.Bytes())
			}
			limitStays(t, name, kind.method, got)
		}
		if faults == 0 {
			t.Errorf("%s: %s: never called", kind.method, kind.name)
		}
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

// limitStays wants the direction that failed to have failed for good.
func limitStays(t *testing.T, name, method string, got limitTalk) {
	t.Helper()
	switch method {
	case "Read":
		if got.recvErrs == nil || len(got.received)+len(got.recvErrs) != 5 && len(got.received) > 0 {
			t.Errorf("%s: %d frames and the errors %v, want 5 together", name, len(got.received), got.recvErrs)
		}
		for _, err := range got.recvErrs {
			if err != got.recvErrs[0] {
				t.Errorf("%s: first %v, then %v", name, got.recvErrs[0], err)
			}
		}
	case "Write":
		if got.sendErrs == nil {
			t.Errorf("%s: no error", name)
		}
		for _, err := range got.sendErrs {
			if err != got.sendErrs[0] {
				t.Errorf("%s: first %v, then %v", name, got.sendErrs[0], err)
			}
		}
	case "Close":
		limitWant(t, name, got.closeErr, errLimitFault)
	}
}

// A deadline that cannot be set must not leave Within waiting.
func TestLimit29DeadlineFails(t *testing.T) {
	near, far := limitPipe()
	defer far.Close()
	c := NewConn(limitNoDeadline{near})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- c.Within(ctx, func() error { _, err := c.Recv(); return err })
	}()
	cancel()
	select {
	case err := <-done:
		limitWant(t, "Within", err, context.Canceled)
	case <-time.After(10 * time.Second):
		t.Fatal("Within waits for ever")
	}
}

type limitNoDeadline struct{ io.ReadWriteCloser }

func (limitNoDeadline) SetDeadline(time.Time) error { return errLimitFault }

// ---- 30: many senders --------------------------------------------------------------------------

func TestLimit30FramesDoNotInterleave(t *testing.T) {
	const senders = 64
	frames := 200
	if limitRace {
		frames = 20
	}
	near, far := limitPipe()
	sending, receiving := NewConn(near), NewConn(far)
	var wg sync.WaitGroup
	for id := range senders {
		wg.Go(func() {
			for n := range frames {
				if err := sending.Send(Header{"id": id, "n": n}, strings.Repeat(string(rune('0'+id)), id*n%500)); err != nil {
					t.Errorf("sender %d, frame %d: %v", id, n, err)
				}
			}
		})
	}
	go func() { wg.Wait(); sending.Close() }()
	var next [senders]int
	for {
		f, err := receiving.Recv()
		if err == io.EOF {
			break
		}
		id, n := limitFrame(t, f, err)
		if n != next[id] {
			t.Fatalf("sender %d: frame %d, want %d", id, n, next[id])
		}
		next[id]++
	}
	for id, n := range next {
		if n != frames {
			t.Errorf("sender %d: %d frames, want %d", id, n, frames)
		}
	}
}

// limitFrame returns which frame of which sender f is, and fails if f is not
// wholly that.
func limitFrame(t *testing.T, f Frame, err error) (id, n int) {
	t.Helper()
	var header struct {
		ID int `tnet:"id"`
		N  int `tnet:"n"`
	}
	if err == nil {
		err = Unmarshal(f.Header, &header)
	}
	body, _, _ := Cut(f.Body)
	want := strings.Repeat(string(rune('0'+header.ID)), header.ID*header.N%500)
	if err != nil || string(body.Payload) != want {
		t.Fatalf("frame %q, %.100q: %v", f.Header, f.Body, err)
	}
	return header.ID, header.N
}

// When the connection is closed while many send, the frame of each who was told
// that it was sent arrives whole, and every other gets an error.
func TestLimit30CloseDuringSend(t *testing.T) {
	for round := range 20 {
		const senders = 64
		near, far := limitPipe()
		sending, receiving := NewConn(near), NewConn(far)
		var wg sync.WaitGroup
		var told [senders]int
		for id := range senders {
			wg.Go(func() {
				for sending.Send(Header{"id": id, "n": told[id]}, strings.Repeat(string(rune('0'+id)), id*told[id]%500)) == nil {
					told[id]++
				}
			})
		}
		var arrived [senders]int
		for stop := 10 * round; ; stop-- {
			if stop == 0 {
				sending.Close()
			}
			f, err := receiving.Recv()
			if err == io.EOF {
				break
			}
			id, _ := limitFrame(t, f, err)
			arrived[id]++
		}
		wg.Wait() // every sender has had an error
		for id := range senders {
			if arrived[id] != told[id] {
				t.Fatalf("round %d, sender %d: %d frames were sent, %d arrived", round, id, told[id], arrived[id])
			}
		}
	}
}

// ---- 31: other protocols ------------------------------------------------------------------------

func TestLimit31OtherProtocols(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	noise := make([]byte, 1000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	noise[0] = 0xf7 // a tenth of all noise begins with a digit, and may go on as a size
	for _, test := range []struct {
		name, peer string
		at         int // the first byte that no frame has there
	}{
		{"HTTP", "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", 0},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 0},
		{"SSH", "SSH-2.0-OpenSSH_9.7\r\n", 0},
		{"SMTP client", "EHLO example.org\r\n", 0},
		{"SMTP server", "220 mail.example.org ESMTP\r\n", 3},
		{"FTP server", "220-Welcome\r\n", 3},
		{"RDP", "\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00", 0},
		{"SOCKS 5", "\x05\x01\x00", 0},
		{"PROXY", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 0},
		{"Redis", "*1\r\n$4\r\nPING\r\n", 0},
		{"PostgreSQL", "\x00\x00\x00\x08\x04\xd2\x16\x2f", 0},
		{"MQTT", "\x10\x0c\x00\x04MQTT\x04\x02", 0},
		{"a netstring", "12:hello world!,", 15},
		{"IRC", ":server 001 nick :hi\r\n", 0},
		{"a blank line", "\r\n", 0},
		{"a telephone number", "5551234567890", 9},
		{"noise", string(noise), 0},
		{"zeros", strings.Repeat("\x00", 1000), 0},
		{"digits", strings.Repeat("1", 1000), 9},
	} {
		for door, open := range limitStreamDoors() {
			peer := strings.NewReader(test.peer)
			var err error
			allocated := limitAllocated(func() {
				peer.Reset(test.peer)
				err = open(iotest.OneByteReader(peer))()
			})
			name := test.name + ": " + door
			limitAtMost(t, name, allocated, 8*limitKiB)
			// Refused when that byte has come, without waiting for another.
			if read := len(test.peer) - peer.Len(); read != test.at+1 {
				t.Errorf("%s: %d bytes read, want %d", name, read, test.at+1)
			}
			var where *SyntaxError
			if !errors.As(err, &where) || where.Offset != int64(test.at) {
				t.Errorf("%s: got %v, want a fault at %d", name, err, test.at)
			}
			limitEventually(t, 20, func() error {
				start := time.Now()
				open(strings.NewReader(test.peer))()
				if took := time.Since(start); took > 10*time.Millisecond {
					return fmt.Errorf("%s: refused after %v", name, took)
				}
				return nil
			})
		}
	}
}

// A frame's own bytes pass, so that what is refused above is refused for what it
// is.
func TestLimit31AFramePasses(t *testing.T) {
	for door, open := range limitStreamDoors() {
		next := open(iotest.OneByteReader(strings.NewReader("7:1:k,0:~}" + strconv.Itoa(3) + ":abc,")))
		if err := next(); err != nil {
			t.Errorf("%s: %v", door, err)
		}
		if err := next(); err != io.EOF {
			t.Errorf("%s: got %v, want io.EOF", door, err)
		}
	}
}
