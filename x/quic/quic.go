// Package quic carries petrichor over QUIC: one stream of one connection for each
// Conn, secured as package secure has it.
package quic

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
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
	near := newStream(c)
	near.began.Store(true)
	near.opens(s, nil)
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
	far := newStream(c)
	go func() { far.opens(c.AcceptStream(c.Context())) }()
	return far, nil
}

// A stream is the only one of its connection, which ends with it.  Until it is open it
// keeps its deadlines itself.
type stream struct {
	conn   *quic.Conn
	began  atomic.Bool // something has been read or written
	closed atomic.Bool

	opened chan struct{} // closed when there is one of quic, or an error
	quic   *quic.Stream
	err    error

	mu              sync.Mutex
	readBy, writeBy time.Time     // never where they are zero
	changed         chan struct{} // closed when one of them is another
}

func newStream(c *quic.Conn) *stream {
	return &stream{conn: c, opened: make(chan struct{}), changed: make(chan struct{})}
}

// opens is to be called once, with the stream or why there will be none.
func (s *stream) opens(q *quic.Stream, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		q.SetReadDeadline(s.readBy)
		q.SetWriteDeadline(s.writeBy)
	}
	s.quic, s.err = q, err
	close(s.opened)
}

// isOpen reports whether opens has been called.
func (s *stream) isOpen() bool {
	select {
	case <-s.opened:
		return true
	default:
		return false
	}
}

// open waits until the peer has opened the stream, and not for longer than by says.
func (s *stream) open(by *time.Time) (*quic.Stream, error) {
	for !s.isOpen() {
		s.mu.Lock()
		deadline, changed := *by, s.changed
		s.mu.Unlock()
		if !s.wait(deadline, changed) {
			return nil, os.ErrDeadlineExceeded
		}
	}
	return s.quic, s.err
}

// wait waits until the stream is open, or a deadline another than this, and reports
// whether it was so before it passed.
func (s *stream) wait(deadline time.Time, changed <-chan struct{}) bool {
	var late <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-s.opened:
		return true
	case <-changed:
		return true
	case <-late:
		return false
	}
}

// ending is io.EOF where a peer has closed the connection in peace.
func ending(err error) error {
	if app, ok := errors.AsType[*quic.ApplicationError](err); ok && app.ErrorCode == 0 {
		return io.EOF
	}
	return err
}

func (s *stream) Read(p []byte) (int, error) {
	q, err := s.open(&s.readBy)
	if err != nil {
		return 0, ending(err)
	}
	s.began.Store(true)
	n, err := q.Read(p)
	return n, ending(err)
}

func (s *stream) Write(p []byte) (int, error) {
	q, err := s.open(&s.writeBy)
	if err != nil {
		return 0, err
	}
	s.began.Store(true)
	return q.Write(p)
}

// CloseWrite lets the peer know that no more will come.
func (s *stream) CloseWrite() error {
	q, err := s.open(&s.writeBy)
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
	s.quic.CancelRead(0) // it is open, since something has been read or written
	s.quic.Close()
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

// SetDeadline sets both deadlines.  They also hold for waiting until the peer sends the
// first bytes, with which its stream opens.
func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline is for Read.
func (s *stream) SetReadDeadline(t time.Time) error {
	return s.set(&s.readBy, t, (*quic.Stream).SetReadDeadline)
}

// SetWriteDeadline is for Write.
func (s *stream) SetWriteDeadline(t time.Time) error {
	return s.set(&s.writeBy, t, (*quic.Stream).SetWriteDeadline)
}

// set sets a deadline: of the stream when it is open, else of those who wait for that.
func (s *stream) set(by *time.Time, t time.Time, open func(*quic.Stream, time.Time) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quic != nil {
		return open(s.quic, t)
	}
	*by = t
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}
