package petrichor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// benchPerson is the struct of alecthomas/go_serialization_benchmarks.
type benchPerson struct {
	Name     string    `tnet:"name" json:"name"`
	BirthDay time.Time `tnet:"birthday" json:"birthday"`
	Phone    string    `tnet:"phone" json:"phone"`
	Siblings int       `tnet:"siblings" json:"siblings"`
	Spouse   bool      `tnet:"spouse" json:"spouse"`
	Money    float64   `tnet:"money" json:"money"`
}

var benchA = benchPerson{
	Name:     "5b6f3c1a9d2e4f70",
	BirthDay: time.Date(1987, 6, 5, 4, 3, 2, 123456789, time.UTC),
	Phone:    "0123456789",
	Siblings: 3,
	Spouse:   true,
	Money:    0.7316421854312,
}

// benchHeader is an ordinary header of six short fields.
type benchHeader struct {
	To    string `tnet:"to"`
	Op    string `tnet:"op"`
	ID    uint64 `tnet:"id"`
	Reply bool   `tnet:"reply"`
	User  string `tnet:"user"`
	Trace string `tnet:"trace"`
}

var (
	benchH = benchHeader{"store", "put", 123456, true, "zed", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
	benchK = bytes.Repeat([]byte{0, 1, 2, 3, 4, 5, 6, 7}, 128) // 1 KiB
)

func benchmarkBytes(b *testing.B, n int, f func()) {
	b.SetBytes(int64(n))
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func BenchmarkCut(b *testing.B) {
	in := must(AppendFrame(nil, benchH, benchK))
	benchmarkBytes(b, len(in), func() { Cut(in) })
}

func BenchmarkCutFrame(b *testing.B) {
	in := must(AppendFrame(nil, benchH, benchK))
	benchmarkBytes(b, len(in), func() { CutFrame(in) })
}

func BenchmarkParser(b *testing.B) {
	in := must(AppendFrame(nil, benchH, benchK))
	p := NewParser()
	benchmarkBytes(b, len(in), func() {
		p.Feed(in)
		must(p.Next())
	})
}

// A repeatedReader is an endless stream of the same bytes.
type repeatedReader struct {
	b  []byte
	at int
}

func (r *repeatedReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		m := copy(p[n:], r.b[r.at:])
		n += m
		r.at = (r.at + m) % len(r.b)
	}
	return n, nil
}

func BenchmarkReadFrame(b *testing.B) {
	in := must(AppendFrame(nil, benchH, benchK))
	d := NewDecoder(&repeatedReader{b: in})
	benchmarkBytes(b, len(in), func() { must(d.ReadFrame()) })
}

// BenchmarkStream reads small messages, one at a time and from a stream of them.
func BenchmarkStream(b *testing.B) {
	event := budgetEvent{1234567, "write", "zedshaw", 4096, true}
	in := must(Marshal(&event))
	var v budgetEvent
	b.Run("Unmarshal", func(b *testing.B) {
		benchmarkBytes(b, len(in), func() { v = budgetEvent{}; must(0, Unmarshal(in, &v)) })
	})
	b.Run("Decode", func(b *testing.B) {
		d := NewDecoder(&repeatedReader{b: in})
		benchmarkBytes(b, len(in), func() { v = budgetEvent{}; must(0, d.Decode(&v)) })
	})
	b.Run("Encode", func(b *testing.B) {
		e := NewEncoder(discard{})
		benchmarkBytes(b, len(in), func() { must(0, e.Encode(&event)) })
	})
	b.Run("MarshalAppend", func(b *testing.B) {
		dst := make([]byte, 0, 200)
		benchmarkBytes(b, len(in), func() { must(MarshalAppend(dst, &event)) })
	})
}

func BenchmarkWriteFrame(b *testing.B) {
	e := NewEncoder(io.Discard)
	header, body := any(&benchH), any(Raw(must(Marshal(benchK))))
	benchmarkBytes(b, len(benchK)+150, func() { e.WriteFrame(header, body) })
}

func BenchmarkMarshalStruct(b *testing.B) {
	out := must(Marshal(benchA))
	b.Run("tnet", func(b *testing.B) { benchmarkBytes(b, len(out), func() { must(Marshal(&benchA)) }) })
	b.Run("append", func(b *testing.B) {
		benchmarkBytes(b, len(out), func() { out = must(MarshalAppend(out[:0], &benchA)) })
	})
	b.Run("json", func(b *testing.B) { benchmarkBytes(b, len(out), func() { must(json.Marshal(&benchA)) }) })
}

func BenchmarkUnmarshalStruct(b *testing.B) {
	in, text := must(Marshal(benchA)), must(json.Marshal(benchA))
	b.Run("tnet", func(b *testing.B) {
		benchmarkBytes(b, len(in), func() {
			var v benchPerson
			must(0, Unmarshal(in, &v))
		})
	})
	b.Run("json", func(b *testing.B) {
		benchmarkBytes(b, len(text), func() {
			var v benchPerson
			must(0, json.Unmarshal(text, &v))
		})
	})
}

func benchMap() map[string]any {
	m := map[string]any{}
	for i := range 100 {
		m[fmt.Sprintf("key%03d", i*7919%100)] = map[string]any{"n": int64(i), "s": "some text", "l": []any{1.5, nil, true}}
	}
	return m
}

func BenchmarkMap(b *testing.B) {
	m := benchMap()
	in := must(Marshal(m))
	text := must(json.Marshal(m))
	var v any
	b.Run("marshal/tnet", func(b *testing.B) { benchmarkBytes(b, len(in), func() { must(Marshal(m)) }) })
	b.Run("marshal/json", func(b *testing.B) { benchmarkBytes(b, len(text), func() { must(json.Marshal(m)) }) })
	b.Run("unmarshal/tnet", func(b *testing.B) {
		benchmarkBytes(b, len(in), func() { v = nil; must(0, Unmarshal(in, &v)) })
	})
	b.Run("unmarshal/json", func(b *testing.B) {
		benchmarkBytes(b, len(text), func() { v = nil; must(0, json.Unmarshal(text, &v)) })
	})
}

// BenchmarkFlows reads mitmproxy's files: all of them, and one field of each.
func BenchmarkFlows(b *testing.B) {
	var in []byte
	for _, name := range must(filepath.Glob("testdata/interop/mitmproxy/*.mitm")) {
		in = append(in, must(os.ReadFile(name))...)
	}
	in = bytes.Repeat(in, 12)
	read := func(v func() any) func(b *testing.B) {
		return func(b *testing.B) {
			benchmarkBytes(b, len(in), func() {
				d := NewDecoder(bytes.NewReader(in), AllowText(true))
				for err := error(nil); err == nil; {
					err = d.Decode(v())
				}
			})
		}
	}
	b.Run("any", read(func() any { return new(any) }))
	b.Run("host", read(func() any {
		return new(struct {
			Request struct {
				Host any `tnet:"host"`
			} `tnet:"request"`
		})
	}))
	b.Run("raw", read(func() any { return new(Raw) }))
	b.Run("host, walked", func(b *testing.B) {
		text := AllowText(true)
		benchmarkBytes(b, len(in), func() {
			d := NewDecoder(bytes.NewReader(in), text)
			for {
				flow, err := d.ReadElement()
				if err == io.EOF {
					return
				}
				request := must(must(flow, err).Get("request", text))
				must(request.Get("host", text))
			}
		})
	})
	b.Run("host, walked in a slice", func(b *testing.B) {
		text := AllowText(true)
		benchmarkBytes(b, len(in), func() {
			for rest := in; len(rest) > 0; {
				_, next, err := Cut(rest, text)
				flow := Raw(rest[:len(rest)-len(next)])
				request := must(must(flow, err).Get("request", text))
				must(request.Get("host", text))
				rest = next
			}
		})
	})
}

func BenchmarkBigBody(b *testing.B) {
	body := make([]byte, 64<<20)
	b.Run("write", func(b *testing.B) {
		e := NewEncoder(io.Discard)
		benchmarkBytes(b, len(body), func() { e.WriteFrameFrom(nil, int64(len(body)), bytes.NewReader(body)) })
	})
	b.Run("write, not copied", func(b *testing.B) {
		e := NewEncoder(discard{})
		for _, v := range []any{body, Raw(must(Marshal(body)))} {
			b.Run(fmt.Sprintf("%T", v), func(b *testing.B) {
				benchmarkBytes(b, len(body), func() { e.WriteFrame(nil, v) })
			})
		}
	})
	in := must(AppendFrame(nil, nil, body))
	b.Run("read", func(b *testing.B) {
		benchmarkBytes(b, len(body), func() {
			d := NewDecoder(bytes.NewReader(in), MaxSize(1<<30))
			_, r, err := d.NextFrame()
			must(0, err)
			must(io.Copy(io.Discard, r))
		})
	})
}

// BenchmarkLargeBody sends bodies over loopback: copied and in one Write, in three Writes, and in one
// writev.
func BenchmarkLargeBody(b *testing.B) {
	for _, size := range []int{8 << 10, 16 << 10, 32 << 10, 64 << 10, 1 << 20} {
		body := make([]byte, size)
		for how, joins := range map[string]int{"one Write": 0, "three Writes": 1, "writev": 2} {
			b.Run(fmt.Sprintf("%d KiB/%s", size>>10, how), func(b *testing.B) {
				stream := drained(b)
				e := NewEncoder(stream)
				if joins == 1 {
					e.to.vectors = nil
				}
				var buf []byte
				benchmarkBytes(b, size, func() {
					if joins > 0 {
						must(0, e.writeLarge(&benchH, octets{body, KindString}))
						return
					}
					buf = must(AppendFrame(buf[:0], &benchH, &body))
					must(stream.Write(buf))
				})
			})
		}
	}
}

// drained returns a stream whose other end reads all that comes.
func drained(b *testing.B) net.Conn {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	stream := must(net.Dial("tcp", listener.Addr().String()))
	other := must(listener.Accept())
	listener.Close()
	go io.CopyBuffer(discard{}, struct{ io.Reader }{other}, make([]byte, 128<<10))
	b.Cleanup(func() { stream.Close(); other.Close() })
	return stream
}

// discard is io.Discard without the methods that some look for.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkBigInt reads the longest int there may be.
func BenchmarkBigInt(b *testing.B) {
	in := Append(nil, KindInt, bytes.Repeat([]byte{'9'}, maxNumber))
	benchmarkBytes(b, len(in), func() {
		var n big.Int
		must(0, Unmarshal(in, &n))
	})
}

// A deadlined stream does nothing but have deadlines.
type deadlined struct{ io.ReadWriteCloser }

func (deadlined) SetDeadline(time.Time) error { return nil }

// BenchmarkWithin is what a context costs, whatever is done within it.
func BenchmarkWithin(b *testing.B) {
	c := NewConn(deadlined{})
	benchmarkBytes(b, 0, func() { c.Within(b.Context(), func() error { return nil }) })
}

// BenchmarkGet looks for one key of a header of six.
func BenchmarkGet(b *testing.B) {
	header := Raw(must(Marshal(&benchH)))
	b.Run("id", func(b *testing.B) { benchmarkBytes(b, len(header), func() { must(header.Get("id")) }) })
	b.Run("every entry", func(b *testing.B) {
		benchmarkBytes(b, len(header), func() {
			for _, err := range header.Entries() {
				must(0, err)
			}
		})
	})
}
