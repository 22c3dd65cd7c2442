package spec

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// python3 returns the interpreter, or skips t.
func python3(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3: the program in petrichor.md")
	}
	return path
}

// program writes the program as it stands after n chapters, and returns where.
func program(t *testing.T, n int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range Tangle(Chapters()[:n]) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// run runs a script beside the program in dir and returns what it prints.
func run(t *testing.T, dir, script, stdin string) string {
	t.Helper()
	cmd := exec.Command(python3(t), "-c", script)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(string(out)))
	}
	return string(out)
}

func tail(text string) string { return text[max(0, len(text)-2000):] }

// judging makes the program say what it thinks of vectors, one a line.
const judging = `
import json, sys
from petrichor.vectors import judge, read_vectors
for path in sys.stdin.read().split():
    for record in read_vectors(open(path).read()):
        said = {k: v.hex() if isinstance(v, bytes) else v for k, v in judge(record).items()}
        print(json.dumps({"name": record["name"], **said}))
`

// A said is what the program says to one vector.
type said struct{ Name, Want, At, Trace, Canon, Rest, Allowed, Undo, Refuse string }

// At the end of each chapter the program passes the vectors it claims to pass, and
// in the end all.
func TestChaptersPassTheirVectors(t *testing.T) {
	var topics []string
	for i, c := range Chapters() {
		topics = append(topics, c.Passes...)
		if !slices.ContainsFunc(c.Fences, func(f Fence) bool { return f.File != "" }) {
			continue
		}
		n := i + 1
		t.Run(c.Title, func(t *testing.T) { mustPass(t, n, topics) })
	}
	all := map[string]bool{}
	for _, v := range Vectors() {
		all[v.Topic] = true
	}
	if slices.Sort(topics); len(all) != len(slices.Compact(topics)) {
		t.Errorf("the chapters pass %d topics of %d", len(topics), len(all))
	}
}

func mustPass(t *testing.T, chapters int, topics []string) {
	var paths []string
	for _, topic := range topics {
		paths = append(paths, sure(filepath.Abs(filepath.Join("vectors", topic+".txt"))))
	}
	verdicts := map[string]said{}
	decoder := json.NewDecoder(strings.NewReader(run(t, program(t, chapters), judging, strings.Join(paths, " "))))
	for decoder.More() {
		var s said
		if err := decoder.Decode(&s); err != nil {
			t.Fatal(err)
		}
		verdicts[s.Name] = s
	}
	for _, v := range Vectors() {
		if slices.Contains(topics, v.Topic) {
			mustSay(t, v, verdicts[v.Name])
		}
	}
}

// mustSay compares what the program says with what v wants. The first chapters
// write nothing, and so have no canon.
func mustSay(t *testing.T, v Vector, s said) {
	t.Helper()
	want := said{Name: v.Name, Want: v.Want, Trace: v.Trace, Rest: fmt.Sprintf("%x", v.Rest), Canon: s.Canon, Undo: fmt.Sprintf("%x", v.Undo), Refuse: v.Refuse}
	if v.At >= 0 {
		want.At = fmt.Sprint(v.At)
	}
	if v.Want == "ok" && s.Canon != "" {
		want.Canon = fmt.Sprintf("%x", v.Canon)
	}
	if v.Read == "answer" {
		want.Allowed = map[bool]string{true: "yes", false: "no"}[v.Allowed]
	}
	if s != want {
		t.Errorf("%s: the program says %+v, want %+v", v.Name, s, want)
	}
}

// From chapter 4 on the program writes what it has read.
func TestProgramWrites(t *testing.T) {
	for i, c := range Chapters() {
		if strings.HasPrefix(c.Title, "4. ") {
			out := run(t, program(t, i+1), judging, sure(filepath.Abs("vectors/float.txt")))
			if !strings.Contains(out, fmt.Sprintf("%x", "19:10000000000000000.0^")) {
				t.Errorf("no canon in\n%s", tail(out))
			}
			return
		}
	}
	t.Error("no chapter 4")
}

