package conform

import (
	"bufio"
	"fmt"
	"io"
)

// Serve answers questions, a line each, until r ends.
func Serve(r io.Reader, w io.Writer, ask func(Question) Answer) error {
	in, out := bufio.NewReader(r), bufio.NewWriter(w)
	for {
		line, err := in.ReadString('\n')
		if err == io.EOF && line == "" {
			return nil
		}
		if err != nil && err != io.EOF {
			return err
		}
		q, err := ParseQuestion(line)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, ask(q))
		if err := out.Flush(); err != nil {
			return err
		}
	}
}
