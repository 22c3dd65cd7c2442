package secure

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
)

// TestMain fails when the tests leave goroutines of ours behind.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leftover(); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines are left over:\n\n"+left)
		code = 1
	}
	os.Exit(code)
}

func leftover() (stacks string) {
	buf := make([]byte, 1<<20)
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stacks = ""
		all := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
		for _, stack := range all[1:] { // the first is this one
			if strings.Contains(stack, "petrichor-protocol/petrichor") {
				stacks += stack + "\n\n"
			}
		}
		if stacks == "" || time.Now().After(deadline) {
			return stacks
		}
	}
}

func try[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// newCA makes a CA whose key the tests have.
func newCA() *issuer {
	ca := &issuer{life: time.Hour}
	root := &x509.Certificate{Subject: pkix.Name{CommonName: "tests"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, key, err := ca.issue(root)
	ca.cert = try(x509.ParseCertificate(try(der, err)))
	ca.key = key
	return ca
}

func (ca *issuer) pem() []byte { return pem.EncodeToMemory(certBlock(ca.cert.Raw)) }

// sign makes a certificate for either end, as the change says, and its key.
func (ca *issuer) sign(change func(*x509.Certificate)) (p PEM) {
	cert := &x509.Certificate{
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		NotBefore:   time.Now().Add(-2 * time.Hour),
		NotAfter:    time.Now().Add(time.Hour),
	}
	change(cert)
	key := try(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	der := try(x509.CreateCertificate(rand.Reader, cert, ca.cert, key.Public(), ca.key))
	p.Cert = pem.EncodeToMemory(certBlock(der))
	p.Key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: try(x509.MarshalPKCS8PrivateKey(key))})
	return p
}

// with is p and a CA.
func (p PEM) with(ca *issuer) PEM {
	p.CA = ca.pem()
	return p
}

// fixed returns the credentials that p is.
func fixed(p PEM) *Credentials { return try(New(func() (PEM, error) { return p, nil })) }

func forLoopback(cert *x509.Certificate) { cert.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} }

func called(name string) func(*x509.Certificate) {
	return func(cert *x509.Certificate) { cert.Subject.CommonName = name }
}

// A world is a CA, and a server that asks for certificates of it.
type world struct {
	t        *testing.T
	ca       *issuer
	files    atomic.Pointer[PEM] // of the server
	server   *Credentials
	addr     string
	admitted atomic.Int64 // first frames
	handled  atomic.Int64 // requests
	closed   chan error   // why connections have ended
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, ca: newCA(), closed: make(chan error, 100)}
	w.set(w.ca.sign(forLoopback).with(w.ca))
	w.server = try(New(func() (PEM, error) { return *w.files.Load(), nil }))
	w.serve()
	return w
}

func (w *world) set(p PEM) { w.files.Store(&p) }

// client is the credentials of a client of that name.
func (w *world) client(name string) *Credentials { return fixed(w.ca.sign(called(name)).with(w.ca)) }

// serve starts a server, which says to everybody who it takes them for, and counts.
func (w *world) serve() {
	s := &service.Server{
		Identify: Identity,
		Admit: func(_ context.Context, p *service.Peer) (service.Answer, error) {
			w.admitted.Add(1)
			if err := Agrees(p.First.Header, "user", p.Identity); err != nil {
				return service.Deny(nil, err.Error()), nil
			}
			return service.Allow(petrichor.Header{"you": p.Identity}, nil), nil
		},
		Handle: func(_ context.Context, req *service.Request) (any, any, error) {
			w.handled.Add(1)
			return nil, req.Frame.Body, nil
		},
		Log:      slog.New(slog.DiscardHandler),
		Observer: endings(w.closed),
	}
	l := try(Listen("tcp", "127.0.0.1:0", w.server))
	w.addr = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	w.t.Cleanup(func() {
		s.Close()
		<-served
	})
}

// endings observe why connections end.
type endings chan error

func (e endings) Observe(event service.Event) {
	if event.Kind == service.Closed {
		e <- event.Err
	}
}

// nothingHandled fails where a first frame or a request has been seen, once the
// connection has ended.
func (w *world) nothingHandled() {
	w.t.Helper()
	select {
	case why := <-w.closed:
		w.t.Logf("the server says: %v", why)
	case <-time.After(8 * time.Second):
		w.t.Error("the connection has not ended")
	}
	if n, m := w.admitted.Load(), w.handled.Load(); n+m != 0 {
		w.t.Errorf("%d first frames admitted, %d requests handled", n, m)
	}
}

// connect connects and returns the header of the answer, or why there is none.  One
// that is let in makes a request.
func (w *world) connect(c *Credentials, header petrichor.Header) (string, error) {
	conn, answer, err := Connect(w.t.Context(), "tcp", w.addr, c, header, nil)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if petrichor.Allowed(answer.Header) {
		_, err = conn.Request(nil, "hello")
	}
	return string(answer.Header) + string(answer.Body), err
}

// raw dials and handshakes as the configuration says, and sends a first frame and a
// request.  The error is that of whatever fails.
func (w *world) raw(config *tls.Config) error {
	c, err := tls.Dial("tcp", w.addr, config)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(8 * time.Second))
	if _, err := io.WriteString(c, "0:}0:~0:}5:hello,"); err != nil {
		return err
	}
	c.CloseWrite()
	got, err := io.ReadAll(c)
	if len(got) > 0 {
		return nil
	}
	return cmp.Or(err, io.EOF)
}

// A stranger is a TLS server that keeps the application bytes it is sent.
func stranger(t *testing.T, config *tls.Config) (addr string, got <-chan string) {
	l := try(tls.Listen("tcp", "127.0.0.1:0", config))
	received := make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(5 * time.Second))
		b, _ := io.ReadAll(c)
		received <- string(b)
	}()
	t.Cleanup(func() { l.Close() })
	return l.Addr().String(), received
}

// pair is p as crypto/tls has it.
func (p PEM) pair() []tls.Certificate { return []tls.Certificate{try(tls.X509KeyPair(p.Cert, p.Key))} }

func (ca *issuer) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}
