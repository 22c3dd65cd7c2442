package service

// Rows 26 to 31 of what is promised, as a server keeps them.

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A header or body that is too large is refused at the colon of its size, the peer
// told once and cut, and nothing behind it is looked at.
func TestLimit26LargeHeaderOrBody(t *testing.T) {
	for name, in := range map[string]string{
		"header": "65537:",
		"body":   "0:}1048577:",
		"kind":   "0:}1:x?",
		"dict":   "0:]",
		"ids":    "18:2:id,1:1#2:id,1:2#}0:~",
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, &Server{}, func(t *testing.T, l *lab) {
				p := l.greet()
				go p.stream.Write([]byte(in + "0:}5:after,0:}5:after,"))
				got := read(p.stream)
				f, rest, err := petrichor.CutFrame([]byte(got))
				if err != nil || len(rest) > 0 || errorOf(f.Header) == nil || string(f.Body) != "0:~" {
					t.Errorf("told %q", got)
				}
				if n := l.handled.Load(); n != 0 {
					t.Errorf("%d frames were handled", n)
				}
				if why := l.closed(1)[0]; why == nil {
					t.Error("nobody was told why")
				}
			})
		})
	}
}

// Before it is allowed a peer can send one frame of 16 KiB, which no filter sees,
// and gets nothing of it back.
func TestLimit27BeforeAllowed(t *testing.T) {
	secret := strings.Repeat("secret", 10)
	first := func(size int) []byte {
		b, _ := petrichor.AppendFrame(nil, petrichor.Header{"a": secret}, strings.Repeat("y", size))
		return b
	}
	s := func() *Server {
		return &Server{Options: []petrichor.Option{petrichor.MaxSize(1 << 30), petrichor.WithFilters(noFilter{t})}}
	}
	for name, in := range map[string][]byte{
		"large":            first(16 << 10),
		"large at once":    []byte("0:}16385:"),
		"no frame":         []byte("0:}0:?"),
		"two frames":       []byte("0:}0:~0:}0:~"),
		"something else":   []byte("secret secret secret"),
		"half, then gone":  []byte("0:}"),
		"header is a list": []byte("0:]0:~"),
	} {
		t.Run(name, func(t *testing.T) {
			denies := s()
			denies.Admit = func(context.Context, *Peer) (Answer, error) { return Deny(nil, nil), nil }
			inBubble(t, denies, func(t *testing.T, l *lab) {
				stream := l.connect()
				go func() {
					stream.Write(in)
					if name == "half, then gone" {
						stream.Close()
					}
				}()
				got := read(stream)
				want := ""
				if name == "two frames" {
					want = "18:7:allowed,5:false!}0:~" // and the second is not looked at
				}
				if got != want {
					t.Errorf("answered %q", got)
				}
				if n := len(l.events.of(FrameIn)); n > 1 || n == 1 != (want != "") {
					t.Errorf("%d frames were received", n)
				}
			})
		})
	}
	t.Run("all of 16 KiB", func(t *testing.T) {
		inBubble(t, s(), func(t *testing.T, l *lab) {
			stream := l.connect()
			go stream.Write(first(16_000))
			f, err := petrichor.NewConn(stream).Recv()
			if err != nil || text(f) != "17:7:allowed,4:true!}0:~" {
				t.Errorf("%s, %v", text(f), err)
			}
		})
	})
}

// noFilter must not be called.
type noFilter struct{ t *testing.T }

func (n noFilter) Inbound(f petrichor.Frame) (petrichor.Frame, error) {
	n.t.Error("a first frame passed a filter")
	return f, nil
}

func (n noFilter) Outbound(f petrichor.Frame) (petrichor.Frame, error) { return n.Inbound(f) }

// Half a frame is handled by nobody, and each way of being wrong has an error of its
// own.
func TestLimit28HalfAFrame(t *testing.T) {
	for in, want := range map[string]error{
		"":            nil,
		"1":           io.ErrUnexpectedEOF,
		"0:}":         io.ErrUnexpectedEOF,
		"0:}3:ab":     io.ErrUnexpectedEOF,
		"0:]0:~":      petrichor.ErrHeader,
		"0:}01:x,":    petrichor.ErrSize,
		"0:}1:x?":     petrichor.ErrKind,
		"0:}9999999:": petrichor.ErrTooLarge,
	} {
		inBubble(t, &Server{}, func(t *testing.T, l *lab) {
			p := l.greet()
			go io.Copy(io.Discard, p.stream)
			p.stream.Write([]byte(in))
			p.Close()
			why := l.closed(1)[0]
			if !errors.Is(why, want) || want == nil && why != nil {
				t.Errorf("%q: %v; want %v", in, why, want)
			}
			if n := l.handled.Load(); n != 0 {
				t.Errorf("%q: %d frames were handled", in, n)
			}
		})
	}
}

