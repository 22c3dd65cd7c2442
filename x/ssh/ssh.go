// Package ssh carries petrichor inside SSH: one session of one connection for each
// Conn, in which the subsystem "petrichor" is asked for.
//
// So OpenSSH can be either end.  Its client reaches a Listener here by the address
// exec:ssh -s HOST petrichor, and its server serves Dial when sshd_config has
//
//	Subsystem petrichor petrichor serve stdio: --exec ...
package ssh

import (
	"context"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
)

// Subsystem is what both ends name.
const Subsystem = "petrichor"

// Dial opens a stream to addr.  config says who we are and, in HostKeyCallback, whom
// we believe: not ssh.InsecureIgnoreHostKey.
func Dial(ctx context.Context, addr string, config *ssh.ClientConfig) (io.ReadWriteCloser, error) {
	var dialer net.Dialer
	socket, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { socket.Close() })
	s, err := open(socket, addr, config)
	if !stop() && err == nil {
		s.Close()
		err = context.Cause(ctx)
	}
	if err != nil {
		socket.Close()
		return nil, err
	}
	return s, nil
}

func open(socket net.Conn, addr string, config *ssh.ClientConfig) (*stream, error) {
	conn, channels, requests, err := ssh.NewClientConn(socket, addr, config)
	if err != nil {
		return nil, err
	}
	client := ssh.NewClient(conn, channels, requests)
	channel, answers, err := client.OpenChannel("session", nil)
	if err != nil {
		client.Close()
		return nil, err
	}
	go ssh.DiscardRequests(answers)
	discardStderr(channel)
	ok, err := channel.SendRequest("subsystem", true, ssh.Marshal(subsystem{Subsystem}))
	if err == nil && !ok {
		err = errSubsystem
	}
	if err != nil {
		client.Close()
		return nil, err
	}
	return &stream{Channel: channel, conn: client}, nil
}

// discardStderr reads what the peer's program complains of.  It counts for the same
// window as the stream: where nobody reads it, both stall after 2 MiB.
func discardStderr(channel ssh.Channel) { go io.Copy(io.Discard, channel.Stderr()) }

// A subsystem is the payload of a request for one.
type subsystem struct{ Name string }

// A stream is the only one of its connection, which ends with it.  It has CloseWrite
// and no deadlines.
type stream struct {
	ssh.Channel
	conn ssh.Conn
}

// lastWords is how long Close may take to say that it is the end.
const lastWords = 100 * time.Millisecond

// Close closes both directions.  What has been written has been sent.  A peer that does
// not read is not told, and keeps nobody waiting.
func (s *stream) Close() error {
	late := time.AfterFunc(lastWords, func() { s.conn.Close() })
	defer late.Stop()
	s.Channel.Close()
	return s.conn.Close()
}

// RemoteAddr is where the peer is.
func (s *stream) RemoteAddr() net.Addr { return s.conn.RemoteAddr() }
func (s *stream) LocalAddr() net.Addr  { return s.conn.LocalAddr() }
