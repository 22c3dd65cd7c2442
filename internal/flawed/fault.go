// Package flawed is servers that are wrong in one way each: what attacks on
// servers have to find, and are tested with.
package flawed

import "github.com/petrichor-protocol/petrichor"

// A Fault is what is wrong with a server.
type Fault struct {
	Name string
	Rows []int // of the attacks of petrichortest that have to find it
	with func(*Server)
}

// Server returns a server that is wrong in this way and no other.
func (f Fault) Server() *Server {
	s := New()
	f.with(s)
	return s
}

// Faults are all that leave the process alive.
var Faults = []Fault{
	{"no handshake deadline", []int{32}, func(s *Server) { s.handshake = 0 }},
	{"no frame deadline", []int{33}, func(s *Server) { s.frame = 0 }},
	{"a frame deadline that each byte moves", []int{33}, func(s *Server) { s.flaw.deadlineMoves = true }},
	{"no idle deadline", []int{34}, func(s *Server) { s.idle = 0 }},
	{"one deadline for all requests", []int{34}, func(s *Server) { s.flaw.deadlineStays = true }},
	{"no write deadline", []int{39}, func(s *Server) { s.write = 0 }},
	{"frames of any size", []int{1, 26}, func(s *Server) {
		s.opts = []petrichor.Option{petrichor.MaxSize(1 << 40), petrichor.MaxHeaderSize(1 << 40)}
	}},
	{"a limit that is one off", []int{26}, func(s *Server) { s.opts = []petrichor.Option{petrichor.MaxSize(1<<20 - 1)} }},
	{"sizes read loosely", []int{4}, func(s *Server) { s.opts = []petrichor.Option{petrichor.AllowLoose(true)} }},
	{"first frames of any size", []int{27}, func(s *Server) { s.flaw.noAccept = true }},
	{"an echo before the answer", []int{27}, func(s *Server) { s.flaw.echoesFirst = true }},
	{"a first header believed", []int{3, 7, 16, 17, 18, 20}, func(s *Server) { s.flaw.believesHeaders = true }},
	{"the denied are not closed", []int{16, 43}, func(s *Server) { s.flaw.deniedStay = true }},
	{"the denied are answered", []int{27, 43}, func(s *Server) { s.flaw.noAccept, s.flaw.deniedAsk = true, true }},
	{"reads on after a fault", []int{4, 26, 28}, func(s *Server) { s.flaw.goesOn = true }},
	{"what is refused is read to its end", []int{1, 4, 26, 28}, func(s *Server) { s.flaw.readsRest = true }},
	{"half a frame delivered", []int{13}, func(s *Server) { s.flaw.takesHalves = true }},
	{"a read taken for a frame", []int{12, 30}, func(s *Server) { s.flaw.readIsFrame = true }},
	{"header and body written apart", []int{30}, func(s *Server) { s.flaw.writesPieces = true }},
	{"ids mixed up", []int{30, 40, 44}, func(s *Server) { s.flaw.mixesIDs = true }},
	{"a buffer of all connections", []int{24}, func(s *Server) { s.flaw.sharesBody = true }},
	{"one writer for all connections", []int{39}, func(s *Server) { s.flaw.oneWriter = true }},
	{"a reply lost at the end", []int{42}, func(s *Server) { s.flaw.losesReply = true }},
	{"an accept loop that dies", []int{31, 36}, func(s *Server) { s.flaw.acceptDies = true }},
	{"an accept loop that waits", []int{37}, func(s *Server) { s.flaw.acceptWaits = true }},
	{"any number of connections", []int{36}, func(s *Server) { s.conns = 0 }},
	{"a panic ends all connections", []int{41}, func(s *Server) { s.flaw.panicEndsAll = true }},
	{"connections never closed", []int{13, 42, 43}, func(s *Server) { s.conns, s.flaw.neverCloses = 0, true }},
	{"a body inflated for anybody", []int{47}, func(s *Server) { s.flaw.inflates = true }},
	{"a body inflated to any size", []int{46}, func(s *Server) { s.flaw.agrees, s.flaw.inflates, s.opts = true, true, nil }},
	{"goroutines that stay", []int{43}, func(s *Server) { s.flaw.leaks = true }},
}

// PanicEndsWorld is the one that does not: the panic of a handler ends the process.
var PanicEndsWorld = Fault{"a panic ends the process", []int{41}, func(s *Server) { s.flaw.panicEndsWorld = true }}
