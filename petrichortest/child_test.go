package petrichortest

// Servers in processes of their own: the test binary, told by its environment
// to be one.

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor/internal/flawed"
)

const childVar = "PETRICHORTEST_CHILD"

// children serve, and return their address.
var children = map[string]func() (addr string){
	"panics": func() string {
		return flawed.PanicEndsWorld.Server().Listen()
	},
}

// beChild serves until its parent goes, when this process is to be a child.
func beChild() {
	serve, ok := children[os.Getenv(childVar)]
	if !ok {
		return
	}
	fmt.Println(serve())
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// child starts a child, and returns its address and process.
func child(t testing.TB, name string) (addr string, pid int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVar+"="+name)
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
	t.Cleanup(func() {
		in.Close()
		cmd.Wait() // its error is the attack's doing
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), cmd.Process.Pid
}
