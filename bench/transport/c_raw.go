package main

// Raw Go sockets, the floor: four bytes of size and that many bytes, as straight as Go writes it.
// There are no limits, no deadlines and no header; what a transport adds is measured against this.

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
)

const nameRaw = "raw sockets"

func init() {
	register(&contender{
		name: nameRaw,
		kind: floor,
		note: "size and bytes; buffers of 64 KiB, flushed when nothing more has been read",
		tls:  true,
		echo: func(s *site) (string, error) { return s.serve(func(c net.Conn) { rawEcho(c, s.work) }) },
		sink: func(s *site) (string, error) {
			return s.serve(func(c net.Conn) { rawSink(c, s.work, s.tally.inlet()) })
		},
		publish:   rawPublish,
		drain:     func(s *site) (string, error) { return s.serve(func(c net.Conn) { rawDrain(c, s.tally) }) },
		caller:    func(at place) (caller, error) { return newRaw(at) },
		stream:    func(at place) (stream, error) { return newRaw(at) },
		sender:    func(at place) (sender, error) { return newRaw(at) },
		subscribe: rawSubscribe,
		upload:    func(at place) (uploader, error) { return newRaw(at) },
	})
}

const (
	rawPrefix = 4
	rawLarge  = 16 << 10
)

// A raw is one end of a connection.
type raw struct {
	net.Conn
	in  rawReader
	out *bufio.Writer
}

func newRaw(at place) (*raw, error) {
	conn, err := at.dial()
	if err != nil {
		return nil, err
	}
	return rawOver(conn, at.work), nil
}

func rawOver(conn net.Conn, w *workload) *raw {
	return &raw{conn, rawReaderOf(conn, w), bufio.NewWriterSize(conn, w.buffer())}
}

func rawReaderOf(conn net.Conn, w *workload) rawReader {
	return rawReader{in: bufio.NewReaderSize(conn, w.buffer())}
}

// buffer is how large a buffer of a connection is worth being.
func (w *workload) buffer() int {
	if w.shape == idle {
		return 4 << 10
	}
	return 64 << 10
}

// Send puts a message into the buffer.  A large one leaves at once, uncopied.
func (r *raw) Send(msg []byte) error {
	prefix := binary.LittleEndian.AppendUint32(r.out.AvailableBuffer(), uint32(len(msg)))
	if conn, ok := r.Conn.(*net.TCPConn); ok && len(msg) >= rawLarge {
		return r.sendLarge(conn, prefix, msg)
	}
	if _, err := r.out.Write(prefix); err != nil {
		return err
	}
	_, err := r.out.Write(msg)
	return err
}

func (r *raw) sendLarge(conn *net.TCPConn, prefix, msg []byte) error {
	if err := r.out.Flush(); err != nil {
		return err
	}
	both := net.Buffers{prefix, msg}
	_, err := both.WriteTo(conn)
	return err
}

func (r *raw) Flush() error { return r.out.Flush() }

func (r *raw) Recv() ([]byte, error) {
	if !r.in.ready() {
		if err := r.out.Flush(); err != nil {
			return nil, err
		}
	}
	return r.in.next()
}

func (r *raw) Call(msg []byte) ([]byte, error) {
	if err := r.Send(msg); err != nil {
		return nil, err
	}
	return r.Recv()
}

func (r *raw) Upload(size int64, from io.Reader) error {
	_, err := io.Copy(r.Conn, from)
	return err
}

// A rawReader reads messages: from the buffer where they fit into it, else into a slice that it keeps.
type rawReader struct {
	in    *bufio.Reader
	used  int // bytes of the buffer that were handed out
	large []byte
}

// ready reports whether next would not wait for the size of a message at least.
func (r *rawReader) ready() bool { return r.in.Buffered()-r.used > rawPrefix }

func (r *rawReader) next() ([]byte, error) {
	r.in.Discard(r.used)
	r.used = 0
	prefix, err := r.in.Peek(rawPrefix)
	if err != nil {
		return nil, err
	}
	size := int(binary.LittleEndian.Uint32(prefix))
	if rawPrefix+size > r.in.Size() {
		return r.nextLarge(size)
	}
	both, err := r.in.Peek(rawPrefix + size)
	if err != nil {
		return nil, err
	}
	r.used = len(both)
	return both[rawPrefix:], nil
}

func (r *rawReader) nextLarge(size int) ([]byte, error) {
	r.in.Discard(rawPrefix)
	if cap(r.large) < size {
		r.large = make([]byte, size)
	}
	_, err := io.ReadFull(r.in, r.large[:size])
	return r.large[:size], err
}

func rawEcho(conn net.Conn, w *workload) {
	defer conn.Close()
	r := rawOver(conn, w)
	for {
		msg, err := r.Recv()
		if err != nil || r.Send(msg) != nil {
			return
		}
	}
}

func rawSink(conn net.Conn, w *workload, in *inlet) {
	defer conn.Close()
	r := rawReaderOf(conn, w)
	for {
		msg, err := r.next()
		if err != nil {
			return
		}
		in.take(msg)
	}
}

func rawDrain(conn net.Conn, t *tally) {
	defer conn.Close()
	io.CopyBuffer(t, struct{ io.Reader }{conn}, make([]byte, 32<<10))
}

func rawSubscribe(at place, in *inlet) (io.Closer, error) {
	conn, err := at.dial()
	if err != nil {
		return nil, err
	}
	go rawSink(conn, at.work, in)
	return conn, nil
}

// A rawPublisher puts each message into the buffer of each subscriber.
type rawPublisher struct{ audience }

func rawPublish(s *site) (string, sender, error) {
	p := new(rawPublisher)
	addr, err := s.serve(func(c net.Conn) { p.join(rawOver(c, s.work)) })
	return addr, p, err
}

func (p *rawPublisher) Send(msg []byte) error {
	return p.each(func(out sender) error { return out.Send(msg) })
}
func (p *rawPublisher) Flush() error { return p.each(sender.Flush) }
func (p *rawPublisher) Close() error { return p.each(sender.Close) }
