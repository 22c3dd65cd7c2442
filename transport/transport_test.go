package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/petrichortest"
	"github.com/petrichor-protocol/petrichor/secure"
)

// relayTo is the variable that makes the tests' own program join its stdin and stdout
// to the address it has.
const relayTo = "PETRICHOR_TEST_RELAY"

func TestMain(m *testing.M) {
	if addr := os.Getenv(relayTo); addr != "" {
		relay(addr)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// relay joins stdin and stdout to a peer, until it has no more to say.
func relay(addr string) {
	far, err := Dial(context.Background(), addr)
	if err != nil {
		panic(err)
	}
	near, err := Dial(context.Background(), "stdio:")
	if err != nil {
		panic(err)
	}
	go func() {
		io.Copy(far, near)
		closeWrite(far)
	}()
	io.Copy(near, far)
}

// Who sets a deadline for writing to stdout is told that there is none, so that
// Conn.Within closes the stream instead.
func TestStdioHasNoWriteDeadline(t *testing.T) {
	s := &stdio{}
	for _, err := range []error{s.SetWriteDeadline(time.Now()), s.SetDeadline(time.Now())} {
		if err != os.ErrNoDeadline {
			t.Error(err)
		}
	}
}

// conform runs what every kind of stream has to do over those of an address.
func conform(t *testing.T, c *Config, addr string, form func(net.Addr) string) {
	petrichortest.TestTransport(t, func() (net.Listener, error) { return c.Listen(addr) },
		func(ctx context.Context, at net.Addr) (io.ReadWriteCloser, error) { return c.Dial(ctx, form(at)) })
}

func TestTCP(t *testing.T) { conform(t, nil, "127.0.0.1:0", net.Addr.String) }

func TestUnix(t *testing.T) {
	conform(t, nil, "unix://"+filepath.Join(t.TempDir(), "s"), func(a net.Addr) string { return "unix://" + a.String() })
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	if _, err := (secure.Dev{}).Write(dir); err != nil {
		t.Fatal(err)
	}
	load := func(name string) *secure.Credentials {
		keys, err := secure.Load(secure.Files{CA: dir + "/ca.pem", Cert: dir + "/" + name + ".pem", Key: dir + "/" + name + ".key"})
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	server, client := &Config{Secure: load("server")}, &Config{Secure: load("client")}
	petrichortest.TestTransport(t, func() (net.Listener, error) { return server.Listen("tls://127.0.0.1:0") },
		func(ctx context.Context, at net.Addr) (io.ReadWriteCloser, error) {
			return client.Dial(ctx, "tls://"+at.String())
		})
}

// A command that joins its stdin and stdout, with stdio:, to our listener.
func TestExec(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs sh: commands of exec:")
	}
	conform(t, nil, "127.0.0.1:0", func(a net.Addr) string {
		return "exec:" + relayTo + "=" + a.String() + " exec '" + self + "'"
	})
}

// The same by somebody else's program.
func TestExecSocat(t *testing.T) {
	if _, err := exec.LookPath("socat"); err != nil {
		t.Skip("needs socat: a relay")
	}
	conform(t, nil, "127.0.0.1:0", func(a net.Addr) string { return "exec:socat -t 0.3 - TCP:" + a.String() })
}

func TestPipe(t *testing.T) {
	l := &pipes{peers: make(chan net.Conn), closed: make(chan struct{})}
	petrichortest.TestTransport(t, func() (net.Listener, error) { return l, nil },
		func(context.Context, net.Addr) (io.ReadWriteCloser, error) {
			ours, theirs := net.Pipe()
			l.peers <- theirs
			return ours, nil
		})
}

// pipes listens for ends of pipes.
type pipes struct {
	peers  chan net.Conn
	closed chan struct{}
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.peers:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error   { close(l.closed); return nil }
func (l *pipes) Addr() net.Addr { return Address{Scheme: "stdio"} }

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"127.0.0.1:7670", "tcp 127.0.0.1:7670"},
		{":7670", "tcp 127.0.0.1:7670"},
		{"tcp://[::1]:1", "tcp [::1]:1"},
		{"tls://example.com:7670", "tls example.com:7670"},
		{"tls://:7670", "tls 127.0.0.1:7670"},
		{"unix:///tmp/s", "unix /tmp/s"},
		{"exec:ssh host petrichor serve stdio:", "exec ssh host petrichor serve stdio:"},
		{"stdio:", "stdio "},
		{"file:a", "file a"},
		{"file:a,b", "file a,b"},
		{"file:,b", "file ,b"},
		{"", ""},
		{"host", ""},
		{"tls://host", ""},
		{"host:", ""},
		{"unix://", ""},
		{"exec:", ""},
		{"exec: ", ""},
		{"stdio:x", ""},
		{"file:", ""},
		{"file:,", ""},
		{"http://x:1", ""},
		{"exec:a\x00b", ""},
		{"TLS://x:1", ""},
	} {
		a, err := Parse(c.text)
		if got := a.Scheme + " " + a.Rest; err == nil && got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q: %q, %v; want %q", c.text, got, err, c.want)
		}
		if err != nil && !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v", c.text, err)
		}
		if again, err := Parse(a.String()); c.want != "" && (err != nil || again != a) {
			t.Errorf("%q is %q, which is %v, %v", c.text, a, again, err)
		}
	}
}

// A file is what a peer has said; what we say goes to the other file, or nowhere.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := os.WriteFile(in, []byte("0:}0:~0:}5:hello,"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{"file:" + in, "file:" + in + "," + out} {
		stream, err := Dial(t.Context(), addr)
		if err != nil {
			t.Fatal(err)
		}
		c := petrichor.NewConn(stream)
		c.Request(petrichor.Header{"user": "zed"}, nil)
		f, err := c.Request(nil, 1)
		if err != nil || string(f.Body) != "5:hello," {
			t.Errorf("%s: %s, %v", addr, f.Body, err)
		}
		if _, err := c.Recv(); err != io.EOF {
			t.Errorf("%s: %v", addr, err)
		}
		c.Close()
	}
	if got, _ := os.ReadFile(out); string(got) != "13:4:user,3:zed,}0:~0:}1:1#" {
		t.Errorf("%s", got)
	}
	if got, _ := os.ReadFile(in); string(got) != "0:}0:~0:}5:hello," {
		t.Errorf("the recording is now %s", got)
	}
	if _, err := Dial(t.Context(), "file:"+filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Error(err)
	}
}

// A command that fails says so when it is closed.
func TestExecFails(t *testing.T) {
	var said strings.Builder
	stream, err := (&Config{Stderr: &said}).Dial(t.Context(), "exec:echo oops >&2; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
	if err := stream.Close(); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Error(err)
	}
	if said.String() != "oops\n" {
		t.Errorf("%q", said.String())
	}
}

// A listener of one peer ends when the peer has.
func TestOnce(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	l := Once(theirs)
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan error)
	go func() {
		_, err := l.Accept()
		second <- err
	}()
	peer.Close()
	if err := <-second; err != io.EOF {
		t.Error(err)
	}
	l.Close()
	if _, err := l.Accept(); err != net.ErrClosed {
		t.Error(err)
	}
	near, far := net.Pipe()
	Once(far).Close()
	if _, err := near.Read(make([]byte, 1)); err == nil {
		t.Error("a peer that nobody accepted is not closed")
	}
}
