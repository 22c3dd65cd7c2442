package transport

import (
	"os"
	"strings"
	"testing"
)

// The program that docs/transports.md begins with is the package's Example.
func TestPageShowsTheExample(t *testing.T) {
	read := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	page, example := read("../docs/transports.md"), read("example_test.go")
	_, page, _ = strings.Cut(page, "```go\n")
	page, _, _ = strings.Cut(page, "```\n")
	example = strings.Replace(example, "package transport_test", "package main", 1)
	example = strings.Replace(example, "func Example()", "func main()", 1)
	before, _, _ := strings.Cut(example, "\t// Output: ")
	if page != before+"}\n" {
		t.Errorf("docs/transports.md begins with\n%s\nand the example is\n%s}", page, before)
	}
}
