package dedupe

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"

	"github.com/petrichor-protocol/petrichor"
	"pgregory.net/rapid"
)

func newBodies(max int64) petrichor.Filter {
	return choice(max, nil).New(petrichor.Limits{Header: 64 << 10, Body: 1 << 20})
}

// Whatever frames go in, the same come out, and both sides hold the same.
func TestBodiesAreTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := newBodies(64<<10).(*bodies), newBodies(64<<10).(*bodies)
		for range rapid.IntRange(1, 60).Draw(t, "frames") {
			key := rapid.SampledFrom([]string{"h", "z", "id", "hh"}).Draw(t, "key")
			header, _ := petrichor.Marshal(petrichor.Dict{{Key: key, Value: 1}, {Key: "x", Value: "h"}})
			size := rapid.SampledFrom([]int{0, 1, 255, 256, 300, 5000, 30_000, 70_000}).Draw(t, "size")
			text := bytes.Repeat([]byte{byte(rapid.IntRange('a', 'c').Draw(t, "text"))}, size)
			f := petrichor.Frame{Header: header, Body: petrichor.Append(nil, petrichor.KindString, text)}
			made, err := a.Outbound(f.Clone())
			if err != nil {
				t.Fatal(err)
			}
			got, err := b.Inbound(made.Clone())
			if err != nil || !bytes.Equal(got.Header, f.Header) || !bytes.Equal(got.Body, f.Body) {
				t.Fatalf("%s became %s, and %s, %v", f.Header, made.Header, got.Header, err)
			}
			if a.sent.used != b.received.used || a.sent.used > 64<<10 || a.sent.order.Len() != b.received.order.Len() {
				t.Fatalf("one side counts %d bytes, the other %d", a.sent.used, b.received.used)
			}
		}
	})
}

func TestBodiesSentAgainAreDigests(t *testing.T) {
	a := newBodies(1 << 20)
	f := petrichor.Frame{Header: petrichor.Raw("9:2:id,1:1#}"), Body: petrichor.Append(nil, petrichor.KindString, make([]byte, 1000))}
	first, _ := a.Outbound(f)
	if n := len(first.Body); n != len(f.Body) {
		t.Errorf("%d bytes the first time", n)
	}
	if second, _ := a.Outbound(f); len(second.Header)+len(second.Body) > 60 {
		t.Errorf("%d and %d bytes the second time", len(second.Header), len(second.Body))
	}
}

func TestBodiesSecret(t *testing.T) {
	a := choice(1<<20, func(petrichor.Frame) bool { return true }).New(petrichor.Limits{Header: 64 << 10, Body: 1 << 20})
	f := petrichor.Frame{Header: petrichor.Raw("0:}"), Body: petrichor.Append(nil, petrichor.KindString, make([]byte, 1000))}
	if made, _ := a.Outbound(f); string(made.Header) != "0:}" {
		t.Errorf("a secret is marked: %s", made.Header)
	}
}

func TestBodiesMalformed(t *testing.T) {
	long := string(petrichor.Append(nil, petrichor.KindString, make([]byte, 70_000)))
	for _, test := range []struct {
		name, header, body string
		want               error
	}{
		{"unknown digest", "40:1:h,32:01234567890123456789012345678901,}", "0:~", ErrHeld},
		{"digest and a body", "40:1:h,32:01234567890123456789012345678901,}", "1:x,", ErrMark},
		{"short digest", "8:1:h,1:x,}", "0:~", ErrMark},
		{"another number", "8:1:h,1:2#}", "1:x,", ErrMark},
		{"another kind", "11:1:h,4:true!}", "1:x,", ErrMark},
		{"no value", "4:1:h,}", "1:x,", ErrMark},
		{"too large to hold", "8:1:h,1:1#}", long, petrichor.ErrTooLarge},
		{"whole frame and other keys", "16:1:h,1:0#1:a,1:b,}", "6:0:}0:~,", ErrMark},
		{"whole frame in no string", "8:1:h,1:0#}", "0:~", ErrMark},
		{"two whole frames", "8:1:h,1:0#}", "12:0:}0:~0:}0:~,", petrichor.ErrTrailing},
		{"half a frame", "8:1:h,1:0#}", "3:0:},", io.ErrUnexpectedEOF},
	} {
		_, err := newBodies(64 << 10).Inbound(petrichor.Frame{Header: petrichor.Raw(test.header), Body: petrichor.Raw(test.body)})
		var syntax *petrichor.SyntaxError
		if !errors.Is(err, test.want) || !errors.As(err, &syntax) {
			t.Errorf("%s: %v; want %v", test.name, err, test.want)
		}
	}
}

// What a peer has us hold is bounded, whatever the sizes of bodies.
func TestLimit48Bodies(t *testing.T) {
	for _, size := range []int{0, 1, 256, 60_000} {
		before := heap()
		b := newBodies(1 << 20)
		for i := range 20_000 {
			text := make([]byte, size+4)
			text[0], text[1], text[2] = byte(i), byte(i>>8), byte(i>>16)
			if _, err := b.Inbound(petrichor.Frame{Header: petrichor.Raw("8:1:h,1:1#}"), Body: petrichor.Append(nil, petrichor.KindString, text)}); err != nil {
				t.Fatal(err)
			}
		}
		held := heap() - before
		runtime.KeepAlive(b)
		t.Logf("bodies of %d bytes: %d bytes held", size, held)
		if held > 4<<20 {
			t.Errorf("bodies of %d bytes: %d bytes are held", size, held)
		}
	}
}
