package main

// petrichor's Conn, without the package service: Queue and Next, so that what is queued leaves when
// Next would have to wait.  A body that is never held as a whole goes through Encoder and Decoder.

import (
	"io"
	"net"

	"github.com/petrichor-protocol/petrichor"
)

const nameConn = "petrichor Conn"

func init() {
	register(&contender{
		name:      nameConn,
		kind:      ours,
		note:      "a header with one key; Queue and Next, Frames where small messages go one way, all limits of a stream; a body of 900 MB through WriteFrameFrom and NextFrame",
		tls:       true,
		echo:      func(s *site) (string, error) { return s.serve(connEcho) },
		sink:      func(s *site) (string, error) { return s.serve(func(c net.Conn) { connSink(c, s.tally.inlet()) }) },
		publish:   connPublish,
		drain:     func(s *site) (string, error) { return s.serve(func(c net.Conn) { connDrain(c, s.tally) }) },
		caller:    func(at place) (caller, error) { return newConn(at) },
		stream:    func(at place) (stream, error) { return newConn(at) },
		sender:    connSender,
		subscribe: connSubscribe,
		upload:    connUpload,
	})
}

// operation is the header of every frame, what a service would look at: {"op": "echo"}.
var operation any = petrichor.Raw("12:2:op,4:echo,}")

// large is what allows the largest body; by default 1 MiB is.
var large = petrichor.MaxSize(bodySize)

// A conn is one end of a connection.
type conn struct {
	*petrichor.Conn
	msg []byte // what is being sent; a pointer to it is an any without allocating
}

func newConn(at place) (*conn, error) {
	stream, err := at.dial()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: petrichor.NewConn(stream)}, nil
}

func (c *conn) Send(msg []byte) error {
	c.msg = msg
	return c.Queue(operation, &c.msg)
}

// A batch is one that only sends, from one goroutine: small frames in a row without a lock for each.
type batch struct {
	*conn
	frames petrichor.Frames
}

func connSender(at place) (sender, error) {
	c, err := newConn(at)
	if err != nil || at.work.size >= rawLarge {
		return c, err
	}
	return &batch{conn: c}, nil
}

func (b *batch) Send(msg []byte) error {
	b.msg = msg
	if err := b.frames.Append(operation, &b.msg); err != nil || b.frames.Size() < connBatch {
		return err
	}
	return b.Flush()
}

func (b *batch) Flush() error {
	err := b.SendFrames(b.frames)
	b.frames.Reset()
	return err
}

// Recv has what is queued sent before it waits.
func (c *conn) Recv() ([]byte, error) {
	f, err := c.Next()
	if err != nil {
		return nil, err
	}
	return payload(f.Body)
}

func (c *conn) Call(msg []byte) ([]byte, error) {
	if err := c.Send(msg); err != nil {
		return nil, err
	}
	return c.Recv()
}

// payload is the bytes of a string, borrowed.
func payload(raw petrichor.Raw) ([]byte, error) {
	el, _, err := petrichor.Cut(raw)
	return el.Payload, err
}

func connEcho(stream net.Conn) {
	defer stream.Close()
	c := petrichor.NewConn(stream)
	for {
		f, err := c.Next()
		if err != nil || c.QueueFrame(f) != nil {
			return
		}
	}
}

func connSink(stream net.Conn, in *inlet) {
	defer stream.Close()
	takeFrames(&conn{Conn: petrichor.NewConn(stream)}, in)
}

func takeFrames(c *conn, in *inlet) {
	for {
		msg, err := c.Recv()
		if err != nil {
			return
		}
		in.take(msg)
	}
}

func connSubscribe(at place, in *inlet) (io.Closer, error) {
	stream, err := at.dial()
	if err != nil {
		return nil, err
	}
	go connSink(stream, in)
	return stream, nil
}

// A connPublisher encodes a frame once, and sends many at once to each subscriber.
type connPublisher struct {
	audience
	frames petrichor.Frames
	frame  []byte
}

// connBatch is how many bytes of frames are worth a write, of as many as fit the buffers of others.
const connBatch = 64 << 10

func connPublish(s *site) (string, sender, error) {
	p := new(connPublisher)
	addr, err := s.serve(func(c net.Conn) { p.join(&conn{Conn: petrichor.NewConn(c)}) })
	return addr, p, err
}

func (p *connPublisher) Send(msg []byte) (err error) {
	if p.frame, err = petrichor.AppendFrame(p.frame[:0], operation, &msg); err != nil {
		return err
	}
	if len(p.frame)+p.frames.Size() > connBatch {
		if err := p.Flush(); err != nil {
			return err
		}
	}
	f, _, err := petrichor.CutFrame(p.frame)
	if err != nil {
		return err
	}
	return p.frames.Add(f)
}

func (p *connPublisher) Flush() error {
	err := p.each(func(out sender) error { return out.(*conn).SendFrames(p.frames) })
	p.frames.Reset()
	return err
}

func (p *connPublisher) Close() error { return p.each(sender.Close) }

type connUploader struct{ net.Conn }

func connUpload(at place) (uploader, error) {
	stream, err := at.dial()
	return connUploader{stream}, err
}

func (u connUploader) Upload(size int64, from io.Reader) error {
	return petrichor.NewEncoder(u.Conn, large).WriteFrameFrom(operation, size, from)
}

func connDrain(stream net.Conn, t *tally) {
	defer stream.Close()
	dec := petrichor.NewDecoder(stream, large)
	for {
		_, body, err := dec.NextFrame()
		if err != nil {
			return
		}
		if _, err := io.Copy(t, body); err != nil {
			return
		}
	}
}
