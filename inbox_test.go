package petrichor

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A connWaiter is a stream on which one can wait without a buffer.  It gives its
// input in pieces, and would block before each.
type connWaiter struct {
	connStream
	pieces []string
	seen   func()
	err    error // of WaitRead
}

func (s *connWaiter) WaitRead(idle func()) error {
	if s.err != nil || len(s.in) > 0 {
		return s.err
	}
	idle()
	if s.seen != nil {
		s.seen()
	}
	if len(s.pieces) > 0 {
		s.in = append(s.in, s.pieces[0]...)
		s.pieces = s.pieces[1:]
	}
	return nil
}

// Who waits for a peer holds no buffer, and for the rest of a frame a small one.
func TestWaitingHoldsNoBuffer(t *testing.T) {
	stream := &connWaiter{pieces: []string{"0:}1:x,", "0:}1000:" + strings.Repeat("y", 100), strings.Repeat("y", 900), ",0:}1:z,", ""}}
	c := NewConn(stream)
	var held []int
	stream.seen = func() { held = append(held, cap(c.dec.p.buf)) }
	for _, want := range []string{"1:x,", "1000:" + strings.Repeat("y", 1000) + ",", "1:z,"} {
		f, err := c.Next()
		if err != nil || string(f.Body) != want {
			t.Fatalf("%s, %v; want %s", connText(f), err, want)
		}
	}
	if _, err := c.Next(); err != io.EOF {
		t.Error(err)
	}
	if want := []int{0, 0, 512, 1024, 0}; !slices.Equal(held, want) {
		t.Errorf("held %d bytes", held)
	}
	if got := testing.AllocsPerRun(100, func() {
		stream.pieces, stream.seen = append(stream.pieces[:0], "0:}1:x,"), nil
		c.dec.err, c.dec.readErr = nil, nil
		if _, err := c.Next(); err != nil {
			t.Fatal(err)
		}
	}); got > 1 && !limitRace { // stream.in grows
		t.Errorf("%v allocations", got)
	}
}

// A large frame that has begun keeps its buffer, which is not of the pool any more.
func TestWaitingInsideALargeFrame(t *testing.T) {
	body := strings.Repeat("y", 200_000)
	frame := "0:}200000:" + body + ","
	var pieces []string
	for at := 0; at < len(frame); at += 30_000 {
		pieces = append(pieces, frame[at:min(at+30_000, len(frame))])
	}
	stream := &connWaiter{pieces: pieces}
	c := NewConn(stream)
	f, err := c.Recv()
	if err != nil || connText(f) != frame {
		t.Fatalf("%d bytes, %v", len(f.Body), err)
	}
	if _, err := c.Recv(); err != io.EOF || c.Buffered() != 0 {
		t.Error(err)
	}
}

// A connHolder is a connWaiter that counts the memory it is read into.
type connHolder struct {
	connWaiter
	arrived int
	most    int // bytes that may be held
	hold    func(need, use int)
}

func (s *connHolder) Read(p []byte) (int, error) {
	n, err := s.connWaiter.Read(p)
	s.arrived += n
	return n, err
}

func (s *connHolder) HoldQueued(int) bool { return true }

func (s *connHolder) Hold(need, use int) (int, error) {
	s.hold(need, use)
	if need > s.most {
		return 0, errConn
	}
	return min(use, s.most), nil
}

// What a Conn holds for a frame grows with what has arrived of it, and is asked for
// before it is taken.
func TestHeldIsWhatHasArrived(t *testing.T) {
	frame := "0:}5000000:" + strings.Repeat("y", 5_000_000) + ","
	var pieces []string
	for at := 0; at < len(frame); at += 100_000 {
		pieces = append(pieces, frame[at:min(at+100_000, len(frame))])
	}
	stream := &connHolder{connWaiter: connWaiter{pieces: pieces}, most: 16 << 20}
	var least, last int // bytes asked for
	stream.hold = func(need, use int) {
		if need > use || need > 4*stream.arrived+largeBuffer {
			t.Errorf("%d bytes, or %d, are asked for when %d have arrived", need, use, stream.arrived)
		}
		least, last = max(least, need), use
	}
	c := NewConn(stream, MaxSize(8<<20))
	f, err := c.Recv()
	if err != nil || connText(f) != frame || least < len(f.Body) {
		t.Fatalf("%d bytes, %v, with %d asked for", len(f.Body), err, least)
	}
	if _, err := c.Recv(); err != io.EOF || last > pooledBuffer {
		t.Errorf("%v, with %d bytes asked for", err, last)
	}
}

