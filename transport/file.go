package transport

import (
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// openFile opens a device for both directions, or a file or pipe to be read and
// perhaps another one to be written.  A pipe for both would give back what is
// written to it.
func openFile(a Address) (net.Conn, error) {
	in, out, both := strings.Cut(a.Rest, ",")
	d := &duplex{addr: a}
	if !both && isDevice(in) {
		f, err := os.OpenFile(in, os.O_RDWR, 0)
		d.r, d.w = f, f
		return orError(d, err)
	}
	var err error
	if in != "" {
		d.r, err = os.Open(in)
	}
	if err == nil && out != "" {
		d.w, err = os.Create(out)
	}
	return orError(d, err)
}

func orError(d *duplex, err error) (net.Conn, error) {
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func isDevice(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&os.ModeDevice != 0
}

// A stdio is our own stdin and stdout.  They are files of others too, with whom
// they share whether reading them blocks, so reading cannot be given a deadline;
// somebody reads them for good, and hands on what comes.
type stdio struct {
	net.Conn // a pipe: what stdin says
	out      *os.File
}

// standard is our own stdin and stdout as a stream.  What it has not read of stdin
// when it is closed is lost.
func standard(a Address) net.Conn {
	ours, theirs := net.Pipe()
	go func() {
		io.Copy(theirs, os.Stdin)
		theirs.Close()
	}()
	return &stdio{ours, os.Stdout}
}

func (s *stdio) Write(p []byte) (int, error) { return s.out.Write(p) }

// CloseWrite closes stdout.
func (s *stdio) CloseWrite() error { return s.out.Close() }

// Close closes stdout, and ends what waits for stdin.
func (s *stdio) Close() error {
	s.Conn.Close()
	s.out.Close()
	return nil
}

func (s *stdio) LocalAddr() net.Addr  { return Address{Scheme: "stdio"} }
func (s *stdio) RemoteAddr() net.Addr { return Address{Scheme: "stdio"} }

// SetDeadline is an error: there is none for writing.
func (s *stdio) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (s *stdio) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
