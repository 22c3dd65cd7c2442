package service

// The watch: one goroutine that looks at the clocks of all connections, so that a
// deadline costs no timer, and cuts who is overdue.

import "time"

// watch looks at the clocks of all connections, as long as there are any.
func (s *Server) watch() {
	ticker := time.NewTicker(s.set.tick)
	defer ticker.Stop()
	for s.look() {
		select {
		case <-ticker.C:
		case <-s.empty:
		}
	}
}

func (s *Server) look() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for c := range s.door.conns {
		c.look(now)
	}
	s.watching = len(s.door.conns) > 0
	return s.watching
}
