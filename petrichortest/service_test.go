package petrichortest

import (
	"context"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/compress"
	"github.com/petrichor-protocol/petrichor/service"
)

// echoService does what the server of package flawed does, with all its limits
// and deadlines from package service.
func echoService() *service.Server {
	return &service.Server{
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), // panics, and there are some
		Admit: func(_ context.Context, p *service.Peer) (service.Answer, error) {
			var who struct {
				User string `tnet:"user"`
			}
			if err := petrichor.Unmarshal(p.First.Header, &who); err != nil || who.User == "nobody" {
				return service.Deny(nil, "who are you?"), nil
			}
			return service.Allow(nil, nil), nil
		},
		Handle: func(_ context.Context, req *service.Request) (any, any, error) {
			var body any
			if err := req.Body(&body); err != nil {
				return nil, nil, err
			}
			if body == "panic" {
				panic("as asked")
			}
			return nil, req.Frame.Body, nil
		},
	}
}

// Nothing is wrong with package service, in order or not.
func TestServicePasses(t *testing.T) {
	for name, handlers := range map[string]int{"in order": 1, "8 handlers": 8} {
		t.Run(name, func(t *testing.T) {
			s := echoService()
			s.HandshakeTimeout, s.FrameTimeout, s.IdleTimeout, s.WriteTimeout = time.Second, time.Second, 1500*time.Millisecond, time.Second
			s.MaxConns, s.HandlersPerConn = 400, handlers
			s.Options = []petrichor.Option{petrichor.WithExtensions(compress.New(compress.Config{}))}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error)
			go func() { done <- s.Serve(l) }()
			TestServer(t, Dialer(l.Addr().String()), append(known(), Compresses(), InProcess(), Crowd(1000))...)
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := <-done; err != service.ErrServerClosed {
				t.Error(err)
			}
		})
	}
}
