//go:build !js

package ws

import (
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

// ServeHTTP makes a stream of a request and waits until Accept has returned it.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{Protocol}, OriginPatterns: l.Origins})
	if err != nil {
		return // it has been answered
	}
	if c.Subprotocol() != Protocol {
		c.Close(websocket.StatusPolicyViolation, "want the subprotocol "+Protocol)
		return
	}
	select {
	case l.peers <- &peer{newStream(c), from(r)}:
	case <-l.closed:
		c.CloseNow()
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

func from(r *http.Request) net.Addr {
	addr, err := net.ResolveTCPAddr("tcp", r.RemoteAddr)
	if err != nil {
		return &net.TCPAddr{}
	}
	return addr
}
