package petrichor

// The promises of docs/limits.md about what arrives, rows 1 to 14, with their
// figures, through every way in.  limits_value_test.go has rows 15 to 25, which
// are about values, limits_frame_test.go those about frames and connections.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// ---- 1 to 4: sizes -----------------------------------------------------------------

func TestLimit01AnnouncedSize(t *testing.T) {
	inner := []byte("1:a,999999999:abcdefghi}")
	for _, test := range []struct {
		attack string
		doors  []limitDoor
	}{
		{"999999999:", limitDoors()},
		{"999999999:abc", limitDoors()},
		{"100000000:0:~", limitDoors()},
		{"999999999:999999999:999999999:", limitDoors()},
		{string(Append(nil, KindList, inner)), limitDeepDoors()},
		{string(Append(nil, KindDict, inner)), limitDeepDoors()},
	} {
		for _, door := range test.doors {
			b := door.bytes([]byte(test.attack))
			for limits, opts := range map[string][]Option{"": nil, ", no limit": limitStreamed()} {
				name := fmt.Sprintf("%q: %s%s", b, door.name, limits)
				var err error
				allocated := limitAllocated(func() { err = door.read(b, opts...) })
				limitAtMost(t, name, allocated, 8*limitKiB)
				if err == nil {
					t.Errorf("%s: no error", name)
				}
			}
		}
	}
}

// A size over the limit is refused at its colon, and nothing after that is read.
func TestLimit01RefusedAtTheColon(t *testing.T) {
	decode := func(d *Decoder) error { return d.Decode(new(any)) }
	element := func(d *Decoder) error { _, err := d.ReadElement(); return err }
	frame := func(d *Decoder) error { _, err := d.ReadFrame(); return err }
	stream := func(d *Decoder) error { _, _, err := d.NextFrame(); return err }
	for _, test := range []struct {
		name, read string
		by         func(*Decoder) error
	}{
		{"a value", "1048577:", decode},
		{"an element", "999999999:", element},
		{"a header", "65537:", frame},
		{"the header before a stream", "65537:", stream},
		{"a body", "0:}1048577:", frame},
		{"a body as a stream", "0:}1048577:", stream},
	} {
		t.Run(test.name, func(t *testing.T) {
			peer := strings.NewReader(test.read + "payload")
			d := NewDecoder(iotest.OneByteReader(peer))
			for range 2 { // the second time nothing is read at all
				var where *SyntaxError
				err := test.by(d)
				limitWant(t, "over the limit", err, ErrTooLarge)
				if at := int64(len(test.read) - 1); !errors.As(err, &where) || where.Offset != at {
					t.Errorf("got %v, want offset %d", err, at)
				}
				if peer.Len() != len("payload") {
					t.Errorf("%d bytes of the payload are left, want all 7", peer.Len())
				}
			}
		})
	}
}

func TestLimit02Trickle(t *testing.T) {
	const announced = 1 << 20
	for _, n := range []int{0, 1000, 65_536, 70_001, announced - 1} {
		for _, door := range limitTrickleDoors() {
			b := append([]byte(door.before+strconv.Itoa(announced)+":"), make([]byte, n)...)
			for _, piece := range []int{100, len(b)} {
				name := fmt.Sprintf("%s: %d bytes, %d at a time", door.name, len(b), piece)
				allocated := limitAllocated(func() { door.open(t, b, piece) })
				limitAtMost(t, name+": allocated", allocated, uint64(64*limitKiB+4*len(b)))
			}
			held := limitHeld(func() any { return door.open(t, b, 1000) })
			limitAtMost(t, fmt.Sprintf("%s: %d bytes: held", door.name, len(b)), held, uint64(64*limitKiB+2*len(b)))
		}
	}
}

// A limitTrickle is fed what arrives of an element, and returns what then waits
// for the rest of it.
type limitTrickle struct {
	name, before string
	open         func(t testing.TB, b []byte, piece int) any
}

