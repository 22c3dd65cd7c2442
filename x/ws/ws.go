// Package ws carries petrichor over WebSocket: binary messages, whose borders mean
// nothing.  It also compiles for the browser, where Dial is all there is.
package ws

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// Protocol is the subprotocol both ends name.
const Protocol = "petrichor.1"

var errProtocol = errors.New("petrichor: the peer does not name the WebSocket subprotocol " + Protocol)

// Dial opens a stream to a server, whose address begins with ws:// or wss://.  Its
// life is not that of ctx, which bounds the handshake only.
func Dial(ctx context.Context, url string) (net.Conn, error) {
	c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{Protocol}})
	if err != nil {
		return nil, err
	}
	if c.Subprotocol() != Protocol {
		c.Close(websocket.StatusPolicyViolation, "want the subprotocol "+Protocol)
		return nil, errProtocol
	}
	return newStream(c), nil
}

// A stream is a WebSocket as a stream.  A deadline that has passed closes it.
type stream struct {
	net.Conn
	readBy, writeBy atomic.Int64 // in nanoseconds since 1970; 0 is never
}

// newStream lets a message have any size, since it is read in pieces.
func newStream(c *websocket.Conn) *stream {
	c.SetReadLimit(-1)
	return &stream{Conn: websocket.NetConn(context.Background(), c, websocket.MessageBinary)}
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	return n, overdue(err, &s.readBy)
}

func (s *stream) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	return n, overdue(err, &s.writeBy)
}

// overdue is os.ErrDeadlineExceeded in place of an error that comes of a deadline.
func overdue(err error, by *atomic.Int64) error {
	if at := by.Load(); err != nil && err != io.EOF && at != 0 && time.Now().UnixNano() >= at {
		return os.ErrDeadlineExceeded
	}
	return err
}

func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

func (s *stream) SetReadDeadline(t time.Time) error {
	s.readBy.Store(nanoseconds(t))
	return s.Conn.SetReadDeadline(t)
}

func (s *stream) SetWriteDeadline(t time.Time) error {
	s.writeBy.Store(nanoseconds(t))
	return s.Conn.SetWriteDeadline(t)
}

func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
