package petrichor

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

func TestQueuedFramesLeaveTogether(t *testing.T) {
	stream := &connStream{in: []byte("0:}1:a,0:}1:b,0:}1:c,")}
	c := NewConn(stream)
	for range 3 {
		f, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		if stream.writes != 0 {
			t.Fatal("written while a whole frame is buffered")
		}
		if err := c.QueueFrame(f); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Next(); err != io.EOF {
		t.Fatal(err)
	}
	if got := stream.out.String(); got != "0:}1:a,0:}1:b,0:}1:c," || stream.writes != 1 {
		t.Errorf("%s in %d writes", got, stream.writes)
	}
}

func TestWhatSendsQueuedFrames(t *testing.T) {
	frame := Frame{Raw("0:}"), Raw("3:two,")}
	for name, c := range map[string]struct {
		do   func(c *Conn) error
		want string
	}{
		"Flush":                       {(*Conn).Flush, "0:}3:one,"},
		"Send":                        {func(c *Conn) error { return c.Send(nil, "two") }, "0:}3:one,0:}3:two,"},
		"SendFrame":                   {func(c *Conn) error { return c.SendFrame(frame) }, "0:}3:one,0:}3:two,"},
		"Recv at the end":             {func(c *Conn) error { c.Recv(); return nil }, "0:}3:one,"},
		"another small Queue":         {func(c *Conn) error { return c.Queue(nil, "two") }, ""},
		"another small frame":         {func(c *Conn) error { return c.QueueFrame(frame) }, ""},
		"a Flush after Flush":         {func(c *Conn) error { return errors.Join(c.Flush(), c.Flush()) }, "0:}3:one,"},
		"a Queue of what is no value": {func(c *Conn) error { c.Queue(nil, func() {}); return nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			stream := new(connStream)
			conn := NewConn(stream)
			if err := errors.Join(conn.Queue(nil, "one"), c.do(conn)); err != nil {
				t.Fatal(err)
			}
			if got := stream.out.String(); got != c.want || stream.writes > 1 {
				t.Errorf("%s in %d writes; want %s", got, stream.writes, c.want)
			}
		})
	}
}

// However much is queued, the buffer is bounded.
func TestQueueIsBounded(t *testing.T) {
	stream := new(connStream)
	c := NewConn(stream)
	for sent := 0; sent < 1<<20; sent += 1000 {
		if err := c.Queue(nil, strings.Repeat("x", 1000)); err != nil {
			t.Fatal(err)
		}
		if c.out.pending != nil && len(c.out.pending.b) > maxQueued {
			t.Fatalf("%d bytes are queued", len(c.out.pending.b))
		}
	}
	if most := 1<<20/maxQueued + 2; stream.writes > most || stream.writes < most/2 {
		t.Errorf("%d writes; want about %d", stream.writes, most)
	}
}

// What is queued is counted where the stream counts memory, but for the first bytes.
// Where there is none left frames leave as they come, in order; and all is given back
// when it has been written, or never will be.
func TestQueuedIsHeld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stream := &outboxHolder{most: rapid.SampledFrom([]int{0, wideChunk, 1 << 20}).Draw(t, "most")}
		failing := rapid.SampledFrom([]int{-1, -1, 0, 1, 5}).Draw(t, "writes before one fails")
		c := NewConn(stream)
		if rapid.Bool().Draw(t, "takes slices") {
			c = NewConn(outboxHolderVectors{stream})
		}
		var want []byte
		for i := range rapid.IntRange(1, 40).Draw(t, "frames") {
			size := rapid.SampledFrom([]int{0, 100, 1000, 4090, 5000, 20_000, 70_000}).Draw(t, "size")
			body := bytes.Repeat([]byte{byte('a' + i%26)}, size)
			header := rapid.SampledFrom([]any{nil, Header{"i": i}}).Draw(t, "header")
			frame, _ := AppendFrame(nil, header, body)
			f, _, _ := CutFrame(frame)
			if stream.writes == failing {
				stream.err = errConn
			}
			how := rapid.SampledFrom([]string{"Queue", "QueueFrame", "Send", "SendFrame"}).Draw(t, "how")
			err := map[string]func() error{
				"Queue":      func() error { return c.Queue(header, body) },
				"QueueFrame": func() error { return c.QueueFrame(f) },
				"Send":       func() error { return c.Send(header, body) },
				"SendFrame":  func() error { return c.SendFrame(f) },
			}[how]()
			if want = append(want, frame...); err != stream.err && err != nil {
				t.Fatal(err)
			}
			if p := c.out.pending; p != nil && len(p.b) > max(stream.held, smallBuffer) {
				t.Fatalf("%d bytes are queued, of which %d are counted", len(p.b), stream.held)
			}
		}
		err := c.Flush()
		if got := stream.out.Bytes(); stream.err == nil && (err != nil || !bytes.Equal(got, want)) || !bytes.HasPrefix(want, got) {
			t.Fatalf("%d bytes were written, %v; want %d", len(got), err, len(want))
		}
		if stream.held != 0 {
			t.Fatalf("%d bytes are counted in the end", stream.held)
		}
	})
}

