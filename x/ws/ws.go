// Package ws carries petrichor over WebSocket: binary messages, whose borders mean
// nothing.  It also compiles for the browser, where Dial is all there is.
package ws

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http/httptrace"
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
	var socket net.Conn // stays nil in the browser
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { socket = i.Conn }})
	c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{Protocol}})
	if err != nil {
		return nil, err
	}
	if c.Subprotocol() != Protocol {
		c.CloseNow()
		return nil, errProtocol
	}
	return newStream(c, socket), nil
}

// A stream is a WebSocket as a stream.  A deadline that has passed closes it.
type stream struct {
	net.Conn
	ws              *websocket.Conn
	socket          net.Conn     // below it; nil in the browser
	readBy, writeBy atomic.Int64 // in nanoseconds since 1970; 0 is never
	written, closed atomic.Bool
}

// newStream lets a message have any size, since it is read in pieces.
func newStream(c *websocket.Conn, socket net.Conn) *stream {
	c.SetReadLimit(-1)
	return &stream{Conn: websocket.NetConn(context.Background(), c, websocket.MessageBinary), ws: c, socket: socket}
}

func (s *stream) Read(p []byte) (int, error) {
	if s.closed.Load() {
		return 0, net.ErrClosed
	}
	n, err := s.Conn.Read(p)
	return n, overdue(err, &s.readBy)
}

func (s *stream) Write(p []byte) (int, error) {
	if s.closed.Load() {
		return 0, net.ErrClosed
	}
	s.written.Store(true)
	n, err := s.Conn.Write(p)
	return n, overdue(err, &s.writeBy)
}

const (
	// lastWords is how long a peer may take to answer our close frame.
	lastWords = time.Second

	// haste is how long it may take when there are too many who have not.
	haste = 50 * time.Millisecond
)

// farewells are the places of streams that are closed and whose peers have not
// answered yet.
var farewells = make(chan struct{}, 256)

// Close closes both directions, and does not wait for the peer.  What has been written
// arrives, and then the close frame, at a peer that reads: a goroutine waits up to a
// second for its answer, since who closes a socket on which something has come that it
// has not read resets it.  There are up to 256 of them in a process; beyond that Close
// itself waits, for 50 milliseconds at most.
//
// Where nothing has been written there are no last words either.  So a service gets rid
// of a peer whom it refuses at once.
func (s *stream) Close() error {
	switch {
	case s.closed.Swap(true):
	case s.socket == nil:
		go s.leave() // the browser sees to it that this ends
	case !s.written.Load():
		s.ws.CloseNow()
		s.leave()
	default:
		s.part()
	}
	return nil
}

// part makes the close handshake, which the socket ends when it takes too long.
func (s *stream) part() {
	select {
	case farewells <- struct{}{}:
		s.socket.SetDeadline(time.Now().Add(lastWords))
		go func() {
			defer func() { <-farewells }()
			s.leave()
		}()
	default:
		s.socket.SetDeadline(time.Now().Add(haste))
		s.leave()
	}
}

// leave makes the close handshake and waits for the peer.
func (s *stream) leave() {
	s.ws.Close(websocket.StatusNormalClosure, "")
	s.Conn.Close() // has timers to stop; it would end what reads before the handshake
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
