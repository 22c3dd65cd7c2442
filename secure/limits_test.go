package secure

// Rows 50 and 51 of the limits: what an attacker can do to the handshake, and to
// who he is taken for.  Row 32: what a handshake that never ends costs.

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A server that is not what the client wants gets 0 application bytes.
func TestLimit50Client(t *testing.T) {
	ca, other := newCA(), newCA()
	good := ca.sign(forLoopback)
	tls13 := func(p PEM, protocols ...string) *tls.Config {
		return &tls.Config{Certificates: p.pair(), NextProtos: protocols}
	}
	tls12 := tls13(good, Protocol)
	tls12.MaxVersion = tls.VersionTLS12
	for _, c := range []struct {
		name   string
		server *tls.Config
		want   string // "" is to be let in
	}{
		{"as it should be", tls13(good, Protocol), ""},
		{"downgrade", tls12, "protocol version"},
		{"wrong name", tls13(ca.sign(func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 2)} }), Protocol), "not 127.0.0.1"},
		{"no name", tls13(ca.sign(called("127.0.0.1")), Protocol), "legacy Common Name"},
		{"expired", tls13(ca.sign(func(c *x509.Certificate) { forLoopback(c); c.NotAfter = time.Now().Add(-time.Hour) }), Protocol), "expired"},
		{"other CA", tls13(other.sign(forLoopback), Protocol), "unknown authority"},
		{"a client's certificate", tls13(ca.sign(func(c *x509.Certificate) {
			forLoopback(c)
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}), Protocol), "incompatible key usage"},
		{"other protocol", tls13(good, "h2"), "no application protocol"},
		{"no protocol", tls13(good), ErrProtocol.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr, got := stranger(t, c.server)
			client := fixed(PEM{}.with(ca))
			conn, err := client.Dial(t.Context(), "tcp", addr)
			if err == nil {
				io.WriteString(conn, "hello")
				conn.Close()
			}
			switch bytes := <-got; {
			case c.want == "" && (err != nil || bytes != "hello"):
				t.Errorf("%v, %q", err, bytes)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v; want %s", err, c.want)
			case c.want != "" && bytes != "":
				t.Errorf("it has sent %q", bytes)
			}
		})
	}
}

// A client that is not what the server wants has 0 frames handled.
func TestLimit50Server(t *testing.T) {
	w := newWorld(t)
	other := newCA()
	zed := w.ca.sign(called("zed"))
	config := func(p PEM) *tls.Config {
		return &tls.Config{GetClientCertificate: always(p), NextProtos: []string{Protocol}, RootCAs: w.ca.pool(), ServerName: "127.0.0.1"}
	}
	tls12 := config(zed)
	tls12.MaxVersion = tls.VersionTLS12
	h2, none := config(zed), config(zed)
	h2.NextProtos, none.NextProtos = []string{"h2", "http/1.1"}, nil
	nobody := config(zed)
	nobody.GetClientCertificate = nil
	for _, c := range []struct {
		name   string
		client *tls.Config
	}{
		{"downgrade", tls12},
		{"other protocol", h2},
		{"no protocol", none},
		{"no certificate", nobody},
		{"other CA", config(other.sign(called("zed")))},
		{"expired", config(w.ca.sign(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }))},
		{"a server's certificate", config(w.ca.sign(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] }))},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := w.raw(c.client); err == nil {
				t.Error("it has been answered")
			}
			w.nothingHandled()
		})
	}
	if err := w.raw(config(zed)); err != nil {
		t.Errorf("as it should be: %v", err)
	}
}

// Plain text on a TLS port: the server handles nothing, and a client that expects
// TLS sends nothing but a hello to a server that does not speak it.
func TestLimit50PlainText(t *testing.T) {
	w := newWorld(t)
	for _, text := range []string{"0:}0:~0:}5:hello,", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "SSH-2.0-x\r\n", "\x00", "\xff\xff\xff\xff\xff"} {
		c := try(net.Dial("tcp", w.addr))
		io.WriteString(c, text)
		c.(*net.TCPConn).CloseWrite()
		got, _ := io.ReadAll(c)
		c.Close()
		if strings.Contains(string(got), "allowed") {
			t.Errorf("%q is answered %q", text, got)
		}
		w.nothingHandled()
	}
	l := try(net.Listen("tcp", "127.0.0.1:0"))
	defer l.Close()
	sent := make(chan string, 1)
	go func() {
		c := try(l.Accept())
		io.WriteString(c, "0:}0:~")
		b, _ := io.ReadAll(c)
		c.Close()
		sent <- string(b)
	}()
	_, _, err := Connect(t.Context(), "tcp", l.Addr().String(), w.client("zed"), petrichor.Header{"password": "secret"}, nil)
	if got := <-sent; err == nil || strings.Contains(got, "secret") {
		t.Errorf("%v, and the client has sent %q", err, got)
	}
}

