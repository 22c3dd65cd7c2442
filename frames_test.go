package petrichor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// Frames that are sent together are those that were added, whatever the Conn adds.
func TestSendFrames(t *testing.T) {
	var all Frames
	var want []string
	for _, body := range []string{"1:a,", "0:~", "100:" + strings.Repeat("x", 100) + ",", "4:1:b,]", "1:c,"} {
		if err := all.Add(Frame{Raw("8:1:k,1:1#}"), Raw(body)}); err != nil {
			t.Fatal(err)
		}
		want = append(want, "8:1:k,1:1#}"+body)
	}
	if err := all.Add(Frame{}); err != nil {
		t.Fatal(err)
	}
	want = append(want, "0:}0:~")
	for i := range all.Len() + 1 {
		for j := i; j <= all.Len(); j++ {
			part := all.Slice(i, j)
			text := strings.Join(want[i:j], "")
			if part.Len() != j-i || part.Size() != len(text) || sizeOf(part.Slice(0, j-i)) != len(text) {
				t.Errorf("%d to %d: %d frames of %d bytes", i, j, part.Len(), part.Size())
			}
			stream := new(connStream)
			if err := NewConn(stream).SendFrames(part); err != nil || stream.out.String() != text || stream.writes > 1 {
				t.Errorf("%d to %d: %v, %q in %d writes", i, j, err, &stream.out, stream.writes)
			}
			stream = new(connStream)
			if err := NewConn(stream, Separator('\n')).SendFrames(part); err != nil || strings.ReplaceAll(stream.out.String(), "\n", "") != text {
				t.Errorf("%d to %d: %v, %q with a separator", i, j, err, &stream.out)
			}
		}
	}
}

// Adding to Frames does not touch what is being sent, nor the parts of it that are.
func TestFramesAreAddedToWhileSent(t *testing.T) {
	var s Frames
	var parts []Frames
	for i := range 1000 {
		if err := s.Add(Frame{nil, Raw(Append(nil, KindString, bytes.Repeat([]byte{byte(i)}, i%50)))}); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, s.Slice(i/2, i+1))
	}
	for i, part := range parts {
		for j := range part.Len() {
			n := i/2 + j
			if f := part.frame(j); string(f.Body) != string(Append(nil, KindString, bytes.Repeat([]byte{byte(n)}, n%50))) {
				t.Fatalf("frame %d of part %d is %q", j, i, f.Body)
			}
		}
		if err := part.Add(Frame{}); err != nil { // has nothing to do with s
			t.Fatal(err)
		}
	}
}

