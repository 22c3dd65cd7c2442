package petrichor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A body of any size passes in constant memory: 64 MiB each time the tests run,
// and 3 GB with
//
//	PETRICHOR_BIG=1 go test -run TestBigBody -count=1 -v .
//
// which prints how long it took and the most memory that was resident.
func TestBigBody(t *testing.T) {
	size := int64(64 << 20)
	if os.Getenv("PETRICHOR_BIG") != "" {
		size = 3_000_000_000
	}
	for _, how := range []string{"read", "written"} {
		t.Run(how, func(t *testing.T) { bigChild(t, how, size) })
	}
}

const (
	bigVariable = "PETRICHOR_BIG_CHILD" // "read 67108864": how, and the size
	bigMemory   = 32 << 20              // of the whole process, the Go runtime and the test's binary included
)

// bigChild passes the body in a process of its own: the peak of this one is that
// of all its tests.
func bigChild(t *testing.T, how string, size int64) {
	child := exec.Command(os.Args[0], "-test.run=^TestBigBodyChild$", "-test.v")
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", bigVariable, how, size))
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "GB/s") {
			t.Log(strings.TrimSpace(line))
			return
		}
	}
	t.Errorf("no figures in\n%s", out)
}

// TestBigBodyChild is the other half of TestBigBody; by itself it has the
// smallest body that does not fit one buffer.
func TestBigBodyChild(t *testing.T) {
	how, size := "read", int64(1<<20)
	if job := os.Getenv(bigVariable); job != "" {
		if _, err := fmt.Sscan(job, &how, &size); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	sum := bigPass(t, how, size)
	took := time.Since(start)
	if want := bigSum(size); sum != want {
		t.Errorf("the checksum of what arrived is %08x, want %08x", sum, want)
	}
	peak, known := bigPeak(t)
	t.Logf("%s: %d bytes in %.2f s, %.2f GB/s, peak resident memory %.1f MiB",
		how, size, took.Seconds(), float64(size)/1e9/took.Seconds(), float64(peak)/(1<<20))
	if os.Getenv(bigVariable) != "" && known && peak > bigMemory && !limitRace {
		t.Errorf("peak resident memory %d bytes, promised are %d", peak, bigMemory)
	}
}

// bigPass sends a body of size bytes over loopback and returns the checksum of
// what arrives.
func bigPass(t *testing.T, how string, size int64) uint32 {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	sent := make(chan error, 1)
	go func() { sent <- bigSend(listener.Addr().String(), size) }()
	stream, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	d := NewDecoder(stream, MaxSize(4<<30))
	header, body, err := d.NextFrame()
	if err != nil || string(header) != "13:4:name,3:big,}" || body.Size() != size {
		t.Fatalf("got the frame %q with a body of %v, %v", header, body, err)
	}
	sum := crc32.NewIEEE()
	var n int64
	if how == "written" {
		n, err = body.WriteTo(sum)
	} else {
		n, err = io.CopyBuffer(struct{ io.Writer }{sum}, struct{ io.Reader }{body}, make([]byte, 64<<10))
	}
	if err != nil || n != size || body.Kind() != KindString {
		t.Fatalf("%d of %d bytes, a %v, %v", n, size, body.Kind(), err)
	}
	if f, err := d.ReadFrame(); err != nil || string(f.Body) != "5:after," {
		t.Errorf("the frame after it: %q, %v", f.Body, err)
	}
	if _, err := d.ReadFrame(); err != io.EOF {
		t.Errorf("at the end: %v, want io.EOF", err)
	}
	if err := <-sent; err != nil {
		t.Errorf("sending: %v", err)
	}
	return sum.Sum32()
}

func bigSend(addr string, size int64) error {
	var dialer net.Dialer
	stream, err := dialer.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return err
	}
	defer stream.Close()
	enc := NewEncoder(stream, MaxSize(4<<30))
	if err := enc.WriteFrameFrom(Header{"name": "big"}, size, &bigReader{left: size}); err != nil {
		return err
	}
	return enc.WriteFrame(nil, "after")
}

// A bigReader gives blocks that each begin with their number.
type bigReader struct {
	left   int64
	number uint64
	block  [64 << 10]byte
	unread []byte
}

func (r *bigReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if len(r.unread) == 0 {
		binary.LittleEndian.PutUint64(r.block[:], r.number)
		r.number++
		r.unread = r.block[:min(int64(len(r.block)), r.left)]
	}
	n := copy(p, r.unread)
	r.unread = r.unread[n:]
	r.left -= int64(n)
	return n, nil
}

func bigSum(size int64) uint32 {
	sum := crc32.NewIEEE()
	io.Copy(sum, &bigReader{left: size})
	return sum.Sum32()
}

// bigPeak is the most memory that has been resident, which Linux tells.
func bigPeak(t *testing.T) (peak int64, known bool) {
	if runtime.GOOS != "linux" {
		return 0, false
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		if kib, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(kib, "kB")), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10, true
		}
	}
	t.Fatal("no VmHWM in /proc/self/status")
	return 0, false
}

// Without MaxSize a body that large is refused, both ways.
func TestBigBodyIsRefusedByDefault(t *testing.T) {
	enc := NewEncoder(io.Discard)
	if err := enc.WriteFrameFrom(nil, 3_000_000_000, strings.NewReader("")); !errors.Is(err, ErrTooLarge) {
		t.Errorf("WriteFrameFrom: %v", err)
	}
	_, _, err := NewDecoder(strings.NewReader("0:}3000000000:")).NextFrame()
	if !errors.Is(err, ErrSize) {
		t.Errorf("NextFrame: %v", err)
	}
}
