package spec

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestVectorsAreDistinct(t *testing.T) {
	names, inputs := map[string]bool{}, map[string]string{}
	for _, v := range Vectors() {
		if !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(v.Name) || names[v.Name] {
			t.Errorf("the name %q is not lower case or is there twice", v.Name)
		}
		names[v.Name] = true
		limits := slices.Sorted(maps.Keys(v.Limits))
		input := strings.Join([]string{v.Read, strings.Join(v.Options, " "), strings.Join(limits, " "), string(v.Wire)}, "\x00")
		if other, ok := inputs[input]; ok && len(limits) == 0 {
			t.Errorf("%s and %s are one case", v.Name, other)
		}
		inputs[input] = v.Name
	}
	if len(names) < 300 {
		t.Errorf("%d vectors", len(names))
	}
}

func TestVectorFaultsHavePlaces(t *testing.T) {
	for _, v := range Vectors() {
		placed := v.Want != "ok" && v.Want != "short"
		if placed != (v.At >= 0) || v.At > int64(len(v.Wire)) {
			t.Errorf("%s: %s at %d of %d bytes", v.Name, v.Want, v.At, len(v.Wire))
		}
		if v.Want == "ok" && v.Trace == "" && len(v.Wire) > 0 {
			t.Errorf("%s: ok, and no trace", v.Name)
		}
		if !bytes.HasSuffix(v.Wire, v.Rest) {
			t.Errorf("%s: the wire does not end in its rest", v.Name)
		}
	}
}

// The files are what the README says: plain ASCII, and spelled in one way.
func TestVectorFilesAreASCII(t *testing.T) {
	for _, name := range vectorFiles() {
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			if bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) || bytes.HasSuffix(line, []byte(" ")) {
				t.Errorf("%s:%d: %q", name, i+1, line)
			}
			key, value, _ := bytes.Cut(line, []byte(":"))
			if !slices.Contains([]string{"wire", "rest", "canon", "undo"}, string(key)) {
				continue
			}
			value = bytes.TrimSpace(value)
			if b, err := Unescape(string(value)); err != nil || Escape(b) != string(value) {
				t.Errorf("%s:%d: %q is not how it is spelled; %v", name, i+1, value, err)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for what, text := range map[string]string{
		"no colon":      "name: x\nwire",
		"no such want":  "name: x\nwire: 0:~\nwant: perhaps\nwhy: y",
		"no such read":  "name: x\nread: novels\nwire: 0:~\nwant: ok\nwhy: y",
		"no why":        "name: x\nwire: 0:~\nwant: ok",
		"no name":       "wire: 0:~\nwant: ok\nwhy: y",
		"bad escape":    `wire: \n`,
		"short escape":  `wire: \x0`,
		"bad digits":    `rest: \xgg`,
		"bad offset":    "at: x",
		"bad limit":     "limits: depth",
		"bad permit":    "allowed: perhaps",
		"bad wideness":  "wide: 1",
		"bad canonical": `canon: \q`,
	} {
		if v, err := Parse("topic", "# one\n\n"+text); err == nil || !strings.HasPrefix(err.Error(), "spec: topic.txt, record at line 3: ") {
			t.Errorf("%s: %v, %v", what, v, err)
		}
	}
	all, err := Parse("topic", "name: x\nwire: 0:~\nnew: key\nwant: ok\nwhy: y\n")
	if err != nil || len(all) != 1 || all[0].Name != "x" {
		t.Errorf("with a key that is not known: %v, %v", all, err)
	}
}

// The Python reader in vectors/README.md reads what Parse reads.
func TestReadmeReader(t *testing.T) {
	readme, err := os.ReadFile("vectors/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, reader, _ := strings.Cut(string(readme), "```python\n")
	reader, _, found := strings.Cut(reader, "```")
	if n := strings.Count(reader, "\n"); !found || n > 30 {
		t.Fatalf("the reader has %d lines", n)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3: the reader in vectors/README.md")
	}
	dump := reader + `
import json, sys
all = [r for name in sys.argv[1:] for r in vectors(open(name).read())]
print(json.dumps([[r["name"], r["wire"].hex(), r.get("rest", b"").hex(), r["want"], r["why"]] for r in all]))
`
	names := sure(filepath.Glob("vectors/*.txt"))
	out, err := exec.Command(python, append([]string{"-c", dump}, names...)...).CombinedOutput()
	var got [][]string
	if err != nil || json.Unmarshal(out, &got) != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var want [][]string
	for _, v := range Vectors() {
		want = append(want, []string{v.Name, hex.EncodeToString(v.Wire), hex.EncodeToString(v.Rest), v.Want, v.Why})
	}
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
}

func sure[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
