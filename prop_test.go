package petrichor

// Properties: what holds for every value and every input, checked on generated
// ones.  A generator is called gen and what it makes.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ---- Generators -----------------------------------------------------------------------

// genBytes makes strings of any bytes, as the wire has them.
func genBytes() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		if rapid.IntRange(0, 3).Draw(t, "text") > 0 {
			return rapid.StringMatching(`[a-c0-9:,~]{0,12}`).Draw(t, "s")
		}
		return string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes"))
	})
}

// genFloats makes finite floats, the odd ones often.
func genFloats() *rapid.Generator[float64] {
	return rapid.OneOf(
		rapid.SampledFrom([]float64{
			0, math.Copysign(0, -1), 1, 0.1, 1e20, 1e21, -1e21, 123456789e13, math.MaxFloat64, -math.MaxFloat64,
			math.SmallestNonzeroFloat64, math.MaxInt64, 1 << 53,
		}),
		rapid.Float64(),
	)
}

// genBigs makes integers that an int64 does not hold.
func genBigs() *rapid.Generator[*big.Int] {
	return rapid.Custom(func(t *rapid.T) *big.Int {
		n, _ := new(big.Int).SetString(rapid.StringMatching(`-?[1-9][0-9]{18,60}`).Draw(t, "digits"), 10)
		if n.IsInt64() {
			n.Add(n, new(big.Int).Lsh(big.NewInt(int64(n.Sign())), 64))
		}
		return n
	})
}

// genValues makes what Unmarshal makes in an any.
func genValues(depth int, ordered bool) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 8
		if depth == 0 {
			kinds = 6
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return rapid.Int64().Draw(t, "int")
		case 3:
			return genBigs().Draw(t, "big")
		case 4:
			return genFloats().Draw(t, "float")
		case 5:
			return genBytes().Draw(t, "string")
		case 6:
			return rapid.SliceOfN(genValues(depth-1, ordered), 0, 5).Draw(t, "list")
		}
		keys := rapid.SliceOfNDistinct(genBytes(), 0, 20, rapid.ID).Draw(t, "keys")
		dict, m := Dict{}, map[string]any{}
		for _, key := range keys {
			value := genValues(depth-1, ordered).Draw(t, "value")
			dict, m[key] = append(dict, Entry{Key: key, Value: value}), value
		}
		if ordered {
			return dict
		}
		return m
	})
}

// genSprintf is the plainest writer there is.
func genSprintf(v any) string {
	s, tag := fmt.Sprint(v), ","
	switch v := v.(type) {
	case nil:
		s, tag = "", "~"
	case bool:
		tag = "!"
	case int64, *big.Int:
		tag = "#"
	case float64:
		s, tag = fuzzFloatText(v), "^"
	case []any:
		s, tag = "", "]"
		for _, e := range v {
			s += genSprintf(e)
		}
	case map[string]any:
		s, tag = "", "}"
		for _, key := range slices.Sorted(maps.Keys(v)) {
			s += genSprintf(key) + genSprintf(v[key])
		}
	case Dict:
		s, tag = "", "}"
		for _, e := range v {
			s += genSprintf(e.Key) + genSprintf(e.Value)
		}
	}
	return fmt.Sprintf("%d:%s%s", len(s), s, tag)
}

// genDamaged makes bytes that are, or nearly are, an element.
func genDamaged() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		b := []byte(genSprintf(genValues(3, false).Draw(t, "value")))
		for range rapid.IntRange(0, 2).Draw(t, "edits") {
			at := rapid.IntRange(0, len(b)).Draw(t, "at")
			switch c := rapid.SampledFrom([]byte("0159:,#^!~]};-.x\xff")).Draw(t, "byte"); rapid.IntRange(0, 2).Draw(t, "edit") {
			case 0:
				b = slices.Insert(b, at, c)
			case 1:
				b = b[:at]
			case 2:
				if at < len(b) {
					b[at] = c
				}
			}
		}
		return b
	})
}

