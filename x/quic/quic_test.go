package quic

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"testing"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/petrichortest"
	"github.com/petrichor-protocol/petrichor/secure"
	"github.com/petrichor-protocol/petrichor/service"
)

// keys are the credentials of a server and a client of one CA.
func keys(t *testing.T) (server, client *secure.Credentials) {
	dir := t.TempDir()
	if _, err := (secure.Dev{}).Write(dir); err != nil {
		t.Fatal(err)
	}
	load := func(name string) *secure.Credentials {
		at := func(file string) string { return filepath.Join(dir, file) }
		c, err := secure.Load(secure.Files{CA: at("ca.pem"), Cert: at(name + ".pem"), Key: at(name + ".key")})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	return load("server"), load("client")
}

func TestTransport(t *testing.T) {
	server, client := keys(t)
	petrichortest.TestTransport(t, func() (net.Listener, error) { return Listen("127.0.0.1:0", server) },
		func(ctx context.Context, at net.Addr) (io.ReadWriteCloser, error) {
			return Dial(ctx, at.String(), client)
		})
}

// The identity is that of the certificate, as over TCP; without one nobody gets in.
func TestIdentity(t *testing.T) {
	server, client := keys(t)
	l, err := Listen("127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	s := &service.Server{
		Identify: secure.Identity,
		Handle: func(_ context.Context, req *service.Request) (any, any, error) {
			return nil, req.Peer.Identity, nil
		},
	}
	go s.Serve(l)
	defer s.Close()
	stream, err := Dial(t.Context(), l.Addr().String(), client)
	if err != nil {
		t.Fatal(err)
	}
	c := petrichor.NewConn(stream)
	defer c.Close()
	c.Request(nil, nil)
	if f, err := c.Request(nil, "who am I?"); err != nil || string(f.Body) != "6:client," {
		t.Errorf("%s, %v", f.Body, err)
	}
	if stream, err := Dial(t.Context(), l.Addr().String(), nil); err == nil {
		stream.Close()
		t.Error("the CA is not one of the system, and yet")
	}
}
