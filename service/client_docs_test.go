package service_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The program that docs/client.md begins with is ExampleClient.
func TestClientDocsShowTheExample(t *testing.T) {
	docs, err := os.ReadFile("../docs/client.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_client_test.go")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(docs)
	if shown == nil {
		t.Fatal("there is no program")
	}
	want := strings.NewReplacer("package service_test", "package main", "func ExampleClient()", "func main()").Replace(string(example))
	want = regexp.MustCompile("\t// Output:\n(\t// .*\n)*").ReplaceAllString(want, "")
	if string(shown[1]) != want {
		t.Errorf("it shows\n%s\nand the example is\n%s", shown[1], want)
	}
	for line := range strings.Lines(string(example)) {
		printed, isOutput := strings.CutPrefix(line, "\t// ")
		if isOutput && printed != "Output:\n" && !strings.Contains(string(docs), "\n"+printed) {
			t.Errorf("it does not say that this is printed: %s", printed)
		}
	}
}