// genReader is a reader of b in portions t chooses.
func genReader(t *rapid.T, b []byte) io.Reader {
	return &fuzzReader{b: b, plan: rapid.Uint64().Draw(t, "portions"), err: io.EOF}
}

// ---- Values and their bytes ----------------------------------------------------------------

func TestPropAnyValueRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ordered := rapid.Bool().Draw(t, "ordered")
		v := genValues(4, ordered).Draw(t, "v")
		b, err := Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := Unmarshal(b, &got, KeepOrder(ordered)); err != nil || !fuzzSame(got, v) {
			t.Fatalf("%q: %#v, %v; want %#v", b, got, err, v)
		}
	})
}

func TestPropWritersAgreeWithSprintf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := genValues(4, rapid.Bool().Draw(t, "ordered")).Draw(t, "v")
		want := genSprintf(v)
		b, err := Marshal(v)
		if err != nil || string(b) != want {
			t.Fatalf("Marshal: %q, %v; want %q", b, err, want)
		}
		b, err = MarshalAppend([]byte("before"), v)
		if err != nil || string(b) != "before"+want {
			t.Fatalf("MarshalAppend: %q, %v; want %q", b, err, want)
		}
		b, err = AppendFrame([]byte("before"), Header{"v": v}, v)
		if want := "before" + genSprintf(map[string]any{"v": v}) + want; err != nil || string(b) != want {
			t.Fatalf("AppendFrame: %q, %v; want %q", b, err, want)
		}
		var out bytes.Buffer
		e := NewEncoder(&out, Separator('\n'))
		if err := errors.Join(e.Encode(v), e.WriteFrame(nil, v)); err != nil || out.String() != want+"\n0:}\n"+want+"\n" {
			t.Fatalf("Encoder: %q, %v", out.String(), err)
		}
	})
}

func TestPropCanonicalBytesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(genSprintf(genValues(4, true).Draw(t, "v")))
		if rapid.Bool().Draw(t, "text") {
			// Any comma that may be a tag becomes a semicolon, if that is an element still.
			if marked := bytes.ReplaceAll(b, []byte(","), []byte(";")); Valid(marked, AllowText(true)) {
				b = marked
			}
		}
		var v any
		if err := Unmarshal(b, &v, KeepOrder(true), AllowText(true)); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if out, err := Marshal(v, AllowText(true)); err != nil || !bytes.Equal(out, b) {
			t.Fatalf("%q became %q, %v", b, out, err)
		}
	})
}

func TestPropAppendIsMarshalOfAString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genBytes().Draw(t, "s")
		for _, v := range []any{s, []byte(s), [3]byte{1, 2, 3}} {
			payload := s
			if _, ok := v.([3]byte); ok {
				payload = "\x01\x02\x03"
			}
			b, err := Marshal(v)
			if want := Append(nil, KindString, []byte(payload)); err != nil || !bytes.Equal(b, want) {
				t.Fatalf("%q, %v; want %q", b, err, want)
			}
		}
	})
}

// genTyped has what rapid can make of types.
type genTyped struct {
	B       bool
	I       int
	I8      int8
	I64     int64
	U       uint16
	U64     uint64
	F       float64
	F32     float32
	S       string `tnet:"s"`
	Omitted string `tnet:",omitempty"`
	Bytes   []byte
	Three   [3]byte
	Array   [2]int
	List    []string
	Lists   [][]int8
	Map     map[string]int
	Ints    map[int16]string
	Uints   map[uint8]bool
	P       *int
	Ps      []*string
	M       map[string]*float64
	In      genTypedIn
	Ins     []genTypedIn
	InP     *genTypedIn
	Quoted  int32 `tnet:",string"`
	Yes     bool  `tnet:",string"`
	Zero    int   `tnet:",omitzero"`
	genTypedIn
}

type genTypedIn struct {
	X, Y int32
	Rest map[string][]uint `tnet:"rest"`
}

func TestPropTypedValueRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Make[genTyped]().Draw(t, "v")
		text := AllowText(rapid.Bool().Draw(t, "text"))
		b, err := Marshal(v, text)
		if err != nil {
			t.Fatal(err)
		}
		var got genTyped
		if err := Unmarshal(b, &got, text, RejectUnknownKeys(true)); err != nil || !reflect.DeepEqual(got, v) {
			t.Fatalf("%q\n%+v, %v; want\n%+v", b, got, err, v)
		}
	})
}

// ---- Entrances -------------------------------------------------------------------------------

func TestPropEntrancesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := genDamaged().Draw(t, "b")
		bits := rapid.Uint16().Draw(t, "options") & (fuzzText | fuzzLoose | fuzzNonFinite | fuzzDuplicates | fuzzOrder | fuzzSmall)
		opts := append([]Option{MaxSize(defaultSize)}, fuzzOptions(bits)...) // a slice has other defaults
		_, rest, cutErr := Cut(b, opts...)

		d := NewDecoder(genReader(t, b), opts...)
		var streamed any
		streamErr := d.Decode(&streamed)

		p := NewParser(opts...)
		raw, feedErr := Raw(nil), ErrShort
		for r := genReader(t, b).(*fuzzReader); feedErr == ErrShort && len(r.b) > 0; {
			var buf [9]byte
			n, _ := r.Read(buf[:])
			p.Feed(buf[:n])
			raw, feedErr = p.NextElement()
		}

		var whole any
		first := b
		if cutErr == nil {
			first = b[:len(b)-len(rest)]
		}
		wholeErr := Unmarshal(first, &whole, opts...)
		switch {
		case cutErr == ErrShort:
			want := io.ErrUnexpectedEOF
			if len(b) == 0 {
				want = io.EOF
			}
			if streamErr != want || feedErr != ErrShort || !errors.Is(wholeErr, io.ErrUnexpectedEOF) {
				t.Fatalf("%q is short; Decode: %v, Parser: %v, Unmarshal: %v", b, streamErr, feedErr, wholeErr)
			}
		case cutErr != nil:
			if !genSameFault(streamErr, cutErr) || !genSameFault(feedErr, cutErr) || !genSameFault(wholeErr, cutErr) {
				t.Fatalf("%q: Cut: %v, Decode: %v, Parser: %v, Unmarshal: %v", b, cutErr, streamErr, feedErr, wholeErr)
			}
		default:
			if feedErr != nil || !bytes.Equal(raw, first) {
				t.Fatalf("%q: Parser: %q, %v; want %q", b, raw, feedErr, first)
			}
			if !genSameFault(streamErr, wholeErr) || !fuzzSame(streamed, whole) {
				t.Fatalf("%q: Decode: %#v, %v; Unmarshal: %#v, %v", b, streamed, streamErr, whole, wholeErr)
			}
			if (wholeErr == nil || fuzzIsType(wholeErr)) && d.Offset() != int64(len(first)) {
				t.Fatalf("%q: offset %d after %q", b, d.Offset(), first)
			}
		}
	})
}

// genSameFault compares errors of two entrances in type, place and reason: all
// but which limit a message names.
func genSameFault(a, b error) bool {
	var x, y *SyntaxError
	if errors.As(a, &x) && errors.As(b, &y) {
		return x.Offset == y.Offset && x.Path == y.Path && x.Err == y.Err
	}
	return fmt.Sprintf("%T %v", a, a) == fmt.Sprintf("%T %v", b, b)
}

// ---- Types with a way of their own -------------------------------------------------------------

// Types that are the common ones to reflection, and are not to commonPlan.
type (
	genStrings   []string
	genInts      []int
	genInt64s    []int64
	genFloat64s  []float64
	genAnys      []any
	genStringMap map[string]string
	genAnyMap    map[string]any
	genPoint2    [2]float64
	genPoint3    [3]float64
)

