package service_test

// Row 44 of the limits: what a client says of its requests is compared with what the
// server has handled, over a network that resets, cuts, stalls, delays and slices, and
// under TLS also changes bytes, which without it nobody could notice.
//
//	PETRICHOR_HISTORY=N    requests in all; 1,000,000 otherwise, fewer with -short or -race
//	PETRICHOR_SEED=N       of the faults and of what is sent

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/petrichortest"
	"github.com/petrichor-protocol/petrichor/service"
)

const historyWorkers = 64

// What a worker has been told of a request.
const (
	acknowledged = iota + 1
	notSent
	unknown
)

// A stamp is the header of a request: who has sent it, and the how manieth of his it is.
type stamp struct {
	Worker int `tnet:"worker"`
	N      int `tnet:"n"`
}

// A handling is a request that a server has handled.
type handling struct{ connection, n int }

// A historian is a server that remembers.
type historian struct {
	plain       bool // knows nothing of ids
	connections atomic.Int64
	mu          sync.Mutex
	handled     [historyWorkers][]handling
}

func TestClientHistory(t *testing.T) {
	requests := historySize(t)
	seed := historySeed(t)
	t.Logf("%d requests, PETRICHOR_SEED=%d", requests, seed)
	faults := petrichortest.Faults{
		Seed: seed, Reset: 1 << 20, Cut: 1 << 20, HalfClose: 2 << 20, Stall: 16 << 20,
		Delay: 256 << 10, Slice: 64 << 10, MaxDelay: 2 * time.Millisecond,
	}
	corrupting := faults
	corrupting.Corrupt = 1 << 20
	for _, test := range []struct {
		name   string
		share  int // of the requests, in a hundred
		faults petrichortest.Faults
		plain  bool
		tls    bool
	}{
		{"ids", 40, faults, false, false},
		{"in order", 40, faults, true, false},
		{"tls", 20, corrupting, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := &historian{plain: test.plain}
			cfg := &service.ClientConfig{
				Reconnect: true, Attempts: 3, Ping: 200 * time.Millisecond, WriteTimeout: time.Second,
			}
			wrap := func(l net.Listener) net.Listener { return l }
			if test.tls {
				wrap, cfg.Dial = historyTLS(t)
			}
			told := h.run(t, wrap, cfg, test.faults, (requests*test.share+99)/100)
			h.compare(t, told)
		})
	}
}

func historySize(t *testing.T) int {
	if text := os.Getenv("PETRICHOR_HISTORY"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	switch {
	case testing.Short():
		return 20_000
	case withRace:
		return 100_000
	}
	return 1_000_000
}

func historySeed(t *testing.T) uint64 {
	text := os.Getenv("PETRICHOR_SEED")
	if text == "" {
		return 1 + rand.Uint64N(1<<32)
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

// run sends the requests of all workers and returns what each has been told.  When it
// returns the server has handled all that it will.
func (h *historian) run(t *testing.T, wrap func(net.Listener) net.Listener, cfg *service.ClientConfig,
	faults petrichortest.Faults, requests int,
) (told [historyWorkers][]byte) {
	addr, stop := h.listen(t, wrap)
	defer stop()
	proxy := petrichortest.NewProxy(t, addr, faults)
	c := historyDial(t, proxy.Addr(), cfg)
	defer c.Close()
	start := time.Now()
	var all sync.WaitGroup
	for w := range historyWorkers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(faults.Seed, uint64(w)))
			told[w] = make([]byte, 1, requests/historyWorkers+2) // N counts from 1
			for n := 1; n <= (requests+historyWorkers-1)/historyWorkers; n++ {
				told[w] = append(told[w], historyRequest(t, c, random, stamp{w, n}))
			}
		})
	}
	all.Wait()
	t.Logf("in %.1f s: %+v, %+v", time.Since(start).Seconds(), proxy.Counts(), c.Stats())
	return told
}

func historyDial(t *testing.T, addr string, cfg *service.ClientConfig) *service.Client {
	for range 100 { // the proxy may break this one too
		c, _, err := service.Dial(t.Context(), "tcp", addr, nil, nil, cfg)
		if err == nil {
			return c
		}
	}
	t.Fatal("no connection in 100 attempts")
	return nil
}

