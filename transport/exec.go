package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// patience is how long a command may go on after its stream has been closed.
const patience = time.Second

// start starts a command, whose stdin and stdout are the stream.
func start(a Address, stderr io.Writer) (net.Conn, error) {
	theirIn, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	r, theirOut, err := os.Pipe()
	if err != nil {
		theirIn.Close()
		w.Close()
		return nil, err
	}
	cmd := shell(a.Rest)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirIn, theirOut, stderr
	cmd.WaitDelay = patience
	err = cmd.Start()
	theirIn.Close()
	theirOut.Close()
	if err != nil {
		w.Close()
		r.Close()
		return nil, fmt.Errorf("petrichor: cannot run the command: %w", err)
	}
	return &duplex{addr: a, r: r, w: w, end: func() error { return finish(cmd) }}, nil
}

// shell is a shell that runs a line.  It stays in our group of processes, so that
// ssh can ask for a password and Ctrl-C reaches it.
func shell(line string) *exec.Cmd {
	if runtime.GOOS == "windows" {
		return exec.Command("cmd", "/C", line)
	}
	return exec.Command("sh", "-c", line)
}

// finish waits for a command whose stdin and stdout have been closed, and kills it
// where that does not end it; of a line of several programs, the shell.
func finish(cmd *exec.Cmd) error {
	late := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer late.Stop()
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && !exit.Exited() {
		return nil // by a signal, for which we are to blame: ours, or that of the closed pipe
	}
	if err != nil {
		return fmt.Errorf("petrichor: the command: %w", err)
	}
	return nil
}
