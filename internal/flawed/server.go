package flawed

// The Server: small, right in everything, and to be told not to be.

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/compress"
)

// A Server echoes bodies.  It denies the user "nobody", and panics when the body
// is "panic".
type Server struct {
	listener                      net.Listener
	handshake, frame, idle, write time.Duration // 0: none
	conns                         int
	opts                          []petrichor.Option
	flaw                          flaws

	running sync.WaitGroup
	closing chan struct{}
	writer  sync.Mutex

	mu     sync.Mutex
	open   map[net.Conn]bool
	buffer petrichor.Raw
}

// flaws are what is wrong with a server, beyond a limit or a deadline.
type flaws struct {
	deadlineMoves   bool // with each byte of a frame
	deadlineStays   bool // that of the first request is that of all
	noAccept        bool // the first frame is a frame like any other
	echoesFirst     bool
	believesHeaders bool
	goesOn          bool // after a fault
	readsRest       bool // of what it has refused
	deniedStay      bool
	deniedAsk       bool
	takesHalves     bool
	readIsFrame     bool
	writesPieces    bool
	mixesIDs        bool
	sharesBody      bool
	oneWriter       bool // for all connections
	losesReply      bool
	acceptDies      bool
	acceptWaits     bool // for the first frame
	neverCloses     bool
	leaks           bool
	panicEndsAll    bool
	panicEndsWorld  bool
	inflates        bool // whatever says that it is compressed
	agrees          bool // on deflate, and leaves it to inflates
}

// New returns a server that does everything right.  Its deadlines are 1 s, 1 s,
// 1.5 s and 1 s, and it holds 400 connections.
func New() *Server {
	return &Server{
		handshake: time.Second, frame: time.Second, idle: 1500 * time.Millisecond, write: time.Second,
		opts:  []petrichor.Option{petrichor.WithExtensions(compress.New(compress.Config{}))},
		conns: 400, open: map[net.Conn]bool{}, closing: make(chan struct{}),
	}
}

// Listen serves on a free port of loopback, until Stop.
func (s *Server) Listen() (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	s.listener = l
	s.running.Go(s.serve)
	return l.Addr().String()
}

// Stop ends all connections, and returns when nothing of the server runs.
func (s *Server) Stop() {
	close(s.closing)
	s.endAll()
	s.running.Wait()
}

func (s *Server) endAll() {
	s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		c.Close()
	}
}

func (s *Server) serve() {
	for {
		c, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if !s.enter(c) {
			c.Close()
			continue
		}
		if s.flaw.acceptWaits || s.flaw.acceptDies {
			if err := s.one(c); err != nil && s.flaw.acceptDies {
				return
			}
			continue
		}
		s.running.Go(func() { s.one(c) })
	}
}

func (s *Server) enter(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= s.conns && s.conns > 0 {
		return false
	}
	s.open[c] = true
	return true
}

func (s *Server) leave(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.flaw.neverCloses {
		c.Close()
		delete(s.open, c)
	}
	if s.flaw.leaks {
		s.running.Go(func() { <-s.closing })
	}
}

// one serves one connection, or greets it and leaves the rest to a goroutine.
func (s *Server) one(c net.Conn) error {
	if s.flaw.acceptWaits || s.flaw.acceptDies {
		session, err := s.greet(c)
		s.running.Go(func() { s.session(c, session) })
		return err
	}
	session, err := s.greet(c)
	s.session(c, session)
	return err
}

func (s *Server) session(c net.Conn, session *session) {
	defer s.leave(c)
	if !s.flaw.panicEndsWorld {
		defer s.caught()
	}
	if session != nil {
		session.loop()
	}
}

func (s *Server) caught() {
	if recover() != nil && s.flaw.panicEndsAll {
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.open {
			c.Close()
		}
	}
}

// A session is a connection that has been allowed.
type session struct {
	*Server
	c       *timed
	conn    *petrichor.Conn
	dec     *petrichor.Decoder // for flaws that a Conn does not have
	last    *int               // id
	sending sync.WaitGroup
}

// greet returns nil where the peer is not allowed.
func (s *Server) greet(c net.Conn) (*session, error) {
	in := &timed{Conn: c, Server: s}
	in.deadline(s.handshake)
	conn, first, err := s.accept(in)
	if err != nil {
		return nil, err
	}
	session := &session{Server: s, c: in, conn: conn, dec: petrichor.NewDecoder(in)}
	if s.flaw.echoesFirst {
		return session, conn.Allow(petrichor.Header{"you": first.Header}, first.Body)
	}
	if s.flaw.agrees {
		return session, conn.Allow(petrichor.Header{"compress": "deflate"}, nil)
	}
	if s.allows(first) {
		return session, conn.Allow(nil, nil)
	}
	err = errors.Join(errors.New("denied"), conn.Deny(nil, "who are you?"))
	if s.flaw.deniedStay {
		io.Copy(io.Discard, c)
	}
	if s.flaw.deniedAsk {
		return session, err
	}
	return nil, err
}

func (s *Server) allows(first petrichor.Frame) bool {
	if s.flaw.believesHeaders {
		return !bytes.Contains(first.Header, []byte("nobody"))
	}
	var who struct {
		User string `tnet:"user"`
	}
	err := petrichor.Unmarshal(first.Header, &who)
	return err == nil && who.User != "nobody"
}

func (s *Server) accept(in *timed) (*petrichor.Conn, petrichor.Frame, error) {
	if !s.flaw.noAccept {
		return petrichor.Accept(in, s.opts...)
	}
	conn := petrichor.NewConn(in, s.opts...)
	f, err := conn.Recv()
	return conn, f, err
}

