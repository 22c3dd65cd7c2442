package secure

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// connectTimeout bounds Connect and Dial where their context has no deadline.
const connectTimeout = 20 * time.Second

// Connect is petrichor.Connect over TLS: it dials addr, whose host the server's
// certificate has to name, sends the first frame and returns the answer.  c may be
// nil: then the client shows no certificate and believes the CAs of the system.
func Connect(ctx context.Context, network, addr string, c *Credentials, header, body any, opts ...petrichor.Option) (*petrichor.Conn, petrichor.Frame, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	stream, err := c.Dial(ctx, network, addr)
	if err != nil {
		return nil, petrichor.Frame{}, err
	}
	conn := petrichor.NewConn(stream, opts...)
	var answer petrichor.Frame
	err = conn.Within(ctx, func() (err error) {
		answer, err = conn.Greet(header, body)
		return err
	})
	if err != nil {
		conn.Close()
		return nil, petrichor.Frame{}, err
	}
	return conn, answer, nil
}

// Dial connects to addr and makes the handshake.  It takes at most 20 seconds
// where ctx has no deadline.  c may be nil, as for Connect.
func (c *Credentials) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return c.DialName(ctx, network, addr, host)
}

// DialName is Dial where the server's certificate has another name than addr.
func (c *Credentials) DialName(ctx context.Context, network, addr, name string) (net.Conn, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	dialer := tls.Dialer{Config: c.Client(name)}
	return dialer.DialContext(ctx, network, addr)
}

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, connectTimeout)
}

// Listen listens on addr for peers that speak TLS.  The handshake of a connection
// is made by who first reads from it, or by Identity; Accept does not wait for it.
func Listen(network, addr string, c *Credentials) (net.Listener, error) {
	config, err := c.Server()
	if err != nil {
		return nil, err
	}
	return tls.Listen(network, addr, config)
}
