package service

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails when the tests leave goroutines of ours behind: whatever waits
// for a peer has to end with it.
func TestMain(m *testing.M) {
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close() // now the descriptors of the runtime itself are open, and no test is charged with them
	}
	code := m.Run()
	if left := leftover(5 * time.Second); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines are left over:\n\n"+left)
		code = 1
	}
	os.Exit(code)
}

// leftover returns the stacks of other goroutines that stand in this module's
// code, after giving them time to end.
func leftover(patience time.Duration) (stacks string) {
	buf := make([]byte, 4<<20)
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		stacks = ""
		all := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
		for _, stack := range all[1:] { // the first is this one
			if strings.Contains(stack, "petrichor-protocol/petrichor") {
				stacks += stack + "\n\n"
			}
		}
		if stacks == "" || time.Now().After(deadline) {
			return stacks
		}
	}
}
