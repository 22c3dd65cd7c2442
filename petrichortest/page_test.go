package petrichortest

import (
	"bytes"
	"fmt"
	"os"
	"testing"
)

// docs/hardening.md begins with the test that stands in hardening_test.go, and
// names every row that is attacked.
func TestHardeningPage(t *testing.T) {
	page, err := os.ReadFile("../docs/hardening.md")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("hardening_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(page, []byte("```go\n"))
	shown, _, _ := bytes.Cut(rest, []byte("```\n"))
	shown = bytes.Replace(shown, []byte("package main_test\n"), []byte("package petrichortest_test\n"), 1)
	if !bytes.Equal(shown, code) {
		t.Error("its first program is not hardening_test.go")
	}
	for _, a := range Attacks() {
		if !bytes.Contains(page, fmt.Append(nil, "\n| ", a.Row, " | ")) {
			t.Errorf("it has no line for row %d, which %q is of", a.Row, a.Name)
		}
	}
}

// Attacks have names of their own, reasons, and something to do.
func TestAttacks(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range Attacks() {
		if seen[a.String()] {
			t.Errorf("%v: twice", a)
		}
		seen[a.String()] = true
		if a.Name == "" || a.Why == "" || a.Must == "" {
			t.Errorf("%v: why %q, must %q", a, a.Why, a.Must)
		}
	}
	t.Logf("%d attacks", len(seen))
}
