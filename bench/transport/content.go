package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// The first eight bytes of a message are its number, counted from 1 on each connection and in each
// run.  While contenders are timed only that is looked at; while they are proved each message has
// other bytes, and all of them are.
const numberSize = 8

// A content makes messages of one size, one after another.
type content struct {
	msg    []byte
	number uint64
	proof  bool
}

func newContent(size int, proof bool) *content {
	c := &content{msg: make([]byte, size), proof: proof}
	fill(c.msg, 0)
	return c
}

// next returns the next message, which is valid until the next call.
func (c *content) next() []byte {
	c.number++
	if c.proof {
		fill(c.msg, c.number)
	}
	binary.LittleEndian.PutUint64(c.msg, c.number)
	return c.msg
}

// A checker looks at messages that come back or arrive.
type checker struct {
	want   []byte
	number uint64
	proof  bool
	gaps   bool // messages may be lost, but not come twice or out of order
}

func newChecker(size int, proof bool) *checker {
	return &checker{want: make([]byte, size), proof: proof}
}

// check takes the next message.
func (c *checker) check(msg []byte) error {
	c.number++
	if len(msg) != len(c.want) {
		return fmt.Errorf("message %d has %d bytes, expected %d", c.number, len(msg), len(c.want))
	}
	number := binary.LittleEndian.Uint64(msg)
	if number < c.number || number > c.number && !c.gaps {
		return fmt.Errorf("message %d came where %d was expected", number, c.number)
	}
	c.number = number
	if !c.proof {
		return nil
	}
	fill(c.want, c.number)
	binary.LittleEndian.PutUint64(c.want, c.number)
	if !bytes.Equal(msg, c.want) {
		return fmt.Errorf("message %d has other bytes than were sent", c.number)
	}
	return nil
}

// fill makes bytes that depend on seed, without a period that a buffer could hide.
func fill(b []byte, seed uint64) {
	x := seed*0x9e3779b97f4a7c15 + 1
	for len(b) > 0 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], x)
		b = b[copy(b, word[:]):]
	}
}

// A source is a reader of size bytes that costs no more than copying them.
type source struct {
	left  int64
	piece []byte
}

func newSource(size int64) *source {
	s := &source{size, make([]byte, 64<<10)}
	fill(s.piece, 1)
	return s
}

func (s *source) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), s.left)], s.piece)
	s.left -= int64(n)
	return n, nil
}
