package secure

// A CA for development.  Its key signs a certificate for a server and one for each
// client and is forgotten, so that no key lies around by which somebody could be
// anybody.  More names need a new CA.

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Dev says what Write makes.
type Dev struct {
	Hosts   []string      // names and IP addresses of the server; none is localhost, 127.0.0.1 and ::1
	Clients []string      // what the clients are called; none is one called client
	Life    time.Duration // 0 is 30 days
}

// Write makes a CA and certificates of it, and writes them into dir, which it
// makes if need be: ca.pem, server.pem and server.key, and for each client
// NAME.pem and NAME.key.  It returns their paths.  Only the owner may read them.  A
// file that is there already is an error.
//
// It is for development: nothing is revoked, and nothing renewed.
func (d Dev) Write(dir string) ([]string, error) {
	d.defaults()
	if err := d.check(); err != nil {
		return nil, err
	}
	files, err := d.make()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var paths []string
	for _, file := range files {
		path := filepath.Join(dir, file.name)
		if err := writeNew(path, file.block); err != nil {
			return paths, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

func (d *Dev) defaults() {
	if len(d.Hosts) == 0 {
		d.Hosts = []string{"localhost", "127.0.0.1", "::1"}
	}
	if len(d.Clients) == 0 {
		d.Clients = []string{"client"}
	}
	if d.Life == 0 {
		d.Life = 30 * 24 * time.Hour
	}
}

// check reports names of which no file can be made, or that have one already.
func (d *Dev) check() error {
	if d.Life < 0 {
		return errors.New("petrichor: a certificate cannot live for a negative time")
	}
	taken := map[string]bool{"ca": true, "server": true}
	for _, name := range d.Clients {
		file := strings.ToLower(name) // some file systems make no difference
		if taken[file] || !filepath.IsLocal(name) || strings.ContainsAny(name, `/\:`) || strings.HasPrefix(name, ".") {
			return fmt.Errorf("petrichor: client %q: want a file name of its own", name)
		}
		taken[file] = true
	}
	return nil
}

// A devFile is a file to be written.
type devFile struct {
	name  string
	block *pem.Block
}

// An issuer signs certificates.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	life time.Duration
}

func (d *Dev) make() ([]devFile, error) {
	ca := &issuer{life: d.Life}
	root := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "petrichor development CA"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, key, err := ca.issue(root)
	if err != nil {
		return nil, err
	}
	if ca.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	ca.key = key
	files := []devFile{{"ca.pem", certBlock(der)}}
	server := &x509.Certificate{Subject: pkix.Name{CommonName: d.Hosts[0]}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, host := range d.Hosts {
		addHost(server, host)
	}
	if files, err = ca.leaf(files, "server", server); err != nil {
		return nil, err
	}
	for _, name := range d.Clients {
		client := &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
		if files, err = ca.leaf(files, name, client); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func addHost(cert *x509.Certificate, host string) {
	if ip := net.ParseIP(host); ip != nil {
		cert.IPAddresses = append(cert.IPAddresses, ip)
		return
	}
	cert.DNSNames = append(cert.DNSNames, host)
}

// leaf adds the two files of a certificate.
func (ca *issuer) leaf(files []devFile, name string, cert *x509.Certificate) ([]devFile, error) {
	cert.KeyUsage = x509.KeyUsageDigitalSignature
	cert.BasicConstraintsValid = true
	der, key, err := ca.issue(cert)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(files,
		devFile{name + ".pem", certBlock(der)},
		devFile{name + ".key", &pem.Block{Type: "PRIVATE KEY", Bytes: secret}}), nil
}

func certBlock(der []byte) *pem.Block { return &pem.Block{Type: "CERTIFICATE", Bytes: der} }

// issue signs a certificate for a new key; the first is signed by itself.
func (ca *issuer) issue(cert *x509.Certificate) (der []byte, key *ecdsa.PrivateKey, err error) {
	key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	cert.NotBefore = now.Add(-5 * time.Minute) // the clocks of others
	cert.NotAfter = now.Add(ca.life)
	parent, signer := ca.cert, ca.key
	if parent == nil {
		parent, signer = cert, key
	}
	der, err = x509.CreateCertificate(rand.Reader, cert, parent, key.Public(), signer)
	return der, key, err
}

// writeNew writes a file that is not there yet.
func writeNew(path string, block *pem.Block) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = pem.Encode(file, block)
	return errors.Join(err, file.Close())
}
