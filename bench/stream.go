package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// discard writes to nowhere.  io.Discard has methods that some codecs prefer and no network has.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// A buffer keeps what is written.
type buffer struct{ b []byte }

func (w *buffer) Write(b []byte) (int, error) {
	w.b = append(w.b, b...)
	return len(b), nil
}

// whole returns a reader that gives as much of b as is asked for.
func whole(b []byte) *reader { return &reader{b: b, sizes: []int{len(b)}} }

// pieces returns a reader that gives b in pieces of 1 to 1500 bytes, as a network may.
func pieces(b []byte) *reader { return &reader{b: b, sizes: pieceSizes} }

var pieceSizes = func() []int {
	r := rand.New(rand.NewPCG(7, 7))
	sizes := make([]int, 997)
	for i := range sizes {
		sizes[i] = 1 + r.IntN(1500)
	}
	return sizes
}()

// A reader gives its bytes in reads of at most the sizes given, taken in turn.
type reader struct {
	b     []byte
	sizes []int
	next  int
	until time.Duration // of processor time; 0 is for ever
	late  bool          // it was later than that
}

// endurance is how much processor time a codec may take for one stream in pieces.
const endurance = 10 * time.Second

var errLate = fmt.Errorf("in reads of 1..1500 bytes it takes more than %v", endurance)

func (r *reader) Read(p []byte) (int, error) {
	if r.until > 0 && processorTime() > r.until {
		r.late = true
		return 0, errLate
	}
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	if r.next == len(r.sizes) {
		r.next = 0
	}
	n := copy(p, r.b[:min(r.sizes[r.next], len(r.b))])
	r.next++
	r.b = r.b[n:]
	return n, nil
}

// buffered is for codecs that would otherwise read a byte at a time.
func buffered(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, 64<<10) }

// A fullReader reads as much as is asked for.
type fullReader struct{ *bufio.Reader }

func (r fullReader) Read(b []byte) (int, error) { return io.ReadFull(r.Reader, b) }

// piece returns what the next Read would give, without a copy.
func (r *reader) piece() []byte {
	b := r.b[:min(r.sizes[r.next%len(r.sizes)], len(r.b))]
	r.next++
	r.b = r.b[len(b):]
	return b
}
