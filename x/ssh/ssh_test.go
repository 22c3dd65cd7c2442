package ssh

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/petrichortest"
	"github.com/petrichor-protocol/petrichor/service"
	"github.com/petrichor-protocol/petrichor/transport"
	"golang.org/x/crypto/ssh"
)

// TestMain lets the tests' own program be a server on its stdin and stdout.
func TestMain(m *testing.M) {
	if os.Getenv("PETRICHOR_TEST_SERVE") == "" {
		os.Exit(m.Run())
	}
	stream, err := transport.Dial(context.Background(), "stdio:")
	if err != nil {
		panic(err)
	}
	echo().ServeStream(stream.(io.ReadWriteCloser))
}

func echo() *service.Server {
	return &service.Server{Handle: func(_ context.Context, req *service.Request) (any, any, error) {
		return nil, req.Frame.Body, nil
	}}
}

// A key is a private key of SSH and what OpenSSH reads it from.
type key struct {
	ssh.Signer
	private, public []byte
}

func newKey(t *testing.T) key {
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(secret, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return key{signer, pem.EncodeToMemory(block), ssh.MarshalAuthorizedKey(signer.PublicKey())}
}

// configs are of a server that lets in one key, and of its owner.
func configs(t *testing.T, host, owner key, name string) (*ssh.ServerConfig, *ssh.ClientConfig) {
	server := &ssh.ServerConfig{PublicKeyCallback: func(meta ssh.ConnMetadata, shown ssh.PublicKey) (*ssh.Permissions, error) {
		if meta.User() != name || !bytes.Equal(shown.Marshal(), owner.PublicKey().Marshal()) {
			return nil, errors.New("who is that?")
		}
		return nil, nil
	}}
	server.AddHostKey(host)
	client := &ssh.ClientConfig{User: name, Auth: []ssh.AuthMethod{ssh.PublicKeys(owner)}, HostKeyCallback: ssh.FixedHostKey(host.PublicKey())}
	return server, client
}

func TestTransport(t *testing.T) {
	server, client := configs(t, newKey(t), newKey(t), "zed")
	petrichortest.TestTransport(t, func() (net.Listener, error) { return Listen("127.0.0.1:0", server) },
		func(ctx context.Context, at net.Addr) (io.ReadWriteCloser, error) {
			return Dial(ctx, at.String(), client)
		})
}

// Another key, another user, another host: nobody gets in.
func TestStrangers(t *testing.T) {
	host, owner := newKey(t), newKey(t)
	server, client := configs(t, host, owner, "zed")
	l, err := Listen("127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	otherKey, otherUser, otherHost := *client, *client, *client
	otherKey.Auth = []ssh.AuthMethod{ssh.PublicKeys(newKey(t))}
	otherUser.User = "eve"
	otherHost.HostKeyCallback = ssh.FixedHostKey(newKey(t).PublicKey())
	for name, config := range map[string]*ssh.ClientConfig{"key": &otherKey, "user": &otherUser, "host": &otherHost} {
		if s, err := Dial(t.Context(), l.Addr().String(), config); err == nil {
			s.Close()
			t.Errorf("another %s gets in", name)
		}
	}
}

// ask opens a stream and makes a request of an echo.
func ask(t *testing.T, dial func(context.Context) (io.ReadWriteCloser, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	stream, err := dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c := petrichor.NewConn(stream)
	defer c.Close()
	err = c.Within(ctx, func() error {
		if answer, err := c.Greet(nil, nil); err != nil || !petrichor.Allowed(answer.Header) {
			return fmt.Errorf("%s, %w", answer.Header, err)
		}
		f, err := c.Request(nil, "hello")
		if string(f.Body) != "5:hello," {
			return fmt.Errorf("%s, %w", f.Body, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// Debian's sshd is a server for our client, and for its own by exec:ssh.
func TestOpenSSHServer(t *testing.T) {
	sshd := needs(t, "sshd", "/usr/sbin/sshd")
	host, owner := newKey(t), newKey(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	_, client := configs(t, host, owner, me.Username)
	dir, port := t.TempDir(), free(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "host", host.private)
	write(t, dir, "owner", owner.private)
	write(t, dir, "owners", owner.public)
	write(t, dir, "known", fmt.Appendf(nil, "[127.0.0.1]:%s %s", port, host.public))
	write(t, dir, "sshd_config", fmt.Appendf(nil, `Port %s
ListenAddress 127.0.0.1
HostKey %s/host
AuthorizedKeysFile %s/owners
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem petrichor env PETRICHOR_TEST_SERVE=1 %s
`, port, dir, dir, self))
	startSSHD(t, sshd, filepath.Join(dir, "sshd_config"))
	t.Run("x/ssh", func(t *testing.T) {
		ask(t, func(ctx context.Context) (io.ReadWriteCloser, error) { return Dial(ctx, "127.0.0.1:"+port, client) })
	})
	t.Run("exec:ssh", func(t *testing.T) {
		needs(t, "ssh")
		ask(t, func(ctx context.Context) (io.ReadWriteCloser, error) {
			return transport.Dial(ctx, execSSH(dir, port, me.Username))
		})
	})
}

// startSSHD starts sshd, until the test is over, and returns when it listens, which is when
// it first says something.
func startSSHD(t *testing.T, sshd, config string) {
	os.MkdirAll("/run/sshd", 0o755) // where it goes without rights; of the package's own service
	cmd := exec.Command(sshd, "-D", "-e", "-f", config)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := new(bytes.Buffer)
	ready, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		b := make([]byte, 4096)
		for first := true; ; first = false {
			n, err := stderr.Read(b)
			said.Write(b[:n])
			if first {
				close(ready)
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-over
		cmd.Wait()
		if t.Failed() {
			t.Logf("sshd says: %s", said)
		}
	})
	<-ready
}

// OpenSSH is a client of our server.
func TestOpenSSHClient(t *testing.T) {
	needs(t, "ssh")
	host, owner := newKey(t), newKey(t)
	server, _ := configs(t, host, owner, "zed")
	l, err := Listen("127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	s := echo()
	s.Identify = Identity
	go s.Serve(l)
	defer s.Close()
	dir := t.TempDir()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	write(t, dir, "owner", owner.private)
	write(t, dir, "known", fmt.Appendf(nil, "[127.0.0.1]:%s %s", port, host.public))
	ask(t, func(ctx context.Context) (io.ReadWriteCloser, error) {
		return transport.Dial(ctx, execSSH(dir, port, "zed"))
	})
}

func execSSH(dir, port, name string) string {
	return fmt.Sprintf("exec:ssh -F none -o BatchMode=yes -o IdentitiesOnly=yes -o UserKnownHostsFile=%s/known -i %s/owner -p %s -s %s@127.0.0.1 petrichor",
		dir, dir, port, name)
}

// needs returns the first of names that is a program.
func needs(t *testing.T, names ...string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("needs " + names[0] + ": OpenSSH as a peer")
	return ""
}

func write(t *testing.T, dir, name string, b []byte) {
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// free returns a port that nobody listens on, and that no system gives to connections.
func free(t *testing.T) string {
	for range 100 {
		port := strconv.Itoa(20_000 + mathrand.IntN(12_000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}
