package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/internal/conform"
	"github.com/petrichor-protocol/petrichor/spec"
)

// A flaw is what an implementation does wrong, as a change of the question before a right one
// answers it, or of the answer.
type flaw struct {
	fault string
	topic string // of vectors that have to find it
	ask   func(conform.Question) conform.Answer
}

// Implementations that are wrong in one way each.
var flaws = []flaw{
	// What is accepted.
	{"zeros in front of a size", "size", askedFor(func(q *conform.Question) { q.Options = append(q.Options, "loose") })},
	{"a key twice", "dict", askedFor(func(q *conform.Question) { q.Options = append(q.Options, "duplicates") })},
	{"the tag of text without being asked", "text", askedFor(func(q *conform.Question) { q.Options = append(q.Options, "text") })},
	{"infinite floats", "float", askedFor(func(q *conform.Question) { q.Options = append(q.Options, "nonfinite") })},
	{"no limit of depth", "nesting", askedFor(func(q *conform.Question) { q.Limits["depth"] = 10_000 })},
	{"no limit of size", "limit", askedFor(func(q *conform.Question) { q.Limits["size"] = 999_999_999 })},
	{"no limit of headers", "frame", askedFor(func(q *conform.Question) { q.Limits["header"] = 999_999_999 })},
	{"no limit of values", "limit", askedFor(func(q *conform.Question) { q.Limits["values"] = math.MaxInt })},
	{"a first frame like any other", "first", askedFor(func(q *conform.Question) { q.Read = strings.Replace(q.Read, "first", "frames", 1) })},
	{"sizes as strtol reads them", "size", lenient(sloppy{sizes: true})},
	{"an empty size", "size", lenient(sloppy{noSize: true})},
	{"any tag", "tag", lenient(sloppy{tags: true})},
	{"a bool that is not true is false", "bool", lenient(sloppy{bools: true})},
	{"a null with a payload", "null", lenient(sloppy{nulls: true})},
	{"ints as strtol reads them", "int", lenient(sloppy{ints: true})},
	{"floats as strconv reads them", "float", lenient(sloppy{floats: true})},
	{"keys of any kind", "dict", lenient(sloppy{keys: true})},
	{"a key without a value", "dict", lenient(sloppy{odd: true})},
	{"an element that reaches beyond its list", "list", lenient(sloppy{reaching: true})},
	{"bytes behind the element", "trailing", lenient(sloppy{trailing: true})},
	{"a header that is no dict", "frame", lenient(sloppy{headers: true})},

	// What becomes of it.
	{"ints of 32 bits", "int", valued("int", func(text string) string { return fmt.Sprint(int32(number(text))) })},
	{"ints of 64 bits that wrap", "int", valued("int", func(text string) string { return fmt.Sprint(wrapped(text)) })},
	{"floats of 32 bits", "float", valued("float", func(text string) string {
		f, _ := strconv.ParseFloat(text, 64)
		return fmt.Sprint(float32(f))
	})},
	{"minus zero is zero", "float", valued("float", func(text string) string { return strings.Replace(text, "-0", "0", 1) })},
	{"strings that end at a NUL", "string", valued("string", func(text string) string { return strings.SplitN(text, "\x00", 2)[0] })},
	{"strings that are UTF-8", "string", valued("string", func(text string) string { return strings.ToValidUTF8(bytesAsText(text), "?") })},
	{"strings without blanks", "string", valued("string", strings.TrimSpace)},
	{"null for an empty list", "list", replaced(`{"type":"list","value":[]}`, `{"type":"null"}`)},
	{"null for an empty dict", "dict", replaced(`{"type":"dict","value":[]}`, `{"type":"null"}`)},
	{"true for false", "bool", replaced(`"bool","value":false`, `"bool","value":true`)},
	{"text is a string", "text", replaced(`"type":"text"`, `"type":"string"`)},
	{"keys in small letters", "dict", answered(func(q conform.Question, a *conform.Answer) { lowerKeys(a) })},
	{"dicts written in order of their keys", "dict", answered(func(q conform.Question, a *conform.Answer) {
		if a.Verdict == "ok" && strings.HasPrefix(string(q.Wire), "16:1:b,") {
			sorted := "16:1:a,1:1#1:b,1:2#}"
			a.Canon = &sorted
		}
	})},
	{"floats written as they came", "float", answered(func(q conform.Question, a *conform.Answer) {
		if came := string(q.Wire); strings.HasSuffix(came, "^") && a.Verdict == "ok" {
			a.Canon = &came
		}
	})},

	// What is said of it.
	{"offsets that are one off", "size", answered(func(q conform.Question, a *conform.Answer) {
		if a.At != nil {
			*a.At++
		}
	})},
	{"short is a fault", "short", said("short", "syntax error")},
	{"a fault is short", "size", said("syntax error", "short")},
	{"limits are faults", "limit", said("limit", "syntax error")},
	{"header errors are faults", "frame", said("header error", "syntax error")},
	{"out of range is a fault", "range", said("range", "syntax error")},
	{"frames before a fault are lost", "frame", answered(func(q conform.Question, a *conform.Answer) {
		if q.Read == "frames" && a.Verdict != "ok" {
			a.Values = []conform.Value{}
		}
	})},
	{"the rest is swallowed", "first", answered(func(q conform.Question, a *conform.Answer) { a.Rest = new(int) })},
	{"an answer that is truthy allows", "answer", answered(func(q conform.Question, a *conform.Answer) {
		if yes := strings.Contains(string(q.Wire), "allowed,1:1#"); yes && q.Read == "answer" {
			a.Allowed = &yes
		}
	})},
	{"an answer without the key denies", "answer", answered(func(q conform.Question, a *conform.Answer) {
		if no := strings.Contains(string(q.Wire), "allowed"); !no && q.Read == "answer" {
			a.Allowed = &no
		}
	})},
	{"what cannot be read allows", "answer", answered(func(q conform.Question, a *conform.Answer) {
		if yes := a.Verdict != "ok"; yes && q.Read == "answer" {
			a.Allowed = &yes
		}
	})},
	{"no option, and none asked for", "string", answered(func(q conform.Question, a *conform.Answer) { a.Verdict = conform.Unsupported })},

	// What it does instead of an answer.
	{"a crash", "nesting", func(q conform.Question) conform.Answer {
		if strings.Count(string(q.Wire), "]") > 50 {
			os.Exit(2)
		}
		return right(q)
	}},
	{"a hang", "size", func(q conform.Question) conform.Answer {
		if len(q.Wire) == 0 || string(q.Wire) == "05:hello," {
			time.Sleep(time.Hour)
		}
		return right(q)
	}},
	{"an answer that is none", "string", answered(func(q conform.Question, a *conform.Answer) { a.Verdict = "perhaps" })},
	{"a value of no type", "string", replaced(`"type":"string"`, `"type":"str"`)},
	{"bytes beyond bytes", "string", replaced(`ÿ`, `\u0100`)},
	{"a bad end", "end", nil},
}

