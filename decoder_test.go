package petrichor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

var errReset = errors.New("connection reset")

// A stream cut short at every place: what arrived whole is delivered, and then
// it is io.EOF between elements and io.ErrUnexpectedEOF inside one; an error of
// the reader is passed on as it is.
func TestEndings(t *testing.T) {
	parts := []string{"0:}", "5:hello,", "7:1:a,0:~}", "3:0:~]", "0:}", "0:,"}
	stream := strings.Join(parts, "")
	delivered := func(n int) (whole []string, between bool) {
		for _, part := range parts {
			if n < len(part) {
				return whole, n == 0
			}
			whole = append(whole, part)
			n -= len(part)
		}
		return whole, true
	}
	readers := append(slices.Clone(readers), struct {
		name string
		of   func([]byte) io.Reader
	}{"with a failure at the end", func(b []byte) io.Reader {
		return io.MultiReader(bytes.NewReader(b), iotest.ErrReader(errReset))
	}})
	for _, r := range readers {
		for n := range len(stream) + 1 {
			whole, between := delivered(n)
			end := io.EOF
			if !between {
				end = io.ErrUnexpectedEOF
			}
			frameEnd := end
			if len(whole)%2 == 1 {
				frameEnd = io.ErrUnexpectedEOF
			}
			if strings.Contains(r.name, "failure") {
				end, frameEnd = errReset, errReset
			}

			d := NewDecoder(r.of([]byte(stream[:n])))
			var got []string
			raw, err := d.ReadElement()
			for ; err == nil; raw, err = d.ReadElement() {
				got = append(got, string(raw))
			}
			if !slices.Equal(got, whole) || err != end {
				t.Errorf("ReadElement, %s, %q: %q and %v, want %q and %v", r.name, stream[:n], got, err, whole, end)
			}
			mustStayFailed(t, d, err)

			d = NewDecoder(r.of([]byte(stream[:n])))
			got = nil
			f, err := d.ReadFrame()
			for ; err == nil; f, err = d.ReadFrame() {
				got = append(got, string(f.Header), string(f.Body))
			}
			if !slices.Equal(got, whole[:len(whole)&^1]) || err != frameEnd {
				t.Errorf("ReadFrame, %s, %q: %q and %v, want %q and %v", r.name, stream[:n], got, err, whole, frameEnd)
			}
			mustStayFailed(t, d, err)

			d = NewDecoder(r.of([]byte(stream[:n])))
			got = nil
			body, err := streamedBody(d)
			for ; err == nil; body, err = streamedBody(d) {
				got = append(got, string(body))
			}
			if len(got) != len(whole)/2 || err != frameEnd {
				t.Errorf("NextFrame, %s, %q: %q and %v, want %v", r.name, stream[:n], got, err, frameEnd)
			}
			mustStayFailed(t, d, err)
		}
	}
}

// mustStayFailed checks that every method of d returns err.
func mustStayFailed(t *testing.T, d *Decoder, err error) {
	t.Helper()
	offset := d.Offset()
	v := any(untouched)
	_, elementErr := d.ReadElement()
	_, frameErr := d.ReadFrame()
	_, _, nextErr := d.NextFrame()
	for _, again := range []error{elementErr, frameErr, nextErr, d.Decode(&v)} {
		if again != err {
			t.Errorf("after %v: %v", err, again)
		}
	}
	if d.Offset() != offset || v != untouched {
		t.Errorf("after %v: offset %d, then %d; the target is %v", err, offset, d.Offset(), v)
	}
}

// A fault is final, wherever in the element it lies: where the next begins may
// be known, but not whether it means what it says.
func TestDecoderErrorIsFinal(t *testing.T) {
	for _, in := range []string{"1:x,?1:x,", "1:x,1:x?1:x,", "1:x,1:x#1:x,", "1:x,8:1:1#1:1#}1:x,", "1:x,4:1:x#]1:x,"} {
		for _, r := range readers {
			d := NewDecoder(r.of([]byte(in)))
			if err := d.Decode(new(any)); err != nil {
				t.Fatal(err)
			}
			err := d.Decode(new(any))
			var e *SyntaxError
			if !errors.As(err, &e) || e.Offset < 4 {
				t.Errorf("%q, %s: error %v", in, r.name, err)
			}
			mustStayFailed(t, d, err)
		}
	}
}