// Frames that are put together again and again are put into the same memory.
func TestFramesUseTheirMemoryAgain(t *testing.T) {
	var s Frames
	s.Grow(10, 70)
	f := Frame{Raw("0:}"), Raw("1:x,")}
	add := func() {
		s.Reset()
		for range 10 {
			if err := s.Add(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := testing.AllocsPerRun(10, add); got > 0 && !limitRace {
		t.Errorf("%v allocations", got)
	}
	s = s.Slice(3, 10) // whose ends are counted from elsewhere
	s.Reset()
	if s.Len() != 0 || s.Size() != 0 {
		t.Errorf("%d frames of %d bytes are left", s.Len(), s.Size())
	}
	s.Add(Frame{nil, Raw("1:x;")})
	s.Reset()
	add()
	stream := new(connStream)
	if err := NewConn(stream, MaxSize(5)).SendFrames(s); err != nil || stream.out.String() != strings.Repeat("0:}1:x,", 10) {
		t.Errorf("a text that was there before: %v, %q", err, &stream.out)
	}
}

func TestFramesThatCannotBeSent(t *testing.T) {
	var s Frames
	for name, f := range map[string]Frame{
		"a list for a header": {Raw("0:]"), nil}, "two bodies": {nil, Raw("0:~0:~")}, "half a body": {nil, Raw("2:x,")},
	} {
		if err := s.Add(f); err == nil || s.Len() != 0 || s.Size() != 0 {
			t.Errorf("%s: %v, %d bytes", name, err, s.Size())
		}
	}
	add := func(body string) Frames {
		var s Frames
		if err := s.Add(Frame{nil, Raw(body)}); err != nil {
			t.Fatal(err)
		}
		return s
	}
	stream := new(connStream)
	if err := NewConn(stream, MaxSize(10)).SendFrames(add("11:xxxxxxxxxxx,")); !errors.Is(err, ErrTooLarge) {
		t.Errorf("larger than MaxSize: %v", err)
	}
	if err := NewConn(stream).SendFrames(add("1:x;")); !errors.Is(err, ErrKind) {
		t.Errorf("a text that is not allowed: %v", err)
	}
	if stream.out.Len() > 0 {
		t.Errorf("and %q was sent", &stream.out)
	}
	if err := NewConn(stream, AllowText(true)).SendFrames(add("1:x;")); err != nil || stream.out.String() != "0:}1:x;" {
		t.Errorf("a text that is: %v", err)
	}
	if err := NewConn(outboxShort{}).SendFrames(add("1:x,")); err != io.ErrShortWrite {
		t.Error(err)
	}
}

// Filters see each frame by itself.
func TestSendFramesThroughFilters(t *testing.T) {
	var s Frames
	for range 3 {
		s.Add(Frame{nil, Raw("1:x,")})
	}
	stream := new(connStream)
	if err := NewConn(stream, WithFilters(twice{})).SendFrames(s); err != nil || stream.out.String() != strings.Repeat("0:}2:xx,", 3) {
		t.Errorf("%v, %q", err, &stream.out)
	}
}

// twice doubles a body of one byte.
type twice struct{}

func (twice) Outbound(f Frame) (Frame, error) { return Frame{f.Header, Raw("2:xx,")}, nil }
func (twice) Inbound(f Frame) (Frame, error)  { return f, nil }

func sizeOf(s Frames) int { return s.Size() }

// Append encodes what AppendFrame does, whatever header came before, and appends
// nothing where that is an error.
func TestFramesAppend(t *testing.T) {
	long := Raw(Append(nil, KindDict, Append(Append(nil, KindString, bytes.Repeat([]byte("k"), 300)), KindInt, []byte("1"))))
	headers := []any{nil, Raw("0:}"), Raw("8:1:k,1:1#}"), Raw("8:1:k,1:2#}"), Header{"k": 1}, long, Raw("3:1:k}"), Raw("0:~"), Raw{}, 1}
	bodies := []any{nil, "text", []byte("some"), bytes.Repeat([]byte("x"), 1024), bytes.Repeat([]byte("x"), 70_000), Raw("1:a,"), Raw("1:a"), Raw{}, make(chan int)}
	var s Frames
	var want []byte
	n := 0
	for range 2 {
		for _, header := range headers {
			for _, body := range bodies {
				all, wantErr := AppendFrame(want, header, body)
				err := s.Append(header, body)
				if fmt.Sprint(err) != fmt.Sprint(wantErr) {
					t.Errorf("%v, %T: %v, want %v", header, body, err, wantErr)
				}
				if want = all; wantErr == nil {
					n++
				}
			}
		}
	}
	if s.Len() != n || s.Size() != len(want) {
		t.Errorf("%d frames of %d bytes, want %d of %d", s.Len(), s.Size(), n, len(want))
	}
	stream := new(connStream)
	if err := NewConn(stream).SendFrames(s); err != nil || stream.out.String() != string(want) {
		t.Errorf("what is sent is not what was appended, %v", err)
	}
	if err := NewConn(new(connStream), MaxSize(50_000)).SendFrames(s); err == nil {
		t.Error("a Conn sent more than it may")
	}
}

// What is known of a header is not of another that has its memory, and nothing is
// allocated for a frame once there is room.
func TestFramesAppendChecksEachHeader(t *testing.T) {
	var s Frames
	header, body := Raw("8:1:k,1:1#}"), []byte("body")
	if err := s.Append(header, &body); err != nil {
		t.Fatal(err)
	}
	header[2] = 'x'
	if err := s.Append(header, &body); err == nil || s.Len() != 1 {
		t.Errorf("%v, %d frames", err, s.Len())
	}
	header[2] = '1'
	var same any = header
	if got := testing.AllocsPerRun(100, func() {
		s.Reset()
		if err := s.Append(same, &body); err != nil {
			t.Fatal(err)
		}
	}); got > 0 && !limitRace {
		t.Errorf("%v allocations", got)
	}
}

// Sizes of any number of digits are read alike, by the short way and the long one, and
// refused alike.
func TestFrameSizes(t *testing.T) {
	for _, size := range []int{0, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 65_535, 65_536, 99_999, 100_000, 123_456} {
		b := Append([]byte("8:1:k,1:1#}"), KindString, make([]byte, size))
		if got, err := AppendFrame(nil, Raw("8:1:k,1:1#}"), make([]byte, size)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%d: encoded as %.30q, %v", size, got, err)
		}
		for _, limit := range []int{size - 1, size, size + 1, size + 12} {
			f, rest, err := CutFrame(b, MaxSize(int64(limit)))
			if fits := limit >= size; fits != (err == nil) || fits && (len(rest) > 0 || len(f.Header) != 11 || len(f.Body) != len(b)-11) {
				t.Errorf("%d bytes with a limit of %d: %v", size, limit, err)
			}
		}
		if _, _, err := CutFrame(b[:len(b)-1]); err != ErrShort {
			t.Errorf("%d, a byte short: %v", size, err)
		}
		b[len(b)-1] = 'x'
		if _, _, err := CutFrame(b); !errors.Is(err, ErrKind) {
			t.Errorf("%d, no tag: %v", size, err)
		}
	}
	for _, wrong := range []string{"0:}012:aaaaaaaaaaaa,", "0:}0100:", "0:}1x0:", "0:}:", "0:}99999999999:"} {
		if _, _, err := CutFrame([]byte(wrong)); err == nil || err == ErrShort {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
