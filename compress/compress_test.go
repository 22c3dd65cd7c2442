package compress_test

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/compress"
)

func both() []compress.Method { return []compress.Method{compress.DeflateStream, compress.Deflate} }

// connected returns two Conns that have exchanged first frames over TCP.
func connected(t testing.TB, ours, theirs []petrichor.Option) (c, s *petrichor.Conn, answer petrichor.Frame) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan *petrichor.Conn, 1)
	go func() {
		defer close(served)
		stream, err := l.Accept()
		if err != nil {
			return
		}
		s, _, err := petrichor.Accept(stream, theirs...)
		if err == nil && s.Allow(petrichor.Header{"motd": "hi"}, nil) == nil {
			served <- s
		}
	}()
	c, answer, err = petrichor.Connect(t.Context(), "tcp", l.Addr().String(), petrichor.Header{"user": "zed"}, nil, ours...)
	if err != nil {
		t.Fatal(err)
	}
	s = <-served
	t.Cleanup(func() { c.Close(); s.Close() })
	return c, s, answer
}

func TestAgree(t *testing.T) {
	x := petrichor.WithExtensions(compress.New(compress.Config{Methods: both()}))
	one := petrichor.WithExtensions(compress.New(compress.Config{}))
	for _, test := range []struct {
		name         string
		ours, theirs []petrichor.Option
		want         string
	}{
		{"both", []petrichor.Option{x}, []petrichor.Option{x}, "deflate-stream"},
		{"one of two", []petrichor.Option{x}, []petrichor.Option{one}, "deflate"},
		{"one of two, the other way", []petrichor.Option{one}, []petrichor.Option{x}, "deflate"},
		{"only ours", []petrichor.Option{x}, nil, ""},
		{"only theirs", nil, []petrichor.Option{x}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, s, answer := connected(t, test.ours, test.theirs)
			var header struct {
				Compress string `tnet:"compress"`
			}
			if err := petrichor.Unmarshal(answer.Header, &header); err != nil || header.Compress != test.want {
				t.Errorf("%s, %v; want %s", answer.Header, err, test.want)
			}
			for range 3 {
				for _, body := range []string{"", "x", strings.Repeat("hello ", 1000), strings.Repeat("a", 1<<20)} {
					exchange(t, c, s, body)
					exchange(t, s, c, body)
				}
			}
		})
	}
}

func exchange(t *testing.T, from, to *petrichor.Conn, body string) {
	t.Helper()
	sent := make(chan error, 1)
	go func() { sent <- from.Send(petrichor.Header{"id": 1}, body) }()
	f, err := to.Recv()
	if err != nil {
		t.Fatal(err)
	}
	want, _ := petrichor.Marshal(body)
	if string(f.Header) != "9:2:id,1:1#}" || !bytes.Equal(f.Body, want) {
		t.Errorf("got %.60q %.60q", f.Header, f.Body)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}
