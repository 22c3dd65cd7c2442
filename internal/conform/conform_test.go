package conform

import (
	"testing"

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
