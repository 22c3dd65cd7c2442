package service

// A body that is read while it is sent.

import (
	"errors"
	"io"
	"os"
)

// A BodyFrom is a body for a handler to return that need not be held in memory: a
// string of Size bytes that are read from Reader while they are sent, by the
// operating system alone where Reader is a regular file.  Reader is closed then, if it
// can be, also when it could not be sent.
//
// The size is sent first, so a Reader that fails or ends before ends the connection.
// Where filters have to see whole frames the body is read into memory after all.
type BodyFrom struct {
	Size   int64
	Reader io.Reader
}

// MarshalBinary reads the body, for what has to have it as a whole.
func (b BodyFrom) MarshalBinary() ([]byte, error) {
	defer b.close()
	body, err := io.ReadAll(io.LimitReader(b.Reader, b.Size))
	if err == nil && int64(len(body)) < b.Size {
		err = io.ErrUnexpectedEOF
	}
	return body, err
}

func (b BodyFrom) close() {
	if c, ok := b.Reader.(io.Closer); ok {
		c.Close()
	}
}

// replyFrom is reply with a body that is read while it is sent.
func (c *Conn) replyFrom(r *Request, header any, body BodyFrom, now bool) error {
	w := scratches.Get().(*scratch)
	defer w.free()
	f, err := w.frame(header, nil, r.id, c.server.Options)
	if err != nil {
		body.close()
		return c.refuse(r, err, now)
	}
	err = c.SendFrom(f.Header, body.Size, body.Reader)
	if errors.Is(err, errors.ErrUnsupported) {
		return c.reply(r, header, &body, now)
	}
	body.close()
	if err != nil {
		return c.unsent(r, err, now)
	}
	c.server.observeSizes(FrameOut, c, len(f.Header), int(body.Size), r.came)
	return nil
}

// ReadFrom writes what r has left, in pieces as Write does.  A regular file is left
// to the operating system; what may have to be waited for is not, so that the clock
// runs for the peer only.
func (s *stream) ReadFrom(r io.Reader) (written int64, err error) {
	left, ok := r.(*io.LimitedReader)
	to, can := s.rwc.(io.ReaderFrom)
	if !ok || !can || !isRegular(left.R) {
		return io.Copy(struct{ io.Writer }{s}, r)
	}
	defer s.writing.clear()
	piece := &io.LimitedReader{R: left.R}
	for left.N > 0 {
		piece.N = min(left.N, maxPiece)
		s.writing.set(after(s.server.now(), s.server.set.write), forWrite)
		n, err := to.ReadFrom(piece)
		written += n
		left.N -= n
		if n == 0 || err != nil {
			return written, s.owner.why(err)
		}
	}
	return written, nil
}

func isRegular(r io.Reader) bool {
	file, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}
