package service_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
)

// serveEcho serves on loopback until the end of the test, without an allocation for a
// frame.
func serveEcho(t testing.TB) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &service.Server{Loop: func(ctx context.Context, c *service.Conn) error {
		for {
			f, err := c.Next()
			if err != nil {
				return nil
			}
			if err := c.QueueFrame(f); err != nil {
				return err
			}
		}
	}}
	served := make(chan error)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		<-served
	})
	return l.Addr().String()
}

func dialEcho(t testing.TB) *service.Client {
	t.Helper()
	c, _, err := service.Dial(t.Context(), "tcp", serveEcho(t), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A request costs one allocation, which is the reply, and two more in a goroutine of its
// own.
func TestClientAllocations(t *testing.T) {
	c := dialEcho(t)
	header, body := petrichor.Raw("17:4:verb,7:example,}"), make([]byte, 64)
	request := func() {
		if _, err := c.Request(context.Background(), &header, &body); err != nil {
			t.Error(err)
		}
	}
	alone := testing.AllocsPerRun(1000, request)
	const together = 100
	aside := testing.AllocsPerRun(100, func() {
		var all sync.WaitGroup
		for range together {
			all.Go(request)
		}
		all.Wait()
	}) / together
	t.Logf("%v allocations a request, %v in a goroutine", alone, aside)
	if withRace || testing.CoverMode() != "" { // which allocate themselves
		alone, aside = alone/8, aside/8
	}
	if alone > 1 || aside > 3 {
		t.Errorf("%v allocations a request, want 1; %v in a goroutine, want at most 3", alone, aside)
	}
}

// One request after another, beside what it is made of: the same bytes over a bare
// connection, and over a Conn.
func BenchmarkClientAlone(b *testing.B) {
	header := petrichor.Raw("17:4:verb,7:example,}")
	for _, size := range []int{64, 1024} {
		body := make([]byte, size)
		b.Run(fmt.Sprintf("raw/%d", size), func(b *testing.B) { benchRaw(b, header, body) })
		b.Run(fmt.Sprintf("conn/%d", size), func(b *testing.B) {
			c, _, err := petrichor.Connect(b.Context(), "tcp", serveEcho(b), nil, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Request(&header, &body); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("client/%d", size), func(b *testing.B) {
			c := dialEcho(b)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Request(context.Background(), &header, &body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// benchRaw sends the same bytes over a bare connection, and reads as many.
func benchRaw(b *testing.B, header petrichor.Raw, body []byte) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		stream, err := l.Accept()
		if err != nil {
			return
		}
		defer stream.Close()
		buf := make([]byte, 32<<10)
		for n := 0; err == nil; _, err = stream.Write(buf[:n]) {
			if n, err = stream.Read(buf); err != nil {
				return
			}
		}
	}()
	stream, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer stream.Close()
	frame, err := petrichor.AppendFrame(nil, &header, &body)
	if err != nil {
		b.Fatal(err)
	}
	got := bytes.Clone(frame)
	for b.Loop() {
		if _, err := stream.Write(frame); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(stream, got); err != nil {
			b.Fatal(err)
		}
	}
}

// Callers that share a Client, each with one request after another.
func BenchmarkClientShared(b *testing.B) {
	for _, callers := range []int{1, 2, 8, 32, 128, 1024} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			benchShared(b, callers, func() (context.Context, context.CancelFunc) {
				return context.Background(), func() {}
			})
		})
	}
	b.Run("callers=128/deadline each", func(b *testing.B) {
		benchShared(b, 128, func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), time.Minute)
		})
	})
}

func benchShared(b *testing.B, callers int, within func() (context.Context, context.CancelFunc)) {
	c := dialEcho(b)
	header, body := petrichor.Raw("17:4:verb,7:example,}"), make([]byte, 64)
	b.ReportAllocs()
	b.ResetTimer()
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for range (b.N + i) / callers {
				ctx, cancel := within()
				if _, err := c.Request(ctx, &header, &body); err != nil {
					b.Error(err)
				}
				cancel()
			}
		})
	}
	all.Wait()
}

// A goroutine for each request, at most 128 at once.
func BenchmarkClientGoroutines(b *testing.B) {
	c := dialEcho(b)
	header, body := petrichor.Raw("17:4:verb,7:example,}"), make([]byte, 64)
	slots := make(chan struct{}, 128)
	b.ReportAllocs()
	b.ResetTimer()
	var all sync.WaitGroup
	for range b.N {
		slots <- struct{}{}
		all.Go(func() {
			if _, err := c.Request(context.Background(), &header, &body); err != nil {
				b.Error(err)
			}
			<-slots
		})
	}
	all.Wait()
}
