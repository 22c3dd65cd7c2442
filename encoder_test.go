package petrichor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// A recorder keeps each Write by itself, and fails at number failAt, which it
// takes half of.
type recorder struct {
	writes []string
	failAt int
}

func (r *recorder) Write(p []byte) (int, error) {
	if len(r.writes)+1 == r.failAt {
		half := p[:len(p)/2]
		r.writes = append(r.writes, string(half))
		return len(half), errFull
	}
	r.writes = append(r.writes, string(p))
	return len(p), nil
}

func (r *recorder) String() string { return strings.Join(r.writes, "") }

func TestOneWrite(t *testing.T) {
	large := strings.Repeat("x", 1<<20)
	for _, tt := range []struct {
		reason string
		write  func(e *Encoder) error
		want   string
	}{
		{"an element", func(e *Encoder) error { return e.Encode("hello") }, "5:hello,"},
		{"a large one", func(e *Encoder) error { return e.Encode(large) }, str(large)},
		{"null", func(e *Encoder) error { return e.Encode(nil) }, "0:~"},
		{"a list", func(e *Encoder) error { return e.Encode([]any{1, "a", []byte("b")}) }, "12:1:1#1:a,1:b,]"},
		{"a Raw", func(e *Encoder) error { return e.Encode(Raw("1:x,")) }, "1:x,"},
		{"a frame", func(e *Encoder) error { return e.WriteFrame(Header{"a": 1}, "hello") }, "8:1:a,1:1#}5:hello,"},
		{"a large frame", func(e *Encoder) error { return e.WriteFrame(Header{"a": large}, large) }, tn(KindDict, str("a"), str(large)) + str(large)},
		{"a frame of Raws", func(e *Encoder) error { return e.WriteFrame(Raw("0:}"), Raw("0:~")) }, "0:}0:~"},
		{"a frame without a header", func(e *Encoder) error { return e.WriteFrame(nil, nil) }, "0:}0:~"},
	} {
		var w recorder
		e := NewEncoder(&w)
		for range 3 {
			w.writes = nil
			if err := tt.write(e); err != nil || len(w.writes) != 1 || w.writes[0] != tt.want {
				t.Errorf("%s: %d writes of %.40q, %v; want %.40q", tt.reason, len(w.writes), w.writes, err, tt.want)
			}
		}
	}
}

// A value that cannot be written writes nothing, and the next can be.
func TestTypeErrorIsNotFinal(t *testing.T) {
	var w recorder
	e := NewEncoder(&w)
	for reason, write := range map[string]func() error{
		"Encode":                    func() error { return e.Encode([]any{"a", make(chan int)}) },
		"WriteFrame, header":        func() error { return e.WriteFrame([]int{1}, "a") },
		"WriteFrame, body":          func() error { return e.WriteFrame(nil, make(chan int)) },
		"WriteFrameFrom, header":    func() error { return e.WriteFrameFrom("x", 1, strings.NewReader("a")) },
		"WriteFrameFrom, negative":  func() error { return e.WriteFrameFrom(nil, -1, strings.NewReader("a")) },
		"WriteFrameFrom, too large": func() error { return e.WriteFrameFrom(nil, maxNineDigits+1, strings.NewReader("a")) },
	} {
		w.writes = nil
		var te *TypeError
		if err := write(); !errors.As(err, &te) || len(w.writes) > 0 {
			t.Errorf("%s: error %v, written %q", reason, err, w.writes)
		}
		if err := e.Encode("hello"); err != nil || w.String() != "5:hello," {
			t.Errorf("after %s: %q, %v", reason, w.writes, err)
		}
	}
}

