package hand

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
)

// An Encoder writes values one after the other, each with one Write.
type Encoder[T any] struct {
	w      io.Writer
	append func([]byte, *T) []byte
	buf    []byte
}

// NewEncoder returns an Encoder that writes to w what append makes.
func NewEncoder[T any](w io.Writer, append func([]byte, *T) []byte) *Encoder[T] {
	return &Encoder[T]{w: w, append: append}
}

// Encode writes v, a *T.
func (e *Encoder[T]) Encode(v any) error {
	e.buf = e.append(e.buf[:0], v.(*T))
	_, err := e.w.Write(e.buf)
	return err
}

// A Decoder reads values one after the other through a bufio.Reader.
type Decoder[T any] struct {
	r     *bufio.Reader
	parse func([]byte, *T) error
	big   []byte // for elements that the bufio.Reader has no room for
}

// NewDecoder returns a Decoder that reads from r what parse takes.
func NewDecoder[T any](r io.Reader, parse func([]byte, *T) error) *Decoder[T] {
	return &Decoder[T]{r: bufio.NewReaderSize(r, 64<<10), parse: parse}
}

// Decode reads the next value into v, a *T.
func (d *Decoder[T]) Decode(v any) error {
	size, err := d.size()
	if err != nil {
		return err
	}
	if size > d.r.Size() {
		return d.decodeBig(size, v.(*T))
	}
	b, err := d.r.Peek(size)
	if err != nil {
		return err
	}
	if err := d.parse(b, v.(*T)); err != nil {
		return err
	}
	_, err = d.r.Discard(size)
	return err
}

// size returns the bytes of the next element, all of them.
func (d *Decoder[T]) size() (int, error) {
	head, err := d.r.Peek(1)
	for n := 2; err == nil && n <= 11 && head[len(head)-1] != ':'; n++ {
		head, err = d.r.Peek(n)
	}
	if err != nil {
		return 0, err
	}
	digits := len(head) - 1
	size, err := strconv.Atoi(string(head[:digits]))
	return digits + 1 + size + 1, err
}

func (d *Decoder[T]) decodeBig(size int, v *T) error {
	if cap(d.big) < size {
		d.big = make([]byte, size)
	}
	if _, err := io.ReadFull(d.r, d.big[:size]); err != nil {
		return err
	}
	return d.parse(d.big[:size], v)
}

// ReadFrame returns the next header and body of r together; they are valid until the next read, and
// have to fit into r's buffer.
func ReadFrame(r *bufio.Reader) ([]byte, error) {
	d := Decoder[int]{r: r}
	header, err := d.size()
	if err != nil {
		return nil, err
	}
	head, err := r.Peek(header + 11)
	if err != nil && err != io.EOF || len(head) <= header || head[header-1] != '}' {
		return nil, errMalformed
	}
	body, err := sizeOf(head[header:])
	if err != nil {
		return nil, err
	}
	b, err := r.Peek(header + body)
	if err != nil {
		return nil, err
	}
	_, err = r.Discard(header + body)
	return b, err
}

// sizeOf returns the bytes of the element that b begins with.
func sizeOf(b []byte) (int, error) {
	digits := bytes.IndexByte(b, ':')
	if digits < 0 {
		return 0, errMalformed
	}
	size, err := strconv.Atoi(string(b[:digits]))
	return digits + 1 + size + 1, err
}