// Once a filter has failed, which leaves what is queued where it is, that is given back.
func TestQueuedIsGivenBack(t *testing.T) {
	stream := &outboxHolder{most: 1 << 20}
	c := NewConn(stream)
	c.Queue(nil, strings.Repeat("x", smallBuffer))
	if stream.held != wideChunk {
		t.Fatalf("%d bytes are counted", stream.held)
	}
	c.out.fail(errConn)
	if stream.held != 0 || c.out.pending != nil {
		t.Errorf("%d bytes are counted of what will never be written", stream.held)
	}
}

// outboxHolder is a stream that counts what is queued, of which there may be most.
type outboxHolder struct {
	connStream
	held, most int
}

func (s *outboxHolder) Hold(_, use int) (int, error) { return use, nil }

func (s *outboxHolder) HoldQueued(n int) bool {
	if n > s.most {
		return false
	}
	s.held = n
	return true
}

type outboxHolderVectors struct{ *outboxHolder }

func (s outboxHolderVectors) WriteBuffers(b *net.Buffers) (int64, error) { return b.WriteTo(s) }

// Large bodies go past the buffer, in one Write where the stream takes slices, in
// order, and as they are.
func TestLargeBodies(t *testing.T) {
	large := Append(nil, KindString, bytes.Repeat([]byte("y"), 1<<20))
	want := "0:}3:one," + "0:}" + string(large) + "0:}5:three,"
	for name, send := range map[string]func(c *Conn) error{
		"Send":       func(c *Conn) error { return c.Send(nil, Raw(large)) },
		"Queue":      func(c *Conn) error { return c.Queue(nil, Raw(large)) },
		"SendFrame":  func(c *Conn) error { return c.SendFrame(Frame{nil, Raw(large)}) },
		"QueueFrame": func(c *Conn) error { return c.QueueFrame(Frame{Raw("0:}"), Raw(large)}) },
		"a []byte":   func(c *Conn) error { return c.Queue(nil, large[8:len(large)-1]) },
		"a string":   func(c *Conn) error { return c.Queue(nil, string(large[8:len(large)-1])) },
	} {
		for kind, stream := range map[string]io.ReadWriteCloser{"copied": new(connStream), "vectors": new(outboxVectors)} {
			t.Run(name+" "+kind, func(t *testing.T) {
				c := NewConn(stream)
				if err := errors.Join(c.Queue(nil, "one"), send(c)); err != nil {
					t.Fatal(err)
				}
				var out *connStream
				switch stream := stream.(type) {
				case *connStream:
					out = stream
				case *outboxVectors:
					out = &stream.connStream
					if stream.borrowed != (name != "a string") {
						t.Errorf("the body was borrowed: %v", stream.borrowed)
					}
				}
				if most := map[string]int{"copied": 3, "vectors": 1}[kind]; out.writes > most {
					t.Errorf("%d writes", out.writes)
				}
				if err := c.Send(nil, "three"); err != nil {
					t.Fatal(err)
				}
				if out.out.String() != want {
					t.Errorf("%.60q", out.out.String())
				}
			})
		}
	}
}

