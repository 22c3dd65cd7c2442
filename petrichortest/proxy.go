package petrichortest

// A fault happens at an offset of the stream, not at a time: for each connection,
// direction and kind of fault, a random generator of its own says at which bytes.
// The same bytes sent through a Proxy of the same seed therefore meet the same
// faults, however the network portions them, and one rate can be changed without
// moving the other faults.  What is left to timing is how much of the other
// direction has passed by then.

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Faults says what a Proxy does to the bytes that pass.  Each rate is the number
// of bytes, in one direction of one connection, that pass on average from one
// fault of its kind to the next; 0 is never.  The zero Faults passes everything
// on as it is.
type Faults struct {
	// Seed decides where the faults are; 0 takes one at random.  A test that
	// fails prints it.
	Seed uint64

	Reset     int // both connections are reset; what was on its way may be lost
	Cut       int // both are closed after the byte before
	HalfClose int // the stream ends here in this direction, the rest is lost; the other goes on
	Stall     int // nothing passes any more in this direction, and nobody is told
	Corrupt   int // one byte is changed to another
	Delay     int // everything waits, for at most MaxDelay
	Slice     int // up to 64 bytes go in writes of 1 to 4

	MaxDelay time.Duration // 0 is 10 milliseconds
}

// Counts says what a Proxy has done so far.
type Counts struct {
	Connections int64 // accepted
	Refused     int64 // of these, closed because the target did not answer
	Bytes       int64 // passed on, both directions together

	Reset, Cut, HalfClose, Stall, Corrupt, Delay, Slice int64 // faults of each kind
}

// A Proxy passes TCP connections on to a target, and does to them what its
// Faults say.
type Proxy struct {
	target   string
	faults   Faults
	listener net.Listener
	running  sync.WaitGroup
	closing  chan struct{}

	connections, refused, bytes atomic.Int64
	done                        [faultKinds]atomic.Int64

	mu    sync.Mutex
	links map[*link]bool // open; nil when the Proxy is closed
}

// NewProxy returns a Proxy on a loopback port that passes connections on to the
// TCP address target.  It is closed at the end of the test, and leaves no
// goroutine behind.
func NewProxy(t testing.TB, target string, f Faults) *Proxy {
	t.Helper()
	for f.Seed == 0 {
		f.Seed = rand.Uint64()
	}
	if f.MaxDelay == 0 {
		f.MaxDelay = 10 * time.Millisecond
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{target: target, faults: f, listener: listener, closing: make(chan struct{}), links: map[*link]bool{}}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		p.close()
		if t.Failed() {
			t.Logf("petrichortest: to repeat the faults of the proxy: Faults{Seed: %d}", f.Seed)
		}
	})
	return p
}

// Addr returns the address to dial instead of the target's.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Counts returns what has been done so far.
func (p *Proxy) Counts() Counts {
	return Counts{
		Connections: p.connections.Load(),
		Refused:     p.refused.Load(),
		Bytes:       p.bytes.Load(),
		Reset:       p.done[reset].Load(),
		Cut:         p.done[cut].Load(),
		HalfClose:   p.done[halfClose].Load(),
		Stall:       p.done[stall].Load(),
		Corrupt:     p.done[corrupt].Load(),
		Delay:       p.done[delay].Load(),
		Slice:       p.done[slice].Load(),
	}
}

// ResetAll resets every connection that is open now.  New ones are accepted as
// before.
func (p *Proxy) ResetAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		p.done[reset].Add(1)
		l.reset()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		n := p.connections.Add(1)
		p.running.Go(func() { p.serve(client.(*net.TCPConn), uint64(n)) })
	}
}

// serve passes on the n-th connection, until both directions have ended.
func (p *Proxy) serve(client *net.TCPConn, n uint64) {
	defer client.Close()
	server, err := net.DialTimeout("tcp", p.target, 5*time.Second)
	if err != nil {
		p.refused.Add(1)
		client.SetLinger(0)
		return
	}
	defer server.Close()
	l := &link{client, server.(*net.TCPConn)}
	if !p.open(l) {
		return
	}
	defer p.forget(l)
	var both sync.WaitGroup
	both.Go(p.newFlow(l, l[0], l[1], 2*n).run)
	both.Go(p.newFlow(l, l[1], l[0], 2*n+1).run)
	both.Wait()
}

func (p *Proxy) open(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.links != nil {
		p.links[l] = true
	}
	return p.links != nil
}

