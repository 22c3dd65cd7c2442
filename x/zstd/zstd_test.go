package zstd_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	kzstd "github.com/klauspost/compress/zstd"
	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/compress"
	"github.com/petrichor-protocol/petrichor/x/zstd"
)

func Example() {
	ours := petrichor.WithExtensions(compress.New(compress.Config{Methods: []compress.Method{zstd.Stream, zstd.Body, compress.Deflate}}))
	theirs := petrichor.WithExtensions(compress.New(compress.Config{Methods: []compress.Method{zstd.Body, compress.Deflate}}))
	first, _ := petrichor.Offer(petrichor.Header{"user": "zed"}, ours)
	answer, _ := petrichor.Choose(first, theirs)
	fmt.Printf("%s\n%s\n", first, answer[compress.Key])
	// Output:
	// 60:4:user,3:zed,8:compress,32:11:zstd-stream,4:zstd,7:deflate,]}
	// zstd
}

// filters returns both ends of a connection with a method.
func filters(t testing.TB, m compress.Method) (a, b petrichor.Filter) {
	x := petrichor.WithExtensions(compress.New(compress.Config{Methods: []compress.Method{m}, MaxWindows: 1 << 20, Least: 1}))
	first, err := petrichor.Offer(nil, x)
	if err != nil {
		t.Fatal(err)
	}
	answer, theirs := petrichor.Choose(first, x)
	raw, err := petrichor.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := petrichor.Agree(raw, x)
	if err != nil || len(ours) != 1 || len(theirs) != 1 {
		t.Fatal(err, ours, theirs)
	}
	return ours[0], theirs[0]
}

func frame(n, size int) petrichor.Frame {
	header, _ := petrichor.Marshal(petrichor.Dict{{Key: "id", Value: n}})
	text := strings.Repeat(fmt.Sprintf("user=%d name=zed city=x ", n), size/20+1)[:size]
	return petrichor.Frame{Header: header, Body: petrichor.Append(nil, petrichor.KindString, []byte(text))}
}

func TestFramesAreTheSame(t *testing.T) {
	for _, m := range []compress.Method{zstd.Stream, zstd.Body} {
		a, b := filters(t, m)
		for i, size := range []int{0, 1, 24, 24, 1000, 65_000, 64 << 10, 70_000, 300_000, 24, 60_000, 60_000, 100} {
			f := frame(i, size)
			made, err := a.Outbound(f.Clone())
			if err != nil {
				t.Fatal(err)
			}
			if size >= 1000 && size <= 70_000 && len(made.Body) > len(f.Body)/2 {
				t.Errorf("%s: %d bytes became %d", m.Name, len(f.Body), len(made.Body))
			}
			got, err := b.Inbound(made.Clone())
			if err != nil || !bytes.Equal(got.Header, f.Header) || !bytes.Equal(got.Body, f.Body) {
				t.Fatalf("%s: frame %d of %d bytes: %v", m.Name, i, size, err)
			}
		}
	}
}

func TestLimit46Bombs(t *testing.T) {
	e, err := kzstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	all := func(b []byte) []byte { return e.EncodeAll(b, nil) }
	small := petrichor.Append(nil, petrichor.KindString, make([]byte, 100))
	large := petrichor.Append(nil, petrichor.KindString, make([]byte, 64<<20))
	var wide bytes.Buffer
	w, err := kzstd.NewWriter(&wide, kzstd.WithWindowSize(16<<20))
	if err != nil {
		t.Fatal(err)
	}
	w.Write(small)
	w.Flush()
	w.Write(make([]byte, 17<<20))
	w.Close()
	for _, test := range []struct {
		name    string
		size    int
		payload []byte
		want    error
	}{
		{"64 MiB, announced", len(large), all(large), compress.ErrRatio},
		{"64 MiB, announced as 64 KiB", 64 << 10, all(large), petrichor.ErrTooLarge},
		{"two members", len(small), append(all(small), all(small)...), petrichor.ErrTrailing},
		{"one byte behind", len(small), append(all(small), 0), petrichor.ErrTrailing},
		{"a skippable frame behind", len(small), append(all(small), 0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0), petrichor.ErrTrailing},
		{"a skippable frame", len(small), append([]byte{0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0}, all(small)...), compress.ErrCompressed},
		{"cut", len(small), all(small)[:len(all(small))-5], io.ErrUnexpectedEOF},
		{"empty", len(small), nil, compress.ErrCompressed},
		{"garbage", len(small), []byte("garbage"), compress.ErrCompressed},
		{"less", len(small) + 1, all(small), io.ErrUnexpectedEOF},
		{"more", len(small) - 1, all(small), petrichor.ErrTooLarge},
		{"a window of 16 MiB", len(small), wide.Bytes(), compress.ErrCompressed},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, b := filters(t, zstd.Body)
			header, _ := petrichor.Marshal(petrichor.Dict{{Key: "z", Value: test.size}})
			f := petrichor.Frame{Header: header, Body: petrichor.Append(nil, petrichor.KindString, test.payload)}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := b.Inbound(f); !errors.Is(err, test.want) {
				t.Errorf("%v; want %v", err, test.want)
			}
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 9<<20 {
				t.Errorf("%d bytes allocated", n)
			}
		})
	}
}