// genCommon makes values that fit the common types well or nearly.
func genCommon() *rapid.Generator[any] {
	scalar := rapid.OneOf(
		rapid.Map(genBytes(), genAsAny[string]), rapid.Map(rapid.Int64(), genAsAny[int64]), rapid.Map(genFloats(), genAsAny[float64]),
	)
	return rapid.Custom(func(t *rapid.T) any {
		one := rapid.SampledFrom([]*rapid.Generator[any]{
			rapid.Map(genBytes(), genAsAny[string]), rapid.Map(rapid.Int64(), genAsAny[int64]), rapid.Map(genFloats(), genAsAny[float64]),
		}).Draw(t, "kind")
		elems := rapid.SliceOfN(one, 0, 12).Draw(t, "elems")
		if rapid.IntRange(0, 4).Draw(t, "misfit") == 0 {
			elems = append(elems, rapid.OneOf(scalar, genValues(1, false)).Draw(t, "elem"))
		}
		if rapid.Bool().Draw(t, "list") {
			return elems
		}
		m := map[string]any{}
		for i, e := range elems {
			m[strconv.Itoa(i*i)] = e
		}
		return m
	})
}

func TestPropCommonTypesAreNoDifferent(t *testing.T) {
	read := 0
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(genSprintf(genCommon().Draw(t, "v")))
		if rapid.IntRange(0, 3).Draw(t, "damage") == 0 {
			at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
			b[at] = rapid.SampledFrom([]byte("0159:,#^!~]};-.x\xff")).Draw(t, "byte")
		}
		bits := rapid.Uint16().Draw(t, "options") & (fuzzText | fuzzLoose | fuzzNonFinite | fuzzDuplicates | fuzzOrder | fuzzSmall)
		opts := fuzzOptions(bits)
		for _, pair := range [][2]any{
			{new([]string), new(genStrings)},
			{new([]int), new(genInts)},
			{new([]int64), new(genInt64s)},
			{new([]float64), new(genFloat64s)},
			{new([]any), new(genAnys)},
			{new(map[string]string), new(genStringMap)},
			{new(map[string]any), new(genAnyMap)},
			{new(Header), new(genAnyMap)},
		} {
			if genSameBothWays(t, b, pair[0], pair[1], opts) {
				read++
			}
		}
	})
	if read < ofChecks(50) {
		t.Errorf("only %d values were read: the property has lost its point", read)
	}
}

// genSameBothWays reports whether b can be read into common and into plain, which have
// to be the same then, and to be written as the same.
func genSameBothWays(t rapid.TB, b []byte, common, plain any, opts []Option) bool {
	t.Helper()
	err, plainErr := Unmarshal(b, common, opts...), Unmarshal(b, plain, opts...)
	if genFaultText(err) != genFaultText(plainErr) {
		t.Fatalf("%q: %v into %T; %v into %T", b, err, common, plainErr, plain)
	}
	is, want := reflect.ValueOf(common).Elem(), reflect.ValueOf(plain).Elem()
	same := fmt.Sprint(is) == fmt.Sprint(want) // of what cannot be converted, because an element has the name
	if want.CanConvert(is.Type()) {
		same = fuzzSame(is.Interface(), want.Convert(is.Type()).Interface())
	}
	if !same {
		t.Fatalf("%q: %v into %T; %v into %T", b, is, common, want, plain)
	}
	if err != nil {
		return false
	}
	x, xErr := Marshal(common, opts...)
	y, yErr := Marshal(plain, opts...)
	if !bytes.Equal(x, y) || genFaultText(xErr) != genFaultText(yErr) {
		t.Fatalf("%q is written as %q, %v, and as %q, %v", b, x, xErr, y, yErr)
	}
	return true
}

