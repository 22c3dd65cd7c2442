//go:build libzmq

package main

// libzmq itself, through cgo.  A message that has two parts is sent or received in one call from Go,
// and the calls are marked so that Go makes them as cheaply as it can.  The buffers passed are pinned
// for the length of a call only, and hold no pointers.

/*
#cgo pkg-config: libzmq
#cgo noescape z_send
#cgo nocallback z_send
#cgo noescape z_recv
#cgo nocallback z_recv
#cgo noescape z_route
#cgo nocallback z_route
#cgo noescape z_routed
#cgo nocallback z_routed
#include <errno.h>
#include <stdint.h>
#include <zmq.h>

// A socket is a number to Go, which then has no use for untyped pointers.
typedef uintptr_t z_socket;
typedef unsigned char byte;
static void *at(z_socket s) { return (void *)s; }

static void *context;
static z_socket z_new(int kind) {
	if (!context) {
		context = zmq_ctx_new();
		zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 20000);
	}
	return (z_socket)zmq_socket(context, kind);
}
static int z_bind(z_socket s, const byte *to) { return zmq_bind(at(s), (const char *)to); }
static int z_connect(z_socket s, const byte *to) { return zmq_connect(at(s), (const char *)to); }
static int z_bound(z_socket s, byte *where, size_t *size) {
	return zmq_getsockopt(at(s), ZMQ_LAST_ENDPOINT, where, size);
}
static int z_subscribe(z_socket s) { return zmq_setsockopt(at(s), ZMQ_SUBSCRIBE, 0, 0); }
static int z_close(z_socket s) { return zmq_close(at(s)); }

// Go interrupts threads with signals; such a call is made again.
static int z_send(z_socket s, byte *b, size_t n, int flags) {
	int rc;
	do rc = zmq_send(at(s), b, n, flags); while (rc < 0 && errno == EINTR);
	return rc;
}
static int z_recv(z_socket s, byte *b, size_t n) {
	int rc;
	do rc = zmq_recv(at(s), b, n, 0); while (rc < 0 && errno == EINTR);
	return rc;
}
// z_routed receives an identity and a payload, z_route sends them.
static int z_routed(z_socket s, byte *id, int *idn, byte *b, size_t n) {
	*idn = z_recv(s, id, 256);
	return *idn < 0 ? *idn : z_recv(s, b, n);
}
static int z_route(z_socket s, byte *id, int idn, byte *b, size_t n) {
	int rc = z_send(s, id, idn, ZMQ_SNDMORE);
	return rc < 0 ? rc : z_send(s, b, n, 0);
}
static int z_set(z_socket s, int option, int value) { return zmq_setsockopt(at(s), option, &value, sizeof value); }
static void z_version(int v[3]) { zmq_version(v, v + 1, v + 2); }
*/
import "C"

import (
	"errors"
	"fmt"
	"io"
)

func init() {
	register(&contender{
		name:      nameLibzmq,
		kind:      peer,
		note:      "version " + libzmqVersion() + " through cgo; REQ and REP, DEALER and ROUTER, PUSH and PULL, PUB and SUB without a high-water mark",
		echo:      libzmqEcho,
		sink:      libzmqSink,
		publish:   libzmqPublish,
		caller:    func(at place) (caller, error) { return dialLibzmq(at, C.ZMQ_REQ) },
		stream:    func(at place) (stream, error) { return dialLibzmq(at, C.ZMQ_DEALER) },
		sender:    func(at place) (sender, error) { return dialLibzmq(at, C.ZMQ_PUSH) },
		subscribe: libzmqSubscribe,
	})
}

func libzmqVersion() string {
	var v [3]C.int
	C.z_version(&v[0])
	return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2])
}

var errLibzmq = errors.New("libzmq refuses")

// A libzmqSocket belongs to one goroutine at a time.
type libzmqSocket struct {
	socket C.z_socket
	buf    []byte
}

