package spec

// The program of the document beside the Go implementation, over TCP and in what
// they write.

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// starting starts a command in dir and returns the address it says it is
// listening on. It is killed when t ends.
func starting(t *testing.T, dir string, name string, args ...string) (addr string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
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
	if err != nil || !ok {
		t.Fatalf("%s says %q, %v", name, line, err)
	}
	return addr
}

// serving is the beginning of a server whose service turns bodies round, and
// fails where there is nothing to turn.
const serving = `
import socket
listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
handle = lambda header, body: ({"was": header.get(b"k")}, body[::-1])
`

func serve(t *testing.T, script string) (addr string) {
	t.Helper()
	return starting(t, program(t, len(Chapters())), python3(t), "-c", serving+script)
}

const threaded = `
from petrichor import serve
serve(listener, handle, lambda header, body, who: header.get(b"user") == b"zed")
`

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestPythonServesGo(t *testing.T) {
	addr := serve(t, threaded)
	c, answer, err := petrichor.Connect(within(t), "tcp", addr, petrichor.Header{"user": "zed"}, nil)
	if err != nil || !petrichor.Allowed(answer.Header) {
		t.Fatalf("%v: %s", err, answer.Header)
	}
	defer c.Close()
	large := make([]byte, 1<<20)
	for i := range large {
		large[i] = byte(i * i)
	}
	mustReply(t, c, petrichor.Header{"id": 1, "k": "v"}, "hello", "19:3:was,1:v,2:id,1:1#}5:olleh,")
	mustReply(t, c, nil, []byte{0, 255}, "9:3:was,0:~}2:\xff\x00,")
	mustReply(t, c, petrichor.Header{"id": 2}, 42, "35:5:error,14:internal error,2:id,1:2#}0:~")
	reply, err := c.Request(nil, large)
	if err != nil || len(reply.Body) != len("1048576:,")+len(large) || reply.Body[len("1048576:")] != large[len(large)-1] {
		t.Errorf("a MiB: %d bytes, %v", len(reply.Body), err)
	}
}

// mustReply checks that the reply to a frame is want, header and body.
func mustReply(t *testing.T, c *petrichor.Conn, header, body any, want string) {
	t.Helper()
	if reply, err := c.Request(header, body); err != nil || string(reply.Header)+string(reply.Body) != want {
		t.Errorf("%s%s, %v; want %s", reply.Header, reply.Body, err, want)
	}
}

func TestPythonDeniesGo(t *testing.T) {
	c, answer, err := petrichor.Connect(within(t), "tcp", serve(t, threaded), petrichor.Header{"user": "ann"}, nil)
	if err != nil || petrichor.Allowed(answer.Header) {
		t.Fatalf("%v: %s", err, answer.Header)
	}
	defer c.Close()
	if _, err := c.Recv(); err != io.EOF {
		t.Errorf("after being denied: %v", err)
	}
}

