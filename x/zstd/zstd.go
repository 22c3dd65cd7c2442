// Package zstd has the methods "zstd" and "zstd-stream" for package compress: Zstandard
// (RFC 8878) in place of deflate, agreed on under the same header key.
//
//	cfg := compress.Config{Methods: []compress.Method{zstd.Stream, zstd.Body, compress.DeflateStream, compress.Deflate}}
//	opt := petrichor.WithExtensions(compress.New(cfg))
//
// A peer that does not have it chooses one of the others.  A body by itself may have a
// window of 8 MiB when it is received; the window of a connection is of 256 KiB at most,
// with which it holds up to a megabyte for what it receives.  What we send has windows of
// 256 KiB.  What package compress says of secrets and of bombs is true here too.
package zstd

import (
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/compress"
)

// What is allowed of a window: the most that a body by itself has, and what we send.  A
// connection may have no larger one than that: it holds it as long as it lasts.
const (
	maxWindow  = 8 << 20
	sentWindow = 256 << 10
)

var (
	// Body compresses each body by itself.
	Body = compress.Method{Name: "zstd", Codec: codec{}}

	// Stream sends frames through one window for each direction, and what is larger than
	// 64 KiB as Body does.
	Stream = compress.Method{Name: "zstd-stream", Codec: codec{}, NewWindow: func() compress.Window { return new(window) }}
)

// codec is one Zstandard frame.
type codec struct{}

var encoder = sync.OnceValue(func() *zstd.Encoder {
	e, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(sentWindow),
		zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	return e
})

func (codec) Compress(dst, b []byte) []byte { return encoder().EncodeAll(b, dst) }

// A source is what a decoder reads from: the payload that has come, and nothing behind it.
type source struct{ b []byte }

func (s *source) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.b)
	s.b = s.b[n:]
	return n, nil
}

var decoders = sync.Pool{New: func() any { return newDecoder(maxWindow) }}

// newDecoder returns a decoder that has no goroutines.
func newDecoder(window uint64) *zstd.Decoder {
	d, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(window))
	return d
}

// Expand reads one frame, whose end it has to meet, and finds nothing behind it.
func (codec) Expand(dst, b []byte) error {
	if err := single(b); err != nil {
		return err
	}
	d := decoders.Get().(*zstd.Decoder)
	defer decoders.Put(d)
	defer d.Reset(nil)
	if err := d.Reset(&source{b}); err != nil {
		return reason(err)
	}
	if _, err := io.ReadFull(d, dst); err != nil {
		return reason(err)
	}
	var more [1]byte
	if n, err := d.Read(more[:]); n > 0 {
		return petrichor.ErrTooLarge
	} else if err != io.EOF {
		return reason(err)
	}
	return nil
}

// single finds the end of the frame that b begins with, and that b ends there too: a
// decoder would go on to the next one.
func single(b []byte) error {
	h, err := header(b)
	if err != nil {
		return err
	}
	n, last, err := blocks(b[h.HeaderSize:])
	if err != nil {
		return err
	}
	end := h.HeaderSize + n
	if h.HasCheckSum {
		end += 4
	}
	switch {
	case !last || end > len(b):
		return io.ErrUnexpectedEOF
	case end < len(b):
		return petrichor.ErrTrailing
	}
	return nil
}

// header is that of the frame that b begins with, which a decoder does not have to skip.
func header(b []byte) (h zstd.Header, err error) {
	if err := h.Decode(b); err != nil || h.Skippable || h.DictionaryID != 0 {
		return h, compress.ErrCompressed
	}
	return h, nil
}

// blocks returns where the blocks that b begins with end: behind the last one of their
// frame, or where b does.
func blocks(b []byte) (end int, last bool, err error) {
	for end < len(b) && !last {
		if end+3 > len(b) {
			return 0, false, io.ErrUnexpectedEOF
		}
		block := int(b[end]) | int(b[end+1])<<8 | int(b[end+2])<<16
		last = block&1 == 1
		size := block >> 3
		if block>>1&3 == 1 { // a byte that is repeated
			size = 1
		}
		end += 3 + size
	}
	if end > len(b) {
		return 0, false, io.ErrUnexpectedEOF
	}
	return end, last, nil
}

// reason is what an error of the decoder means.
func reason(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	return compress.ErrCompressed
}

// A window is a Zstandard frame that never ends.
type window struct {
	e  *zstd.Encoder
	to appender

	d    *zstd.Decoder
	from source
	got  []byte
}

// An appender is a writer that appends.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

func (w *window) Compress(dst, frame []byte) []byte {
	w.to.b = dst
	if w.e == nil {
		w.e, _ = zstd.NewWriter(&w.to, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(sentWindow),
			zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	}
	w.e.Write(frame)
	w.e.Flush()
	dst, w.to.b = w.to.b, nil
	return dst
}

// Expand has room for one byte more than there ought to be, so that what is more is seen
// here and does not come out with the next frame.
func (w *window) Expand(b []byte, size int) ([]byte, error) {
	if err := w.check(b); err != nil {
		return nil, err
	}
	if cap(w.got) <= size {
		w.got = make([]byte, size+1)
	}
	n, err := w.read(w.got[:size+1], b)
	switch {
	case n > size:
		return nil, petrichor.ErrTooLarge
	case err != nil:
		return nil, reason(err)
	case n < size:
		return nil, io.ErrUnexpectedEOF
	}
	return w.got[:size:size], nil
}

// check finds that b is whole blocks and none of them the last, the first ones of all
// behind the header of a frame whose end is not known.  A window that is too large is
// refused before there is anything for it.
func (w *window) check(b []byte) error {
	if w.d == nil {
		h, err := header(b)
		if err != nil {
			return err
		}
		if h.HasFCS || h.WindowSize > sentWindow {
			return compress.ErrCompressed
		}
		b = b[h.HeaderSize:]
	}
	_, last, err := blocks(b)
	if last && err == nil {
		return petrichor.ErrTrailing // as with deflate: from here on there is nothing to wait for
	}
	return err
}

// read fills p with what the blocks of b give, as far as they do.  The decoder gives what
// it has of a block before it asks for the next one, and so is never asked for what has
// not come: it would not get over that.
func (w *window) read(p, b []byte) (n int, err error) {
	w.from.b = b
	defer func() { w.from.b = nil }()
	if w.d == nil {
		w.d = newDecoder(sentWindow)
		err = w.d.Reset(&w.from)
	}
	for more := 0; err == nil && n < len(p) && len(w.from.b) > 0; n += more {
		more, err = w.d.Read(p[n:])
	}
	return n, err
}
