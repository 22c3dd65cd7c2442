package service

import (
	"context"
	"os"
	"strings"
	"testing"
)

// The program that docs/service.md begins with is the package's Example.
func TestPageShowsTheExample(t *testing.T) {
	page := string(must(os.ReadFile("../docs/service.md")))
	examples := string(must(os.ReadFile("example_test.go")))
	imports := between(t, examples, "import (", ")\n")
	body := between(t, examples, "func Example() {\n", "\t// Output: 11:hello world,\n}\n")
	want := "package main\n\nimport (" + imports + ")\n\nfunc main() {\n" + body + "}\n"
	if got := between(t, page, "```go\n", "```\n"); got != want {
		t.Errorf("docs/service.md begins with\n%s\nand the example is\n%s", got, want)
	}
	if !strings.Contains(page, "It prints `11:hello world,`") {
		t.Error("the page does not say what it prints")
	}
}

// What the page has netcat send is answered as it says.
func TestPageNetcat(t *testing.T) {
	page := string(must(os.ReadFile("../docs/service.md")))
	in := between(t, page, "printf '", "'")
	want := between(t, page, "which prints `", "`")
	handle := Server{Handle: helloForPage}
	stream := &nthFails{in: []byte(in)}
	if err := handle.ServeStream(stream); err != nil {
		t.Error(err)
	}
	if got := stream.out.String(); got != want {
		t.Errorf("%s; want %s", got, want)
	}
	handle.Close()
}

func between(t *testing.T, s, begin, end string) string {
	t.Helper()
	_, s, begun := strings.Cut(s, begin)
	s, _, ended := strings.Cut(s, end)
	if !begun || !ended {
		t.Fatalf("nothing between %q and %q", begin, end)
	}
	return s
}

func helloForPage(_ context.Context, req *Request) (header, body any, err error) {
	var name string
	err = req.Body(&name)
	return nil, "hello " + name, err
}
