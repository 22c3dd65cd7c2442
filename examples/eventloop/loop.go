//go:build linux

package main

// Sockets and time.  One goroutine waits for events of all sockets, and for each
// reads once, feeds the session, and writes what came out of it.  A peer that
// does not take its answers is not read from until it does.

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Limits of a loop: each of its peers is in one phase, and has so long for it.
type limits struct {
	most     int // connections
	patience [phases]time.Duration
}

const (
	greeting = iota // from the connection to the whole first frame
	idle            // from one frame to the first byte of the next
	framing         // from the first byte of a frame to its last
	writing         // from one byte it takes of its answers to the next
	phases
)

var defaults = limits{
	most: 16_384,
	patience: [phases]time.Duration{
		greeting: 5 * time.Second, idle: 120 * time.Second, framing: 30 * time.Second, writing: 10 * time.Second,
	},
}

const (
	tick    = 50 * time.Millisecond // how exact deadlines are
	reading = 64 << 10              // bytes at once, of one connection
)

// A loop serves all its connections.
type loop struct {
	limits
	epoll, listener, wake int // descriptors

	conns    map[int32]*conn
	parsers  *parsers
	in       []byte // what is read, until it has been fed
	answers  []byte // what comes out, until it has been written
	began    time.Time
	ticked   time.Duration
	refusing bool // connections: there are no descriptors left

	ticking func() // called at each tick
}

// A conn is one connection.  This, and its place in a map, is all that an idle
// one costs.
type conn struct {
	session
	fd    int32
	phase int
	until time.Duration // deadline of the phase, since the loop began
	out   []byte        // answers the peer has not taken; nil when it has
	ended bool          // by the peer, or by us: closed when out is written
}

// newLoop listens on a TCP address.
func newLoop(addr netip.AddrPort, l limits) (_ *loop, err error) {
	p := &loop{
		limits: l, epoll: -1, listener: -1, wake: -1, conns: map[int32]*conn{}, parsers: newParsers(),
		in: make([]byte, reading), began: time.Now(), ticking: func() {},
	}
	defer func() {
		if err != nil {
			p.release()
		}
	}()
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	if p.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, err
	}
	if p.listener, err = listen(addr); err != nil {
		return nil, err
	}
	err = errors.Join(p.watch(p.listener, unix.EPOLL_CTL_ADD, unix.EPOLLIN), p.watch(p.wake, unix.EPOLL_CTL_ADD, unix.EPOLLIN))
	return p, err
}

func listen(addr netip.AddrPort) (int, error) {
	if !addr.Addr().Is4() {
		return -1, fmt.Errorf("cannot listen on %s: want an IPv4 address", addr)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, unix.Listen(fd, 4096)
}

// addr is where the loop listens.
func (l *loop) addr() netip.AddrPort {
	bound, err := unix.Getsockname(l.listener)
	in, ok := bound.(*unix.SockaddrInet4)
	if err != nil || !ok {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.AddrFrom4(in.Addr), uint16(in.Port))
}

// stop makes run return; it may be called from any goroutine.
func (l *loop) stop() { unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

// run serves until stop is called, and closes everything.
func (l *loop) run() error {
	defer l.release()
	events := make([]unix.EpollEvent, 256)
	for {
		n, err := unix.EpollWait(l.epoll, events, int(tick.Milliseconds()))
		if err != nil && err != unix.EINTR {
			return err
		}
		for _, e := range events[:max(n, 0)] {
			if e.Fd == int32(l.wake) {
				return nil
			}
			l.event(e)
		}
		l.tick()
	}
}

func (l *loop) release() {
	for _, c := range l.conns {
		unix.Close(int(c.fd))
	}
	for _, fd := range []int{l.epoll, l.listener, l.wake} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

func (l *loop) watch(fd, how int, events uint32) error {
	return unix.EpollCtl(l.epoll, how, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

func (l *loop) event(e unix.EpollEvent) {
	if e.Fd == int32(l.listener) {
		l.accept()
		return
	}
	c := l.conns[e.Fd]
	switch {
	case c == nil: // closed while its event was waiting
	case len(c.out) > 0:
		l.write(c)
	default:
		l.read(c)
	}
}

// accept takes all connections that wait.  One too many is closed at once; when
// descriptors run out, they wait until the next tick.
func (l *loop) accept() {
	for {
		fd, _, err := unix.Accept4(l.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case err == unix.EAGAIN:
			return
		case err == unix.EMFILE || err == unix.ENFILE || err == unix.ENOBUFS || err == unix.ENOMEM:
			l.refusing = l.watch(l.listener, unix.EPOLL_CTL_MOD, 0) == nil
			return
		case err != nil: // of a peer that has left already
			continue
		case len(l.conns) >= l.most || l.watch(fd, unix.EPOLL_CTL_ADD, unix.EPOLLIN) != nil:
			unix.Close(fd)
			continue
		}
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		l.conns[int32(fd)] = &conn{fd: int32(fd), until: l.now() + l.patience[greeting]}
	}
}

// read reads once, feeds, and writes.
func (l *loop) read(c *conn) {
	n, err := unix.Read(int(c.fd), l.in)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return
	case err != nil || n == 0:
		l.close(c)
		return
	}
	served := c.served
	l.answers, err = c.feed(l.parsers, l.in[:n], l.answers[:0])
	c.ended = err != nil
	l.enter(c, served != c.served)
	c.out = l.answers
	l.write(c)
	if cap(l.answers) > reading {
		l.answers = nil
	}
}

// write writes what it can of c.out, and keeps a copy of the rest.
func (l *loop) write(c *conn) {
	n, err := 0, error(nil)
	if len(c.out) > 0 {
		n, err = unix.Write(int(c.fd), c.out)
	}
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		n = 0
	case err != nil:
		l.close(c)
		return
	}
	l.wrote(c, n)
}

func (l *loop) wrote(c *conn, n int) {
	waited := c.phase == writing
	c.out = c.out[n:]
	switch {
	case len(c.out) == 0 && c.ended:
		l.close(c)
		return
	case len(c.out) == 0:
		c.out = nil
	case !waited:
		c.out = append([]byte(nil), c.out...) // it is in the loop's buffer
	}
	l.enter(c, n > 0)
	if waited != (c.phase == writing) {
		l.watch(int(c.fd), unix.EPOLL_CTL_MOD, map[bool]uint32{true: unix.EPOLLIN, false: unix.EPOLLOUT}[waited])
	}
}

func (l *loop) close(c *conn) {
	unix.Close(int(c.fd))
	delete(l.conns, c.fd)
}

// now is the time since the loop began, which goes on whatever the clock does.
func (l *loop) now() time.Duration { return time.Since(l.began) }

// enter puts c into the phase it is in.  The deadline moves with the phase, and
// with progress: a frame, or bytes taken.
func (l *loop) enter(c *conn, progress bool) {
	phase := idle
	switch {
	case len(c.out) > 0:
		phase = writing
	case !c.allowed:
		phase = greeting
	case c.inside():
		phase = framing
	}
	if phase != c.phase || progress {
		c.phase, c.until = phase, l.now()+l.patience[phase]
	}
}

// tick closes those whose time is up.  All of 10,000 are looked at in less than
// a millisecond, so there is no need of a queue of deadlines.
func (l *loop) tick() {
	now := l.now()
	if now < l.ticked+tick {
		return
	}
	l.ticked = now
	for _, c := range l.conns {
		if now > c.until {
			l.close(c)
		}
	}
	if l.refusing {
		l.refusing = l.watch(l.listener, unix.EPOLL_CTL_MOD, unix.EPOLLIN) != nil
	}
	l.ticking()
}
