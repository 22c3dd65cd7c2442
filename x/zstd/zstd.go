// Package zstd has the methods "zstd" and "zstd-stream" for package compress: Zstandard
// (RFC 8878) in place of deflate, agreed on under the same header key.
//
//	cfg := compress.Config{Methods: []compress.Method{zstd.Stream, zstd.Body, compress.DeflateStream, compress.Deflate}}
//	opt := petrichor.WithExtensions(compress.New(cfg))
//
// A peer that does not have it chooses one of the others.  Windows are of 8 MiB at most
// when something is received, and of 256 KiB when it is sent.  What package compress says
// of secrets and of bombs is true here too.
package zstd

import (
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/compress"
)

// What is allowed of a window: the most that is received, and what we send.
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

var decoders = sync.Pool{New: func() any { return newDecoder() }}

// newDecoder returns a decoder that has no goroutines.
func newDecoder() *zstd.Decoder {
	d, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow))
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
	var h zstd.Header
	if err := h.Decode(b); err != nil || h.Skippable || h.DictionaryID != 0 {
		return compress.ErrCompressed
	}
	at := h.HeaderSize
	for last := false; !last; {
		if at+3 > len(b) {
			return io.ErrUnexpectedEOF
		}
		block := int(b[at]) | int(b[at+1])<<8 | int(b[at+2])<<16
		last = block&1 == 1
		size := block >> 3
		if block>>1&3 == 1 { // a byte that is repeated
			size = 1
		}
		at += 3 + size
	}
	if h.HasCheckSum {
		at += 4
	}
	switch {
	case at > len(b):
		return io.ErrUnexpectedEOF
	case at < len(b):
		return petrichor.ErrTrailing
	}
	return nil
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

// Expand reads as many bytes as there ought to be, and so never asks the decoder for
// what has not come.
func (w *window) Expand(b []byte, size int) ([]byte, error) {
	w.from.b = b
	if w.d == nil {
		w.d = newDecoder()
		if err := w.d.Reset(&w.from); err != nil {
			return nil, reason(err)
		}
	}
	if cap(w.got) < size {
		w.got = make([]byte, size)
	}
	frame := w.got[:size]
	if _, err := io.ReadFull(w.d, frame); err != nil {
		return nil, reason(err)
	}
	if len(w.from.b) > 0 {
		return nil, petrichor.ErrTrailing
	}
	return frame, nil
}
