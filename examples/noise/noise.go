package main

// Noise_IK_25519_ChaChaPoly_SHA256: the client knows the server's key, and the server
// learns the client's from the handshake.  On the wire each message has its size
// before it, in two bytes.  An empty message is the end: without it a cut would look
// like one.

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flynn/noise"
)

var suite = noise.NewCipherSuite(noise.DH25519, noise.CipherChaChaPoly, noise.HashSHA256)

// prologue is what both ends must agree on, as ALPN is in TLS.
const prologue = "petrichor/1"

// maxPlain is what one message holds: 65,535 bytes with 16 of the cipher's.
const maxPlain = 65535 - 16

func newKey() (noise.DHKey, error) { return suite.GenerateKeypair(rand.Reader) }

// A stream is a socket with Noise around it.  The first Read or Write makes the
// handshake.
type stream struct {
	net.Conn
	own    noise.DHKey
	theirs []byte // of a client: the server's key.  Of a server: nil, and then the client's

	once    sync.Once
	ready   atomic.Bool // the handshake has been made
	failed  error
	in, out *noise.CipherState
	plain   []byte // received, and not read yet
	ended   bool
	writing sync.Mutex
}

func (s *stream) handshake() error {
	s.once.Do(func() {
		s.failed = s.shake()
		s.ready.Store(s.failed == nil)
	})
	return s.failed
}

func (s *stream) shake() error {
	client := s.theirs != nil
	h, err := noise.NewHandshakeState(noise.Config{
		CipherSuite: suite, Pattern: noise.HandshakeIK, Initiator: client,
		Prologue: []byte(prologue), StaticKeypair: s.own, PeerStatic: s.theirs,
	})
	if err != nil {
		return err
	}
	if client {
		message, _, _, err := h.WriteMessage(nil, nil)
		if err == nil {
			err = s.put(message)
		}
		if err != nil {
			return err
		}
		if message, err = s.take(); err == nil {
			_, s.out, s.in, err = h.ReadMessage(nil, message)
		}
		return err
	}
	message, err := s.take()
	if err != nil {
		return err
	}
	if _, _, _, err = h.ReadMessage(nil, message); err != nil {
		return err
	}
	message, s.in, s.out, err = h.WriteMessage(nil, nil)
	if err != nil {
		return err
	}
	s.theirs = h.PeerStatic()
	return s.put(message)
}

// put sends one message.
func (s *stream) put(message []byte) error {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(message)))
	_, err := s.Conn.Write(append(b, message...))
	return err
}

// take receives one.
func (s *stream) take() ([]byte, error) {
	var size [2]byte
	_, err := io.ReadFull(s.Conn, size[:])
	if err == io.EOF {
		err = io.ErrUnexpectedEOF // the end would have been said
	}
	if err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err = io.ReadFull(s.Conn, b)
	return b, err
}

func (s *stream) Read(p []byte) (int, error) {
	if err := s.handshake(); err != nil {
		return 0, err
	}
	for len(s.plain) == 0 && len(p) > 0 {
		if s.ended {
			return 0, io.EOF
		}
		message, err := s.take()
		if err != nil {
			return 0, err
		}
		if s.plain, err = s.in.Decrypt(nil, nil, message); err != nil {
			return 0, err
		}
		s.ended = len(s.plain) == 0
	}
	n := copy(p, s.plain)
	s.plain = s.plain[n:]
	return n, nil
}

func (s *stream) Write(p []byte) (n int, err error) {
	if err := s.handshake(); err != nil {
		return 0, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	for n < len(p) && err == nil {
		piece := p[n:min(len(p), n+maxPlain)]
		if err = s.seal(piece); err == nil {
			n += len(piece)
		}
	}
	return n, err
}

func (s *stream) seal(plain []byte) error {
	message, err := s.out.Encrypt(nil, nil, plain)
	if err != nil {
		return err
	}
	return s.put(message)
}

// CloseWrite lets the peer know that no more will come.
func (s *stream) CloseWrite() error {
	if err := s.handshake(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.seal(nil)
}

// Close says that no more will come, and closes both directions.
func (s *stream) Close() error {
	if s.ready.Load() {
		s.Conn.SetWriteDeadline(time.Now().Add(time.Second)) // for a Write under way too
		s.CloseWrite()
	}
	return s.Conn.Close()
}

// A listener has the streams of a server.
type listener struct {
	net.Listener
	own noise.DHKey
}

func (l *listener) Accept() (net.Conn, error) {
	socket, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &stream{Conn: socket, own: l.own}, nil
}

// identify knows peers by the keys that the handshake has proven.
func identify(names map[string]string) func(io.ReadWriteCloser) (string, error) {
	return func(rwc io.ReadWriteCloser) (string, error) {
		s := rwc.(*stream)
		if err := s.handshake(); err != nil {
			return "", err
		}
		name, known := names[string(s.theirs)]
		if !known {
			return "", errors.New("a key that nobody knows")
		}
		return name, nil
	}
}
