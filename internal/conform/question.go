// Package conform asks implementations of petrichor what they make of bytes, and
// judges what they say.  docs/porting.md is the contract between the two.
package conform

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/petrichor-protocol/petrichor/spec"
)

// A Question is some bytes, and how they are to be read.
type Question struct {
	Read    string // element, frames, first or answer
	Options []string
	Limits  map[string]int
	Wire    []byte
}

// QuestionOf is the question that v answers.
func QuestionOf(v spec.Vector) Question {
	return Question{v.Read, v.Options, v.Limits, v.Wire}
}

// Words are the question without its wire.
func (q Question) Words() []string {
	words := append([]string{q.Read}, q.Options...)
	for _, name := range slices.Sorted(maps.Keys(q.Limits)) {
		words = append(words, fmt.Sprintf("%s=%d", name, q.Limits[name]))
	}
	return words
}

// String is the question as a line, without its end.
func (q Question) String() string {
	wire := hex.EncodeToString(q.Wire)
	if wire == "" {
		wire = "-"
	}
	return strings.Join(append(q.Words(), wire), " ")
}

// ParseQuestion reads a line.
func ParseQuestion(line string) (Question, error) {
	words := strings.Fields(line)
	if len(words) < 2 {
		return Question{}, fmt.Errorf("%.80q is no question: want READ, words and WIRE", line)
	}
	last := len(words) - 1
	wire, err := hex.DecodeString(strings.TrimPrefix(words[last], "-"))
	if err != nil {
		return Question{}, fmt.Errorf("the wire: %w", err)
	}
	return ParseWords(words[:last], wire)
}

// ParseWords is the question of these words about wire.
func ParseWords(words []string, wire []byte) (Question, error) {
	q := Question{Read: words[0], Limits: map[string]int{}, Wire: wire}
	for _, word := range words[1:] {
		name, number, isLimit := strings.Cut(word, "=")
		if !isLimit {
			q.Options = append(q.Options, word)
			continue
		}
		n, err := strconv.Atoi(number)
		if err != nil {
			return q, fmt.Errorf("the limit %.40q: %.40q is no number that fits", name, number)
		}
		q.Limits[name] = n
	}
	return q, nil
}

// What an Answer says beside the verdicts of the vectors.
const (
	Refused     = "refused"     // some fault
	Unsupported = "unsupported" // no such option here
)

// An Answer is what an implementation says.  What is nil it does not tell.
type Answer struct {
	Verdict string  `json:"verdict"`
	At      *int64  `json:"at,omitempty"`
	Values  []Value `json:"values,omitzero"` // empty: there are none
	Rest    *int    `json:"rest,omitempty"`
	Allowed *bool   `json:"allowed,omitempty"`
	Canon   *string `json:"canon,omitempty"` // a character for each byte
}

// String is the answer as a line, without its end.
func (a Answer) String() string {
	line := fmt.Appendf(nil, `{"verdict":%s`, quoted(a.Verdict))
	if a.At != nil {
		line = fmt.Appendf(line, `,"at":%d`, *a.At)
	}
	if a.Values != nil {
		line = appendList(append(line, `,"values":`...), a.Values)
	}
	if a.Rest != nil {
		line = fmt.Appendf(line, `,"rest":%d`, *a.Rest)
	}
	if a.Allowed != nil {
		line = fmt.Appendf(line, `,"allowed":%t`, *a.Allowed)
	}
	if a.Canon != nil {
		line = fmt.Appendf(line, `,"canon":%s`, quoted(*a.Canon))
	}
	return string(append(line, '}'))
}

// verdicts are those an answer may have.
var verdicts = []string{"ok", "short", "syntax error", "header error", "limit", "range", Refused, Unsupported}

// ParseAnswer reads a line.
func ParseAnswer(line []byte) (a Answer, err error) {
	if err := json.Unmarshal(line, &a); err != nil {
		return a, fmt.Errorf("no answer: %.80q: %s", line, clipped(err.Error()))
	}
	if !slices.Contains(verdicts, a.Verdict) {
		return a, fmt.Errorf("no answer: the verdict is %.40q, want one of %s", a.Verdict, strings.Join(verdicts, ", "))
	}
	return a, nil
}
