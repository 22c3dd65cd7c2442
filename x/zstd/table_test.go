package zstd_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/compress"
	"github.com/petrichor-protocol/petrichor/x/zstd"
)

var update = flag.Bool("update", false, "measure anew the table in docs/compression.md")

const (
	page  = "../../docs/compression.md"
	begin = "<!-- measured: go test -C x/zstd -run TestTable -update -->\n"
	end   = "<!-- end of what is measured -->\n"
)

// sample is a frame of about so many bytes, that is like the others and not the same.
func sample(i, size int) petrichor.Frame {
	header, _ := petrichor.Marshal(petrichor.Dict{{Key: "id", Value: i}, {Key: "user", Value: "zed"}})
	var text strings.Builder
	for n := i; text.Len() < size-50; n = n*1103515245 + 12345 {
		fmt.Fprintf(&text, "key%d=%x state=ready zone=eu-%d;", uint32(n)%97, uint32(n), uint32(n)%7)
	}
	return petrichor.Frame{Header: header, Body: petrichor.Append(nil, petrichor.KindString, []byte(text.String()[:max(1, size-50)]))}
}

func wireSize(f petrichor.Frame) int { return len(f.Header) + len(f.Body) }

// measure returns what the frames become, and how long a frame takes there and back.
func measure(t *testing.T, m compress.Method, size int) (ratio float64, each time.Duration) {
	a, b := filters(t, m)
	var in, out int
	var frames []petrichor.Frame
	for i := range 2 + min(4000, 4_000_000/size) {
		frames = append(frames, sample(i, size))
	}
	start := time.Now()
	for _, f := range frames {
		made, err := a.Outbound(f)
		if err != nil {
			t.Fatal(err)
		}
		in, out = in+wireSize(f), out+wireSize(made)
		if _, err := b.Inbound(made); err != nil {
			t.Fatal(err)
		}
	}
	return float64(in) / float64(out), time.Since(start) / time.Duration(len(frames))
}

// memory is what a connection holds on each side after some frames.
func memory(t *testing.T, m compress.Method) (sending, receiving int64) {
	const n = 20
	held := func(side func(a, b petrichor.Filter) petrichor.Filter) int64 {
		var kept []petrichor.Filter
		var before, after runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range n {
			a, b := filters(t, m)
			for i := range 100 {
				made, _ := a.Outbound(sample(i, 1000))
				b.Inbound(made)
			}
			kept = append(kept, side(a, b))
		}
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(kept)
		return max(0, int64(after.HeapAlloc)-int64(before.HeapAlloc)) / n
	}
	return held(func(a, _ petrichor.Filter) petrichor.Filter { return a }), held(func(_, b petrichor.Filter) petrichor.Filter { return b })
}

func TestTable(t *testing.T) {
	var table strings.Builder
	table.WriteString("\n| | 125 B | 1 kB | 64 kB | held to send | held to receive |\n|---|---|---|---|---|---|\n")
	ratios := map[string]float64{}
	for _, m := range []compress.Method{compress.Deflate, compress.DeflateStream, zstd.Body, zstd.Stream} {
		fmt.Fprintf(&table, "| `%s` |", m.Name)
		for _, size := range []int{125, 1000, 64_000} {
			ratio, each := measure(t, m, size)
			if size == 125 {
				ratios[m.Name] = ratio
			}
			fmt.Fprintf(&table, " %.2f, %.1f µs |", ratio, float64(each)/1e3)
		}
		sending, receiving := memory(t, m)
		fmt.Fprintf(&table, " %d kB | %d kB |\n", sending>>10, receiving>>10)
	}
	table.WriteString("\nHow many times smaller frames of key and value text become, marks and all, and the time a frame takes\nto be made smaller and whole again; and what one connection holds for one direction. `Least` is 1 here.\n")
	t.Log(table.String())
	if ratios["deflate-stream"] < 1.3*ratios["deflate"] {
		t.Errorf("small frames become %.2f times smaller in a window, and %.2f times by themselves", ratios["deflate-stream"], ratios["deflate"])
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no place for the table", page)
	}
	if *update {
		old = table.String() + "\n"
		if err := os.WriteFile(page, []byte(before+begin+old+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name := range ratios {
		if !strings.Contains(old, "| `"+name+"` |") {
			t.Errorf("the table says nothing of %s", name)
		}
	}
}
