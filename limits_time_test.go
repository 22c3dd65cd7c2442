package petrichor

// Rows 11, 12 and 23: time.

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// limitSizes are the sizes over which growth is measured.
func limitSizes() []int {
	if limitSlow {
		return []int{16 << 10, 128 << 10, 1 << 20}
	}
	return []int{64 << 10, 1 << 20, 16 << 20}
}

// A limitGrowth is a document of any size, and one way to read it.
type limitGrowth struct {
	name  string
	build func(n int) []byte
	read  func(b []byte) error
	want  string         // part of the error; "" where there must be none
	floor func(b []byte) // what is Go's own in it, and no part of the promise; may be nil
}

func limitGrowths() []limitGrowth {
	into := func(target func() any, opts ...Option) func(b []byte) error {
		return func(b []byte) error { return Unmarshal(b, target(), opts...) }
	}
	untyped := into(func() any { return new(any) })
	list := func(element string) func(int) []byte {
		return func(n int) []byte { return limitList(element, n) }
	}
	stream := func(opts ...Option) func(b []byte) error {
		return func(b []byte) error {
			return NewDecoder(iotest.OneByteReader(bytes.NewReader(b)), append(limitStreamed(), opts...)...).Decode(new(any))
		}
	}
	return []limitGrowth{
		{"one string", func(n int) []byte { return Append(nil, KindString, make([]byte, n)) }, untyped, "", nil},
		{"nulls", list("0:~"), untyped, "", nil},
		{"nulls, checked", list("0:~"), limitValid, "", nil},
		{"empty dicts", list("0:}"), untyped, "", nil},
		{"ints", list("3:256#"), untyped, "", nil},
		{"typed ints", list("3:256#"), into(func() any { return new([]int) }), "", nil},
		{"long numbers", list("400:" + strings.Repeat("1234567890", 40) + "#"), untyped, "", nil},
		{"long floats", list("400:0." + strings.Repeat("1234567890", 39) + "12345678^"), untyped, "", nil},
		{"nested to the limit", list(string(limitNest(99, KindList, ""))), untyped, "", nil},
		{"nested to 300, allowed", list(string(limitNest(299, KindList, ""))), into(func() any { return new(any) }, MaxDepth(deepest)), "", nil},
		{"an unknown key, skipped", func(n int) []byte { return limitInDict("u")(limitList("0:~", n)) }, into(func() any { return new(limitStruct) }), "", nil},
		{"keys in order", limitKeys(true), limitValid, "", nil},
		{"keys in no order, checked", limitKeys(false), limitValid, "", limitFillMap},
		{"keys in no order", limitKeys(false), untyped, "", limitFillMap},
		{"sixteen long keys alike but for the end", limitLongKeys, limitValid, "", nil},
		{"a fault in the last byte", func(n int) []byte { b := limitList("0:~", n); b[len(b)-1] = '?'; return b }, untyped, "unknown tag", nil},
		{"a fault in the last value", func(n int) []byte { return limitInList(append(bytes.Repeat([]byte("0:~"), n/3), "1:a#"...)) }, untyped, "payload", nil},
		{"a fault deep down", func(n int) []byte { return limitList("0:?", n) }, untyped, "unknown tag", nil},
		{"the last value does not fit", func(n int) []byte { return limitInList(append(bytes.Repeat([]byte("1:1#"), n/4), "0:,"...)) }, into(func() any { return new([]int) }), "cannot unmarshal", nil},
		{"a key twice, at the end", func(n int) []byte { return limitAgain(n) }, limitValid, "not valid", limitFillMap},
		{"cut off", func(n int) []byte { return limitList("0:~", n)[:n-1] }, untyped, "unexpected EOF", nil},
		{"a byte at a time", list("0:~"), stream(), "", nil},
		{"a byte at a time, fed", list("0:~"), limitFedByByte, "", nil},
		{"elements in a row", func(n int) []byte { return bytes.Repeat([]byte("3:abc,"), n/6) }, limitReadAll, "", nil},
		{"elements in a row, fed", func(n int) []byte { return bytes.Repeat([]byte("3:abc,"), n/6) }, limitFedAll, "", nil},
		{"empty frames", func(n int) []byte { return bytes.Repeat([]byte("0:}0:,"), n/6) }, limitFrames, "", nil},
		{"empty frames, streamed", func(n int) []byte { return bytes.Repeat([]byte("0:}0:,"), n/6) }, limitStreams, "", nil},
		{"a body after a large header", func(n int) []byte { return append(limitInDict("k")(limitList("0:~", n/2)), limitList("0:~", n/2)...) }, limitFramesByByte, "", nil},
		{"bodies that nobody reads", func(n int) []byte {
			return bytes.Repeat(append([]byte("0:}"), Append(nil, KindString, make([]byte, 1000))...), n/1000)
		}, limitStreams, "", nil},
	}
}

