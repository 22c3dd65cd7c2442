package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/petrichor-protocol/petrichor"
	"pgregory.net/rapid"
)

// project is cat --to json, and back cat --from json.
func project(raw petrichor.Raw, p printer) []byte {
	var out bytes.Buffer
	p.w = bufio.NewWriter(&out)
	p.raw(raw)
	p.w.Flush()
	return out.Bytes()
}

func back(text []byte) (petrichor.Raw, error) {
	in := newInput()
	in.from.value = "json"
	rec, err := in.source(bytes.NewReader(text)).next()
	return rec.value, err
}

// An elementGen draws elements of every kind as bytes: what a decoder would never make of them
// (numbers with long tails, keys that look like escapes) included.
type elementGen struct {
	keys []string
	text bool
}

func (g elementGen) draw(t *rapid.T, depth int) petrichor.Raw {
	kinds := []petrichor.Kind{'~', '!', '#', '^', ',', ']', '}', ']', '}'}
	if depth == 0 {
		kinds = kinds[:5]
	}
	if g.text {
		kinds = append(kinds, petrichor.KindText)
	}
	k := rapid.SampledFrom(kinds).Draw(t, "kind")
	return petrichor.Append(nil, k, g.payload(t, k, depth))
}

func (g elementGen) payload(t *rapid.T, k petrichor.Kind, depth int) []byte {
	switch k {
	case petrichor.KindNull:
		return nil
	case petrichor.KindBool:
		return strconv.AppendBool(nil, rapid.Bool().Draw(t, "bool"))
	case petrichor.KindInt:
		return []byte(rapid.StringMatching(`0|-?[1-9][0-9]{0,30}`).Draw(t, "int"))
	case petrichor.KindFloat:
		return []byte(rapid.StringMatching(`-?(0|[1-9][0-9]{0,9})(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?|inf|-inf|nan`).Draw(t, "float"))
	case petrichor.KindText:
		return []byte(rapid.String().Draw(t, "text"))
	case petrichor.KindString:
		return g.str(t)
	case petrichor.KindDict:
		return g.dict(t, depth)
	}
	var payload []byte
	for range rapid.IntRange(0, 4).Draw(t, "length") {
		payload = append(payload, g.draw(t, depth-1)...)
	}
	return payload
}

func (g elementGen) str(t *rapid.T) []byte {
	return rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) }),
		rapid.SliceOfN(rapid.Byte(), 0, 12),
		rapid.Map(rapid.SampledFrom(g.keys), func(s string) []byte { return []byte(s) }),
	).Draw(t, "string")
}

func (g elementGen) dict(t *rapid.T, depth int) []byte {
	var payload []byte
	seen := map[string]bool{}
	for range rapid.IntRange(0, 3).Draw(t, "length") {
		key := g.str(t)
		kind := petrichor.KindString
		if g.text && utf8.Valid(key) && rapid.Bool().Draw(t, "text key") {
			kind = petrichor.KindText
		}
		if seen[string(key)] {
			continue
		}
		seen[string(key)] = true
		payload = petrichor.Append(payload, kind, key)
		payload = append(payload, g.draw(t, depth-1)...)
	}
	return payload
}

var likeEscapes = []string{
	"$bytes", "$float", "$text", "$dict", "$$bytes", "$$$dict", "$", "$$", "$ref", "bytes", "", "/w==", "1", "inf", "\xff",
}

// Whatever an element holds, cat --to json | cat --from json gives the same bytes: compact,
// indented, and after another program has reformatted it.
func TestJSONIsIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := elementGen{keys: likeEscapes}.draw(t, 4)
		text := project(raw, printer{indent: rapid.IntRange(0, 3).Draw(t, "indent"), exact: rapid.Bool().Draw(t, "exact")})
		wantSame(t, raw, text)
		var other bytes.Buffer
		if err := json.Indent(&other, text, " ", "\t"); err != nil {
			t.Fatalf("encoding/json refuses %s: %v", text, err)
		}
		wantSame(t, raw, other.Bytes())
	})
}

// With --exact that holds for text, which mitmproxy's dumps have, as well.
func TestExactJSONIsIdentity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := elementGen{keys: likeEscapes, text: true}.draw(t, 4)
		wantSame(t, raw, project(raw, printer{exact: true}))
	})
}

// Without it only the tag of text is lost.
func TestPlainJSONLosesOnlyTags(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := elementGen{keys: likeEscapes, text: true}.draw(t, 4)
		text := project(raw, printer{})
		once, err := back(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if again := project(once, printer{}); !bytes.Equal(again, text) {
			t.Fatalf("%s\nbecame\n%s", text, again)
		}
	})
}

func wantSame(t *rapid.T, raw petrichor.Raw, text []byte) {
	got, err := back(text)
	if err != nil {
		t.Fatalf("%q as JSON is %s, which is refused: %v", raw, text, err)
	}
	if !bytes.Equal(got, raw) {
		t.Fatalf("%q\nas JSON is %s\nand comes back as %q", raw, text, got)
	}
}

