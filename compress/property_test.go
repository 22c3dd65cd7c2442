package compress_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/compress"
	"pgregory.net/rapid"
)

// anyFrame draws a frame: some that are alike, some large, some whose keys are those of marks.
func anyFrame(t *rapid.T) petrichor.Frame {
	var d petrichor.Dict
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"z", "w", "h", "id", "user", ""}), 0, 4, rapid.ID[string]).Draw(t, "keys") {
		d = append(d, petrichor.Entry{Key: key, Value: rapid.SampledFrom([]any{0, 1, 52, "hello", nil}).Draw(t, "value")})
	}
	header, err := petrichor.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if len(d) == 0 {
		header = []byte("0:}")
	}
	size := rapid.SampledFrom([]int{0, 1, 100, 1000, 5000, 65_000, 66_000, 300_000}).Draw(t, "size")
	text := bytes.Repeat([]byte("hello world "), size/12+1)[:size]
	if rapid.Bool().Draw(t, "random") {
		state := rapid.Uint32().Draw(t, "seed")
		for i := range text {
			state = state*1664525 + 1013904223
			text[i] = byte(state >> 24)
		}
	}
	kind := rapid.SampledFrom([]petrichor.Kind{petrichor.KindString, petrichor.KindNull}).Draw(t, "kind")
	if kind == petrichor.KindNull {
		text = nil
	}
	return petrichor.Frame{Header: header, Body: petrichor.Append(nil, kind, text)}
}

// portions reads a stream in portions of a few bytes.
type portions struct {
	io.ReadWriteCloser
	size int
}

func (p portions) Read(b []byte) (int, error) {
	return p.ReadWriteCloser.Read(b[:min(len(b), p.size)])
}

// Any frames in, the same frames out, in any portions, with any mix of peers that do and
// do not compress, either way.
func TestAnyFramesInTheSameOut(t *testing.T) {
	secret := func(f petrichor.Frame) bool { return bytes.Contains(f.Header, []byte("4:user,")) }
	peers := [][]petrichor.Option{
		nil,
		{petrichor.WithExtensions(compress.New(compress.Config{}))},
		{petrichor.WithExtensions(compress.New(compress.Config{Methods: both(), Secret: secret, MaxWindows: 1 << 20}))},
		{petrichor.WithExtensions(compress.New(compress.Config{Methods: []compress.Method{compress.DeflateStream}, Least: 1, MaxWindows: 1 << 20}))},
	}
	rapid.Check(t, func(rt *rapid.T) {
		ours := rapid.SampledFrom(peers).Draw(rt, "ours")
		theirs := rapid.SampledFrom(peers).Draw(rt, "theirs")
		a, b := filtersOf(rt, ours, theirs)
		for range rapid.IntRange(1, 12).Draw(rt, "frames") {
			f := anyFrame(rt)
			wire := outbound(rt, a, f)
			p := petrichor.NewParser()
			for portion := rapid.IntRange(1, 70_000).Draw(rt, "portion"); len(wire) > 0; {
				n := min(portion, len(wire))
				p.Feed(wire[:n])
				wire = wire[n:]
			}
			got, err := p.Next()
			for i := len(b) - 1; i >= 0 && err == nil; i-- {
				got, err = b[i].Inbound(got)
			}
			if err != nil || !bytes.Equal(got.Header, f.Header) || !bytes.Equal(got.Body, f.Body) {
				rt.Fatalf("%.60q %.60q became %.60q %.60q, %v", f.Header, f.Body, got.Header, got.Body, err)
			}
		}
	})
}

// filtersOf has two peers exchange first frames, without a Conn.
func filtersOf(t interface{ Fatal(...any) }, ours, theirs []petrichor.Option) (a, b []petrichor.Filter) {
	first, err := petrichor.Offer(nil, ours...)
	if err != nil {
		t.Fatal(err)
	}
	answer, b := petrichor.Choose(first, theirs...)
	raw, err := petrichor.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	if a, err = petrichor.Agree(raw, ours...); err != nil {
		t.Fatal(err)
	}
	return a, b
}

func outbound(t interface{ Fatal(...any) }, filters []petrichor.Filter, f petrichor.Frame) []byte {
	f = f.Clone()
	for _, filter := range filters {
		var err error
		if f, err = filter.Outbound(f); err != nil {
			t.Fatal(err)
		}
	}
	return append(bytes.Clone(f.Header), f.Body...)
}

// A Conn in one-byte portions gets the same too.
func TestConnInSmallPortions(t *testing.T) {
	x := petrichor.WithExtensions(compress.New(compress.Config{Methods: both()}))
	a, b := filtersOf(t, []petrichor.Option{x}, []petrichor.Option{x})
	var wire bytes.Buffer
	for i := range 50 {
		body, _ := petrichor.Marshal(bytes.Repeat([]byte("hello "), i*50))
		wire.Write(outbound(t, a, petrichor.Frame{Header: petrichor.Raw("9:2:id,1:1#}"), Body: body}))
	}
	c := petrichor.NewConn(portions{nopCloser{&wire}, 1}, petrichor.WithFilters(b...))
	for i := range 50 {
		f, err := c.Recv()
		want, _ := petrichor.Marshal(bytes.Repeat([]byte("hello "), i*50))
		if err != nil || !bytes.Equal(f.Body, want) {
			t.Fatal(i, err)
		}
	}
}

type nopCloser struct{ io.ReadWriter }

func (nopCloser) Close() error { return nil }
