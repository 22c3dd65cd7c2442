// Command matrix has all implementations of petrichor in this repository answer
// the same vectors, and prints who agrees with what is wanted.
//
//	go run ./spec/matrix                      to look at
//	go run ./spec/matrix -o docs/matrix.md    the page
//
// It ends with 1 if any disagrees.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	path := flag.String("o", "", "write to `FILE`")
	flag.Parse()
	if err := run(*path); err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	dir, err := os.MkdirTemp("", "matrix")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var columns []column
	for _, i := range implementations {
		if why := i.missing(); why != "" && i.here() {
			fmt.Fprintln(os.Stderr, why)
			continue
		}
		if !i.here() {
			fmt.Fprintln(os.Stderr, "not here: "+i.file)
			continue
		}
		c, err := fill(i, dir)
		if err != nil {
			return err
		}
		columns = append(columns, c)
	}
	return write(path, columns)
}

func write(path string, columns []column) error {
	text := page(columns)
	if path == "" {
		_, err := fmt.Print(text)
		return err
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return err
	}
	for _, c := range columns {
		if n := c.marks["!"]; n > 0 {
			return fmt.Errorf("%s disagrees about %d vectors", c.name, n)
		}
	}
	return nil
}