// Whatever fails of a stream, and when: the connection ends with that error, and
// nothing of it is left.
func TestLimit29TheNthCallFails(t *testing.T) {
	nothingLeft(t)
	in := []byte("0:}0:~" + strings.Repeat("0:}1:x,", 5))
	for _, short := range []bool{false, true} {
		for n := 1; n < 30; n++ {
			l := newLab(t, &Server{})
			stream := &nthFails{in: in, n: n, short: short}
			err := l.ServeStream(stream)
			if stream.calls < n {
				if err != nil {
					t.Errorf("%d calls, none fails: %v", stream.calls, err)
				}
				break
			}
			if err != errMine && err != io.ErrShortWrite {
				t.Errorf("call %d fails: %v", n, err)
			}
			if !stream.closed || len(l.door.conns) > 0 || len(l.events.of(Closed)) != 1 {
				t.Errorf("call %d fails: something is left", n)
			}
			if out := stream.out.String(); !strings.HasPrefix("17:7:allowed,4:true!}0:~"+strings.Repeat("0:}1:x,", 5), out) {
				t.Errorf("call %d fails: %q was sent", n, out)
			}
		}
	}
}

// nthFails is a stream whose n-th Read or Write fails.
type nthFails struct {
	in     []byte
	out    bytes.Buffer
	calls  int
	n      int
	short  bool
	closed bool
}

func (s *nthFails) fails() bool {
	s.calls++
	return s.calls == s.n
}

func (s *nthFails) Read(p []byte) (int, error) {
	if s.fails() {
		return 0, errMine
	}
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 7)], s.in)
	s.in = s.in[n:]
	return n, nil
}

func (s *nthFails) Write(p []byte) (int, error) {
	if !s.fails() {
		return s.out.Write(p)
	}
	if s.short {
		return s.out.Write(p[:len(p)/2])
	}
	return 0, errMine
}

func (s *nthFails) Close() error {
	s.closed = true
	return errMine // whatever it says
}

// Frames of 64 goroutines on one connection arrive whole.
func TestLimit30FramesDoNotInterleave(t *testing.T) {
	const senders, frames = 64, 20
	l := onLoopback(t, &Server{Loop: func(ctx context.Context, c *Conn) error {
		var done sync.WaitGroup
		for i := range senders {
			done.Go(func() {
				for j := range frames {
					body := strings.Repeat(string(rune('0'+i)), 1+1000*j)
					if err := c.Send(petrichor.Header{"i": i}, body); err != nil {
						t.Error(err)
					}
				}
			})
		}
		done.Wait()
		return nil
	}})
	p := l.greet()
	next := [senders]int{}
	for range senders * frames {
		f, err := p.Next()
		if err != nil {
			t.Fatal(err)
		}
		var h struct {
			I int `tnet:"i"`
		}
		var body string
		if err := errors.Join(petrichor.Unmarshal(f.Header, &h), petrichor.Unmarshal(f.Body, &body)); err != nil {
			t.Fatal(err)
		}
		if body != strings.Repeat(string(rune('0'+h.I)), 1+1000*next[h.I]) {
			t.Fatalf("sender %d, frame %d: %.40s", h.I, next[h.I], body)
		}
		next[h.I]++
	}
}

// What other programs say first is cut 10 ms after its first wrong byte, at the
// cost of 8 KiB.
func TestLimit31OtherProtocols(t *testing.T) {
	l := onLoopback(t, &Server{})
	for name, in := range map[string]string{
		"HTTP":  "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"TLS":   "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"SSH":   "SSH-2.0-OpenSSH_9.2p1\r\n",
		"SMTP":  "EHLO example.org\r\n",
		"RDP":   "\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00",
		"noise": "\xff\xfe\xfd",
	} {
		var took time.Duration
		for range 20 { // what else the machine does only ever adds
			stream := l.connect()
			began := time.Now()
			stream.Write([]byte(in))
			if got := read(stream); got != "" {
				t.Errorf("%s: answered %q", name, got)
			}
			if took = time.Since(began); took < 10*time.Millisecond {
				break
			}
		}
		within(t, name, took, 0, 10*time.Millisecond)
		if got := allocatedBy(t, in); got > 8<<10 && !raceOn {
			t.Errorf("%s: %d bytes allocated", name, got)
		}
	}
	eventually(t, "all are cut", func() bool { return len(l.events.of(Closed)) == len(l.events.of(Opened)) })
	if n := l.handled.Load(); n != 0 {
		t.Errorf("%d frames were handled", n)
	}
}

// allocatedBy is how many bytes a server allocates for a peer that sends in, and
// then nothing.
func allocatedBy(t testing.TB, in string) uint64 {
	s := &Server{Log: quiet}
	s.ServeStream(&nthFails{in: []byte(in)})
	const times = 50
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		s.ServeStream(&nthFails{in: []byte(in)})
	}
	runtime.ReadMemStats(&after)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return (after.TotalAlloc - before.TotalAlloc) / times
}
