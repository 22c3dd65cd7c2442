package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What docs/tool.md and docs/porting.md show in fences is what happens: each fence is a session, whose
// commands run one after another in the folder they speak of.  A command with & at its end is a server;
// the address it prints stands for the one that the page shows.  "kill -INT $!" is Ctrl-C for it and
// "wait" waits for it; either shows what it has printed since, and its exit code must be 0.
func TestDocs(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("needs sh: the commands of docs")
	}
	for page, sessions := range map[string]int{"tool.md": 5, "porting.md": 3} {
		t.Run(page, func(t *testing.T) { testPage(t, "../../docs/"+page, sessions) })
	}
}

// testPage runs the sessions of a page, which are not fewer than so many.
func testPage(t *testing.T, path string, sessions int) {
	page, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Skip("this module without the repository around it has no docs")
	}
	if err != nil {
		t.Fatal(err)
	}
	fences := regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllSubmatch(page, -1)
	for _, fence := range fences {
		t.Run(strings.SplitN(string(fence[1]), "\n", 2)[0], func(t *testing.T) {
			newDocSession(t).run(string(fence[1]))
		})
	}
	if len(fences) < sessions {
		t.Errorf("%d sessions", len(fences))
	}
}

// A docSession runs the commands of one fence.
type docSession struct {
	t      *testing.T
	folder string
	addrs  map[string]string // as the page has them: as they are
	server *exec.Cmd
	output *bufio.Reader // of the server
}

func newDocSession(t *testing.T) *docSession {
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("testdata/docs")); err != nil {
		t.Fatal(err)
	}
	d := &docSession{t: t, folder: folder, addrs: map[string]string{}}
	t.Cleanup(func() {
		if d.server != nil {
			d.server.Process.Kill()
			d.server.Wait()
		}
	})
	return d
}

func (d *docSession) run(fence string) {
	for _, part := range strings.Split("\n"+fence, "\n$ ")[1:] {
		command, want, _ := strings.Cut(part, "\n")
		var got string
		switch {
		case strings.HasSuffix(command, " &"):
			got = d.start(strings.TrimSuffix(command, " &"), want)
		case command == "kill -INT $!":
			d.server.Process.Signal(syscall.SIGINT)
			got = d.wait()
		case command == "wait":
			got = d.wait()
		default:
			got = d.command(command)
		}
		if blur(command, got) != blur(command, want) {
			d.t.Errorf("$ %s\nprints\n%s\nthe page says\n%s", command, got, want)
		}
	}
}

// shell is a command with the addresses of this run.
func (d *docSession) shell(command string) *exec.Cmd {
	for shown, real := range d.addrs {
		command = strings.ReplaceAll(command, shown, real)
	}
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = d.folder
	return cmd
}

func (d *docSession) command(command string) string {
	got, err := d.shell(command).CombinedOutput()
	if err != nil {
		d.t.Errorf("$ %s: %v", command, err)
	}
	return string(got)
}

func (d *docSession) start(command, want string) string {
	r, w, err := os.Pipe()
	if err != nil {
		d.t.Fatal(err)
	}
	defer w.Close()
	d.t.Cleanup(func() { r.Close() })
	d.server = d.shell("exec " + command)
	d.server.Stdout, d.server.Stderr = w, w
	if err := d.server.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.output = bufio.NewReader(r)
	line, err := d.output.ReadString('\n')
	if err != nil {
		d.t.Fatalf("$ %s: %v", command, err)
	}
	d.addrs[loopback.FindString(want)] = loopback.FindString(line)
	return line
}

func (d *docSession) wait() string {
	late := time.AfterFunc(5*time.Second, func() { d.server.Process.Kill() })
	defer late.Stop()
	rest, _ := io.ReadAll(d.output)
	if err := d.server.Wait(); err != nil {
		d.t.Errorf("the server ended with %v", err)
	}
	return string(rest)
}

// What differs from run to run: ports and times everywhere, all figures where they are measured.
var (
	clockTime = regexp.MustCompile(`time=[^ ]+|"modified":"[^"]*"`)
	figure    = regexp.MustCompile(`[0-9][0-9.,]*([nµm]?s\b)?`)
	unit      = regexp.MustCompile(`[kMG]?B/s`)
	bars      = regexp.MustCompile(` *#+`)
	gap       = regexp.MustCompile(` +`)
)

func blur(command, text string) string {
	text = loopback.ReplaceAllString(strings.TrimSpace(text), "ADDR")
	text = clockTime.ReplaceAllString(text, "TIME")
	if !strings.Contains(command, "bench") && !strings.Contains(command, "ping") {
		return text
	}
	text = unit.ReplaceAllString(figure.ReplaceAllString(text, "N"), "B/s")
	text = gap.ReplaceAllString(bars.ReplaceAllString(text, ""), " ")
	var lines bytes.Buffer
	for line := range strings.Lines(text) {
		lines.WriteString(strings.TrimSpace(line) + "\n")
	}
	return lines.String()
}
