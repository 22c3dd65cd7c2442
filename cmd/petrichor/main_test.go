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

	"github.com/petrichor-protocol/petrichor"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"petrichor": main, "flawed": flawedCodec, "panicking": panicking})
}

// The scripts know these commands beside those of testscript:
//
//	exits CODE program args...   the program ends with this exit code
//	server NAME [args...]        petrichor echo on a free port; $NAME is its address
//	start NAME VERB [args...]    petrichor VERB, a server that says on stderr where it listens; the
//	                             rest of stderr is NAME.log, and stdout NAME.out
//	halt NAME                    Ctrl-C for either; it must end with 0, and soon
//	peer NAME FILE [hold|stay]   a peer that answers each connection with FILE, and then closes it
//	                             or, told to hold, does so when the other end has, or, told to stay,
//	                             never; $NAME is its address
//	lossy NAME ADDR N            a way to ADDR that closes each of its first N connections instead of
//	                             passing on the first reply; $NAME is its address
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
			"start":  startVerb,
			"halt":   stopServer,
			"peer":   startPeer,
			"lossy":  startLossy,
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

// running holds the servers of all scripts, by name and script.
var running sync.Map

// A runningServer has been started, and not yet halted.
type runningServer struct {
	cmd    *exec.Cmd
	logged chan struct{} // closed when all it has said is in its log; nil: it writes that itself
}

// startServer starts an echo, which says on stdout where it listens.
func startServer(ts *testscript.TestScript, neg bool, args []string) {
	name, addr, rest := args[0], "127.0.0.1:0", args[1:]
	if len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		addr, rest = rest[0], rest[1:]
	}
	cmd := exec.Command("petrichor", append([]string{"echo", addr}, rest...)...)
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	log, err := os.Create(ts.MkAbs(name + ".log"))
	ts.Check(err)
	ts.Defer(func() { log.Close() })
	cmd.Stderr = log
	startProcess(ts, name, cmd, stdout)
}

// startVerb starts any verb that says on stderr where it listens, and keeps what it says after that
// and on stdout.
func startVerb(ts *testscript.TestScript, neg bool, args []string) {
	name := args[0]
	cmd := exec.Command("petrichor", args[1:]...)
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	out, err := os.Create(ts.MkAbs(name + ".out"))
	ts.Check(err)
	log, err := os.Create(ts.MkAbs(name + ".log"))
	ts.Check(err)
	ts.Defer(func() { out.Close(); log.Close() })
	cmd.Stdout = out
	rest := startProcess(ts, name, cmd, stderr)
	logged := make(chan struct{})
	go func() { io.Copy(log, rest); close(logged) }()
	running.Store(name+ts.Getenv("WORK"), &runningServer{cmd, logged})
}

// startProcess starts a server, lets a script know where it listens, which is its first line, and returns
// the reader of the rest.
func startProcess(ts *testscript.TestScript, name string, cmd *exec.Cmd, r io.Reader) io.Reader {
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = append(os.Environ(), "WORK="+cmd.Dir)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	lines := bufio.NewReader(r)
	line, err := lines.ReadString('\n')
	ts.Check(err)
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		ts.Fatalf("%s says first: %s", name, line)
	}
	ts.Setenv(name, addr)
	ts.Setenv(name+"_PID", strconv.Itoa(cmd.Process.Pid))
	running.Store(name+ts.Getenv("WORK"), &runningServer{cmd: cmd})
	return lines
}

func stopServer(ts *testscript.TestScript, neg bool, args []string) {
	value, ok := running.Load(args[0] + ts.Getenv("WORK"))
	if !ok {
		ts.Fatalf("no server %s", args[0])
	}
	server := value.(*runningServer)
	cmd := server.cmd
	ts.Check(cmd.Process.Signal(os.Interrupt))
	late := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
	defer late.Stop()
	if server.logged != nil {
		<-server.logged // Wait would close the pipe
	}
	if err := cmd.Wait(); err != nil {
		ts.Fatalf("the server ended with %v", err)
	}
}

func startPeer(ts *testscript.TestScript, neg bool, args []string) {
	answer := ts.ReadFile(args[1])
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	over := make(chan struct{})
	ts.Defer(func() { l.Close(); close(over) })
	ts.Setenv(args[0], l.Addr().String())
	hold := ""
	if len(args) > 2 {
		hold = args[2]
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				answerOnce(conn, answer, hold != "")
				if hold == "stay" {
					<-over
				}
			}()
		}
	}()
}

// answerOnce waits for the first bytes of a peer before it says anything.
func answerOnce(conn net.Conn, answer string, hold bool) {
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	conn.Read(make([]byte, 1))
	io.WriteString(conn, answer)
	if !hold {
		conn.(*net.TCPConn).CloseWrite()
	}
	io.Copy(io.Discard, conn)
}

func startLossy(ts *testscript.TestScript, neg bool, args []string) {
	lossy, err := strconv.Atoi(args[2])
	ts.Check(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	over := make(chan struct{})
	ts.Defer(func() { l.Close(); close(over) })
	ts.Setenv(args[0], l.Addr().String())
	go func() {
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go relay(conn, args[1], n < lossy, over)
		}
	}()
}

// relay joins a connection to addr, or loses it with the first reply.  The server is not to see that,
// so that what it handles is handled to the end.
func relay(conn net.Conn, addr string, loses bool, over chan struct{}) {
	defer conn.Close()
	server, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		io.Copy(server, conn)
		if !loses {
			server.(*net.TCPConn).CloseWrite()
		}
	}()
	if !loses {
		io.Copy(conn, server)
		return
	}
	frames := petrichor.NewDecoder(server)
	if answer, err := frames.ReadFrame(); err == nil {
		conn.Write(append(answer.Header, answer.Body...))
	}
	frames.ReadFrame()
	conn.Close()
	<-over
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
		{"tnet", "5:hello,\n", "\"hello\"\n"},
		{"tnet", "5:hello,\n3:a", "\"hello\"\n"},
		{"frames", "0:}5:hello,", "{\"header\":{},\"body\":\"hello\"}\n"},
		{"frames", "0:}5:hello,0:}", "{\"header\":{},\"body\":\"hello\"}\n"},
		{"json", "\"hello\"\n", "\"hello\"\n"},
		{"json", "\"hello\"\n{\"a\":", "\"hello\"\n"},
	} {
		cmd := exec.Command("petrichor", "cat", "--lines", "--from", c.from, "--to", "jsonl")
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