// However much of what would be of use is had, no buffer is larger than what is held
// for it, but for a small one.
func TestBufferIsWhatIsHeld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stream := &inboxGrants{}
		stream.grant = func(need, use int) int { return rapid.SampledFrom([]int{need, use}).Draw(t, "granted") }
		c := NewConn(stream)
		stream.before = func() {
			if size := cap(c.dec.p.buf); size > max(stream.held, smallBuffer) {
				t.Fatalf("a buffer of %d bytes, of which %d are held", size, stream.held)
			}
		}
		var sent []byte
		for range rapid.IntRange(1, 20).Draw(t, "frames") {
			size := rapid.SampledFrom([]int{0, 100, 1000, 5000, 15_000, 40_000, 100_000}).Draw(t, "size")
			sent, _ = AppendFrame(sent, nil, make([]byte, size))
		}
		for rest := sent; len(rest) > 0; {
			n := min(rapid.SampledFrom([]int{1, 1000, 9000, 14_000, 60_000, 200_000}).Draw(t, "piece"), len(rest))
			stream.pieces, rest = append(stream.pieces, string(rest[:n])), rest[n:]
		}
		var got []byte
		for {
			f, err := c.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(append(got, f.Header...), f.Body...)
		}
		if !bytes.Equal(got, sent) {
			t.Fatal("other frames than were sent")
		}
	})
}

// inboxGrants is a connWaiter that holds as much as is granted.
type inboxGrants struct {
	connWaiter
	grant  func(need, use int) int
	before func() // Read
	held   int
}

func (s *inboxGrants) Read(p []byte) (int, error) {
	s.before()
	return s.connWaiter.Read(p)
}

func (s *inboxGrants) Hold(need, use int) (int, error) {
	n := s.grant(need, use)
	s.held = n
	if n <= smallBuffer {
		s.held = 0 // as service counts
	}
	return n, nil
}

func (s *inboxGrants) HoldQueued(int) bool { return true }

// What may not be held is not read.
func TestHeldIsRefused(t *testing.T) {
	frame := "0:}500000:" + strings.Repeat("y", 500_000) + ","
	for _, most := range []int{0, smallBuffer, 100_000, 600_000} {
		stream := &connHolder{connWaiter: connWaiter{pieces: []string{frame}}, most: most, hold: func(int, int) {}}
		c := NewConn(stream)
		for range 2 {
			if f, err := c.Recv(); err != errConn {
				t.Errorf("%d bytes may be held: %d, %v", most, len(f.Body), err)
			}
		}
		if stream.arrived > most {
			t.Errorf("%d bytes may be held, and %d have been read", most, stream.arrived)
		}
	}
}

func TestWaitingFails(t *testing.T) {
	stream := &connWaiter{err: errConn}
	c := NewConn(stream)
	c.Queue(nil, "x")
	for range 2 {
		if _, err := c.Next(); err != errConn {
			t.Error(err)
		}
	}
	if stream.out.String() != "0:}1:x," {
		t.Errorf("sent %q", stream.out.String())
	}
}

// Reads that fill the buffer widen it up to 64 KiB, and no others do.
func TestBufferWidens(t *testing.T) {
	frame := []byte("0:}100:" + strings.Repeat("x", 100) + ",")
	c := NewConn(&outboxEndless{frames: bytes.Repeat(frame, 3000)})
	for range 3000 {
		if _, err := c.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if got := cap(c.dec.p.buf); got != largeBuffer {
		t.Errorf("%d bytes of buffer", got)
	}
	few := NewConn(&connStream{in: bytes.Repeat(frame, 30)})
	for range 30 {
		if _, err := few.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if got := cap(few.dec.p.buf); got != smallBuffer {
		t.Errorf("%d bytes of buffer", got)
	}
}

func TestCloneOwnsItsBytes(t *testing.T) {
	b := []byte("8:1:k,1:1#}1:x,")
	f, _, err := CutFrame(b)
	if err != nil {
		t.Fatal(err)
	}
	owned := f.Clone()
	clear(b)
	owned.Header = append(owned.Header, "more"...) // does not run into the body
	if string(owned.Body) != "1:x," || string(owned.Header) != "8:1:k,1:1#}more" {
		t.Error(connText(owned))
	}
	for _, f := range []Frame{{}, {Header: Raw("0:}")}, {Body: Raw("0:~")}} {
		if c := f.Clone(); (c.Header == nil) != (f.Header == nil) || (c.Body == nil) != (f.Body == nil) {
			t.Errorf("%q became %q", f, c)
		}
	}
}

// Filters see queued frames in order, one at a time, and encoded ones too.
func TestFiltersOfQueuedFrames(t *testing.T) {
	var log []string
	stream := new(connStream)
	c := NewConn(stream, WithFilters(connFilter{"a", &log}))
	err := errors.Join(c.Queue(nil, 1), c.QueueFrame(Frame{Raw("0:}"), Raw("1:2#")}), c.SendFrame(Frame{Raw("0:}"), Raw("1:3#")}))
	if want := "0:}8:1:a,1:1#]0:}8:1:a,1:2#]0:}8:1:a,1:3#]"; err != nil || stream.out.String() != want || stream.writes != 1 {
		t.Errorf("%s, %v; want %s", stream.out.String(), err, want)
	}
}
