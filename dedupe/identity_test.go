package dedupe_test

// Rows 49 and 51 of the limits, from end to end: peers that have proved who they are, each
// with ids of its own, over TLS.

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/dedupe"
	"github.com/petrichor-protocol/petrichor/petrichortest"
	"github.com/petrichor-protocol/petrichor/secure"
	"github.com/petrichor-protocol/petrichor/service"
)

// An office charges cards for peers that have certificates.
type office struct {
	t    *testing.T
	dir  string // of certificates
	addr string

	mu      sync.Mutex
	charged []string // peer and body, in order
}

func newOffice(t *testing.T, clients ...string) *office {
	o := &office{t: t, dir: filepath.Join(t.TempDir(), "certs")}
	if _, err := (secure.Dev{Clients: clients}).Write(o.dir); err != nil {
		t.Fatal(err)
	}
	l, err := secure.Listen("tcp", "127.0.0.1:0", o.keys("server"))
	if err != nil {
		t.Fatal(err)
	}
	o.addr = l.Addr().String()
	s := &service.Server{
		Identify: secure.Identity, HandlersPerConn: 8,
		Handle: dedupe.Handler(&dedupe.Window{}, o.charge), // nobody anonymous
	}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return o
}

func (o *office) keys(name string) *secure.Credentials {
	at := func(file string) string { return filepath.Join(o.dir, file) }
	c, err := secure.Load(secure.Files{CA: at("ca.pem"), Cert: at(name + ".pem"), Key: at(name + ".key")})
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

// charge answers with who has been charged for, and how many had been before.
func (o *office) charge(_ context.Context, req *service.Request) (header, body any, err error) {
	var card string
	if err := req.Body(&card); err != nil {
		return nil, nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.charged = append(o.charged, req.Peer.Identity+" "+card)
	return petrichor.Header{"for": req.Peer.Identity}, len(o.charged), nil
}

// client connects as name, by way of addr.
func (o *office) client(name, addr string, cfg service.ClientConfig) *service.Client {
	o.t.Helper()
	keys := o.keys(name)
	cfg.Dial = func(ctx context.Context, network, addr string) (io.ReadWriteCloser, error) {
		return keys.DialName(ctx, network, addr, "localhost")
	}
	var err error
	for range 100 { // what is on the way may break this too
		var c *service.Client
		if c, _, err = service.Dial(o.t.Context(), "tcp", addr, nil, nil, &cfg); err == nil {
			o.t.Cleanup(func() { c.Close() })
			return c
		}
	}
	o.t.Fatal(err)
	return nil
}

func TestLimit49TheSameIDOfTwoIdentities(t *testing.T) {
	o := newOffice(t, "zed", "mary")
	ask := func(c *service.Client, want string) {
		t.Helper()
		header := petrichor.Header{"once": "k1", "user": "mary"} // what a header says of it does not count
		f, err := c.Request(t.Context(), header, "card")
		if name, _ := f.Header.Get("for"); err != nil || string(name)+string(f.Body) != want {
			t.Errorf("%s%s, %v; want %s", f.Header, f.Body, err, want)
		}
	}
	const forZed, forMary = "3:zed,1:1#", "4:mary,1:2#"
	zed, mary := o.client("zed", o.addr, service.ClientConfig{}), o.client("mary", o.addr, service.ClientConfig{})
	ask(zed, forZed)
	ask(mary, forMary)
	ask(zed, forZed)
	zed.Close()
	ask(o.client("zed", o.addr, service.ClientConfig{}), forZed) // it is who asks, not the connection
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { ask(o.client("mary", o.addr, service.ClientConfig{}), forMary) })
	}
	all.Wait()
	if want := []string{"zed card", "mary card"}; !slices.Equal(o.charged, want) {
		t.Errorf("charged %q; want %q", o.charged, want)
	}
}

// Two that use the same ids, and lose their connections again and again, are each charged
// once for each of them.
func TestLimit49TwoIdentitiesOverAFaultyNetwork(t *testing.T) {
	const requests = 100 // in a round
	o := newOffice(t, "zed", "mary")
	proxy := petrichortest.NewProxy(t, o.addr, petrichortest.Faults{Reset: 16 << 10, Cut: 32 << 10, Delay: 16 << 10, MaxDelay: 2 * time.Millisecond})
	clients := map[string]*service.Client{}
	for _, name := range []string{"zed", "mary"} {
		clients[name] = o.client(name, proxy.Addr(), service.ClientConfig{Reconnect: true, Attempts: 100, Ping: 200 * time.Millisecond})
	}
	rounds := 0
	for ; rounds == 0 || rounds < 50 && proxy.Counts().Reset+proxy.Counts().Cut == 0; rounds++ {
		var all sync.WaitGroup
		for name, c := range clients {
			for i := range requests {
				all.Go(func() {
					once, card := fmt.Sprintf("k%d.%d", rounds, i), fmt.Sprintf("card %d.%d", rounds, i)
					f, err := dedupe.Request(t.Context(), c, petrichor.Header{"once": once}, card)
					if value, _ := f.Header.Get("for"); err != nil || string(value) != fmt.Sprintf("%d:%s,", len(name), name) {
						t.Errorf("%s, request %s: %s, %v", name, once, f.Header, err)
					}
				})
			}
		}
		all.Wait()
	}
	slices.Sort(o.charged)
	if once := slices.Compact(slices.Clone(o.charged)); len(o.charged) != 2*requests*rounds || len(once) != len(o.charged) {
		t.Errorf("charged %d times, for %d; want %d", len(o.charged), len(once), 2*requests*rounds)
	}
	if n := proxy.Counts(); n.Reset+n.Cut == 0 {
		t.Errorf("no connection was broken: %+v", n)
	}
}
