package spec

// The program over TLS beside package secure, each side with a certificate of one CA.

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/dedupe"
	"github.com/petrichor-protocol/petrichor/secure"
	"github.com/petrichor-protocol/petrichor/service"
)

// authority makes a CA for development, and returns the folder of what it has signed.
func authority(t *testing.T, dev secure.Dev) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "certs")
	sure(dev.Write(dir))
	return dir
}

// loaded are the credentials of somebody in dir, who believes ca.
func loaded(dir, name, ca string) *secure.Credentials {
	files := secure.Files{CA: filepath.Join(ca, "ca.pem")}
	if name != "" {
		files.Cert, files.Key = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	}
	return sure(secure.Load(files))
}

// sealed is the beginning of a script with a server's settings, for the certificates
// in dir.
func sealed(dir string) string {
	return fmt.Sprintf(`
from petrichor import serve
from petrichor.secure import server_context
context = server_context(%q, %q, %q)
`, filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key"), filepath.Join(dir, "ca.pem"))
}

// A server of the program knows a client by its certificate, lets in nobody without
// one, and takes nobody's word for who he is.
func TestPythonKnowsWhoConnects(t *testing.T) {
	dir := authority(t, secure.Dev{Clients: []string{"zed", "ann"}})
	other := authority(t, secure.Dev{Clients: []string{"zed"}})
	addr := serve(t, sealed(dir)+`
serve(listener, handle, lambda header, body, who: header.get(b"user", b"zed") == who.encode(), context)
`)
	for _, c := range []struct {
		what, user string
		is         *secure.Credentials
		let, heard bool
	}{
		{"zed", "zed", loaded(dir, "zed", dir), true, true},
		{"ann", "ann", loaded(dir, "ann", dir), true, true},
		{"zed who claims to be ann", "ann", loaded(dir, "zed", dir), false, true},
		{"nobody", "zed", loaded(dir, "", dir), false, false},
		{"zed of another CA", "zed", loaded(other, "zed", dir), false, false},
		{"the server, whose certificate is none for a client", "localhost", loaded(dir, "server", dir), false, false},
		{"zed, who does not believe the server", "zed", loaded(dir, "zed", other), false, false},
	} {
		conn, answer, err := secure.Connect(within(t), "tcp", addr, c.is, petrichor.Header{"user": c.user}, nil)
		if (err == nil) != c.heard || c.heard && petrichor.Allowed(answer.Header) != c.let {
			t.Errorf("%s: %s, %v", c.what, answer.Header, err)
		}
		if err == nil {
			if c.let {
				mustReply(t, conn, petrichor.Header{"id": 1}, "hello", "18:3:was,0:~2:id,1:1#}5:olleh,")
			}
			conn.Close()
		}
	}
}

// A certificate has one name, or says nothing about who has it.
func TestPythonWantsOneName(t *testing.T) {
	got := run(t, program(t, len(Chapters())), `
import ssl
from petrichor.secure import identity

class Shown:
    def __init__(self, *names, common=("zed",)):
        self.shown = {"subject": tuple((("commonName", name),) for name in common), "subjectAltName": names}
    def getpeercert(self):
        return self.shown

def who(shown):
    try:
        return identity(shown)
    except ssl.SSLError:
        return "refused"

nobody = Shown()
nobody.shown = {}  # what Python says of a certificate that has not been verified, and of none
a, b = ("DNS", "a.example"), ("email", "b@b.example")
print(who(nobody), who(Shown()), who(Shown(a)), who(Shown(b)), who(Shown(("othername", "<unsupported>"), a)))
print(who(Shown(a, b)), who(Shown(a, a)), who(Shown(common=())), who(Shown(common=("zed", "ann"))))
print(who(Shown(common=("zed\0ann",))), who(Shown(common=("z" * 256,))), who(Shown(common=("é" * 128,))), len(who(Shown(common=("z" * 255,)))))
`, "")
	want := "None zed a.example b@b.example a.example\nrefused refused refused refused\nrefused refused refused 255\n"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// served starts a server of package service that knows its clients.
func served(t *testing.T, dir string, handle func(context.Context, *service.Request) (any, any, error), opts ...petrichor.Option) (port int) {
	l := sure(secure.Listen("tcp", "127.0.0.1:0", loaded(dir, "server", dir)))
	s := &service.Server{Identify: secure.Identity, Handle: handle, Options: opts, Log: slog.New(slog.DiscardHandler)}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		<-ended
	})
	return l.Addr().(*net.TCPAddr).Port
}

