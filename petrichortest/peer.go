package petrichortest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A peer is one connection to the target.  It sees what any peer sees, and every
// wait of it ends.
type peer struct {
	net.Conn
	s       *Target
	dec     *petrichor.Decoder
	writing sync.WaitGroup
}

// stranger connects, and says nothing.
func (s *Target) stranger() (*peer, error) {
	c, err := s.dial()
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return &peer{Conn: c, s: s, dec: petrichor.NewDecoder(c, petrichor.MaxSize(1<<30), petrichor.MaxHeaderSize(1<<30))}, nil
}

// guest connects, and is allowed.
func (s *Target) guest() (*peer, error) {
	p, err := s.stranger()
	if err != nil {
		return nil, err
	}
	f, err := p.exchange(s.first)
	if err == nil && !petrichor.Allowed(f.Header) {
		err = fmt.Errorf("the first frame is answered with %.80q", f.Header)
	}
	if err != nil {
		p.leave()
		return nil, fmt.Errorf("greeting: %w", err)
	}
	return p, nil
}

// good is a peer that does nothing wrong, and has to be served.
func (s *Target) good() error {
	p, err := s.guest()
	if err != nil {
		return fmt.Errorf("a good peer is not served: %w", err)
	}
	defer p.leave()
	if _, err := p.exchange(s.request); err != nil {
		return fmt.Errorf("a good peer is not served: %w", err)
	}
	return nil
}

// exchange sends a frame and receives one, soon.
func (p *peer) exchange(frame []byte) (petrichor.Frame, error) {
	p.SetDeadline(time.Now().Add(p.s.patience))
	defer p.SetDeadline(time.Time{})
	if _, err := p.Write(frame); err != nil {
		return petrichor.Frame{}, err
	}
	f, err := p.dec.ReadFrame()
	return f.Clone(), err
}

// send sends b in the background, however little of it the server takes, and
// then ends what is sent where end says so.
func (p *peer) send(b []byte, end bool) {
	p.writing.Go(func() {
		if _, err := p.Write(b); err == nil && end {
			p.closeWrite()
		}
	})
}

// drip sends b byte by byte, one each pause, until it cannot.
func (p *peer) drip(b []byte, pause time.Duration) {
	p.writing.Go(func() {
		for i := range b {
			if _, err := p.Write(b[i : i+1]); err != nil {
				return
			}
			time.Sleep(pause)
		}
	})
}

// canHalfClose says whether the connection has two ends that close one by one.
func (p *peer) canHalfClose() bool {
	_, ok := p.Conn.(interface{ CloseWrite() error })
	return ok
}

func (p *peer) closeWrite() {
	if c, ok := p.Conn.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
	}
}

// leave closes the connection, and waits for what is still sending.
func (p *peer) leave() {
	p.Close()
	p.writing.Wait()
}

// abort leaves with a reset, where there are resets.
func (p *peer) abort() {
	if c, ok := p.Conn.(*net.TCPConn); ok {
		c.SetLinger(0)
	}
	p.leave()
}

// An ending is what a peer saw of a connection until it was closed, or until the
// peer would wait no longer.
type ending struct {
	answers []petrichor.Frame
	bytes   int64
	cut     bool // closed by the server, in order or by a reset
	took    time.Duration
	err     error // the server sent something that is no frame
}

// end reads what comes for at most wait.
func (p *peer) end(wait time.Duration) (e ending) {
	began, from := time.Now(), p.dec.Offset()
	p.SetReadDeadline(began.Add(wait))
	for {
		f, err := p.dec.ReadFrame()
		e.took, e.bytes = time.Since(began), p.dec.Offset()-from+int64(len(p.dec.Buffered()))
		if err == nil {
			e.answers = append(e.answers, f.Clone())
			continue
		}
		var fault *petrichor.SyntaxError
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
		case errors.As(err, &fault):
			e.err = fmt.Errorf("what the server sends is no frame: %w", err)
		case errors.Is(err, io.ErrUnexpectedEOF):
			e.cut, e.err = true, errors.New("the server sent a part of a frame")
		default:
			e.cut = true
		}
		return e
	}
}

// within wants a server to have cut a connection after d, neither much sooner
// nor much later.
func (e ending) within(d time.Duration) error {
	slack := 300*time.Millisecond + d/10
	switch {
	case e.err != nil:
		return e.err
	case !e.cut:
		return fmt.Errorf("not cut after %v, its deadline is %v", round(e.took), d)
	case e.took > d+slack:
		return fmt.Errorf("cut after %v, its deadline is %v", round(e.took), d)
	case e.took < d-d/5-50*time.Millisecond:
		return fmt.Errorf("cut after only %v, its deadline is %v", round(e.took), d)
	}
	return nil
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
