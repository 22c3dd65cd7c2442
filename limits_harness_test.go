package petrichor

// What the tests of docs/limits.md have in common: every way in, the attacks as
// bytes, and what they cost.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ---- Ways in --------------------------------------------------------------------

// A limitDoor is one way in.  Every attack goes through every door it concerns:
// a guard that one door has and another has not is the commonest hole there is.
type limitDoor struct {
	name string
	read func(b []byte, opts ...Option) error
	wrap func(b []byte) []byte // puts the element where this door looks for one; nil: it is all there is
}

func (d limitDoor) bytes(attack []byte) []byte {
	if d.wrap == nil {
		return attack
	}
	return d.wrap(attack)
}

type limitTarget struct {
	name string
	make func() any
}

// limitTargets are Go types of each kind that decoding treats in its own way.
func limitTargets() []limitTarget {
	return []limitTarget{
		{"any", func() any { return new(any) }},
		{"Raw", func() any { return new(Raw) }},
		{"Dict", func() any { return new(Dict) }},
		{"Number", func() any { return new(Number) }},
		{"*big.Int", func() any { return new(*big.Int) }},
		{"bool", func() any { return new(bool) }},
		{"int8", func() any { return new(int8) }},
		{"uint64", func() any { return new(uint64) }},
		{"float32", func() any { return new(float32) }},
		{"string", func() any { return new(string) }},
		{"[]byte", func() any { return new([]byte) }},
		{"[4]byte", func() any { return new([4]byte) }},
		{"[]int", func() any { return new([]int) }},
		{"[4]int", func() any { return new([4]int) }},
		{"[][]string", func() any { return new([][]string) }},
		{"map[string]int", func() any { return new(map[string]int) }},
		{"map[int]any", func() any { return new(map[int]any) }},
		{"struct", func() any { return new(limitStruct) }},
		{"recursive", func() any { return new(limitTree) }},
		{"Unmarshaler", func() any { return new(limitOwn) }},
		{"time.Time", func() any { return new(time.Time) }},
	}
}

type limitStruct struct {
	Number int            `tnet:"n"`
	List   []int          `tnet:"l"`
	Map    map[string]any `tnet:"m"`
	Raw    Raw            `tnet:"r"`
	Next   *limitStruct   `tnet:"next"`
}

type limitTree []limitTree

// A limitOwn reads its own element, by calling back, and has an opinion.
type limitOwn struct{ value any }

func (o *limitOwn) UnmarshalTNet(b []byte) error {
	if err := Unmarshal(b, &o.value); err != nil {
		return err
	}
	if s, ok := o.value.(string); ok && strings.HasPrefix(s, "bad") {
		return fmt.Errorf("do not like %s", s)
	}
	return nil
}

var errLimitInvalid = errors.New("not valid")

// limitDeepDoors are the ways that look all the way down.
func limitDeepDoors() []limitDoor {
	doors := []limitDoor{
		{name: "Valid", read: func(b []byte, opts ...Option) error {
			if !Valid(b, opts...) {
				return errLimitInvalid
			}
			return nil
		}},
		{name: "any in order", read: func(b []byte, opts ...Option) error {
			return Unmarshal(b, new(any), append(opts, KeepOrder(true))...)
		}},
		{name: "unknown key", wrap: limitInDict("unknown"), read: func(b []byte, opts ...Option) error {
			return Unmarshal(b, new(limitStruct), opts...)
		}},
		{name: "raw field", wrap: limitInDict("r"), read: func(b []byte, opts ...Option) error {
			return Unmarshal(b, new(limitStruct), opts...)
		}},
		{name: "Unmarshaler in a list", wrap: limitInList, read: func(b []byte, opts ...Option) error {
			return Unmarshal(b, new([]limitOwn), opts...)
		}},
		{name: "past the end of an array", wrap: limitInList, read: func(b []byte, opts ...Option) error {
			return Unmarshal(b, new([0]int), opts...)
		}},
		{name: "Parser", read: func(b []byte, opts ...Option) error {
			var raw Raw
			err := limitFeed(b, opts, func(p *Parser) (err error) { raw, err = p.NextElement(); return err })
			if err != nil {
				return err
			}
			return Unmarshal(raw, new(any), opts...)
		}},
		{name: "body of a frame", wrap: limitBody, read: func(b []byte, opts ...Option) error {
			f, _, err := CutFrame(b, opts...)
			if err != nil {
				return err
			}
			return Unmarshal(f.Body, new(any), opts...)
		}},
	}
	for _, to := range limitTargets() {
		doors = append(doors,
			limitDoor{name: "Unmarshal into " + to.name, read: func(b []byte, opts ...Option) error {
				return Unmarshal(b, to.make(), opts...)
			}},
			limitDoor{name: "Decode into " + to.name, read: func(b []byte, opts ...Option) error {
				return NewDecoder(bytes.NewReader(b), opts...).Decode(to.make())
			}},
		)
	}
	return doors
}

