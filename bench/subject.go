package main

import (
	"fmt"
	"io"
)

// A subject is content to be carried by every codec: some values of one type, taken in turn so that
// no branch predictor learns one of them by heart.
type subject struct {
	name   string
	about  string
	values []any  // pointers
	target any    // a pointer to a value of the same type
	zero   func() // makes what target points to zero
	stream int    // values in one stream
	ops    []string
}

func newSubject[T any](name, about string, stream int, ops []string, values ...T) *subject {
	target := new(T)
	s := &subject{
		name: name, about: about, stream: stream, ops: ops,
		target: target,
		zero:   func() { *target = *new(T) },
	}
	for i := range values {
		s.values = append(s.values, &values[i])
	}
	return s
}

// largest is the name of the subject that takes all peers together minutes.
const largest = "body 64 MiB"

// A carrier is a subject in the hands of one codec.
type carrier struct {
	*subject
	*codec
	ours   []any    // the values as they are for petrichor
	inputs [][]byte // the values as the codec marshals them
}

func newCarrier(s *subject, c *codec) *carrier {
	if c.own == nil {
		return &carrier{subject: s, codec: c, ours: s.values}
	}
	own := *s
	own.target, own.zero = c.own.target, c.own.zero
	own.values = make([]any, len(s.values))
	for i, v := range s.values {
		own.values[i] = c.own.from(v)
	}
	return &carrier{subject: &own, codec: c, ours: s.values}
}

// operation returns the operation of the given name, to be run n times, or nil if the codec has none.
func (c *carrier) operation(op string) func(n int) {
	switch {
	case op == opMarshal && c.marshal != nil:
		return c.runMarshal
	case op == opAppend && c.appendTo != nil:
		return c.runAppend()
	case op == opUnmarshal && c.unmarshal != nil:
		return c.runUnmarshal()
	case op == opEncode && c.encoder != nil:
		return c.runEncoder()
	case op == opDecode && c.decoder != nil:
		return c.runDecoder(c.decoder, whole)
	case op == opPieces && c.decoder != nil && !c.slow:
		return c.runDecoder(c.decoder, pieces)
	case op == opDrain && c.drain != nil:
		return c.runDecoder(c.drain, whole)
	}
	return nil
}

func (c *carrier) runMarshal(n int) {
	i := 0
	for range n {
		_, err := c.marshal(c.values[i])
		must(err)
		if i++; i == len(c.values) {
			i = 0
		}
	}
}

func (c *carrier) runAppend() func(n int) {
	var dst []byte
	return func(n int) {
		i := 0
		for range n {
			b, err := c.appendTo(dst[:0], c.values[i])
			must(err)
			dst = b
			if i++; i == len(c.values) {
				i = 0
			}
		}
	}
}

func (c *carrier) runUnmarshal() func(n int) {
	inputs := c.marshaled()
	return func(n int) {
		i := 0
		for range n {
			c.zero()
			must(c.unmarshal(inputs[i], c.target))
			if i++; i == len(inputs) {
				i = 0
			}
		}
	}
}

// runEncoder writes n streams, one after the other through one encoder.
func (c *carrier) runEncoder() func(n int) {
	e := c.encoder(discard{})
	return func(n int) {
		for range n {
			must(c.writeValues(e))
		}
	}
}

// runDecoder reads n streams through a source.
func (c *carrier) runDecoder(decoder func(io.Reader) decoder, open func(b []byte) *reader) func(n int) {
	var w buffer
	must(c.writeStream(&w))
	return func(n int) {
		for range n {
			d := decoder(open(w.b))
			for range c.stream {
				c.zero()
				must(d.Decode(c.target))
			}
		}
	}
}

func (c *carrier) writeStream(w io.Writer) error { return c.writeValues(c.encoder(w)) }

// writeValues writes one stream of the values, taken in turn.
func (c *carrier) writeValues(e encoder) error {
	for i := range c.stream {
		if err := e.Encode(c.values[i%len(c.values)]); err != nil {
			return err
		}
	}
	if f, ok := e.(flusher); ok {
		return f.Flush()
	}
	return nil
}

// marshaled returns all values as the codec writes them.
func (c *carrier) marshaled() [][]byte {
	if c.inputs != nil {
		return c.inputs
	}
	for _, v := range c.values {
		b, err := c.marshal(v)
		must(err)
		c.inputs = append(c.inputs, b)
	}
	return c.inputs
}

// must stops the program for an error that proof would have found.
func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("bench: %v", err))
	}
}

// size is how many bytes a value has when marshaled, on average.
func (c *carrier) size() int {
	sum := 0
	for _, b := range c.marshaled() {
		sum += len(b)
	}
	return sum / len(c.marshaled())
}
