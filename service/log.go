package service

// One line for each event.  What a peer has chosen is in a line only escaped, and
// cut to 256 bytes; what it does wrong is for those who debug, since it can do it
// as often as it likes.

import (
	"context"
	"log/slog"
	"strconv"
)

// maxLogged is how many bytes of a text, escaped, are logged.
const maxLogged = 256

// printable escapes s as a Go string literal does, in ASCII, and cuts it.
func printable(s string) string {
	s = strconv.QuoteToASCII(s[:min(len(s), maxLogged)])
	s = s[1 : len(s)-1]
	if len(s) > maxLogged {
		return s[:maxLogged-len("...")] + "..."
	}
	return s
}

func (s *Server) warn(what string, err error) {
	s.set.log.Warn("petrichor: "+what, "error", printable(err.Error()))
}

// failed is the handler's fault.
func (s *Server) failed(c *Conn, what, why string, attrs ...any) {
	s.log(slog.LevelError, c, what, why, attrs...)
}

func (s *Server) log(level slog.Level, c *Conn, what, why string, attrs ...any) {
	if !s.set.log.Enabled(context.Background(), level) {
		return
	}
	attrs = append(attrs, "peer", c.peer.name(), "error", printable(why))
	if c.peer.Identity != "" {
		attrs = append(attrs, "identity", printable(c.peer.Identity))
	}
	s.set.log.Log(context.Background(), level, "petrichor: "+what, attrs...)
}

// name is where a peer is, for the log.
func (p *Peer) name() string {
	if p.Addr == nil {
		return "unknown"
	}
	return printable(p.Addr.String())
}

// allowed is called when a peer has been allowed.
func (s *Server) allowed(c *Conn) {
	s.mu.Lock()
	s.door.allow(c)
	s.mu.Unlock()
	s.observe(Event{Kind: Allowed, Peer: &c.peer})
}

// closed is called when a connection has ended, and why.
func (s *Server) closed(c *Conn, err error) {
	if err == errDenied {
		s.observe(Event{Kind: Denied, Peer: &c.peer, Err: err})
	}
	if err != nil && err != errPanic {
		s.log(slog.LevelDebug, c, "connection ended", err.Error())
	}
	s.observe(Event{Kind: Closed, Peer: &c.peer, Duration: s.now() - c.opened, Err: err})
}