func limitTrickleDoors() []limitTrickle {
	stream := func(read func(*Decoder) error) func(testing.TB, []byte, int) any {
		return func(t testing.TB, b []byte, piece int) any {
			d := NewDecoder(&limitPieces{b, piece})
			limitWant(t, "cut off", read(d), io.ErrUnexpectedEOF)
			return d
		}
	}
	push := func(next func(*Parser) error) func(testing.TB, []byte, int) any {
		return func(t testing.TB, b []byte, piece int) any {
			p := NewParser()
			for ; len(b) > 0; b = b[min(piece, len(b)):] {
				p.Feed(b[:min(piece, len(b))])
				if err := next(p); err != ErrShort {
					t.Errorf("got %v, want ErrShort", err)
				}
			}
			return p
		}
	}
	return []limitTrickle{
		{"Decode", "", stream(func(d *Decoder) error { return d.Decode(new(any)) })},
		{"Decode into []byte", "", stream(func(d *Decoder) error { return d.Decode(new([]byte)) })},
		{"Decode into string", "", stream(func(d *Decoder) error { return d.Decode(new(string)) })},
		{"ReadElement", "", stream(func(d *Decoder) error { _, err := d.ReadElement(); return err })},
		{"ReadFrame", "0:}", stream(func(d *Decoder) error { _, err := d.ReadFrame(); return err })},
		{"NextFrame", "0:}", stream(func(d *Decoder) error {
			_, body, err := d.NextFrame()
			if err == nil {
				_, err = io.Copy(io.Discard, body)
			}
			return err
		})},
		{"Recv", "0:}", func(t testing.TB, b []byte, piece int) any {
			c := NewConn(limitStream{&limitPieces{b, piece}})
			_, err := c.Recv()
			limitWant(t, "cut off", err, io.ErrUnexpectedEOF)
			return c
		}},
		{"NextElement", "", push(func(p *Parser) error { _, err := p.NextElement(); return err })},
		{"Next", "0:}", push(func(p *Parser) error { _, err := p.Next(); return err })},
	}
}

func TestLimit03BeyondItsContainer(t *testing.T) {
	for _, test := range []struct {
		name, inner string
		kind        Kind
	}{
		{"by one byte", "2:,", KindList},
		{"by all there can be", "999999998:abc,", KindList},
		{"the tag alone", "3:abc", KindList},
		{"a value", "1:a,999999998:abc,", KindDict},
		{"a key", "999999998:abc,", KindDict},
		{"two levels down", "6:4:abc,]", KindList},
	} {
		honest := Append(nil, test.kind, []byte(test.inner))
		for _, door := range limitDeepDoors() {
			b := append(door.bytes(honest), "more than enough bytes after it"...)
			if door.wrap == nil {
				b = honest
			}
			var err error
			allocated := limitAllocated(func() { err = door.read(b) })
			if !errors.Is(err, ErrSize) && err != errLimitInvalid && !errors.Is(err, ErrTrailing) {
				t.Errorf("%s: %s: got %v, want ErrSize", test.name, door.name, err)
			}
			limitAtMost(t, test.name+": "+door.name, allocated, 8*limitKiB)
		}
	}
}

// limitBadSizes are sizes that are none, the first wrong byte in brackets.
var limitBadSizes = []struct{ attack, why string }{
	{"[:],", "no digits"},
	{"[-]1:a,", "a sign"},
	{"[+]5:hello,", "a sign"},
	{"[ ]5:hello,", "a space before"},
	{"5[ ]:hello,", "a space after"},
	{"1[_]0:aaaaaaaaaa,", "an underscore"},
	{"0[x]5:hello,", "hexadecimal"},
	{"5[.]0:hello,", "a point"},
	{"5[e]0:hello,", "an exponent"},
	{"0[5]:hello,", "a leading zero"},
	{"0[0]:,", "zero twice"},
	{"5[;]hello,", "another separator"},
	{"[\x00]", "a byte that nobody sees"},
	{"[\xd9\xa5]:", "a digit of another script"},
	{"123456789[0]:", "a tenth digit"},
	{"999999999[9]99999999999999:", "more than 64 bits"},
	{"184467440[7]3709551617:a,", "wraps to 1"},
	{"5[" + "\n" + "]", "a line"},
}

