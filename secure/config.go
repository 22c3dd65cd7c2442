package secure

import (
	"crypto/tls"
	"errors"
	"fmt"
)

// Protocol is what both ends name by ALPN.
const Protocol = "petrichor/1"

var (
	// ErrProtocol is a peer that does not speak petrichor/1 by its own word.
	ErrProtocol = errors.New("petrichor: the peer does not name the protocol " + Protocol)

	// ErrUnverified is a peer whose certificate nobody has verified.
	ErrUnverified = errors.New("petrichor: the peer's certificate is not verified")

	// ErrNoCertificate is a server without a certificate of its own.
	ErrNoCertificate = errors.New("petrichor: a server needs a certificate and its key")
)

// base is what both ends tell crypto/tls.
func base() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{Protocol}}
}

// Client is the configuration of a client of the server with that name, which is
// the name or IP address that the server's certificate has to have.  It has the
// certificates of now: ask for one for each connection.
//
// It is for transports that bring their own TLS, as QUIC does; for others there
// are Dial and Connect.
func (c *Credentials) Client(name string) *tls.Config {
	g := c.now()
	config := base()
	config.ServerName = name
	config.RootCAs = g.cas
	config.Certificates = g.certs
	config.ClientSessionCache = g.sessions
	config.VerifyConnection = verify
	return config
}

// Server is the configuration of a server, good for all its connections: each one
// gets the certificates that are the latest when it begins.  Where there is a CA,
// clients need a certificate of it.
func (c *Credentials) Server() (*tls.Config, error) {
	if c.now().server == nil {
		return nil, ErrNoCertificate
	}
	config := base()
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		g := c.current.Load()
		if g.server == nil {
			return nil, ErrNoCertificate
		}
		return g.forClient(), nil
	}
	return config, nil
}

func (g *generation) serverConfig() *tls.Config {
	config := base()
	config.Certificates = g.certs
	config.VerifyConnection = named
	if g.cas != nil {
		config.ClientCAs = g.cas
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.VerifyConnection = verify
	}
	return config
}

// verify is asked about every connection, also one that is resumed.  It sees to it
// that a configuration that has been changed not to verify connects to nobody.
func verify(state tls.ConnectionState) error {
	if len(state.VerifiedChains) == 0 {
		return ErrUnverified
	}
	return named(state)
}

// named verifies what crypto/tls does not insist on: a peer may offer no protocol
// at all.
func named(state tls.ConnectionState) error {
	if state.NegotiatedProtocol != Protocol {
		return ErrProtocol
	}
	if state.Version < tls.VersionTLS13 {
		return fmt.Errorf("petrichor: %s: want TLS 1.3", tls.VersionName(state.Version))
	}
	return nil
}
