//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A silentPeer takes connections and says what it is given, and no more.
func silentPeer(t *testing.T, says string) (addr string, met <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	some := make(chan struct{}, 100)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			conn.Read(make([]byte, 1))
			io.WriteString(conn, says)
			some <- struct{}{}
		}
	}()
	return l.Addr().String(), some
}

const allowed = "17:7:allowed,4:true!}0:,"

// Ctrl-C ends what waits for a peer or for stdin, at once, and the exit code says how far it got.
func TestInterrupt(t *testing.T) {
	for _, c := range []struct {
		name, says string
		args       []string
		code       int
		stderr     string
	}{
		{"recv, not let in", "", []string{"recv", "ADDR"}, exitTimeout, "interrupted before ADDR had replied"},
		{"recv, nothing wanted", allowed, []string{"recv", "ADDR"}, exitOK, ""},
		{"recv, too few", allowed + "0:}3:one,", []string{"recv", "ADDR", "-C", "5"}, exitTimeout, "1 of 5 frames from ADDR before it was interrupted"},
		{"send, not let in", "", []string{"send", "ADDR", "hello"}, exitTimeout, "interrupted before ADDR had replied"},
		{"send, not read", allowed, []string{"send", "ADDR", "hello"}, exitTimeout, "whether it has read them is unknown"},
		{"send, not let in, tried again", "", []string{"send", "ADDR", "hello", "--retry", "9"}, exitTimeout, "interrupted"},
		{"bench, not let in", "", []string{"bench", "ADDR", "-n", "1", "-c", "1"}, exitTimeout, "interrupted before ADDR had let anybody in"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			addr, met := silentPeer(t, c.says)
			r := interrupt(t, func() { <-met }, strings.NewReplacer("ADDR", addr).Replace, c.args)
			if want := strings.ReplaceAll(c.stderr, "ADDR", addr); r.code != c.code || !strings.Contains(r.stderr, want) {
				t.Errorf("exit code %d, want %d; it says %q, want %q", r.code, c.code, r.stderr, want)
			}
		})
	}
}

// An idle stdin does not keep send from ending at Ctrl-C, after what has come has been sent.
func TestInterruptIdleStdin(t *testing.T) {
	server := exec.Command("petrichor", "recv", "-l", "127.0.0.1:0", "-C", "1")
	stderr, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	server.Stdout = &got
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer server.Process.Kill()
	addr := listeningOn(t, stderr)
	over := make(chan error, 1)
	r := interrupt(t, func() {
		go func() { over <- server.Wait() }()
		select { // one frame has gone through
		case <-over:
		case <-time.After(10 * time.Second):
			t.Error("nothing was sent")
		}
	}, strings.NewReplacer("ADDR", addr).Replace, []string{"send", "ADDR", "--from", "jsonl"})
	if r.code != exitOK || got.String() != "{\"header\":{},\"body\":1}\n" {
		t.Errorf("exit code %d, %q; the server got %q", r.code, r.stderr, got.String())
	}
}

func listeningOn(t *testing.T, stderr io.Reader) string {
	t.Helper()
	line, err := bufio.NewReader(stderr).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return loopback.FindString(line)
}

// An epilogue is how a run has ended.
type epilogue struct {
	code   int
	stderr string
}

// interrupt runs petrichor with a stdin that has one line and stays open, and sends it SIGINT when ready
// returns.  It has to end within two seconds of that.
func interrupt(t *testing.T, ready func(), fill func(string) string, args []string) epilogue {
	t.Helper()
	for i := range args {
		args[i] = fill(args[i])
	}
	cmd := exec.Command("petrichor", args...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	io.WriteString(stdin, "1\n")
	ready()
	time.Sleep(200 * time.Millisecond) // for what the peer has said to be read
	start := time.Now()
	cmd.Process.Signal(os.Interrupt)
	late := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
	defer late.Stop()
	err = cmd.Wait()
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("it ended %v after Ctrl-C", took)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return epilogue{exit.ExitCode(), stderr.String()}
	}
	return epilogue{0, stderr.String()}
}

// --wait counts from the beginning, also while a server says nothing.
func TestRecvWaitsForAll(t *testing.T) {
	addr, _ := silentPeer(t, "")
	start := time.Now()
	text, err := exec.Command("petrichor", "recv", addr, "-W", "500ms", "-t", "8s").CombinedOutput()
	exit, _ := errors.AsType[*exec.ExitError](err)
	if exit == nil || exit.ExitCode() != exitTimeout || time.Since(start) > 4*time.Second {
		t.Errorf("%v after %v: %s", err, time.Since(start), text)
	}
}

// Nobody has to end what a key is read from: no more is read than an element can hold.
func TestHeaderFileIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(maxElement + 1); err != nil {
		t.Skip("needs sparse files: ", err)
	}
	var h headerFlag
	if err := h.Set("k@=" + path); err == nil || !strings.Contains(err.Error(), "at most 999999999 bytes") {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(path, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.Set("k@=" + path); err != nil || h.header["k"] != "secret" {
		t.Errorf("%v, %q", err, h.header["k"])
	}
}