// limitFillMap makes the map that a dict becomes, and nothing else.
func limitFillMap(b []byte) {
	el, _, _ := Cut(b)
	m := make(map[string]any, len(el.Payload)/17)
	for p := el.Payload; len(p) > 0; {
		key, rest, _ := Cut(p)
		m[string(key.Payload)] = nil
		_, p, _ = Cut(rest)
	}
}

func limitValid(b []byte) error {
	if !Valid(b) {
		return errLimitInvalid
	}
	return nil
}

// limitKeys is a dict of distinct keys of ten digits.
func limitKeys(ordered bool) func(n int) []byte {
	return func(n int) []byte {
		var w back
		mark := w.begin(KindDict)
		random := rand.New(rand.NewPCG(1, 2))
		from := uint32(random.Uint64())
		for i := range uint32(n / 17) {
			key := uint32(n) - i
			if !ordered {
				key = (from + i) * 2_654_435_761 // odd: each i has its own
			}
			w.element(KindNull, "")
			w.element(KindString, fmt.Sprintf("%010d", key))
		}
		w.end(mark)
		return bytes.Clone(w.bytes())
	}
}

// limitLongKeys is a dict whose keys differ in their last byte only, and come in
// descending order.
func limitLongKeys(n int) []byte {
	var b []byte
	for i := range byte(fewKeys) {
		key := append(bytes.Repeat([]byte("k"), n/fewKeys), 'z'-i)
		b = append(Append(b, KindString, key), "0:~"...)
	}
	return Append(nil, KindDict, b)
}

// limitAgain is a dict of keys in no order whose last is also its first.
func limitAgain(n int) []byte {
	el, _, _ := Cut(limitKeys(false)(n))
	entry := len("10:0123456789,0:~")
	return Append(nil, KindDict, append(el.Payload, el.Payload[:entry]...))
}

func limitFedByByte(b []byte) error {
	p := NewParser(limitStreamed()...)
	err := ErrShort
	for i := 0; err == ErrShort && i < len(b); i++ {
		p.Feed(b[i : i+1])
		_, err = p.NextElement()
	}
	return err
}

func limitFedAll(b []byte) error {
	p := NewParser()
	var err error
	for ; len(b) > 0 && (err == nil || err == ErrShort); b = b[min(len(b), 4000):] {
		p.Feed(b[:min(len(b), 4000)])
		for err = nil; err == nil; {
			_, err = p.NextElement()
		}
	}
	if err == ErrShort && p.Buffered() == 0 {
		return nil
	}
	return err
}

func limitReadAll(b []byte) error {
	d := NewDecoder(bytes.NewReader(b))
	return limitUntilEnd(func() error { _, err := d.ReadElement(); return err })
}

func limitFrames(b []byte) error {
	d := NewDecoder(bytes.NewReader(b))
	return limitUntilEnd(func() error { _, err := d.ReadFrame(); return err })
}

func limitFramesByByte(b []byte) error {
	d := NewDecoder(iotest.OneByteReader(bytes.NewReader(b)), limitStreamed()...)
	return limitUntilEnd(func() error { _, err := d.ReadFrame(); return err })
}

func limitStreams(b []byte) error {
	d := NewDecoder(bytes.NewReader(b))
	return limitUntilEnd(func() error { _, _, err := d.NextFrame(); return err })
}

