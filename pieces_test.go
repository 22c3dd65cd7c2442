package petrichor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// largeSizes are those around which something changes: what is large, how much has arrived before
// pieces are taken and joined, and how large the pieces are.
var largeSizes = []int{
	pieceSize - 9, largeBuffer - 8, largeBuffer - 7, largeBuffer + 1, 2*largeBuffer - 8, pieceMost, 2*pieceMost + 5,
}

// largeReaders give bytes in all manners that do not take minutes for a megabyte.
func largeReaders(b []byte) map[string]io.Reader {
	return map[string]io.Reader{
		"whole":               bytes.NewReader(b),
		"1500 a read":         &chunked{bytes.NewReader(b), 1500},
		"random":              &largeRandom{bytes.NewReader(b), rand.New(rand.NewPCG(1, uint64(len(b))))},
		"data with the error": iotest.DataErrReader(&chunked{bytes.NewReader(b), 40_000}),
		"0, nil":              &idler{r: &chunked{bytes.NewReader(b), 3*pieceSize + 1}},
	}
}

// A largeRandom reads few bytes or many.
type largeRandom struct {
	r io.Reader
	*rand.Rand
}

func (r *largeRandom) Read(p []byte) (int, error) {
	n := 1 + r.IntN(100)
	if r.IntN(2) == 0 {
		n = 1 + r.IntN(100_000)
	}
	return r.r.Read(p[:min(n, len(p))])
}

func largeContent(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * i >> 7)
	}
	return b
}

// largeTargets are types that something large is read into in their own ways, and one that is not.
var largeTargets = map[string]func() any{
	"[]byte": func() any { return &[]byte{1} }, "string": func() any { s := "s"; return &s }, "Raw": func() any { return &Raw{1} },
	"any": func() any { return new(any) }, "int": func() any { return new(int) },
	"nil *[]byte": func() any { return (*[]byte)(nil) }, "nil *string": func() any { return (*string)(nil) }, "nil *Raw": func() any { return (*Raw)(nil) },
}

// A large element is the same to a Decoder, whatever its reads and its target, as to Unmarshal.
func TestLargeIsReadAsSmall(t *testing.T) {
	every := [][]Option{nil, {AllowText(true)}, {AllowLoose(true)}, {MaxValues(0)}, {MaxValues(1)}, {MaxSize(largeBuffer)}}
	sizes := largeSizes
	if limitSlow || testing.Short() {
		sizes = []int{largeBuffer - 7, pieceMost}
	}
	for _, size := range sizes {
		options := every
		if size > 2*largeBuffer {
			options = every[:2]
		}
		payload := largeContent(size)
		utf8 := bytes.Repeat([]byte("é"), size/2)
		for what, b := range map[string][]byte{
			"string": Append(nil, KindString, payload), "text": Append(nil, KindText, utf8), "no text": Append(nil, KindText, payload),
			"list":  Append(nil, KindList, bytes.Repeat([]byte("0:~"), size/3)),
			"loose": append([]byte("0"), Append(nil, KindString, payload)...), "no list": Append(nil, KindList, payload),
			"no tag": Append(nil, 'x', payload), "int": Append(nil, KindInt, bytes.Repeat([]byte("1"), size)),
		} {
			for _, opts := range options {
				for name, target := range largeTargets {
					largeReadAsSmall(t, fmt.Sprintf("%s of %d into %s", what, size, name), b, target, opts)
				}
			}
		}
	}
}

func largeReadAsSmall(t *testing.T, name string, b []byte, target func() any, opts []Option) {
	t.Helper()
	opts = level(opts)
	want := target()
	wantErr := Unmarshal(b, want, opts...)
	behind := append(slices.Clip(b), "1:a,"...)
	for how, r := range largeReaders(behind) {
		d, got := NewDecoder(r, opts...), target()
		err := d.Decode(got)
		if verdictOf(err) != verdictOf(wantErr) || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s, %s: %.40v, %v; Unmarshal: %.40v, %v", name, how, got, err, want, wantErr)
		}
		if _, fatal := err.(*SyntaxError); fatal {
			largeLeft(t, name, d, r, behind)
			continue
		}
		if d.Offset() != int64(len(b)) {
			t.Fatalf("%s, %s: offset %d, want %d", name, how, d.Offset(), len(b))
		}
		var s string
		if err := d.Decode(&s); err != nil || s != "a" || d.Decode(&s) != io.EOF {
			t.Fatalf("%s, %s: then %q, %v", name, how, s, err)
		}
	}
}

// largeLeft wants d to account for every byte that it has read of b.
func largeLeft(t *testing.T, name string, d *Decoder, r io.Reader, b []byte) {
	t.Helper()
	rest, err := leftOver(d, r, b, nil)
	if err != nil || !bytes.HasSuffix(b, rest) {
		t.Fatalf("%s: %d of %d bytes are left over at offset %d, %v", name, len(rest), len(b), d.Offset(), err)
	}
}

