package spec

// Extensions of the program beside those of Go: what they agree on, and frames
// through it in both directions.

import (
	"bytes"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/compress"
	"github.com/petrichor-protocol/petrichor/dedupe"
)

// An agreement is what one side of each can do, and what the answer then says.
type agreement struct {
	name   string
	python string // the extensions of the program
	golang []petrichor.Extension
	answer petrichor.Header
}

func compressing(methods ...compress.Method) petrichor.Extension {
	return compress.New(compress.Config{Methods: methods})
}

var agreements = []agreement{
	{"deflate", "[COMPRESS]", []petrichor.Extension{compressing(compress.Deflate)}, petrichor.Header{"compress": "deflate"}},
	{"deflate-stream", "[COMPRESS_STREAM]", []petrichor.Extension{compressing(compress.DeflateStream)}, petrichor.Header{"compress": "deflate-stream"}},
	{"the better of two", "[COMPRESS_STREAM]", []petrichor.Extension{compressing(compress.DeflateStream, compress.Deflate)}, petrichor.Header{"compress": "deflate-stream"}},
	{"what both can do", "[COMPRESS]", []petrichor.Extension{compressing(compress.DeflateStream, compress.Deflate)}, petrichor.Header{"compress": "deflate"}},
	{"nothing", "[]", []petrichor.Extension{compressing(compress.DeflateStream)}, petrichor.Header{}},
}

var holdings = []agreement{
	{"hold", "[HOLD]", []petrichor.Extension{dedupe.Bodies(0, nil)}, petrichor.Header{"hold": "sha256/1048576"}},
	{"hold less", "[HOLD]", []petrichor.Extension{dedupe.Bodies(64<<10, nil)}, petrichor.Header{"hold": "sha256/65536"}},
	{
		"hold and compress", "[HOLD, COMPRESS_STREAM]",
		[]petrichor.Extension{dedupe.Bodies(0, nil), compressing(compress.DeflateStream)},
		petrichor.Header{"hold": "sha256/1048576", "compress": "deflate-stream"},
	},
}

// importing is what scripts with extensions begin with.
const importing = `
from petrichor import allowed, connect, request, serve
from petrichor.compress import COMPRESS, COMPRESS_STREAM
from petrichor.hold import HOLD
`

// sentBoth are bodies of all sizes, some of them twice, and what compresses badly.
func sentBoth() (bodies []any) {
	random := mathrand.NewChaCha8([32]byte{6})
	noise := make([]byte, 300_000)
	random.Read(noise)
	text := strings.Repeat("rain on dry earth, ", 2000)
	bodies = []any{
		"", "hello", "hello", text[:500], text, text, noise[:70], noise[:1000], noise[:60_000], noise, noise,
		fmt.Sprintf("%x", noise), fmt.Sprintf("%x", noise), strings.Repeat("x", 1_000_000), text[:36_000], noise[:50_000], 42, nil,
		[]any{1, "two"},
	}
	for i := range 40 {
		bodies = append(bodies, fmt.Sprintf("%d of many that are alike", i))
	}
	return bodies
}

// headers are such as would be taken for marked, and some that would not.
var headers = []petrichor.Header{{"id": 1}, {"z": 5}, {"w": 5}, {"h": 1}, {}, {"z": "mine", "id": 2}}

// A counter counts what it reads and writes.
type counter struct {
	net.Conn
	n *atomic.Int64
}

func (c counter) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (c counter) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.n.Add(int64(n))
	return n, err
}

// exchange sends everything to an echo and returns how many bytes that took.
func exchange(t *testing.T, addr string, extensions []petrichor.Extension, answer petrichor.Header) (onWire int64) {
	var count atomic.Int64
	stream := sure(net.Dial("tcp", addr))
	defer stream.Close()
	stream.SetDeadline(time.Now().Add(time.Minute))
	c := petrichor.NewConn(counter{stream, &count}, petrichor.WithExtensions(extensions...))
	got, err := c.Greet(petrichor.Header{"user": "zed"}, nil)
	if err != nil || !petrichor.Allowed(got.Header) {
		t.Fatalf("%s, %v", got.Header, err)
	}
	mustChoose(t, got.Header, answer)
	for i, body := range sentBoth() {
		header := headers[i%len(headers)]
		want := string(sure(petrichor.Marshal(body)))
		reply, err := c.Request(header, body)
		if err != nil || string(reply.Body) != want {
			t.Fatalf("body %d comes back as %.60q, %v; want %.60q", i, reply.Body, err, want)
		}
		mustBeSame(t, reply.Header, header)
	}
	return count.Load()
}