// outboxVectors is a connStream that takes several slices at once.
type outboxVectors struct {
	connStream
	borrowed bool // the body was a slice by itself
}

func (s *outboxVectors) WriteBuffers(b *net.Buffers) (int64, error) {
	s.writes++
	s.borrowed = !bytes.HasPrefix((*b)[1], []byte("0:}"))
	return b.WriteTo(&s.out)
}

func TestLargeBodiesOverSockets(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		addr := "127.0.0.1:0"
		if network == "unix" {
			addr = t.TempDir() + "/s"
		}
		l, err := net.Listen(network, addr)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		var done sync.WaitGroup
		done.Go(func() {
			stream, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			c := NewConn(stream)
			defer c.Close()
			for {
				f, err := c.Next()
				if err != nil {
					return
				}
				c.QueueFrame(f)
			}
		})
		stream, err := net.Dial(network, l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c := NewConn(stream)
		body := Append(nil, KindString, bytes.Repeat([]byte("z"), 1<<20))
		for range 3 {
			f, err := c.Request(Header{"n": 1}, Raw(body))
			if err != nil || !bytes.Equal(f.Body, body) {
				t.Fatalf("%s: %v", network, err)
			}
		}
		c.Close()
		done.Wait()
	}
}

// Encoded frames are verified like received ones, and no more.
func TestSendFrameVerifies(t *testing.T) {
	for _, c := range []struct {
		name string
		f    Frame
		want string
		err  error
	}{
		{"a frame", Frame{Raw("8:1:k,1:1#}"), Raw("1:x,")}, "8:1:k,1:1#}1:x,", nil},
		{"nothing", Frame{}, "0:}0:~", nil},
		{"the inner layer is not looked at", Frame{Raw("1:x}"), Raw("1:x]")}, "1:x}1:x]", nil},
		{"a header that is no dict", Frame{Raw("0:]"), nil}, "", ErrHeader},
		{"a header that is short", Frame{Raw("1:}"), nil}, "", io.ErrUnexpectedEOF},
		{"two headers", Frame{Raw("0:}0:}"), nil}, "", ErrTrailing},
		{"a body that is short", Frame{nil, Raw("2:x,")}, "", io.ErrUnexpectedEOF},
		{"two bodies", Frame{nil, Raw("0:~0:~")}, "", ErrTrailing},
		{"a body of no kind", Frame{nil, Raw("0:x")}, "", ErrKind},
		{"an empty body", Frame{nil, Raw("")}, "", io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			stream := new(connStream)
			if err := NewConn(stream).SendFrame(c.f); !errors.Is(err, c.err) {
				t.Errorf("%v; want %v", err, c.err)
			}
			if stream.out.String() != c.want {
				t.Errorf("sent %q", stream.out.String())
			}
		})
	}
	bad := append(Raw("20000:"), append(bytes.Repeat([]byte("1:x#"), 5000), ']')...)
	if err := NewConn(new(connStream)).Send(nil, bad); !errors.Is(err, ErrPayload) {
		t.Errorf("a large body is verified all the way down by Send: %v", err)
	}
	for name, header := range map[string]Raw{"no dict": Raw("0:]"), "short": Raw("1:}"), "malformed inside": Raw("7:1:a,1:x#}")} {
		stream := new(connStream)
		c := NewConn(stream)
		if err := c.Send(header, []byte("x")); err == nil || stream.writes > 0 {
			t.Errorf("a header that is encoded already and is %s: %v", name, err)
		}
		if err := c.Send(Raw("0:}"), []byte("x")); err != nil {
			t.Errorf("and then one that is right: %v", err)
		}
	}
	good := Append(nil, KindString, make([]byte, largeWrite))
	if err := NewConn(new(connStream)).Send("no dict", Raw(good)); !errors.Is(err, ErrHeader) {
		t.Errorf("a header that is no dict, with a large body: %v", err)
	}
}

