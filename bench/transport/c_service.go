package main

// petrichor's package service: a Server with all its limits and deadlines, and a Client that callers
// share or have to themselves.  Each connection begins with a first frame, which is answered.

import (
	"context"
	"crypto/tls"
	"io"
	"net"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
)

func init() {
	register(&contender{
		name:   nameService,
		kind:   ours,
		note:   "service.Server and service.Client; first frames, an id in every request, handled in order",
		tls:    true,
		echo:   func(s *site) (string, error) { return serveRequests(s, 1) },
		caller: func(at place) (caller, error) { return dialService(at) },
		shared: sharedClient,

		publish:   publishService,
		subscribe: subscribeService,
	})
	register(&contender{
		name:   nameHandlers,
		kind:   ours,
		note:   "the same with HandlersPerConn, handled in any order",
		echo:   func(s *site) (string, error) { return serveRequests(s, s.work.many) },
		shared: sharedClient,
	})
}

// serveRequests has many requests of a connection handled at once.
func serveRequests(s *site, many int) (string, error) {
	l, err := s.listen()
	if err != nil {
		return "", err
	}
	go newServer(&service.Server{Handle: echoRequest, HandlersPerConn: many}).Serve(l)
	return l.Addr().String(), nil
}

// newServer raises two limits that are of no use on loopback: there may be 4,096 connections by
// default, and 64 from one address.
func newServer(s *service.Server) *service.Server {
	s.MaxConns, s.MaxPerAddress = 20_000, 20_000
	return s
}

func echoRequest(_ context.Context, r *service.Request) (header, body any, err error) {
	return nil, &r.Frame.Body, nil // a pointer: an any without allocating
}

// A client is one caller.
type client struct {
	*service.Client
	msg []byte // what is being sent; a pointer to it is an any without allocating
}

func dialService(at place) (*client, error) {
	config := new(service.ClientConfig)
	if at.tls != nil {
		config.Dial = func(ctx context.Context, network, addr string) (io.ReadWriteCloser, error) {
			dialer := tls.Dialer{NetDialer: new(net.Dialer), Config: at.tls}
			return dialer.DialContext(ctx, network, addr)
		}
	}
	c, _, err := service.Dial(context.Background(), "tcp", at.addr, petrichor.Header{"user": "bench"}, nil, config)
	return &client{Client: c}, err
}

func sharedClient(at place) (func() caller, error) {
	one, err := dialService(at)
	if err != nil {
		return nil, err
	}
	return func() caller { return &client{Client: one.Client} }, nil
}

func (c *client) Call(msg []byte) ([]byte, error) {
	c.msg = msg
	reply, err := c.Request(context.Background(), operation, &c.msg)
	if err != nil {
		return nil, err
	}
	return payload(reply.Body)
}

// A servicePublisher waits for room in every queue, so that nothing is lost.
type servicePublisher struct{ service.Fanout }

// fanoutFrames is how many frames may wait for one subscriber: as many as ZeroMQ has by default.
const fanoutFrames = 1000

func publishService(s *site) (string, sender, error) {
	l, err := s.listen()
	if err != nil {
		return "", nil, err
	}
	p := &servicePublisher{service.Fanout{MaxFrames: fanoutFrames}}
	go newServer(&service.Server{Loop: func(_ context.Context, c *service.Conn) error {
		defer p.Subscribe(c).Close()
		_, err := c.Next() // until the subscriber leaves
		return err
	}}).Serve(l)
	return l.Addr().String(), p, nil
}

func (p *servicePublisher) Send(msg []byte) error {
	return p.Fanout.Send(context.Background(), operation, &msg)
}

func (p *servicePublisher) Flush() error { return nil }
func (p *servicePublisher) Close() error { return nil }

func subscribeService(at place, in *inlet) (io.Closer, error) {
	c, _, err := petrichor.Connect(context.Background(), "tcp", at.addr, petrichor.Header{"user": "bench"}, nil)
	if err != nil {
		return nil, err
	}
	go takeFrames(&conn{Conn: c}, in)
	return c, nil
}
