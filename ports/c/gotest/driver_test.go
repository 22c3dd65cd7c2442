// Package gotest has petrichor in C and petrichor in Go do the same things, and
// compares.
package gotest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/petrichor-protocol/petrichor"
)

// build makes a program of C sources, named from ports/c, and returns where it
// is.
func build(t testing.TB, name string, sources ...string) string {
	t.Helper()
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	if _, err := exec.LookPath(cc); err != nil {
		t.Skipf("needs cc: %v", err)
	}
	program := filepath.Join(t.TempDir(), name)
	args := append([]string{"-std=c99", "-O2", "-D_POSIX_C_SOURCE=200809L", "-I.", "-o", program, "petrichor.c"}, sources...)
	cmd := exec.Command(cc, args...)
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// A driver is test/driver.c, which says what the C library makes of inputs.
type driver struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	dec *petrichor.Decoder
}

func startDriver(t *testing.T) *driver {
	t.Helper()
	cmd := exec.Command(build(t, "driver", "test/driver.c", "test/support.c"))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &driver{cmd, in, petrichor.NewDecoder(bufio.NewReaderSize(out, 1<<16), petrichor.MaxSize(1<<28))}
}

// send gives inputs to the driver, and closes its input at the end of them.
func (d *driver) send(inputs []input) error {
	w := bufio.NewWriterSize(d.in, 1<<16)
	enc := petrichor.NewEncoder(w)
	for _, in := range inputs {
		if err := enc.WriteFrame(in.header(), in.wire); err != nil {
			return err
		}
	}
	return w.Flush()
}

// answer returns what the driver says of the next input.
func (d *driver) answer() (text string, err error) {
	f, err := d.dec.ReadFrame()
	if err != nil {
		return "", fmt.Errorf("driver: %w", err)
	}
	err = petrichor.Unmarshal(f.Body, &text)
	return text, err
}

// stop ends the driver, which has to leave without complaints.
func (d *driver) stop() error {
	d.in.Close()
	return d.cmd.Wait()
}