// mustBeSame checks that a header has the entries of want, in any order.
func mustBeSame(t *testing.T, got petrichor.Raw, want petrichor.Header) {
	t.Helper()
	if fmt.Sprint(decoded(t, got)) != fmt.Sprint(decoded(t, sure(petrichor.Marshal(want)))) {
		t.Errorf("the header comes back as %s, want %v", got, want)
	}
}

func decoded(t *testing.T, raw petrichor.Raw) (header petrichor.Header) {
	t.Helper()
	if err := petrichor.Unmarshal(raw, &header); err != nil {
		t.Fatal(err)
	}
	return header
}

// mustChoose checks what an answer has chosen.
func mustChoose(t *testing.T, answer petrichor.Raw, want petrichor.Header) {
	t.Helper()
	got := decoded(t, answer)
	for _, key := range []string{"compress", "hold"} {
		if fmt.Sprintf("%s", got[key]) != fmt.Sprintf("%s", want[key]) {
			t.Errorf("the answer %s chooses another %s than %v", answer, key, want[key])
		}
	}
}

func pythonEchoes(t *testing.T, extensions string) (addr string) {
	return serve(t, importing+"serve(listener, lambda header, body: (header, body), extensions="+extensions+")\n")
}

// mustBeFewer checks that each agreement took fewer bytes than none.
func mustBeFewer(t *testing.T, name string, n, plain int64) {
	t.Helper()
	t.Logf("%s: %d bytes on the wire, and %d without", name, n, plain)
	if n >= plain*99/100 {
		t.Errorf("%s: %d bytes on the wire, and %d without", name, n, plain)
	}
}

func TestPythonCompressesForGo(t *testing.T) {
	plain := exchange(t, pythonEchoes(t, "[]"), nil, petrichor.Header{})
	for _, a := range agreements {
		n := exchange(t, pythonEchoes(t, a.python), a.golang, a.answer)
		if len(a.answer) > 0 {
			mustBeFewer(t, a.name, n, plain)
		}
		goServes(t, a)
	}
}

func TestPythonHoldsForGo(t *testing.T) {
	plain := exchange(t, pythonEchoes(t, "[]"), nil, petrichor.Header{})
	for _, a := range holdings {
		mustBeFewer(t, a.name, exchange(t, pythonEchoes(t, a.python), a.golang, a.answer), plain)
		goServes(t, a)
	}
}

// goServes has the program send everything to a Go server that echoes.
func goServes(t *testing.T, a agreement) {
	t.Helper()
	l := sure(net.Listen("tcp", "127.0.0.1:0"))
	defer l.Close()
	served := make(chan error, 1)
	go func() { served <- echo(l, petrichor.WithExtensions(a.golang...)) }()
	got := run(t, program(t, len(Chapters())), importing+fmt.Sprintf(`
from hashlib import sha256
stream, header, body = connect(("127.0.0.1", %d), {"user": "python"}, extensions=%s)
print(allowed(header), {key: header[key] for key in sorted(header) if key in (b"compress", b"hold")})
noise = b"".join(sha256(b"%%d" %% n).digest() for n in range(9000))
text = b"rain on dry earth, " * 2000
bodies = [b"", b"hello", text[:500], text, text, noise[:70], noise[:60_000], noise, noise, text, b"x" * 1_000_000, 42]
bodies += [b"%%d of many that are alike" %% n for n in range(40)]
for n, body in enumerate(bodies):
    header = [{b"id": 1}, {b"z": 5}, {b"w": 5}, {b"h": 1, b"id": 2}, {}][n %% 5]
    if request(stream, header, body) != (header, body):
        print("another comes back:", n)
stream.socket.close()
`, l.Addr().(*net.TCPAddr).Port, a.python), "")
	if want := "True " + shown(a.answer) + "\n"; got != want {
		t.Errorf("%s: %s, want %s", a.name, got, want)
	}
	if err := <-served; err != io.EOF {
		t.Errorf("%s: the server ends with %v", a.name, err)
	}
}