// Cut off or broken anywhere, a large element is an error, the target is as it was, and what has
// been read can be had.
func TestLargeIsCutOff(t *testing.T) {
	b := append([]byte("1:a,"), Append(nil, KindString, largeContent(2*pieceMost))...)
	for _, n := range []int{20, pieceSize - 1, pieceSize, pieceSize + 9, pieceMost + 1, len(b) - 1} {
		for name, target := range largeTargets {
			for how, r := range largeReaders(b[:n]) {
				for want, r := range map[error]io.Reader{io.ErrUnexpectedEOF: r, errReset: io.MultiReader(bytes.NewReader(b[:n]), iotest.ErrReader(errReset))} {
					d, v := NewDecoder(r, level(nil)...), target()
					if err := d.Decode(new(string)); err != nil {
						t.Fatal(err)
					}
					if err := d.Decode(v); err != want || !reflect.DeepEqual(v, target()) {
						t.Fatalf("%d bytes into %s, %s: %.40v, %v, want %v", n, name, how, v, err, want)
					}
					mustStayFailed(t, d, want)
					if d.Offset() != 4 || !bytes.Equal(d.Buffered(), b[4:n]) {
						t.Fatalf("%d bytes into %s, %s: %d are buffered at %d", n, name, how, len(d.Buffered()), d.Offset())
					}
				}
			}
		}
	}
}

// Large and small elements and frames in turn, through every call.
func TestLargeInTurn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var in []byte
	var bodies [][]byte
	for range 60 {
		n := r.IntN(50)
		if r.IntN(2) == 0 {
			n = r.IntN(300_000)
		}
		bodies = append(bodies, largeContent(n))
		in = append(Append(append(in, "0:}"...), KindString, bodies[len(bodies)-1]), '\n')
	}
	for how, from := range largeReaders(in) {
		d := NewDecoder(from, Separator('\n'))
		for i, want := range bodies {
			got, err := largeBody(d, i%4)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s: frame %d has %d bytes, want %d; %v", how, i, len(got), len(want), err)
			}
		}
		if _, err := d.ReadFrame(); err != io.EOF || d.Offset() < int64(len(in)-1) {
			t.Errorf("%s: %v at %d of %d", how, err, d.Offset(), len(in))
		}
	}
}

// largeBody reads a frame in one of four ways.
func largeBody(d *Decoder, way int) (body []byte, err error) {
	switch way {
	case 0:
		var s string
		err = errors.Join(d.Decode(new(Raw)), d.Decode(&s))
		return []byte(s), err
	case 1:
		f, err := d.ReadFrame()
		return body, errors.Join(err, Unmarshal(f.Body, &body))
	case 2:
		return body, errors.Join(d.Decode(new(any)), d.Decode(&body))
	}
	_, stream, err := d.NextFrame()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(stream)
}

// What is read into is the caller's, and nothing that comes later changes it.
func TestLargeIsKept(t *testing.T) {
	payload := largeContent(3*pieceMost + 5)
	in := bytes.Repeat(Append(nil, KindString, payload), 4)
	d := NewDecoder(bytes.NewReader(in), level(nil)...)
	var b []byte
	var s string
	var raw Raw
	if err := errors.Join(d.Decode(&b), d.Decode(&s), d.Decode(&raw)); err != nil {
		t.Fatal(err)
	}
	_, err := d.ReadElement()
	if err != nil || !bytes.Equal(b, payload) || s != string(payload) || !bytes.Equal(raw, Append(nil, KindString, payload)) {
		t.Errorf("what was read is not what is there, %v", err)
	}
	if cap(b) != len(b) {
		t.Errorf("%d bytes of capacity for %d", cap(b), len(b))
	}
}

// Large memory is given back with the next call, also where some of what comes next has arrived.
func TestLargeIsLetGo(t *testing.T) {
	large := str(strings.Repeat("x", 1<<20))
	for behind, in := range map[string]string{"nothing": large, "a byte": large + "1", "an element": large + "1:a,", "and a half": large + "1:a,4:bc"} {
		p := NewParser(level(nil)...)
		p.Feed([]byte(in))
		if raw, err := p.NextElement(); err != nil || len(raw) != len(large) {
			t.Fatal(len(raw), err)
		}
		p.Feed([]byte("1"))
		if cap(p.buf) > smallBuffer || string(p.buf[p.next:]) != in[len(large):]+"1" {
			t.Errorf("behind it %s: a Parser keeps %d bytes for %q", behind, cap(p.buf), p.buf[p.next:])
		}
		d := NewDecoder(io.MultiReader(strings.NewReader(in), iotest.ErrReader(errReset)), level(nil)...)
		raw, err := d.ReadElement()
		if err != nil || len(raw) != len(large) {
			t.Fatal(len(raw), err)
		}
		for err == nil {
			_, err = d.ReadElement()
		}
		if cap(d.p.buf) > smallBuffer {
			t.Errorf("behind it %s: a Decoder keeps %d bytes", behind, cap(d.p.buf))
		}
	}
}