// After an error of the writer nothing more is written, and the error returned.
func TestWriterErrorIsFinal(t *testing.T) {
	frame := func(e *Encoder) error { return e.WriteFrameFrom(Header{}, 5, strings.NewReader("hello")) }
	whole := "0:}5:hello,"
	var all recorder
	if err := frame(NewEncoder(&all)); err != nil || all.String() != whole {
		t.Fatalf("%q, %v", all.writes, err)
	}
	for reason, write := range map[string]func(e *Encoder) error{
		"Encode":         func(e *Encoder) error { return e.Encode("hello") },
		"WriteFrame":     func(e *Encoder) error { return e.WriteFrame(nil, "hello") },
		"WriteFrameFrom": frame,
	} {
		calls := 1
		if reason == "WriteFrameFrom" {
			calls = len(all.writes)
		}
		for n := 1; n <= calls; n++ {
			w := &recorder{failAt: n}
			e := NewEncoder(w)
			if err := write(e); err != errFull {
				t.Errorf("%s, Write %d fails: error %v, want %v", reason, n, err, errFull)
			}
			before := w.String()
			if reason == "WriteFrameFrom" && !strings.HasPrefix(whole, before) {
				t.Errorf("%s, Write %d fails: written %q", reason, n, before)
			}
			source := strings.NewReader("hello")
			for _, err := range []error{e.Encode("x"), e.WriteFrame(nil, nil), e.WriteFrameFrom(nil, 5, source)} {
				if err != errFull {
					t.Errorf("%s, Write %d fails: then error %v, want %v", reason, n, err, errFull)
				}
			}
			if w.String() != before || source.Len() != 5 {
				t.Errorf("%s, Write %d fails: then written %q, read %d", reason, n, w.String(), 5-source.Len())
			}
		}
	}
}