// limitOuterDoors are the ways that verify the outer layer only.
func limitOuterDoors() []limitDoor {
	doors := []limitDoor{
		{name: "Cut", read: func(b []byte, opts ...Option) error {
			_, _, err := Cut(b, opts...)
			return err
		}},
		{name: "ReadElement", read: func(b []byte, opts ...Option) error {
			_, err := NewDecoder(bytes.NewReader(b), opts...).ReadElement()
			return err
		}},
		{name: "NextElement", read: func(b []byte, opts ...Option) error {
			return limitFeed(b, opts, func(p *Parser) error { _, err := p.NextElement(); return err })
		}},
	}
	for _, d := range limitFrameDoors() {
		body := d
		body.name += ", body"
		body.wrap = limitBody
		d.name += ", header"
		doors = append(doors, d, body)
	}
	return doors
}

// limitFrameDoors are the ways that take frames.
func limitFrameDoors() []limitDoor {
	return []limitDoor{
		{name: "CutFrame", read: func(b []byte, opts ...Option) error {
			_, _, err := CutFrame(b, opts...)
			return err
		}},
		{name: "Parser.Next", read: func(b []byte, opts ...Option) error {
			return limitFeed(b, opts, func(p *Parser) error { _, err := p.Next(); return err })
		}},
		{name: "ReadFrame", read: func(b []byte, opts ...Option) error {
			_, err := NewDecoder(bytes.NewReader(b), opts...).ReadFrame()
			return err
		}},
		{name: "NextFrame", read: func(b []byte, opts ...Option) error {
			_, body, err := NewDecoder(bytes.NewReader(b), opts...).NextFrame()
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, body)
			return err
		}},
		{name: "Recv", read: func(b []byte, opts ...Option) error {
			_, err := NewConn(limitStream{Reader: bytes.NewReader(b)}, opts...).Recv()
			return err
		}},
		{name: "Accept", read: func(b []byte, opts ...Option) error {
			_, _, err := Accept(limitStream{Reader: bytes.NewReader(b)}, opts...)
			return err
		}},
	}
}

// limitFeed feeds b in portions, as it would come from a connection, until next
// has something to say.
func limitFeed(b []byte, opts []Option, next func(*Parser) error) error {
	p, err := NewParser(opts...), ErrShort
	for ; err == ErrShort && len(b) > 0; b = b[min(1000, len(b)):] {
		p.Feed(b[:min(1000, len(b))])
		err = next(p)
	}
	return err
}

func limitDoors() []limitDoor { return append(limitDeepDoors(), limitOuterDoors()...) }

// A limitStream is a stream that something can be read from, and nothing more.
type limitStream struct{ io.Reader }

func (limitStream) Write(b []byte) (int, error) { return len(b), nil }
func (limitStream) Close() error                { return nil }

func limitInList(b []byte) []byte { return Append(nil, KindList, b) }

func limitInDict(key string) func([]byte) []byte {
	return func(b []byte) []byte {
		return Append(nil, KindDict, append(Append(nil, KindString, []byte(key)), b...))
	}
}

