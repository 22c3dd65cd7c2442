// Package ports has petrichor in all its languages speak with one another, and
// asks them the same questions.
package ports

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor/spec"
)

// A language is how to run programs in one: the command of each, without its
// arguments. What has to be built for that is put in a folder, where it may be
// found the next time.
type language struct {
	name    string
	program func(t *testing.T, dir, name string) *exec.Cmd
}

// languages have programs named echo_server and echo_client each.
var languages = []language{{"Go", inGo}, {"C", inC}, {"Ruby", inRuby}, {"Python", inPython}}

// lookFor returns where a tool is, or skips t.
func lookFor(t *testing.T, tool string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skipf("needs %s: %v", tool, err)
	}
	return path
}

// built runs a compiler, unless its product is there.
func built(t *testing.T, product, compiler string, args ...string) *exec.Cmd {
	t.Helper()
	if _, err := os.Stat(product); err == nil {
		return exec.Command(product)
	}
	if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", compiler, err, out)
	}
	return exec.Command(product)
}

func inGo(t *testing.T, dir, name string) *exec.Cmd {
	product := filepath.Join(dir, name+".go.exe")
	return built(t, product, lookFor(t, "go"), "build", "-o", product, "../examples/echo/"+strings.TrimPrefix(name, "echo_"))
}

func inC(t *testing.T, dir, name string) *exec.Cmd {
	product := filepath.Join(dir, name+".c.exe")
	return built(t, product, lookFor(t, "cc"), "-std=c99", "-O2", "-D_POSIX_C_SOURCE=200809L", "-Ic", "-o", product,
		"c/petrichor.c", "c/examples/"+name+".c")
}

func inRuby(t *testing.T, _, name string) *exec.Cmd {
	return exec.Command(lookFor(t, "ruby"), "-Iruby/lib", "ruby/examples/"+name+".rb")
}

func inPython(t *testing.T, dir, name string) *exec.Cmd {
	cmd := exec.Command(lookFor(t, "python3"), "python/"+name+".py")
	cmd.Env = append(os.Environ(), "PYTHONPATH="+tangle(t, dir))
	return cmd
}

// tangle writes the program of the specification to dir, and returns dir.
func tangle(t *testing.T, dir string) string {
	t.Helper()
	for name, text := range spec.Tangle(spec.Chapters()) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
