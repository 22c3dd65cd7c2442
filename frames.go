package petrichor

import (
	"bytes"
	"slices"
)

// Frames are encoded frames in a row.  What goes to many is put together once, and
// leaves on each Conn in one Write however many frames it is.  The zero Frames is
// empty.
//
// They are also the fastest way for one goroutine that has very many small frames to
// send: Queue takes a lock for each, SendFrames one for all.
type Frames struct {
	b       []byte
	ends    []int // of each frame, counted from begin
	begin   int   // of b
	largest int   // bytes of a half
	text    bool  // there is one
	known   Raw   // the last small header that was checked; the next is mostly the same
}

// Add appends a frame that has been received or made by AppendFrame, and copies it.
// It verifies the outer layer only, as SendFrame does; an error appends nothing.
func (s *Frames) Add(f Frame) error {
	f.Header, f.Body = orElse(f.Header, emptyDict), orElse(f.Body, null)
	if err := anyText.verify(f); err != nil {
		return err
	}
	s.b = append(append(s.b, f.Header...), f.Body...)
	s.appended(len(f.Header), len(f.Body))
	s.text = s.text || Kind(f.Body[len(f.Body)-1]) == KindText
	return nil
}

// Append appends the frame of header and body, as AppendFrame encodes it without
// options; an error appends nothing.
func (s *Frames) Append(header, body any) error {
	if o, ok := octetsOf(body); ok && sliceDefaults.writable(o) {
		if head, ok := smallHeader(header); ok && s.knows(head) {
			from := len(s.b) + len(head)
			s.b = o.appendTo(append(s.b, head...))
			s.appended(len(head), len(s.b)-from)
			return nil
		}
	}
	return s.appendAny(header, body)
}

func (s *Frames) appendAny(header, body any) error {
	from := len(s.b)
	b, err := AppendFrame(s.b, header, body)
	if err != nil {
		return err
	}
	s.b = b
	f, _, _ := sliceDefaults.cutFrame(b[from:])
	s.appended(len(f.Header), len(f.Body))
	return nil
}

// knows reports whether header is one, and remembers it.
func (s *Frames) knows(header Raw) bool {
	if bytes.Equal(header, s.known) {
		return true
	}
	ok := sliceDefaults.isHeader(header)
	if ok {
		s.known = bytes.Clone(header) // Frames are copied, and what they know is shared
	}
	return ok
}

// appended counts a frame whose halves have so many bytes.
func (s *Frames) appended(header, body int) {
	s.ends = append(s.ends, s.begin+len(s.b))
	s.largest = max(s.largest, header, body)
}

// anyText lets all pass that some Conn may send.
var anyText = sliceDefaults.with([]Option{AllowText(true)})

// Grow makes place for so many more frames and bytes.
func (s *Frames) Grow(frames, bytes int) {
	s.ends, s.b = slices.Grow(s.ends, frames), slices.Grow(s.b, bytes)
}

// Len returns how many frames there are.
func (s *Frames) Len() int { return len(s.ends) }

// Size returns how many bytes they are.
func (s *Frames) Size() int { return len(s.b) }

// Slice returns those from i up to j, without j.  They share their bytes with s,
// which can be added to all the same, also while they are being sent.
func (s Frames) Slice(i, j int) Frames {
	from, to := s.end(i), s.end(j)
	s.b = s.b[from-s.begin : to-s.begin : to-s.begin]
	s.ends, s.begin = s.ends[i:j:j], from
	return s
}

// end is where frame i begins, and the one before it ends.
func (s *Frames) end(i int) int {
	if i == 0 {
		return s.begin
	}
	return s.ends[i-1]
}

// Reset makes s empty again, and its memory that of the frames to come: what Slice
// has returned must not be used any more.
func (s *Frames) Reset() { *s = Frames{b: s.b[:0], ends: s.ends[:0], known: s.known} }

// frame returns frame i.
func (s *Frames) frame(i int) Frame {
	f, _, _ := anyText.cutFrame(s.b[s.end(i)-s.begin : s.end(i+1)-s.begin])
	return f
}

// isAllowed reports whether a Conn that writes with c takes all of them.
func (s *Frames) isAllowed(c *config) bool {
	return int64(s.largest) <= c.maxSize && (c.text || !s.text) && !c.separated
}
