package main

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
)

// A contender is one way to carry messages between two processes.  What it cannot do it leaves nil.
//
// Those that serve return where they listen, and go on by themselves until the process ends.
type contender struct {
	name   string
	kind   kind
	module string // whose version is told; empty for the standard library
	note   string // how it is used, and why so
	tls    bool   // can do all of it under TLS 1.3

	// The process that serves.
	echo    func(s *site) (addr string, err error)             // answers each request with its bytes
	sink    func(s *site) (addr string, err error)             // gives each message to an inlet
	publish func(s *site) (addr string, out sender, err error) // each message goes to all that subscribe
	drain   func(s *site) (addr string, err error)             // copies each body to the drain of s

	// The process that calls.
	caller    func(at place) (caller, error)                 // one request at a time
	shared    func(at place) (each func() caller, err error) // one client, used by as many callers as there are
	stream    func(at place) (stream, error)                 // many outstanding on one connection
	sender    func(at place) (sender, error)                 // one way
	subscribe func(at place, in *inlet) (io.Closer, error)   // what is published goes to in
	upload    func(at place) (uploader, error)               // a body that is never held as a whole
}

type kind string

const (
	ours  kind = "petrichor"
	floor kind = "floor"
	peer  kind = "peer"
)

// A caller sends a request and waits for the answer, which is borrowed until the next call.
type caller interface {
	Call(msg []byte) ([]byte, error)
	Close() error
}

// sameFor gives every caller the same, where it has nothing of its own to keep.
func sameFor[C caller](one C, err error) (func() caller, error) {
	return func() caller { return one }, err
}

// A stream has many requests outstanding.  Send may keep them back, and Recv sends them off before it
// waits.  An answer is borrowed until the next Recv.
type stream interface {
	Send(msg []byte) error
	Recv() ([]byte, error)
	Close() error
}

// A sender sends without an answer.  It has let go of msg when Send returns.
type sender interface {
	Send(msg []byte) error
	Flush() error
	Close() error
}

// An uploader sends size bytes of r as the body of one message.
type uploader interface {
	Upload(size int64, r io.Reader) error
	Close() error
}

// errSlowStart is a server that did not come up.
var errSlowStart = errors.New("the server is not ready")

var contenders []*contender

// Names that are compared with, whether or not this program is built with them.
const (
	nameService  = "petrichor service"
	nameHandlers = "petrichor service, a goroutine a request"
	nameLibzmq   = "libzmq"
)

// register is called by each file that has a contender.
func register(c *contender) { contenders = append(contenders, c) }

func contenderNamed(name string) *contender {
	i := slices.IndexFunc(contenders, func(c *contender) bool { return c.name == name })
	if i < 0 {
		return nil
	}
	return contenders[i]
}

// A site is what the process that serves gives a contender.
type site struct {
	work  *workload
	tls   *tls.Config // nil without TLS
	tally *tally
}

// listen listens on loopback, under TLS where that is asked for.
func (s *site) listen() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil || s.tls == nil {
		return l, err
	}
	return tls.NewListener(l, s.tls), nil
}

// serve has each connection served by a goroutine of its own.
func (s *site) serve(handle func(conn net.Conn)) (addr string, err error) {
	l, err := s.listen()
	if err != nil {
		return "", err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go handle(conn)
		}
	}()
	return l.Addr().String(), nil
}

// A place is where the process that calls finds the one that serves.
type place struct {
	work *workload
	addr string
	tls  *tls.Config // nil without TLS
}

func (at place) dial() (net.Conn, error) {
	if at.tls == nil {
		return net.Dial("tcp", at.addr)
	}
	return tls.Dial("tcp", at.addr, at.tls)
}
