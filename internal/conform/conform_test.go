package conform

import (
	"bytes"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/spec"
)

// Nothing is wrong with what this implementation says, and nothing left out.
func TestGoConforms(t *testing.T) {
	for _, entrance := range Entrances {
		t.Run(entrance, func(t *testing.T) {
			for _, v := range spec.Vectors() {
				a := Ask(QuestionOf(v), entrance)
				if j := Judge(v, a); len(j.Wrong) > 0 || len(j.Untold) > 0 || j.Spared {
					t.Errorf("%s: %v, not told: %v, %v", v.Name, j.Wrong, j.Untold, a)
				}
			}
		})
	}
}

// A question survives the way there, and an answer the way back.
func TestLines(t *testing.T) {
	for _, v := range spec.Vectors() {
		q := QuestionOf(v)
		again, err := ParseQuestion(q.String())
		if err != nil || again.String() != q.String() {
			t.Errorf("%s becomes %s, %v", q, again, err)
		}
		a := Ask(q, "slice")
		back, err := ParseAnswer([]byte(a.String()))
		if err != nil || back.String() != a.String() {
			t.Errorf("%s becomes %s, %v", a, back, err)
		}
	}
}

// nested is so many lists inside one another.
func nested(levels int) (b []byte) {
	for range levels {
		b = petrichor.Append(nil, petrichor.KindList, b)
	}
	return b
}

// What limits allow is answered, however deep it is.
func TestDeep(t *testing.T) {
	for _, c := range []struct {
		read      string
		levels    int
		limit     int
		entrances int
	}{
		{"element", 1500, 5000, 4},
		{"element", 6000, 10_000, 1}, // deeper than encoding/json goes
		{"frames", 150, 500, 4},
		{"frames", 6000, 10_000, 1},
	} {
		q := Question{Read: c.read, Limits: map[string]int{"depth": c.limit}, Wire: nested(c.levels)}
		if c.read == "frames" {
			q.Wire = append([]byte("0:}"), q.Wire...)
		}
		for _, entrance := range Entrances[:c.entrances] {
			a := Ask(q, entrance)
			if a.Verdict != "ok" || a.Canon == nil || *a.Canon != string(q.Wire) {
				t.Errorf("%v %s: %s", c, entrance, a.Verdict)
			}
			if text := a.String(); strings.Count(text, `"type":"list"`) != c.levels {
				t.Errorf("%v %s: %.200s", c, entrance, text)
			}
		}
	}
}

// Answers are JSON as docs/porting.md has it.
func TestAnswerText(t *testing.T) {
	for question, want := range map[string]string{
		"element nonfinite 333a696e665e":   `{"verdict":"ok","values":[{"type":"float","value":"inf"}],"rest":0,"canon":"3:inf^"}`,
		"element nonfinite 343a2d696e665e": `{"verdict":"ok","values":[{"type":"float","value":"-inf"}],"rest":0,"canon":"4:-inf^"}`,
		"element nonfinite 333a6e616e5e":   `{"verdict":"ok","values":[{"type":"float","value":"nan"}],"rest":0,"canon":"3:nan^"}`,
		"element 393a303a5d303a7d303a7e5d": `{"verdict":"ok","values":[{"type":"list","value":` +
			`[{"type":"list","value":[]},{"type":"dict","value":[]},{"type":"null"}]}],"rest":0,"canon":"9:0:]0:}0:~]"}`,
		"element 31313a313a222c343a74727565217d": `{"verdict":"ok","values":[{"type":"dict","value":[["\"",{"type":"bool","value":true}]]}],"rest":0,"canon":"11:1:\",4:true!}"}`,
		"answer -":                               `{"verdict":"short","allowed":false}`,
		"element other 303a7e":                   `{"verdict":"unsupported"}`,
		"element bogus=3 303a7e":                 `{"verdict":"unsupported"}`,
		"frames depth=2 bogus=3 -":               `{"verdict":"unsupported"}`,
		"first depth=0 303a7d303a7e":             `{"verdict":"limit","at":2}`,
		"answer depth=0 303a7d303a7e":            `{"verdict":"limit","at":2,"allowed":false}`,
	} {
		q, err := ParseQuestion(question)
		if err != nil {
			t.Fatal(err)
		}
		if got := Ask(q, "slice").String(); got != want {
			t.Errorf("%s: %s, want %s", question, got, want)
		}
	}
}

// Neither a long question nor a long answer makes a long error.
func TestErrorsAreShort(t *testing.T) {
	long := strings.Repeat("7", 1<<16)
	var out bytes.Buffer
	null := Question{Read: "element", Wire: []byte("0:~")}
	for name, err := range map[string]error{
		"no question":  Serve(strings.NewReader(long+"\n"), &out, right),
		"no hex":       Serve(strings.NewReader("element "+long+"x\n"), &out, right),
		"a long limit": Serve(strings.NewReader("element depth="+long+" -\n"), &out, right),
		"a long name":  Serve(strings.NewReader("element "+long+"=x -\n"), &out, right),
		"a long line":  Serve(strings.NewReader("element "+strings.Repeat("00", most/2)+"\n"), &out, right),
		"no answer":    second(ParseAnswer([]byte(long))),
		"a long at":    second(ParseAnswer([]byte(`{"at":` + long + `}`))),
		"a long word":  second(ParseAnswer([]byte(`{"verdict":"` + long + `"}`))),
	} {
		if err == nil || len(err.Error()) > 2500 || out.Len() > 0 {
			t.Errorf("%s: %.100v", name, err)
		}
	}
	for _, text := range []string{
		`{"verdict":"ok","values":[{"type":"int","value":"` + long + `"}]}`,
		`{"verdict":"ok","values":[{"type":"float","value":"` + long + `x"}]}`,
		`{"verdict":"ok","canon":"` + long + `"}`,
	} {
		a, err := ParseAnswer([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		v := spec.Vector{Read: null.Read, Wire: null.Wire, Want: "ok", At: -1, Trace: "null", Canon: null.Wire}
		if wrong := strings.Join(Judge(v, a).Wrong, ""); wrong == "" || len(wrong) > 2500 {
			t.Errorf("%.60s: %.100s", text, wrong)
		}
	}
}

func right(q Question) Answer { return Ask(q, "slice") }

func second[T any](_ T, err error) error { return err }

// The longest question there may be is answered.
func TestLongestQuestion(t *testing.T) {
	wire := petrichor.Append(nil, petrichor.KindString, make([]byte, most/2-20))
	var out bytes.Buffer
	q := Question{Read: "element", Wire: wire}
	err := Serve(strings.NewReader(q.String()), &out, func(q Question) Answer { return Answer{Verdict: "ok"} })
	if err != nil || out.String() != "{\"verdict\":\"ok\"}\n" {
		t.Errorf("%v %.100q", err, out.String())
	}
}
