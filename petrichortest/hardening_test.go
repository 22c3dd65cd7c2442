package petrichortest_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/petrichortest"
	"github.com/petrichor-protocol/petrichor/service"
)

// The server under test knows its users, and says how long a text is.
func myServer() *service.Server {
	return &service.Server{
		HandshakeTimeout: time.Second, // so that the test does not have to wait for long
		FrameTimeout:     time.Second,
		IdleTimeout:      time.Second,
		WriteTimeout:     time.Second,
		Admit: func(ctx context.Context, p *service.Peer) (service.Answer, error) {
			var hello struct {
				User string `tnet:"user"`
			}
			if err := petrichor.Unmarshal(p.First.Header, &hello); err != nil || hello.User != "zed" {
				return service.Deny(nil, "who are you?"), nil
			}
			return service.Allow(nil, "hello"), nil
		},
		Handle: func(ctx context.Context, req *service.Request) (header, body any, err error) {
			var text string
			if err := req.Body(&text); err != nil {
				return nil, nil, err
			}
			return nil, len(text), nil
		},
	}
}

func TestMyServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := myServer()
	go s.Serve(l)
	defer s.Close()
	petrichortest.TestServer(t, petrichortest.Dialer(l.Addr().String()),
		petrichortest.First(petrichor.Header{"user": "zed"}, nil),
		petrichortest.Denied(petrichor.Header{"user": "mallory"}, nil),
		petrichortest.Request(nil, "hello"),
		petrichortest.Deadlines(time.Second, time.Second, time.Second, time.Second),
		petrichortest.InProcess(),
	)
}
