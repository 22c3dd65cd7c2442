package ssh

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

var errSubsystem = errors.New("petrichor: the peer does not know the SSH subsystem " + Subsystem)

// patience is how long a peer may take until it has opened its session.
const patience = 5 * time.Second

// A Listener accepts streams of peers that have shown who they are.
//
// At most 64 handshakes are under way.  For one more the oldest of the address that has
// most of them is cut, where an IPv6 network of 64 bits is one address; so a crowd of
// silent peers does not keep others from being served.
type Listener struct {
	tcp    net.Listener
	config *ssh.ServerConfig
	lobby  lobby
	peers  chan *guest
	failed chan error // what tcp has failed with
	closed chan struct{}
	close  func() error
}

// Listen listens on addr.  config has to have a host key, and a callback that says who
// may come in.
func Listen(addr string, config *ssh.ServerConfig) (*Listener, error) {
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	return listen(tcp, config), nil
}

func listen(tcp net.Listener, config *ssh.ServerConfig) *Listener {
	l := &Listener{tcp: tcp, config: config, peers: make(chan *guest), failed: make(chan error), closed: make(chan struct{})}
	l.close = sync.OnceValue(func() error {
		close(l.closed)
		return tcp.Close()
	})
	go l.run()
	return l
}

// run lets peers in, and has Accept return what it fails with: who calls that knows
// whether to go on, and when.
func (l *Listener) run() {
	for {
		socket, err := l.tcp.Accept()
		if err == nil {
			go l.meet(l.lobby.enter(socket))
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
		select {
		case l.failed <- err:
		case <-l.closed:
			return
		}
	}
}

// meet makes the handshake and hands the session to Accept.
func (l *Listener) meet(g *guest) {
	late := time.AfterFunc(patience, func() { l.lobby.turnOut(g) })
	g.conn = g.greet(l.config)
	if !late.Stop() || g.conn == nil {
		l.lobby.turnOut(g)
		return
	}
	select {
	case l.peers <- g:
	case <-g.gone:
	case <-l.closed:
		l.lobby.turnOut(g)
	}
}

// greet makes the handshake and waits for the session.  It is nil where that fails.
func (g *guest) greet(config *ssh.ServerConfig) *Conn {
	conn, channels, requests, err := ssh.NewServerConn(g.socket, config)
	if err != nil {
		return nil
	}
	go ssh.DiscardRequests(requests)
	channel := g.session(channels)
	if channel == nil {
		return nil
	}
	return &Conn{stream{Channel: channel, conn: conn}, conn.Permissions, conn.User()}
}

// session is the first one of a connection, once it has asked for the subsystem.
// Further channels are refused from then on, and not only when it has: where nobody
// takes them x/crypto stops reading.
func (g *guest) session(channels <-chan ssh.NewChannel) ssh.Channel {
	asked := g.firstSession(channels)
	go refuse(channels)
	if asked == nil {
		return nil
	}
	channel, requests, err := asked.Accept()
	if err != nil {
		return nil
	}
	discardStderr(channel)
	ok := g.named(requests)
	go ssh.DiscardRequests(requests)
	if !ok {
		return nil
	}
	return channel
}

// firstSession waits until a session is asked for.
func (g *guest) firstSession(channels <-chan ssh.NewChannel) ssh.NewChannel {
	for {
		select {
		case asked, ok := <-channels:
			if !ok || asked.ChannelType() == "session" {
				return asked
			}
			asked.Reject(ssh.UnknownChannelType, "want a session")
		case <-g.gone:
			return nil
		}
	}
}

// named waits for the request for the subsystem.
func (g *guest) named(requests <-chan *ssh.Request) bool {
	for {
		select {
		case r, ok := <-requests:
			if !ok || names(r) {
				return ok
			}
		case <-g.gone:
			return false
		}
	}
}

// names answers a request, and reports whether it is for the subsystem.
func names(r *ssh.Request) bool {
	var s subsystem
	ok := r.Type == "subsystem" && ssh.Unmarshal(r.Payload, &s) == nil && s.Name == Subsystem
	r.Reply(ok, nil) // does nothing where none is wanted
	return ok
}

func refuse(channels <-chan ssh.NewChannel) {
	for asked := range channels {
		asked.Reject(ssh.Prohibited, "one session a connection")
	}
}

// Accept returns the next stream, a *Conn.  Any error but net.ErrClosed is one of
// accepting from TCP, which goes on: call Accept again, after a while.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		select {
		case g := <-l.peers:
			if l.lobby.leave(g) {
				return g.conn, nil
			}
		case err := <-l.failed:
			return nil, err
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
}

// Close ends Accept.  Streams go on.
func (l *Listener) Close() error { return l.close() }

// Addr returns where it listens.
func (l *Listener) Addr() net.Addr { return l.tcp.Addr() }

// A Conn is a stream of a Listener, and who has opened it.
type Conn struct {
	stream
	Permissions *ssh.Permissions // what the callback has returned for the key that was proven
	User        string
}

// Identity is for Identify of a service.Server: the user whose key has been verified.
// It is the name by which the peer has logged in, so the callback must have checked that
// the key is that user's.
func Identity(rwc io.ReadWriteCloser) (string, error) {
	c, ok := rwc.(*Conn)
	if !ok {
		return "", errors.New("petrichor: the stream is none of SSH")
	}
	return c.User, nil
}

// SetDeadline is an error: a session has no deadlines.
func (c *Conn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (c *Conn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (c *Conn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
