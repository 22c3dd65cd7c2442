package petrichortest

import (
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A Dial connects to a server under attack.
type Dial = func() (net.Conn, error)

// A Target is a server under attack, and what can be expected of it.
type Target struct {
	dial Dial

	first, denied, request, panics []byte // frames; denied and panics may be nil
	header                         petrichor.Header
	body                           any
	echoes, compresses             bool

	handshake, frame, idle, write time.Duration
	patience                      time.Duration
	maxHeader, maxBody            int
	conns, crowd                  int

	gauges []gauge
	spared []int
}

// An Option says something about a server, where it differs from what is
// expected of every server: the limits and deadlines of package service, first
// frames with any content allowed, and one reply to every request.
type Option func(*Target)

// NewTarget returns the server that dial connects to.  Where the server limits
// connections per address, dial has to come from different ones, as Dialer does.
func NewTarget(dial func() (net.Conn, error), opts ...Option) *Target {
	s := &Target{
		dial:      dial,
		first:     encode(nil, nil),
		body:      "hello",
		handshake: 5 * time.Second,
		frame:     30 * time.Second,
		idle:      120 * time.Second,
		write:     10 * time.Second,
		maxHeader: 64 << 10,
		maxBody:   1 << 20,
		crowd:     200,
	}
	for _, opt := range opts {
		opt(s)
	}
	s.request = encode(s.header, s.body)
	s.patience = max(s.patience, s.soon(), time.Second)
	return s
}

// First is a first frame that the server allows.  Without it, it is an empty
// header and a null.
func First(header petrichor.Header, body any) Option {
	return func(s *Target) { s.first = encode(header, body) }
}

// Denied is a first frame that the server denies.  Without it, nothing is done
// that needs one.
func Denied(header petrichor.Header, body any) Option {
	return func(s *Target) { s.denied = encode(header, body) }
}

// Request is a frame that the server answers with one frame.  Without it, it is
// an empty header and the string "hello".  Some attacks add an id to the header,
// and expect the same or none in the reply.
func Request(header petrichor.Header, body any) Option {
	return func(s *Target) { s.header, s.body = header, body }
}

// Panics is a request that makes the server's handler panic.  Without it,
// nothing is done that needs one.
func Panics(header petrichor.Header, body any) Option {
	return func(s *Target) { s.panics = encode(header, body) }
}

// Echoes says that a reply has the body of its request, whatever that is: the
// attacks then see whose reply they got.
func Echoes() Option { return func(s *Target) { s.echoes = true } }

// Compresses says that the server agrees on deflate with whom offers it, as
// docs/compression.md says.  Without it, what needs that is not tried.
func Compresses() Option { return func(s *Target) { s.compresses = true } }

// Deadlines are how long the server waits for a first frame, for a frame that
// has begun, for the next frame, and for a peer that does not read.  TestServer
// waits them out, so it is done sooner with a server that has short ones; below
// half a second they are hard to tell from a busy machine.
func Deadlines(handshake, frame, idle, write time.Duration) Option {
	return func(s *Target) { s.handshake, s.frame, s.idle, s.write = handshake, frame, idle, write }
}

// Patience is how long the server may take over one request, for those in slow
// languages: the costly ones have 1 MiB.  Without it, that is two seconds, or half
// of its shortest deadline, but at least one.  What needs no work, as to cut a
// connection, does not get longer by it.
func Patience(d time.Duration) Option { return func(s *Target) { s.patience = d } }

// Sizes are the largest payloads of header and body that the server accepts of
// a peer it has allowed, in bytes.
func Sizes(header, body int) Option {
	return func(s *Target) { s.maxHeader, s.maxBody = header, body }
}

// MaxConns is how many connections the server holds; what comes beyond is to be
// closed at once.  Without it, that is not tried.
func MaxConns(n int) Option { return func(s *Target) { s.conns = n } }

// Crowd is how many unfinished peers at once the server has to put up with.
// Without it, they are 200.
func Crowd(n int) Option { return func(s *Target) { s.crowd = n } }

// Spare leaves out the attacks of some rows.
func Spare(rows ...int) Option {
	return func(s *Target) { s.spared = append(s.spared, rows...) }
}

// Gauge reads something that attacks must not use up, before the attacks and
// after them, when every connection has been closed: it may be more by most.
func Gauge(name string, most int64, read func() int64) Option {
	return func(s *Target) { s.gauges = append(s.gauges, gauge{name, most, read}) }
}

// InProcess says that the server runs in the process of the test, so that its
// goroutines, descriptors (where /proc tells) and heap can be counted.
func InProcess() Option {
	return func(s *Target) {
		for _, opt := range []Option{
			Gauge("goroutines", 0, func() int64 { return int64(runtime.NumGoroutine()) }),
			Gauge("descriptors", 0, descriptors),
			Gauge("bytes of heap", 1<<20, heap),
		} {
			opt(s)
		}
	}
}

type gauge struct {
	name string
	most int64
	read func() int64
}

func descriptors() int64 {
	open, _ := os.ReadDir("/proc/self/fd") // elsewhere it is always 0
	return int64(len(open))
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first one's finalizers let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Dialer returns a function that dials a TCP address on loopback, each time
// from another address of 127.0.0.0/8 where the system has them all (Linux).
func Dialer(addr string) func() (net.Conn, error) {
	return func() (net.Conn, error) {
		d := net.Dialer{Timeout: 5 * time.Second}
		if runtime.GOOS == "linux" {
			n := rand.Uint32()
			d.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, byte(n>>16)|1, byte(n>>8), byte(n)|1)}
		}
		return d.Dial("tcp", addr)
	}
}

// encode is the frame of header and body, which the caller has made.
func encode(header petrichor.Header, body any) []byte {
	b, err := petrichor.AppendFrame(nil, header, body)
	if err != nil {
		panic("petrichortest: a frame that cannot be: " + err.Error())
	}
	return b
}

// ask is a request with an id; its body is body where the server echoes.
func (s *Target) ask(id int, body any) []byte {
	header := maps.Clone(s.header)
	if header == nil {
		header = petrichor.Header{}
	}
	header["id"] = id
	if !s.echoes {
		body = s.body
	}
	return encode(header, body)
}

// soon is a time in which a server does what it does not have to wait for: far
// below each of its deadlines, lest one be taken for the other.
func (s *Target) soon() time.Duration {
	shortest := min(s.handshake, s.frame, s.idle, s.write)
	return min(2*time.Second, shortest/2)
}

func (s *Target) spares(a Attack) bool {
	return slices.Contains(s.spared, a.Row) || a.needs != nil && !a.needs(s)
}