func TestLimit04MalformedSize(t *testing.T) {
	for _, test := range limitBadSizes {
		at := strings.IndexByte(test.attack, '[')
		attack := strings.NewReplacer("[", "", "]", "").Replace(test.attack)
		for _, door := range limitDoors() {
			b := door.bytes([]byte(attack))
			var err error
			allocated := limitAllocated(func() { err = door.read(b) })
			if !errors.Is(err, ErrSize) && err != errLimitInvalid {
				t.Errorf("%s: %s: got %v, want ErrSize", test.why, door.name, err)
			}
			var where *SyntaxError
			if door.wrap == nil && errors.As(err, &where) && where.Offset != int64(at) {
				t.Errorf("%s: %s: got %v, want offset %d", test.why, door.name, err, at)
			}
			limitAtMost(t, test.why+": "+door.name, allocated, 8*limitKiB)
		}
		limitRefusedAt(t, test.why, attack, at)
	}
}

// limitRefusedAt wants b refused when the byte at offset at has come, not
// earlier, and without waiting for another.
func limitRefusedAt(t *testing.T, why, b string, at int) {
	t.Helper()
	for name, next := range map[string]func(*Parser) error{
		"NextElement": func(p *Parser) error { _, err := p.NextElement(); return err },
		"Next":        func(p *Parser) error { _, err := p.Next(); return err },
	} {
		p := NewParser()
		for i := range at + 1 {
			p.Feed([]byte(b[i : i+1]))
			err := next(p)
			if i < at && err != ErrShort {
				t.Errorf("%s: %s: got %v after %d bytes, want ErrShort", why, name, err, i+1)
			}
			if i == at && !errors.Is(err, ErrSize) {
				t.Errorf("%s: %s: got %v after %d bytes, want ErrSize", why, name, err, i+1)
			}
		}
	}
}

// A size that never ends is not read without end.
func TestLimit04EndlessSize(t *testing.T) {
	for _, digit := range []string{"1", "9"} {
		peer := &limitEndless{b: digit}
		d := NewDecoder(iotest.OneByteReader(peer))
		_, err := d.ReadElement()
		limitWant(t, "digits without end", err, ErrSize)
		if peer.read != 10 {
			t.Errorf("%d digits read, want 10", peer.read)
		}
	}
}

type limitEndless struct {
	b    string
	read int
}

func (r *limitEndless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.b[r.read%len(r.b)]
		r.read++
	}
	return len(p), nil
}

// ---- 5 to 8: depth ------------------------------------------------------------------

func TestLimit05Nesting(t *testing.T) {
	levels := 1_000_000
	if limitRace {
		levels = 300_000 // more bytes than a stream takes, still
	}
	for name, attack := range map[string][]byte{
		"lists":        limitNest(levels, KindList, ""),
		"dicts":        limitNest(levels, KindDict, ""),
		"hostile keys": limitNest(levels, KindDict, "\x00/\xff"),
	} {
		for _, door := range limitDeepDoors() {
			b := door.bytes(attack)
			name := name + ": " + door.name
			// A stream by default refuses it at the colon, and if it may not,
			// has to store what arrives.
			var err error
			allocated := limitAllocated(func() { err = door.read(b) })
			most := uint64(8 * limitKiB)
			if strings.HasPrefix(name, "hostile") {
				most *= 8 // not in the promise, and bounded none the less
			}
			limitAtMost(t, name, allocated, most)
			if limitStores(door) {
				limitWant(t, name, err, ErrTooLarge)
				continue
			}
			limitDeep(t, name, err)
			limitEventually(t, 20, func() error {
				took := limitFastest(20, func() { door.read(b) })
				if most := 100 * time.Microsecond; took > most && !limitRace {
					return fmt.Errorf("%s: %v, promised are %v", name, took, most)
				}
				return nil
			})
		}
		for _, door := range limitOuterDoors() {
			b := door.bytes(attack)
			limitAtMost(t, name+": "+door.name, limitAllocated(func() { door.read(b) }), 8*limitKiB)
		}
		limitDeep(t, name+": a stream without a limit", NewDecoder(bytes.NewReader(attack), limitStreamed()...).Decode(new(any)))
	}
}

// limitStores reports whether a door stores the bytes it is given.
func limitStores(d limitDoor) bool {
	return strings.HasPrefix(d.name, "Decode into") || d.name == "Parser"
}

