package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// A finding is what came of one case of conform.
type finding struct {
	Level   string   `json:"level"` // codec or peer
	Group   string   `json:"group"` // of vectors, or the row of docs/limits.md
	Name    string   `json:"name"`
	Result  string   `json:"result"` // ok, FAIL or skip
	Wrong   string   `json:"wrong,omitempty"`
	Untold  []string `json:"untold,omitempty"`
	Why     string   `json:"why"`
	Seconds float64  `json:"seconds"`
}

// line is the finding as one line.
func (f finding) line() string {
	text := fmt.Sprintf("%-4s  %s  %s", f.Result, f.Group, f.Name)
	if f.Wrong != "" {
		text += ": " + f.Wrong
	}
	if f.Result == "FAIL" {
		text += "; because: " + f.Why
	}
	return strings.ReplaceAll(text, "\n", "; ")
}

// A scorecard is what came of all cases.
type scorecard struct {
	Target  string         `json:"target"`
	Passed  int            `json:"passed"`
	Failed  int            `json:"failed"`
	Skipped int            `json:"skipped"`
	Untold  map[string]int `json:"untold"`
	Cases   []finding      `json:"cases"`
}

func (s *scorecard) add(f finding) {
	s.Cases = append(s.Cases, f)
	*s.tally(f.Result)++
	for _, what := range f.Untold {
		s.Untold[what]++
	}
}

func (s *scorecard) tally(result string) *int {
	return map[string]*int{"ok": &s.Passed, "FAIL": &s.Failed, "skip": &s.Skipped}[result]
}

// table is how many cases of each group came out how.
func (s *scorecard) table() string {
	var text strings.Builder
	groups := map[string]*scorecard{}
	for _, f := range s.Cases {
		if groups[f.Group] == nil {
			groups[f.Group] = &scorecard{Untold: map[string]int{}}
		}
		groups[f.Group].add(f)
	}
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "group\tcases\tok\tFAIL\tskip\t\n")
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		groups[name].row(w, name)
	}
	s.row(w, "all")
	w.Flush()
	for _, what := range slices.Sorted(maps.Keys(s.Untold)) {
		fmt.Fprintf(&text, "%s: not told in %d cases\n", what, s.Untold[what])
	}
	return text.String()
}

func (s *scorecard) row(w *tabwriter.Writer, name string) {
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t\n", name, len(s.Cases), s.Passed, s.Failed, s.Skipped)
}

// write prints the end of the report: the table, or all of it as JSON.
func (s *scorecard) write(out *output, asJSON bool) error {
	if !asJSON {
		_, err := fmt.Fprint(out, s.table())
		return err
	}
	return printJSON(out, s)
}

func printJSON(out *output, v any) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// The elements of a JUnit report, as far as anybody reads them.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string      `xml:"classname,attr"`
		Name    string      `xml:"name,attr"`
		Seconds float64     `xml:"time,attr"`
		Failure *junitFault `xml:"failure"`
		Skipped *struct{}   `xml:"skipped"`
	}
	junitFault struct {
		Message string `xml:"message,attr"`
		Why     string `xml:",chardata"`
	}
)

// writeJUnit writes the report that CI systems read, and closes its file.
func (s *scorecard) writeJUnit(file *os.File) error {
	suite := junitSuite{Name: "petrichor conform " + s.Target, Tests: len(s.Cases), Failures: s.Failed, Skipped: s.Skipped}
	for _, f := range s.Cases {
		suite.Cases = append(suite.Cases, f.junit())
	}
	text, err := xml.MarshalIndent(junitSuites{Suites: []junitSuite{suite}}, "", "  ")
	if err == nil {
		_, err = file.Write(append([]byte(xml.Header), append(text, '\n')...))
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fail(exitOther, "cannot write the JUnit report: %v", err)
	}
	return nil
}

func (f finding) junit() junitCase {
	c := junitCase{Class: f.Level + "." + f.Group, Name: f.Name, Seconds: f.Seconds}
	switch f.Result {
	case "FAIL":
		c.Failure = &junitFault{f.Wrong, f.Why}
	case "skip":
		c.Skipped = &struct{}{}
	}
	return c
}
