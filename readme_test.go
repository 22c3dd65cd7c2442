package petrichor

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The server and the client that the README shows are those that Example_serverAndClient runs.
func TestReadmeShowsCompiledCode(t *testing.T) {
	readme := string(must(os.ReadFile("README.md")))
	examples := string(must(os.ReadFile("example_test.go")))
	shown := regexp.MustCompile("(?s)```go\n(// (?:serve|call) is .*?)```").FindAllStringSubmatch(readme, -1)
	if len(shown) != 2 {
		t.Fatalf("the README shows %d of the two functions serve and call", len(shown))
	}
	for _, code := range shown {
		if !strings.Contains(examples, code[1]) {
			t.Errorf("example_test.go does not have this code of the README:\n%s", code[1])
		}
	}
}