// historyRequest sends a request of random size, sometimes with little time for it, and
// returns what has been told of it.
func historyRequest(t *testing.T, c *service.Client, random *rand.Rand, s stamp) byte {
	limit := 20 * time.Second
	if random.IntN(100) == 0 {
		limit = time.Duration(random.IntN(2000)) * time.Microsecond
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	body := fmt.Sprint(s.Worker, " ", s.N, " ", string(make([]byte, random.IntN(100))))
	if random.IntN(2000) == 0 {
		body += string(make([]byte, 64<<10))
	}
	reply, err := c.Request(ctx, &s, body)
	switch {
	case errors.Is(err, service.ErrNotSent):
		return notSent
	case errors.Is(err, service.ErrMaybeHandled):
		return unknown
	case err != nil:
		t.Errorf("worker %d, request %d: %v", s.Worker, s.N, err)
		return unknown
	}
	var got string
	if err := petrichor.Unmarshal(reply.Body, &got); err != nil || got != body {
		t.Errorf("worker %d, request %d: answered with %.20q, %v", s.Worker, s.N, got, err)
	}
	return acknowledged
}

// listen serves, until stop is called and all connections have ended.
func (h *historian) listen(t *testing.T, wrap func(net.Listener) net.Listener) (addr string, stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for l := wrap(l); ; {
			stream, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { h.serve(stream) })
		}
	})
	return l.Addr().String(), func() {
		l.Close()
		all.Wait()
	}
}

// serve answers in order.  A connection that is silent for two seconds has ended.
func (h *historian) serve(stream net.Conn) {
	defer stream.Close()
	connection := int(h.connections.Add(1))
	stream.SetDeadline(time.Now().Add(2 * time.Second))
	c, _, err := petrichor.Accept(stream)
	if err != nil || c.Allow(nil, nil) != nil {
		return
	}
	for {
		stream.SetDeadline(time.Now().Add(2 * time.Second))
		f, err := c.Recv()
		if err != nil || h.handle(connection, f) != nil {
			return
		}
		var header any = &f.Header
		if h.plain {
			header = nil
		}
		if c.Queue(header, &f.Body) != nil {
			return
		}
	}
}

func (h *historian) handle(connection int, f petrichor.Frame) error {
	var s stamp
	if err := petrichor.Unmarshal(f.Header, &s); err != nil {
		return err
	}
	if s.N == 0 { // a ping
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.handled[s.Worker] = append(h.handled[s.Worker], handling{connection, s.N})
	return nil
}

// compare says what the workers have been told wrong.
func (h *historian) compare(t *testing.T, told [historyWorkers][]byte) {
	var counts [unknown + 1]int
	lost, twice, disowned, disorder := 0, 0, 0, 0
	for w, told := range told {
		times := make([]int, len(told))
		lastAcknowledged, last := 0, map[int]int{}
		for _, done := range h.handled[w] {
			times[done.n]++
			if done.n < last[done.connection] {
				disorder++
			}
			last[done.connection] = done.n
			if told[done.n] != acknowledged {
				continue
			}
			if done.n < lastAcknowledged {
				disorder++
			}
			lastAcknowledged = done.n
		}
		for n, what := range told[1:] {
			counts[what]++
			switch handled := times[n+1]; {
			case handled > 1:
				twice++
			case handled == 0 && what == acknowledged:
				lost++
			case handled == 1 && what == notSent:
				disowned++
			}
		}
	}
	t.Logf("%d acknowledged, %d not sent, %d unknown", counts[acknowledged], counts[notSent], counts[unknown])
	if lost+twice+disowned+disorder > 0 {
		t.Errorf("%d acknowledged and lost, %d handled twice, %d handled though not sent, %d out of order",
			lost, twice, disowned, disorder)
	}
	if counts[acknowledged] == 0 {
		t.Error("nothing was acknowledged")
	}
}

// historyTLS returns how to listen, and how to dial, with a certificate of its own.
func historyTLS(t *testing.T) (func(net.Listener) net.Listener, func(context.Context, string, string) (io.ReadWriteCloser, error)) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"history"}, NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(crand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	ours := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS13}
	theirs := &tls.Config{RootCAs: roots, ServerName: "history", MinVersion: tls.VersionTLS13}
	return func(l net.Listener) net.Listener { return tls.NewListener(l, ours) },
		func(ctx context.Context, network, addr string) (io.ReadWriteCloser, error) {
			stream, err := (&tls.Dialer{Config: theirs}).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return stream, nil
		}
}
