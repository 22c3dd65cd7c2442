package secure

import (
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func needs(t *testing.T, tool, what string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		t.Skip("needs " + tool + ": " + what)
	}
}

// Everything that Dev writes is accepted by openssl for what it is made for, and for
// nothing else.
func TestDevOpenssl(t *testing.T) {
	needs(t, "openssl", "another judge of certificates")
	dir := t.TempDir()
	paths := try(Dev{Hosts: []string{"localhost", "example.test", "127.0.0.1", "::1"}, Clients: []string{"zed", "eve@x"}}.Write(dir))
	want := "ca.pem server.pem server.key zed.pem zed.key eve@x.pem eve@x.key"
	if got := strings.ReplaceAll(strings.Join(paths, " "), dir+string(filepath.Separator), ""); got != want {
		t.Errorf("%s; want %s", got, want)
	}
	for _, c := range []struct {
		args string
		ok   bool
	}{
		{"-purpose sslserver -verify_hostname localhost server.pem", true},
		{"-purpose sslserver -verify_hostname example.test server.pem", true},
		{"-purpose sslserver -verify_ip 127.0.0.1 server.pem", true},
		{"-purpose sslserver -verify_ip ::1 server.pem", true},
		{"-purpose sslserver -verify_hostname example.com server.pem", false},
		{"-purpose sslclient server.pem", false},
		{"-purpose sslclient zed.pem eve@x.pem", true},
		{"-purpose sslserver zed.pem", false},
	} {
		cmd := exec.Command("openssl", strings.Fields("verify -x509_strict -CAfile ca.pem "+c.args)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); (err == nil) != c.ok {
			t.Errorf("openssl verify %s: %v\n%s", c.args, err, out)
		}
	}
}

// The files are the owner's alone, none is overwritten, and no key of the CA is
// among them.
func TestDevFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	paths := try(Dev{}.Write(dir))
	for _, path := range paths {
		info := try(os.Stat(path))
		if runtime.GOOS != "windows" && info.Mode() != 0o600 {
			t.Errorf("%s: %v", path, info.Mode())
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "ca.key")); err == nil {
		t.Error("the CA's key is there")
	}
	before := try(os.ReadFile(filepath.Join(dir, "ca.pem")))
	if _, err := (Dev{}).Write(dir); !os.IsExist(err) {
		t.Errorf("again: %v", err)
	}
	if string(try(os.ReadFile(filepath.Join(dir, "ca.pem")))) != string(before) {
		t.Error("it has been overwritten")
	}
	for _, name := range []string{"", "ca", "Server", "a/b", "..", ".x", `a\b`, "c:d"} {
		if _, err := (Dev{Clients: []string{name}}).Write(t.TempDir()); err == nil {
			t.Errorf("a client is called %q", name)
		}
	}
}

// The two ends of the files speak to one another.
func TestDevConnect(t *testing.T) {
	dir := t.TempDir()
	try(Dev{}.Write(dir))
	at := func(name string) string { return filepath.Join(dir, name) }
	w := &world{t: t, closed: make(chan error, 10)}
	w.server = try(Load(Files{at("ca.pem"), at("server.pem"), at("server.key")}))
	w.serve()
	got, err := w.connect(try(Load(Files{at("ca.pem"), at("client.pem"), at("client.key")})), nil)
	if err != nil || got != "32:7:allowed,4:true!3:you,6:client,}0:~" {
		t.Errorf("%q, %v", got, err)
	}
}

// openssl speaks to our server: let in with what we ask for, and not without.
func TestOpensslClient(t *testing.T) {
	needs(t, "openssl", "another client")
	w, dir := openssl(t)
	for _, c := range []struct {
		args string
		ok   bool
	}{
		{"-alpn petrichor/1 -cert client.pem -key client.key", true},
		{"-alpn petrichor/1 -cert client.pem -key client.key -tls1_3", true},
		{"-alpn petrichor/1 -cert client.pem -key client.key -tls1_2", false},
		{"-alpn h2 -cert client.pem -key client.key", false},
		{"-cert client.pem -key client.key", false},
		{"-alpn petrichor/1", false},
	} {
		args := "s_client -quiet -verify_return_error -CAfile ca.pem -verify_ip 127.0.0.1 -connect " + w.addr + " " + c.args
		cmd := exec.Command("openssl", strings.Fields(args)...)
		cmd.Dir = dir
		stdin, stdout := try(cmd.StdinPipe()), try(cmd.StdoutPipe())
		try(0, cmd.Start())
		late := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		io.WriteString(stdin, "0:}0:~0:}5:hello,")
		want := "32:7:allowed,4:true!3:you,6:client,}0:~0:}5:hello,"
		got := make([]byte, len(want))
		n, _ := io.ReadFull(stdout, got)
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
		late.Stop()
		if ok := string(got[:n]) == want; ok != c.ok || !ok && n > 0 {
			t.Errorf("openssl %s: %q", c.args, got[:n])
		}
	}
	if n := w.handled.Load(); n != 2 {
		t.Errorf("%d requests handled", n)
	}
}

// openssl is a server for our client.
func TestOpensslServer(t *testing.T) {
	needs(t, "openssl", "another server")
	_, dir := openssl(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	client := try(Load(Files{at("ca.pem"), at("client.pem"), at("client.key")}))
	for _, c := range []struct{ args, want string }{
		{"-alpn petrichor/1", ""},
		{"-alpn petrichor/1 -no_tls1_3", "protocol version"},
		{"-alpn h2", "no application protocol"},
		{"", ErrProtocol.Error()},
	} {
		port := free(t)
		args := "s_server -quiet -cert server.pem -key server.key -CAfile ca.pem -Verify 1 -verify_return_error -accept " + port + " " + c.args
		cmd := exec.Command("openssl", strings.Fields(args)...)
		cmd.Dir = dir
		stdin, stdout := try(cmd.StdinPipe()), try(cmd.StdoutPipe())
		try(0, cmd.Start())
		late := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		listening(port)
		conn, err := client.Dial(t.Context(), "tcp", "127.0.0.1:"+port)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("openssl %s: %v; want %s", c.args, err, c.want)
		}
		if err == nil {
			conn.SetDeadline(time.Now().Add(5 * time.Second))
			io.WriteString(conn, "0:}5:hello,")
			b := make([]byte, 11)
			io.ReadFull(stdout, b)
			io.WriteString(stdin, "0:}3:you,")
			answer := make([]byte, 9)
			io.ReadFull(conn, answer)
			if string(b) != "0:}5:hello," || string(answer) != "0:}3:you," {
				t.Errorf("it gets %q, we get %q", b, answer)
			}
			conn.Close()
		}
		cmd.Process.Kill()
		cmd.Wait()
		late.Stop()
	}
}

// openssl makes files of a CA, and a server that has them.
func openssl(t *testing.T) (w *world, dir string) {
	dir = t.TempDir()
	try(Dev{}.Write(dir))
	at := func(name string) string { return filepath.Join(dir, name) }
	w = &world{t: t, closed: make(chan error, 100)}
	w.server = try(Load(Files{at("ca.pem"), at("server.pem"), at("server.key")}))
	w.serve()
	return w, dir
}

// free returns a port that nobody listens on.  It is none of those that a system gives to
// connections (Linux: from 32,768), which another test's client may take at once.
func free(t *testing.T) string {
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(12_000))
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// listening returns when somebody listens on the port.  It asks with a handshake that
// is given up, which a TLS server does not mind.
func listening(port string) {
	for range 500 {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
		if err == nil {
			c.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
