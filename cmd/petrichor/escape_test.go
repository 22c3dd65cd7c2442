package main

import (
	"bufio"
	"bytes"
	"testing"
	"unicode/utf8"

	"github.com/petrichor-protocol/petrichor"
)

// everyPair calls do with all 65,536 strings of two bytes, each between two letters.
func everyPair(do func(s []byte)) {
	for i := range 1 << 16 {
		do([]byte{'a', byte(i >> 8), byte(i), 'b'})
	}
}

// isTame reports whether a terminal shows s and obeys none of it.
func isTame(s []byte) bool {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		switch {
		case r == utf8.RuneError && n == 1,
			r < 0x20 && r != '\n' && r != '\t',
			r >= 0x7f && r <= 0x9f,
			r >= 0x202a && r <= 0x202e,
			r >= 0x2066 && r <= 0x2069:
			return false
		}
		s = s[n:]
	}
	return true
}

// Whatever a peer sends, nothing that is meant for a person's eyes holds what a terminal obeys.
func TestNothingHostileReachesATerminal(t *testing.T) {
	skipRace(t)
	terminal := &output{terminal: true, colors: palette{}}
	ways := map[string]func(s []byte) []byte{
		"escape":     escape,
		"escapeLine": func(s []byte) []byte { return []byte(escapeLine(string(s))) },
		"quote":      quote,
		"reading": func(s []byte) []byte {
			return []byte(reading(petrichor.Append(nil, petrichor.KindString, s), 80))
		},
		"report": func(s []byte) []byte {
			var out bytes.Buffer
			report(&out, fail(exitOther, "%s", s))
			return out.Bytes()
		},
	}
	for _, form := range []string{"tnet", "json", "pretty"} {
		ways[form] = func(s []byte) []byte {
			var out bytes.Buffer
			terminal.Writer = bufio.NewWriter(&out)
			key := petrichor.Append(nil, petrichor.KindString, s)
			dict := petrichor.Append(nil, petrichor.KindDict, append(key, key...))
			newSink(terminal, formOf(form))(record{value: dict})
			terminal.Flush()
			return out.Bytes()
		}
	}
	ways["hex"] = func(s []byte) []byte {
		var out bytes.Buffer
		terminal.Writer = bufio.NewWriter(&out)
		dump := hexDump{out: terminal}
		dump.record(record{value: petrichor.Append(nil, petrichor.KindString, s)})
		terminal.Flush()
		return out.Bytes()
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			everyPair(func(s []byte) {
				if shown := way(s); !isTame(shown) {
					t.Fatalf("%q is shown as %q", s, shown)
				}
			})
		})
	}
}

// skipRace skips what tries very many inputs on one goroutine: slow there, and nothing to find.
func skipRace(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("one goroutine has no races")
	}
}

func formOf(name string) form { return form{name: name, indent: -1} }

// The marks that reorder text have three bytes, so pairs do not try them.
func TestMarksThatReorderAreEscaped(t *testing.T) {
	skipRace(t)
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if s := []byte(string(r)); !isTame(escape(s)) || !isTame(quote(s)) {
			t.Fatalf("%U is not escaped", r)
		}
	}
}

// What is harmless stays as it is.
func TestEscapeKeepsText(t *testing.T) {
	const text = "naïve 文字 👩‍👩‍👧\n\ttabs and \\ and \"quotes\""
	if got := string(escape([]byte(text))); got != text {
		t.Errorf("%q became %q", text, got)
	}
	for in, want := range map[string]string{
		"\x1b[31m\u202e": `\x1b[31m\u202e`,
		"a\nb\tc":        `a\nb\tc`,
		"\xff\x80":       `\xff\x80`,
		"\u0085":         `\u0085`,
	} {
		if got := escapeLine(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// A piece of a long text ends between runes.
func TestChunksAreWholeRunes(t *testing.T) {
	long := bytes.Repeat([]byte("aé文👩"), 3000)
	var joined []byte
	for piece := range chunks(long) {
		if !utf8.Valid(piece) || len(piece) > 4096 {
			t.Fatalf("a piece of %d bytes is cut inside a rune", len(piece))
		}
		joined = append(joined, piece...)
	}
	if !bytes.Equal(joined, long) {
		t.Error("the pieces are not the whole")
	}
}
