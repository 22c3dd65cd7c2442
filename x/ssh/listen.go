package ssh

import (
	"errors"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/crypto/ssh"
)

var errSubsystem = errors.New("petrichor: the peer does not know the SSH subsystem " + Subsystem)

// patience is how long a peer may take until it has opened its session.
const patience = 5 * time.Second

// A Listener accepts streams of peers that have shown who they are.
type Listener struct {
	tcp    net.Listener
	config *ssh.ServerConfig
	peers  chan net.Conn
	slots  chan struct{} // those whose handshake is under way
	closed chan struct{}
}

// Listen listens on addr.  config has to have a host key, and a callback that says who
// may come in.
func Listen(addr string, config *ssh.ServerConfig) (*Listener, error) {
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	l := &Listener{tcp: tcp, config: config, peers: make(chan net.Conn), slots: make(chan struct{}, 64), closed: make(chan struct{})}
	go l.run()
	return l, nil
}

// run makes handshakes, at most 64 at a time.
func (l *Listener) run() {
	defer close(l.closed)
	for {
		socket, err := l.tcp.Accept()
		if err != nil {
			return
		}
		l.slots <- struct{}{}
		go func() {
			defer func() { <-l.slots }()
			l.meet(socket)
		}()
	}
}

// meet makes the handshake and hands the session to Accept.
func (l *Listener) meet(socket net.Conn) {
	socket.SetDeadline(time.Now().Add(patience))
	conn, channels, requests, err := ssh.NewServerConn(socket, l.config)
	if err != nil {
		socket.Close()
		return
	}
	go ssh.DiscardRequests(requests)
	channel := session(channels)
	go refuse(channels)
	if channel == nil {
		conn.Close()
		return
	}
	socket.SetDeadline(time.Time{})
	select {
	case l.peers <- &Conn{stream{channel, conn}, conn.Permissions, conn.User()}:
	case <-l.closed:
		conn.Close()
	}
}

// session is the first one of a connection, once it has asked for the subsystem.
func session(channels <-chan ssh.NewChannel) ssh.Channel {
	for asked := range channels {
		if asked.ChannelType() != "session" {
			asked.Reject(ssh.UnknownChannelType, "want a session")
			continue
		}
		channel, requests, err := asked.Accept()
		if err != nil {
			return nil
		}
		if !named(requests) {
			return nil
		}
		go ssh.DiscardRequests(requests)
		return channel
	}
	return nil
}

// named waits for the request for the subsystem.
func named(requests <-chan *ssh.Request) bool {
	for r := range requests {
		var s subsystem
		ok := r.Type == "subsystem" && ssh.Unmarshal(r.Payload, &s) == nil && s.Name == Subsystem
		if r.WantReply {
			r.Reply(ok, nil)
		}
		if ok {
			return true
		}
	}
	return false
}

func refuse(channels <-chan ssh.NewChannel) {
	for asked := range channels {
		asked.Reject(ssh.Prohibited, "one session a connection")
	}
}

// Accept returns the next stream, a *Conn.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.peers:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.  Streams go on.
func (l *Listener) Close() error { return l.tcp.Close() }

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