// The program tests itself, as a reader would.
func TestProgramTestsItself(t *testing.T) {
	paths := sure(filepath.Glob("vectors/*.txt"))
	for i := range paths {
		paths[i] = sure(filepath.Abs(paths[i]))
	}
	cmd := exec.Command(python3(t), append([]string{"-m", "petrichor.vectors"}, paths...)...)
	cmd.Dir = program(t, len(Chapters()))
	out, err := cmd.CombinedOutput()
	if n := len(Vectors()); err != nil || string(out) != fmt.Sprintf("%d of %d\n", n, n) {
		t.Errorf("%v\n%s", err, tail(string(out)))
	}
	cmd = exec.Command(python3(t), "-m", "petrichor.vectors", "wrong.txt")
	cmd.Dir = program(t, len(Chapters()))
	wrong := "name: wrong\nwire: 05:hello,\nwant: ok\n"
	if err := os.WriteFile(filepath.Join(cmd.Dir, "wrong.txt"), []byte(wrong), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err == nil || string(out) != "0 of 1 wrong\n" {
		t.Errorf("a wrong vector: %v\n%s", err, tail(string(out)))
	}
}

// sessions runs what it is given as Python's own doctest does.
const sessions = `
import doctest, sys
test = doctest.DocTestParser().get_doctest(sys.stdin.read(), {}, "petrichor.md", None, 0)
runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
runner.run(test)
print(runner.tries, "examples")
sys.exit(runner.failures > 0)
`

// What the document says that the code prints, it prints, with the program of
// that chapter.
func TestSessions(t *testing.T) {
	for i, c := range Chapters() {
		text := ""
		for _, f := range c.Fences {
			if f.Language == "pycon" {
				text += f.Text + "\n"
			}
		}
		if text == "" {
			continue
		}
		t.Run(c.Title, func(t *testing.T) {
			out := run(t, program(t, i+1), sessions, text)
			if want := fmt.Sprintf("%d examples\n", strings.Count(text, ">>> ")); out != want {
				t.Errorf("%s, want %s", out, want)
			}
		})
	}
}

// Every rule says MUST or MAY and has a proof, every proof is there, and every
// vector proves a rule.
func TestRulesAndVectors(t *testing.T) {
	proved := map[string]string{}
	for _, v := range Vectors() {
		proved[v.Name] = ""
	}
	tests := goTests(t)
	count := 0
	last := ""
	for _, c := range Chapters() {
		for _, r := range c.Rules {
			count++
			mustBeRule(t, r, last)
			last = r.Number
			for _, name := range r.Proof {
				if _, ok := proved[name]; !ok && !tests[name] {
					t.Errorf("rule %s: no vector and no test is called %s", r.Number, name)
				}
				proved[name] = r.Number
			}
		}
	}
	for name, rule := range proved {
		if rule == "" {
			t.Errorf("no rule names the vector %s", name)
		}
	}
	// What looks like a rule and is none would not have been verified.
	if n := len(regexp.MustCompile(`(?m)^\*\*\d+\.\d+\*\*`).FindAllString(Document, -1)); n != count || count < 40 {
		t.Errorf("%d rules have been read, and %d are there", count, n)
	}
}

func mustBeRule(t *testing.T, r Rule, last string) {
	t.Helper()
	if !regexp.MustCompile(`\b(MUST|MAY)\b.*\.$`).MatchString(r.Text) {
		t.Errorf("rule %s is no sentence with MUST or MAY: %s", r.Number, r.Text)
	}
	if len(r.Proof) == 0 {
		t.Errorf("nothing proves rule %s", r.Number)
	}
	var chapter, number, before, numberBefore int
	fmt.Sscanf(r.Number, "%d.%d", &chapter, &number)
	fmt.Sscanf(last, "%d.%d", &before, &numberBefore)
	if number != 1 && (chapter != before || number != numberBefore+1) {
		t.Errorf("rule %s comes after %s", r.Number, last)
	}
}

// goTests are the names of the tests here, in the root package and in service.
func goTests(t *testing.T) map[string]bool {
	tests := map[string]bool{}
	for _, pattern := range []string{"*_test.go", "../*_test.go", "../service/*_test.go"} {
		for _, path := range sure(filepath.Glob(pattern)) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(string(text), -1) {
				tests[m[1]] = true
			}
		}
	}
	return tests
}

// References to rules in the prose lead to rules.
func TestReferencesToRules(t *testing.T) {
	rules := map[string]bool{}
	for _, c := range Chapters() {
		for _, r := range c.Rules {
			rules[r.Number] = true
		}
	}
	_, appendix, _ := strings.Cut(Document, "\n## Header keys")
	references := 0
	for _, m := range regexp.MustCompile(`\(((?:\d+\.\d+(?:, )?)+)\)`).FindAllStringSubmatch(appendix, -1) {
		for number := range strings.SplitSeq(m[1], ", ") {
			references++
			if !rules[number] {
				t.Errorf("there is no rule %s", number)
			}
		}
	}
	if references < 10 {
		t.Errorf("%d references", references)
	}
}

// The vector that the document shows is the vector that there is.
func TestShownVector(t *testing.T) {
	m := regexp.MustCompile(`(?m)^    name: +(\S+)\n    wire: +(.*)\n    want: +(.*)\n    at: +(\d+)\n    why: +(.*), \.\.\.$`).FindStringSubmatch(Document)
	if m == nil {
		t.Fatal("no vector is shown")
	}
	i := slices.IndexFunc(Vectors(), func(v Vector) bool { return v.Name == m[1] })
	if i < 0 {
		t.Fatalf("no vector is called %s", m[1])
	}
	v := Vectors()[i]
	if Escape(v.Wire) != m[2] || v.Want != m[3] || fmt.Sprint(v.At) != m[4] || !strings.HasPrefix(v.Why, m[5]) {
		t.Errorf("shown as %q, it is %+v", m[1:], v)
	}
}

func TestTangle(t *testing.T) {
	fence := func(text string) Fence { return Fence{"python", "p/a.py", text} }
	chapters := []Chapter{
		{Fences: []Fence{fence("\"\"\"A.\"\"\"\n\nimport sys\n\nX = 1\n\n\ndef f():\n    return 1\n"), {"pycon", "", ">>> f()\n"}}},
		{Fences: []Fence{fence("from b import d, c\n\n\ndef g():\n    return [\n    ]\n\n\nX = g\n"), fence("from b import c\nfrom petrichor.x import y\n\n@once\n# h\ndef h():\n    pass\n")}},
	}
	want := `"""A."""

import sys
from b import c, d

from petrichor.x import y


def g():
    return [
    ]


X = g


def f():
    return 1


@once
# h
def h():
    pass
`
	files := Tangle(chapters)
	if got := files["p/a.py"]; got != want || len(files) != 1 {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// standard are the modules that the program may import.
var standard = strings.Fields("petrichor collections decimal functools hashlib ipaddress math re selectors socket ssl sys threading time typing zlib")

// The whole program stays small, and needs nothing but Python.
func TestProgramIsSmall(t *testing.T) {
	lines := 0
	for name, text := range Tangle(Chapters()) {
		lines += strings.Count(text, "\n")
		for _, m := range regexp.MustCompile(`(?m)^(?:import|from) (\w+)`).FindAllStringSubmatch(text, -1) {
			if !slices.Contains(standard, m[1]) {
				t.Errorf("%s imports %s", name, m[1])
			}
		}
	}
	if lines > 1450 {
		t.Errorf("the program has %d lines", lines)
	}
}
