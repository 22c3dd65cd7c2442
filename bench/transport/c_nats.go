package main

// nats.go with a nats-server inside the process that serves, which reaches it without a socket.  What
// it sends it sends asynchronously.  Buffers are unlimited on both sides so that nothing need be lost.

import (
	"io"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const nameNATS = "nats"

func init() {
	register(&contender{
		name:      nameNATS,
		kind:      peer,
		module:    "github.com/nats-io/nats-server/v2",
		note:      "an embedded nats-server, whose process answers through an in-process connection; Request, asynchronous Publish, unlimited pending",
		tls:       true,
		echo:      natsEcho,
		sink:      natsSink,
		publish:   natsPublish,
		caller:    func(at place) (caller, error) { return newNATS(at) },
		shared:    func(at place) (func() caller, error) { return sameFor(newNATS(at)) },
		stream:    natsStream,
		sender:    func(at place) (sender, error) { return newNATS(at) },
		subscribe: natsSubscribe,
	})
}

const (
	natsSubject = "work"
	natsWait    = 20 * time.Second
)

// natsServe starts the server, and connects to it from inside.
func natsServe(s *site) (addr string, own *nats.Conn, err error) {
	options := &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		MaxPayload: 8 << 20, MaxPending: 1 << 30, MaxConn: 20_000, WriteDeadline: natsWait,
	}
	if s.tls != nil {
		options.TLSConfig, options.TLS = s.tls, true
	}
	node, err := server.NewServer(options)
	if err != nil {
		return "", nil, err
	}
	go node.Start()
	if !node.ReadyForConnections(natsWait) {
		return "", nil, errSlowStart
	}
	own, err = nats.Connect("", nats.InProcessServer(node), nats.NoCallbacksAfterClientClose())
	return node.Addr().String(), own, err
}

func natsEcho(s *site) (string, error) {
	addr, own, err := natsServe(s)
	if err != nil {
		return "", err
	}
	return addr, natsTake(own, func(m *nats.Msg) { m.Respond(m.Data) })
}

func natsSink(s *site) (string, error) {
	addr, own, err := natsServe(s)
	if err != nil {
		return "", err
	}
	in := s.tally.inlet()
	return addr, natsTake(own, func(m *nats.Msg) { in.take(m.Data) })
}

// natsTake subscribes, and returns when the server knows.
func natsTake(c *nats.Conn, take nats.MsgHandler) error {
	sub, err := c.Subscribe(natsSubject, take)
	if err != nil {
		return err
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return err
	}
	return c.Flush()
}

func natsPublish(s *site) (string, sender, error) {
	addr, own, err := natsServe(s)
	return addr, &natsConn{Conn: own}, err
}

type natsConn struct{ *nats.Conn }

func newNATS(at place) (*natsConn, error) {
	options := []nats.Option{nats.NoReconnect(), nats.Timeout(natsWait)}
	if at.tls != nil {
		options = append(options, nats.Secure(at.tls))
	}
	c, err := nats.Connect("nats://"+at.addr, options...)
	return &natsConn{c}, err
}

func (c *natsConn) Call(msg []byte) ([]byte, error) {
	answer, err := c.Request(natsSubject, msg, natsWait)
	if err != nil {
		return nil, err
	}
	return answer.Data, nil
}

func (c *natsConn) Send(msg []byte) error { return c.Publish(natsSubject, msg) }

func (c *natsConn) Close() error {
	c.Conn.Close()
	return nil
}

// A natsPipe has its answers sent to one inbox.
type natsPipe struct {
	*natsConn
	inbox string
	back  *nats.Subscription
}

func natsStream(at place) (stream, error) {
	c, err := newNATS(at)
	if err != nil {
		return nil, err
	}
	inbox := nats.NewInbox()
	back, err := c.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	return &natsPipe{c, inbox, back}, back.SetPendingLimits(-1, -1)
}

func (p *natsPipe) Send(msg []byte) error { return p.PublishRequest(natsSubject, p.inbox, msg) }

func (p *natsPipe) Recv() ([]byte, error) {
	answer, err := p.back.NextMsg(natsWait)
	if err != nil {
		return nil, err
	}
	return answer.Data, nil
}

func natsSubscribe(at place, in *inlet) (io.Closer, error) {
	c, err := newNATS(at)
	if err != nil {
		return nil, err
	}
	return c, natsTake(c.Conn, func(m *nats.Msg) { in.take(m.Data) })
}
