package transport

import (
	"context"
	"io"
	"net"
	"os"

	"github.com/petrichor-protocol/petrichor/secure"
)

// A Config is what addresses do not say.  The zero Config, and nil, are ready for
// use.
type Config struct {
	// Secure is for tls://.  Without it a client shows no certificate and believes the
	// CAs of the system; a server needs it.
	Secure *secure.Credentials

	// ServerName is the name in a server's certificate, where it is not the host of the
	// address.
	ServerName string

	// Stderr is where what a command of exec: says there goes.  nil is our own stderr.
	Stderr io.Writer
}

// Dial opens the stream that addr names.
//
// All of them have deadlines but for those of stdio:, which has them for reading
// only, and of files and commands where the system has none.  All but files can
// close one direction, by CloseWrite.  A named pipe is waited for until somebody
// has opened its other end, whatever ctx says.
func (c *Config) Dial(ctx context.Context, addr string) (net.Conn, error) {
	a, err := Parse(addr)
	if err != nil {
		return nil, err
	}
	switch a.Scheme {
	case "tls":
		return c.orDefault().dialTLS(ctx, a.Rest)
	case "tcp", "unix":
		var dialer net.Dialer
		return dialer.DialContext(ctx, a.Scheme, a.Rest)
	}
	return c.orDefault().open(a)
}

// Dial is that of a zero Config.
func Dial(ctx context.Context, addr string) (net.Conn, error) {
	return (*Config)(nil).Dial(ctx, addr)
}

func (c *Config) dialTLS(ctx context.Context, addr string) (net.Conn, error) {
	if c.ServerName == "" {
		return c.Secure.Dial(ctx, "tcp", addr)
	}
	return c.Secure.DialName(ctx, "tcp", addr, c.ServerName)
}

// open opens what there is one of.
func (c *Config) open(a Address) (net.Conn, error) {
	switch a.Scheme {
	case "exec":
		return start(a, c.Stderr)
	case "file":
		return openFile(a)
	}
	return standard(a), nil
}

func (c *Config) orDefault() *Config {
	var d Config
	if c != nil {
		d = *c
	}
	if d.Stderr == nil {
		d.Stderr = os.Stderr
	}
	return &d
}
