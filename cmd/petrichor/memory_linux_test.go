package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// repeated reads as unit, n times over, and then end.
func repeated(unit string, n int, end string) io.Reader {
	block := bytes.Repeat([]byte(unit), 1+4096/len(unit))
	per := len(block) / len(unit)
	parts := []io.Reader{}
	for ; n >= per; n -= per {
		parts = append(parts, bytes.NewReader(block))
	}
	return io.MultiReader(append(parts, strings.NewReader(strings.Repeat(unit, n)+end))...)
}

// peakOf runs petrichor on input and returns the most memory it had resident, in bytes.
func peakOf(t *testing.T, input io.Reader, args ...string) int64 {
	t.Helper()
	debug.FreeOSMemory()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // a child's peak begins with ours
	cmd := exec.Command("petrichor", args...)
	cmd.Stdin = input
	cmd.Run() // what it says about the input is for other tests
	return int64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) << 10
}

// Whatever the input, 64 MiB are enough, at the default limits.
func TestMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	const size = 8 << 20
	list := fmt.Sprintf("%d:", size/3*3)
	for _, c := range []struct {
		name  string
		input func() io.Reader
		args  []string
	}{
		{"many small values", func() io.Reader { return repeated("5:hello,", 1<<20, "") }, []string{"cat"}},
		{"endless digits", func() io.Reader { return repeated("1", 64<<20, "") }, []string{"cat"}},
		{"endless list of JSON", func() io.Reader { return repeated("[", 64<<20, "") }, []string{"cat", "--from", "json"}},
		{"endless string of JSON", func() io.Reader { return repeated("\"a", 64<<20, "") }, []string{"cat", "--from", "json"}},
		{"endless string of one JSON value", func() io.Reader {
			return io.MultiReader(strings.NewReader(`"`), repeated("a", 64<<20, ""))
		}, []string{"cat", "--from", "json"}},
		{"announced and not sent", func() io.Reader { return strings.NewReader("999999999:a") }, []string{"cat", "--max-size", "1G"}},
		{"large list", func() io.Reader { return io.MultiReader(strings.NewReader(list), repeated("0:~", size/3, "]")) }, []string{"cat"}},
		{"large list of JSON", func() io.Reader {
			return io.MultiReader(strings.NewReader("[0"), repeated(",0", size/4-1, "]"))
		}, []string{"cat", "--from", "json"}},
		{"endless list of empty dicts of JSON", func() io.Reader {
			return io.MultiReader(strings.NewReader("["), repeated("{},", 20<<20, "{}]"))
		}, []string{"check", "--from", "json"}},
		{"large string, pretty", func() io.Reader {
			return io.MultiReader(strings.NewReader(fmt.Sprintf("%d:", size)), repeated("\xff", size, ","))
		}, []string{"cat", "--to", "pretty"}},
		{"large string, hex", func() io.Reader {
			return io.MultiReader(strings.NewReader(fmt.Sprintf("%d:", size)), repeated("\xff", size, ","))
		}, []string{"hex"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if peak := peakOf(t, c.input(), c.args...); peak > 64<<20 || peak < 1<<20 {
				t.Errorf("%d MiB resident", peak>>20)
			} else {
				t.Logf("%d MiB resident", peak>>20)
			}
		})
	}
}

// A hostilePeer allows whoever connects, and sends what stream makes whatever it is asked.
func hostilePeer(t *testing.T, stream func() io.Reader) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.Read(make([]byte, 1))
				io.WriteString(conn, "17:7:allowed,4:true!}0:,")
				io.Copy(conn, stream())
				io.Copy(io.Discard, conn) // closing would reset it
			}()
		}
	}()
	return l.Addr().String()
}

// Whatever a peer sends, 64 MiB are enough for those that connect.
func TestMemoryOfClients(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	const size = 1 << 20
	streams := map[string]func() io.Reader{
		"small frames": func() io.Reader { return repeated("0:}0:,", 4<<20, "") },
		"large frames": func() io.Reader {
			return repeated(fmt.Sprintf("0:}%d:%s,", size, strings.Repeat("\xff", size)), 64, "")
		},
		"many values":       func() io.Reader { return repeated("0:}90000:"+strings.Repeat("0:~", 30000)+"]", 200, "") },
		"announced":         func() io.Reader { return strings.NewReader("0:}999999999:a") },
		"endless digits":    func() io.Reader { return repeated("1", 64<<20, "") },
		"large header":      func() io.Reader { return repeated("60009:1:a,60000:"+strings.Repeat("x", 60000)+",}0:~", 500, "") },
		"replies to nobody": func() io.Reader { return repeated("9:2:id,1:7#}0:~", 2<<20, "") },
	}
	for name, stream := range streams {
		addr := hostilePeer(t, stream)
		for _, verb := range [][]string{
			{"recv", addr, "-o", "/dev/null", "-W", "1s"},
			{"recv", addr, "-o", "/dev/null", "-W", "1s", "-f", "pretty"},
			{"send", addr, "hello", "-n", "10", "-t", "1s"},
			{"ping", addr, "-c", "2", "-i", "1ms", "-t", "500ms"},
			{"bench", addr, "-n", "1000", "-P", "4", "-t", "500ms"},
		} {
			t.Run(name+"/"+verb[0], func(t *testing.T) {
				peak := peakOf(t, nil, verb...)
				if peak > 64<<20 || peak < 1<<20 {
					t.Errorf("%d MiB resident", peak>>20)
				}
				t.Logf("%d MiB resident", peak>>20)
			})
		}
	}
}

// Whatever stdin has, 64 MiB are enough to send it.
func TestMemoryOfSend(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	addr := echoServer(t, nil)
	for name, input := range map[string]io.Reader{
		"many small values": repeated("5:hello,", 1<<18, ""),
		"endless digits":    repeated("1", 64<<20, ""),
		"large values":      repeated(fmt.Sprintf("%d:%s,", 1<<20, strings.Repeat("x", 1<<20)), 40, ""),
	} {
		if peak := peakOf(t, input, "send", addr, "-F", "tnet"); peak > 64<<20 || peak < 1<<20 {
			t.Errorf("%s: %d MiB resident", name, peak>>20)
		}
	}
}

// Peers that send almost all of what they may make a server hold no more than it was told to.
func TestMemoryOfServe(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	cmd := exec.Command("petrichor", "serve", "127.0.0.1:0", "--reply", "{{.Body}}", "--max-in-flight", "16M")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	debug.FreeOSMemory()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // a child's peak begins with ours
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Signal(syscall.SIGINT)
	line, err := bufio.NewReader(stderr).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	addr := strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
	list := strings.Repeat("0:}", 60_000) // 352 bytes each, when they are maps
	var peers sync.WaitGroup
	for i := range 60 {
		peers.Go(func() {
			conn := dialTest(t, addr)
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(3 * time.Second)) // most of them are not read to the end
			io.WriteString(conn, "0:}0:~")
			if i%2 == 0 {
				fmt.Fprintf(conn, "0:}%d:%s]", len(list), list)
			} else {
				fmt.Fprintf(conn, "0:}1000000:%s", strings.Repeat("x", 999_000))
			}
			io.Copy(io.Discard, conn)
		})
	}
	peers.Wait()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var peak int64
	if _, after, found := strings.Cut(string(status), "VmHWM:"); found {
		fmt.Sscan(after, &peak)
	}
	if peak >>= 10; peak > 96 || peak < 1 { // twice what is in flight, 40 MiB, and the program
		t.Errorf("%d MiB resident", peak)
	}
	t.Logf("%d MiB resident", peak)
}
