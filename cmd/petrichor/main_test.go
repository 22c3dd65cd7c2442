package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"petrichor": main})
}

// The scripts know these commands beside those of testscript:
//
//	exits CODE program args...   the program ends with this exit code
//	server NAME [args...]        petrichor echo on a free port; $NAME is its address
//	stop NAME                    Ctrl-C for it; it must end with 0, and fast
//	peer NAME FILE [hold]        a peer that answers each connection with FILE, and then closes it
//	                             or, told to hold, does not; $NAME is its address
//	unport FILE                  replace loopback addresses in FILE by ADDR
//	chomp FILE...                remove the newline that the end of a file in a script has
func TestScripts(t *testing.T) {
	interop, err := filepath.Abs("../../testdata/interop")
	if err != nil {
		t.Fatal(err)
	}
	home, _ := os.UserHomeDir() // version managers keep their python3 there
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("INTEROP", interop)
			env.Setenv("HOME", home)
			env.Setenv("NO_COLOR", "")
			env.Setenv("PETRICHOR_ADDR", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"server": startServer,
			"stop":   stopServer,
			"peer":   startPeer,
			"unport": unport,
			"chomp":  chomp,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE program args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// running holds the echo servers of all scripts, by name and script.
var running sync.Map

func startServer(ts *testscript.TestScript, neg bool, args []string) {
	name := args[0]
	addr := "127.0.0.1:0"
	rest := args[1:]
	if len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		addr, rest = rest[0], rest[1:]
	}
	cmd := exec.Command("petrichor", append([]string{"echo", addr}, rest...)...)
	cmd.Dir = ts.Getenv("WORK")
	log, err := os.Create(ts.MkAbs(name + ".log"))
	ts.Check(err)
	cmd.Stderr = log
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	ts.Check(err)
	ts.Setenv(name, strings.TrimSpace(strings.TrimPrefix(line, "listening on ")))
	ts.Setenv(name+"_PID", strconv.Itoa(cmd.Process.Pid))
	running.Store(name+ts.Getenv("WORK"), cmd)
}

func stopServer(ts *testscript.TestScript, neg bool, args []string) {
	value, ok := running.Load(args[0] + ts.Getenv("WORK"))
	if !ok {
		ts.Fatalf("no server %s", args[0])
	}
	cmd := value.(*exec.Cmd)
	ts.Check(cmd.Process.Signal(os.Interrupt))
	late := time.AfterFunc(2*time.Second, func() { cmd.Process.Kill() })
	defer late.Stop()
	if err := cmd.Wait(); err != nil {
		ts.Fatalf("the server ended with %v", err)
	}
}

func startPeer(ts *testscript.TestScript, neg bool, args []string) {
	answer := ts.ReadFile(args[1])
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
	hold := len(args) > 2
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answerOnce(conn, answer, hold)
		}
	}()
}

// answerOnce waits for the first bytes of a peer before it says anything.
func answerOnce(conn net.Conn, answer string, hold bool) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	conn.Read(make([]byte, 1))
	io.WriteString(conn, answer)
	if !hold {
		conn.(*net.TCPConn).CloseWrite()
	}
	io.Copy(io.Discard, conn)
}

var loopback = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)

func unport(ts *testscript.TestScript, neg bool, args []string) {
	text := loopback.ReplaceAllString(ts.ReadFile(args[0]), "ADDR")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o666))
}

func chomp(ts *testscript.TestScript, neg bool, args []string) {
	for _, file := range args {
		text := strings.TrimSuffix(ts.ReadFile(file), "\n")
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o666))
	}
}

// What has arrived is printed before more arrives: cat can stand at the end of a live stream.
func TestCatIsLive(t *testing.T) {
	for _, c := range []struct{ from, sent, want string }{
		{"tnet", "5:hello,", "\"hello\"\n"},
		{"frames", "0:}5:hello,", "{\"header\":{},\"body\":\"hello\"}\n"},
		{"json", "\"hello\"\n", "\"hello\"\n"},
	} {
		cmd := exec.Command("petrichor", "cat", "--from", c.from, "--to", "jsonl")
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		late := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		io.WriteString(stdin, c.sent)
		got, err := bufio.NewReader(stdout).ReadString('\n')
		if got != c.want {
			t.Errorf("--from %s: %q, %v, want %q", c.from, got, err, c.want)
		}
		late.Stop()
		stdin.Close()
		cmd.Wait()
	}
}