// TestPointsAreNoDifferent is the same for the arrays that have a short way, with every
// list of up to four elements that may be in its way.
func TestPointsAreNoDifferent(t *testing.T) {
	elems := []string{"", "3:1.5^", "4:-0.0^", "1:1#", "0:~", "1:~~", "0:]", "1:.^", "3:inf^", "4:+1.5^", "7:3:1.5^]", "9:1.5^", "3:1.5%"}
	for i := range len(elems) * len(elems) * len(elems) * len(elems) {
		list := ""
		for n := i; n > 0; n /= len(elems) {
			list += elems[n%len(elems)]
		}
		pointsBothWays(t, Append(nil, KindList, []byte(list)), nil)
	}
	for _, point := range []string{"12:3:1.5^3:1.5^]", "18:3:1.5^3:1.5^3:1.5^]"} {
		in := Append(nil, KindList, []byte(point+point))
		for limit := range 12 {
			pointsBothWays(t, in, []Option{MaxDepth(limit)})
			pointsBothWays(t, in, []Option{MaxValues(limit)})
		}
	}
	for _, numbers := range [][2]float64{{1, math.NaN()}, {math.Inf(1), 1}, {1, 2}} {
		for depth := range 3 {
			_, common := Marshal([][2]float64{numbers}, MaxDepth(depth))
			_, plain := Marshal([]genPoint2{numbers}, MaxDepth(depth))
			if genFaultText(common) != genFaultText(plain) {
				t.Errorf("%v within %d levels: %v, and as another type %v", numbers, depth, common, plain)
			}
		}
	}
	for _, damaged := range []string{"12:3:1.5^3:1.5%]", "6:3:1.5^]", "11:3:1.5^3:1.5]", "8:3:1.5^3:]"} {
		pointsBothWays(t, []byte(damaged), nil)
	}
	pointsBothWays(t, []byte("12:3:1.5^3:1.5^}"), nil)
	pointsBothWays(t, []byte("12:3:1.5^3:1.5^,"), nil)
	pointsBothWays(t, []byte("25:4:+1.5^3:inf^3:nan^3:1.5^]"), []Option{AllowLoose(true), AllowNonFinite(true)})
}

// pointsBothWays reads b into points that hold something, which null leaves there, and into
// lists of them.
func pointsBothWays(t *testing.T, b []byte, opts []Option) {
	t.Helper()
	genSameBothWays(t, b, &[2]float64{7, 8}, &genPoint2{7, 8}, opts)
	genSameBothWays(t, b, &[3]float64{7, 8, 9}, &genPoint3{7, 8, 9}, opts)
	genSameBothWays(t, b, &[][2]float64{}, &[]genPoint2{}, opts)
	genSameBothWays(t, b, &[][3]float64{}, &[]genPoint3{}, opts)
}

// genFaultText is an error without the name of its Go type.
func genFaultText(err error) string {
	if e, ok := err.(*TypeError); ok {
		return fmt.Sprint(e.Offset, e.Path, e.Kind, e.Err)
	}
	return fmt.Sprint(err)
}

// ---- Errors leave the target alone --------------------------------------------------------------

// genSnapshot writes down all that v leads to: values, and the identities of
// pointers, maps and backing arrays, up to their capacity.
func genSnapshot(v any) string {
	var s snapshot
	s.walk(reflect.ValueOf(v))
	return s.String()
}

type snapshot struct {
	strings.Builder
	seen []uintptr
}

func (s *snapshot) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Invalid:
		s.WriteString("nil;")
	case reflect.Pointer:
		fmt.Fprintf(s, "&%x;", v.Pointer())
		if !v.IsNil() && !slices.Contains(s.seen, v.Pointer()) {
			s.seen = append(s.seen, v.Pointer())
			s.walk(v.Elem())
		}
	case reflect.Interface:
		if !v.IsNil() {
			s.WriteString(v.Elem().Type().String())
		}
		s.walk(v.Elem())
	case reflect.Map:
		fmt.Fprintf(s, "map %x;", v.Pointer())
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, key := range keys {
			fmt.Fprintf(s, "%q:", fmt.Sprint(key))
			s.walk(v.MapIndex(key))
		}
	case reflect.Slice:
		fmt.Fprintf(s, "slice %x %d %d;", v.Pointer(), v.Len(), v.Cap())
		s.each(v.Slice(0, v.Cap()))
	case reflect.Array:
		s.each(v)
	case reflect.Struct:
		for i := range v.NumField() {
			s.WriteString(v.Type().Field(i).Name + ":")
			s.walk(v.Field(i))
		}
	default:
		fmt.Fprintf(s, "%v;", v)
	}
}

