package redis_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/dedupe"
	"github.com/petrichor-protocol/petrichor/service"
	"github.com/petrichor-protocol/petrichor/x/redis"
	goredis "github.com/redis/go-redis/v9"
)

var update = flag.Bool("update", false, "measure anew the table in docs/dedupe.md")

// server starts a Redis of its own, and returns a client of it.
func server(t testing.TB, args ...string) *goredis.Client {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("needs redis-server: the store is tested against a real one")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	cmd := exec.Command(program, append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir()}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	c := goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:" + port})
	t.Cleanup(func() { c.Close() })
	for deadline := time.Now().Add(10 * time.Second); c.Ping(t.Context()).Err() != nil; {
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not answer")
		}
	}
	return c
}

func reply(text string) petrichor.Frame {
	return petrichor.Frame{Header: petrichor.Raw("0:}"), Body: petrichor.Append(nil, petrichor.KindString, []byte(text))}
}

func TestClaimedOnceByManyMachines(t *testing.T) {
	c := server(t)
	stores := []*redis.Store{{Client: c}, {Client: c}, {Client: c}}
	for i := range 20 {
		var claimed, answered atomic.Int32
		var all sync.WaitGroup
		key := dedupe.Key{Peer: "a", ID: fmt.Sprint(i)}
		for n := range 30 {
			all.Go(func() {
				store := stores[n%len(stores)]
				f, mine, err := store.Claim(t.Context(), key, dedupe.Digest{1})
				switch {
				case err != nil:
					t.Error(err)
				case mine:
					claimed.Add(1)
					if err := store.Keep(t.Context(), key, dedupe.Digest{1}, reply("done")); err != nil {
						t.Error(err)
					}
				case string(f.Body) == "4:done,":
					answered.Add(1)
				}
			})
		}
		all.Wait()
		if claimed.Load() != 1 || answered.Load() != 29 {
			t.Fatalf("claimed %d times, answered %d times", claimed.Load(), answered.Load())
		}
	}
}

func TestWhatIsKept(t *testing.T) {
	s := &redis.Store{Client: server(t), For: time.Second, Wait: 50 * time.Millisecond, MaxReply: 1000}
	one, other := dedupe.Digest{1}, dedupe.Digest{2}
	claim := func(id string, request dedupe.Digest) (string, bool, error) {
		f, claimed, err := s.Claim(t.Context(), dedupe.Key{Peer: "a", ID: id}, request)
		return string(f.Body), claimed, err
	}
	keep := func(id string, f petrichor.Frame) {
		t.Helper()
		if _, claimed, err := claim(id, one); !claimed || err != nil {
			t.Fatal(id, claimed, err)
		}
		if err := s.Keep(t.Context(), dedupe.Key{Peer: "a", ID: id}, one, f); err != nil {
			t.Fatal(err)
		}
	}
	keep("reply", reply("x"))
	keep("silent", petrichor.Frame{})
	keep("large", reply(string(make([]byte, 1000))))
	claim("pending", one)
	for _, test := range []struct {
		id   string
		body string
		err  error
	}{{"reply", "1:x,", nil}, {"silent", "", nil}, {"large", "", dedupe.ErrNotKept}, {"pending", "", dedupe.ErrPending}} {
		if body, claimed, err := claim(test.id, one); body != test.body || claimed || err != test.err {
			t.Errorf("%s: %q, %v, %v", test.id, body, claimed, err)
		}
		if _, claimed, err := claim(test.id, other); claimed || err != dedupe.ErrDifferent {
			t.Errorf("%s, of another request: %v, %v", test.id, claimed, err)
		}
	}
	if _, claimed, err := s.Claim(t.Context(), dedupe.Key{Peer: "b", ID: "reply"}, one); !claimed || err != nil {
		t.Errorf("another peer: %v, %v", claimed, err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if _, claimed, err := claim("reply", one); claimed && err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it is never forgotten")
		}
	}
}

// lossy loses what is read next, and is closed then, once it has been told to.
type lossy struct {
	net.Conn
	lose *atomic.Bool
}

func (l lossy) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if err == nil && l.lose.CompareAndSwap(true, false) {
		l.Close()
		return 0, io.EOF
	}
	return n, err
}

// The client asks again when an answer is lost, and then finds the claim that it has made.
func TestAnswerIsLost(t *testing.T) {
	var lose atomic.Bool
	addr := server(t).Options().Addr
	c := goredis.NewClient(&goredis.Options{Addr: addr, Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		return lossy{conn, &lose}, err
	}})
	defer c.Close()
	s := &redis.Store{Client: c, Wait: 500 * time.Millisecond}
	key, request := dedupe.Key{Peer: "a", ID: "1"}, dedupe.Digest{1}
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	lose.Store(true)
	if _, claimed, err := s.Claim(t.Context(), key, request); !claimed || err != nil || lose.Load() {
		t.Fatalf("claimed %v, %v; want it claimed, with the answer lost", claimed, err)
	}
	if _, claimed, err := s.Claim(t.Context(), key, request); claimed || err != dedupe.ErrPending {
		t.Errorf("by another: claimed %v, %v; want %v", claimed, err, dedupe.ErrPending)
	}
	lose.Store(true)
	if err := s.Keep(t.Context(), key, request, reply("done")); err != nil || lose.Load() {
		t.Fatal(err)
	}
	if f, claimed, err := s.Claim(t.Context(), key, request); claimed || err != nil || string(f.Body) != "4:done," {
		t.Errorf("after it is done: %s, claimed %v, %v", f.Body, claimed, err)
	}
}