// A writer that takes less and says nothing is an error all the same.
func TestShortWrites(t *testing.T) {
	w := writerFunc(func(p []byte) (int, error) { return len(p) - 1, nil })
	for reason, write := range map[string]func(e *Encoder) error{
		"Encode":         func(e *Encoder) error { return e.Encode("hello") },
		"WriteFrame":     func(e *Encoder) error { return e.WriteFrame(nil, "hello") },
		"WriteFrameFrom": func(e *Encoder) error { return e.WriteFrameFrom(nil, 5, strings.NewReader("hello")) },
	} {
		e := NewEncoder(w)
		if err := write(e); err != io.ErrShortWrite {
			t.Errorf("%s: error %v, want %v", reason, err, io.ErrShortWrite)
		}
		if err := e.Encode("x"); err != io.ErrShortWrite {
			t.Errorf("%s: then error %v, want %v", reason, err, io.ErrShortWrite)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestWriteFrameFrom(t *testing.T) {
	large := strings.Repeat("x", 100_000)
	for _, tt := range []struct {
		reason string
		size   int64
		source string
		want   string
		left   int
	}{
		{"exactly", 5, "hello", "0:}5:hello,", 0},
		{"not read past its size", 5, "hello, and more", "0:}5:hello,", len(", and more")},
		{"nothing", 0, "", "0:}0:,", 0},
		{"nothing of something", 0, "hello", "0:}0:,", 5},
		{"much", int64(len(large)), large, "0:}" + str(large), 0},
	} {
		var w recorder
		source := strings.NewReader(tt.source)
		e := NewEncoder(&w)
		if err := e.WriteFrameFrom(Header{}, tt.size, source); err != nil || w.String() != tt.want || source.Len() != tt.left {
			t.Errorf("%s: %.40q, %v; %d bytes left, want %d", tt.reason, w.String(), err, source.Len(), tt.left)
		}
		if err := e.WriteFrame(nil, nil); err != nil || w.String() != tt.want+"0:}0:~" {
			t.Errorf("%s: the next frame makes it %.40q, %v", tt.reason, w.String(), err)
		}
		f, rest, err := CutFrame([]byte(w.String()))
		if err != nil || string(f.Header)+string(f.Body) != tt.want || string(rest) != "0:}0:~" {
			t.Errorf("%s: cut again as %.40q, %v", tt.reason, f, err)
		}
	}
	for size, limit := range map[int64]Option{6: MaxSize(5), 1_000_000_000: MaxSize(999_999_999)} {
		var w recorder
		err := NewEncoder(&w, limit).WriteFrameFrom(nil, size, strings.NewReader(large))
		if !errors.Is(err, ErrTooLarge) || len(w.writes) > 0 {
			t.Errorf("size %d: %q, error %v, want %v", size, w.writes, err, ErrTooLarge)
		}
	}
	// Ten digits, where the limit allows them; the source has much less.
	var w recorder
	err := NewEncoder(&w, MaxSize(9_999_999_999)).WriteFrameFrom(nil, 9_999_999_999, strings.NewReader("hello"))
	if err != io.ErrUnexpectedEOF || w.String() != "0:}9999999999:hello" {
		t.Errorf("%q, error %v, want %v", w.String(), err, io.ErrUnexpectedEOF)
	}
}

// A source that ends early or fails leaves the frame cut in two, which is final.
func TestWriteFrameFromSourceFails(t *testing.T) {
	for reason, tt := range map[string]struct {
		r    io.Reader
		want error
	}{
		"ends early":      {strings.NewReader("hell"), io.ErrUnexpectedEOF},
		"has nothing":     {strings.NewReader(""), io.ErrUnexpectedEOF},
		"fails":           {io.MultiReader(strings.NewReader("hell"), iotest.ErrReader(errReset)), errReset},
		"fails with data": {iotest.DataErrReader(io.MultiReader(strings.NewReader("hell"), iotest.ErrReader(errReset))), errReset},
	} {
		var w recorder
		e := NewEncoder(&w)
		if err := e.WriteFrameFrom(nil, 5, tt.r); err != tt.want {
			t.Errorf("%s: error %v, want %v", reason, err, tt.want)
		}
		if !strings.HasPrefix("0:}5:hell", w.String()) {
			t.Errorf("%s: written %q", reason, w.String())
		}
		before := w.String()
		if err := e.Encode("x"); err != tt.want || w.String() != before {
			t.Errorf("%s: then error %v, written %q", reason, err, w.String())
		}
	}
}

// The writer is given the source itself, as sendfile wants it.
func TestWriteFrameFromCopiesThrough(t *testing.T) {
	var w readsFrom
	source := bytes.NewReader([]byte("hello"))
	// io.Copy would ask the source first, which a LimitedReader hides.
	if err := NewEncoder(&w).WriteFrameFrom(nil, 5, source); err != nil || w.String() != "0:}5:hello," {
		t.Fatalf("%q, %v", w.String(), err)
	}
	if l, ok := w.from.(*io.LimitedReader); !ok || l.R != source {
		t.Errorf("the writer is given a %T", w.from)
	}
}

// A relay: bodies from one stream to another, without holding them.
func TestRelay(t *testing.T) {
	large := strings.Repeat("0123456789", 50_000)
	in := "8:1:a,1:1#}5:hello,0:}" + str(large) + "0:}0:,"
	for _, r := range readers {
		d := NewDecoder(r.of([]byte(in)))
		var w bytes.Buffer
		e := NewEncoder(&w)
		for {
			header, body, err := d.NextFrame()
			if err == io.EOF {
				break
			}
			if err == nil {
				err = e.WriteFrameFrom(header, body.Size(), body)
			}
			if err != nil {
				t.Fatalf("%s: %v", r.name, err)
			}
			if body.Kind() != KindString {
				t.Errorf("%s: the body was a %v", r.name, body.Kind())
			}
		}
		if w.String() != in {
			t.Errorf("%s: %d bytes out of %d", r.name, w.Len(), len(in))
		}
	}
	// A part of one body.
	d := NewDecoder(strings.NewReader("0:}5:hello,0:}1:x,"))
	_, body, err := d.NextFrame()
	if err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	if err := NewEncoder(&w).WriteFrameFrom(nil, 3, body); err != nil || w.String() != "0:}3:hel," {
		t.Errorf("a part of a body: %q, %v", w.String(), err)
	}
	mustBeNext(t, d)
	// A body that ends early, or with a tag that is none.
	for in, want := range map[string]error{"0:}5:hel": io.ErrUnexpectedEOF, "0:}5:hello?": ErrKind} {
		d := NewDecoder(strings.NewReader(in))
		_, body, err := d.NextFrame()
		if err != nil {
			t.Fatal(err)
		}
		e := NewEncoder(io.Discard)
		err = e.WriteFrameFrom(nil, body.Size(), body)
		if !errors.Is(err, want) {
			t.Errorf("%q: error %v, want %v", in, err, want)
		}
		if again := e.Encode(nil); again != err {
			t.Errorf("%q: then error %v", in, again)
		}
	}
}

// What was allocated for one large element is not kept for the small ones.
func TestEncoderLetsGo(t *testing.T) {
	large := strings.Repeat("x", 1<<20)
	for reason, write := range map[string]func(e *Encoder) error{
		"Encode":         func(e *Encoder) error { return e.Encode(large) },
		"WriteFrame":     func(e *Encoder) error { return e.WriteFrame(nil, large) },
		"WriteFrameFrom": func(e *Encoder) error { return e.WriteFrameFrom(Header{"a": large}, 0, strings.NewReader("")) },
	} {
		var w recorder
		e := NewEncoder(&w)
		if err := write(e); err != nil {
			t.Fatal(err)
		}
		if len(e.out.buf) > largeBuffer {
			t.Errorf("%s: %d bytes are kept", reason, len(e.out.buf))
		}
		if err := e.Encode("hello"); err != nil || !strings.HasSuffix(w.String(), "5:hello,") {
			t.Errorf("%s: then %v", reason, err)
		}
	}
	// Nor what was grown for one that failed, once another has been written.
	e := NewEncoder(io.Discard)
	if err := e.Encode([]any{make(chan int), large}); err == nil {
		t.Fatal("a chan was written")
	}
	if err := e.Encode("hello"); err != nil || len(e.out.buf) > largeBuffer {
		t.Errorf("after a large failure: %v, %d bytes are kept", err, len(e.out.buf))
	}
}

// Elements and frames in turn come out as they went in.
func TestEncoderToDecoder(t *testing.T) {
	var w bytes.Buffer
	e := NewEncoder(&w)
	sent := []any{"a", int64(-5), 2.5, true, nil, []any{}, map[string]any{}, map[string]any{"k": []any{"x", int64(1)}}}
	for i, v := range sent {
		if err := errors.Join(e.Encode(v), e.WriteFrame(Header{"n": i}, v), e.WriteFrameFrom(Header{"n": i}, 1, strings.NewReader("b"))); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range readers {
		d := NewDecoder(r.of(w.Bytes()))
		for i, want := range sent {
			var got, body any
			var header struct {
				N int `tnet:"n"`
			}
			if err := d.Decode(&got); err != nil || !sameValue(got, want) {
				t.Errorf("%s: %v, %v; want %v", r.name, got, err, want)
			}
			f, err := d.ReadFrame()
			if err := errors.Join(err, Unmarshal(f.Header, &header), Unmarshal(f.Body, &body)); err != nil || header.N != i || !sameValue(body, want) {
				t.Errorf("%s: frame %d: %v, %v, %v; want %v", r.name, i, header, body, err, want)
			}
			if f, err = d.ReadFrame(); err != nil || string(f.Body) != "1:b," {
				t.Errorf("%s: streamed frame %d: %q, %v", r.name, i, f, err)
			}
		}
		if err := d.Decode(new(any)); err != io.EOF {
			t.Errorf("%s: then %v", r.name, err)
		}
	}
}

// AppendFrame and MarshalAppend leave what is there, whatever comes.
func TestAppends(t *testing.T) {
	dst := append(make([]byte, 0, 100), "before"...)
	got, err := AppendFrame(dst, nil, "x")
	if err != nil || string(got) != "before0:}1:x," || &got[0] != &dst[0] {
		t.Errorf("%q, %v", got, err)
	}
	got, err = MarshalAppend(dst, "x")
	if err != nil || string(got) != "before1:x," || &got[0] != &dst[0] {
		t.Errorf("%q, %v", got, err)
	}
	small := &struct{ A int }{1}
	got, err = MarshalAppend(dst, small)
	if err != nil || string(got) != "before8:1:A,1:1#}" || &got[0] != &dst[0] {
		t.Errorf("a small struct: %q, %v", got, err)
	}
	got, err = AppendFrame(dst, small, []byte("x"))
	if err != nil || string(got) != "before8:1:A,1:1#}1:x," || &got[0] != &dst[0] {
		t.Errorf("one for a header: %q, %v", got, err)
	}
	got, err = AppendFrame(nil, small, bytes.Repeat([]byte("x"), 1000))
	if err != nil || len(got) != len("8:1:A,1:1#}1000:,")+1000 || cap(got) > 1280 {
		t.Errorf("it makes room for the body at once: %d bytes in %d, %v", len(got), cap(got), err)
	}
	if got := Append(dst, KindInt, []byte("5")); string(got) != "before1:5#" {
		t.Errorf("%q", got)
	}
	a, _ := Marshal("hello")
	kept := slices.Clone(a)
	for range 100 {
		Marshal("XXXXX")
	}
	if !bytes.Equal(a, kept) {
		t.Errorf("what Marshal returned became %q", a)
	}
}

// A relay passes a body on as what it is.
func TestWriteFrameFromKeepsTheKind(t *testing.T) {
	for _, frame := range []string{"0:}5:hello,", "0:}2:42#", "0:}8:1:a,1:b,]", "0:}0:~"} {
		var out bytes.Buffer
		header, body, err := NewDecoder(iotest.OneByteReader(strings.NewReader(frame))).NextFrame()
		if err != nil {
			t.Fatal(err)
		}
		if err := NewEncoder(&out).WriteFrameFrom(header, body.Size(), body); err != nil || out.String() != frame {
			t.Errorf("%s is passed on as %s, %v", frame, &out, err)
		}
	}
}

// What is large is written as what is small, and by the same rules: the bytes, the errors and what
// options do are those of AppendFrame and MarshalAppend.
func TestLargeIsWrittenAsSmall(t *testing.T) {
	sizes := []int{0, largeJoined - 1, largeJoined, largeWrite - 10, largeWrite - 1, largeWrite, largeWrite + 1, 3 * largeWrite}
	options := map[string][]Option{
		"": nil, "Separator": {Separator('\n')}, "AllowText": {AllowText(true)},
		"MaxSize": {MaxSize(largeWrite)}, "MaxDepth": {MaxDepth(1)},
	}
	type pointed struct{ v any }
	for name, opts := range options {
		for _, size := range sizes {
			body := bytes.Repeat([]byte("x"), size)
			text, list := Raw(Append(nil, KindText, body)), Raw(tn(KindList, tn(KindList, strings.Repeat("0:~", size/3))))
			short := Raw(Append(nil, KindString, body)[1:])
			whole := Raw(Append(nil, KindString, body))
			for _, v := range []any{body, &body, whole, &whole, text, &text, list, short, Raw(body), pointed{body}, (*[]byte)(nil), (*Raw)(nil)} {
				for _, header := range []any{nil, Header{"k": 1}, Raw("0:~"), 7} {
					largeAsSmall(t, name, header, v, opts, false)
					largeAsSmall(t, name, header, v, opts, true)
				}
			}
		}
	}
}

func largeAsSmall(t *testing.T, name string, header, v any, opts []Option, joins bool) {
	var w bytes.Buffer
	e := NewEncoder(&w, opts...)
	if joins {
		e = NewEncoder(joined{&w}, opts...)
	}
	for what, write := range map[string]func() (got error, b []byte, want error){
		"WriteFrame": func() (error, []byte, error) {
			b, err := AppendFrame(nil, header, v, opts...)
			return e.WriteFrame(header, v), b, err
		},
		"Encode": func() (error, []byte, error) {
			b, err := MarshalAppend(nil, v, opts...)
			return e.Encode(v), b, err
		},
	} {
		w.Reset()
		err, want, wantErr := write()
		if wantErr == nil && e.out.separated {
			want = append(want, e.out.separator)
		}
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || w.String() != string(want) {
			t.Errorf("%s, %s(%v, %T): %.40q of %d, %v; want %.40q of %d, %v", name, what, header, v, &w, w.Len(), err, want, len(want), wantErr)
		}
	}
}

// joined takes several slices at once.
type joined struct{ io.Writer }

func (w joined) WriteBuffers(b *net.Buffers) (int64, error) { return b.WriteTo(w.Writer) }

// What is large is not copied, and what is kept for it is nothing.
func TestLargeIsNotCopied(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 1<<20)
	whole := Raw(str(string(body)))
	for what, at := range map[string]struct {
		v     any
		bytes []byte
		parts int
	}{
		"a []byte": {body, body, 3}, "a *[]byte": {&body, body, 3}, "a Raw": {whole, whole, 2}, "a *Raw": {&whole, whole, 2},
	} {
		var given [][]byte
		e := NewEncoder(writerFunc(func(p []byte) (int, error) {
			given = append(given, p)
			return len(p), nil
		}))
		write := func() { given = given[:0]; e.WriteFrame(nil, at.v) }
		if n := testing.AllocsPerRun(5, write); n > 0 && !limitRace {
			t.Errorf("%s: %v allocations", what, n)
		}
		if len(given) != at.parts || &given[1][0] != &at.bytes[0] || len(given[1]) != len(at.bytes) {
			t.Errorf("%s: %d Writes, the second is not given the bytes", what, len(given))
		}
		kept := vecPool.Get().(*vec)
		if len(e.out.buf) > largeBuffer || kept.slots[1] != nil || kept.slices != nil {
			t.Errorf("%s: %d bytes are kept, and %d of the value's", what, len(e.out.buf), len(kept.slots[1]))
		}
	}
}

// Each Write of a large frame may fail, and that is final.
func TestLargeWritesFail(t *testing.T) {
	body := bytes.Repeat([]byte("x"), largeWrite)
	whole := "0:}" + str(string(body))
	for n := 1; n <= 3; n++ {
		for name, w := range map[string]interface {
			io.Writer
			fmt.Stringer
		}{"an error": &recorder{failAt: n}, "and says nothing": &taker{shortAt: n}} {
			e := NewEncoder(w)
			first := e.WriteFrame(nil, body)
			if first != errFull && first != io.ErrShortWrite || !strings.HasPrefix(whole, w.String()) {
				t.Errorf("Write %d fails, %s: %v", n, name, first)
			}
			before := w.String()
			if again := []error{e.WriteFrame(nil, body), e.Encode(body), e.Encode(1)}; again[0] != first || again[1] != first || again[2] != first {
				t.Errorf("Write %d fails, %s: then %v", n, name, again)
			}
			if w.String() != before {
				t.Errorf("Write %d fails, %s: then something is written", n, name)
			}
		}
	}
}

// A taker says at number shortAt that it has taken less than it was given.
type taker struct {
	strings.Builder
	n, shortAt int
}

func (s *taker) Write(p []byte) (int, error) {
	if s.n++; s.n == s.shortAt {
		p = p[:len(p)-1]
	}
	return s.Builder.Write(p)
}

// Over TCP and a unix socket everything arrives in order, in pieces of any size.
func TestLargeOverSockets(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = t.TempDir() + "/s"
		}
		listener := sure(net.Listen(network, address))
		defer listener.Close()
		go func() {
			stream, err := net.Dial(network, listener.Addr().String())
			if err != nil {
				return
			}
			defer stream.Close()
			e := NewEncoder(stream)
			for i := range 20 {
				body := bytes.Repeat([]byte{byte(i)}, i*10_000)
				if e.WriteFrame(Header{"n": i}, &body) != nil {
					return
				}
			}
		}()
		stream := sure(listener.Accept())
		d := NewDecoder(stream)
		for i := range 20 {
			var header struct {
				N int `tnet:"n"`
			}
			var body []byte
			if err := errors.Join(d.Decode(&header), d.Decode(&body)); err != nil || header.N != i || !bytes.Equal(body, bytes.Repeat([]byte{byte(i)}, i*10_000)) {
				t.Fatalf("%s: frame %d is %d, of %d bytes, %v", network, i, header.N, len(body), err)
			}
		}
		if err := d.Decode(new(any)); err != io.EOF {
			t.Errorf("%s: %v", network, err)
		}
		stream.Close()
	}
}

// A peer that has gone is an error of the one who writes to it, also at once.
func TestLargeToNobody(t *testing.T) {
	listener := sure(net.Listen("tcp", "127.0.0.1:0"))
	stream := sure(net.Dial("tcp", listener.Addr().String()))
	sure(listener.Accept()).Close()
	listener.Close()
	defer stream.Close()
	e := NewEncoder(stream)
	body := make([]byte, 64<<20)
	err := e.WriteFrame(nil, &body)
	for range 2 {
		if err == nil || e.WriteFrame(nil, &body) != err {
			t.Fatalf("written to nobody: %v", err)
		}
	}
}

// A struct of plain fields that is not small after all, by a string or by how many fields it
// has, is written as any other.
func TestPlainAndNotSmall(t *testing.T) {
	type text struct {
		N int
		S string
	}
	long := strings.Repeat("x", smallRoom)
	type many struct{ A, B, C, D, E, F, G, H, I, J, K, L int64 }
	most := int64(math.MinInt64)
	for _, c := range []struct {
		plain, same any
	}{
		{&text{1, long}, map[string]any{"N": 1, "S": long}},
		{&text{1, long[:smallRoom-smallRest]}, map[string]any{"N": 1, "S": long[:smallRoom-smallRest]}},
		{&many{most, most, most, most, most, most, most, most, most, most, most, most}, map[string]any{
			"A": most, "B": most, "C": most, "D": most, "E": most, "F": most, "G": most, "H": most, "I": most, "J": most, "K": most, "L": most,
		}},
	} {
		got, err := Marshal(c.plain)
		want, wantErr := Marshal(c.same)
		if string(got) != string(want) || err != nil || wantErr != nil {
			t.Errorf("%s, %v; want %s, %v", got, err, want, wantErr)
		}
	}
}