func newLibzmq(w *workload, kind C.int) (*libzmqSocket, error) {
	s, err := C.z_new(kind)
	if s == 0 {
		return nil, fmt.Errorf("%w a socket: %w", errLibzmq, err)
	}
	if kind == C.ZMQ_PUB || kind == C.ZMQ_SUB {
		C.z_set(s, C.ZMQ_SNDHWM, 0)
		C.z_set(s, C.ZMQ_RCVHWM, 0)
	}
	return &libzmqSocket{s, make([]byte, w.size+1)}, nil
}

func listenLibzmq(s *site, kind C.int) (string, *libzmqSocket, error) {
	one, err := newLibzmq(s.work, kind)
	if err != nil {
		return "", nil, err
	}
	if C.z_bind(one.socket, first([]byte("tcp://127.0.0.1:*\x00"))) < 0 {
		return "", nil, errLibzmq
	}
	bound := make([]byte, 256)
	size := C.size_t(len(bound))
	if C.z_bound(one.socket, first(bound), &size) < 0 {
		return "", nil, errLibzmq
	}
	return string(bound[len("tcp://") : size-1]), one, nil
}

func dialLibzmq(at place, kind C.int) (*libzmqSocket, error) {
	one, err := newLibzmq(at.work, kind)
	if err != nil {
		return nil, err
	}
	if C.z_connect(one.socket, first([]byte("tcp://"+at.addr+"\x00"))) < 0 {
		return nil, errLibzmq
	}
	return one, nil
}

func (s *libzmqSocket) Send(msg []byte) error {
	if C.z_send(s.socket, first(msg), C.size_t(len(msg)), 0) < 0 {
		return errLibzmq
	}
	return nil
}

// Flush has nothing to do: libzmq's own thread sends what there is.
func (s *libzmqSocket) Flush() error { return nil }

func (s *libzmqSocket) Recv() ([]byte, error) {
	n := int(C.z_recv(s.socket, first(s.buf), C.size_t(len(s.buf))))
	if n < 0 || n > len(s.buf) {
		return nil, errLibzmq
	}
	return s.buf[:n], nil
}

func (s *libzmqSocket) Call(msg []byte) ([]byte, error) {
	if err := s.Send(msg); err != nil {
		return nil, err
	}
	return s.Recv()
}

func (s *libzmqSocket) Close() error {
	C.z_close(s.socket)
	return nil
}

// first points to the bytes of b, of which there is at least one.
func first(b []byte) *C.byte { return (*C.byte)(&b[0]) }

func libzmqEcho(s *site) (string, error) {
	kind, answer := C.int(C.ZMQ_REP), (*libzmqSocket).echo
	if s.work.shape == pipelined {
		kind, answer = C.ZMQ_ROUTER, (*libzmqSocket).echoRouted
	}
	addr, one, err := listenLibzmq(s, kind)
	if err == nil {
		go answer(one)
	}
	return addr, err
}

func (s *libzmqSocket) echo() {
	for {
		msg, err := s.Recv()
		if err != nil || s.Send(msg) != nil {
			return
		}
	}
}

func (s *libzmqSocket) echoRouted() {
	id, idn := make([]byte, 256), C.int(0)
	for {
		n := C.z_routed(s.socket, first(id), &idn, first(s.buf), C.size_t(len(s.buf)))
		if n < 0 || C.z_route(s.socket, first(id), idn, first(s.buf), C.size_t(n)) < 0 {
			return
		}
	}
}

func libzmqSink(s *site) (string, error) {
	addr, one, err := listenLibzmq(s, C.ZMQ_PULL)
	if err == nil {
		go one.take(s.tally.inlet())
	}
	return addr, err
}

func (s *libzmqSocket) take(in *inlet) {
	for {
		msg, err := s.Recv()
		if err != nil {
			return
		}
		in.take(msg)
	}
}

func libzmqPublish(s *site) (string, sender, error) {
	addr, one, err := listenLibzmq(s, C.ZMQ_PUB)
	return addr, one, err
}

func libzmqSubscribe(at place, in *inlet) (io.Closer, error) {
	one, err := dialLibzmq(at, C.ZMQ_SUB)
	if err != nil {
		return nil, err
	}
	if C.z_subscribe(one.socket) < 0 {
		return nil, errLibzmq
	}
	go one.take(in)
	return one, nil
}