func limitDeep(t testing.TB, name string, err error) {
	t.Helper()
	if !errors.Is(err, ErrTooDeep) && err != errLimitInvalid {
		t.Errorf("%s: got %v, want ErrTooDeep", name, err)
	}
}

// The types whose plans recurse.
type (
	limitPtr   struct{ N *limitPtr }
	limitIface struct{ N any }
	limitSlice struct{ N []*limitSlice }
	limitMap   map[string]limitMap
	limitPtrs  map[string]*limitPtrs
	limitArray []*[1]limitArray
)

// limitAlternate is n dicts and lists inside one another, in turn.
func limitAlternate(n int, key string) []byte {
	var w back
	marks := make([]int, n)
	for i := range marks {
		marks[i] = w.begin([]Kind{KindDict, KindList}[i%2])
	}
	for i := n - 1; i >= 0; i-- {
		w.end(marks[i])
		if i%2 == 1 {
			w.element(KindString, key)
		}
	}
	return bytes.Clone(w.bytes())
}

// limitStack runs the deepest documents both ways, with as much stack as most
// bytes.  More kills the process.
func limitStack(t *testing.T, most int) {
	debug.SetMaxStack(most)
	lists, dicts := limitNest(deepest, KindList, ""), limitNest(deepest, KindDict, "N")
	for _, test := range []struct {
		name   string
		target any
		b      []byte
	}{
		{"any of lists", new(any), lists},
		{"any of dicts", new(any), dicts},
		{"any of both", new(any), limitAlternate(deepest, "N")},
		{"Dict", new(Dict), dicts},
		{"slice of itself", new(limitTree), lists},
		{"struct with a pointer to itself", new(limitPtr), dicts},
		{"struct with an any", new(limitIface), dicts},
		{"struct with a slice", new(limitSlice), limitAlternate(deepest, "N")},
		{"map of itself", new(limitMap), dicts},
		{"map of pointers to itself", new(limitPtrs), dicts},
		{"slice of arrays", new(limitArray), limitNest(deepest/2, KindList, "")},
		{"Raw", new(Raw), dicts},
		{"skipped", new(limitStruct), dicts},
	} {
		done := make(chan struct{})
		go func() { // on a stack of its own
			defer close(done)
			if err := Unmarshal(test.b, test.target, MaxDepth(math.MaxInt)); err != nil {
				t.Errorf("%s: Unmarshal: %v", test.name, err)
			}
			if _, err := Marshal(test.target, MaxDepth(math.MaxInt)); err != nil {
				t.Errorf("%s: Marshal: %v", test.name, err)
			}
			if !Valid(test.b, MaxDepth(math.MaxInt)) {
				t.Errorf("%s: not valid", test.name)
			}
		}()
		<-done
	}
}

// The stack that the deepest settable nesting needs is measured where exceeding
// it is fatal: in a process of its own.
func TestLimit06Stack(t *testing.T) {
	const variable = "PETRICHOR_LIMIT_STACK"
	if most, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		limitStack(t, most)
		return
	}
	most := 16 * limitMiB
	if limitRace {
		most *= 2 // its functions have larger frames
	}
	for _, test := range []struct {
		name string
		most int
		ok   bool
	}{
		{"16 MiB are enough", most, true},
		{"256 KiB are not, so this would see it", 256 * limitKiB, false},
	} {
		child := exec.Command(os.Args[0], "-test.run=^TestLimit06Stack$")
		child.Env = append(os.Environ(), variable+"="+strconv.Itoa(test.most))
		if out, err := child.CombinedOutput(); (err == nil) != test.ok {
			t.Errorf("%s: %v\n%.2000s", test.name, err, out)
		}
	}
}

func TestLimit06HardCap(t *testing.T) {
	opt := MaxDepth(math.MaxInt)
	deep := limitNest(deepest+1, KindList, "")
	for _, door := range limitDeepDoors() {
		limitDeep(t, door.name, door.read(door.bytes(deep), append(limitStreamed(), opt)...))
	}
	var v any
	for range deepest + 1 {
		v = []any{v}
	}
	_, err := Marshal(v, opt)
	limitWant(t, "Marshal", err, ErrTooDeep)
}