// MaxValues is for reading, also where what is written is encoded already.
func TestWhatIsEncodedHasAnyNumberOfValues(t *testing.T) {
	stream := new(connStream)
	c := NewConn(stream, MaxValues(1), MaxHeaderSize(1))
	const frame = "16:1:a,1:1#1:b,1:2#}12:1:1#1:2#1:3#]"
	if err := c.Send(Raw(frame[:20]), Raw(frame[20:])); err != nil || stream.out.String() != frame {
		t.Errorf("%q, %v", &stream.out, err)
	}
	if err := NewConn(stream, MaxValues(1), MaxSize(11)).Send(nil, Raw(frame[20:])); !errors.Is(err, ErrTooLarge) {
		t.Errorf("but MaxSize is for writing too: %v", err)
	}
}

func TestSeparatorBetweenQueuedFrames(t *testing.T) {
	stream := new(connStream)
	c := NewConn(stream, Separator('\n'))
	large := Append(nil, KindString, make([]byte, largeWrite))
	err := errors.Join(c.Queue(nil, 1), c.QueueFrame(Frame{Raw("0:}"), Raw("1:2#")}), c.SendFrame(Frame{nil, large}), c.Send(nil, Raw(large)))
	if want := "0:}\n1:1#\n0:}\n1:2#\n" + strings.Repeat("0:}\n"+string(large)+"\n", 2); err != nil || stream.out.String() != want {
		t.Errorf("%v, %.40q", err, stream.out.String())
	}
}

// A sender that waits for its peer does not keep Recv from reading: the peer may
// be waiting for just that.
func TestRecvDoesNotWaitForASender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left, right := net.Pipe()
		c := NewConn(left)
		var done sync.WaitGroup
		done.Go(func() {
			if err := c.Send(nil, "first"); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait() // it waits for right to read
		if err := c.Queue(nil, "second"); err != nil {
			t.Error(err)
		}
		done.Go(func() {
			if f, err := c.Recv(); err != nil || connText(f) != "0:}1:x," {
				t.Errorf("%s, %v", connText(f), err)
			}
		})
		synctest.Wait()
		if _, err := right.Write([]byte("0:}1:x,")); err != nil {
			t.Error(err)
		}
		got := make([]byte, len("0:}5:first,0:}6:second,"))
		if _, err := io.ReadFull(right, got); err != nil || string(got) != "0:}5:first,0:}6:second," {
			t.Errorf("%q, %v", got, err)
		}
		done.Wait()
		left.Close()
		right.Close()
	})
}

// While one sender writes, the frames of others gather, and leave in one Write.
func TestSendersWriteForOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left, right := net.Pipe()
		counted := &outboxCounted{Conn: left}
		c := NewConn(counted)
		var done sync.WaitGroup
		send := func() {
			if err := c.Send(nil, "x"); err != nil {
				t.Error(err)
			}
		}
		done.Go(send)
		synctest.Wait()
		for range 63 {
			done.Go(send)
		}
		synctest.Wait()
		if _, err := io.ReadFull(right, make([]byte, 64*len("0:}1:x,"))); err != nil {
			t.Error(err)
		}
		done.Wait()
		if counted.writes != 2 {
			t.Errorf("%d writes", counted.writes)
		}
		left.Close()
		right.Close()
	})
}

type outboxCounted struct {
	net.Conn
	writes int
}

func (s *outboxCounted) Write(b []byte) (int, error) {
	s.writes++
	return s.Conn.Write(b)
}

