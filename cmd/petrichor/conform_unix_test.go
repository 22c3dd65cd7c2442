//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// interruptedConform runs conform, sends it a signal as soon as there is a file called pid, and
// returns what came of it.
func interruptedConform(t *testing.T, signal os.Signal, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command("petrichor", append([]string{"conform"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	defer late.Stop()
	awaitFile(t, "pid")
	cmd.Process.Signal(signal)
	cmd.Wait()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// awaitFile waits until a file has a line.
func awaitFile(t *testing.T, name string) {
	t.Helper()
	for range 1000 {
		if text, _ := os.ReadFile(name); bytes.HasSuffix(text, []byte("\n")) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no file %s", name)
}

// Ctrl-C ends conform and what it has started, soon; what has come out so far is written.
func TestConformInterrupted(t *testing.T) {
	const (
		codec  = `read line; echo '{"verdict":"ok"}'; read line; sleep 322 & echo $! >pid; wait`
		each   = `test -f first && { sleep 322 & echo $! >pid; wait; }; touch first; echo '{"verdict":"ok"}'`
		server = `cat & sleep 322 & echo $! >pid; wait`
	)
	for _, c := range []struct {
		name   string
		signal os.Signal
		args   []string
		cases  int
	}{
		{"codec", os.Interrupt, []string{"--only", "^null ", "--", "sh", "-c", codec}, 1},
		{"codec, no limit", syscall.SIGTERM, []string{"-t", "0", "--only", "^null ", "--", "sh", "-c", codec}, 1},
		{"each", os.Interrupt, []string{"--each", "--only", "^null ", "--", "sh", "-c", each}, 1},
		{"greeting", os.Interrupt, []string{"--stdio", "--patience", "1m", "--", "sh", "-c", "exec 3<&0; " + server}, 0},
		{"attack", syscall.SIGTERM, []string{"--stdio", "--only", "row-12", "--", "sh", "-c", "test -f first || { touch first; exec cat; }; " + server}, 0},
		{"waiting", os.Interrupt, []string{"--stdio", "--only", "row-32", "--", "sh", "-c", "test -f first || { touch first; exec cat; }; " + server}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			mustEndEarly(t, c.signal, c.cases, c.args)
		})
	}
}

// mustEndEarly wants conform to end soon, at a signal, and to report so many cases.
func mustEndEarly(t *testing.T, signal os.Signal, cases int, args []string) {
	t.Helper()
	began := time.Now()
	out, errs, code := interruptedConform(t, signal, append([]string{"--json", "--junit", "report.xml"}, args...)...)
	if code != exitInterrupted || !strings.HasPrefix(errs, "petrichor: interrupted after ") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
	wantGone(t, "pid")
	var score scorecard
	if err := json.Unmarshal([]byte(out), &score); err != nil || score.Cases == nil || len(score.Cases) != cases {
		t.Errorf("%v: %s", err, out)
	}
	if report, _ := os.ReadFile("report.xml"); cases > 0 && !bytes.Contains(report, []byte(`tests="1"`)) {
		t.Errorf("%s", report)
	}
}

// What an interrupted conform prints is its table.
func TestConformInterruptedTable(t *testing.T) {
	t.Chdir(t.TempDir())
	const codec = `read line; echo '{"verdict":"unsupported"}'; read line; echo $$ >pid; sleep 322`
	out, _, code := interruptedConform(t, os.Interrupt, "--only", "^null ", "--", "sh", "-c", codec)
	if code != exitInterrupted || !strings.HasSuffix(out, "\n    all      1   0     1     0\n") {
		t.Errorf("exit code %d: %s", code, out)
	}
	wantGone(t, "pid")
}

// What a command has started and left ends with it, whether it ends by itself or not.
func TestConformLeavesNothing(t *testing.T) {
	const left = "sleep 351 >/dev/null 2>&1 & echo $! >pid; exec petrichor "
	for _, args := range [][]string{
		{"--stdio", "--quick", "--only", "row-12", "--", "sh", "-c", left + "serve stdio: --reply x"},
		{"--only", "^null null$", "--", "sh", "-c", left + "verdict"},
		{"--each", "--only", "^null null$", "--", "sh", "-c", left + `verdict "$@"`, "sh"},
	} {
		t.Chdir(t.TempDir())
		if out, err := exec.Command("petrichor", append([]string{"conform"}, args...)...).CombinedOutput(); err != nil {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
		wantGone(t, "pid")
	}
}
