package main

// drpc with an encoding for bare bytes: unary calls, and one stream where many are outstanding.  Its
// connection has one call at a time, so callers cannot share one.

import (
	"context"
	"errors"
	"io"

	"storj.io/drpc"
	"storj.io/drpc/drpcconn"
	"storj.io/drpc/drpcserver"
)

const nameDRPC = "drpc"

func init() {
	register(&contender{
		name:      nameDRPC,
		kind:      peer,
		module:    "storj.io/drpc",
		note:      "an encoding for bare bytes; unary calls, a stream where requests are pipelined or one way",
		tls:       true,
		echo:      func(s *site) (string, error) { return drpcServe(s, nil) },
		sink:      func(s *site) (string, error) { return drpcServe(s, nil) },
		drain:     func(s *site) (string, error) { return drpcServe(s, nil) },
		publish:   drpcPublish,
		caller:    func(at place) (caller, error) { return newDRPC(at) },
		stream:    func(at place) (stream, error) { return newDRPCStream(at, "pipe") },
		sender:    func(at place) (sender, error) { return newDRPCStream(at, "take") },
		subscribe: drpcSubscribe,
		upload:    func(at place) (uploader, error) { return newDRPCStream(at, "drain") },
	})
}

// bareBytes carries *[]byte.
type bareBytes struct{}

func (bareBytes) Marshal(m drpc.Message) ([]byte, error) { return *m.(*[]byte), nil }

func (bareBytes) Unmarshal(b []byte, m drpc.Message) error {
	to := m.(*[]byte)
	*to = append((*to)[:0], b...)
	return nil
}

// A drpcService handles the calls.
type drpcService struct {
	tally *tally
	out   *drpcAudience
}

func drpcServe(s *site, out *drpcAudience) (string, error) {
	l, err := s.listen()
	if err != nil {
		return "", err
	}
	go drpcserver.New(&drpcService{s.tally, out}).Serve(context.Background(), l)
	return l.Addr().String(), nil
}

// HandleRPC has the method in rpc.
func (d *drpcService) HandleRPC(s drpc.Stream, rpc string) error {
	switch rpc {
	case "take":
		return drpcReceive(s, d.tally.inlet().take)
	case "drain":
		return drpcReceive(s, func(piece []byte) { d.tally.Write(piece) })
	case "subscribe":
		var hello []byte
		if err := s.MsgRecv(&hello, bareBytes{}); err != nil {
			return err
		}
		d.out.join(&drpcStream{Stream: s})
		<-s.Context().Done()
		return nil
	}
	return drpcEcho(s, rpc == "do")
}

func drpcEcho(s drpc.Stream, once bool) error {
	var msg []byte
	for {
		if err := s.MsgRecv(&msg, bareBytes{}); err != nil {
			return drpcEnded(err)
		}
		if err := s.MsgSend(&msg, bareBytes{}); err != nil || once {
			return err
		}
	}
}

func drpcReceive(s drpc.Stream, take func([]byte)) error {
	var msg []byte
	for {
		if err := s.MsgRecv(&msg, bareBytes{}); err != nil {
			return drpcEnded(err)
		}
		take(msg)
	}
}

func drpcEnded(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// A drpcAudience sends each message on the stream of each subscriber.
type drpcAudience struct{ audience }

func drpcPublish(s *site) (string, sender, error) {
	out := new(drpcAudience)
	addr, err := drpcServe(s, out)
	return addr, out, err
}

func (a *drpcAudience) Send(msg []byte) error {
	return a.each(func(out sender) error { return out.Send(msg) })
}
func (a *drpcAudience) Flush() error { return a.each(sender.Flush) }
func (a *drpcAudience) Close() error { return a.each(sender.Close) }

// A drpcCaller makes unary calls.
type drpcCaller struct {
	*drpcconn.Conn
	back []byte
}

func newDRPC(at place) (*drpcCaller, error) {
	conn, err := at.dial()
	if err != nil {
		return nil, err
	}
	return &drpcCaller{Conn: drpcconn.New(conn)}, nil
}

func (c *drpcCaller) Call(msg []byte) ([]byte, error) {
	err := c.Invoke(context.Background(), "do", bareBytes{}, &msg, &c.back)
	return c.back, err
}

// A drpcStream is either end of one.
type drpcStream struct {
	drpc.Stream
	back []byte
}

func newDRPCStream(at place, method string) (*drpcStream, error) {
	c, err := newDRPC(at)
	if err != nil {
		return nil, err
	}
	s, err := c.NewStream(context.Background(), method, bareBytes{})
	return &drpcStream{Stream: s}, err
}

func (s *drpcStream) Send(msg []byte) error { return s.MsgSend(&msg, bareBytes{}) }

func (s *drpcStream) Flush() error {
	if raw, ok := s.Stream.(interface{ RawFlush() error }); ok {
		return raw.RawFlush()
	}
	return nil
}

func (s *drpcStream) Recv() ([]byte, error) {
	err := s.MsgRecv(&s.back, bareBytes{})
	return s.back, err
}

// Upload sends pieces: a message is held as a whole.
func (s *drpcStream) Upload(size int64, from io.Reader) error {
	piece := make([]byte, 64<<10)
	for size > 0 {
		n, err := io.ReadFull(from, piece[:min(size, int64(len(piece)))])
		if err != nil {
			return err
		}
		if err := s.Send(piece[:n]); err != nil {
			return err
		}
		size -= int64(n)
	}
	return s.Flush()
}

func drpcSubscribe(at place, in *inlet) (io.Closer, error) {
	s, err := newDRPCStream(at, "subscribe")
	if err != nil {
		return nil, err
	}
	hello := []byte("hello")
	if err := s.Send(hello); err != nil {
		return nil, err
	}
	go drpcReceive(s.Stream, in.take)
	return s, s.Flush()
}
