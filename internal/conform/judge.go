package conform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/spec"
)

// A Judgement is what is wrong with an answer, and what it leaves out.
type Judgement struct {
	Wrong  []string // empty: it passes
	Untold []string // layer, at, values
	Spared bool     // it is not asked this
}

func (j *Judgement) wrong(format string, args ...any) {
	j.Wrong = append(j.Wrong, clipped(fmt.Sprintf(format, args...)))
}

func (j *Judgement) untold(what string) { j.Untold = append(j.Untold, what) }

// Judge says what is wrong with the answer to the question of v.
func Judge(v spec.Vector, a Answer) (j Judgement) {
	if a.Verdict == Unsupported {
		if len(v.Options) == 0 {
			j.wrong("unsupported, and no option was asked for")
		}
		return Judgement{Wrong: j.Wrong, Spared: len(j.Wrong) == 0}
	}
	j.verdict(v, a)
	j.allowed(v, a)
	if len(j.Wrong) > 0 {
		return j // what else is wrong follows from that
	}
	j.at(v, a)
	j.values(v, a)
	j.rest(v, a)
	j.canon(v, a)
	return j
}

// clipped is the beginning of what is said of an answer, which may be as long as
// the answer.
func clipped(text string) string {
	const enough = 2000
	if len(text) <= enough {
		return text
	}
	return strings.ToValidUTF8(text[:enough], "") + "..."
}

// numbersDiffer reports whether a says ok because it keeps numbers as text, or range
// because it has no larger ints than its machine.
func numbersDiffer(v spec.Vector, a Answer) bool {
	return v.Want == "range" && a.Verdict == "ok" || v.Wide && v.Want == "ok" && a.Verdict == "range"
}

// takesFirst reports whether a is of what takes the first element and leaves the
// rest.
func takesFirst(v spec.Vector, a Answer) bool {
	return v.Read == "element" && v.Rest != nil && a.Verdict == "ok"
}

func (j *Judgement) verdict(v spec.Vector, a Answer) {
	switch {
	case a.Verdict == v.Want, numbersDiffer(v, a):
	case a.Verdict == Refused && v.Want != "ok":
		j.untold("layer")
	case takesFirst(v, a):
		if a.Rest == nil {
			j.wrong("ok, without rest: want it to say that %d bytes are left, or syntax error at %d", len(v.Rest), v.At)
		}
	default:
		j.wrong("%s%s, want %s%s", a.Verdict, place(a.At), v.Want, place(&v.At))
	}
}

func place(at *int64) string {
	if at == nil || *at < 0 {
		return ""
	}
	return fmt.Sprintf(" at %d", *at)
}

func (j *Judgement) allowed(v spec.Vector, a Answer) {
	if v.Read != "answer" {
		return
	}
	allowed := a.Allowed != nil && *a.Allowed
	switch {
	case v.Want == "ok" && a.Allowed == nil:
		j.wrong("no word of allowed")
	case allowed && !v.Allowed:
		j.wrong("allowed, and it is not")
	case !allowed && v.Allowed:
		j.wrong("not allowed, and it is")
	}
}

func (j *Judgement) at(v spec.Vector, a Answer) {
	if v.At < 0 || a.Verdict != v.Want {
		return
	}
	if a.At == nil {
		j.untold("at")
		return
	}
	if *a.At != v.At {
		j.wrong("%s at %d, want it at %d", a.Verdict, *a.At, v.At)
	}
}

func (j *Judgement) values(v spec.Vector, a Answer) {
	if numbersDiffer(v, a) {
		return
	}
	want := valuesOf(readOf(v), OptionsOf(QuestionOf(v)))
	if a.Values == nil {
		if a.Verdict == "ok" && len(want) > 0 {
			j.untold("values")
		}
		return
	}
	got, err := formsOf(a.Values)
	if err != nil {
		j.wrong("values: %v", err)
		return
	}
	wanted, err := formsOf(want)
	if err != nil {
		panic("conform: " + v.Name + ": " + err.Error())
	}
	if !slices.Equal(got, wanted) {
		j.wrong("the values are %s, want %s", strings.Join(got, ", "), strings.Join(wanted, ", "))
	}
}

// readOf are the bytes of v that its trace is of.
func readOf(v spec.Vector) []byte {
	if v.Trace == "" {
		return nil
	}
	if v.Read == "element" {
		return v.Wire[:len(v.Wire)-len(v.Rest)]
	}
	opts := OptionsOf(QuestionOf(v))
	left := strings.Count(v.Trace, " / ") + 1
	rest := v.Wire
	for left > 0 {
		f, more, err := petrichor.CutFrame(rest, opts...)
		if err != nil {
			panic("conform: " + v.Name + ": a frame of its trace is not there")
		}
		left -= count(f.Header, opts) + count(f.Body, opts)
		rest = more
	}
	return v.Wire[:len(v.Wire)-len(rest)]
}

// count is how many elements there are in b, inside others too.
func count(b []byte, opts []petrichor.Option) (n int) {
	for len(b) > 0 {
		el, rest, err := petrichor.Cut(b, opts...)
		if err != nil {
			return n
		}
		if b = rest; el.Kind == petrichor.KindList || el.Kind == petrichor.KindDict {
			n += count(el.Payload, opts)
		}
		n++
	}
	return n
}

func (j *Judgement) rest(v spec.Vector, a Answer) {
	if a.Verdict == "ok" && a.Rest != nil && *a.Rest != len(v.Rest) {
		j.wrong("%d bytes are left, want %d", *a.Rest, len(v.Rest))
	}
}

func (j *Judgement) canon(v spec.Vector, a Answer) {
	if a.Verdict != "ok" || a.Canon == nil || numbersDiffer(v, a) {
		return
	}
	got, err := bytesOf(*a.Canon)
	if err != nil {
		j.wrong("canon: %v", err)
		return
	}
	want := string(v.Canon)
	keeps := slices.Contains(v.Options, "duplicates") && string(got) == string(v.Wire) // all of a key
	if string(got) != want && !keeps {
		j.wrong("written again: %s, want %s", spec.Escape(got), spec.Escape(v.Canon))
	}
}
