package ports

import (
	"bufio"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAttacks has petrichor conform attack a server in each language, and wants
// no fault. Those that can be told their deadlines get short ones, and they are
// waited out; docs/porting.md has the commands.
func TestAttacks(t *testing.T) {
	dir := t.TempDir()
	tool := built(t, filepath.Join(dir, "petrichor.exe"), lookFor(t, "go"),
		"build", "-o", filepath.Join(dir, "petrichor.exe"), "../cmd/petrichor").Path
	for _, attacked := range []struct {
		language string
		server   func(t *testing.T) *exec.Cmd
		flags    string
	}{
		{"Go", func(*testing.T) *exec.Cmd { return serveInGo(tool) }, "--max-conns 256 --compresses --deadlines 1s,1s,2s,1s"},
		{"C", func(t *testing.T) *exec.Cmd { return serverInC(t, dir) }, "--max-conns 256 --deadlines 1s,1s,2s,1s"},
		{"Ruby", func(t *testing.T) *exec.Cmd { return anyPort(inRuby(t, dir, "echo_server")) }, "--quick"},
		{"Python", func(t *testing.T) *exec.Cmd { return anyPort(inPython(t, dir, "echo_server")) }, "--quick --patience 30s --compresses"},
	} {
		t.Run(attacked.language, func(t *testing.T) {
			addr := serving(t, attacked.server(t))
			flags := strings.Fields(attacked.flags + " -q --echoes --denied deny=1")
			out, err := exec.Command(tool, append([]string{"conform", addr}, flags...)...).CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// serveInGo prints where it listens on stderr.
func serveInGo(tool string) *exec.Cmd {
	return exec.Command("sh", "-c", `exec "$0" serve "$@" 2>&1`, tool, "127.0.0.1:0", "--reply", "{{.Body}}", "--compress", "--deny", "deny=1",
		"--first-timeout", "1s", "--frame-timeout", "1s", "--idle-timeout", "2s", "--write-timeout", "1s")
}

func anyPort(server *exec.Cmd) *exec.Cmd {
	server.Args = append(server.Args, "127.0.0.1", "0")
	return server
}

func serverInC(t *testing.T, dir string) *exec.Cmd {
	product := filepath.Join(dir, "server.c.exe")
	cmd := built(t, product, lookFor(t, "cc"), "-std=c99", "-O2", "-D_POSIX_C_SOURCE=200809L", "-Ic", "-o", product,
		"c/petrichor.c", "c/test/server.c")
	cmd.Args = append(cmd.Args, "127.0.0.1", "0", "1000", "1000", "2000", "1000")
	return cmd
}

// serving starts a server, which is killed when t ends, and returns the address
// that its first line tells.
func serving(t *testing.T, server *exec.Cmd) (addr string) {
	t.Helper()
	out, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
	})
	said := bufio.NewReader(out)
	line, err := said.ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		t.Fatalf("the server says %q, %v", line, err)
	}
	go io.Copy(io.Discard, said) // lest it wait for us
	return addr
}
