package service

import (
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// An Observer is told of what a Server does.  Observe is called at once, by the
// goroutine that does it, and by many at a time; it must not wait.
//
// Nothing in an Event that a peer has chosen should become the name of a metric:
// there is no end to what it may choose.
type Observer interface{ Observe(Event) }

// An Event is one thing that has happened.
type Event struct {
	Kind EventKind
	Peer *Peer // of the connection

	Header, Body int           // bytes of a frame, as elements; a BodyFrom is its payload
	Duration     time.Duration // of a connection; from a request to its reply
	Err          error         // why a connection was refused, denied or closed; nil: by the peer
}

// An EventKind is what has happened.
type EventKind int

// What can happen.
const (
	Opened   EventKind = iota // a connection was accepted
	Refused                   // a connection was closed at once: there are too many
	Allowed                   // its peer was allowed
	Denied                    // its peer was denied
	Closed                    // it has ended, with all its handlers; comes after each Opened
	FrameIn                   // a frame has been received
	FrameOut                  // a reply is on its way
	Panicked                  // a handler has panicked
)

// String returns the name of k in lower case, such as "frame in".
func (k EventKind) String() string {
	names := [...]string{"opened", "refused", "allowed", "denied", "closed", "frame in", "frame out", "panicked"}
	if k < 0 || int(k) >= len(names) {
		return "unknown"
	}
	return names[k]
}

func (s *Server) observe(e Event) {
	if s.Observer != nil {
		s.Observer.Observe(e)
	}
}

// observing returns the time, if somebody wants to know.
func (s *Server) observing() time.Duration {
	if s.Observer == nil {
		return 0
	}
	return s.now()
}

// observeFrame tells of a frame, and how long ago its request came, unless came is
// 0.
func (s *Server) observeFrame(kind EventKind, c *Conn, f petrichor.Frame, came time.Duration) {
	if s.Observer != nil {
		s.observeSizes(kind, c, len(f.Header), len(f.Body), came)
	}
}

func (s *Server) observeSizes(kind EventKind, c *Conn, header, body int, came time.Duration) {
	e := Event{Kind: kind, Peer: &c.peer, Header: header, Body: body}
	if came != 0 {
		e.Duration = s.now() - came
	}
	s.observe(e)
}
