package service

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var updateLimits = flag.Bool("update-limits", false, "measure anew the table of a server in docs/limits.md")

const (
	tableFile  = "../docs/limits.md"
	tableBegin = "<!-- measured: go test ./service -run TestServiceTable -update-limits -->\n"
	tableEnd   = "<!-- end of what is measured of a server -->\n"
)

// A figure is one line of the table.
type figure struct {
	row      int
	what     string
	promised string
	measure  func(t *testing.T) string
}

func figures() []figure {
	return []figure{
		{36, "memory of an idle connection, after a request", "16 KiB", func(t *testing.T) string {
			bytes, _ := idle(t, 1000)
			return fmt.Sprintf("%d bytes", bytes)
		}},
		{36, "goroutines of an idle connection", "2", func(t *testing.T) string {
			_, goroutines := idle(t, 1000)
			return fmt.Sprint(goroutines)
		}},
		{32, "memory of a connection that has said nothing", "8 KiB", func(t *testing.T) string {
			return fmt.Sprintf("%d bytes", unheard(t, 250))
		}},
		{32, "the same behind TLS, with half of its part of the handshake", "8 KiB", func(t *testing.T) string {
			return fmt.Sprintf("%d bytes", behindTLS(t, 250, halfAHandshake))
		}},
		{32, "the same behind TLS, with all of it", "32 KiB", func(t *testing.T) string {
			return fmt.Sprintf("%d bytes", behindTLS(t, 250, aHandshake))
		}},
		{36, "memory of an idle connection behind TLS, after a request", "32 KiB", func(t *testing.T) string {
			return fmt.Sprintf("%d bytes", behindTLS(t, 250, aRequest))
		}},
		{38, "memory of a connection that has declared the largest frame, and sent 10,000 bytes", "64 KiB", func(t *testing.T) string {
			l := onLoopback(t, crowd())
			return fmt.Sprintf("%d bytes", declared(t, l, 500)-clientEnd(t))
		}},
		{32, "time until a silent peer is cut", "5 s ± 0.5 s", func(t *testing.T) string { return timeToCut(t).String() }},
		{37, "time to serve a peer beside 1,000 silent ones", "50 ms", func(t *testing.T) string {
			l := onLoopback(t, &Server{})
			silentCrowd(t, l, true)
			return fastest(5, func() time.Duration { return timeToServe(t, l) }).Round(time.Microsecond).String()
		}},
		{31, "time until HTTP is cut", "10 ms", func(t *testing.T) string {
			l := onLoopback(t, &Server{})
			return fastest(20, func() time.Duration {
				c, began := l.connect(), time.Now()
				c.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
				untilCut(c)
				return time.Since(began)
			}).Round(time.Microsecond).String()
		}},
		{43, "goroutines left after Shutdown with 100 connections", "0", func(t *testing.T) string {
			goroutines, _ := left(t)
			return fmt.Sprint(goroutines)
		}},
		{43, "descriptors left after it", "0", func(t *testing.T) string {
			_, files := left(t)
			return fmt.Sprint(files)
		}},
	}
}

// idle is what each of n connections takes of a server that waits for the next
// request.
func idle(t *testing.T, n int) (bytes int64, goroutines int) {
	l := onLoopback(t, crowd())
	before := runtime.NumGoroutine()
	ends := make([]net.Conn, 0, n)
	bytes = held(func() {
		for range n {
			c := must(l.dial())
			ends = append(ends, c)
			if !greets(c) {
				t.Fatal("not greeted")
			}
			c.Write([]byte("9:2:id,1:7#}1:x,"))
			io.ReadFull(c, make([]byte, len("9:2:id,1:7#}1:x,")))
		}
		time.Sleep(50 * time.Millisecond) // the last of them goes to rest
	})
	goroutines = runtime.NumGoroutine() - before
	for _, c := range ends {
		c.Close()
	}
	return bytes/int64(n) - clientEnd(t), goroutines / n
}

// unheard is what each of n takes of it that has said nothing.
func unheard(t *testing.T, n int) int64 {
	l := onLoopback(t, crowd())
	return held(func() {
		for range n {
			l.connect()
		}
		eventually(t, "all are accepted", func() bool { return l.Observer.(*Vars).open.Load() == int64(n) })
		time.Sleep(50 * time.Millisecond)
	})/int64(n) - clientEnd(t)
}

// behindTLS is what each of n takes of a server behind TLS, when its peer has done so much.
// What the peer needs for it is let go; its socket is clientEnd.
func behindTLS(t *testing.T, n int, do func(net.Conn, *tls.Config) error) int64 {
	l, config := onTLS(t, crowd())
	return held(func() {
		for range n {
			if err := do(l.connect(), config); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "all are accepted", func() bool { return l.Observer.(*Vars).open.Load() == int64(n) })
		time.Sleep(50 * time.Millisecond)
	})/int64(n) - clientEnd(t)
}

func halfAHandshake(c net.Conn, _ *tls.Config) error {
	_, err := c.Write([]byte("\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03"))
	return err
}

func aHandshake(c net.Conn, config *tls.Config) error { return tls.Client(c, config).Handshake() }