// Depth is counted once for a document, whatever reads its parts.
func TestLimit07DepthIsCountedOnce(t *testing.T) {
	const most = 12
	for _, k := range []Kind{KindList, KindDict} {
		for _, door := range limitDeepDoors() {
			around := 0
			if strings.HasPrefix(string(door.bytes([]byte("0:~"))), "0:}") {
				around = 0 // a frame's body is a document of its own
			} else if door.wrap != nil {
				around = 1
			}
			fits, over := limitNest(most-around, k, "1"), limitNest(most-around+1, k, "1")
			if err := door.read(door.bytes(fits), MaxDepth(most)); errors.Is(err, ErrTooDeep) || err == errLimitInvalid {
				t.Errorf("%v: %s: %d levels: %v", k, door.name, most, err)
			}
			limitDeep(t, fmt.Sprintf("%v: %s: %d levels", k, door.name, most+1), door.read(door.bytes(over), MaxDepth(most)))
		}
	}
}

// An Unmarshaler that calls back into Unmarshal, level for level, starts counting
// anew, but only where the document as a whole has been found shallow enough.
func TestLimit07CallingBack(t *testing.T) {
	calls := 0
	for _, n := range []int{100, 101} {
		calls = 0
		err := Unmarshal(limitNest(n, KindList, ""), &limitCaller{calls: &calls})
		if n == 100 && (err != nil || calls != 100) || n == 101 && (!errors.Is(err, ErrTooDeep) || calls != 0) {
			t.Errorf("%d levels: %v after %d calls", n, err, calls)
		}
	}
	var v any = limitWriter{}
	for range 100 {
		v = []any{v}
	}
	_, err := Marshal(v)
	limitWant(t, "a Marshaler that writes one level more", err, ErrTooDeep)
}

type limitCaller struct{ calls *int }

func (c *limitCaller) UnmarshalTNet(b []byte) error {
	*c.calls++
	el, _, err := Cut(b)
	if err != nil || len(el.Payload) == 0 {
		return err
	}
	return Unmarshal(el.Payload, c)
}

type limitWriter struct{}

func (limitWriter) MarshalTNet() ([]byte, error) { return []byte("0:]"), nil }

func TestLimit08DeepAndCyclicValues(t *testing.T) {
	type ring struct{ Next *ring }
	pointers := &ring{}
	pointers.Next = pointers
	slice := []any{nil}
	slice[0] = slice
	maps := map[string]any{}
	maps["k"] = maps
	dict := Dict{{Key: "k"}}
	dict[0].Value = dict
	type endless *endless
	var onlyPointers endless
	onlyPointers = &onlyPointers
	var itself any
	itself = &itself
	deep := any("bottom")
	for range 101 {
		deep = []any{deep}
	}
	for name, v := range map[string]any{
		"pointers": pointers, "slice": slice, "map": maps, "Dict": dict, "interface": itself,
		"pointers that lead nowhere": onlyPointers, "101 levels": deep,
		"in a header": Header{"k": maps},
	} {
		var out bytes.Buffer
		enc, conn := NewEncoder(&out), NewConn(struct {
			io.Reader
			io.Writer
			io.Closer
		}{nil, &out, nil})
		prefix := []byte("prefix")
		for door, write := range map[string]func() error{
			"Marshal":       func() error { b, err := Marshal(v); return limitNothing(b, nil, err) },
			"MarshalAppend": func() error { b, err := MarshalAppend(prefix, v); return limitNothing(b, prefix, err) },
			"AppendFrame":   func() error { b, err := AppendFrame(prefix, nil, v); return limitNothing(b, prefix, err) },
			"Encode":        func() error { return enc.Encode(v) },
			"WriteFrame":    func() error { return enc.WriteFrame(Header{"k": v}, nil) },
			"its body":      func() error { return enc.WriteFrame(nil, v) },
			"before a body": func() error { return enc.WriteFrameFrom(Header{"k": v}, 1, strings.NewReader("x")) },
			"Send":          func() error { return conn.Send(nil, v) },
			"Allow":         func() error { return conn.Allow(Header{"k": v}, nil) },
		} {
			limitWant(t, name+": "+door, write(), ErrTooDeep)
			if out.Len() > 0 {
				t.Errorf("%s: %s: wrote %q", name, door, out.Bytes())
			}
		}
	}
	if _, err := Marshal(deep.([]any)[0]); err != nil {
		t.Errorf("100 levels: %v", err)
	}
}

