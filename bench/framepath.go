package main

import (
	"bufio"
	"io"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/bench/hand"
	"github.com/petrichor-protocol/petrichor/bench/sample"
)

// The path of a frame that is handed on and not looked into.
const (
	opCut       = "CutFrame"
	opReadFrame = "Decoder.ReadFrame"
	opNext      = "Parser.Feed and Next"
	opWrite     = "Encoder.WriteFrame of Raws"
)

// pathFrames is how many frames a run of one of these carries.
const pathFrames = 1000

// framePath returns its contests, each with the same written by hand.
func framePath() []*contest {
	s := newSubject("frame path", "frames of six fields and 1 KiB, cut and handed on unread", pathFrames, nil, sample.Frames(pathFrames, 1<<10)...)
	held := newCarrier(s, framesCodec(s))
	var in buffer
	must(held.writeStream(&in))
	return []*contest{
		rivals(s, opCut, len(in.b), cutFrames(in.b), handCutFrames(in.b)),
		rivals(s, opReadFrame, len(in.b), readFrames(in.b), handReadFrames(in.b)),
		rivals(s, opNext, len(in.b), feedFrames(in.b), handFeedFrames(in.b)),
		rivals(s, opWrite, len(in.b), writeFrames(in.b), handWriteFrames(in.b)),
	}
}

// rivals is a contest of our way and the one by hand, if there is one.
func rivals(s *subject, op string, size int, ours, byHand func()) *contest {
	c := &contest{subject: s, op: op}
	c.rival(namePetrichor, ours, size)
	if byHand != nil {
		c.rival(nameHand, byHand, size)
	}
	return c
}

func (c *contest) rival(name string, run func(), size int) {
	n := c.subject.stream
	c.entries = append(c.entries, &entry{peer: peerNamed(name), run: repeat(run), per: n, size: size / n})
}

func repeat(run func()) func(n int) {
	return func(n int) {
		for range n {
			run()
		}
	}
}

func cutFrames(b []byte) func() {
	return func() {
		for rest := b; len(rest) > 0; {
			var err error
			_, rest, err = petrichor.CutFrame(rest)
			must(err)
		}
	}
}

func handCutFrames(b []byte) func() {
	return func() {
		for rest := b; len(rest) > 0; {
			var err error
			_, _, rest, err = hand.CutFrame(rest)
			must(err)
		}
	}
}

func readFrames(b []byte) func() {
	in := &reader{sizes: []int{len(b)}}
	d := petrichor.NewDecoder(in)
	return func() {
		in.b = b
		for range pathFrames {
			_, err := d.ReadFrame()
			must(err)
		}
	}
}

func handReadFrames(b []byte) func() {
	in := &reader{sizes: []int{len(b)}}
	r := bufio.NewReaderSize(in, 64<<10)
	return func() {
		in.b = b
		for range pathFrames {
			_, err := hand.ReadFrame(r)
			must(err)
		}
	}
}

// feedFrames feeds as a network would, so many bytes at a time.
func feedFrames(b []byte) func() {
	p := petrichor.NewParser()
	return func() {
		for in := pieces(b); len(in.b) > 0; {
			p.Feed(in.piece())
			err := error(nil)
			for err == nil {
				_, err = p.Next()
			}
			if err != petrichor.ErrShort {
				must(err)
			}
		}
	}
}

func handFeedFrames(b []byte) func() {
	var buf []byte
	return func() {
		for in := pieces(b); len(in.b) > 0; {
			buf = append(buf, in.piece()...)
			rest := buf
			for {
				_, _, after, err := hand.CutFrame(rest)
				if err != nil {
					break
				}
				rest = after
			}
			buf = append(buf[:0], rest...)
		}
	}
}

func writeFrames(b []byte) func() {
	list := frameList(b)
	e := petrichor.NewEncoder(discard{})
	return func() {
		for i := range list {
			must(e.WriteFrame(&list[i].Header, &list[i].Body))
		}
	}
}

func handWriteFrames(b []byte) func() {
	list := frameList(b)
	var w io.Writer = discard{}
	var out []byte
	return func() {
		for _, f := range list {
			out = append(append(out[:0], f.Header...), f.Body...)
			_, err := w.Write(out)
			must(err)
		}
	}
}

func frameList(b []byte) []petrichor.Frame {
	var list []petrichor.Frame
	for len(b) > 0 {
		f, rest, err := petrichor.CutFrame(b)
		must(err)
		list, b = append(list, f), rest
	}
	return list
}
