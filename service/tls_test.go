package service

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// certificate makes one that signs itself.
func certificate(name string) (tls.Certificate, *x509.CertPool) {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		DNSNames:     []string{name},
		NotAfter:     time.Now().Add(time.Hour),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	pool := x509.NewCertPool()
	pool.AddCert(must(x509.ParseCertificate(der)))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// onTLS serves behind TLS until the test ends, and returns what a peer needs to get in.
// connect makes no handshake.
func onTLS(t testing.TB, s *Server) (*lab, *tls.Config) {
	t.Helper()
	cert, pool := certificate("server")
	s.Identify = func(stream io.ReadWriteCloser) (string, error) { return "", stream.(*tls.Conn).Handshake() }
	l := newLab(t, s)
	nothingLeft(t)
	inner := must(net.Listen("tcp", "127.0.0.1:0"))
	l.dial = func() (net.Conn, error) { return net.Dial("tcp", inner.Addr().String()) }
	l.serve(tls.NewListener(inner, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}))
	return l, &tls.Config{RootCAs: pool, ServerName: "server"}
}

// Over TLS the identity is that of the verified certificate, and a peer that reads
// nothing is cut without waiting for last words.
func TestTLS(t *testing.T) {
	serverCert, serverPool := certificate("server")
	clientCert, clientPool := certificate("zed")
	config := &tls.Config{
		Certificates: []tls.Certificate{serverCert}, ClientCAs: clientPool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
	}
	large := strings.Repeat("x", 900_000)
	l := newLab(t, &Server{
		Identify: func(stream io.ReadWriteCloser) (string, error) {
			secured := stream.(*tls.Conn)
			if err := secured.Handshake(); err != nil {
				return "", err
			}
			return secured.ConnectionState().VerifiedChains[0][0].Subject.CommonName, nil
		},
		Handle: func(_ context.Context, req *Request) (any, any, error) {
			if string(req.Frame.Body) == "4:many," {
				return nil, strings.Repeat("x", 8<<20), nil
			}
			return petrichor.Header{"you": req.Peer.Identity}, large, nil
		},
	})
	nothingLeft(t)
	inner := must(net.Listen("tcp", "127.0.0.1:0"))
	l.dial = func() (net.Conn, error) {
		return tls.Dial("tcp", inner.Addr().String(), &tls.Config{Certificates: []tls.Certificate{clientCert}, RootCAs: serverPool, ServerName: "server"})
	}
	l.serve(tls.NewListener(inner, config))
	p := l.greet()
	for range 3 {
		f, err := p.Request(nil, nil) // a ping
		if err != nil || text(f) != "0:}0:~" {
			t.Fatalf("%s, %v", text(f), err)
		}
		f, err = p.Request(nil, large)
		if err != nil || string(f.Header) != "12:3:you,3:zed,}" || len(f.Body) != len(large)+len("900000:,") {
			t.Fatalf("%s, %d bytes, %v", f.Header, len(f.Body), err)
		}
	}
	never := l.greet()
	never.Send(nil, "many")
	eventually(t, "it is being sent", func() bool { return l.handled.Load() == 4 })
	began := time.Now()
	l.Close()
	within(t, "closed", time.Since(began), 0, 1100*time.Millisecond)
	stranger, err := tls.Dial("tcp", inner.Addr().String(), &tls.Config{RootCAs: serverPool, ServerName: "server"})
	if err == nil {
		stranger.Close()
		t.Error("connected after Close")
	}
}

// A peer without a certificate is nobody, and is not listened to.
func TestTLSStranger(t *testing.T) {
	serverCert, serverPool := certificate("server")
	config := &tls.Config{Certificates: []tls.Certificate{serverCert}, ClientAuth: tls.RequireAnyClientCert}
	l := newLab(t, &Server{Identify: func(stream io.ReadWriteCloser) (string, error) { return "", stream.(*tls.Conn).Handshake() }})
	nothingLeft(t)
	inner := must(net.Listen("tcp", "127.0.0.1:0"))
	l.serve(tls.NewListener(inner, config))
	c := must(tls.Dial("tcp", inner.Addr().String(), &tls.Config{RootCAs: serverPool, ServerName: "server"}))
	defer c.Close()
	c.Write([]byte("0:}0:~"))
	if got := read(c); got != "" {
		t.Errorf("answered %q", got)
	}
	if why := l.closed(1)[0]; why == nil || l.handled.Load() != 0 {
		t.Errorf("%v", why)
	}
}

// Unix sockets have no address to be counted by.
func TestUnixSocket(t *testing.T) {
	l := newLab(t, &Server{MaxPerAddress: 1})
	nothingLeft(t)
	inner, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	l.dial = func() (net.Conn, error) { return net.Dial("unix", inner.Addr().String()) }
	l.serve(inner)
	large := strings.Repeat("x", 900_000)
	for range 3 {
		p := l.greet()
		if f, err := p.Request(nil, large); err != nil || len(f.Body) != len(large)+len("900000:,") {
			t.Errorf("%d bytes, %v", len(f.Body), err)
		}
	}
}
