package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// An output is where a verb prints its results, and what is known about who reads them.
type output struct {
	*bufio.Writer
	file     *os.File
	terminal bool // a person looks at it: no raw bytes, line breaks for the eye
	colors   palette
}

// An outputError is an error of writing results.
type outputError struct{ err error }

func (e *outputError) Error() string { return fmt.Sprintf("cannot write results: %v", e.err) }
func (e *outputError) Unwrap() error { return e.err }

// addOutput defines -o.
func addOutput(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "output", "o", "", "write results to `FILE` instead of stdout, which is -")
}

// apart refuses an output that is an input too: opening it would empty it before it is read.
func apart(path string, inputs []string) error {
	out, err := os.Stat(path)
	if err != nil || isStdout(path) || !out.Mode().IsRegular() {
		return nil // nothing is lost
	}
	for _, name := range inputs {
		in, err := os.Stat(name)
		if name == "-" {
			in, err = os.Stdin.Stat()
		}
		if err == nil && os.SameFile(in, out) {
			return fail(exitUsage, "-o %s is an input too: want another file, which can take its place then", path)
		}
	}
	return nil
}

func isStdout(path string) bool { return path == "" || path == "-" }

// open opens path, or for the empty path and - stdout.
func (a *app) open(path string) (*output, error) {
	file := os.Stdout
	if !isStdout(path) {
		created, err := os.Create(path)
		if err != nil {
			return nil, fail(exitOther, "cannot write results: %v", err)
		}
		file = created
	}
	terminal := term.IsTerminal(int(file.Fd()))
	return &output{
		Writer:   bufio.NewWriterSize(outputWriter{file}, 32<<10),
		file:     file,
		terminal: terminal,
		colors:   a.palette(terminal),
	}, nil
}

// close writes what is buffered, and adds what goes wrong with that to err.
func (o *output) close(err error) error {
	if flushed := o.Flush(); err == nil {
		err = flushed
	}
	if o.file == os.Stdout {
		return err
	}
	if closed := o.file.Close(); err == nil && closed != nil {
		err = &outputError{closed}
	}
	return err
}

// raw writes bytes as they are, unless a person looks: then they are escaped.
func (o *output) raw(b []byte) error {
	if !o.terminal {
		_, err := o.Write(b)
		return err
	}
	for piece := range chunks(b) {
		if _, err := o.Write(escape(piece)); err != nil {
			return err
		}
	}
	return nil
}

// A promptReader lets be seen what was made of what it has read, before it waits for more.
type promptReader struct {
	io.Reader
	out *output
}

func (p promptReader) Read(b []byte) (int, error) {
	if err := p.out.Flush(); err != nil {
		return 0, err
	}
	return p.Reader.Read(b)
}

// An outputWriter marks the errors of the writer below it as outputErrors.
type outputWriter struct{ w io.Writer }

func (o outputWriter) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if err != nil {
		err = &outputError{err}
	}
	return n, err
}

// A palette is what colours the kinds of values; the zero palette does not.
type palette struct{ key, text, number, word, dim, fault, reset string }

var colorful = palette{
	key:    "\x1b[34;1m",
	text:   "\x1b[32m",
	number: "\x1b[36m",
	word:   "\x1b[35m",
	dim:    "\x1b[2m",
	fault:  "\x1b[31;1m",
	reset:  "\x1b[0m",
}

func (a *app) palette(terminal bool) palette {
	switch a.color.value {
	case "always":
		return colorful
	case "never":
		return palette{}
	}
	if !terminal || os.Getenv("NO_COLOR") != "" {
		return palette{}
	}
	return colorful
}
