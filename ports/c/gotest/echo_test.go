package gotest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// TestServerInC has examples/echo_server.c serve Go.
func TestServerInC(t *testing.T) {
	addr := startServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, answer, err := petrichor.Connect(ctx, "tcp", addr, petrichor.Header{"zone": 1, "age": 2}, "me")
	if err != nil || string(answer.Header) != "17:7:allowed,4:true!}" || string(answer.Body) != "0:~" {
		t.Fatalf("answer %s %s, error %v: want words of its own, not those of a stranger", answer.Header, answer.Body, err)
	}
	for _, body := range [][]byte{{}, []byte("hello"), allBytes(), bytes.Repeat(allBytes(), 4096)} {
		mustEcho(t, ctx, c, body)
	}
	c.Close()
	c, answer, err = petrichor.Connect(ctx, "tcp", addr, petrichor.Header{"deny": true}, nil)
	if err != nil || petrichor.Allowed(answer.Header) {
		t.Fatalf("answer %s, error %v, want to be denied", answer.Header, err)
	}
	if _, err := c.Recv(); err != io.EOF {
		t.Errorf("after the denial: %v, want the end", err)
	}
	c.Close()
}

// startServer starts the server and returns its address, from its first line.
func startServer(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(build(t, "echo_server", "examples/echo_server.c"), "127.0.0.1", "0")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		t.Fatalf("the server says %q, %v", line, err)
	}
	return addr
}

func allBytes() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func mustEcho(t *testing.T, ctx context.Context, c *petrichor.Conn, body []byte) {
	t.Helper()
	var reply petrichor.Frame
	err := c.Within(ctx, func() (err error) {
		reply, err = c.Request(petrichor.Header{"id": 7}, body)
		return err
	})
	var back []byte
	if err == nil {
		err = petrichor.Unmarshal(reply.Body, &back)
	}
	if err != nil || string(reply.Header) != "9:2:id,1:7#}" || !bytes.Equal(back, body) {
		t.Fatalf("%d bytes came back as %s and %d bytes, error %v", len(body), reply.Header, len(back), err)
	}
}

// TestClientInC has Go serve examples/echo_client.c.
func TestClientInC(t *testing.T) {
	client := build(t, "echo_client", "examples/echo_client.c")
	large := strings.Repeat("0123456789abcde\n", 7000)
	for _, c := range []struct {
		name  string
		allow bool
		texts []string
		want  string
	}{
		{"allowed", true, []string{"hello", "", large, "bye"}, "hello\n\n" + large + "\nbye\n"},
		{"denied", false, []string{"hello"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			host, port, served := serveOne(t, c.allow)
			out, err := exec.Command(client, append([]string{host, port}, c.texts...)...).Output()
			if string(out) != c.want || (err == nil) != c.allow {
				t.Errorf("prints %.100q, error %v", out, err)
			}
			if err := <-served; err != nil {
				t.Errorf("server: %v", err)
			}
		})
	}
}

// serveOne serves one peer, and says how that ended.
func serveOne(t *testing.T, allow bool) (host, port string, served chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	served = make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			defer conn.Close()
			err = echo(conn, allow)
		}
		served <- err
	}()
	host, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return host, port, served
}

func echo(conn net.Conn, allow bool) error {
	err := conn.SetDeadline(time.Now().Add(20 * time.Second))
	if err != nil {
		return err
	}
	c, first, err := petrichor.Accept(conn)
	if err != nil {
		return err
	}
	if string(first.Header) != "19:4:from,9:echo in C,}" || string(first.Body) != "0:~" {
		return errors.New("the first frame is " + string(first.Header) + string(first.Body))
	}
	if !allow {
		return c.Deny(nil, "no")
	}
	if err := c.Allow(nil, nil); err != nil {
		return err
	}
	for {
		f, err := c.Recv()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = c.Send(f.Header, f.Body)
		}
		if err != nil {
			return err
		}
	}
}