func right(q conform.Question) conform.Answer { return conform.Ask(q, "slice") }

func askedFor(change func(*conform.Question)) func(conform.Question) conform.Answer {
	return func(q conform.Question) conform.Answer {
		change(&q)
		return right(q)
	}
}

func answered(change func(conform.Question, *conform.Answer)) func(conform.Question) conform.Answer {
	return func(q conform.Question) conform.Answer {
		a := right(q)
		change(q, &a)
		return a
	}
}

// said says something else.
func said(verdict, instead string) func(conform.Question) conform.Answer {
	return answered(func(_ conform.Question, a *conform.Answer) {
		if a.Verdict == verdict {
			a.Verdict = instead
		}
	})
}

// replaced replaces a piece of the answer's JSON.
func replaced(piece, instead string) func(conform.Question) conform.Answer {
	return func(q conform.Question) (a conform.Answer) {
		text := strings.ReplaceAll(right(q).String(), piece, instead)
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			panic(err)
		}
		return a
	}
}

// valued changes what the values of a kind are.
func valued(kind string, change func(string) string) func(conform.Question) conform.Answer {
	of := regexp.MustCompile(`"type":"` + kind + `","value":("(?:[^"\\]|\\.)*")`)
	return func(q conform.Question) (a conform.Answer) {
		text := of.ReplaceAllStringFunc(right(q).String(), func(value string) string {
			var was string
			json.Unmarshal([]byte(of.FindStringSubmatch(value)[1]), &was)
			now, _ := json.Marshal(change(was))
			return `"type":"` + kind + `","value":` + string(now)
		})
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			panic(err)
		}
		return a
	}
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// wrapped is an int as whoever multiplies by ten and adds gets it.
func wrapped(text string) (n int64) {
	for _, digit := range strings.TrimPrefix(text, "-") {
		n = n*10 + int64(digit-'0')
	}
	if text[0] == '-' {
		return -n
	}
	return n
}

// bytesAsText is a string of characters that are bytes as those bytes.
func bytesAsText(text string) string {
	b := []byte{}
	for _, r := range text {
		b = append(b, byte(r))
	}
	return string(b)
}

func lowerKeys(a *conform.Answer) {
	for i, v := range a.Values {
		if v.Type == "dict" {
			a.Values[i].Value = bytes.ToLower(v.Value)
		}
	}
}

