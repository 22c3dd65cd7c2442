package transport

import (
	"io"
	"net"
	"sync"

	"github.com/petrichor-protocol/petrichor/secure"
)

// Listen listens on addr.  Where that is a command, stdio: or a file there is one
// peer: the first Accept returns it, and the next one io.EOF once it is closed.
func (c *Config) Listen(addr string) (net.Listener, error) {
	a, err := Parse(addr)
	if err != nil {
		return nil, err
	}
	switch a.Scheme {
	case "tls":
		return secure.Listen("tcp", a.Rest, c.orDefault().Secure)
	case "tcp", "unix":
		return net.Listen(a.Scheme, a.Rest)
	}
	stream, err := c.orDefault().open(a)
	if err != nil {
		return nil, err
	}
	return Once(stream), nil
}

// Listen is that of a zero Config.
func Listen(addr string) (net.Listener, error) { return (*Config)(nil).Listen(addr) }

// Once is a listener with one peer, which is there already.  A second Accept
// returns io.EOF when the peer has been closed, and net.ErrClosed when the listener
// has been; to close that closes the peer if nobody has accepted it.
func Once(stream net.Conn) net.Listener {
	o := &once{peer: make(chan net.Conn, 1), addr: stream.LocalAddr(), over: make(chan struct{}), closed: make(chan struct{})}
	o.peer <- &onlyPeer{Conn: stream, over: sync.OnceFunc(func() { close(o.over) })}
	o.close = sync.OnceFunc(func() { close(o.closed) })
	return o
}

type once struct {
	peer   chan net.Conn
	addr   net.Addr
	over   chan struct{} // the peer has been closed
	closed chan struct{}
	close  func()
}

func (o *once) Accept() (net.Conn, error) {
	select {
	case <-o.closed:
		return nil, net.ErrClosed
	default:
	}
	select {
	case peer := <-o.peer:
		return peer, nil
	case <-o.over:
		return nil, io.EOF
	case <-o.closed:
		return nil, net.ErrClosed
	}
}

func (o *once) Close() error {
	o.close()
	select {
	case peer := <-o.peer:
		return peer.Close()
	default:
		return nil
	}
}

func (o *once) Addr() net.Addr { return o.addr }

// An onlyPeer says when it is closed.
type onlyPeer struct {
	net.Conn
	over func()
}

func (p *onlyPeer) Close() error {
	defer p.over()
	return p.Conn.Close()
}

// CloseWrite closes one direction where there are two.
func (p *onlyPeer) CloseWrite() error { return closeWrite(p.Conn) }
