package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os/exec"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
)

// A partner is one run of a command for each connection, which reads the peer's frames on its stdin
// and writes its own to stdout: a server in any language that can read and write.  The first frames
// are not its business; what the peer's said is in its environment, as for a command.
type partner struct {
	command
	patience time.Duration // for it to end after the peer has; 0 is for ever
	options  []petrichor.Option
}

// speak starts a run, and ends when both the peer and the run have.
func (p *partner) speak(ctx context.Context, c *service.Conn) error {
	variables, err := environ(peerOf(c.Peer()), c.Peer().First, p.input...)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stderr := &lineLog{log: p.log.With("peer", peerOf(c.Peer()))}
	cmd := p.run(ctx, variables, stderr)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	heard := make(chan error, 1)
	go func() {
		err := p.hear(c, stdout)
		c.Close() // which ends say
		heard <- err
	}()
	said := p.say(c, stdin)
	if p.patience > 0 {
		defer time.AfterFunc(p.patience, cancel).Stop()
	}
	err = <-heard
	ended := cmd.Wait()
	stderr.end()
	return p.outcome(said, err, ended)
}

// outcome is the error of a connection whose ends are these.
func (p *partner) outcome(said, heard, ended error) error {
	if exit, ok := errors.AsType[*exec.ExitError](ended); ok {
		p.log.Info("the command failed", "status", exit.String())
	}
	if heard != nil {
		return heard
	}
	if isClosed(said) {
		return nil
	}
	return said
}

// say passes frames on to the run until the peer has no more.
func (p *partner) say(c *service.Conn, stdin io.WriteCloser) error {
	defer stdin.Close()
	w := bufio.NewWriterSize(stdin, 32<<10)
	for {
		f, err := c.Next()
		if err != nil {
			w.Flush()
			return err
		}
		w.Write(f.Header)
		w.Write(f.Body)
		if c.Buffered() > 0 {
			continue
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
}

// hear passes frames on to the peer until the run has no more.
func (p *partner) hear(c *service.Conn, stdout io.Reader) error {
	dec := petrichor.NewDecoder(stdout, p.options...)
	for {
		f, err := dec.ReadFrame()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = c.SendFrame(f)
		}
		if err != nil {
			return err
		}
	}
}