// An element that does not fit is consumed, and the target is as it was.
func TestTypeErrorKeepsStep(t *testing.T) {
	in := "1:1#1:x,1:2#5:1e400^1:3#3:0:}]1:4#"
	for _, r := range readers {
		d := NewDecoder(r.of([]byte(in)))
		var got []string
		for {
			n := -1
			err := d.Decode(&n)
			if err == io.EOF {
				break
			}
			var e *TypeError
			if errors.As(err, &e) {
				got = append(got, fmt.Sprintf("%v at %d, %d", e.Kind, e.Offset, d.Offset()))
				if n != -1 {
					t.Errorf("the target was changed to %d", n)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(n))
		}
		want := []string{"1", "string at 6, 8", "2", "float at 14, 20", "3", "list at 26, 30", "4"}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", r.name, got, want)
		}
	}
}

// Wrong targets are TypeErrors too, and cost only the element.
func TestDecodeIntoNothing(t *testing.T) {
	d := NewDecoder(strings.NewReader("1:1#1:2#1:3#1:4#"))
	for _, target := range []any{nil, 7, (*int)(nil)} {
		var e *TypeError
		if err := d.Decode(target); !errors.As(err, &e) || e.Err != errTarget {
			t.Errorf("into %#v: %v", target, err)
		}
	}
	var n int
	if err := d.Decode(&n); err != nil || n != 4 {
		t.Errorf("%d, %v", n, err)
	}
}

