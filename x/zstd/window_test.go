package zstd_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	kzstd "github.com/klauspost/compress/zstd"
	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/compress"
	"github.com/petrichor-protocol/petrichor/x/zstd"
)

// What a frame of RFC 8878 begins with.
const (
	magic     = "\x28\xb5\x2f\xfd"
	skippable = "\x50\x2a\x4d\x18\x03\x00\x00\x00xyz"
	wide      = magic + "\x00\x68" // a window of 8 MiB
	ours      = magic + "\x00\x40" // of 256 KiB
)

// The types of its blocks.
const (
	asItIs = iota
	repeated
	smaller
	reserved
)

// block is a block that is not the last, of a payload that gives or takes size bytes.
func block(kind, size int, payload string) string {
	n := size<<3 | kind<<1
	return string([]byte{byte(n), byte(n >> 8), byte(n >> 16)}) + payload
}

// plain is a block that is not compressed.
func plain(s string) string { return block(asItIs, len(s), s) }

// last marks the block that s begins with as the last.
func last(s string) string { return string([]byte{s[0] | 1}) + s[1:] }

// literals is a compressed block of size literals and nothing else: of kind 0 as they
// are, and of kind 1 one that is repeated.
func literals(kind, size int, s string) string {
	header := string([]byte{byte(kind | 3<<2 | size&15<<4), byte(size >> 4), byte(size >> 12)})
	return block(smaller, len(header)+len(s)+1, header+s+"\x00")
}

// through is a frame that says that so many bytes went through the window.
func through(size int, payload string) petrichor.Frame {
	header, _ := petrichor.Marshal(petrichor.Dict{{Key: "w", Value: size}})
	return petrichor.Frame{Header: header, Body: petrichor.Append(nil, petrichor.KindString, []byte(payload))}
}

const one = "9:2:id,1:1#}5:hello,"

func TestLimit46Windows(t *testing.T) {
	e, err := kzstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var bytewise strings.Builder
	for _, c := range one {
		bytewise.WriteString(plain(string(c)))
	}
	made := string(zstd.Stream.NewWindow().Compress(nil, []byte(one+"9:2:id,1:2#}5:ho")))
	for _, test := range []struct {
		name     string
		size     int
		payloads []string // all but the last are of one, and undone
		want     error
	}{
		{"a frame", 20, []string{ours + plain(one)}, nil},
		{"two frames, one after the other", 20, []string{ours + plain(one), plain(one)}, nil},
		{"many blocks", 20, []string{ours + bytewise.String()}, nil},
		{"a checksum that never comes", 20, []string{magic + "\x04\x40" + plain(one)}, nil},

		{"more", 20, []string{made}, petrichor.ErrTooLarge},
		{"more, behind a frame", 20, []string{ours + plain(one), plain(one + "wdy,")}, petrichor.ErrTooLarge},
		{"more, in a block of its own", 20, []string{ours + plain(one) + plain("x")}, petrichor.ErrTooLarge},
		{"more, repeated", 20, []string{ours + block(repeated, 21, "x")}, petrichor.ErrTooLarge},
		{"two frames", 40, []string{ours + plain(one+one)}, petrichor.ErrTrailing},
		{"less", 21, []string{ours + plain(one)}, io.ErrUnexpectedEOF},
		{"nothing", 20, []string{ours}, io.ErrUnexpectedEOF},
		{"nothing, behind a frame", 20, []string{ours + plain(one), ""}, io.ErrUnexpectedEOF},
		{"empty", 20, []string{""}, compress.ErrCompressed},
		{"half a header", 20, []string{ours[:5]}, compress.ErrCompressed},
		{"cut", 20, []string{(ours + plain(one))[:25]}, io.ErrUnexpectedEOF},
		{"cut in the next header", 20, []string{ours + plain(one) + "\x00\x00"}, io.ErrUnexpectedEOF},
		{"an empty block behind", 20, []string{ours + plain(one) + plain("")}, io.ErrUnexpectedEOF},
		{"garbage", 20, []string{"garbage"}, compress.ErrCompressed},
		{"no such block", 20, []string{ours + block(reserved, 20, one)}, compress.ErrCompressed},

		{"a last block", 20, []string{ours + last(plain(one))}, petrichor.ErrTrailing},
		{"a last block, behind a frame", 20, []string{ours + plain(one), last(plain(one))}, petrichor.ErrTrailing},
		{"a last block and a frame behind", 20, []string{ours + last(plain(one[:10])) + ours + plain(one[10:])}, petrichor.ErrTrailing},
		{"a frame that ends", 20, []string{string(e.EncodeAll([]byte(one), nil))}, petrichor.ErrTrailing},
		{"a frame that says how long it is", 20, []string{magic + "\x80\x40\x00\x01\x00\x00" + plain(one)}, compress.ErrCompressed},
		{"a second header", 20, []string{ours + plain(one), ours + plain(one)}, io.ErrUnexpectedEOF},
		{"something to skip", 20, []string{skippable + ours + plain(one)}, compress.ErrCompressed},
		{"something to skip, behind a frame", 20, []string{ours + plain(one), skippable + plain(one)}, io.ErrUnexpectedEOF},
		{"a dictionary", 20, []string{magic + "\x01\x40\x07" + plain(one)}, compress.ErrCompressed},

		{"a window of 288 KiB", 20, []string{magic + "\x00\x41" + plain(one)}, compress.ErrCompressed},
		{"a window of 8 MiB", 20, []string{wide + plain(one)}, compress.ErrCompressed},
		{"a window as large as what comes out", 20, []string{magic + "\xa0\x00\x00\x80\x00" + plain(one)}, compress.ErrCompressed},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, b := filters(t, zstd.Stream)
			n := len(test.payloads) - 1
			for _, payload := range test.payloads[:n] {
				if f, err := b.Inbound(through(len(one), payload)); err != nil || string(f.Header)+string(f.Body) != one {
					t.Fatalf("%s%s, %v; want %s", f.Header, f.Body, err, one)
				}
			}
			f, err := b.Inbound(through(test.size, test.payloads[n]))
			if !errors.Is(err, test.want) {
				t.Errorf("%v; want %v", err, test.want)
			}
			if err == nil && string(f.Header)+string(f.Body) != one {
				t.Errorf("%s%s; want %s", f.Header, f.Body, one)
			}
		})
	}
}