// limitNothing wants b as it was where there is an error.
func limitNothing(b, was []byte, err error) error {
	if err != nil && !bytes.Equal(b, was) {
		return fmt.Errorf("left %q", b)
	}
	return err
}

// ---- 9 and 10: what small elements become ---------------------------------------------

// limitSmall are the values that take the least bytes and the most memory.
var limitSmall = []string{"0:~", "0:]", "0:}", "6:0:,0:~}"}

func TestLimit09SmallestValues(t *testing.T) {
	others := []string{"0:,", "1:1#", "3:256#", "4:true!", "3:1.5^", "1:a,", "3:abc,", "3:0:~]", "13:0:,0:~1:a,0:~}"}
	for _, small := range append(others, limitSmall...) {
		b := limitList(small, 65_535/limitCount(t, []byte(small))*len(small))
		values := limitCount(t, b)
		if values < 65_000 || values > defaultValues {
			t.Fatalf("%q: %d values", small, values)
		}
		most := min(44*len(b)+8*limitKiB, 128*values+2*len(b)+8*limitKiB)
		mostHeld := min(40*len(b), 128*values+2*len(b))
		limitAmplified(t, small, b, uint64(most), uint64(mostHeld))
	}
}

// An int of more than 64 bits is a *big.Int, which takes 23 bytes of wire at
// least: within the figure for bytes, but above that for values.
func TestLimit09BigInts(t *testing.T) {
	const small = "20:99999999999999999999#"
	b := limitList(small, 30_000*len(small))
	limitAmplified(t, small, b, uint64(44*len(b)+8*limitKiB), uint64(128*limitCount(t, b)+2*len(b)))
}

// Dicts of one entry inside one another have fewer bytes and fewer values for
// each map than those that lie side by side: 7 bytes and 2 values for 336 bytes
// of Go map, where the promise counts on 9 and 3.
func TestLimit09NestedMaps(t *testing.T) {
	small := string(limitNest(15, KindDict, "")) // 100 bytes; from here on sizes have three digits
	b := limitList(small, 65_535/limitCount(t, []byte(small))*len(small))
	values := limitCount(t, b)
	most := min(52*len(b), 168*values+4*len(b))
	mostHeld := min(48*len(b), 168*values+2*len(b))
	limitAmplified(t, "nested maps", b, uint64(most+8*limitKiB), uint64(mostHeld))
}

// limitAmplified decodes b into an any by each way and asserts what it costs.
func limitAmplified(t *testing.T, name string, b []byte, most, mostHeld uint64) {
	t.Helper()
	for i, door := range []struct {
		name string
		read func() (any, error)
	}{
		{"Unmarshal", func() (v any, err error) { err = Unmarshal(b, &v); return v, err }},
		{"KeepOrder", func() (v any, err error) { err = Unmarshal(b, &v, KeepOrder(true)); return v, err }},
		{"AllowText", func() (v any, err error) { err = Unmarshal(b, &v, AllowText(true)); return v, err }},
		{"[]any", func() (any, error) { var v []any; err := Unmarshal(b, &v); return v, err }},
		{"Decode", func() (v any, err error) { err = NewDecoder(bytes.NewReader(b)).Decode(&v); return v, err }},
		{"Decode, in pieces", func() (v any, err error) { err = NewDecoder(&limitPieces{b, 100}).Decode(&v); return v, err }},
		{"Parser", func() (v any, err error) {
			p := NewParser()
			for i := 0; i < len(b); i += 100 {
				p.Feed(b[i:min(i+100, len(b))])
			}
			raw, err := p.NextElement()
			if err != nil {
				return nil, err
			}
			err = Unmarshal(raw, &v)
			return v, err
		}},
		{"Unmarshaler", func() (any, error) {
			var own limitOwn
			err := Unmarshal(b, &own)
			return own.value, err
		}},
	} {
		if limitRace && i > 2 {
			break
		}
		read := func() any {
			v, err := door.read()
			if err != nil {
				t.Fatalf("%s: %s: %v", name, door.name, err)
			}
			return v
		}
		limitAtMost(t, name+": "+door.name+": allocated", limitAllocated(func() { read() }), most)
		if i < 2 { // the values are the same by all the others
			limitAtMost(t, name+": "+door.name+": held", limitHeld(read), mostHeld)
		}
	}
}

