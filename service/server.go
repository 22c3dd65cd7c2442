package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A Server answers frames on connections.  The zero Server with a Handle or a Loop
// is complete and limited; fields must not be changed once it serves.
type Server struct {
	// Handle answers one request.  Its header and body are sent as Conn.Send does, the
	// header with the request's "id".  An *Error is sent to the peer as it is, any
	// other error is logged, and sent as "internal error".  ErrNoReply sends nothing.
	//
	// One connection's requests are handled one after another, on its goroutine, and
	// what they are answered with is sent when no further request has arrived yet.
	Handle func(ctx context.Context, req *Request) (header, body any, err error)

	// Loop is what Handle does not fit: it has a connection to itself, from after the
	// first frames until it returns.  Its error is logged, and told the Observer.
	Loop func(ctx context.Context, c *Conn) error

	// Admit says from a peer's first frame and its identity whether it is allowed, and
	// what it is answered.  On an error it is denied.  nil allows everybody.  A peer
	// whose first header is malformed in any depth is denied before.
	Admit func(ctx context.Context, p *Peer) (Answer, error)

	// Identify says who is at the other end of a stream, as it has been verified: of a
	// *tls.Conn it makes the handshake.  An error ends the connection.  nil is nobody.
	Identify func(stream io.ReadWriteCloser) (identity string, err error)

	// How long a peer may take; 0 is the default, negative is for ever.
	HandshakeTimeout time.Duration // for Identify and the first frame: 5 s
	FrameTimeout     time.Duration // for a frame, from its first byte: 30 s
	IdleTimeout      time.Duration // between frames: 120 s
	WriteTimeout     time.Duration // to take 64 KiB of what is sent: 10 s

	// How many there may be; 0 is the default.
	MaxConns        int // connections: 4,096
	MaxPending      int // of them those that have not been allowed: 256
	MaxPerAddress   int // and those from one IPv4 address or IPv6 /64: 64
	MaxHandlers     int // handlers running: 1,024
	HandlersPerConn int // of them for one connection: 1.  Above one, replies come in any order

	// MaxInFlight is how many bytes frames may take, all together: what is received and
	// what is inflated of it, twice, 128 for each value that is decoded, and replies
	// that are queued; the first 4 KiB of a connection's are free, each way.  0 is
	// 64 MiB.  When half are taken buffers stay small, and replies leave one by one; when
	// all are, reading pauses.
	MaxInFlight int64

	// Options are for all connections.
	Options []petrichor.Option

	// Log is told of what goes wrong here, as a warning or an error, and of what peers
	// do wrong, for debugging.  nil is slog.Default.
	Log *slog.Logger

	// Observer is told of everything.
	Observer Observer

	state
}

// The state of a Server.
type state struct {
	once     sync.Once
	set      settings
	started  time.Time
	handlers budget
	flight   budget
	group    sync.WaitGroup // goroutines of connections
	stopping atomic.Bool
	stopped  chan struct{} // closed when stopping

	mu        sync.Mutex
	door      door
	listeners map[net.Listener]struct{}
	watching  bool
	empty     chan struct{} // the last connection has ended
}

// The settings of a Server are its fields with defaults in place.
type settings struct {
	handshake, frame, idle, write time.Duration
	tick                          time.Duration // of the watch
	overdue                       [forKinds]error
	perConn                       int
	strict                        []petrichor.Option // for slices: Options, and the limits of a stream
	log                           *slog.Logger
}

var (
	// ErrServerClosed is returned by Serve, and by what waits for a peer, after
	// Shutdown or Close.
	ErrServerClosed = errors.New("petrichor: server closed")

	// ErrRefused is returned by ServeStream when there are too many connections.
	ErrRefused = errors.New("petrichor: too many connections")
)

// init puts the defaults in place.
func (s *Server) init() {
	s.once.Do(func() {
		s.set = settings{
			handshake: cmp.Or(s.HandshakeTimeout, 5*time.Second),
			frame:     cmp.Or(s.FrameTimeout, 30*time.Second),
			idle:      cmp.Or(s.IdleTimeout, 120*time.Second),
			write:     cmp.Or(s.WriteTimeout, 10*time.Second),
			perConn:   cmp.Or(s.HandlersPerConn, 1),
			log:       s.Log,
		}
		s.set.tick = s.set.precision()
		s.set.overdue = s.set.reasons()
		s.set.strict = append([]petrichor.Option{petrichor.MaxValues(maxValues)}, s.Options...)
		s.started = time.Now()
		s.handlers.left = int64(cmp.Or(s.MaxHandlers, 1024))
		s.flight.left = cmp.Or(s.MaxInFlight, 64<<20)
		s.flight.kept = s.flight.left / 2
		s.flight.lends = true
		s.stopped = make(chan struct{})
		s.empty = make(chan struct{}, 1)
		s.listeners = map[net.Listener]struct{}{}
		s.door.init(cmp.Or(s.MaxConns, 4096), cmp.Or(s.MaxPending, 256), cmp.Or(s.MaxPerAddress, 64))
		if s.set.log == nil {
			s.set.log = slog.Default()
		}
	})
}

// precision is how often the clocks are looked at: twenty times in the shortest
// timeout, but four times a second at least, and a thousand at most.
func (s *settings) precision() time.Duration {
	tick := 250 * time.Millisecond
	for _, d := range []time.Duration{s.handshake, s.frame, s.idle, s.write} {
		if d > 0 {
			tick = min(tick, d/20)
		}
	}
	return max(tick, time.Millisecond)
}

