//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/petrichortest"
)

const childVar = "EVENTLOOP_CHILD"

// The test binary is also the program, so that the two have descriptors for both
// ends of 10,000 connections.
func TestMain(m *testing.M) {
	if os.Getenv(childVar) != "" {
		os.Args = os.Args[:1]
		main()
		return
	}
	os.Exit(m.Run())
}

// start runs the program, and returns its address and the lines it prints.
func start(t *testing.T) (addr string, lines *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	lines = bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("it prints nothing")
	}
	return strings.TrimPrefix(lines.Text(), "listening on "), lines
}

// descriptors makes sure that this process may have n.
func descriptors(t *testing.T, n uint64) {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Max < n {
		t.Skipf("needs %d descriptors: ulimit -n says %d", n, limit.Max)
	}
	limit.Cur = limit.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
}

// The loop is written for IPv4, and says so.
func TestListensOnIPv4Only(t *testing.T) {
	if _, err := newLoop(netip.MustParseAddrPort("[::1]:0"), limits{}); err == nil || !strings.Contains(err.Error(), "want an IPv4 address") {
		t.Error(err)
	}
}

// 10,000 connections cost one goroutine, and less than 1 KiB each; and each gets
// its own echoes, before and after it has been idle.
func TestConnections(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	descriptors(t, uint64(n)+100)
	addr, lines := start(t)
	peers := make([]*peer, n)
	for i := range peers {
		peers[i] = dial(t, addr, i)
	}
	const format = "%d connections, %d goroutines, for each connection %d bytes of heap, %d resident"
	var conns, goroutines, heap, resident int
	for conns != n && lines.Scan() {
		fmt.Sscanf(lines.Text(), format, &conns, &goroutines, &heap, &resident)
	}
	t.Log(lines.Text())
	const once = 4 << 20 // bytes that the program needs when it begins to work
	if conns != n || goroutines != 1 || heap > 1024 || resident > 1024+once/n {
		t.Errorf("want %d connections, 1 goroutine, at most 1024 bytes each", n)
	}
	for i, p := range peers {
		p.echo(t, i)
		p.Close()
	}
	for conns != 0 && lines.Scan() {
		fmt.Sscanf(lines.Text(), format, &conns, &goroutines, &heap, &resident)
	}
	if conns != 0 {
		t.Errorf("%d connections are left", conns)
	}
}

type peer struct {
	net.Conn
}

// dial greets, and tries an echo; from several addresses, since one has not
// ports enough for everybody.
func dial(t *testing.T, addr string, i int) *peer {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i%8))}, Timeout: 10 * time.Second}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		t.Fatalf("connection %d: %v", i, err)
	}
	t.Cleanup(func() { c.Close() })
	p := &peer{c}
	p.exchange(t, "0:}0:~", "17:7:allowed,4:true!}0:~")
	p.echo(t, i)
	return p
}

func (p *peer) echo(t *testing.T, i int) {
	t.Helper()
	frame, err := petrichor.AppendFrame(nil, petrichor.Header{"id": i}, fmt.Sprint("peer ", i))
	if err != nil {
		t.Fatal(err)
	}
	p.exchange(t, string(frame), string(frame))
}

func (p *peer) exchange(t *testing.T, send, want string) {
	t.Helper()
	p.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(p, send); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(p, got); err != nil || string(got) != want {
		t.Fatalf("%q is answered with %q, %v; want %q", send, got, err, want)
	}
}

// No peer does it any harm.
func TestAttacks(t *testing.T) {
	short := defaults
	short.most = 300
	for phase := range short.patience {
		short.patience[phase] = time.Second
	}
	l, err := newLoop(netip.MustParseAddrPort("127.0.0.1:0"), short)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	addr := l.addr().String()
	go func() { done <- l.run() }()
	petrichortest.TestServer(t, petrichortest.Dialer(addr),
		petrichortest.Echoes(),
		petrichortest.Deadlines(time.Second, time.Second, time.Second, time.Second),
		petrichortest.MaxConns(300),
		petrichortest.Patience(10*time.Second), // the race detector makes it slow, and others run beside it
		petrichortest.InProcess(),
	)
	l.stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
