//go:build unix

package service

import (
	"io"
	"net"
	"sync"
	"syscall"
)

// A socket is a stream on which one can wait without a buffer, and write several
// slices at once.
//
// Waiting begins with a look for one byte, which stays where it is.  Where there
// is none the runtime waits, and says when to look again; there is no need to.
type socket struct {
	*stream
	raw    syscall.RawConn
	look   func(fd uintptr) bool // peek; a method value would be made each time
	idle   func()
	looked bool
	err    error
}

// onSocket returns s as a socket, if it is one.
func onSocket(s *stream) io.ReadWriteCloser {
	var raw syscall.RawConn
	switch rwc := s.rwc.(type) {
	case *net.TCPConn:
		raw, _ = rwc.SyscallConn()
	case *net.UnixConn:
		raw, _ = rwc.SyscallConn()
	}
	if raw == nil {
		return s
	}
	w := &socket{stream: s, raw: raw}
	w.look = w.peek
	return w
}

// WaitRead returns when there is something to read, or an end.  It calls idle
// before it waits.
func (s *socket) WaitRead(idle func()) error {
	s.idle, s.looked, s.err = idle, false, nil
	if s.ahead.on != nil {
		if s.rest(); s.err != nil || s.ahead.has() {
			return s.err
		}
	}
	if err := s.raw.Read(s.look); err != nil {
		return s.owner.why(err)
	}
	return s.err
}

// peek reports whether there is no need to wait.
func (s *socket) peek(fd uintptr) bool {
	if s.looked {
		return true
	}
	s.looked = true
	var b [1]byte
	_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
	if err != syscall.EAGAIN {
		return true
	}
	s.rest()
	return s.err != nil
}

// rest is what is done before waiting.
func (s *socket) rest() {
	s.idle()
	s.err = s.wind()
}

// WriteBuffers writes all of b, in pieces as Write does.
func (s *socket) WriteBuffers(b *net.Buffers) (written int64, err error) {
	defer s.writing.clear()
	p := piecePool.Get().(*piece)
	defer p.free()
	for len(*b) > 0 && err == nil {
		p.cut(b)
		s.writing.begin(forWrite)
		var n int64
		n, err = p.slices.WriteTo(s.rwc)
		written += n
	}
	return written, s.owner.why(err)
}

// A piece is slices that are written at once.  They are shared by all connections, so
// that one that waits holds none.
type piece struct {
	slices net.Buffers
	slots  [3][]byte // what slices is made of
}

var piecePool = sync.Pool{New: func() any { return new(piece) }}

func (p *piece) free() {
	*p = piece{}
	piecePool.Put(p)
}

// cut makes slices the first maxPiece bytes of b, and takes them from it.
func (p *piece) cut(b *net.Buffers) {
	p.slices = p.slots[:0]
	for left := maxPiece; left > 0 && len(*b) > 0 && len(p.slices) < len(p.slots); {
		first := (*b)[0]
		n := min(left, len(first))
		p.slices = append(p.slices, first[:n])
		left -= n
		(*b)[0] = first[n:]
		if n == len(first) {
			*b = (*b)[1:]
		}
	}
}