// lenient says ok to what is a fault, and what s takes.
func lenient(s sloppy) func(conform.Question) conform.Answer {
	return func(q conform.Question) conform.Answer {
		a := right(q)
		if a.Verdict != "ok" && a.Verdict != "short" && s.all(q) {
			return conform.Answer{Verdict: "ok", Rest: new(int)}
		}
		return a
	}
}

// sloppy is a reader that takes what it should not, of the kinds that are set.
type sloppy struct {
	sizes, noSize, tags, bools, nulls, ints, floats bool
	keys, odd, reaching, trailing, headers          bool
}

func (s sloppy) all(q conform.Question) bool {
	kinds, ok := s.run(q.Wire)
	if q.Read == "element" {
		return ok && (len(kinds) == 1 || s.trailing && len(kinds) > 0)
	}
	return ok && len(kinds) > 1 && (kinds[0] == '}' || s.headers)
}

// run reads elements in a row.
func (s sloppy) run(b []byte) (kinds []byte, ok bool) {
	for len(b) > 0 {
		kind, rest, ok := s.one(b)
		if !ok {
			return kinds, s.trailing && len(kinds) > 0
		}
		kinds, b = append(kinds, kind), rest
	}
	return kinds, true
}

func (s sloppy) one(b []byte) (kind byte, rest []byte, ok bool) {
	digits, after, found := bytes.Cut(b, []byte(":"))
	size, fine := s.size(string(digits))
	if !found || !fine {
		return 0, nil, false
	}
	if size+1 > len(after) && s.reaching {
		size = len(after) - 1
	}
	if size < 0 || size+1 > len(after) {
		return 0, nil, false
	}
	kind = after[size]
	return kind, after[size+1:], s.holds(kind, after[:size])
}

func (s sloppy) size(digits string) (int, bool) {
	if digits == "" {
		return 0, s.noSize
	}
	if s.sizes {
		n, err := strconv.ParseInt(strings.TrimLeft(digits, " \t\n+"), 0, 32)
		return int(n), err == nil
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && strconv.Itoa(n) == digits
}

// holds reports whether payload will do for a kind.
func (s sloppy) holds(kind byte, payload []byte) bool {
	whole := []byte(strconv.Itoa(len(payload)) + ":" + string(payload) + string(rune(kind)))
	if petrichor.Valid(whole) {
		return true
	}
	switch kind {
	case '!':
		return s.bools
	case '~':
		return s.nulls
	case '#':
		_, err := strconv.ParseInt(strings.TrimSpace(string(payload)), 0, 64)
		return s.ints && err == nil
	case '^':
		_, err := strconv.ParseFloat(string(payload), 64)
		return s.floats && err == nil
	case ']':
		_, ok := s.run(payload)
		return ok
	case '}':
		return s.dict(payload)
	}
	return s.tags
}

func (s sloppy) dict(payload []byte) bool {
	kinds, ok := s.run(payload)
	if !ok || len(kinds)%2 == 1 && !s.odd {
		return false
	}
	for i := 0; i < len(kinds); i += 2 {
		if kinds[i] != ',' && !s.keys {
			return false
		}
	}
	return true
}

// flawedCodec is the program that has a flaw.
func flawedCodec() {
	at := slices.IndexFunc(flaws, func(f flaw) bool { return f.fault == os.Args[1] })
	ask := flaws[at].ask
	if ask == nil {
		ask = right
	}
	if err := conform.Serve(os.Stdin, os.Stdout, ask); err != nil || flaws[at].ask == nil {
		os.Exit(3)
	}
}

// Every flaw is found, by vectors about it.
func TestConformFindsFlaws(t *testing.T) {
	for _, f := range flaws {
		t.Run(f.fault, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command("petrichor", "conform", "-q", "-t", "500ms", "--", "flawed", f.fault).Output()
			exit, ok := err.(*exec.ExitError)
			if !ok || exit.ExitCode() != exitOther {
				t.Fatalf("%v\n%s", err, out)
			}
			if !strings.Contains(string(out), "\nFAIL  "+f.topic+"  ") && !strings.HasPrefix(string(out), "FAIL  "+f.topic+"  ") {
				t.Errorf("not found by %s\n%s", f.topic, out)
			}
		})
	}
}

// Nothing is wrong with this implementation, at any entrance, and nothing left out.
func TestConformFindsNothing(t *testing.T) {
	for _, entrance := range conform.Entrances {
		out, err := exec.Command("petrichor", "conform", "--strict", "-q", "--", "petrichor", "verdict", "--entrance", entrance).CombinedOutput()
		if err != nil || !bytes.Contains(out, fmt.Appendf(nil, "  %d  %d     0     0\n", len(spec.Vectors()), len(spec.Vectors()))) {
			t.Errorf("%s: %v\n%s", entrance, err, out)
		}
	}
}