func (s *snapshot) each(v reflect.Value) {
	for i := range v.Len() {
		s.walk(v.Index(i))
	}
}

// genTargets makes targets with something, or nothing, at every place.
func genTargets() *rapid.Generator[*fuzzEvery] {
	return rapid.Custom(func(t *rapid.T) *fuzzEvery {
		full, empty := fuzzTarget(true), new(fuzzEvery)
		for i := range reflect.TypeFor[fuzzEvery]().NumField() {
			from, to := reflect.ValueOf(empty).Elem().Field(i), reflect.ValueOf(full).Elem().Field(i)
			if to.CanSet() && rapid.Bool().Draw(t, "clear") {
				to.Set(from)
			}
		}
		if rapid.Bool().Draw(t, "shared") {
			full.Any, full.Self = full.Ptr, full
		}
		return full
	})
}

// encode writes a node as the reference reader has read it.
func (n *fuzzNode) encode() []byte {
	if n.kind != KindList && n.kind != KindDict {
		return Append(nil, n.kind, n.payload)
	}
	var payload []byte
	for i := range n.kids {
		payload = append(payload, n.kids[i].encode()...)
	}
	return Append(nil, n.kind, payload)
}

// nodes lists n and all below it that are not keys.
func (n *fuzzNode) nodes() []*fuzzNode {
	all := []*fuzzNode{n}
	for i := range n.kids {
		if n.kind == KindList || i%2 == 1 {
			all = append(all, n.kids[i].nodes()...)
		}
	}
	return all
}

func TestPropErrorsLeaveTheTargetAlone(t *testing.T) {
	failed := 0
	rapid.Check(t, func(t *rapid.T) {
		source := fuzzTarget(true)
		source.Reader = nil
		doc, err := Marshal(source)
		if err != nil {
			t.Fatal(err)
		}
		tree, ok := fuzzParse(doc, 0)
		if !ok {
			t.Fatalf("%q", doc)
		}
		rapid.SampledFrom(genShuffled(t, &tree)).Draw(t, "node").become(t)
		b := tree.encode()
		if rapid.IntRange(0, 4).Draw(t, "break") == 0 {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		}
		target := genTargets().Draw(t, "target")
		before := genSnapshot(target)
		if err := Unmarshal(b, target, RejectUnknownKeys(rapid.Bool().Draw(t, "reject"))); err != nil {
			failed++
			if after := genSnapshot(target); after != before {
				t.Fatalf("%v; the target was\n%s\nand is\n%s", err, before, after)
			}
		}
	})
	if failed < ofChecks(20) {
		t.Errorf("only %d documents did not fit: the property has lost its point", failed)
	}
}

// genShuffled puts the entries of the root in another order, so that what fails
// has read much or little before, and returns the nodes.
func genShuffled(t *rapid.T, root *fuzzNode) []*fuzzNode {
	order := rapid.Permutation(genIndices(len(root.kids)/2)).Draw(t, "order")
	var kids []fuzzNode
	for _, i := range order {
		kids = append(kids, root.kids[2*i], root.kids[2*i+1])
	}
	root.kids = kids
	return root.nodes()
}

