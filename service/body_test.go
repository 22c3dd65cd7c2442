package service

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A body is sent from where it is, with the id of the request, and its Reader closed.
func TestBodyFrom(t *testing.T) {
	text := strings.Repeat("0123456789", 100_000)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	var open atomic.Int32
	reader := func(text string) *closes {
		open.Add(1)
		return &closes{strings.NewReader(text), &open}
	}
	bodies := map[string]func() any{
		"a file": func() any {
			f, err := os.Open(path)
			if err != nil {
				t.Error(err)
			}
			return BodyFrom{int64(len(text)), f}
		},
		"a reader": func() any {
			return BodyFrom{int64(len(text)), reader(text + "and more")}
		},
		"nothing":  func() any { return BodyFrom{0, strings.NewReader("")} },
		"no dict":  func() any { return BodyFrom{1, reader("")} },
		"too much": func() any { return BodyFrom{1 << 40, reader("")} },
	}
	handle := func(_ context.Context, r *Request) (header, body any, err error) {
		var name string
		if err := r.Body(&name); err != nil {
			return nil, nil, err
		}
		header = petrichor.Header{"name": name}
		if name == "no dict" {
			header = 1
		}
		return header, bodies[name](), nil
	}
	for way, s := range map[string]*Server{
		"in order": {Handle: handle}, "aside": {Handle: handle, HandlersPerConn: 2},
		"through filters": {Handle: handle, Options: []petrichor.Option{petrichor.WithFilters(same{})}},
	} {
		l := onLoopback(t, s)
		p := l.greet()
		for name, size := range map[string]int{"a file": len(text), "a reader": len(text), "nothing": 0} {
			got, err := p.Request(petrichor.Header{"id": 7}, name)
			want := petrichor.Append(nil, petrichor.KindString, []byte(text[:size]))
			if err != nil || !bytes.Equal(got.Body, want) || !strings.Contains(string(got.Header), "2:id,1:7#") {
				t.Errorf("%s, %s: %s and %d bytes, %v; want %d", way, name, got.Header, len(got.Body), err, len(want))
			}
		}
		for _, name := range []string{"no dict", "too much"} {
			got, err := p.Request(nil, name)
			if err != nil || !strings.Contains(string(got.Header), "internal error") {
				t.Errorf("%s, %s: %s, %v", way, name, got.Header, err)
			}
		}
		eventually(t, way+": all readers are closed", func() bool { return open.Load() == 0 })
		p.Close()
	}
}

// closes counts down when it is closed.
type closes struct {
	io.Reader
	open *atomic.Int32
}

func (c *closes) Close() error { c.open.Add(-1); return nil }

// same is a filter that changes nothing.
type same struct{}

func (same) Outbound(f petrichor.Frame) (petrichor.Frame, error) { return f, nil }
func (same) Inbound(f petrichor.Frame) (petrichor.Frame, error)  { return f, nil }

// A body that ends early ends the connection: half of it has been sent.
func TestBodyFromEndsEarly(t *testing.T) {
	l := onLoopback(t, &Server{Handle: func(context.Context, *Request) (any, any, error) {
		return nil, BodyFrom{100, strings.NewReader("short")}, nil
	}})
	p := l.greet()
	if f, err := p.Request(nil, "x"); err != io.ErrUnexpectedEOF {
		t.Errorf("%s, %v", text(f), err)
	}
}

// Who does not take a body is cut; who takes it slowly is not, nor one whose body
// comes slowly.
func TestBodyFromDeadlines(t *testing.T) {
	handle := func(context.Context, *Request) (any, any, error) {
		return nil, BodyFrom{300_000, &slow{}}, nil
	}
	inBubble(t, &Server{Handle: handle, WriteTimeout: 10 * time.Second}, func(t *testing.T, l *lab) {
		p := l.greet()
		if f, err := p.Request(nil, "x"); err != nil || len(f.Body) != len("300000:,")+300_000 {
			t.Errorf("%d bytes, %v", len(f.Body), err)
		}
		p.Send(nil, "x")
		began := time.Now()
		synctest.Wait()
		p.stream.Read(make([]byte, 100))
		time.Sleep(time.Minute)
		if _, err := io.Copy(io.Discard, p.stream); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Error(err)
		}
		within(t, "it was cut", time.Since(began), time.Minute, time.Minute+30*time.Second)
	})
}

// slow has a little every eight seconds.
type slow struct{}

func (slow) Read(p []byte) (int, error) {
	time.Sleep(8 * time.Second)
	return min(len(p), 30_000), nil
}

// A regular file goes out in pieces that are timed.
func TestRegularFilesAreToldApart(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	pipe, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	defer to.Close()
	if !isRegular(file) || isRegular(pipe) || isRegular(strings.NewReader("")) {
		t.Error("a pipe may have to be waited for, a file not")
	}
}

// The options' filters are the Client's, on both ways, and see no first frame.
func TestClientWithFilters(t *testing.T) {
	l := onLoopback(t, &Server{
		Handle:  func(_ context.Context, r *Request) (any, any, error) { return nil, r.Frame.Body, nil },
		Options: []petrichor.Option{petrichor.WithFilters(hidden{})},
	})
	c, _, err := Dial(t.Context(), "tcp", l.addr, petrichor.Header{"user": "peer"}, nil, &ClientConfig{Options: []petrichor.Option{petrichor.WithFilters(hidden{})}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if f, err := c.Request(t.Context(), nil, "hello"); err != nil || string(f.Body) != "5:hello," {
		t.Errorf("%s, %v", text(f), err)
	}
	plain := l.greet()
	defer plain.Close()
	if f, err := plain.Request(nil, petrichor.Raw("5:ifmmp,")); err != nil || string(f.Body) != "5:ifmmp," {
		t.Errorf("as it is on the wire: %s, %v", text(f), err)
	}
}

// hidden adds one to each byte of a string of one digit's size.
type hidden struct{}

func (hidden) Outbound(f petrichor.Frame) (petrichor.Frame, error) { return moved(f, 1), nil }
func (hidden) Inbound(f petrichor.Frame) (petrichor.Frame, error)  { return moved(f, 255), nil }

func moved(f petrichor.Frame, by byte) petrichor.Frame {
	f = f.Clone()
	for i := 2; i < len(f.Body)-1; i++ {
		f.Body[i] += by
	}
	return f
}
