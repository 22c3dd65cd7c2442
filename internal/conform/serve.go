package conform

import (
	"bufio"
	"fmt"
	"io"
)

// most is how long a question may be, and an answer, in bytes.
const most = 16 << 20

// errLong is of a line that does not end within most.
var errLong = fmt.Errorf("a line of more than %d MiB", most>>20)

// Serve answers questions, a line each, until r ends.
func Serve(r io.Reader, w io.Writer, ask func(Question) Answer) error {
	in, out := bufio.NewReader(r), bufio.NewWriter(w)
	for {
		line, err := readLine(in)
		if err == io.EOF && len(line) == 0 {
			return nil
		}
		if err != nil && err != io.EOF {
			return err
		}
		q, err := ParseQuestion(string(line))
		if err != nil {
			return err
		}
		fmt.Fprintln(out, ask(q))
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

// readLine reads a line with its end, or what there is of it before an error.
func readLine(r *bufio.Reader) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > most {
			return line, errLong
		}
		line = append(line, part...)
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}
