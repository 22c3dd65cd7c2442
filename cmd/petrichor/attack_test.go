package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor/internal/flawed"
)

// attack has conform attack a flawed.Server in the rows that match only, and returns what it prints.
func attack(addr, only string) (out string, err error) {
	b, err := exec.Command("petrichor", "conform", addr, "-q", "--only", only, "--echoes", "--compresses", "--max-conns", "400",
		"--ident", "user=me", "--denied", "user=nobody", "--panics", "panic", "--deadlines", "1s,1s,1500ms,1s").CombinedOutput()
	return string(b), err
}

// Nothing is wrong with a server that does everything right.
func TestConformSpares(t *testing.T) {
	s := flawed.New()
	defer s.Stop()
	if out, err := attack(s.Listen(), ""); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Every fault of a server is found.  Which of its rows find it is tested in petrichortest; here it is one.
func TestConformFindsFaults(t *testing.T) {
	for _, f := range flawed.Faults {
		if slices.Equal(f.Rows, []int{43}) {
			continue // it cannot be seen from outside
		}
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			s := f.Server()
			defer s.Stop()
			mustFind(t, s.Listen(), f)
		})
	}
}

func mustFind(t *testing.T, addr string, f flawed.Fault) {
	t.Helper()
	row := fmt.Sprintf("row-%02d", f.Rows[len(f.Rows)-1])
	out, err := attack(addr, row)
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != exitOther {
		t.Errorf("%v", err)
	}
	if !strings.HasPrefix(out, "FAIL  "+row+"  ") {
		t.Errorf("not found by %s\n%s", row, out)
	}
}

// The panic of a handler that nothing stops ends a process, so that it is another.
func TestConformFindsPanic(t *testing.T) {
	cmd := exec.Command("panicking")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait() // its error is the attack's doing
	defer in.Close()
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	mustFind(t, strings.TrimSpace(addr), flawed.PanicEndsWorld)
}

// panicking is the program that serves until its stdin ends, or it panics.
func panicking() {
	fmt.Println(flawed.PanicEndsWorld.Server().Listen())
	io.Copy(io.Discard, os.Stdin)
}
