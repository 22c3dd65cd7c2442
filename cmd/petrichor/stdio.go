package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/petrichor-protocol/petrichor/petrichortest"
)

// A stdioConn is a connection to a run of a command: what it reads is written to the command's
// stdin, and the other way round.
type stdioConn struct {
	in, out *os.File // our ends
	cmd     *exec.Cmd
	cancel  context.CancelFunc
}

var _ net.Conn = (*stdioConn)(nil)

// stdioDialer returns a function that starts a run of command.
func stdioDialer(command []string) petrichortest.Dial {
	return func() (net.Conn, error) {
		stdin, in, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		defer stdin.Close()
		out, stdout, err := os.Pipe()
		if err != nil {
			in.Close()
			return nil, err
		}
		defer stdout.Close()
		ctx, cancel := context.WithCancel(context.Background())
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.WaitDelay = stdin, stdout, time.Second
		ownGroup(cmd)
		c := &stdioConn{in, out, cmd, cancel}
		if err := cmd.Start(); err != nil {
			cancel()
			in.Close()
			out.Close()
			return nil, err
		}
		return c, nil
	}
}

func (c *stdioConn) Read(p []byte) (int, error)  { return c.out.Read(p) }
func (c *stdioConn) Write(p []byte) (int, error) { return c.in.Write(p) }

// CloseWrite ends what the command reads.
func (c *stdioConn) CloseWrite() error { return c.in.Close() }

// Close closes both, and gives the command a second to end.
func (c *stdioConn) Close() error {
	c.in.Close()
	c.out.Close()
	defer time.AfterFunc(time.Second, c.cancel).Stop()
	c.cmd.Wait() // how it ends is not judged here
	c.cancel()
	return nil
}

// The deadlines are those of pipes, which have some.

func (c *stdioConn) SetDeadline(t time.Time) error {
	if err := c.SetWriteDeadline(t); err != nil {
		return err
	}
	return c.SetReadDeadline(t)
}

func (c *stdioConn) SetReadDeadline(t time.Time) error  { return c.out.SetReadDeadline(t) }
func (c *stdioConn) SetWriteDeadline(t time.Time) error { return c.in.SetWriteDeadline(t) }

func (c *stdioConn) LocalAddr() net.Addr  { return stdioAddr{} }
func (c *stdioConn) RemoteAddr() net.Addr { return stdioAddr{} }

type stdioAddr struct{}

func (stdioAddr) Network() string { return "stdio" }
func (stdioAddr) String() string  { return "stdio" }
