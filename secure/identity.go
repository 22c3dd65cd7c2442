package secure

// Who the peer is.  One thing says so: the leaf of a chain that has been verified,
// after the handshake, since only the end of the handshake proves that the peer
// has the key of the certificate it has shown.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/petrichor-protocol/petrichor"
)

// maxName is how many bytes the name of a peer may have.
const maxName = 255

// A secured stream is one with TLS: a *tls.Conn, or a stream of QUIC.
type secured interface {
	HandshakeContext(ctx context.Context) error
	ConnectionState() tls.ConnectionState
}

// Identity makes the handshake of a stream and returns who is at its other end.
// It is made to be the Identify of a service.Server, whose HandshakeTimeout ends it.
//
// The identity is the only name in the verified leaf: an alternative name (DNS,
// e-mail, URI or IP), or where there is none the common name.  A leaf of several
// names, or of none, is an error: somebody would have to choose.  So is a name
// longer than 255 bytes or that cannot be printed.  A peer without a certificate,
// which only a server without a CA lets in, is "".
//
// A stream that is not TLS, or is TLS before 1.3 or with another protocol than
// petrichor/1, is an error.
func Identity(stream io.ReadWriteCloser) (string, error) {
	s, ok := stream.(secured)
	if !ok {
		return "", errors.New("petrichor: who a peer is can be known over TLS only")
	}
	if err := s.HandshakeContext(context.Background()); err != nil {
		return "", err
	}
	state := s.ConnectionState()
	if err := named(state); err != nil {
		return "", err
	}
	if len(state.PeerCertificates) == 0 {
		return "", nil
	}
	if len(state.VerifiedChains) == 0 {
		return "", ErrUnverified
	}
	return nameOf(state.VerifiedChains[0][0])
}

// nameOf is the only name in a certificate.
func nameOf(leaf *x509.Certificate) (string, error) {
	names := append(append([]string(nil), leaf.DNSNames...), leaf.EmailAddresses...)
	for _, uri := range leaf.URIs {
		names = append(names, uri.String())
	}
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		names = commonNames(leaf.Subject.Names)
	}
	if len(names) != 1 {
		return "", fmt.Errorf("petrichor: the peer's certificate has %d names: want one", len(names))
	}
	name := names[0]
	if name == "" || len(name) > maxName || !utf8.ValidString(name) || strings.ContainsFunc(name, unprintable) {
		return "", errors.New("petrichor: the peer's certificate has a name that cannot be printed")
	}
	return name, nil
}

// commonNames is all of them.  A subject may have several, of which pkix.Name's
// CommonName is the last and others' the first.
func commonNames(subject []pkix.AttributeTypeAndValue) (names []string) {
	for _, attribute := range subject {
		if name, ok := attribute.Value.(string); ok && attribute.Type.Equal(commonName) && name != "" {
			names = append(names, name)
		}
	}
	return names
}

// commonName is what X.520 calls it.
var commonName = asn1.ObjectIdentifier{2, 5, 4, 3}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// Agrees is nil where a header does not contradict an identity: where the value of
// key is that identity as a string, or key is not there.  A header that is
// malformed, or has the key twice, contradicts.  It is for Admit of a
// service.Server:
//
//	Admit: func(ctx context.Context, p *service.Peer) (service.Answer, error) {
//		if err := secure.Agrees(p.First.Header, "user", p.Identity); err != nil {
//			return service.Answer{}, err // denied, and logged
//		}
//		return service.Allow(nil, nil), nil
//	}
func Agrees(header petrichor.Raw, key, identity string) error {
	var claims map[string]petrichor.Raw
	if err := petrichor.Unmarshal(header, &claims); err != nil {
		return err
	}
	claim, made := claims[key]
	if !made {
		return nil
	}
	el, _, err := petrichor.Cut(claim)
	if err != nil || el.Kind != petrichor.KindString || string(el.Payload) != identity {
		return errors.New("petrichor: the header claims another identity than the certificate has")
	}
	return nil
}
