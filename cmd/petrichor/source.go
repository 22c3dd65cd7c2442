package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/petrichor-protocol/petrichor"
	"github.com/spf13/cobra"
)

// A record is what stands by itself in an input: a value, or with a header a frame.
type record struct {
	header petrichor.Raw // nil for a value
	value  petrichor.Raw
}

func (r record) frame() petrichor.Frame { return petrichor.Frame{Header: r.header, Body: r.value} }

// A source reads one input, record by record.
type source interface {
	// next returns the next record, checked all the way down and valid until the call after.
	// io.EOF is the end between records.
	next() (record, error)
}

// An input is how files are read: --from, and the limits.
type input struct {
	from   choice
	lines  bool // a newline may follow each element
	limits limits
}

func newInput() input {
	return input{from: newChoice("tnet", "frames", "json", "jsonl", "mitm"), limits: fileLimits}
}

func (in *input) addTo(cmd *cobra.Command) {
	addChoice(cmd, cmd.Flags(), &in.from, "from", "F", "`FORM` of the input")
	in.limits.addTo(cmd)
	cmd.PreRunE = func(cmd *cobra.Command, files []string) error {
		return apart(cmd.Flag("output").Value.String(), orStdin(files))
	}
}

// addLines defines --lines, for verbs that do not say where each element is.
func (in *input) addLines(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&in.lines, "lines", false, "tnet, frames: let a newline follow each element")
}

// isJSON reports whether the input is text to be turned into tnetstrings.
func (in *input) isJSON() bool { return in.from.value == "json" || in.from.value == "jsonl" }

// options are those of the decoder that the form needs.
func (in *input) options() []petrichor.Option {
	opts := in.limits.options()
	if in.isJSON() || in.from.value == "mitm" {
		opts = append(opts, petrichor.AllowText(true), petrichor.AllowNonFinite(true))
	}
	if in.lines {
		opts = append(opts, petrichor.Separator('\n'))
	}
	return opts
}

// source returns the source for r.
func (in *input) source(r io.Reader) source {
	opts := in.options()
	if in.from.value == "frames" {
		return &frameSource{petrichor.NewDecoder(r, opts...), anySize(opts)}
	}
	if !in.isJSON() {
		return &valueSource{petrichor.NewDecoder(r, opts...), opts}
	}
	text := jsonReader{
		r:        bufio.NewReaderSize(r, 64<<10),
		maxSize:  int64(in.limits.size),
		maxDepth: in.limits.depth,
	}
	return &jsonSource{text, opts}
}

// A valueSource reads elements.
type valueSource struct {
	dec  *petrichor.Decoder
	opts []petrichor.Option
}

func (s *valueSource) next() (record, error) {
	raw, err := s.dec.ReadElement()
	if err != nil {
		return record{}, ended(s.dec, err)
	}
	return record{value: raw}, check(raw, s.dec.Offset()-int64(len(raw)), s.opts)
}

// A frameSource reads frames.  A header that has arrived whole comes with the error of its body.
type frameSource struct {
	dec  *petrichor.Decoder
	opts []petrichor.Option
}

func (s *frameSource) next() (record, error) {
	f, err := s.dec.ReadFrame()
	if err != nil {
		return record{header: s.header()}, ended(s.dec, err)
	}
	body := s.dec.Offset() - int64(len(f.Body))
	err = check(f.Header, body-int64(len(f.Header)), s.opts)
	if err == nil {
		err = check(f.Body, body, s.opts)
	}
	return record{f.Header, f.Body}, err
}

// header is the header of the frame that could not be read, or nil.
func (s *frameSource) header() petrichor.Raw {
	rest := s.dec.Buffered()
	el, after, err := petrichor.Cut(rest, s.opts...)
	if err != nil || el.Kind != petrichor.KindDict {
		return nil
	}
	return rest[:len(rest)-len(after)]
}

// A jsonSource reads JSON.
type jsonSource struct {
	text jsonReader
	opts []petrichor.Option
}

func (s *jsonSource) next() (record, error) {
	raw, err := s.text.next()
	if err == io.ErrUnexpectedEOF {
		err = &jsonError{s.text.offset, "the input ends inside a value"}
	}
	if err != nil {
		return record{}, err
	}
	if err := check(raw, 0, s.opts); err != nil {
		what := fmt.Sprintf("the value that ends at offset %d, as a tnetstring: %s", s.text.offset, message(err))
		return record{}, &failure{codeOf(err), what, err}
	}
	return record{value: raw}, nil
}

// checked is a target of Unmarshal that takes any element, once it has been checked, and keeps
// nothing of it.
type checked struct{}

func (*checked) UnmarshalTNet([]byte) error { return nil }

// check verifies an element that begins at offset at of its input all the way down.
func check(raw petrichor.Raw, at int64, opts []petrichor.Option) error {
	err := petrichor.Unmarshal(raw, new(checked), opts...)
	if syntax, ok := errors.AsType[*petrichor.SyntaxError](err); ok {
		syntax.Offset += at
	}
	return err
}

// ended says where a stream ended that ended too soon.
func ended(dec *petrichor.Decoder, err error) error {
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	begin := dec.Offset()
	return &endError{begin: begin, end: begin + int64(len(dec.Buffered()))}
}

// An endError says that the input ends inside an element or a frame.
type endError struct{ begin, end int64 }

func (e *endError) Error() string {
	return fmt.Sprintf("the input ends at offset %d, inside what begins at offset %d", e.end, e.begin)
}

// Unwrap makes it the error it is for everybody else.
func (e *endError) Unwrap() error { return io.ErrUnexpectedEOF }

// An interruptible reader reads until a context is done, also while it waits: a read that has begun
// then is left behind, with the buffer it has to itself.
type interruptible struct {
	ctx  context.Context
	r    io.Reader
	buf  []byte
	done chan readResult
}

type readResult struct {
	n   int
	err error
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	if i.buf == nil {
		i.buf, i.done = make([]byte, 32<<10), make(chan readResult, 1)
	}
	go func() {
		n, err := i.r.Read(i.buf[:min(len(p), len(i.buf))])
		i.done <- readResult{n, err}
	}()
	select {
	case got := <-i.done:
		return copy(p, i.buf[:got.n]), got.err
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	}
}

// openInput opens a file, or stdin for "-", and says what to call it in messages.
func openInput(path string) (io.ReadCloser, string, error) {
	if path == "-" {
		return io.NopCloser(os.Stdin), "stdin", nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, path, fail(exitOther, "%v", err)
	}
	return file, path, nil
}

// orStdin is the files a verb was given, or stdin where there are none.
func orStdin(files []string) []string {
	if len(files) == 0 {
		return []string{"-"}
	}
	return files
}