// timeout is how long may be waited for a kind.
func (s *settings) timeout(kind int) time.Duration {
	return [forKinds]time.Duration{s.handshake, s.frame, s.idle, s.write}[kind]
}

// reasons are why a peer is cut that is overdue.
func (s *settings) reasons() (reasons [forKinds]error) {
	overdue := func(what string, d time.Duration) error {
		return fmt.Errorf("petrichor: peer %s within %v: %w", what, d, os.ErrDeadlineExceeded)
	}
	reasons[forFirst] = overdue("sent no first frame", s.handshake)
	reasons[forFrame] = overdue("did not send the whole of a frame", s.frame)
	reasons[forNext] = overdue("sent no frame", s.idle)
	reasons[forWrite] = overdue("did not take what is sent", s.write)
	return reasons
}

// now is the time since the server began, and never 0.
func (s *Server) now() time.Duration { return time.Since(s.started) + 1 }

// draining is an error when nothing more is to be read.
func (s *Server) draining() error {
	if s.stopping.Load() {
		return ErrServerClosed
	}
	return nil
}

// Serve accepts connections from l and serves each in a goroutine of its own.  It
// returns when l fails, or ErrServerClosed after Shutdown or Close, and closes l.
//
// Where Accept fails for want of descriptors or memory, it is tried again after 10
// milliseconds, and after twice as long each time, up to a second.
func (s *Server) Serve(l net.Listener) error {
	s.init()
	defer l.Close()
	if !s.listen(l) {
		return ErrServerClosed
	}
	defer s.unlisten(l)
	for wait := minWait; ; {
		stream, err := l.Accept()
		switch {
		case err == nil:
			wait = minWait
			s.start(stream)
		case s.stopping.Load():
			return ErrServerClosed
		case !passes(err):
			return err
		default:
			s.warn("cannot accept", err)
			wait = s.pause(wait)
		}
	}
}

const (
	minWait = 10 * time.Millisecond
	maxWait = time.Second
)

// pause waits, and returns how long to wait the next time.
func (s *Server) pause(d time.Duration) time.Duration {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.stopped:
	}
	return min(2*d, maxWait)
}

// passes reports whether an error of Accept is one that passes.
func passes(err error) bool {
	for _, passing := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EINTR,
	} {
		if errors.Is(err, passing) {
			return true
		}
	}
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}

// ServeStream serves one stream, and returns when it has ended and is closed: nil
// when the peer has closed it between frames, ErrRefused or ErrServerClosed when
// it has not been served at all, else why it ended.
func (s *Server) ServeStream(rwc io.ReadWriteCloser) error {
	s.init()
	c, err := s.enter(rwc)
	if err != nil {
		return err
	}
	defer s.group.Done()
	return c.serve()
}

// start serves a stream in a goroutine of its own.
func (s *Server) start(rwc io.ReadWriteCloser) {
	c, err := s.enter(rwc)
	if err != nil {
		return
	}
	go func() {
		defer s.group.Done()
		c.serve()
	}()
}

// enter lets a connection in, which counts in group from then on, or closes it.
func (s *Server) enter(rwc io.ReadWriteCloser) (*Conn, error) {
	c := newConn(s, rwc)
	victim, err := s.letIn(c)
	if err != nil {
		rwc.Close()
		s.observe(Event{Kind: Refused, Peer: &c.peer, Err: err})
		return nil, err
	}
	if victim != nil {
		victim.cut(errCrowded)
	}
	s.observe(Event{Kind: Opened, Peer: &c.peer})
	return c, nil
}

func (s *Server) letIn(c *Conn) (victim *Conn, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		return nil, ErrServerClosed
	}
	victim, err = s.door.enter(c)
	if err != nil {
		return nil, err
	}
	s.group.Add(1)
	if !s.watching {
		s.watching = true
		s.group.Go(s.watch)
	}
	return victim, nil
}

// leave takes a connection off the books.
func (s *Server) leave(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.door.leave(c)
	if len(s.door.conns) > 0 {
		return
	}
	select {
	case s.empty <- struct{}{}:
	default:
	}
}

func (s *Server) listen(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners[l] = struct{}{}
	return !s.stopping.Load()
}

func (s *Server) unlisten(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

// Shutdown ends the Server in peace: it closes the listeners and whatever waits
// for its peer, and waits until the handlers that run have returned and their
// replies are sent.  Requests that have come in whole are still answered.  When ctx
// ends first, Shutdown closes the rest as Close does and returns the error of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	s.init()
	s.stop((*Conn).drain)
	if s.ended(ctx.Done()) {
		return nil
	}
	s.Close()
	return ctx.Err()
}

// Close ends the Server at once: listeners and connections are closed, and the
// contexts of handlers cancelled.  It waits for these up to a second.
func (s *Server) Close() error {
	s.init()
	s.stop(func(c *Conn) { c.cut(ErrServerClosed) })
	patience := make(chan struct{})
	timer := time.AfterFunc(time.Second, func() { close(patience) })
	defer timer.Stop()
	s.ended(patience)
	return nil
}

// stop closes the listeners, and does what is given to all connections.
func (s *Server) stop(do func(*Conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopping.Swap(true) {
		close(s.stopped)
	}
	for l := range s.listeners {
		l.Close()
	}
	for c := range s.door.conns {
		do(c)
	}
}

// ended waits for all goroutines of connections, or until done.
func (s *Server) ended(done <-chan struct{}) bool {
	ended := make(chan struct{})
	go func() {
		s.group.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return true
	case <-done:
		return false
	}
}