// Machines of the version before and of this one share a store: a claim begins as it did
// then, when it was all there was.
func TestClaimOfTheVersionBefore(t *testing.T) {
	c := server(t)
	s := &redis.Store{Client: c, Wait: 50 * time.Millisecond}
	key, request := dedupe.Key{Peer: "a", ID: "1"}, dedupe.Digest{1}
	if _, claimed, err := s.Claim(t.Context(), key, request); !claimed || err != nil {
		t.Fatal(claimed, err)
	}
	keys := c.Keys(t.Context(), "petrichor:once:*").Val()
	if len(keys) != 1 {
		t.Fatalf("%d keys; want 1", len(keys))
	}
	before := append([]byte{'p'}, request[:]...)
	if now, err := c.Get(t.Context(), keys[0]).Bytes(); err != nil || !bytes.HasPrefix(now, before) {
		t.Fatalf("%q, %v; want it to begin with %q", now, err, before)
	}
	if err := c.Set(t.Context(), keys[0], before, time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	if _, claimed, err := s.Claim(t.Context(), key, request); claimed || err != dedupe.ErrPending {
		t.Errorf("claimed %v, %v; want %v", claimed, err, dedupe.ErrPending)
	}
	if _, claimed, err := s.Claim(t.Context(), key, dedupe.Digest{2}); claimed || err != dedupe.ErrDifferent {
		t.Errorf("another request: claimed %v, %v; want %v", claimed, err, dedupe.ErrDifferent)
	}
}

// When Redis is full a request is refused and not handled.
func TestFullMeansRefuse(t *testing.T) {
	s := &redis.Store{Client: server(t, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction")}
	for i := range 100_000 {
		key := dedupe.Key{Peer: "a", ID: fmt.Sprint(i)}
		_, claimed, err := s.Claim(t.Context(), key, dedupe.Digest{})
		if err == dedupe.ErrFull {
			return
		}
		if err != nil || !claimed {
			t.Fatal(claimed, err)
		}
		s.Keep(t.Context(), key, dedupe.Digest{}, reply(strings.Repeat("x", 10_000)))
	}
	t.Error("it is never full")
}

func TestRedisIsGone(t *testing.T) {
	c := server(t)
	s := &redis.Store{Client: c}
	c.Close()
	if _, claimed, err := s.Claim(t.Context(), dedupe.Key{Peer: "a", ID: "1"}, dedupe.Digest{}); claimed || err == nil {
		t.Error(claimed, err)
	}
}

// Two servers that share a store handle a request once.
func TestTwoServers(t *testing.T) {
	c := server(t)
	var handled atomic.Int32
	charge := func(context.Context, *service.Request) (header, body any, err error) {
		return nil, handled.Add(1), nil
	}
	for range 2 {
		s := &service.Server{Handle: dedupe.Handler(&redis.Store{Client: c}, charge, dedupe.Options{Anonymous: true})}
		ours, theirs := net.Pipe()
		go s.ServeStream(theirs)
		conn := petrichor.NewConn(ours)
		conn.Request(nil, nil)
		f, err := conn.Request(petrichor.Header{"once": "k1"}, "card")
		if err != nil || !bytes.Equal(f.Body, []byte("1:1#")) {
			t.Errorf("%s %s, %v", f.Header, f.Body, err)
		}
		conn.Close()
		s.Close()
	}
}

func BenchmarkClaim(b *testing.B) {
	s := &redis.Store{Client: server(b)}
	var n atomic.Int64
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			key := dedupe.Key{Peer: "bench", ID: fmt.Sprint(n.Add(1))}
			s.Claim(b.Context(), key, dedupe.Digest{})
			s.Keep(b.Context(), key, dedupe.Digest{}, reply("ok"))
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "claims/s")
}

const (
	page  = "../../docs/dedupe.md"
	begin = "<!-- measured: go test -C x/redis -run TestTable -update -->\n"
	end   = "<!-- end of what is measured -->\n"
)

// claims counts how many requests many goroutines can have claimed and kept in a second.
func claims(t *testing.T, s dedupe.Store, goroutines int) int {
	var n atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for range goroutines {
		all.Go(func() {
			for time.Since(start) < time.Second {
				key := dedupe.Key{Peer: "table", ID: fmt.Sprint(n.Add(1))}
				if _, _, err := s.Claim(t.Context(), key, dedupe.Digest{}); err != nil {
					t.Error(err)
					return
				}
				s.Keep(t.Context(), key, dedupe.Digest{}, reply("ok"))
			}
		})
	}
	all.Wait()
	return int(float64(n.Load()) / time.Since(start).Seconds())
}

func TestTable(t *testing.T) {
	c := server(t)
	table := "\n| requests claimed and kept in a second | by one goroutine | by 64 |\n|---|---|---|\n"
	for _, row := range []struct {
		name string
		s    func() dedupe.Store
	}{
		{"`dedupe.Window`", func() dedupe.Store { return &dedupe.Window{ForgetOldest: true} }},
		{"`x/redis`, on the same machine", func() dedupe.Store { return &redis.Store{Client: c} }},
	} {
		table += fmt.Sprintf("| %s | %d | %d |\n", row.name, claims(t, row.s(), 1), claims(t, row.s(), 64))
		c.FlushAll(t.Context())
	}
	t.Log(table)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no place for the table", page)
	}
	if *update {
		old = table + "\n"
		if err := os.WriteFile(page, []byte(before+begin+old+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(old, "| `dedupe.Window` |") || !strings.Contains(old, "| `x/redis`, ") {
		t.Error("the page has no figures")
	}
}
