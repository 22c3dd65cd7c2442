package main

import (
	"bufio"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// ours are the commands of the README that are run here: those that need nobody else, or a server
// where echo listens when it is not told otherwise.
var ours = regexp.MustCompile(`^(.*\| *)?(petrichor (demo|cat|check|hex|version)|nc -N 127\.0\.0\.1 7670$)\b[^&]*$`)

// What the README shows in fences as "$ command" and its output is what the command prints, but
// for ports.  A "..." line stands for any lines.
func TestReadme(t *testing.T) {
	file, err := os.Open("../../README.md")
	if os.IsNotExist(err) {
		t.Skip("this module without the repository around it has no README")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs sh: the README's commands")
	}
	for _, s := range shownIn(bufio.NewScanner(file)) {
		t.Run(s.command, s.run)
	}
}

// A shown is one command of a document, and what the document says it prints.
type shown struct {
	command string
	output  []string
}

// shownIn collects what stands in fences.
func shownIn(lines *bufio.Scanner) (all []shown) {
	fenced := false
	for lines.Scan() {
		line := lines.Text()
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case strings.HasPrefix(line, "```"):
			fenced = !fenced
			all = append(all, shown{})
		case fenced && isCommand:
			all = append(all, shown{command: strings.ReplaceAll(command, "go run ./cmd/petrichor", "petrichor")})
		case fenced && len(all) > 0:
			last := &all[len(all)-1]
			last.output = append(last.output, line)
		}
	}
	ran := all[:0]
	for _, s := range all {
		if ours.MatchString(s.command) {
			ran = append(ran, s)
		}
	}
	return ran
}

func (s shown) run(t *testing.T) {
	if strings.Contains(s.command, "nc ") {
		if _, err := exec.LookPath("nc"); err != nil {
			t.Skip("needs nc: the README's first command")
		}
		addr := echoServer(t, nil)
		s.command = strings.ReplaceAll(s.command, "127.0.0.1 7670", strings.Replace(addr, ":", " ", 1))
	}
	cmd := exec.Command("sh", "-c", s.command)
	cmd.Dir = "../.."
	got, err := cmd.CombinedOutput()
	want := strings.TrimSpace(strings.Join(s.output, "\n"))
	if want == "" {
		if err != nil {
			t.Errorf("%v: %s", err, got)
		}
		return
	}
	pattern := regexp.QuoteMeta(loopback.ReplaceAllString(want, "ADDR"))
	pattern = strings.ReplaceAll(pattern, `\.\.\.`, `(?s:.*)`)
	text := strings.TrimSpace(loopback.ReplaceAllString(string(got), "ADDR"))
	if !regexp.MustCompile("^" + pattern + "$").MatchString(text) {
		t.Errorf("it prints\n%s\n\nthe README says\n%s", text, want)
	}
}