// A window that is too large is refused before anything is allocated for it.
func TestLimit46WideWindowCostsNothing(t *testing.T) {
	for _, size := range []int{len(one), 64 << 10} {
		_, b := filters(t, zstd.Stream)
		f := through(size, wide+plain(one))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := b.Inbound(f)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; err == nil || n > 4<<10 {
			t.Errorf("%d bytes announced: %d bytes allocated, %v", size, n, err)
		}
	}
}

// A connection holds at most a megabyte for what it receives, whatever comes.
func TestLimit46WindowsHoldAMegabyte(t *testing.T) {
	const n, size = 20, 65_520
	text := strings.Repeat("x", size)
	begin, end := plain("0:}65520:"), plain(",")
	ring := func(payloads ...string) (frames []petrichor.Frame) {
		for _, payload := range payloads {
			frames = append(frames, through(len("0:}65520:")+size+len(","), begin+payload+end))
		}
		frames[0].Body = petrichor.Append(nil, petrichor.KindString, []byte(ours+begin+payloads[0]+end))
		return frames
	}
	var sent []petrichor.Frame
	a, _ := filters(t, zstd.Stream)
	for i := range 20 {
		made, err := a.Outbound(sample(i, 64_000))
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, made.Clone())
	}
	for _, test := range []struct {
		name   string
		frames []petrichor.Frame
	}{
		{"29 bytes", []petrichor.Frame{through(len(one), ours+plain(one))}},
		{"what we send", sent},
		{"all there is", ring(plain(text), literals(0, size, text), literals(1, size, "x"), block(repeated, size, "x"))},
	} {
		receiving := make([]petrichor.Filter, n)
		before := live()
		for i := range receiving {
			_, receiving[i] = filters(t, zstd.Stream)
			for _, f := range test.frames {
				if _, err := receiving[i].Inbound(f); err != nil {
					t.Fatal(test.name, err)
				}
			}
		}
		got := (live() - before) / n
		t.Logf("%s: %d bytes", test.name, got)
		if got > 1<<20 {
			t.Errorf("%s: %d bytes; want a megabyte at most", test.name, got)
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

// What a frame came from is not kept: it may be a buffer that others use.
func TestWindowKeepsNoPayload(t *testing.T) {
	w := zstd.Stream.NewWindow()
	payload := make([]byte, 0, 8<<20)
	payload = append(payload, ours+plain(one)...)
	before := live()
	if got, err := w.Expand(payload, len(one)); err != nil || !bytes.Equal(got, []byte(one)) {
		t.Fatal(got, err)
	}
	payload = nil
	if n := live() - before; n > -7<<20 {
		t.Errorf("%d bytes more than without; want the payload to be free", n)
	}
	runtime.KeepAlive(w)
}