// jsonish draws text that is JSON, nearly, or not at all.
func jsonish(t *rapid.T) string {
	parts := rapid.SliceOfN(rapid.SampledFrom([]string{
		"{", "}", "[", "]", ",", ":", `"a"`, `"b"`, `"\u0041"`, `"\n"`, "1", "-0", "1.5e3", "0", "01", "-", "true", "null",
		"nul", " ", "\n", `"`, `\`, `"\x"`, "1.", ".5", "+1", "\x00", "é",
	}), 0, 12).Draw(t, "parts")
	return strings.Join(parts, "")
}

// What is read is JSON by the standard library's judgement, and what it judges to be JSON is read,
// but for what tnetstrings cannot hold.
func TestJSONSyntaxIsThatOfTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := jsonish(t)
		j := jsonReader{r: bufio.NewReader(strings.NewReader(text)), maxSize: math.MaxInt32, maxDepth: 100}
		_, err := j.next()
		rest := err
		if err == nil {
			_, rest = j.next()
		}
		if got, want := rest == io.EOF && err == nil, json.Valid([]byte(text)); got != want {
			t.Fatalf("%q is JSON: %v, but it is read: %v (%v, %v)", text, want, got, err, rest)
		}
	})
}

// The same, seeded for the fuzzer, with any bytes.
func FuzzJSONSyntaxIsThatOfTheStandardLibrary(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-0,1.5e3,true,null,"\u00e9\ud83d\ude00"]}`, `[[[]]]`, `"\ud800"`, `{"$bytes":"/w=="}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		j := jsonReader{r: bufio.NewReader(bytes.NewReader(text)), maxSize: math.MaxInt32, maxDepth: 100}
		raw, err := j.next()
		if err != nil {
			return
		}
		raw = bytes.Clone(raw)
		if _, err := j.next(); err == io.EOF && !json.Valid(text) {
			t.Fatalf("%q is read, and is no JSON", text)
		}
		if !petrichor.Valid(raw, petrichor.AllowText(true), petrichor.AllowNonFinite(true), petrichor.AllowDuplicateKeys(true)) {
			err := check(raw, 0, []petrichor.Option{petrichor.AllowText(true), petrichor.AllowNonFinite(true), petrichor.AllowDuplicateKeys(true)})
			if !isAny(err, petrichor.ErrPayload, petrichor.ErrTooLarge, petrichor.ErrKey, petrichor.ErrTooDeep) {
				t.Fatalf("%q becomes %q: %v", text, raw, err)
			}
		}
	})
}

func TestJSONFaults(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"$bytes":1}`, "$bytes: found a int, want a string"},
		{`{"$bytes":"_w=="}`, "$bytes: illegal base64"},
		{`{"$bytes":"/x=="}`, "$bytes: illegal base64"}, // its last bits are not 0: two spellings of one string
		{`{"$float":"x"}`, "payload does not match its tag"},
		{`{"$text":[]}`, "$text: found a list, want a string"},
		{`{"$dict":1}`, "$dict: want a list of [key, value]"},
		{`{"$dict":[[1]]}`, "$dict: want a list of [key, value]"},
		{`{"$dict":[[1,2]]}`, "dict key is not a string"},
		{`{"$dict":[["a",1],["a",2]]}`, "duplicate dict key"},
		{"\"\xff\"", "string is not UTF-8 at offset 0"},
		{`"\udc00\ud800"`, "half a surrogate pair"},
		{`"\ud800x"`, "half a surrogate pair"},
		{`"\u00g0"`, "want four hexadecimal digits"},
		{`"\q"`, "after a backslash"},
		{`nothing`, `found "nothing", want a JSON value at offset 0`},
		{strings.Repeat("1", 401), "element larger than the limit"},
		{strings.Repeat("1", 600), "element larger than the limit"},
		{strings.Repeat("[", 101), "nesting deeper than the limit"},
		{`{"a"`, "ends inside a value"},
		{`"abc`, "ends inside a value"},
		{`"\u12`, "ends inside a value"},
		{`[1 2]`, "found '2', want a comma or ']' at offset 3"},
	} {
		_, err := back([]byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
		if code := codeOf(err); code != exitMalformed && code != exitLimit {
			t.Errorf("%q: exit code %d", c.text, code)
		}
	}
}

// A reader that fails is not a fault of the text.
func TestJSONReaderError(t *testing.T) {
	broken := errors.New("broken")
	in := newInput()
	in.from.value = "json"
	src := in.source(io.MultiReader(strings.NewReader(`{"a":[1,`), failing{broken}))
	if _, err := src.next(); !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// No more is read of a value than can be within the limit, whatever it is made of.
func TestJSONStopsAtLimit(t *testing.T) {
	for _, unit := range []string{
		`{},`, `[],`, `"",`, `0,`, `{"":[]},`, `{"$$text":[]},`, `{"$text":"a"},`, `{"$bytes":"aGk="},`, `{"$dict":[]},`,
	} {
		in := newInput()
		in.from.value, in.limits.size = "json", 200<<10
		text := &counting{r: io.MultiReader(strings.NewReader("["), repeatedText(unit, 8<<20))}
		_, err := in.source(text).next()
		if !errors.Is(err, petrichor.ErrTooLarge) {
			t.Errorf("%s: %v, want %v", unit, err, petrichor.ErrTooLarge)
		}
		if text.n > 4<<20 {
			t.Errorf("%s: %d bytes were read", unit, text.n)
		}
	}
}

// repeatedText reads as unit over and over, size bytes in all or a few less.
func repeatedText(unit string, size int) io.Reader {
	return strings.NewReader(strings.Repeat(unit, size/len(unit)))
}

// A counting reader counts what is read.
type counting struct {
	r io.Reader
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}