// Offset is where what was handed out ends, Buffered what comes behind it; both
// together have read what the reader has given.
func TestOffsetAndBuffered(t *testing.T) {
	in := "1:a,0:}1:b,0:}3:xyz,5:hel"
	for _, r := range readers {
		source := &counter{r: r.of([]byte(in))}
		d := NewDecoder(source)
		see := func(what string, offset int64) {
			t.Helper()
			if d.Offset() != offset {
				t.Errorf("%s: offset %d after %s, want %d", r.name, d.Offset(), what, offset)
			}
			if n := d.Offset() + int64(len(d.Buffered())); n != source.n {
				t.Errorf("%s: after %s %d bytes are accounted for, %d were read", r.name, what, n, source.n)
			}
			if want := in[offset:source.n]; string(d.Buffered()) != want {
				t.Errorf("%s: after %s %q is buffered, want %q", r.name, what, d.Buffered(), want)
			}
		}
		see("nothing", 0)
		d.ReadElement()
		see("an element", 4)
		d.ReadFrame()
		see("a frame", 11)
		_, body, _ := d.NextFrame()
		see("a header", 16)
		body.Read(make([]byte, 2))
		if d.Offset() <= 16 || d.Offset() > 18 {
			t.Errorf("%s: offset %d within a body", r.name, d.Offset())
		}
		see("a part of a body", d.Offset())
		io.Copy(io.Discard, body)
		see("a body", 20)
		if _, err := d.ReadElement(); err != io.ErrUnexpectedEOF {
			t.Errorf("%s: %v", r.name, err)
		}
		see("the end", 20)
	}
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// A Decoder never waits for more than it needs: a peer that expects an answer
// to one frame gets it.
func TestDecoderDoesNotWait(t *testing.T) {
	for name, use := range map[string]func(d *Decoder) error{
		"Decode":      func(d *Decoder) error { return errors.Join(d.Decode(new(any)), d.Decode(new(any))) },
		"ReadElement": func(d *Decoder) error { d.ReadElement(); _, err := d.ReadElement(); return err },
		"ReadFrame":   func(d *Decoder) error { _, err := d.ReadFrame(); return err },
		"NextFrame":   func(d *Decoder) error { _, err := streamedBody(d); return err },
	} {
		for _, size := range []int{1, 2, 7, 100} {
			waiting := errors.New("waits for more")
			r := io.MultiReader(bytes.NewReader([]byte("0:}5:hello,")), iotest.ErrReader(waiting))
			if size < 100 {
				r = &chunked{r, size}
			}
			if err := use(NewDecoder(r)); err != nil {
				t.Errorf("%s, %d bytes a read: %v", name, size, err)
			}
		}
	}
}

type chunked struct {
	r io.Reader
	n int
}

func (c *chunked) Read(p []byte) (int, error) { return c.r.Read(p[:min(len(p), c.n)]) }

// A reader that gives nothing and no error, again and again, is given up.
func TestNoProgress(t *testing.T) {
	stuck := readerFunc(func([]byte) (int, error) { return 0, nil })
	for _, in := range []string{"", "5", "5:hel", "0:}", "0:}5:"} {
		for name, use := range map[string]func(d *Decoder) error{
			"Decode":    func(d *Decoder) error { d.Decode(new(any)); return d.Decode(new(any)) },
			"ReadFrame": func(d *Decoder) error { _, err := d.ReadFrame(); return err },
		} {
			d := NewDecoder(io.MultiReader(strings.NewReader(in), stuck))
			if err := use(d); err != io.ErrNoProgress {
				t.Errorf("%s behind %q: %v, want %v", name, in, err, io.ErrNoProgress)
			}
			mustStayFailed(t, d, io.ErrNoProgress)
		}
	}
	d := NewDecoder(io.MultiReader(strings.NewReader("0:}5:hello"), stuck))
	if _, err := streamedBody(d); err != io.ErrNoProgress {
		t.Errorf("where a tag should be: %v, want %v", err, io.ErrNoProgress)
	}
	mustStayFailed(t, d, io.ErrNoProgress)
	// Some times nothing are borne.
	left := 98
	slow := readerFunc(func([]byte) (int, error) {
		if left--; left >= 0 {
			return 0, nil
		}
		return 0, io.EOF
	})
	if err := NewDecoder(slow).Decode(new(any)); err != io.EOF {
		t.Errorf("after 98 times nothing: %v, want %v", err, io.EOF)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// What is handed out is borrowed, and dies loudly.
func TestDecoderLends(t *testing.T) {
	for _, r := range readers {
		for name, next := range map[string]func(*Decoder){
			"ReadElement": func(d *Decoder) { d.ReadElement() },
			"ReadFrame":   func(d *Decoder) { d.ReadFrame() },
			"NextFrame":   func(d *Decoder) { d.NextFrame() },
			"Decode":      func(d *Decoder) { d.Decode(new(any)) },
		} {
			d := NewDecoder(r.of([]byte("0:}1:a,0:}1:b,0:}1:c,")))
			f, err := d.ReadFrame()
			if err != nil || string(f.Header) != "0:}" || string(f.Body) != "1:a," || cap(f.Body) != len(f.Body) {
				t.Fatalf("%s: %q, %v", r.name, f, err)
			}
			kept := f.Clone()
			d.Offset()
			if string(f.Header) != "0:}" {
				t.Errorf("%s: Offset ended the loan: %q", r.name, f)
			}
			next(d)
			if f.Header[0] != '#' || string(kept.Header) != "0:}" {
				t.Errorf("%s: after %s the frame is %q, cloned %q", r.name, name, f, kept)
			}
		}
		d := NewDecoder(r.of([]byte("1:a,1:b,")))
		raw, _ := d.ReadElement()
		d.ReadElement()
		if raw[0] != '#' {
			t.Errorf("%s: the element before is %q", r.name, raw)
		}
		// What Decode makes is the caller's.
		d = NewDecoder(r.of([]byte("1:a,1:b,1:c,")))
		var kept Raw
		var bytes []byte
		err := errors.Join(d.Decode(&kept), d.Decode(&bytes), d.Decode(new(any)))
		if err != nil || string(kept) != "1:a," || string(bytes) != "b" {
			t.Errorf("%s: %q and %q, %v", r.name, kept, bytes, err)
		}
	}
}

// NextFrame, its body read in every manner, and the frame that follows.
func TestBody(t *testing.T) {
	payload := strings.Repeat("0123456789", 2000) // larger than a buffer
	frames := func(body string) []byte { return []byte("7:1:k,0:~}" + body + "0:}1:x,") }
	manners := map[string]func(b *Body) (string, error){
		"ReadAll": func(b *Body) (string, error) { p, err := io.ReadAll(b); return string(p), err },
		"Copy": func(b *Body) (string, error) {
			var s strings.Builder
			n, err := io.Copy(&s, b)
			if n != int64(s.Len()) {
				return "", fmt.Errorf("Copy says %d, it was %d", n, s.Len())
			}
			return s.String(), err
		},
		"WriteTo into a ReaderFrom": func(b *Body) (string, error) {
			var s bytes.Buffer
			n, err := b.WriteTo(&s)
			if n != int64(s.Len()) {
				return "", fmt.Errorf("WriteTo says %d, it was %d", n, s.Len())
			}
			return s.String(), err
		},
		"one byte a read": func(b *Body) (string, error) {
			p, err := io.ReadAll(iotest.OneByteReader(b))
			return string(p), err
		},
		"some, and then WriteTo": func(b *Body) (string, error) {
			var s strings.Builder
			_, err := io.CopyN(&s, struct{ io.Reader }{b}, min(3, b.Size()))
			_, again := b.WriteTo(&s)
			return s.String(), errors.Join(err, again)
		},
	}
	for _, r := range readers {
		for what, body := range map[string]Element{
			"empty string": {KindString, nil}, "string": {KindString, []byte("hello")}, "large string": {KindString, []byte(payload)},
			"null": {KindNull, nil}, "int": {KindInt, []byte("12345")}, "list": {KindList, []byte("0:~0:~")}, "dict": {KindDict, []byte("1:a,0:~")},
			"bool": {KindBool, []byte("true")}, "float": {KindFloat, []byte("1.5")},
			"an int that is none, which nobody has looked at": {KindInt, []byte("hello")},
		} {
			for manner, read := range manners {
				d := NewDecoder(r.of(frames(string(Append(nil, body.Kind, body.Payload)))))
				header, b, err := d.NextFrame()
				if err != nil {
					t.Fatalf("%s, %s: %v", r.name, what, err)
				}
				if b.Size() != int64(len(body.Payload)) || b.Kind() != 0 {
					t.Errorf("%s, %s: size %d, kind %v before it is read", r.name, what, b.Size(), b.Kind())
				}
				got, err := read(b)
				if err != nil || got != string(body.Payload) || b.Kind() != body.Kind {
					t.Errorf("%s, %s, %s: %.40q, %v, %v", r.name, what, manner, got, b.Kind(), err)
				}
				if string(header) != "7:1:k,0:~}" {
					t.Errorf("%s, %s, %s: the header is %q once the body is read", r.name, what, manner, header)
				}
				if n, err := b.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("%s, %s, %s: %d, %v at its end", r.name, what, manner, n, err)
				}
				if n, err := b.WriteTo(io.Discard); n != 0 || err != nil {
					t.Errorf("%s, %s, %s: WriteTo %d, %v at its end", r.name, what, manner, n, err)
				}
				mustBeNext(t, d)
				if header[0] != '#' {
					t.Errorf("%s, %s, %s: the header is %q after the next frame", r.name, what, manner, header)
				}
			}
			// Any part of it, and then the next frame.
			for _, part := range []int{0, 1, len(body.Payload) / 2, len(body.Payload)} {
				if part > len(body.Payload) {
					continue
				}
				d := NewDecoder(r.of(frames(string(Append(nil, body.Kind, body.Payload)))))
				_, b, err := d.NextFrame()
				got := make([]byte, part)
				_, again := io.ReadFull(b, got)
				if err != nil || again != nil || string(got) != string(body.Payload[:part]) {
					t.Fatalf("%s, %s: %d bytes: %v, %v", r.name, what, part, err, again)
				}
				mustBeNext(t, d)
				if _, err := b.Read(make([]byte, 1)); err != errStale && err != io.EOF {
					t.Errorf("%s, %s: the body of before says %v", r.name, what, err)
				}
			}
		}
	}
}

// mustBeNext checks that the frame 0:}1:x, comes next, and then the end.
func mustBeNext(t *testing.T, d *Decoder) {
	t.Helper()
	if f, err := d.ReadFrame(); err != nil || string(f.Header) != "0:}" || string(f.Body) != "1:x," {
		t.Errorf("the next frame: %q, %v", f, err)
	}
	if _, err := d.ReadFrame(); err != io.EOF {
		t.Errorf("and then %v", err)
	}
}

// Each way to go on skips what is left of a body, and ends it.
func TestBodyGoesStale(t *testing.T) {
	for name, next := range map[string]func(d *Decoder) error{
		"Decode":      func(d *Decoder) error { return d.Decode(new(any)) },
		"ReadElement": func(d *Decoder) error { _, err := d.ReadElement(); return err },
		"ReadFrame":   func(d *Decoder) error { _, err := d.ReadFrame(); return err },
		"NextFrame":   func(d *Decoder) error { _, _, err := d.NextFrame(); return err },
	} {
		for _, r := range readers {
			d := NewDecoder(r.of([]byte("0:}5:hello,0:}1:x,")))
			_, body, err := d.NextFrame()
			if err != nil {
				t.Fatal(err)
			}
			body.Read(make([]byte, 2))
			if err := next(d); err != nil {
				t.Errorf("%s, %s: %v", name, r.name, err)
			}
			offset := d.Offset()
			if n, err := body.Read(make([]byte, 9)); n != 0 || err != errStale {
				t.Errorf("%s, %s: Read gives %d, %v, want %v", name, r.name, n, err, errStale)
			}
			if n, err := body.WriteTo(io.Discard); n != 0 || err != errStale {
				t.Errorf("%s, %s: WriteTo gives %d, %v, want %v", name, r.name, n, err, errStale)
			}
			if d.Offset() != offset {
				t.Errorf("%s, %s: reading a stale body moved the stream from %d to %d", name, r.name, offset, d.Offset())
			}
		}
	}
}

// A tag that is none, found at the end of the body, by who reads it and by who
// does not.
func TestBodyTag(t *testing.T) {
	for _, body := range []string{"5:hello?", "0:?", "2:hi;"} {
		want := at(int64(len("0:}")+len(body)-1), ErrKind)
		for _, r := range readers {
			in := []byte("0:}" + body + "0:}1:x,")
			for manner, read := range map[string]func(d *Decoder, b *Body) error{
				"Read":    func(_ *Decoder, b *Body) error { _, err := io.ReadAll(b); return err },
				"WriteTo": func(_ *Decoder, b *Body) error { _, err := b.WriteTo(io.Discard); return err },
				"skipped": func(d *Decoder, _ *Body) error { _, err := d.ReadFrame(); return err },
			} {
				d := NewDecoder(r.of(in))
				_, b, err := d.NextFrame()
				if err != nil {
					t.Fatal(err)
				}
				err = read(d, b)
				if verdictOf(err) != want || b.Kind() != 0 {
					t.Errorf("%q, %s, %s: error %v, kind %v, want %+v", body, r.name, manner, err, b.Kind(), want)
				}
				mustStayFailed(t, d, err)
			}
		}
	}
}

// A stream that ends, or fails, at every place in a body.
func TestBodyEnds(t *testing.T) {
	whole := "0:}5:hello,"
	for n := len("0:}5:"); n < len(whole); n++ {
		part := whole[:n]
		for name, ending := range map[string]struct {
			r    io.Reader
			want error
		}{
			"EOF":            {strings.NewReader(part), io.ErrUnexpectedEOF},
			"EOF with data":  {iotest.DataErrReader(strings.NewReader(part)), io.ErrUnexpectedEOF},
			"bytewise":       {iotest.OneByteReader(strings.NewReader(part)), io.ErrUnexpectedEOF},
			"a failure":      {io.MultiReader(strings.NewReader(part), failOnce(whole[n:])), errReset},
			"bytewise, fail": {io.MultiReader(iotest.OneByteReader(strings.NewReader(part)), failOnce(whole[n:])), errReset},
		} {
			d := NewDecoder(ending.r)
			_, b, err := d.NextFrame()
			if err != nil {
				t.Fatalf("%q: %v", part, err)
			}
			got, err := io.ReadAll(b)
			if want := part[len("0:}5:"):]; err != ending.want || string(got) != want {
				t.Errorf("%q, %s: %q, error %v, want %q and %v", part, name, got, err, want, ending.want)
			}
			if _, err := b.Read(make([]byte, 1)); err != ending.want {
				t.Errorf("%q, %s: then %v", part, name, err)
			}
			mustStayFailed(t, d, ending.want)
		}
		for _, r := range readers {
			d := NewDecoder(r.of([]byte(part)))
			_, b, err := d.NextFrame()
			if err != nil {
				t.Fatalf("%q: %v", part, err)
			}
			var w strings.Builder
			written, err := b.WriteTo(&w)
			if want := part[len("0:}5:"):]; err != io.ErrUnexpectedEOF || w.String() != want || written != int64(len(want)) {
				t.Errorf("%q, WriteTo, %s: %q, %d, error %v, want %q and %v", part, r.name, w.String(), written, err, want, io.ErrUnexpectedEOF)
			}
			mustStayFailed(t, d, io.ErrUnexpectedEOF)
		}
	}
}

// An error of the stream is final for WriteTo as well, even if the stream would
// go on: somebody who tries again must not take the middle of a body for a frame.
func TestBodyWriteToStreamFails(t *testing.T) {
	whole := "0:}5:hello,"
	for n := len("0:}5:"); n < len(whole); n++ {
		for _, manner := range []string{"WriteTo", "skipped"} {
			d := NewDecoder(io.MultiReader(strings.NewReader(whole[:n]), failOnce(whole[n:])))
			_, b, err := d.NextFrame()
			if err != nil {
				t.Fatal(err)
			}
			if manner == "WriteTo" {
				_, err = b.WriteTo(new(strings.Builder))
			} else {
				_, err = d.ReadElement()
			}
			if err != errReset {
				t.Errorf("%q, %s: error %v, want %v", whole[:n], manner, err, errReset)
			}
			mustStayFailed(t, d, errReset)
		}
	}
}

// failOnce fails at the first read and goes on as if nothing had happened.
func failOnce(then string) io.Reader {
	failed := false
	rest := strings.NewReader(then)
	return readerFunc(func(p []byte) (int, error) {
		if !failed {
			failed = true
			return 0, errReset
		}
		return rest.Read(p)
	})
}

// An error of the writer ends WriteTo, and the stream stays in step: the rest
// of the body can be read, and the next frame comes next.
func TestBodyWriteErrors(t *testing.T) {
	payload := strings.Repeat("x", 3*smallBuffer)
	in := []byte("0:}" + str(payload) + "0:}1:x,")
	for _, r := range readers {
		for _, limit := range []int{0, 1, smallBuffer, 2*smallBuffer + 1} {
			d := NewDecoder(r.of(in))
			_, b, err := d.NextFrame()
			if err != nil {
				t.Fatal(err)
			}
			w := &failing{left: limit}
			n, err := b.WriteTo(w)
			if err != errFull || n != int64(limit) {
				t.Errorf("%s: %d bytes written, error %v, want %d and %v", r.name, n, err, limit, errFull)
			}
			rest, err := io.ReadAll(b)
			if err != nil || len(rest) > len(payload)-limit {
				t.Errorf("%s: %d bytes are left of %d after %d were written, %v", r.name, len(rest), len(payload), limit, err)
			}
			mustBeNext(t, d)
		}
	}
}

var errFull = errors.New("disk full")

// A failing writer takes left bytes.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	n := min(len(p), f.left)
	f.left -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

// What is not buffered goes from the stream to the writer with nothing between
// them: each sees the other, as sendfile and splice want it.
func TestBodyCopiesThrough(t *testing.T) {
	payload := strings.Repeat("x", 10*smallBuffer)
	source := strings.NewReader("0:}" + str(payload) + "0:}1:x,")
	var w readsFrom
	d := NewDecoder(source)
	_, b, err := d.NextFrame()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := b.WriteTo(&w); err != nil || n != int64(len(payload)) || w.String() != payload {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if l, ok := w.from.(*io.LimitedReader); !ok || l.R != source {
		t.Errorf("the writer is given a %T", w.from)
	}
	mustBeNext(t, d)
}

// readsFrom remembers what it has been given to read from.
type readsFrom struct {
	bytes.Buffer
	from io.Reader
}

func (w *readsFrom) ReadFrom(r io.Reader) (int64, error) {
	w.from = r
	return w.Buffer.ReadFrom(r)
}
