package ports

import (
	"bytes"
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestEcho has a client in each language ask a server in each.
func TestEcho(t *testing.T) {
	dir := t.TempDir()
	for _, served := range languages {
		t.Run("server in "+served.name, func(t *testing.T) {
			host, port := listening(t, served.program(t, dir, "echo_server"))
			for _, asking := range languages {
				t.Run("client in "+asking.name, func(t *testing.T) {
					client := asking.program(t, dir, "echo_client")
					mustEcho(t, client, nil, host, port, "hello", "", "été", "bye")
					mustEcho(t, client, everyByte(256), host, port, "-")
					mustEcho(t, client, everyByte(1<<20), host, port, "-", "after a MiB")
					mustBeDenied(t, client, "--deny", host, port, "hello")
				})
			}
		})
	}
}

// listening starts a server at a port of its own, which is killed when t ends.
func listening(t *testing.T, server *exec.Cmd) (host, port string) {
	t.Helper()
	var said bytes.Buffer
	server.Stderr = &said
	t.Cleanup(func() { // after it has ended
		if said.Len() > 0 {
			t.Errorf("the server complains: %s", said.String())
		}
	})
	host, port, err := net.SplitHostPort(serving(t, anyPort(server)))
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

func everyByte(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// running is the result of a client.
func running(t *testing.T, client *exec.Cmd, stdin []byte, args []string) (out, complaint string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, client.Path, append(client.Args[1:len(client.Args):len(client.Args)], args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = client.Env, bytes.NewReader(stdin), &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// mustEcho has a client say texts, of which "-" is stdin, and hear them again.
func mustEcho(t *testing.T, client *exec.Cmd, stdin []byte, host, port string, texts ...string) {
	t.Helper()
	want := ""
	for _, text := range texts {
		if text == "-" {
			text = string(stdin)
		}
		want += text + "\n"
	}
	out, complaint, err := running(t, client, stdin, append([]string{host, port}, texts...))
	if out != want || complaint != "" || err != nil {
		t.Errorf("%.40q comes back as %.40q, %d bytes of %d; %v, %s", texts, out, len(out), len(want), err, complaint)
	}
}

func mustBeDenied(t *testing.T, client *exec.Cmd, args ...string) {
	t.Helper()
	out, complaint, err := running(t, client, nil, args)
	if out != "" || !strings.Contains(complaint, "allowed") || err == nil {
		t.Errorf("denied, it prints %q and says %q, %v", out, complaint, err)
	}
}
