package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A server echoes: it answers the first frame of each peer, and then sends every frame back.
//
// A peer has a goroutine, which reads a frame, answers it and reads the next, so a peer that
// closes its sending half still gets the replies to all it has sent.  Deadlines bound how long a
// peer can keep that goroutine: first for the first frame, idle for each one after.
type server struct {
	identity petrichor.Header // added to the answer to a first frame
	deny     petrichor.Header // peers whose first header has one of these entries are denied
	first    time.Duration
	idle     time.Duration
	maxConns int
	options  []petrichor.Option
	log      func(format string, args ...any)

	mu       sync.Mutex
	conns    map[net.Conn]struct{}
	stopping bool
	handlers sync.WaitGroup
}

// How long a server waits for what it cannot change.
const (
	graceTime  = 3 * time.Second // for replies under way, when stopped
	lingerTime = time.Second     // for a denied peer to read the answer
	minBackoff = 10 * time.Millisecond
	maxBackoff = time.Second
)

// serve answers the peers of l until ctx is done; then it closes l, lets replies under way be
// sent, and returns nil.
func (s *server) serve(ctx context.Context, l net.Listener) error {
	s.conns = map[net.Conn]struct{}{}
	defer context.AfterFunc(ctx, func() { s.stop(l) })()
	backoff := time.Duration(0)
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			backoff = 0
			s.admit(conn)
		case ctx.Err() != nil:
			s.drain()
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		default: // out of descriptors, most likely: they come back
			backoff = min(max(2*backoff, minBackoff), maxBackoff)
			s.log("accept: %v; again in %v", err, backoff)
			time.Sleep(backoff)
		}
	}
}

// admit starts the goroutine for a peer, or closes the connection of one too many.
func (s *server) admit(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping || len(s.conns) >= s.maxConns {
		s.log("%s: closed at once: %d connections already, or stopping", peerName(conn), len(s.conns))
		conn.Close()
		return
	}
	s.conns[conn] = struct{}{}
	s.handlers.Go(func() { s.handle(conn) })
}

func (s *server) handle(conn net.Conn) {
	defer s.release(conn)
	peer := peerName(conn)
	if err := s.echo(conn); err != nil {
		s.log("%s: closed: %v", peer, err)
		return
	}
	s.log("%s: done", peer)
}

func (s *server) release(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
	conn.Close()
}

// echo talks with one peer until it has no more to say, which is no error.
func (s *server) echo(conn net.Conn) error {
	if err := s.allowTime(conn, s.first); err != nil {
		return err
	}
	c, first, err := petrichor.Accept(conn, s.options...)
	if err == io.EOF {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.answer(c, first); err != nil {
		linger(conn)
		return err
	}
	for {
		if err := s.allowTime(conn, s.idle); err != nil {
			return err
		}
		f, err := c.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := c.Send(f.Header, f.Body); err != nil {
			return err
		}
	}
}

// answer says to a first frame whether its peer is allowed: the same header and body, and what
// the server has to add.
func (s *server) answer(c *petrichor.Conn, first petrichor.Frame) error {
	var said map[string]petrichor.Raw
	if err := petrichor.Unmarshal(first.Header, &said, s.options...); err != nil {
		return err
	}
	header := petrichor.Header{}
	for key, value := range said {
		header[key] = value
	}
	for key, value := range s.identity {
		header[key] = value
	}
	if key := s.denied(said); key != "" {
		reason := "denied for its " + key
		return errors.Join(errors.New(reason), c.Deny(header, reason))
	}
	return c.Allow(header, first.Body)
}

// denied returns the key for which a first header is denied, or nothing.
func (s *server) denied(said map[string]petrichor.Raw) string {
	for key, value := range s.deny {
		want, err := petrichor.Marshal(value)
		if err == nil && bytes.Equal(want, said[key]) {
			return key
		}
	}
	return ""
}

var errStopping = errors.New("the server is stopping")

// allowTime gives a peer time to send its next frame and to take the answer.  Once the server is
// stopping there is none to give.
func (s *server) allowTime(conn net.Conn, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return errStopping
	}
	return conn.SetDeadline(time.Now().Add(d))
}

// stop ends waiting, for peers and for their frames; what is being sent is not disturbed.
func (s *server) stop(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	l.Close()
	for conn := range s.conns {
		conn.SetReadDeadline(time.Now())
	}
}

// drain waits for the goroutines of all peers, and cuts off those that take too long.
func (s *server) drain() {
	cut := time.AfterFunc(graceTime, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for conn := range s.conns {
			conn.Close()
		}
	})
	defer cut.Stop()
	s.handlers.Wait()
}

// linger lets a peer read our last frame: closing while bytes of its own are still unread would
// reset the connection and take the frame with it.
func linger(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	conn.SetDeadline(time.Now().Add(lingerTime))
	io.Copy(io.Discard, io.LimitReader(conn, 64<<10))
}

// peerName is what to call a connection; those of unix sockets have no names.
func peerName(conn net.Conn) string {
	if name := conn.RemoteAddr().String(); name != "" && name != "@" {
		return name
	}
	return fmt.Sprintf("peer on %s", conn.LocalAddr())
}
