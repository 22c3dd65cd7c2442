// Package secure puts petrichor inside TLS, with settings that leave an attacker
// nothing to choose.
//
//	keys, err := secure.Load(secure.Files{CA: "ca.pem", Cert: "server.pem", Key: "server.key"})
//	l, err := secure.Listen("tcp", ":7670", keys)
//	s := &service.Server{Identify: secure.Identity, ...}
//	err = s.Serve(l)
//
// Both ends speak TLS 1.3 or nothing, and agree by ALPN on the protocol
// "petrichor/1", so that no server of another kind can be taken for this one.  A
// certificate is verified always: there is no switch against it, and a
// configuration in which crypto/tls is told not to verify connects to nobody.
//
// Where the server has a CA each client needs a certificate of it, and who the
// client is comes from that certificate and from nowhere else: see [Identity].
//
// # A map of the source
//
//	credentials.go  certificates, keys and CAs, and reading them again
//	config.go       what crypto/tls is told
//	connect.go      Connect, Dial, Listen
//	identity.go     who the peer is
//	dev.go          a CA and certificates for development
package secure