// A peer that sends nonsense loses its connection, and the next is served.
func TestPythonCutsNonsense(t *testing.T) {
	addr := serve(t, threaded)
	for _, nonsense := range []string{"GET / HTTP/1.1\r\n\r\n", "5:hello,", "16385:", "0:}0:,x"} {
		c := sure(net.Dial("tcp", addr))
		defer c.Close()
		if _, err := io.WriteString(c, nonsense); err != nil {
			t.Fatal(err)
		}
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%q is not cut", nonsense)
		}
	}
	c, _, err := petrichor.Connect(within(t), "tcp", addr, petrichor.Header{"user": "zed"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestGoServesPython(t *testing.T) {
	l := sure(net.Listen("tcp", "127.0.0.1:0"))
	defer l.Close()
	served := make(chan error, 1)
	go func() { served <- echo(l) }()
	script := fmt.Sprintf(`
from petrichor import allowed, connect, request
stream, header, body = connect(("127.0.0.1", %d), {"user": "python"}, [1, 2.5])
print(allowed(header), header, body)
for value in None, True, -7, 1e21, b"\xff\0", "text", [1, [2]], {"a": {"b": 1}}, b"x" * 1048576:
    header, body = request(stream, {"id": 3}, value)
    print(header, repr(body)[:60])
stream.socket.close()
`, l.Addr().(*net.TCPAddr).Port)
	want := `True {b'allowed': True, b'user': b'python'} [1, 2.5]
{b'id': 3} None
{b'id': 3} True
{b'id': 3} -7
{b'id': 3} 1e+21
{b'id': 3} b'\xff\x00'
{b'id': 3} b'text'
{b'id': 3} [1, [2]]
{b'id': 3} {b'a': {b'b': 1}}
{b'id': 3} b'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
`
	if got := run(t, program(t, len(Chapters())), script, ""); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if err := <-served; err != io.EOF {
		t.Errorf("the server ends with %v", err)
	}
}

// echo allows one peer and sends all back that it sends.
func echo(l net.Listener, opts ...petrichor.Option) error {
	stream, err := l.Accept()
	if err != nil {
		return err
	}
	defer stream.Close()
	c, first, err := petrichor.Accept(stream, opts...)
	if err != nil {
		return err
	}
	var header petrichor.Header
	if err := petrichor.Unmarshal(first.Header, &header); err != nil {
		return err
	}
	if err := c.Allow(header, first.Body); err != nil {
		return err
	}
	for {
		f, err := c.Recv()
		if err == nil {
			err = c.Send(f.Header, f.Body)
		}
		if err != nil {
			return err
		}
	}
}

const looping = `
from petrichor.loop import loop
loop(listener, lambda header, body: (header, body))
`

// One thread serves many peers, each in its turn.
func TestPythonLoopServesGo(t *testing.T) {
	addr := serve(t, looping)
	var conns []*petrichor.Conn
	for range 50 {
		c, answer, err := petrichor.Connect(within(t), "tcp", addr, nil, nil)
		if err != nil || !petrichor.Allowed(answer.Header) {
			t.Fatalf("%v: %s", err, answer.Header)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	for i, c := range conns {
		mustReply(t, c, petrichor.Header{"id": i}, strings.Repeat("x", i*1000), string(sure(petrichor.AppendFrame(nil, petrichor.Header{"id": i}, strings.Repeat("x", i*1000)))))
	}
}

// A peer that sends and does not read is not read any more.
func TestPythonLoopBoundsItsOutput(t *testing.T) {
	c := sure(net.Dial("tcp", serve(t, looping)))
	defer c.Close()
	frames := []byte(strings.Repeat("0:}1000:"+strings.Repeat("x", 1000)+",", 1000))
	sent := 0
	for sent < 1<<30 {
		c.SetWriteDeadline(time.Now().Add(2 * time.Second))
		n, err := c.Write(frames)
		sent += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Logf("stopped after %d bytes", sent)
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Errorf("%d bytes have been taken", sent)
}

// The clock is a fake one that each recv moves by a second, so that nobody waits.
func TestPythonCutsSlowPeers(t *testing.T) {
	got := run(t, program(t, len(Chapters())), `
from petrichor import accept, peer, stream

class Slow:
    """A peer that sends a byte of an endless frame each second, after some silence."""
    def __init__(self, begin=b"", silence=0):
        self.begin, self.now, self.silence, self.limits = begin, 0, silence, []
    def clock(self):
        return self.now
    def settimeout(self, seconds):
        self.limits.append(seconds)
    def recv(self, most):
        if self.silence > self.limits[-1]:
            self.now += self.limits[-1]
            raise TimeoutError
        self.now, self.silence = self.now + 1 + self.silence, 0
        byte, self.begin = self.begin[:1] or b"x", self.begin[1:]
        return byte

def seconds(slow, read):
    stream.monotonic = slow.clock
    try:
        read(slow)
    except TimeoutError:
        return slow.now

print(seconds(Slow(b"0:}1000:"), accept))
print(seconds(Slow(silence=1000), accept))
print(seconds(Slow(b"0:}1000:"), lambda slow: stream.Stream(slow).recv()))
print(seconds(Slow(b"0:}1000:", silence=50), lambda slow: stream.Stream(slow).recv()))
print(seconds(Slow(silence=1000), lambda slow: stream.Stream(slow).recv()))
`, "")
	// The first byte comes after a second, and 30 later the frame's time is over.
	if want := "5\n5\n31\n81\n120\n"; got != want {
		t.Errorf("cut after\n%swant\n%s", got, want)
	}
}

func TestPythonReadsAnyPortions(t *testing.T) {
	got := run(t, program(t, len(Chapters())), `
import sys
from petrichor import Fault, Parser
from petrichor.vectors import read_vectors, rules_of

def said(record, n):
    parser, frames = Parser(rules_of(record)), []
    try:
        for at in range(0, len(record["wire"]), n):
            parser.feed(record["wire"][at : at + n])
            while frame := parser.next():
                frames.append(frame)
    except Fault as fault:
        frames.append(str(fault))
    return frames

records = [r for r in read_vectors(open(sys.stdin.read()).read())]
for record in records:
    whole = said(record, 1 << 20)
    for n in range(1, 20):
        if said(record, n) != whole:
            print(record["name"], n)
print(len(records) > 50)
`, sure(filepath.Abs("vectors/frame.txt")))
	if got != "True\n" {
		t.Error(got)
	}
}

func TestPythonAndGoWriteTheSame(t *testing.T) {
	random := mathrand.New(mathrand.NewPCG(6, 2026))
	var lines strings.Builder
	for range 3000 {
		for _, v := range []any{math.Float64frombits(random.Uint64()), random.NormFloat64(), float64(random.IntN(1000)) / 8, random.Int64() - math.MaxInt64/2} {
			if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
				continue
			}
			fmt.Fprintf(&lines, "%x\n", sure(petrichor.Marshal(v)))
		}
	}
	got := run(t, program(t, len(Chapters())), `
import sys
from petrichor import dump, parse
for line in sys.stdin:
    print(dump(parse(bytes.fromhex(line))).hex())
`, lines.String())
	if got == lines.String() {
		return
	}
	python := strings.Split(got, "\n")
	for i, line := range strings.Split(lines.String(), "\n") {
		if python[i] != line {
			t.Fatalf("Go writes %s, Python %s", sure(hex.DecodeString(line)), sure(hex.DecodeString(python[i])))
		}
	}
}

func TestPythonRefusesToWrite(t *testing.T) {
	got := run(t, program(t, len(Chapters())), `
from petrichor import dump, dump_frame
loop = []
loop.append(loop)
for value in float("inf"), float("nan"), {1: 2}, {"a": 1, b"a": 2}, loop, object(), {None: 1}, 1j:
    try:
        print(dump(value))
    except (TypeError, ValueError) as error:
        print(type(error).__name__)
try:
    dump_frame([], b"")
except TypeError:
    print("no frame")
`, "")
	want := "ValueError\nValueError\nTypeError\nValueError\nValueError\nTypeError\nTypeError\nTypeError\nno frame\n"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestPythonTLS(t *testing.T) {
	dir := t.TempDir()
	pool := certificate(t, dir)
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	addr := serve(t, fmt.Sprintf(`
from petrichor import serve
from petrichor.secure import server_context
serve(listener, handle, context=server_context(%q, %q))
`, cert, key))
	config := &tls.Config{RootCAs: pool, ServerName: "127.0.0.1", NextProtos: []string{"petrichor/1"}, MinVersion: tls.VersionTLS13}
	c := sure(tls.Dial("tcp", addr, config))
	defer c.Close()
	conn := petrichor.NewConn(c)
	mustReply(t, conn, petrichor.Header{"user": "zed"}, nil, "17:7:allowed,4:true!}0:,")
	mustReply(t, conn, petrichor.Header{"id": 1}, "hello", "18:3:was,0:~2:id,1:1#}5:olleh,")

	for what, wrong := range map[string]*tls.Config{
		"TLS 1.2":          {RootCAs: pool, ServerName: "127.0.0.1", NextProtos: config.NextProtos, MaxVersion: tls.VersionTLS12},
		"another protocol": {RootCAs: pool, ServerName: "127.0.0.1", NextProtos: []string{"h2"}},
		"no protocol":      {RootCAs: pool, ServerName: "127.0.0.1"},
	} {
		if c, err := tls.Dial("tcp", addr, wrong); err == nil {
			io.WriteString(c, "0:}0:,")
			if n, _ := c.Read(make([]byte, 1)); n > 0 {
				t.Errorf("%s is answered", what)
			}
			c.Close()
		}
	}
	goServesPythonTLS(t, dir, cert, key)
}

func goServesPythonTLS(t *testing.T, dir, cert, key string) {
	pair := sure(tls.LoadX509KeyPair(cert, key))
	l := sure(tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"petrichor/1"}}))
	defer l.Close()
	go func() {
		for echo(l) != net.ErrClosed {
			if _, err := os.Stat(dir); err != nil {
				return
			}
		}
	}()
	got := run(t, program(t, len(Chapters())), fmt.Sprintf(`
import ssl
from petrichor import request
from petrichor.secure import client_context, connect
address = ("127.0.0.1", %d)
stream, header, body = connect(address, {}, context=client_context(%q))
print(header, request(stream, {"id": 1}, b"sealed"))
stream.socket.close()
try:
    connect(address, {})
except ssl.SSLCertVerificationError:
    print("not trusted")
`, l.Addr().(*net.TCPAddr).Port, cert), "")
	if want := "{b'allowed': True} ({b'id': 1}, b'sealed')\nnot trusted\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// certificate writes a certificate for 127.0.0.1 that signs itself, and its key.
func certificate(t *testing.T, dir string) *x509.CertPool {
	key := sure(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der := sure(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: sure(x509.MarshalPKCS8PrivateKey(key))},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(sure(x509.ParseCertificate(der)))
	return pool
}

// The last page: the commands it shows print what it shows, but for the ports.
func TestLastPage(t *testing.T) {
	dir := program(t, len(Chapters()))
	tool := filepath.Join(dir, "petrichor.exe")
	if out, err := exec.Command("go", "build", "-o", tool, "../cmd/petrichor").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	addrs := map[string]string{} // from those shown to those there are
	shown := 0
	for _, c := range Chapters() {
		for _, f := range c.Fences {
			if f.Language != "console" {
				continue
			}
			shown++
			command, output, _ := strings.Cut(strings.TrimPrefix(f.Text, "$ "), "\n")
			command = named(command, map[string]string{"python3": python3(t), "petrichor": tool})
			mustPrint(t, dir, command, output, addrs)
		}
	}
	if shown != 4 {
		t.Errorf("%d commands are shown", shown)
	}
}

// named is command with its program replaced by the file that program is.
func named(command string, files map[string]string) string {
	name, rest, _ := strings.Cut(command, " ")
	return files[name] + " " + rest
}

// mustPrint runs a command in a shell and checks what it prints. One that listens
// goes on, at a port of its own.
func mustPrint(t *testing.T, dir, command, output string, addrs map[string]string) {
	t.Helper()
	if shown, ok := strings.CutPrefix(strings.TrimSpace(output), "listening on "); ok {
		addrs[shown] = starting(t, dir, "sh", "-c", "exec "+strings.Replace(command, shown, "127.0.0.1:0", 1))
		return
	}
	for shown, addr := range addrs {
		command = strings.Replace(command, shown, addr, 1)
	}
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != output {
		t.Errorf("%s\nprints %s, %v; want %s", command, out, err, output)
	}
}
