package quic

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

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

// pair opens a stream, whose first bytes the server has not got yet.
func pair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	server, client := keys(t)
	l, err := Listen("127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	near, err = Dial(t.Context(), l.Addr().String(), client)
	if err != nil {
		t.Fatal(err)
	}
	far, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}

// deadline sets one for reading.
func deadline(t *testing.T, c net.Conn, d time.Duration) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(d)); err != nil {
		t.Fatal(err)
	}
}

// late fails where err does not say that a deadline has passed.
func late(t *testing.T, err error) {
	t.Helper()
	if timeout, ok := errors.AsType[net.Error](err); !ok || !timeout.Timeout() {
		t.Errorf("%v; want a timeout", err)
	}
}

// A deadline can be set before the peer has sent anything: it holds for the first bytes,
// as petrichor.Accept wants, and for those behind.
func TestDeadlineBeforeFirst(t *testing.T) {
	near, far := pair(t)
	deadline(t, far, 20*time.Millisecond)
	began := time.Now()
	_, err := far.Read(make([]byte, 1))
	late(t, err)
	if took := time.Since(began); took < 20*time.Millisecond {
		t.Errorf("after %v", took)
	}
	deadline(t, far, 5*time.Second)
	first := make(chan error, 1)
	go func() {
		_, _, err := petrichor.Accept(far)
		first <- err
	}()
	near.Write([]byte("0:}0:~"))
	if err := <-first; err != nil {
		t.Error(err)
	}
	deadline(t, far, 20*time.Millisecond)
	_, err = far.Read(make([]byte, 1))
	late(t, err)
}

// What waits for the first bytes notices that its deadline is another, and one that was
// set before them is still that of the stream.
func TestDeadlineChanges(t *testing.T) {
	near, far := pair(t)
	read := make(chan error, 2)
	go func() {
		_, err := far.Read(make([]byte, 1))
		read <- err
	}()
	time.Sleep(10 * time.Millisecond)
	far.SetDeadline(time.Now().Add(-time.Second))
	late(t, <-read)
	_, err := far.Write([]byte("x"))
	late(t, err)
	far.SetDeadline(time.Time{})
	deadline(t, far, 300*time.Millisecond)
	near.Write([]byte("x"))
	go func() {
		for range 2 {
			_, err := far.Read(make([]byte, 1))
			read <- err
		}
	}()
	if err := <-read; err != nil {
		t.Error(err)
	}
	late(t, <-read)
}