func (p *Proxy) forget(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

func (p *Proxy) close() {
	p.listener.Close()
	close(p.closing)
	p.mu.Lock()
	for l := range p.links {
		l.close()
	}
	p.links = nil
	p.mu.Unlock()
	p.running.Wait()
}

// A link is the two connections, the client's and the target's, that make one.
type link [2]*net.TCPConn

func (l *link) close() {
	l[0].Close()
	l[1].Close()
}

// reset closes both so that the peers see a reset, not an end.
func (l *link) reset() {
	l[0].SetLinger(0)
	l[1].SetLinger(0)
	l.close()
}

// The kinds of faults, and the order of those that come at the same byte.
const (
	delay = iota
	slice
	corrupt
	reset
	cut
	halfClose
	stall
	faultKinds
)

func (f Faults) rates() [faultKinds]int {
	return [faultKinds]int{
		delay: f.Delay, slice: f.Slice, corrupt: f.Corrupt,
		reset: f.Reset, cut: f.Cut, halfClose: f.HalfClose, stall: f.Stall,
	}
}

// A flow is one direction of a link.
type flow struct {
	*Proxy
	link     *link
	from, to *net.TCPConn

	at     int64             // bytes that have come through
	next   [faultKinds]int64 // where each kind comes next
	random [faultKinds]*rand.Rand
	sliced int // bytes that are still to go in small writes
}

func (p *Proxy) newFlow(l *link, from, to *net.TCPConn, id uint64) *flow {
	f := &flow{Proxy: p, link: l, from: from, to: to}
	for kind := range f.next {
		f.random[kind] = rand.New(rand.NewPCG(p.faults.Seed, id*faultKinds+uint64(kind)))
		f.next[kind] = -1
		f.schedule(kind)
	}
	return f
}

// never is an offset that no stream reaches.
const never = 1 << 62

// schedule decides where the next fault of a kind is, at least a byte from the
// last one.
func (f *flow) schedule(kind int) {
	rate := f.faults.rates()[kind]
	if rate == 0 {
		f.next[kind] = never
		return
	}
	f.next[kind] += 1 + int64(f.random[kind].ExpFloat64()*float64(rate))
}

// nearest is the next fault of all kinds.
func (f *flow) nearest() (kind int) {
	for k, at := range f.next {
		if at < f.next[kind] {
			kind = k
		}
	}
	return kind
}

func (f *flow) run() {
	buf := make([]byte, 16<<10)
	for {
		n, err := f.from.Read(buf)
		if !f.pass(buf[:n]) {
			return
		}
		if err != nil {
			f.end(err)
			return
		}
	}
}

// end passes on how the stream ended.
func (f *flow) end(err error) {
	if errors.Is(err, io.EOF) {
		f.to.CloseWrite()
		return
	}
	f.link.reset()
}

// pass passes b on, with its faults, and reports whether the flow goes on.
func (f *flow) pass(b []byte) bool {
	for len(b) > 0 {
		kind := f.nearest()
		n := min(f.next[kind]-f.at, int64(len(b)))
		if !f.write(b[:n]) {
			return false
		}
		b = b[n:]
		if f.at < f.next[kind] {
			continue
		}
		if len(b) == 0 {
			return true // it comes when its byte does
		}
		f.done[kind].Add(1)
		f.schedule(kind)
		if !f.fault(kind, b) {
			return false
		}
	}
	return true
}

// write writes b, in small writes where it is to be sliced.
func (f *flow) write(b []byte) bool {
	for len(b) > 0 {
		part := b
		if f.sliced > 0 {
			part = b[:min(len(b), 1+f.random[slice].IntN(4))]
			f.sliced -= len(part)
			runtime.Gosched() // to the reader, lest it finds several at once
		}
		n, err := f.to.Write(part)
		f.at += int64(n)
		f.bytes.Add(int64(n))
		if err != nil {
			f.link.reset()
			return false
		}
		b = b[n:]
	}
	return true
}

// fault does what kind says to the stream before b, or to its first byte, and
// reports whether the flow goes on.
func (f *flow) fault(kind int, b []byte) bool {
	switch kind {
	case delay:
		f.wait(time.Duration(f.random[delay].Int64N(int64(f.faults.MaxDelay))))
		return true
	case slice:
		f.sliced = 1 + f.random[slice].IntN(64)
		return true
	case corrupt:
		b[0] ^= byte(1 + f.random[corrupt].IntN(255))
		return true
	case reset:
		f.link.reset()
	case cut:
		f.link.close()
	case halfClose:
		f.to.CloseWrite()
		io.Copy(io.Discard, f.from)
	case stall:
		io.Copy(io.Discard, f.from)
	}
	return false
}

func (f *flow) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.closing:
	}
}
