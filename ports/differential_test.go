package ports

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/internal/conform"
	"github.com/petrichor-protocol/petrichor/spec"
)

// TestRubyAgrees asks Ruby and Go the same questions, and compares verdict, place,
// values, what is left and what is written again. PETRICHOR_INPUTS is how many,
// PETRICHOR_SEED which.
func TestRubyAgrees(t *testing.T) {
	mustAgree(t, alike, "frames first answer", lookFor(t, "ruby"), "-Iruby/lib", "ruby/test/verdict.rb")
}

// TestPythonAgrees is the same for the program of the specification.
func TestPythonAgrees(t *testing.T) {
	t.Setenv("PYTHONPATH", tangle(t, t.TempDir()))
	mustAgree(t, inDocument, "frames first answer", lookFor(t, "python3"), "../spec/verdict.py")
}

// alike reports whether q can be asked everybody: not who reads text and strings,
// and of a key that comes as both the last, since a Go map does not keep which it was.
func alike(q conform.Question) bool {
	return !slices.Contains(q.Options, "text") || !slices.Contains(q.Options, "duplicates")
}

// inDocument reports whether q has at most one thing wrong that the document
// looks for in another order than Go, which teaches better: it counts values when
// their form has been checked, looks behind an element when it has looked into it,
// and at the value of a number last.
func inDocument(q conform.Question) bool {
	_, counts := q.Limits["values"]
	_, rest, err := petrichor.Cut(q.Wire, conform.OptionsOf(q)...)
	behind := q.Read == "element" && err == nil && len(rest) > 0
	return alike(q) && !counts && !behind && conform.Ask(q, "slice").Verdict != "range"
}

// mustAgree asks what is asked of a program.
func mustAgree(t *testing.T, asked func(conform.Question) bool, reads string, command ...string) {
	t.Helper()
	p := &conform.Program{Command: command, Patience: time.Minute}
	for _, v := range spec.Vectors() {
		if asked(conform.QuestionOf(v)) {
			mustSayTheSame(t, p, conform.QuestionOf(v))
		}
	}
	count, seed := setting(t, "PETRICHOR_INPUTS", 5000), setting(t, "PETRICHOR_SEED", 1)
	m := conform.NewMaker(uint64(seed), strings.Fields(reads)...)
	said := map[string]int{}
	for done := 0; done < count; {
		if q := m.Question(); asked(q) {
			said[mustSayTheSame(t, p, q)]++
			done++
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("%d inputs from seed %d, and %d vectors: %v", count, seed, len(spec.Vectors()), said)
	mustBeVaried(t, count, said)
}

func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv(name), strconv.Itoa(otherwise)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// mustSayTheSame ends t when p does not say what Go says, and returns that.
func mustSayTheSame(t *testing.T, p *conform.Program, q conform.Question) (verdict string) {
	t.Helper()
	want := conform.Ask(q, "slice")
	got, err := p.Ask(q)
	if err != nil {
		t.Fatalf("%v: %v", q, err)
	}
	if slices.Contains(q.Options, "duplicates") {
		got.Canon = nil // of a dict without an order
	}
	if list := conform.Differences(want, got); list != nil {
		t.Fatalf("%v of %q\n%s", q.Words(), spec.Escape(q.Wire), strings.Join(list, "\n"))
	}
	return want.Verdict
}

// mustBeVaried fails t if inputs compare little: nearly all verdicts have to come,
// and good ones often, yet not mostly.
func mustBeVaried(t *testing.T, count int, said map[string]int) {
	t.Helper()
	if len(said) < 5 {
		t.Errorf("only the verdicts %q", slices.Sorted(maps.Keys(said)))
	}
	if n := said["ok"]; n < count/10 || n > count/2 {
		t.Errorf("ok: %d of %d", n, count)
	}
}
