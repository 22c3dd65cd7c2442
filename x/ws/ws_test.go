//go:build !js

package ws

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/petrichor-protocol/petrichor/petrichortest"
)

// A served is a Listener with a server around it, which ends with it.
type served struct {
	*Listener
	server *http.Server
}

func (s *served) Close() error {
	s.Listener.Close()
	return s.server.Close()
}

func listen() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &served{Listener: NewListener(l.Addr())}
	s.server = &http.Server{Handler: s.Listener, ReadHeaderTimeout: 5 * time.Second}
	go s.server.Serve(l)
	return s, nil
}

func TestTransport(t *testing.T) {
	petrichortest.TestTransport(t, listen, func(ctx context.Context, at net.Addr) (io.ReadWriteCloser, error) {
		return Dial(ctx, "ws://"+at.String())
	})
}

// A peer that does not name the protocol is not let in, and a page of another host
// neither.
func TestStrangers(t *testing.T) {
	l, err := listen()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, opts := range map[string]*websocket.DialOptions{
		"no protocol":  {},
		"another":      {Subprotocols: []string{"chat"}},
		"another host": {Subprotocols: []string{Protocol}, HTTPHeader: http.Header{"Origin": {"https://evil.example"}}},
	} {
		c, _, err := websocket.Dial(t.Context(), "ws://"+l.Addr().String(), opts)
		if err != nil {
			continue
		}
		if _, _, err := c.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("%s: %v", name, err)
		}
		c.CloseNow()
	}
}
