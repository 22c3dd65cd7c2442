package main

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/petrichor-protocol/petrichor/internal/conform"
)

// stdioRuns starts runs of a command, each as a connection.  None is left when they are ended.
type stdioRuns struct {
	command []string
	ctx     context.Context // kills them
	cancel  context.CancelFunc
	mu      sync.Mutex // held to start one, so that end waits for all there are
	running sync.WaitGroup

	stderr *os.File // theirs
	said   conform.Tail
	heard  chan struct{} // closed when stderr has been read to its end
}

func newStdioRuns(ctx context.Context, command []string) (*stdioRuns, error) {
	heard, stderr, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &stdioRuns{command: command, ctx: ctx, cancel: cancel, stderr: stderr, heard: make(chan struct{})}
	go func() {
		defer close(r.heard)
		defer heard.Close()
		io.Copy(&r.said, heard)
	}()
	return r, nil
}

// dial starts a run.
func (r *stdioRuns) dial() (net.Conn, error) {
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
	c := &stdioConn{in: in, out: out, ended: make(chan struct{}), gone: make(chan struct{})}
	if err := r.start(c, stdin, stdout); err != nil {
		in.Close()
		out.Close()
		return nil, fail(exitConnect, "cannot start %s: %v", r.command[0], err)
	}
	return c, nil
}

func (r *stdioRuns) start(c *stdioConn, stdin, stdout *os.File) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	ctx, cancel := context.WithCancel(r.ctx)
	c.cancel = cancel
	cmd := exec.CommandContext(ctx, r.command[0], r.command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, r.stderr
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		cancel()
		return err
	}
	r.running.Go(func() {
		defer close(c.gone)
		cmd.Wait() // how it ends is not judged here
		close(c.ended)
		<-ctx.Done()
		killGroup(cmd) // what it has started and left
	})
	return nil
}

// end kills what still runs, and waits until it has ended.
func (r *stdioRuns) end() {
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running.Wait()
	r.stderr.Close()
}

// words are the last that runs have said on stderr, to be put behind something.  It ends them.
func (r *stdioRuns) words() string {
	r.end()
	select {
	case <-r.heard:
	case <-time.After(time.Second): // somebody has left the group, and holds stderr
	}
	return r.said.String()
}

// A stdioConn is a connection to a run of a command: what it reads is written to the command's
// stdin, and the other way round.
type stdioConn struct {
	in, out *os.File           // our ends
	cancel  context.CancelFunc // kills it
	ended   chan struct{}      // closed when it has ended
	gone    chan struct{}      // and when all that it started has
}

var _ net.Conn = (*stdioConn)(nil)

func (c *stdioConn) Read(p []byte) (int, error)  { return c.out.Read(p) }
func (c *stdioConn) Write(p []byte) (int, error) { return c.in.Write(p) }

// CloseWrite ends what the command reads.
func (c *stdioConn) CloseWrite() error { return c.in.Close() }

// Close closes both, and gives the command a second to end.
func (c *stdioConn) Close() error {
	c.in.Close()
	c.out.Close()
	late := time.AfterFunc(time.Second, c.cancel)
	<-c.ended
	late.Stop()
	c.cancel()
	<-c.gone
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
