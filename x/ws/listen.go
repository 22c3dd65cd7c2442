//go:build !js

package ws

import (
	"bufio"
	"net"
	"net/http"
	"sync"

	"github.com/coder/websocket"
)

// A Listener is an http.Handler that turns requests into streams, for Accept to
// return.  It belongs into the http.Server of the program, which has the TLS and the
// timeouts: set ReadHeaderTimeout.
type Listener struct {
	// Origins are patterns of hosts whose pages may connect, beside our own; nil is
	// none.
	Origins []string

	addr   net.Addr
	peers  chan net.Conn
	closed chan struct{}
	close  func()
}

// NewListener returns a Listener whose Addr is addr.
func NewListener(addr net.Addr) *Listener {
	l := &Listener{addr: addr, peers: make(chan net.Conn), closed: make(chan struct{})}
	l.close = sync.OnceFunc(func() { close(l.closed) })
	return l
}

// ServeHTTP makes a stream of a request and waits until Accept has returned it.  A
// peer that does not name the subprotocol is cut.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from := hijackable(w)
	if from == nil {
		http.Error(w, http.StatusText(http.StatusNotImplemented), http.StatusNotImplemented)
		return
	}
	h := &hijacker{ResponseWriter: w, from: from}
	c, err := websocket.Accept(h, r, &websocket.AcceptOptions{Subprotocols: []string{Protocol}, OriginPatterns: l.Origins})
	if err != nil {
		return // it has been answered
	}
	if c.Subprotocol() != Protocol {
		c.CloseNow() // Close would wait for a peer that nobody knows
		return
	}
	select {
	case l.peers <- &peer{newStream(c, h.socket), address(r)}:
	case <-l.closed:
		c.CloseNow()
	}
}

// A hijacker remembers the socket that is taken from it.
type hijacker struct {
	http.ResponseWriter
	from   http.Hijacker
	socket net.Conn
}

// Hijack takes the socket.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	socket, rw, err := h.from.Hijack()
	h.socket = socket
	return socket, rw, err
}

// hijackable is what the socket can be taken from, if anything.
func hijackable(w http.ResponseWriter) http.Hijacker {
	for {
		switch inner := w.(type) {
		case http.Hijacker:
			return inner
		case interface{ Unwrap() http.ResponseWriter }:
			w = inner.Unwrap()
		default:
			return nil
		}
	}
}

// Accept returns the next stream.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.peers:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.  Streams go on.
func (l *Listener) Close() error {
	l.close()
	return nil
}

// Addr returns what NewListener was told.
func (l *Listener) Addr() net.Addr { return l.addr }

// A peer has the address that the request came from.
type peer struct {
	*stream
	addr net.Addr
}

func (p *peer) RemoteAddr() net.Addr { return p.addr }

func address(r *http.Request) net.Addr {
	addr, err := net.ResolveTCPAddr("tcp", r.RemoteAddr)
	if err != nil {
		return &net.TCPAddr{}
	}
	return addr
}