// shown is a header as Python prints it.
func shown(header petrichor.Header) string {
	var entries []string
	for _, key := range []string{"compress", "hold"} {
		if name, ok := header[key]; ok {
			entries = append(entries, fmt.Sprintf("b'%s': b'%s'", key, name))
		}
	}
	return "{" + strings.Join(entries, ", ") + "}"
}

func TestPythonAgreesOnExtensions(t *testing.T) {
	got := run(t, program(t, len(Chapters())), importing+`
from petrichor import Fault
from petrichor.agree import choose, chosen, offer
from petrichor.compress import Deflate, DeflateStream
from petrichor.wire import STREAM
both = [COMPRESS_STREAM]
print(offer([HOLD, COMPRESS_STREAM]))
for value in [b"deflate"], [b"new", b"deflate", b"deflate-stream"], [b"new"], [], b"deflate", [b"deflate", 1], None, {b"deflate": 1}:
    print([choice.name.decode() for choice in choose({b"compress": value}, both)])
print(choose({}, both), choose({b"compress": [b"deflate-stream"]}, [COMPRESS]))
for header in {b"compress": b"deflate"}, {b"compress": [b"deflate"]}, {}, {b"compress": 1}:
    print([choice.name.decode() for choice in chosen(header, both)])
for filter, frame in (Deflate, b"9:1:w,2:34#}36:"), (None, b""):
    try:
        chosen({b"compress": b"zstd"}, both) if filter is None else filter(STREAM).inbound(DeflateStream(STREAM).outbound(b"0:}0:,"))
    except Fault as fault:
        print(fault)
# An answer that does not allow agrees on nothing, whatever it says.
from petrichor.peer import greet
from petrichor.vectors import Trickle
for allowed in b"false", b"true":
    wire = b"7:allowed,%d:%s!8:compress,7:deflate," % (len(allowed), allowed)
    stream, _, _ = greet(Trickle(b"%d:%s}0:," % (len(wire), wire)), {}, b"", both)
    print(len(stream.parser.filters))
`, "")
	want := `{b'hold': [b'sha256/1048576', b'sha256/262144', b'sha256/65536'], b'compress': [b'deflate-stream', b'deflate']}
['deflate']
['deflate']
[]
[]
[]
[]
[]
[]
[] []
['deflate']
[]
[]
[]
mark at byte 0: a mark of another kind
header error at byte 0: an answer that chooses what was not offered
0
1
`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// Nothing is inflated for who has not been allowed, and nothing is delivered behind
// what does not inflate.
func TestPythonInflatesForNoStranger(t *testing.T) {
	addr := serve(t, importing+`
serve(listener, handle, lambda header, body, who: b"user" in header, extensions=[COMPRESS])
`)
	offer := "1:x,1:1#8:compress,10:7:deflate,]"
	user := "4:user,3:zed,"
	marked := "1:z,2:52#"
	fine := "14:3\xb1\xb0\xcaH\xcd\xc9\xc9W \x9e\xd4\x01\x00,"
	denied, let := "18:7:allowed,5:false!}0:,", element("8:compress,7:deflate,7:allowed,4:true!", "}")+"0:,"
	for _, c := range []struct{ what, wire, answer string }{
		{"denied", element(offer, "}") + "0:,", denied},
		{"a first frame that is marked", element(marked+offer, "}") + fine, denied},
		{"behind one that is denied", element(offer, "}") + "0:," + element(marked, "}") + fine, denied},
		{"behind what does not inflate", element(user+offer, "}") + "0:," + element(marked, "}") + "4:\xff\xff\xff\xff,0:}5:hello,", let},
	} {
		stream := sure(net.Dial("tcp", addr))
		defer stream.Close()
		stream.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(stream, c.wire)
		// A server that has not read all resets the connection; what it has said may then be lost.
		got, err := io.ReadAll(stream)
		if string(got) != c.answer && (err == nil || len(got) > 0) {
			t.Errorf("%s: %q, %v", c.what, got, err)
		}
	}
}

// undoing prints what the program makes of wires, and whether it refuses none of it.
const undoing = `
import sys
from petrichor import Fault, Parser, dump_frame
from petrichor.compress import DeflateStream
from petrichor.hold import Hold
from petrichor.wire import STREAM
for line in sys.stdin:
    topic, wire = line.split()
    parser, frames = Parser(), b""
    parser.filters = [DeflateStream(STREAM) if topic == "compress" else Hold(64 << 10, STREAM)]
    parser.feed(bytes.fromhex(wire))
    try:
        while frame := parser.next():
            frames += dump_frame(*frame)
        fine = not parser.buffer
    except Fault:
        fine = False
    print(frames.hex(), "true" if fine else "false")
`

// Vectors of filters, damaged: what the program makes of them, Go does, and what one
// refuses the other does.
func TestPythonAndGoUndoTheSame(t *testing.T) {
	filters := map[string]petrichor.Choice{
		"compress": compressing(compress.DeflateStream).Choices[0],
		"dedupe":   dedupe.Bodies(64<<10, nil).Choices[0],
	}
	random := mathrand.New(mathrand.NewPCG(6, 12))
	var lines, want strings.Builder
	undone := 0
	for _, v := range Vectors() {
		choice, ok := filters[v.Topic]
		for n := 0; ok && n < 400 && len(v.Wire) < 5000; n++ {
			wire := damaged(random, v.Wire, n)
			frames, err := received(wire, choice)
			if undone += len(frames); strings.Contains(frames, "^") {
				continue // numbers are written again
			}
			fmt.Fprintf(&lines, "%s %x\n", v.Topic, wire)
			fmt.Fprintf(&want, "%x %v\n", frames, err == nil)
		}
	}
	got := run(t, program(t, len(Chapters())), undoing, lines.String())
	t.Logf("%d inputs, of which %d bytes come out", strings.Count(got, "\n"), undone)
	if undone > 0 && got == want.String() {
		return
	}
	python, asked := strings.Split(got, "\n"), strings.Split(lines.String(), "\n")
	for i, line := range strings.Split(want.String(), "\n") {
		if python[i] != line {
			t.Fatalf("of %.600s\nGo makes %.600s\nPython   %.600s", asked[i], line, python[i])
		}
	}
}

// damaged is wire with n%4 of its bytes changed, dropped or doubled.
func damaged(random *mathrand.Rand, wire []byte, n int) []byte {
	wire = slices.Clone(wire)
	for range n % 4 {
		at := random.IntN(len(wire))
		switch random.IntN(4) {
		case 0:
			wire[at] ^= 1 << random.IntN(8)
		case 1:
			wire[at] = "0123456789:,#]}~zwh\x00\xff"[random.IntN(21)]
		case 2:
			wire = slices.Delete(wire, at, at+1)
		default:
			wire = slices.Insert(wire, at, wire[at])
		}
	}
	return wire
}

// A reader is a stream that is read to its end.
type reader struct {
	io.Reader
	io.Writer
}

func (reader) Close() error { return nil }

// received are the frames of a wire that a Conn with a filter delivers, and why it
// ends, if not for being at the end.
func received(wire []byte, choice petrichor.Choice) (frames string, err error) {
	filter := choice.New(petrichor.Limits{Header: 64 << 10, Body: 1 << 20})
	c := petrichor.NewConn(reader{bytes.NewReader(wire), io.Discard}, petrichor.WithFilters(filter))
	for {
		f, err := c.Recv()
		if err == io.EOF {
			return frames, nil
		}
		if err == nil && !(petrichor.Valid(f.Header) && petrichor.Valid(f.Body)) {
			err = petrichor.ErrPayload
		}
		if err != nil {
			return frames, err
		}
		frames += string(f.Header) + string(f.Body)
	}
}

func element(payload, tag string) string { return fmt.Sprintf("%d:%s%s", len(payload), payload, tag) }