func genIndices(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// become makes another element of n.
func (n *fuzzNode) become(t *rapid.T) {
	other, _ := fuzzParse([]byte(genSprintf(genValues(2, false).Draw(t, "other"))), 0)
	*n = other
}

// ---- encoding/json --------------------------------------------------------------------------------

// genMerged has the same names for both packages.
type genMerged struct {
	B      bool
	I      int8
	U      uint8
	F      float32
	S      string
	Array  [2]int
	Map    map[string]int
	Ints   map[int]string
	Maps   map[string]*genMergedIn
	P      *int
	PP     **int
	In     genMergedIn
	InP    *genMergedIn
	Self   *genMerged
	Any    any
	AnyPP  any
	List   []int
	Lists  []genMergedIn
	Q      int  `json:",string" tnet:",string"`
	QP     *int `json:",string" tnet:",string"`
	Hidden int  `json:"-" tnet:"-"`
	Named  int  `json:"name" tnet:"name"`
	*GenMergedEmbedded
	genMergedIn
	Tagged genMergedIn `json:"tagged,omitempty" tnet:"tagged,omitempty"`
}

type genMergedIn struct {
	X, Y int
	Z    any
}

type GenMergedEmbedded struct {
	X string
	E map[string]string
}

// genPreset makes a target for merging; slices are nil, since ours are always
// new and encoding/json's are not.
func genPreset(choice uint32) *genMerged {
	n, m := 7, 8
	pn, pm := &n, &m
	full := &genMerged{
		B: true, I: 1, U: 2, F: 3, S: "s", Array: [2]int{4, 5}, Map: map[string]int{"a": 1}, Ints: map[int]string{1: "x"},
		Maps: map[string]*genMergedIn{"a": {1, 2, nil}}, P: pn, PP: &pm, In: genMergedIn{1, 2, &genMergedIn{X: 3}},
		InP: &genMergedIn{3, 4, "z"}, Self: &genMerged{I: 5, Map: map[string]int{"b": 2}}, Any: &genMergedIn{5, 6, nil},
		AnyPP: &pm, Q: 9, QP: pn, Hidden: 1, Named: 2, GenMergedEmbedded: &GenMergedEmbedded{"e", map[string]string{"a": "b"}},
		genMergedIn: genMergedIn{7, 8, 1.5}, Tagged: genMergedIn{9, 10, false},
	}
	v := reflect.ValueOf(full).Elem()
	for i := range v.NumField() {
		if choice>>i&1 == 1 && v.Field(i).CanSet() {
			v.Field(i).SetZero()
		}
	}
	return full
}

// genJSON makes values that mean the same in JSON and as tnetstrings.
func genJSON(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kinds := 7
		if depth == 0 {
			kinds = 5
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return rapid.Int64Range(-300, 300).Draw(t, "int")
		case 3:
			return float64(rapid.IntRange(-9, 9).Draw(t, "float")) + 0.5
		case 4:
			return rapid.SampledFrom([]string{"", "a", "12", "-3", "x y"}).Draw(t, "string")
		case 5:
			return rapid.SliceOfN(genJSON(depth-1), 0, 3).Draw(t, "list")
		}
		return genJSONDict(depth-1).Draw(t, "dict")
	})
}

var genMergedNames = []string{
	"B", "I", "U", "F", "S", "Array", "Map", "Ints", "Maps", "P", "PP", "In", "InP", "Self", "Any", "AnyPP", "List",
	"Lists", "Q", "QP", "Hidden", "name", "X", "Y", "Z", "E", "tagged", "a", "1", "unknown",
}

// genFitting makes a value that likely fits the field of that name.
func genFitting(name string, depth int) *rapid.Generator[any] {
	in := genJSONDict(max(depth, 0), "X", "Y", "Z")
	small := rapid.Map(rapid.Int64Range(-3, 100), genAsAny[int64])
	switch name {
	case "B":
		return rapid.Map(rapid.Bool(), genAsAny[bool])
	case "I", "U", "P", "PP", "name", "Y", "AnyPP", "F":
		return small
	case "S", "X":
		return rapid.Map(rapid.SampledFrom([]string{"p", "q"}), genAsAny[string])
	case "Q", "QP":
		return rapid.Map(rapid.Int64Range(-3, 100), func(n int64) any { return strconv.FormatInt(n, 10) })
	case "Array", "List":
		return rapid.Map(rapid.SliceOfN(small, 0, 4), genAsAny[[]any])
	case "Map":
		return rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), small, 0, 2), genAsAny[map[string]any])
	case "In", "InP", "tagged", "Any":
		return in
	case "Lists":
		return rapid.Map(rapid.SliceOfN(in, 0, 2), genAsAny[[]any])
	case "Maps":
		return rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), in, 0, 2), genAsAny[map[string]any])
	case "Self":
		return genJSONDict(max(depth, 0), genMergedNames...)
	}
	return genJSON(max(depth, 0))
}