func limitUntilEnd(next func() error) error {
	for {
		if err := next(); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}

func TestLimit11Growth(t *testing.T) {
	for _, test := range limitGrowths() {
		t.Run(test.name, func(t *testing.T) {
			var inputs [][]byte
			for _, n := range limitSizes() {
				b := test.build(n)
				if len(b) < n-n/8 || len(b) > n+n/8+100 {
					t.Fatalf("%d bytes, want about %d", len(b), n)
				}
				inputs = append(inputs, b)
			}
			limitEventually(t, 5, func() error { return limitGrows(t, inputs, test) })
		})
	}
}

// limitGrows measures test over inputs that grow: its time for a byte, and the
// exponent of its growth from the first to the last.  Small inputs are read so
// often that all are measured over millions of bytes.
//
// Linear means to spend the same on each byte, and memory does not: what fits a
// cache costs less.  So the first 3 nanoseconds of each byte do not count; and
// where a Go map of a million keys is filled, which costs several times as much
// a key as one of a few thousand, it may cost three times that and no more.
func limitGrows(t *testing.T, inputs [][]byte, test limitGrowth) error {
	const cache = 3
	var perByte []float64
	for _, b := range inputs {
		perByte = append(perByte, limitPerByte(b, func() {
			if err := test.read(b); test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Fatalf("%d bytes: got error %v, want %q", len(b), err, test.want)
			}
		}))
	}
	smallest, largest := inputs[0], inputs[len(inputs)-1]
	first, last := perByte[0], perByte[len(perByte)-1]
	exponent := 1 + math.Log((last+cache)/(first+cache))/math.Log(float64(len(largest))/float64(len(smallest)))
	t.Logf("%.1f ns a byte, exponent %.2f", perByte, exponent)
	if limitSlow {
		last /= 20
	}
	if exponent > 1.1 && test.floor != nil && last < 3*limitPerByte(largest, func() { test.floor(largest) }) {
		exponent = 1
	}
	if last > 100 || exponent > 1.1 {
		return fmt.Errorf("%.1f ns a byte, promised are 100; exponent %.2f, promised is 1.1", perByte, exponent)
	}
	return nil
}

// limitPerByte is how many nanoseconds f takes for each byte of b.
func limitPerByte(b []byte, f func()) float64 {
	times := max(1, 2*limitMiB/len(b))
	if limitSlow {
		times = max(1, times/8)
	}
	took := limitFastest(1, func() {
		for range times {
			f()
		}
	})
	return float64(took) / float64(times*len(b))
}

// The measurement sees what it is there for: one more pass over all of the bytes
// for each few thousand of them.
func TestLimit11MeasurementSeesAQuadratic(t *testing.T) {
	var inputs [][]byte
	for _, n := range limitSizes() {
		inputs = append(inputs, make([]byte, n/16))
	}
	quadratic := limitGrowth{read: func(b []byte) error {
		for range len(b) / len(inputs[0]) {
			for i := range b {
				b[i]++
			}
		}
		return nil
	}}
	if limitGrows(t, inputs, quadratic) == nil {
		t.Error("not seen")
	}
}

func TestLimit12ShortReads(t *testing.T) {
	for _, small := range []string{"0:~", "1:a,", "3:256#", "6:0:,0:~}", "4:true!", "3:1.5^"} {
		b := limitList(small, 20_000)
		read := func(r io.Reader) any {
			var v any
			if err := NewDecoder(r).Decode(&v); err != nil {
				t.Fatalf("%q: %v", small, err)
			}
			return v
		}
		whole := read(bytes.NewReader(b))
		for name, r := range limitReaders(b) {
			if got := read(r()); !reflect.DeepEqual(got, whole) {
				t.Errorf("%q: %s: another value", small, name)
			}
			limitEventually(t, 5, func() error {
				// What such a reader costs by itself is not ours: a read of one
				// byte takes longer than a value of three.
				best := limitFastest(5, func() { read(bytes.NewReader(b)) })
				reader := limitFastest(5, func() { limitDrain(r()) })
				took := limitFastest(5, func() { read(r()) })
				if took > 3*(best+reader) && !limitRace {
					return fmt.Errorf("%q: %s: %v, as a whole %v, the reader alone %v", small, name, took, best, reader)
				}
				return nil
			})
		}
	}
}

func limitDrain(r io.Reader) {
	var p [smallBuffer]byte
	for err := error(nil); err == nil; {
		_, err = r.Read(p[:])
	}
}

// limitReaders are readers that give b in ways that io.Reader allows.
func limitReaders(b []byte) map[string]func() io.Reader {
	whole := func() io.Reader { return bytes.NewReader(b) }
	return map[string]func() io.Reader{
		"a byte at a time":       func() io.Reader { return iotest.OneByteReader(whole()) },
		"half of what is wanted": func() io.Reader { return iotest.HalfReader(whole()) },
		"data with the error":    func() io.Reader { return iotest.DataErrReader(whole()) },
		"a byte with the error":  func() io.Reader { return iotest.DataErrReader(iotest.OneByteReader(whole())) },
		"seven bytes":            func() io.Reader { return &limitPieces{b, 7} },
		"nothing now and then":   func() io.Reader { return &limitHesitant{r: &limitPieces{b, 100}} },
	}
}

