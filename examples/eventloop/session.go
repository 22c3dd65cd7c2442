package main

// All that petrichor has to do with: bytes in, bytes out.  Nothing here knows of
// sockets, events or time, so it fits any event loop.
//
// A Parser that holds no bytes is as good as a new one.  Between two frames a
// connection therefore needs none: all connections of the loop use the same,
// and one that keeps a part of a frame keeps the Parser it lies in.

import (
	"errors"

	"github.com/petrichor-protocol/petrichor"
)

// A session is one peer.
type session struct {
	parser  *petrichor.Parser // nil between frames
	allowed bool
	served  int // frames answered
}

// inside says whether a frame has begun and not ended.
func (s *session) inside() bool { return s.parser != nil }

// parsers are those that nobody needs now.
type parsers struct {
	stranger, guest spare
}

// newParsers gives those who have not been allowed 16 KiB for their first frame,
// half of it for either side of it.
func newParsers() *parsers {
	return &parsers{stranger: spare{opts: []petrichor.Option{petrichor.MaxHeaderSize(8 << 10), petrichor.MaxSize(8 << 10)}}}
}

// feed takes what has been read from the peer, and appends the answers to out.
// An error is of the peer's making: it gets what is in out, and is cut off.
//
// The first frame is fed byte by byte, so that no byte behind it ends up in the
// Parser of strangers.
func (s *session) feed(from *parsers, in, out []byte) (_ []byte, err error) {
	for !s.allowed && len(in) > 0 {
		if out, err = s.frames(&from.stranger, in[:1], out, s.admit); err != nil {
			return out, err
		}
		in = in[1:]
	}
	if len(in) == 0 {
		return out, nil
	}
	return s.frames(&from.guest, in, out, s.answer)
}

// frames feeds bytes, and answers each frame that is whole.
func (s *session) frames(from *spare, in, out []byte, answer func([]byte, petrichor.Frame) ([]byte, error)) ([]byte, error) {
	p := s.parser
	if p == nil {
		p = from.take()
	}
	p.Feed(in)
	for {
		f, err := p.Next()
		if err == petrichor.ErrShort {
			s.parser = from.keep(p)
			return out, nil
		}
		if err == nil {
			s.served++
			out, err = answer(out, f)
		}
		if err != nil {
			return out, err
		}
	}
}

// admit answers the first frame.
func (s *session) admit(out []byte, first petrichor.Frame) ([]byte, error) {
	s.allowed = petrichor.Valid(first.Header)
	out, err := petrichor.AppendFrame(out, petrichor.Header{"allowed": s.allowed}, nil)
	if err == nil && !s.allowed {
		err = errors.New("the first header is malformed")
	}
	return out, err
}

// answer is an echo.  AppendFrame checks what it is given, down to the last
// value.
func (s *session) answer(out []byte, f petrichor.Frame) ([]byte, error) {
	return petrichor.AppendFrame(out, f.Header, f.Body)
}

// A spare is a Parser without bytes, or the place for one.
type spare struct {
	parser *petrichor.Parser
	opts   []petrichor.Option
}

func (s *spare) take() (p *petrichor.Parser) {
	p, s.parser = s.parser, nil
	if p == nil {
		p = petrichor.NewParser(s.opts...)
	}
	return p
}

// keep returns p to whom it was fed for, or nil when it holds no bytes.
func (s *spare) keep(p *petrichor.Parser) *petrichor.Parser {
	if p.Buffered() > 0 {
		return p
	}
	s.parser = p
	return nil
}