// calling is the beginning of a script of somebody in dir who connects.
func calling(dir, name string, port int) string {
	return fmt.Sprintf(`
import ssl
from petrichor import request
from petrichor.secure import client_context, connect
context = client_context(%q, %q, %q)
address = ("127.0.0.1", %d)
`, filepath.Join(dir, "ca.pem"), filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key"), port)
}

func TestGoKnowsPython(t *testing.T) {
	dir := authority(t, secure.Dev{Clients: []string{"zed"}})
	port := served(t, dir, func(_ context.Context, req *service.Request) (any, any, error) {
		return nil, "hello " + req.Peer.Identity, nil
	}, petrichor.WithExtensions(compressing()))
	got := run(t, program(t, len(Chapters())), calling(dir, "zed", port)+`
from petrichor.compress import COMPRESS
stream, header, body = connect(address, {"user": "ann"}, context=context, extensions=[COMPRESS])
print(header[b"compress"], request(stream, {"id": 1}, b"who am I?" * 1000))
stream.socket.close()
try:
    stream, header, body = connect(address, {}, context=client_context(`+fmt.Sprintf("%q", filepath.Join(dir, "ca.pem"))+`))
    print("let in")
except (EOFError, OSError):
    print("not let in")
`, "")
	if want := "b'deflate' ({b'id': 1}, b'hello zed')\nnot let in\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// shaking starts a server that makes the TLS handshake with whoever connects.
func shaking(t *testing.T, dir string, config *tls.Config) (port int) {
	pair := sure(tls.LoadX509KeyPair(filepath.Join(dir, "server.pem"), filepath.Join(dir, "server.key")))
	config.Certificates = []tls.Certificate{pair}
	l := sure(tls.Listen("tcp", "127.0.0.1:0", config))
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// The program connects to nobody whom it has not verified.
func TestPythonVerifies(t *testing.T) {
	named := []string{secure.Protocol}
	dir := authority(t, secure.Dev{Clients: []string{"zed"}})
	other := authority(t, secure.Dev{Clients: []string{"zed"}})
	elsewhere := authority(t, secure.Dev{Hosts: []string{"example.org"}, Clients: []string{"zed"}})
	expired := authority(t, secure.Dev{Clients: []string{"zed"}, Life: 1})
	for _, c := range []struct{ what, why, script string }{
		{"another name", "CERTIFICATE_VERIFY_FAILED", calling(elsewhere, "zed", shaking(t, elsewhere, &tls.Config{NextProtos: named}))},
		{"another CA", "CERTIFICATE_VERIFY_FAILED", calling(other, "zed", shaking(t, dir, &tls.Config{NextProtos: named}))},
		{"expired", "CERTIFICATE_VERIFY_FAILED", calling(expired, "zed", shaking(t, expired, &tls.Config{NextProtos: named}))},
		{"TLS 1.2", "PROTOCOL", calling(dir, "zed", shaking(t, dir, &tls.Config{NextProtos: named, MaxVersion: tls.VersionTLS12}))},
		{"no protocol", "does not speak petrichor/1", calling(dir, "zed", shaking(t, dir, &tls.Config{}))},
		{"no names", "verify nobody", calling(dir, "zed", shaking(t, dir, &tls.Config{NextProtos: named})) + "context.check_hostname = False\n"},
	} {
		got := run(t, program(t, len(Chapters())), c.script+`
try:
    connect(address, {}, context=context)
    print("connected")
except ssl.SSLError as error:
    print(error)
`, "")
		if !strings.Contains(got, c.why) {
			t.Errorf("%s: %s, want %s", c.what, got, c.why)
		}
	}
}

// A request with a name is handled once by the program, on whichever connection it
// comes, for whom it belongs to.
func TestPythonHandlesOnce(t *testing.T) {
	dir := authority(t, secure.Dev{Clients: []string{"zed", "ann"}})
	addr := serve(t, sealed(dir)+`
from petrichor.once import Memory
charged = []
def charge(header, body):
    charged.append(body)
    if body == b"fail":
        raise ValueError("secret")
    return {}, b"receipt %d" % len(charged)
serve(listener, charge, context=context, memory=Memory())
`)
	ask := func(who string, header petrichor.Header, body, want string) {
		t.Helper()
		conn, _, err := secure.Connect(within(t), "tcp", addr, loaded(dir, who, dir), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		mustReply(t, conn, header, body, want)
	}
	ask("zed", petrichor.Header{"id": 7, "once": "k1"}, "card", "9:2:id,1:7#}9:receipt 1,")
	ask("zed", petrichor.Header{"id": 9, "once": "k1"}, "card", "9:2:id,1:9#}9:receipt 1,")
	ask("ann", petrichor.Header{"once": "k1"}, "card", "0:}9:receipt 2,")
	ask("zed", nil, "card", "0:}9:receipt 3,")
	ask("zed", petrichor.Header{"once": "k2"}, "fail", element(element("error", ",")+element("internal error", ","), "}")+"0:~")
	ask("zed", petrichor.Header{"once": "k2"}, "fail", element(element("error", ",")+element("internal error", ","), "}")+"0:~")
	ask("zed", petrichor.Header{"once": "k3"}, "card", "0:}9:receipt 5,")
	ask("zed", petrichor.Header{"once": "k1"}, "other", element(element("error", ",")+element("different request with the same once", ","), "}")+"0:~")
	ask("zed", petrichor.Header{"once": "k1", "to": "x"}, "card", element(element("error", ",")+element("different request with the same once", ","), "}")+"0:~")
	for _, once := range []any{1, "", strings.Repeat("k", 65), nil} {
		ask("zed", petrichor.Header{"once": once}, "card", element(element("error", ",")+element("malformed once", ","), "}")+"0:~")
	}
	ask("zed", petrichor.Header{"once": strings.Repeat("k", 64)}, "card", "0:}9:receipt 6,")
}

func TestGoHandlesOnceForPython(t *testing.T) {
	dir := authority(t, secure.Dev{Clients: []string{"zed"}})
	charged := 0
	port := served(t, dir, dedupe.Handler(&dedupe.Window{}, func(context.Context, *service.Request) (any, any, error) {
		charged++
		return nil, fmt.Sprint("receipt ", charged), nil
	}))
	got := run(t, program(t, len(Chapters())), calling(dir, "zed", port)+`
for n in 7, 8:
    stream, header, body = connect(address, {}, context=context)
    for once in "k1", "k%d" % n:
        print(request(stream, {"id": n, "once": once}, b"card"))
    stream.socket.close()
`, "")
	want := `({b'id': 7}, b'receipt 1')
({b'id': 7}, b'receipt 2')
({b'id': 8}, b'receipt 1')
({b'id': 8}, b'receipt 3')
`
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// What is remembered is so for five minutes of being answered, and is bounded.
func TestPythonForgets(t *testing.T) {
	got := run(t, program(t, len(Chapters())), `
from petrichor.once import MEMORY, Memory
now = [0]
memory, handled = Memory(lambda: now[0]), [0]

def handle(header, body):
    handled[0] += 1
    now[0] += header.get(b"takes", 0)
    return {}, body

def ask(who, once, body=b"", **more):
    entries = {key.encode(): value for key, value in more.items()}
    header, body = memory.handle(who, handle, {b"once": once, **entries}, body)
    return header.get(b"error", b"").decode() or "ok"

for now[0] in 0, 299, 300, 301:
    print(now[0], ask("zed", b"a"), handled[0])
now[0] = 1000
ask("zed", b"slow", takes=100)
for now[0] in 1399, 1400:
    print(now[0], ask("zed", b"slow", takes=100), handled[0])

# One peer fills its share, then sixteen and more all there is; nothing leaves early.
now[0] = 10_000
n = 0
while ask("zed", b"%d" % n) == "ok":
    n += 1
print(n == MEMORY // 16 // (256 + 6), ask("zed", b"new"), ask("zed", b"0"), ask("ann", b"0"), ask("zed", b"%d" % (n - 1)))
before = handled[0]
print(ask("zed", b"0"), handled[0] - before)
for peer in range(16):
    for n in range(20):
        ask("peer %d" % peer, b"%d" % n, b"x" * 60_000)
n = 0
while ask("filler %d" % (n // 1000), b"%d" % n) == "ok":
    n += 1
print(memory.total <= MEMORY, memory.total > MEMORY - 300, ask("nobody", b"0"), ask("zed", b"1"))
print(ask("peer 1", b"19", b"x" * 60_000))
now[0] = 20_000
print(ask("ann", b"large", b"x" * 70_000), ask("ann", b"large", b"x" * 70_000))
now[0] = 30_000
print(ask("zed", b"new"), len(memory.answered), memory.total == sum(memory.used.values()), list(memory.used))
`, "")
	want := `0 ok 1
299 ok 1
300 ok 2
301 ok 2
1399 ok 3
1400 ok 4
True too many requests to remember ok ok ok
ok 0
True True too many requests to remember ok
reply not kept
ok reply not kept
ok 1 True ['zed']
`
	if got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
}

// Who asks again while the first is being handled gets its answer, and not another.
func TestPythonWaitsForTheFirst(t *testing.T) {
	got := run(t, program(t, len(Chapters())), `
import threading
from petrichor import once
memory, begun, go_on, said = once.Memory(), threading.Event(), threading.Event(), []

def handle(header, body):
    begun.set()
    go_on.wait()
    return {}, b"receipt"

def ask(body=b"card"):
    said.append(memory.handle("zed", handle, {b"once": b"k"}, body))

threads = [threading.Thread(target=ask) for n in range(5)]
threads[0].start()
begun.wait()
for thread in threads[1:]:
    thread.start()
ask(b"other")
once.PATIENCE = 0
ask()
print(said)
go_on.set()
for thread in threads:
    thread.join()
print(said[2:])
`, "")
	receipts := strings.TrimSuffix(strings.Repeat("({}, b'receipt'), ", 5), ", ")
	want := "[({b'error': b'different request with the same once'}, None), ({b'error': b'request still being handled'}, None)]\n[" + receipts + "]\n"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