func (s *session) loop() {
	defer s.sending.Wait()
	s.c.allowed = true
	for {
		s.c.inside = false
		if !s.flaw.deadlineStays {
			s.c.deadline(s.idle)
		}
		f, err := s.recv()
		if err != nil && s.flaw.readsRest {
			io.Copy(io.Discard, s.c.Conn)
		}
		if err != nil {
			return
		}
		if err := s.answer(f); err != nil {
			return
		}
	}
}

func (s *session) answer(f petrichor.Frame) error {
	if s.flaw.inflates {
		f.Body = inflated(f)
	}
	if string(f.Body) == "5:panic," {
		panic("as asked")
	}
	var header struct {
		ID *int `tnet:"id"`
	}
	if err := petrichor.Unmarshal(f.Header, &header); err != nil {
		return err
	}
	reply := petrichor.Header{}
	if header.ID != nil {
		reply["id"] = *header.ID
	}
	if s.flaw.mixesIDs && s.last != nil {
		reply["id"] = *s.last
	}
	s.last = header.ID
	var body any
	if err := petrichor.Unmarshal(f.Body, &body, petrichor.MaxValues(65_536)); err != nil {
		reply["error"] = "not understood"
		return s.send(reply, petrichor.Raw("0:~"))
	}
	if s.flaw.sharesBody {
		f.Body = s.share(f.Body)
	}
	return s.send(reply, f.Body)
}

// inflated is the body of f, or what comes out of it where its header has the mark
// of compressed bodies: all of it, whatever the header says of its size.
func inflated(f petrichor.Frame) petrichor.Raw {
	var header struct {
		Size *int `tnet:"z"`
	}
	var body []byte
	if petrichor.Unmarshal(f.Header, &header) != nil || header.Size == nil || petrichor.Unmarshal(f.Body, &body) != nil {
		return f.Body
	}
	all, _ := io.ReadAll(flate.NewReader(bytes.NewReader(body)))
	return all
}

// share is what a buffer does that belongs to all connections.
func (s *Server) share(body petrichor.Raw) petrichor.Raw {
	s.mu.Lock()
	s.buffer = body
	s.mu.Unlock()
	time.Sleep(time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffer
}

func (s *session) send(header petrichor.Header, body petrichor.Raw) error {
	if s.write > 0 {
		s.c.SetWriteDeadline(time.Now().Add(s.write))
	}
	if s.flaw.writesPieces {
		s.sending.Go(func() {
			b, _ := petrichor.Marshal(header)
			s.c.Write(b)
			runtime.Gosched() // as whatever makes the body would
			s.c.Write(body)
		})
		return nil
	}
	if s.flaw.oneWriter {
		s.writer.Lock()
		defer s.writer.Unlock()
		s.c.SetWriteDeadline(time.Now().Add(s.write))
	}
	return s.conn.Send(header, body)
}

func (s *session) recv() (petrichor.Frame, error) {
	switch {
	case s.flaw.goesOn:
		return s.recvSomehow()
	case s.flaw.takesHalves:
		return s.recvHalf()
	case s.flaw.readIsFrame:
		return s.recvRead()
	case s.flaw.losesReply:
		return s.recvAhead()
	}
	return s.conn.Recv()
}

// recvSomehow looks for the next frame wherever it may begin.
func (s *session) recvSomehow() (petrichor.Frame, error) {
	for {
		f, err := s.dec.ReadFrame()
		var fault *petrichor.SyntaxError
		if !errors.As(err, &fault) {
			return f.Clone(), err
		}
		rest := bytes.Clone(s.dec.Buffered()[1:])
		s.dec = petrichor.NewDecoder(io.MultiReader(bytes.NewReader(rest), s.c))
	}
}

// recvHalf takes what has come of a body for the body.
func (s *session) recvHalf() (petrichor.Frame, error) {
	header, body, err := s.dec.NextFrame()
	if err != nil {
		return petrichor.Frame{}, err
	}
	header = bytes.Clone(header)
	payload, err := io.ReadAll(body)
	if err != nil && len(payload) == 0 {
		return petrichor.Frame{}, err
	}
	return petrichor.Frame{Header: header, Body: petrichor.Append(nil, petrichor.KindString, payload)}, nil
}

// recvRead takes what one Read reads for a frame.
func (s *session) recvRead() (petrichor.Frame, error) {
	b := make([]byte, 2<<20)
	n, err := s.c.Read(b)
	if err != nil {
		return petrichor.Frame{}, err
	}
	f, _, err := petrichor.CutFrame(b[:n])
	return f, err
}

// recvAhead closes the connection when the peer has ended, whatever there still
// is to do.
func (s *session) recvAhead() (petrichor.Frame, error) {
	f, err := s.conn.Recv()
	s.c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, end := s.conn.Recv(); err == nil && end == io.EOF {
		s.c.Close()
	}
	return f, err
}

// A timed is a connection that has a deadline for each frame.
type timed struct {
	net.Conn
	*Server
	allowed bool // its first frame has been read
	inside  bool // of a frame
}

func (c *timed) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && c.allowed && (!c.inside || c.flaw.deadlineMoves) && !c.flaw.deadlineStays {
		c.inside = true
		c.deadline(c.frame)
	}
	return n, err
}

func (c *timed) deadline(d time.Duration) {
	at := time.Time{}
	if d > 0 {
		at = time.Now().Add(d)
	}
	c.Conn.SetReadDeadline(at)
}
