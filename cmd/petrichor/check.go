package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// A checkVerb looks for the first fault of each file.
type checkVerb struct {
	app   *app
	input input
	path  string // of -o
	out   *output
	worst error
	bad   int
}

func newCheck(a *app) *cobra.Command {
	c := &checkVerb{app: a, input: newInput()}
	cmd := &cobra.Command{
		Use:   "check [FILE...]",
		Short: "Say where the first fault of each file is",
		Long: `check reads files to their end and prints a line for each: how many values or
frames it has, or the first fault with its offset, its path and the reason. With
-q only files with a fault are printed.

The exit code is 5 when a file is malformed, 8 when one is over a limit and none
malformed, 1 when one cannot be read.`,
		Example: `  petrichor check values.tnet
  petrichor check --from mitm *.mitm
  printf '5:hello,3:abc' | petrichor check`,
		RunE: func(_ *cobra.Command, files []string) error { return c.run(orStdin(files)) },
	}
	c.input.addTo(cmd)
	c.input.addLines(cmd)
	addOutput(cmd, &c.path)
	return cmd
}

func (c *checkVerb) run(files []string) (err error) {
	if c.out, err = c.app.open(c.path); err != nil {
		return err
	}
	for _, file := range files {
		if err := c.file(file); err != nil {
			return c.out.close(err)
		}
	}
	if c.worst != nil {
		err = fail(codeOf(c.worst), "%d of %d inputs have a fault", c.bad, len(files))
	}
	return c.out.close(err)
}

// file checks one file.  The error is of the output: a fault is a result.
func (c *checkVerb) file(path string) error {
	r, name, err := openInput(path)
	if err != nil {
		return c.fault(err)
	}
	defer r.Close()
	progress := newProgress(c.app, name)
	src := c.input.source(io.TeeReader(r, progress))
	count := 0
	for err == nil {
		if _, err = src.next(); err == nil {
			count++
		}
	}
	progress.end()
	if err != io.EOF {
		return c.fault(failIn(name, err, fileAdvice))
	}
	if c.app.quiet {
		return nil
	}
	_, err = fmt.Fprintf(c.out, "%s: ok, %d %s\n", escapeLine(name), count, c.unit(count))
	return err
}

// unit is what the input is made of.
func (c *checkVerb) unit(n int) string {
	unit := "value"
	if c.input.from.value == "frames" {
		unit = "frame"
	}
	if n == 1 {
		return unit
	}
	return unit + "s"
}

// fault prints err, and keeps it if it decides the exit code.
func (c *checkVerb) fault(err error) error {
	c.bad++
	if c.worst == nil || severity(err) > severity(c.worst) {
		c.worst = err
	}
	_, err = fmt.Fprintln(c.out, escapeLine(err.Error()))
	return err
}

// severity orders faults: what could not be read, over a limit, malformed.
func severity(err error) int {
	switch codeOf(err) {
	case exitMalformed:
		return 2
	case exitLimit:
		return 1
	}
	return 0
}

// A progress counts bytes, and shows a person who waits how many there were.
type progress struct {
	name  string
	shown bool
	count int64
	next  time.Time
}

// newProgress returns a progress, or one that shows nothing where nobody looks.
func newProgress(a *app, name string) *progress {
	if a.quiet || !term.IsTerminal(int(os.Stderr.Fd())) {
		return &progress{}
	}
	return &progress{name: escapeLine(name), next: time.Now().Add(time.Second)}
}

// Write counts b.
func (p *progress) Write(b []byte) (int, error) {
	p.count += int64(len(b))
	if p.name != "" && time.Now().After(p.next) {
		fmt.Fprintf(os.Stderr, "\r%s: %d MB", p.name, p.count/1_000_000)
		p.shown = true
		p.next = time.Now().Add(100 * time.Millisecond)
	}
	return len(b), nil
}

// end wipes what was shown.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
}