// A buffer of medium size is kept for as long as it is of use.
func TestMediumIsLetGo(t *testing.T) {
	medium, small := str(strings.Repeat("x", 20_000)), "1:a,"
	p := NewParser()
	feed := func(s string) {
		p.Feed([]byte(s))
		if _, err := p.NextElement(); err != nil {
			t.Fatal(err)
		}
	}
	feed(medium)
	first := &p.buf[:1][0]
	for range 10 {
		feed(small)
		feed(medium)
	}
	if &p.buf[:1][0] != first {
		t.Error("the buffer was changed while it was of use")
	}
	feed(small)
	feed(small)
	if cap(p.buf) > leastBuffer {
		t.Errorf("%d bytes are kept for elements of 4", cap(p.buf))
	}
}

// An idle Parser holds next to nothing, and less when told so; a Decoder waits with a small buffer.
func TestIdleHoldsLittle(t *testing.T) {
	const peers = 1000
	held := limitHeld(func() any {
		var list [peers]Parser
		for i := range list {
			list[i].Feed([]byte("0:}1:x,"))
			if _, err := list[i].Next(); err != nil {
				t.Error(err)
			}
		}
		return &list
	})
	limitAtMost(t, "a Parser that was fed small frames", held/peers, 1024)
	held = limitHeld(func() any {
		var list [peers]Parser
		for i := range list {
			list[i].Feed([]byte("0:}" + str(strings.Repeat("x", 5000))))
			f, err := list[i].Next()
			list[i].Release()
			if err != nil || f.Header[0] != '0' {
				t.Error(f, err)
			}
		}
		return &list
	})
	limitAtMost(t, "a Parser that was released", held/peers, 256)
	held = limitHeld(func() any {
		var list [peers]*Decoder
		for i := range list {
			list[i] = NewDecoder(strings.NewReader("0:}1:x,"))
			_, err := list[i].ReadFrame()
			_, end := list[i].ReadFrame()
			if err != nil || end != io.EOF {
				t.Error(err, end)
			}
		}
		return &list
	})
	limitAtMost(t, "a Decoder", held/peers, smallBuffer+512)
}

// Release takes nothing that is still wanted.
func TestReleaseKeepsWhatIsUnread(t *testing.T) {
	p := NewParser()
	p.Feed([]byte("0:}5:hel"))
	p.Release()
	p.Feed([]byte("lo,"))
	f, err := p.Next()
	if err != nil || string(f.Body) != "5:hello," {
		t.Fatalf("%q, %v", f, err)
	}
	p.Release()
	p.Feed([]byte("0:}x"))
	if string(f.Body) != "5:hello," {
		t.Errorf("what was handed out became %q", f)
	}
	if _, err := p.Next(); verdictOf(err) != at(14, ErrSize) {
		t.Errorf("%v, want %v at 14", err, ErrSize)
	}
}

// What is lent is nobody else's until the next call, and what is kept nobody else's ever.
func TestLargeIsNotShared(t *testing.T) {
	const peers = 3
	var decoders [peers]*Decoder
	var contents, lent, kept [peers][]byte
	for i := range peers {
		contents[i] = bytes.Repeat([]byte{byte('a' + i)}, 1<<20)
		decoders[i] = NewDecoder(bytes.NewReader(bytes.Repeat(Append(nil, KindString, contents[i]), 4)))
		if err := decoders[i].Decode(&kept[i]); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		for i, d := range decoders {
			raw, err := d.ReadElement()
			if err != nil {
				t.Fatal(err)
			}
			lent[i] = raw[len("1048576:") : len(raw)-1]
		}
		for i, want := range contents {
			if !bytes.Equal(lent[i], want) || !bytes.Equal(kept[i], want) {
				t.Fatalf("peer %d sees the bytes of another", i)
			}
		}
	}
}

// One large frame after another takes no memory but that of the first.
func TestLargeIsUsedAgain(t *testing.T) {
	if limitRace {
		t.Skip("with the race detector pools forget some of what they are given")
	}
	const frames = 50
	in := bytes.Repeat(Append([]byte("0:}"), KindString, largeContent(1<<20)), frames+5)
	c := NewConn(&connStream{in: in})
	read := func(n int) {
		for range n {
			if f, err := c.Next(); err != nil || len(f.Body) < 1<<20 {
				t.Fatal(len(f.Body), err)
			}
		}
	}
	read(5)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	read(frames)
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / frames; got > 256<<10 { // the collector empties the pools
		t.Errorf("%d bytes are allocated for a frame", got)
	}
}