// A configuration that is told not to verify connects to nobody.
func TestLimit50NoSwitch(t *testing.T) {
	w := newWorld(t)
	config := w.client("zed").Client("127.0.0.1")
	config.InsecureSkipVerify = true
	if err := w.raw(config); !errors.Is(err, ErrUnverified) {
		t.Errorf("a client: %v", err)
	}
	w.nothingHandled()
	if err := tls.Client(nil, w.client("zed").Client("")).Handshake(); err == nil || !strings.Contains(err.Error(), "ServerName") {
		t.Errorf("a client without a name to verify: %v", err)
	}
	if _, err := Listen("tcp", "127.0.0.1:0", w.client("")); err != nil {
		t.Error(err)
	}
	for _, c := range []*Credentials{nil, fixed(PEM{}), fixed(PEM{}.with(w.ca))} {
		if _, err := Listen("tcp", "127.0.0.1:0", c); err != ErrNoCertificate {
			t.Errorf("a server without a certificate: %v", err)
		}
	}
	lax := w.server.now().serverConfig()
	lax.ClientAuth = tls.RequireAnyClientCert
	ours, theirs := net.Pipe()
	defer ours.Close()
	client := w.client("zed").Client("127.0.0.1")
	client.GetClientCertificate = always(newCA().sign(called("zed")))
	go func() {
		c := tls.Client(theirs, client)
		c.Handshake()
		io.Copy(io.Discard, c)
	}()
	if err := tls.Server(ours, lax).Handshake(); !errors.Is(err, ErrUnverified) {
		t.Errorf("a server: %v", err)
	}
}

// always shows a certificate, also to a server that has not asked for one of its CA.
func always(p PEM) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &p.pair()[0], nil }
}