// An error of the stream is that of every frame that was not whole by then, and
// of all after it.
func TestErrorsOfQueuedFrames(t *testing.T) {
	for name, c := range map[string]func(c *Conn) error{
		"Flush": (*Conn).Flush,
		"Send":  func(c *Conn) error { return c.Send(nil, nil) },
		"large": func(c *Conn) error { return c.Queue(nil, Raw(Append(nil, KindString, make([]byte, largeWrite)))) },
		"Recv":  func(c *Conn) error { _, err := c.Recv(); return err },
	} {
		t.Run(name, func(t *testing.T) {
			stream := &connStream{err: errConn}
			conn := NewConn(stream)
			if err := conn.Queue(nil, "x"); err != nil {
				t.Error(err)
			}
			if err := c(conn); err != errConn {
				t.Error(err)
			}
			stream.err = nil
			for _, again := range []error{conn.Flush(), conn.Queue(nil, nil), conn.Send(nil, nil), conn.Send(nil, []byte("x")), conn.SendFrame(Frame{})} {
				if again != errConn {
					t.Errorf("afterwards: %v", again)
				}
			}
			if stream.out.Len() > 0 {
				t.Errorf("half a frame, and then %q", stream.out.String())
			}
		})
	}
	t.Run("a short write", func(t *testing.T) {
		c := NewConn(outboxShort{})
		if err := c.Send(nil, nil); err != io.ErrShortWrite {
			t.Error(err)
		}
	})
	t.Run("those who wait for a sender get it too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			left, right := net.Pipe()
			c := NewConn(left)
			var done sync.WaitGroup
			for i := range 8 {
				done.Go(func() {
					body := any("x")
					if i%2 == 0 {
						body = Raw(Append(nil, KindString, make([]byte, largeWrite)))
					}
					if err := c.Send(nil, body); err != io.ErrClosedPipe {
						t.Error(err)
					}
				})
				synctest.Wait()
			}
			right.Close()
			left.Close()
			done.Wait()
		})
	})
}

type outboxShort struct{ io.Closer }

func (outboxShort) Write(b []byte) (int, error) { return len(b) - 1, nil }
func (outboxShort) Read([]byte) (int, error)    { return 0, io.EOF }
func (outboxShort) Close() error                { return nil }

// outboxEndless gives the same frames for ever, and takes all.
type outboxEndless struct {
	frames []byte
	at     int
}

func (s *outboxEndless) Read(p []byte) (int, error) {
	n := copy(p, s.frames[s.at:])
	s.at = (s.at + n) % len(s.frames)
	return n, nil
}
func (s *outboxEndless) Write(p []byte) (int, error) { return len(p), nil }
func (s *outboxEndless) Close() error                { return nil }

func TestFramesWithoutAllocations(t *testing.T) {
	if limitRace {
		t.Log("pools are random under the race detector: bounds only")
	}
	frame := Frame{Raw("8:1:k,1:1#}"), Raw(Append(nil, KindString, make([]byte, 64)))}
	b, err := AppendFrame(nil, frame.Header, frame.Body)
	if err != nil {
		t.Fatal(err)
	}
	large := Frame{frame.Header, Append(nil, KindString, make([]byte, largeWrite))}
	c := NewConn(&outboxEndless{frames: bytes.Repeat(b, 10)})
	v := NewConn(new(outboxDiscard))
	var header, body, largeBody any = frame.Header, frame.Body, large.Body
	for name, f := range map[string]func() error{
		"Next":       func() error { _, err := c.Next(); return err },
		"Queue":      func() error { return c.Queue(header, body) },
		"Send":       func() error { return c.Send(header, body) },
		"QueueFrame": func() error { return c.QueueFrame(frame) },
		"SendFrame":  func() error { return c.SendFrame(frame) },
		"large":      func() error { return v.SendFrame(large) },
		"large Send": func() error { return v.Send(header, largeBody) },
		"Flush":      func() error { return errors.Join(c.QueueFrame(frame), c.Flush()) },
	} {
		got := testing.AllocsPerRun(1000, func() {
			if err := f(); err != nil {
				t.Fatal(err)
			}
		})
		if got > 0 && !limitRace {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

// outboxDiscard takes all, several slices at once.
type outboxDiscard struct{ connStream }

func (*outboxDiscard) WriteBuffers(b *net.Buffers) (int64, error) { return b.WriteTo(io.Discard) }
func (*outboxDiscard) Write(b []byte) (int, error)                { return len(b), nil }
