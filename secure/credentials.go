package secure

// Certificates, keys and CAs, and reading them again.
//
// What has been read at one time is a generation.  Everything that refers to it
// is made with it and dies with it: the keys of session tickets and the sessions
// a client may resume, so that nobody resumes what a new CA set would refuse.

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Files are paths of PEM files.  An empty path is none.
type Files struct {
	// CA has the certificates of those whose word is taken.  A client without
	// believes the CAs of the system; a server without lets in anybody, as nobody.
	CA string

	// Cert has our certificate, then those between it and the CA; Key its key.  A
	// server needs them.
	Cert, Key string
}

// PEM is what Files contain.
type PEM struct{ CA, Cert, Key []byte }

// Credentials are what one end shows and whom it believes.  Any number of
// goroutines may use them.
type Credentials struct {
	source  func() (PEM, error)
	mu      sync.Mutex // of Reload
	current atomic.Pointer[generation]
}

// A generation is what has been read at one time.
type generation struct {
	read     PEM
	cas      *x509.CertPool    // nil: none have been given
	certs    []tls.Certificate // one, or none
	sessions tls.ClientSessionCache
	server   *tls.Config // nil where there is no certificate

	ticketKeys sync.Mutex
	renewed    time.Time // when the server's were
}

// Load reads credentials from files.
func Load(f Files) (*Credentials, error) { return New(f.read) }

// New returns credentials that come from anywhere: source is called now, and by
// Reload.
func New(source func() (PEM, error)) (*Credentials, error) {
	c := &Credentials{source: source}
	_, err := c.Reload()
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (f Files) read() (p PEM, err error) {
	for _, file := range []struct {
		path    string
		content *[]byte
	}{{f.CA, &p.CA}, {f.Cert, &p.Cert}, {f.Key, &p.Key}} {
		if file.path == "" {
			continue
		}
		if *file.content, err = os.ReadFile(file.path); err != nil {
			return PEM{}, fmt.Errorf("petrichor: cannot read credentials: %w", err)
		}
	}
	return p, nil
}

// Reload reads the source again, and reports whether anything is new.  Then new
// connections use it; those that are open stay as they are.  On an error what has
// been in use stays in use.
func (c *Credentials) Reload() (changed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	read, err := c.source()
	if err != nil {
		return false, err
	}
	if old := c.current.Load(); old != nil && read.equal(old.read) {
		return false, nil
	}
	g, err := newGeneration(read)
	if err != nil {
		return false, err
	}
	c.current.Store(g)
	return true, nil
}

func (p PEM) equal(q PEM) bool {
	return bytes.Equal(p.CA, q.CA) && bytes.Equal(p.Cert, q.Cert) && bytes.Equal(p.Key, q.Key)
}

// Watch calls Reload every so often until ctx is done.  It tells report of every
// change with nil, and of a failure with the error, once for as long as it lasts.
func (c *Credentials) Watch(ctx context.Context, every time.Duration, report func(error)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	failing := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		changed, err := c.Reload()
		now := ""
		if err != nil {
			now = err.Error()
		}
		if changed || now != "" && now != failing {
			report(err)
		}
		failing = now
	}
}

// anonymous is the generation of no credentials at all.
var anonymous = &generation{sessions: tls.NewLRUClientSessionCache(0)}

// now is the generation in use.
func (c *Credentials) now() *generation {
	if c == nil {
		return anonymous
	}
	return c.current.Load()
}

func newGeneration(read PEM) (*generation, error) {
	g := &generation{read: read, sessions: tls.NewLRUClientSessionCache(0)}
	if len(read.CA) > 0 {
		certs, err := certificates(read.CA)
		if err != nil {
			return nil, fmt.Errorf("petrichor: certificates of the CA: %w", err)
		}
		g.cas = x509.NewCertPool()
		for _, cert := range certs {
			g.cas.AddCert(cert)
		}
	}
	if len(read.Cert)+len(read.Key) == 0 {
		return g, nil
	}
	if _, err := certificates(read.Cert); err != nil {
		return nil, fmt.Errorf("petrichor: certificate: %w", err)
	}
	cert, err := tls.X509KeyPair(read.Cert, read.Key)
	if err != nil {
		return nil, fmt.Errorf("petrichor: certificate and key: %w", err)
	}
	if now := time.Now(); now.After(cert.Leaf.NotAfter) {
		return nil, fmt.Errorf("petrichor: the certificate has expired at %v", cert.Leaf.NotAfter)
	}
	g.certs = []tls.Certificate{cert}
	g.server = g.serverConfig()
	return g, nil
}

// certificates are all that text has.  crypto/tls passes over what it cannot read;
// here that is an error, so that half a file is not taken for a whole one.
func certificates(text []byte) (certs []*x509.Certificate, err error) {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 || bytes.Contains(text, []byte("-----BEGIN")) {
		return nil, fmt.Errorf("%d whole certificates in PEM, and something else", len(certs))
	}
	return certs, nil
}

// ticketLife is how long the key of session tickets is used.
const ticketLife = 24 * time.Hour

// forClient is the server's configuration for one client.
func (g *generation) forClient() *tls.Config {
	g.ticketKeys.Lock()
	defer g.ticketKeys.Unlock()
	if now := time.Now(); now.Sub(g.renewed) > ticketLife {
		var key [32]byte
		rand.Read(key[:])
		g.server.SetSessionTicketKeys([][32]byte{key})
		g.renewed = now
	}
	return g.server
}