func aRequest(c net.Conn, config *tls.Config) error {
	secured := tls.Client(c, config)
	for _, frame := range []string{"0:}0:~", "0:}1:x,"} {
		if _, err := secured.Write([]byte(frame)); err != nil {
			return err
		}
		if _, err := secured.Read(make([]byte, 100)); err != nil {
			return err
		}
	}
	return nil
}

// clientEnd is what the other end of a connection takes, which is in this process
// too: half of two.
func clientEnd(t *testing.T) int64 {
	const n = 500
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	defer l.Close()
	var ends []net.Conn
	bytes := held(func() {
		for range n {
			ends = append(ends, must(net.Dial("tcp", l.Addr().String())), must(l.Accept()))
		}
	})
	for _, c := range ends {
		c.Close()
	}
	return bytes / n / 2
}

func timeToCut(t *testing.T) (took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Log: quiet, Handle: echoBody}
		ours, theirs := net.Pipe()
		go s.ServeStream(theirs)
		took = untilCut(ours)
		s.Close()
	})
	return took
}

// left is what there is after Shutdown that was not there before.
func left(t *testing.T) (goroutines, files int) {
	g, d := runtime.NumGoroutine(), descriptors()
	s := crowd()
	s.Handle = echoBody
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	served := make(chan error)
	go func() { served <- s.Serve(l) }()
	var ends []net.Conn
	for range 100 {
		c := must(net.Dial("tcp", l.Addr().String()))
		greets(c)
		ends = append(ends, c)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	<-served
	for _, c := range ends {
		c.Close()
	}
	eventually(t, "goroutines that have ended are counted no more", func() bool { return runtime.NumGoroutine() <= g })
	return runtime.NumGoroutine() - g, descriptors() - d
}

func fastest(times int, f func() time.Duration) time.Duration {
	least := f()
	for range times - 1 {
		least = min(least, f())
	}
	return least
}

// The table has every line; what was measured differs from machine to machine, and
// the tests named after the rows hold it to the promises.
func TestServiceTable(t *testing.T) {
	file := string(must(os.ReadFile(tableFile)))
	head, rest, begun := strings.Cut(file, tableBegin)
	table, tail, ended := strings.Cut(rest, tableEnd)
	if !begun || !ended {
		t.Fatalf("%s has no place for the table", tableFile)
	}
	if *updateLimits {
		table = measured(t)
		if err := os.WriteFile(tableFile, []byte(head+tableBegin+table+tableEnd+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range figures() {
		line := fmt.Sprintf("| %d | %s | %s |", f.row, f.what, f.promised)
		if !regexp.MustCompile(regexp.QuoteMeta(line) + ` [^|]+ \|\n`).MatchString(table) {
			t.Errorf("%s has no line\n%s\nto measure anew: go test ./service -run TestServiceTable -update-limits", tableFile, line)
		}
	}
}

func measured(t *testing.T) string {
	var table strings.Builder
	fmt.Fprintf(&table, "\n%s, %s/%s, %d processors.\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	table.WriteString("| row | what | promised | measured |\n|---:|---|---:|---:|\n")
	for _, f := range figures() {
		t.Run(f.what, func(t *testing.T) {
			fmt.Fprintf(&table, "| %d | %s | %s | %s |\n", f.row, f.what, f.promised, f.measure(t))
		})
	}
	return table.String() + "\n"
}

// alone runs the test that calls it once more in a process of its own, in which no
// other test has made the stacks that goroutines begin with larger; there it reports
// true.
func alone(t *testing.T) bool {
	if os.Getenv("PETRICHOR_ALONE") != "" {
		return true
	}
	run := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	run.Env = append(os.Environ(), "PETRICHOR_ALONE=1")
	if out, err := run.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// What a connection takes that has said nothing, and one that is idle.
func TestLimit32MemoryOfTheSilent(t *testing.T) {
	if !alone(t) {
		return
	}
	if got := unheard(t, 250); got > 8<<10 && !raceOn {
		t.Errorf("%d bytes", got)
	}
}

// Behind TLS the same holds until the handshake is made.  What TLS then keeps is more.
func TestLimit32MemoryOfTheSilentBehindTLS(t *testing.T) {
	if !alone(t) {
		return
	}
	for name, test := range map[string]struct {
		do   func(net.Conn, *tls.Config) error
		most int64
	}{
		"silent":           {func(net.Conn, *tls.Config) error { return nil }, 8 << 10},
		"half a handshake": {halfAHandshake, 8 << 10},
		"a handshake":      {aHandshake, 32 << 10},
		"idle":             {aRequest, 32 << 10},
	} {
		got := behindTLS(t, 250, test.do)
		for try := 0; try < 5 && got > test.most; try++ { // as in TestLimit36MemoryOfTheIdle
			got = behindTLS(t, 250, test.do)
		}
		if got > test.most && !raceOn {
			t.Errorf("%s: %d bytes; want %d", name, got, test.most)
		}
	}
}

func TestLimit36MemoryOfTheIdle(t *testing.T) {
	if !alone(t) {
		return
	}
	bytes, goroutines := idle(t, 1000)
	for try := 0; try < 5 && bytes > 6<<10+512; try++ { // stacks that are free, and not yet given back, count too
		bytes, goroutines = idle(t, 1000)
	}
	if goroutines > 1 || bytes > 6<<10+512 && !raceOn {
		t.Errorf("%d bytes, %d goroutines", bytes, goroutines)
	}
}