// Who a peer is comes from its certificate; a header that says otherwise is denied.
func TestLimit51Header(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name   string
		header petrichor.Header
		want   string
	}{
		{"says nothing", nil, "29:7:allowed,4:true!3:you,3:zed,}0:~"},
		{"says so", petrichor.Header{"user": "zed"}, "29:7:allowed,4:true!3:you,3:zed,}0:~"},
		{"another", petrichor.Header{"user": "eve"}, ""},
		{"longer", petrichor.Header{"user": "zed\x00"}, ""},
		{"other case", petrichor.Header{"user": "Zed"}, ""},
		{"another kind", petrichor.Header{"user": []string{"zed"}}, ""},
		{"nobody", petrichor.Header{"user": nil}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := w.connect(w.client("zed"), c.header)
			if err != nil || c.want != "" && got != c.want || c.want == "" && !strings.Contains(got, "7:allowed,5:false!") {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
	if err := Agrees(petrichor.Raw("22:4:user,3:eve,4:user,3:zed,}"), "user", "zed"); err == nil {
		t.Error("the key twice agrees")
	}
	if err := Agrees(petrichor.Raw("11:4:user,3:zed}"), "user", "zed"); err == nil {
		t.Error("a malformed header agrees")
	}
}

// A certificate that is shown without its key is worth nothing.
func TestLimit51NotProven(t *testing.T) {
	w := newWorld(t)
	victim, eve := w.ca.sign(called("zed")), w.ca.sign(called("eve"))
	stolen := victim.pair()[0]
	stolen.PrivateKey = eve.pair()[0].PrivateKey // crypto/tls does not look
	err := w.raw(&tls.Config{Certificates: []tls.Certificate{stolen}, NextProtos: []string{Protocol}, RootCAs: w.ca.pool(), ServerName: "127.0.0.1"})
	if err == nil {
		t.Error("it has been answered")
	}
	w.nothingHandled()
}

// A session ticket dies with the CA set that let its owner in: so does what a
// client remembers of a server.
func TestLimit51Resumption(t *testing.T) {
	w := newWorld(t)
	zed := w.client("zed")
	resumed := func() (bool, error) {
		c, err := zed.Dial(t.Context(), "tcp", w.addr)
		if err != nil {
			return false, err
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(5 * time.Second))
		io.WriteString(c, "0:}0:~")
		_, err = io.ReadFull(c, make([]byte, len("29:7:allowed,4:true!3:you,3:zed,}0:~"))) // the ticket comes before
		return c.(*tls.Conn).ConnectionState().DidResume, err
	}
	for i, want := range []bool{false, true, true} {
		if got, err := resumed(); got != want || err != nil {
			t.Fatalf("connection %d: resumed %v, %v", i, got, err)
		}
	}
	w.set(w.ca.sign(forLoopback).with(w.ca)) // a new certificate, the same CA
	if changed, err := w.server.Reload(); !changed || err != nil {
		t.Fatal(changed, err)
	}
	if got, err := resumed(); got || err != nil {
		t.Errorf("after a new certificate: resumed %v, %v", got, err)
	}
	if got, err := resumed(); !got || err != nil {
		t.Errorf("once more: resumed %v, %v", got, err)
	}
	p := w.ca.sign(forLoopback)
	w.set(p.with(newCA()))
	if changed, err := w.server.Reload(); !changed || err != nil {
		t.Fatal(changed, err)
	}
	before := w.admitted.Load()
	if got, err := resumed(); got || err == nil {
		t.Errorf("after a new CA: resumed %v, %v", got, err)
	}
	if got := w.admitted.Load(); got != before {
		t.Errorf("%d first frames admitted", got-before)
	}
}

// A name that is not one name, or cannot be printed, is nobody's.
func TestLimit51Names(t *testing.T) {
	link := try(url.Parse("spiffe://x/zed"))
	for _, c := range []struct {
		name   string
		change func(*x509.Certificate)
		want   string // "" is an error
	}{
		{"common name", called("zed"), "zed"},
		{"DNS beside a common name", func(c *x509.Certificate) { called("eve")(c); c.DNSNames = []string{"zed"} }, "zed"},
		{"two common names", func(c *x509.Certificate) {
			called("zed")(c)
			c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: commonName, Value: "zed"}, {Type: commonName, Value: "eve"}}
		}, ""},
		{"a common name by its number", func(c *x509.Certificate) {
			c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: commonName, Value: "zed"}}
		}, "zed"},
		{"e-mail", func(c *x509.Certificate) { c.EmailAddresses = []string{"zed@x"} }, "zed@x"},
		{"URI", func(c *x509.Certificate) { c.URIs = []*url.URL{link} }, "spiffe://x/zed"},
		{"IP", forLoopback, "127.0.0.1"},
		{"two", func(c *x509.Certificate) { c.DNSNames = []string{"zed", "eve"} }, ""},
		{"two kinds", func(c *x509.Certificate) { c.DNSNames = []string{"zed"}; c.URIs = []*url.URL{link} }, ""},
		{"none", func(*x509.Certificate) {}, ""},
		{"an empty one", func(c *x509.Certificate) { c.EmailAddresses = []string{""} }, ""},
		{"IPv6, in its one spelling", func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.ParseIP("2001:DB8:0:0:0:0:0:1")} }, "2001:db8::1"},
		{"zero byte", called("zed\x00"), ""},
		{"newline", called("zed\nadmin"), ""},
		{"bidi", called("zed\u202e"), ""},
		{"long", called(strings.Repeat("z", maxName+1)), ""},
		{"longest", called(strings.Repeat("z", maxName)), strings.Repeat("z", maxName)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newCA().sign(c.change)
			got, err := nameOf(try(certificates(p.Cert))[0])
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// A peer that never finishes its handshake is cut after 5 seconds, at whatever
// place it stops.
func TestLimit32Handshake(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 5 seconds")
	}
	w := newWorld(t)
	hello := clientHello(w.client("zed"))
	var began []time.Time
	var silent []net.Conn
	for _, sent := range []string{"", hello[:1], hello[:len(hello)/2], hello} {
		c := try(net.Dial("tcp", w.addr))
		defer c.Close()
		began = append(began, time.Now())
		silent = append(silent, c)
		io.WriteString(c, sent)
	}
	finished := try(w.client("zed").Dial(t.Context(), "tcp", w.addr)) // and no first frame
	defer finished.Close()
	began, silent = append(began, time.Now()), append(silent, finished)
	for i, c := range silent {
		c.SetDeadline(began[i].Add(8 * time.Second))
		io.Copy(io.Discard, c)
		if took := time.Since(began[i]); took < 4500*time.Millisecond || took > 5500*time.Millisecond {
			t.Errorf("peer %d: cut after %v", i, took)
		}
	}
	for range silent {
		w.nothingHandled()
	}
}

// clientHello is the first record of a client.
func clientHello(c *Credentials) string {
	ours, theirs := net.Pipe()
	go func() {
		tls.Client(theirs, c.Client("127.0.0.1")).Handshake()
		theirs.Close()
	}()
	b := make([]byte, 4096)
	n := try(ours.Read(b))
	ours.Close()
	return string(b[:n])
}
