package secure

import (
	"context"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Files are read again; what is broken is reported once, and what was is kept.
func TestWatch(t *testing.T) {
	ca := newCA()
	first, second := ca.sign(forLoopback).with(ca), ca.sign(forLoopback).with(ca)
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // of the next three
		now, failure := first, error(nil)
		var told []string
		c := try(New(func() (PEM, error) {
			mu.Lock()
			defer mu.Unlock()
			return now, failure
		}))
		ctx, stop := context.WithCancel(t.Context())
		watching := make(chan struct{})
		go func() {
			defer close(watching)
			c.Watch(ctx, time.Minute, func(err error) {
				what := "changed"
				if err != nil {
					what = err.Error()
				}
				mu.Lock()
				defer mu.Unlock()
				told = append(told, what)
			})
		}()
		step := func(p PEM, err error, uses PEM, want ...string) {
			t.Helper()
			mu.Lock()
			now, failure, told = p, err, nil
			mu.Unlock()
			time.Sleep(3 * time.Minute)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if strings.Join(told, "; ") != strings.Join(want, "; ") {
				t.Errorf("told %q, want %q", told, want)
			}
			if !c.now().read.equal(uses) {
				t.Error("it uses something else")
			}
		}
		half := second
		half.Key = first.Key // one of two files has been written
		cut := second
		cut.CA = append(second.CA, second.CA[:len(second.CA)/2]...)
		step(first, nil, first)
		step(half, nil, first, "petrichor: certificate and key: tls: private key does not match public key")
		step(second, nil, second, "changed")
		step(PEM{}, errors.New("gone"), second, "gone")
		step(second, nil, second)
		step(first, errors.New("gone"), second, "gone")
		step(cut, nil, second, "petrichor: certificates of the CA: 1 whole certificates in PEM, and something else")
		step(first, nil, first, "changed")
		stop()
		<-watching
	})
}

// New connections are served with the new certificate, by the same listener.
func TestReload(t *testing.T) {
	w := newWorld(t)
	zed := w.client("zed")
	serial := func() string {
		c := try(zed.Dial(t.Context(), "tcp", w.addr))
		defer c.Close()
		return c.(secured).ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	before := serial()
	w.set(w.ca.sign(forLoopback).with(w.ca))
	if serial() != before {
		t.Error("it has been read before its time")
	}
	if changed, err := w.server.Reload(); !changed || err != nil {
		t.Fatal(changed, err)
	}
	if serial() == before {
		t.Error("it is the old one")
	}
}

// What cannot be used is refused at once, with a reason.
func TestLoad(t *testing.T) {
	ca := newCA()
	p := ca.sign(forLoopback)
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, key, cas := write("cert", p.Cert), write("key", p.Key), write("ca", ca.pem())
	other := write("other", ca.sign(forLoopback).Key)
	half := write("half", p.Cert[:len(p.Cert)/2])
	text := write("text", []byte("hello"))
	old := ca.sign(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	oldCert, oldKey := write("oldcert", old.Cert), write("oldkey", old.Key)
	for _, c := range []struct {
		files Files
		want  string
	}{
		{Files{cas, cert, key}, ""},
		{Files{CA: cas}, ""},
		{Files{}, ""},
		{Files{CA: filepath.Join(dir, "none")}, "no such file"},
		{Files{CA: text}, "0 whole certificates"},
		{Files{CA: key}, "0 whole certificates"},
		{Files{CA: half}, "0 whole certificates"},
		{Files{Cert: cert}, "failed to find any PEM data in key"},
		{Files{Key: key}, "0 whole certificates"},
		{Files{Cert: cert, Key: other}, "does not match"},
		{Files{Cert: half, Key: key}, "0 whole certificates"},
		{Files{Cert: oldCert, Key: oldKey}, "has expired"},
	} {
		_, err := Load(c.files)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v; want %q", c.files, err, c.want)
		}
	}
}

// The key of session tickets lives for a day.
func TestTicketKeys(t *testing.T) {
	ca := newCA()
	g := fixed(ca.sign(func(c *x509.Certificate) { forLoopback(c); c.NotAfter = time.Now().AddDate(1, 0, 0) })).now()
	g.forClient()
	first := g.renewed
	g.forClient()
	if g.renewed != first {
		t.Error("a new key for each connection")
	}
	g.renewed = first.Add(-ticketLife - time.Second)
	g.forClient()
	if g.renewed.Before(first) {
		t.Error("the same key after a day")
	}
}
