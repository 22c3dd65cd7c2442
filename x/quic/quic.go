// Package quic carries petrichor over QUIC: one stream of one connection for each
// Conn, secured as package secure has it.
package quic

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/petrichor-protocol/petrichor/secure"
	"github.com/quic-go/quic-go"
)

// config bounds what a peer may open: one stream, which begins with the first frame.
func config() *quic.Config {
	return &quic.Config{MaxIncomingStreams: 1, MaxIncomingUniStreams: -1, HandshakeIdleTimeout: 5 * time.Second, KeepAlivePeriod: 15 * time.Second}
}

// Dial opens a stream to addr, whose host the server's certificate has to name.  keys
// may be nil, as for secure.Connect.
func Dial(ctx context.Context, addr string, keys *secure.Credentials) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	c, err := quic.DialAddr(ctx, addr, keys.Client(host), config())
	if err != nil {
		return nil, err
	}
	s, err := c.OpenStreamSync(ctx)
	if err != nil {
		c.CloseWithError(0, "")
		return nil, err
	}
	near := &stream{conn: c, open: func() (*quic.Stream, error) { return s, nil }}
	near.began.Store(true)
	return near, nil
}

// Listen listens on addr.
func Listen(addr string, keys *secure.Credentials) (net.Listener, error) {
	tlsConfig, err := keys.Server()
	if err != nil {
		return nil, err
	}
	l, err := quic.ListenAddr(addr, tlsConfig, config())
	if err != nil {
		return nil, err
	}
	return &listener{l}, nil
}

type listener struct{ *quic.Listener }

// Accept returns the next peer.  Its stream opens with the first byte it sends.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept(context.Background())
	if err != nil {
		return nil, err
	}
	return &stream{conn: c, open: sync.OnceValues(func() (*quic.Stream, error) { return c.AcceptStream(c.Context()) })}, nil
}

// A stream is the only one of its connection, which ends with it.
type stream struct {
	conn   *quic.Conn
	open   func() (*quic.Stream, error) // waits until the peer has
	began  atomic.Bool                  // it is open
	closed atomic.Bool
}

// errUnopened is a stream whose peer has sent nothing yet, and which has no deadline.
var errUnopened = errors.New("petrichor: the peer has not opened its stream")

func (s *stream) started() (*quic.Stream, error) {
	if !s.began.Load() {
		return nil, errUnopened
	}
	return s.open()
}

// ending is io.EOF where a peer has closed the connection in peace.
func ending(err error) error {
	if app, ok := errors.AsType[*quic.ApplicationError](err); ok && app.ErrorCode == 0 {
		return io.EOF
	}
	return err
}

func (s *stream) Read(p []byte) (int, error) {
	q, err := s.open()
	if err != nil {
		return 0, ending(err)
	}
	s.began.Store(true)
	n, err := q.Read(p)
	return n, ending(err)
}

func (s *stream) Write(p []byte) (int, error) {
	q, err := s.open()
	if err != nil {
		return 0, err
	}
	s.began.Store(true)
	return q.Write(p)
}

// CloseWrite lets the peer know that no more will come.
func (s *stream) CloseWrite() error {
	q, err := s.open()
	if err != nil {
		return err
	}
	return q.Close()
}

// lastWords is how long a connection stays after Close, for what has been written to
// arrive.
const lastWords = time.Second

// Close closes both directions.  What has been written is still sent, for a second.
func (s *stream) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	select {
	case <-s.conn.Context().Done():
		return nil
	default:
	}
	if !s.began.Load() {
		return s.conn.CloseWithError(0, "")
	}
	q, err := s.open()
	if err != nil {
		return s.conn.CloseWithError(0, "")
	}
	q.CancelRead(0)
	q.Close()
	go func() {
		late := time.NewTimer(lastWords)
		defer late.Stop()
		select {
		case <-s.conn.Context().Done():
		case <-late.C:
		}
		s.conn.CloseWithError(0, "")
	}()
	return nil
}

// HandshakeContext does nothing: the handshake has been made.
func (s *stream) HandshakeContext(context.Context) error { return nil }

// ConnectionState lets secure.Identity know who the peer is.
func (s *stream) ConnectionState() tls.ConnectionState { return s.conn.ConnectionState().TLS }

func (s *stream) LocalAddr() net.Addr  { return s.conn.LocalAddr() }
func (s *stream) RemoteAddr() net.Addr { return s.conn.RemoteAddr() }

func (s *stream) SetDeadline(t time.Time) error {
	q, err := s.started()
	if err != nil {
		return err
	}
	return q.SetDeadline(t)
}

func (s *stream) SetReadDeadline(t time.Time) error {
	q, err := s.started()
	if err != nil {
		return err
	}
	return q.SetReadDeadline(t)
}

func (s *stream) SetWriteDeadline(t time.Time) error {
	q, err := s.started()
	if err != nil {
		return err
	}
	return q.SetWriteDeadline(t)
}
