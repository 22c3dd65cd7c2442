package main

import (
	"os"
	"strings"
	"testing"
)

// docs/matrix.md is what all implementations say today, and they agree.
func TestPage(t *testing.T) {
	t.Chdir("../..")
	dir := t.TempDir()
	var columns []column
	for _, i := range implementations {
		if !i.here() {
			continue
		}
		if why := i.missing(); why != "" {
			t.Skip(why)
		}
		c, err := fill(i, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range c.wrong {
			t.Error(line)
		}
		columns = append(columns, c)
	}
	shown, err := os.ReadFile("docs/matrix.md")
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(shown)) != strings.TrimSpace(page(columns)) {
		t.Error("docs/matrix.md is another one: go run ./spec/matrix -o docs/matrix.md")
	}
}
