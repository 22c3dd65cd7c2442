package transport

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// A duplex is two files as one stream.
type duplex struct {
	addr Address
	r, w *os.File     // either may be nil: nothing is read, what is written is dropped
	end  func() error // after both are closed; may be nil
	once sync.Once
	err  error // of Close
}

func (d *duplex) Read(p []byte) (int, error) {
	if d.r == nil {
		return 0, io.EOF
	}
	return d.r.Read(p)
}

func (d *duplex) Write(p []byte) (int, error) {
	if d.w == nil {
		return len(p), nil
	}
	return d.w.Write(p)
}

// CloseWrite lets the other end know that no more will come.
func (d *duplex) CloseWrite() error {
	if d.w == nil || d.w == d.r {
		return errors.ErrUnsupported
	}
	return d.w.Close()
}

// Close closes both directions, and waits for a command to end.  Its error is that
// of the command.
func (d *duplex) Close() error {
	d.once.Do(func() {
		for _, f := range []*os.File{d.w, d.r} {
			if f != nil {
				f.Close()
			}
		}
		if d.end != nil {
			d.err = d.end()
		}
	})
	return d.err
}

func (d *duplex) LocalAddr() net.Addr  { return d.addr }
func (d *duplex) RemoteAddr() net.Addr { return d.addr }

// SetDeadline is an error where the system has no deadlines for such files.
func (d *duplex) SetDeadline(t time.Time) error {
	return errors.Join(d.SetReadDeadline(t), d.SetWriteDeadline(t))
}

func (d *duplex) SetReadDeadline(t time.Time) error {
	if d.r == nil {
		return nil
	}
	return d.r.SetReadDeadline(t)
}

func (d *duplex) SetWriteDeadline(t time.Time) error {
	if d.w == nil {
		return nil
	}
	return d.w.SetWriteDeadline(t)
}

// closeWrite closes one direction of a stream that has two.
func closeWrite(stream net.Conn) error {
	if half, ok := stream.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