// One value too many is an error before anything is built.
func TestLimit09TooManyValues(t *testing.T) {
	for _, small := range limitSmall {
		b := limitList(small, 65_536/limitCount(t, []byte(small))*len(small)+len(small))
		doors := limitDeepDoors()
		if limitRace {
			doors = doors[:8]
		}
		for _, door := range doors {
			var err error
			attack := door.bytes(b)
			allocated := limitAllocated(func() { err = door.read(attack, MaxValues(defaultValues)) })
			if !errors.Is(err, ErrTooMany) && err != errLimitInvalid {
				t.Errorf("%q: %s: got %v, want ErrTooMany", small, door.name, err)
			}
			most := uint64(8 * limitKiB)
			if limitStores(door) {
				most = uint64(64*limitKiB + 4*len(b)) // what arrived has to be stored: row 2
			}
			limitAtMost(t, fmt.Sprintf("%q: %s", small, door.name), allocated, most)
		}
		limitWant(t, "by default", NewDecoder(bytes.NewReader(b)).Decode(new(any)), ErrTooMany)
	}
}

func TestLimit10CapacityIsCounted(t *testing.T) {
	type pair struct{ A, B int64 }
	const n = 10_000
	list := func(element string) []byte { return limitList(element, n*len(element)) }
	for _, test := range []struct {
		name   string
		b      []byte
		target func() any
		elem   uintptr
	}{
		{"[]int", list("1:1#"), func() any { return new([]int) }, reflect.TypeFor[int]().Size()},
		{"[]int8", list("1:1#"), func() any { return new([]int8) }, 1},
		{"[]string", list("0:,"), func() any { return new([]string) }, reflect.TypeFor[string]().Size()},
		{"[]struct", list("0:}"), func() any { return new([]pair) }, reflect.TypeFor[pair]().Size()},
		// Twice, since reflect.MakeSlice puts the head of each slice on the heap.
		{"[][]int", list("0:]"), func() any { return new([][]int) }, 2 * reflect.TypeFor[[]int]().Size()},
		{"[]*int of nulls", list("0:~"), func() any { return new([]*int) }, reflect.TypeFor[*int]().Size()},
		{"[]any of nulls", list("0:~"), func() any { return new([]any) }, reflect.TypeFor[any]().Size()},
		{"[3]int", list("1:1#"), func() any { return new([3]int) }, 0},
		{"a long element and many short", limitInList(append(Append(nil, KindString, make([]byte, 500_000)), "0:,"...)), func() any { return new([][0]string) }, 0},
	} {
		allocated := limitAllocated(func() { Unmarshal(test.b, test.target()) })
		// Size classes round up by an eighth at most, pages of 8 KiB by one.
		most := uint64(n*test.elem) + uint64(8*limitKiB) + limitKiB
		limitAtMost(t, test.name, allocated, most)
	}
}

// Each level might take the bytes that are left for elements, and 100 levels for
// 100 times as many.
func TestLimit10NestedAndPadded(t *testing.T) {
	padding := Append(nil, KindString, make([]byte, 700))
	lists, dicts := []byte("0:]"), []byte("0:}")
	for range 99 {
		lists = limitInList(append(lists, padding...))
		dicts = limitInDict("k")(append(dicts, append([]byte("1:p,"), padding...)...))
	}
	for name, b := range map[string][]byte{"lists": lists, "dicts": dicts} {
		values := limitCount(t, b)
		// 128 bytes a value, the text itself, and its copy into the value.
		most := uint64(min(44*len(b), 128*values+2*len(b)) + 8*limitKiB)
		limitAtMost(t, name, limitAllocated(func() { Unmarshal(b, new(any)) }), most)
		limitAtMost(t, name+": KeepOrder", limitAllocated(func() { Unmarshal(b, new(any), KeepOrder(true)) }), most)
	}
	typed := limitAllocated(func() { Unmarshal(lists, new([]any)) })
	limitAtMost(t, "[]any", typed, uint64(128*limitCount(t, lists)+2*len(lists)+8*limitKiB))
}
