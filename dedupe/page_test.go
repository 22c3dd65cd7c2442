package dedupe_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The program that the page begins with is the package's Example.
func TestPageShowsTheExample(t *testing.T) {
	page, err := os.ReadFile("../docs/dedupe.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(page), "```go\n")
	shown, rest, _ := strings.Cut(shown, "```\n")
	output := regexp.MustCompile(`\t// Output:\n(\t// .*\n)*`)
	want := strings.NewReplacer("package dedupe_test", "package main", "func Example()", "func main()").Replace(string(example))
	if want = output.ReplaceAllString(want, ""); shown != want {
		t.Errorf("it shows\n%s\nand the example is\n%s", shown, want)
	}
	prints := strings.ReplaceAll(strings.TrimPrefix(output.FindString(string(example)), "\t// Output:\n"), "\t// ", "")
	if _, printed, _ := strings.Cut(rest, "```\n"); !strings.HasPrefix(printed, prints+"```") {
		t.Errorf("it says that this is printed:\n%.200s\nand the example prints\n%s", printed, prints)
	}
}
