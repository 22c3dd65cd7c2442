package compress_test

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/compress"
)

func deflated(parts ...[]byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	for _, part := range parts {
		w.Write(part)
	}
	w.Close()
	return b.Bytes()
}

func flushed(b []byte) []byte {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, 9)
	w.Write(b)
	w.Flush()
	return out.Bytes()[:out.Len()-4]
}

func inbound(t testing.TB) petrichor.Filter {
	x := []petrichor.Option{petrichor.WithExtensions(compress.New(compress.Config{Methods: both()}))}
	_, filters := filtersOf(t, x, x)
	return filters[0]
}

func bomb(key string, size int, payload []byte) petrichor.Frame {
	header, _ := petrichor.Marshal(petrichor.Dict{{Key: key, Value: size}})
	return petrichor.Frame{Header: header, Body: petrichor.Append(nil, petrichor.KindString, payload)}
}

// allocated is how many bytes do allocates.
func allocated(do func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

func element(n int) []byte { return petrichor.Append(nil, petrichor.KindString, make([]byte, n)) }

// gigabyte is the element of 1 GiB of zeros, deflated: a mebibyte of it, again and again.
func gigabyte() []byte {
	begin := flushed([]byte("1073741824:"))
	again := append([]byte("\x00\x00\xff\xff"), flushed(make([]byte, 1<<20))...)
	end := append([]byte("\x00\x00\xff\xff"), deflated([]byte(","))...)
	return append(append(begin, bytes.Repeat(again, 1024)...), end...)
}

func TestLimit46Bombs(t *testing.T) {
	gigabyte := gigabyte()
	small := element(100)
	whole := append([]byte("0:}"), small...)
	nested := petrichor.Append(nil, petrichor.KindString, deflated(deflated(element(1<<24))))
	for _, test := range []struct {
		name string
		f    petrichor.Frame
		want error
	}{
		{"1 GiB, announced", bomb("z", 1<<30, gigabyte), compress.ErrRatio},
		{"1 GiB, announced as the limit", bomb("z", 1<<20, gigabyte), petrichor.ErrTooLarge},
		{"1 GiB, announced as 100", bomb("z", 100, gigabyte), petrichor.ErrTooLarge},
		{"more than a hundred times", bomb("z", 1_000_000, deflated(element(999_000))), compress.ErrRatio},
		{"nested", bomb("z", len(nested), deflated(nested)), nil}, // is undone once
		{"two members", bomb("z", len(small), append(deflated(small), deflated(small)...)), petrichor.ErrTrailing},
		{"one byte behind", bomb("z", len(small), append(deflated(small), 0)), petrichor.ErrTrailing},
		{"two bodies", bomb("z", 2*len(small), deflated(small, small)), petrichor.ErrTrailing},
		{"cut", bomb("z", len(small), deflated(small)[:5]), io.ErrUnexpectedEOF},
		{"never ended", bomb("z", len(small), append(flushed(small), 0, 0, 0xff, 0xff)), io.ErrUnexpectedEOF},
		{"empty", bomb("z", len(small), nil), io.ErrUnexpectedEOF},
		{"less than announced", bomb("z", len(small)+1, deflated(small)), io.ErrUnexpectedEOF},
		{"more than announced", bomb("z", len(small)-1, deflated(small)), petrichor.ErrTooLarge},
		{"garbage", bomb("z", 100, []byte("\xff\xff\xff\xff")), compress.ErrCompressed},
		{"half a body", bomb("z", 50, deflated(small[:50])), io.ErrUnexpectedEOF},

		{"a frame of a window", bomb("w", len(whole), flushed(whole)), nil},
		{"1 GiB in a window", bomb("w", 1<<30, gigabyte), compress.ErrRatio},
		{"1 GiB in a window, announced as the most", bomb("w", 64<<10, gigabyte), petrichor.ErrTooLarge},
		{"last block in a window", bomb("w", len(whole), deflated(whole)), petrichor.ErrTrailing},
		{"cut in a window", bomb("w", len(whole), flushed(whole)[:9]), compress.ErrCompressed},
		{"two frames in a window", bomb("w", 2*len(whole), flushed(append(whole[:len(whole):len(whole)], whole...))), petrichor.ErrTrailing},
		{"less in a window", bomb("w", len(whole)+1, flushed(whole)), io.ErrUnexpectedEOF},
		{"more in a window", bomb("w", len(whole)-1, flushed(whole)), petrichor.ErrTooLarge},
		{"nothing in a window", bomb("w", 0, nil), compress.ErrMark},

		{"negative size", bomb("z", -1, nil), compress.ErrMark},
		{"size as text", petrichor.Frame{Header: petrichor.Raw("9:1:z,2:10,}"), Body: petrichor.Raw("0:,")}, compress.ErrMark},
		{"size with a zero", petrichor.Frame{Header: petrichor.Raw("9:1:z,2:01#}"), Body: petrichor.Raw("0:,")}, compress.ErrMark},
		{"no size", petrichor.Frame{Header: petrichor.Raw("4:1:z,}"), Body: petrichor.Raw("0:,")}, compress.ErrMark},
		{"no string", petrichor.Frame{Header: petrichor.Raw("9:1:z,2:10#}"), Body: petrichor.Raw("0:~")}, compress.ErrMark},
		{"other keys", petrichor.Frame{Header: petrichor.Raw("17:1:w,2:10#1:a,1:b,}"), Body: petrichor.Raw("0:,")}, compress.ErrMark},
		{"whole frame with other keys", petrichor.Frame{Header: petrichor.Raw("16:1:z,1:0#1:a,1:b,}"), Body: petrichor.Raw("6:0:}0:~,")}, compress.ErrMark},
	} {
		t.Run(test.name, func(t *testing.T) {
			filter := inbound(t)
			filter.Inbound(bomb("z", len(small), deflated(small))) // so that what is pooled does not count
			n := allocated(func() {
				_, err := filter.Inbound(test.f)
				var place *petrichor.SyntaxError
				if !errors.Is(err, test.want) || err != nil && !errors.As(err, &place) {
					t.Errorf("%v; want %v", err, test.want)
				}
			})
			if n > 1<<20+8<<20 {
				t.Errorf("%d bytes allocated for %d", n, len(test.f.Body))
			}
		})
	}
}

// A byte changed or cut anywhere is an error, or gives what keeps the limits.
func FuzzInboundKeepsTheLimits(f *testing.F) {
	f.Add("z", 105, deflated(element(100)))
	f.Add("w", 108, flushed(append([]byte("0:}"), element(100)...)))
	f.Fuzz(func(t *testing.T, key string, size int, payload []byte) {
		filter := inbound(t)
		for range 2 {
			got, err := filter.Inbound(bomb(key, size, payload))
			if err != nil {
				return
			}
			if len(got.Body) > 1<<20+9 || len(got.Header)+len(got.Body) > 64<<10+100*len(payload)+64 {
				t.Fatalf("%d bytes made %d and %d", len(payload), len(got.Header), len(got.Body))
			}
			if _, _, err := petrichor.CutFrame(append(bytes.Clone(got.Header), got.Body...)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// counting is a Codec that counts what it is asked to expand.
type counting struct {
	compress.Codec
	expanded *atomic.Int64
}

func (c counting) Expand(dst, b []byte) error {
	c.expanded.Add(1)
	return c.Codec.Expand(dst, b)
}

func TestLimit47NothingIsInflatedBeforeBeingAllowed(t *testing.T) {
	var expanded atomic.Int64
	method := compress.Deflate
	method.Codec = counting{compress.Deflate.Codec, &expanded}
	x := petrichor.WithExtensions(compress.New(compress.Config{Methods: []compress.Method{method}}))
	frame := bomb("z", 105, deflated(element(100)))
	ours, theirs := net.Pipe()
	defer ours.Close()
	go func() {
		header := string(frame.Header[:len(frame.Header)-1]) // with an offer behind the mark
		payload := header[strings.Index(header, ":")+1:] + "8:compress,10:7:deflate,]"
		ours.SetDeadline(time.Now().Add(5 * time.Second))
		ours.Write(append(petrichor.Append(nil, petrichor.KindDict, []byte(payload)), frame.Body...))
		ours.Write(append(bytes.Clone(frame.Header), frame.Body...))
	}()
	c, first, err := petrichor.Accept(theirs, x)
	if err != nil || string(first.Body) != string(frame.Body) {
		t.Fatalf("the first frame: %q, %v; want it as it is", first.Body, err)
	}
	if _, err := c.Recv(); err != petrichor.ErrNotAllowed || expanded.Load() != 0 {
		t.Errorf("%v, and %d bodies inflated; want %v, and none", err, expanded.Load(), petrichor.ErrNotAllowed)
	}
	go io.Copy(io.Discard, ours)
	if err := c.Allow(nil, nil); err != nil {
		t.Fatal(err)
	}
	if f, err := c.Recv(); err != nil || expanded.Load() != 1 || len(f.Body) != 105 {
		t.Errorf("after it is allowed: %q, %v, %d inflated", f.Body, err, expanded.Load())
	}
}

func TestLimit47SecretsStayOutside(t *testing.T) {
	secret := func(f petrichor.Frame) bool { return bytes.Contains(f.Header, []byte("5:token,")) }
	x := []petrichor.Option{petrichor.WithExtensions(compress.New(compress.Config{Methods: both(), Secret: secret, Least: 1}))}
	filters, _ := filtersOf(t, x, x)
	lengths := func(guess string) int {
		outbound(t, filters, petrichor.Frame{Header: petrichor.Raw("28:5:token,16:0123456789abcdef,}"), Body: element(2000)})
		return len(outbound(t, filters, petrichor.Frame{Header: petrichor.Raw("0:}"), Body: petrichor.Append(nil, petrichor.KindString, []byte(guess))}))
	}
	made := outbound(t, filters, petrichor.Frame{Header: petrichor.Raw("28:5:token,16:0123456789abcdef,}"), Body: element(2000)})
	if !bytes.Contains(made, element(2000)) {
		t.Error("a secret is compressed")
	}
	if right, wrong := lengths("0123456789abcdef"), lengths("fedcba0987654321"); right < wrong-2 {
		t.Errorf("a right guess takes %d bytes, and a wrong one %d", right, wrong)
	}
}

// A connection beyond MaxWindows is compressed body by body.
func TestMaxWindows(t *testing.T) {
	x := []petrichor.Option{petrichor.WithExtensions(compress.New(compress.Config{Methods: both(), MaxWindows: 1}))}
	f := petrichor.Frame{Header: petrichor.Raw("0:}"), Body: petrichor.Append(nil, petrichor.KindString, []byte("hello"))}
	one, _ := filtersOf(t, x, x)
	two, _ := filtersOf(t, x, x)
	if !bytes.Contains(outbound(t, one, f), []byte("1:w,")) || bytes.Contains(outbound(t, two, f), []byte("1:w,")) {
		t.Error("the first connection has no window, or the second has one")
	}
	runtime.KeepAlive(one)
	for range 100 {
		runtime.GC()
		three, _ := filtersOf(t, x, x)
		one = nil
		if bytes.Contains(outbound(t, three, f), []byte("1:w,")) {
			return
		}
	}
	t.Error("a window is never given back")
}

// A window to receive begins with the first frame that comes through it, grows with what
// was in those, and ends at 96 KiB.
func TestWindowsGrowWithWhatComesThrough(t *testing.T) {
	const n = 50
	x := []petrichor.Option{petrichor.WithExtensions(compress.New(compress.Config{Methods: both()}))}
	for _, test := range []struct {
		reason string
		frames []int // sizes of bodies
		most   int64 // bytes of each connection
	}{
		{"nothing has come", nil, 1 << 10},
		{"something small", []int{100}, 2 << 10},
		{"some of that", []int{100, 100, 100, 100}, 3 << 10},
		{"something of half the window", []int{16 << 10}, 20 << 10},
		{"the largest again and again", []int{65_000, 65_000, 65_000, 65_000}, 100 << 10},
	} {
		filters, _ := filtersOf(t, x, x)
		var frames []petrichor.Frame
		for _, size := range test.frames {
			f, _, err := petrichor.CutFrame(outbound(t, filters, petrichor.Frame{Header: petrichor.Raw("0:}"), Body: element(size)}))
			if err != nil || !bytes.Contains(f.Header, []byte(":1:w,")) {
				t.Fatalf("%s, %v; want a frame of a window", f.Header, err)
			}
			frames = append(frames, f)
		}
		receiving := make([]petrichor.Filter, n)
		before := live()
		for i := range receiving {
			receiving[i] = inbound(t)
			for _, f := range frames {
				if _, err := receiving[i].Inbound(f); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := (live() - before) / n; got > test.most {
			t.Errorf("%s: %d bytes; want %d at most", test.reason, got, test.most)
		}
		runtime.KeepAlive(receiving)
	}
}

// live is how many bytes are reachable.
func live() int64 {
	runtime.GC()
	runtime.GC() // for what pools have
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