func limitBody(b []byte) []byte { return append([]byte("0:}"), b...) }

// limitStreamed are the options that let a stream take what a slice may hold.
func limitStreamed() []Option {
	return []Option{MaxSize(maxNineDigits), MaxHeaderSize(maxNineDigits), MaxValues(math.MaxInt)}
}

// ---- Attacks ---------------------------------------------------------------------

// limitNest is n containers inside one another: lists, or dicts with one key.
func limitNest(n int, k Kind, key string) []byte {
	var w back
	marks := make([]int, n)
	for i := range marks {
		marks[i] = w.begin(k)
	}
	for i := n - 1; i >= 0; i-- {
		w.end(marks[i])
		if k == KindDict && i > 0 {
			w.element(KindString, key)
		}
	}
	return bytes.Clone(w.bytes())
}

// limitList is a list of element as often as n bytes have place for it.
func limitList(element string, n int) []byte {
	return limitInList([]byte(strings.Repeat(element, n/len(element))))
}

// limitCount counts the elements b consists of, keys included.
func limitCount(t testing.TB, b []byte) (n int) {
	for len(b) > 0 {
		el, rest, err := Cut(b)
		if err != nil {
			t.Fatal(err)
		}
		n++
		if el.Kind == KindList || el.Kind == KindDict {
			n += limitCount(t, el.Payload)
		}
		b = rest
	}
	return n
}

// limitPieces is a reader that gives at most n bytes at a time.
type limitPieces struct {
	b []byte
	n int
}

func (r *limitPieces) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.n)], r.b)
	r.b = r.b[n:]
	return n, nil
}

// ---- Costs -----------------------------------------------------------------------

// limitAllocated is how many bytes of heap f allocates, or 0 where the race
// detector would add its own: the least of several runs, for the runtime allocates now and then too.  The counter is that of
// runtime/metrics, /gc/heap/allocs:bytes; ReadMemStats reads the same one and,
// unlike metrics.Read, counts what lies in half used spans.
func limitAllocated(f func()) uint64 {
	f() // plans are made at their first use
	if limitRace {
		return 0
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	least := uint64(math.MaxUint64)
	for range 2 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// limitHeld is how many bytes of heap are reachable from what build returns, and
// not from anything else; 0 under the race detector.
func limitHeld(build func() any) uint64 {
	build()
	if limitRace {
		return 0
	}
	least := uint64(math.MaxUint64)
	for range 2 {
		before := limitLive()
		kept := build()
		after := limitLive()
		runtime.KeepAlive(kept)
		least = min(least, after-min(before, after))
	}
	return least
}

func limitLive() uint64 {
	runtime.GC()
	runtime.GC() // the first one's sweep
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// limitAtMost asserts a figure in bytes.
func limitAtMost(t testing.TB, what string, got, most uint64) {
	t.Helper()
	if got > most {
		t.Errorf("%s: %d bytes, promised are at most %d", what, got, most)
	}
}

// limitFastest is the least time that f takes.  What else the machine does only
// ever adds to it.
func limitFastest(times int, f func()) time.Duration {
	if limitRace {
		times = 1
	}
	least := time.Duration(math.MaxInt64)
	for range times {
		start := limitClock()
		f()
		least = min(least, limitClock()-start)
	}
	return least
}

// limitEventually passes when one of several tries does: a time is only ever
// measured too long, never too short, so one good try proves the promise, and
// code that is too slow fails them all.
func limitEventually(t testing.TB, tries int, try func() error) {
	t.Helper()
	var err error
	for range tries {
		if err = try(); err == nil {
			return
		}
	}
	t.Errorf("%d times: %v", tries, err)
}

func limitWant(t testing.TB, name string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", name, got, want)
	}
}

// limitSlow says that this is not the build that the promises about time are
// made for: what takes long is done with less.
const limitSlow = limitRace || strconv.IntSize == 32

const (
	limitKiB = 1 << 10
	limitMiB = 1 << 20
)