// A limitHesitant returns (0, nil) three times out of four.
type limitHesitant struct {
	r     io.Reader
	calls int
}

func (h *limitHesitant) Read(p []byte) (int, error) {
	if h.calls++; h.calls%4 != 0 {
		return 0, nil
	}
	return h.r.Read(p)
}

func TestLimit12SameFaults(t *testing.T) {
	for _, bad := range []string{"0:?", "5:abc", "9:3:abc,0:a~", "12:1:a,0:~1:a,0:~}", "1:x#", "05:hello,", "1000000000:", "3:4:a]"} {
		b := append([]byte("3:abc,"), bad...)
		read := func(r io.Reader) string {
			d := NewDecoder(r)
			if err := d.Decode(new(any)); err != nil {
				t.Errorf("%q: the first value: %v", b, err)
			}
			err := d.Decode(new(any))
			if err == nil {
				t.Errorf("%q: no error", b)
			}
			return fmt.Sprint(err)
		}
		want := read(bytes.NewReader(b))
		for name, r := range limitReaders(b) {
			if got := read(r()); got != want {
				t.Errorf("%q: %s: got %q, as a whole %q", b, name, got, want)
			}
		}
	}
}

// A reader that never gives anything ends, too.
func TestLimit12NoProgress(t *testing.T) {
	limitWant(t, "at once", NewDecoder(limitSilent{}).Decode(new(any)), io.ErrNoProgress)
	inside := io.MultiReader(strings.NewReader("5:he"), limitSilent{})
	limitWant(t, "inside an element", NewDecoder(inside).Decode(new(any)), io.ErrNoProgress)
}

type limitSilent struct{}

func (limitSilent) Read([]byte) (int, error) { return 0, nil }

// ---- 23 ---------------------------------------------------------------------------------

// limitColliding is n names of 40 letters that any hash computed as h*31 + c has
// as one: "Aa" and "BB" are the same to it.
func limitColliding(n int) []string {
	names := make([]string, n)
	for i := range names {
		var name strings.Builder
		for bit := range 20 {
			name.WriteString([]string{"Aa", "BB"}[i>>bit&1])
		}
		names[i] = name.String()
	}
	return names
}

func limitDictOf(names []string) []byte {
	random := rand.New(rand.NewPCG(3, 4))
	random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	b := make([]byte, 0, 50*len(names))
	for _, name := range names {
		b = append(Append(b, KindString, []byte(name)), "0:~"...)
	}
	return Append(nil, KindDict, b)
}

func TestLimit23CollidingNames(t *testing.T) {
	limitCollide(t, 1_000_000, limitGrowth{name: "any", read: func(b []byte) error { return Unmarshal(b, new(any)) }})
	for _, door := range []limitGrowth{
		{name: "Valid", read: limitValid},
		{name: "map[string]any", read: func(b []byte) error { return Unmarshal(b, new(map[string]any)) }},
		{name: "Dict", read: func(b []byte) error { return Unmarshal(b, new(Dict)) }},
		{name: "struct", read: func(b []byte) error { return Unmarshal(b, new(limitStruct)) }},
		{name: "Decode", read: func(b []byte) error {
			return NewDecoder(bytes.NewReader(b), limitStreamed()...).Decode(new(any))
		}},
	} {
		limitCollide(t, 100_000, door)
	}
}

func limitCollide(t *testing.T, n int, door limitGrowth) {
	if limitSlow {
		n /= 10
	}
	names := limitColliding(n)
	chosen := limitDictOf(names)
	random := rand.New(rand.NewPCG(5, 6))
	for i := range names {
		names[i] = fmt.Sprintf("%040x", random.Uint64())
	}
	usual := limitDictOf(names)
	limitEventually(t, 5, func() error {
		best := limitFastest(1, func() { door.read(usual) })
		took := limitFastest(1, func() {
			if err := door.read(chosen); err != nil {
				t.Errorf("%s: %v", door.name, err)
			}
		})
		if 2*took > 3*best {
			return fmt.Errorf("%s: %d chosen names take %v, random ones %v", door.name, n, took, best)
		}
		return nil
	})
}