func genAsAny[T any](v T) any { return v }

// genJSONDict makes dicts with some of these names, or of those of genMerged.
func genJSONDict(depth int, names ...string) *rapid.Generator[any] {
	if len(names) == 0 {
		names = genMergedNames
	}
	return rapid.Custom(func(t *rapid.T) any {
		dict := Dict{}
		for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 4, rapid.ID).Draw(t, "keys") {
			value := genFitting(key, depth-1)
			if rapid.IntRange(0, 9).Draw(t, "misfit") == 0 {
				value = genJSON(max(depth-1, 0))
			}
			dict = append(dict, Entry{Key: key, Value: value.Draw(t, "value")})
		}
		return dict
	})
}

// genInJSON writes v as JSON, dicts in their order.
func genInJSON(v any) string {
	var parts []string
	switch v := v.(type) {
	case Dict:
		for _, e := range v {
			parts = append(parts, genInJSON(e.Key)+":"+genInJSON(e.Value))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, genInJSON(key)+":"+genInJSON(v[key]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		for _, e := range v {
			parts = append(parts, genInJSON(e))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// genAsJSON replaces the integers in v's interfaces by the floats that
// encoding/json makes of them.
func genAsJSON(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case []any:
		for i := range v {
			v[i] = genAsJSON(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = genAsJSON(v[k])
		}
	case *genMergedIn:
		if v != nil {
			v.asJSON()
		}
	}
	return v
}

func (v *genMergedIn) asJSON() { v.Z = genAsJSON(v.Z) }

func (v *genMerged) asJSON() {
	v.Any, v.AnyPP = genAsJSON(v.Any), genAsJSON(v.AnyPP)
	for _, in := range v.Maps {
		genAsJSON(in)
	}
	for i := range v.Lists {
		v.Lists[i].asJSON()
	}
	genAsJSON(v.InP)
	v.In.asJSON()
	v.genMergedIn.asJSON()
	v.Tagged.asJSON()
	if v.Self != nil {
		v.Self.asJSON()
	}
}

func TestPropMergesAsJSON(t *testing.T) {
	succeeded := 0
	rapid.Check(t, func(t *rapid.T) {
		choice := rapid.Uint32().Draw(t, "preset")
		ours, theirs := genPreset(choice), genPreset(choice)
		doc := genJSONDict(3).Draw(t, "doc")
		b, err := Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		ourErr := Unmarshal(b, ours)
		theirErr := json.Unmarshal([]byte(genInJSON(doc)), theirs)
		if (ourErr == nil) != (theirErr == nil) {
			t.Fatalf("%s\npetrichor: %v\nencoding/json: %v", genInJSON(doc), ourErr, theirErr)
		}
		if ourErr != nil {
			return
		}
		succeeded++
		ours.asJSON()
		theirs.asJSON()
		if !reflect.DeepEqual(ours, theirs) {
			x, _ := json.Marshal(ours)
			y, _ := json.Marshal(theirs)
			t.Fatalf("%s\npetrichor:\n%s\n%+v\nencoding/json:\n%s\n%+v", genInJSON(doc), x, ours, y, theirs)
		}
	})
	if succeeded < ofChecks(20) {
		t.Errorf("only %d documents fitted: the property has lost its point", succeeded)
	}
}

// ofChecks is n of the hundred checks that rapid makes, or of the twenty with
// -short.
func ofChecks(n int) int {
	if testing.Short() {
		return n / 5
	}
	return n
}
