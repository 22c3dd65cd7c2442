package spec

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// verdict.py is asked what no vector asks: it has to say something all the same.
func TestVerdictOfTheProgram(t *testing.T) {
	for question, want := range map[string]string{
		// An answer, and bytes behind it: a piece of a frame, a frame, no frame.
		"answer 303a7d303a2c31":           `"rest": 1}`,
		"answer 303a7d303a2c303a7d303a2c": `"rest": 6}`,
		"answer 303a7d303a2cffff":         `"rest": 2}`,
		// Numbers that are written again only where they may be read.
		"frames nonfinite 303a7d333a696e665e": `"canon": "0:}3:inf^", "rest": 0}`,
		"first nonfinite 303a7d333a6e616e5e":  `"verdict": "syntax error", "at": 5}`,
		"answer 303a7d333a6e616e5e":           `"verdict": "syntax error", "at": 5, "allowed": false}`,
	} {
		cmd := exec.Command(python3(t), sure(filepath.Abs("verdict.py")))
		cmd.Env = append(cmd.Environ(), "PYTHONPATH="+program(t, len(Chapters())))
		cmd.Stdin = strings.NewReader(question + "\n")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(string(out), want+"\n") {
			t.Errorf("%s: %v\n%s\nwant %s", question, err, tail(string(out)), want)
		}
	}
}
