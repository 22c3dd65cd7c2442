//go:build !race

package petrichortest

// How much memory the peers of a server with the default limits can make it
// take, whatever they do: the most it has had resident, as the kernel counts it.

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"os"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

var updateMemory = flag.Bool("update-memory", false, "measure anew the table of memory in docs/limits.md")

// mostMemory is the promise, beside what handlers take.
const mostMemory = 350 << 20

func init() {
	children["default"] = func() string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		go echoService().Serve(l)
		return l.Addr().String()
	}
}

// A siege is many peers that do the same, for as long as it lasts.
type siege struct {
	name  string
	peers int
	enter func(*Target) (*peer, error)
	do    func(p *peer, until time.Time)
}

var sieges = []siege{
	{"are allowed, and idle", 3000, (*Target).guestSoon, func(*peer, time.Time) {}},
	{"send half of a first frame", 2000, (*Target).stranger, func(p *peer, _ time.Time) {
		p.Write(append([]byte("0:}16000:"), make([]byte, 8000)...))
	}},
	{"announce 1 MiB, and send all but the last byte", 2000, (*Target).guestSoon, func(p *peer, _ time.Time) {
		p.Write(append([]byte("0:}1048576:"), make([]byte, 1<<20)...))
	}},
	{"send lists of the smallest dicts, to be decoded", 300, (*Target).guestSoon, func(p *peer, until time.Time) {
		list := append([]byte("0:}"), repeat("6:0:,0:~}", 60_000*9/4)...)
		for time.Now().Before(until) {
			if _, err := p.exchange(list); err != nil {
				return
			}
		}
	}},
	{"send 1 MiB again and again, and never read", 300, (*Target).guestSoon, func(p *peer, until time.Time) {
		p.flood(p.s.ask(1, strings.Repeat("b", 1<<20)), until)
	}},
	{"send 1,000 bytes again and again, and never read", 3000, (*Target).guestSoon, func(p *peer, until time.Time) {
		p.flood(bytes.Repeat(p.s.ask(1, strings.Repeat("b", 1000)), 64), until)
	}},
	{"send lists 100 deep, to be decoded", 3000, (*Target).guestSoon, func(p *peer, until time.Time) {
		p.exchange(append([]byte("0:}"), nested(100)...))
	}},
}

// nested is so many lists inside one another.
func nested(depth int) (list []byte) {
	for range depth {
		list = petrichor.Append(nil, petrichor.KindList, list)
	}
	return list
}

// flood sends frames again and again, and reads nothing.
func (p *peer) flood(frames []byte, until time.Time) {
	p.window(4 << 10)
	for time.Now().Before(until) {
		if _, err := p.Write(frames); err != nil {
			return
		}
	}
}

// all of them, so many that the server has place for nearly all.
func everything() (all []siege) {
	for _, one := range sieges {
		one.peers = min(one.peers, 690)
		all = append(all, one)
	}
	return all
}

// besiege plays sieges, and where attacks says so all attacks, at once, and
// returns the most bytes that the server has had resident.  The peers begin when all
// have entered: those who come one by one are no crowd.
func besiege(t *testing.T, d time.Duration, all []siege, attacks bool) int64 {
	t.Helper()
	addr, pid := child(t, "default")
	s := NewTarget(Dialer(addr), known()...)
	door := make(chan struct{}, 64) // fewer than the server lets stand at its own
	begin := make(chan struct{})
	var until time.Time // set at begin
	var entering, running sync.WaitGroup
	for _, one := range all {
		for range one.peers {
			entering.Add(1)
			running.Go(func() {
				p := one.wait(s, door)
				entering.Done()
				<-begin
				one.play(p, until)
			})
		}
	}
	entering.Wait()
	until = time.Now().Add(d)
	close(begin)
	if attacks {
		for _, a := range Attacks() {
			running.Go(func() { a.Play(s) }) // what it finds is another test's business
		}
	}
	running.Wait()
	return peak(t, pid)
}

// wait returns a peer that has entered, or nil where there is no place.
func (one siege) wait(s *Target, door chan struct{}) *peer {
	door <- struct{}{}
	defer func() { <-door }()
	p, err := one.enter(s)
	if err != nil {
		return nil
	}
	return p
}

// play has a peer do what it does, if it is in.
func (one siege) play(p *peer, until time.Time) {
	if p == nil {
		return
	}
	defer p.leave()
	p.SetDeadline(until)
	one.do(p, until)
	p.end(time.Until(until))
}

// peak is the most bytes that a process has had resident.
func peak(t *testing.T, pid int) (bytes int64) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(rest, &bytes); err != nil {
		t.Fatal(err)
	}
	return bytes << 10
}

// A server with the default limits stays below the promise, whatever its peers
// do, also when they do everything at once.
func TestMemory(t *testing.T) {
	keeps := func(t *testing.T, all []siege, attacks bool) {
		most := besiege(t, 4*time.Second, all, attacks)
		t.Logf("%d MiB resident", most>>20)
		if most > mostMemory {
			t.Errorf("%d MiB resident, promised are %d", most>>20, mostMemory>>20)
		}
	}
	for _, one := range sieges {
		t.Run(one.name, func(t *testing.T) { keeps(t, []siege{one}, false) })
	}
	t.Run(everythingName, func(t *testing.T) { keeps(t, everything(), true) })
}

const (
	memoryFile  = "../docs/limits.md"
	memoryBegin = "<!-- measured: go test -run TestMemoryTable -update-memory ./petrichortest -->\n"
	memoryEnd   = "<!-- end of what is measured of memory -->\n"
)

// memoryTable measures all sieges.
func memoryTable(t *testing.T) []byte {
	table := fmt.Appendf(nil, "\n%s, %s/%s, %d processors.\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	table = append(table, "| peers | what they do | MiB resident at most |\n|---:|---|---:|\n"...)
	line := func(peers int, what string, most int64) {
		table = fmt.Appendf(table, "| %d | %s | %d |\n", peers, what, most>>20)
	}
	total := 0
	for _, one := range sieges {
		line(one.peers, one.name, besiege(t, 4*time.Second, []siege{one}, false))
	}
	for _, one := range everything() {
		total += one.peers
	}
	line(total, everythingName, besiege(t, 4*time.Second, everything(), true))
	return append(table, '\n')
}

const everythingName = "all of it at once, and every attack of `petrichortest`"

// The table has every siege, and all keep the promise.
func TestMemoryTable(t *testing.T) {
	file, err := os.ReadFile(memoryFile)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begun := bytes.Cut(file, []byte(memoryBegin))
	table, tail, ended := bytes.Cut(rest, []byte(memoryEnd))
	if !begun || !ended {
		t.Fatalf("%s has no place for the table", memoryFile)
	}
	if *updateMemory {
		table = memoryTable(t)
		file = bytes.Join([][]byte{head, []byte(memoryBegin), table, []byte(memoryEnd), tail}, nil)
		if err := os.WriteFile(memoryFile, file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{everythingName}
	for _, one := range sieges {
		names = append(names, one.name)
	}
	for _, name := range names {
		var most int64
		found := regexp.MustCompile(`\| [0-9]+ \| ` + regexp.QuoteMeta(name) + ` \| ([0-9]+) \|`).FindSubmatch(table)
		if found == nil {
			t.Fatalf("%s has no line that begins with %q", memoryFile, name)
		}
		if fmt.Sscan(string(found[1]), &most); most<<20 > mostMemory {
			t.Errorf("peers that %s: %d MiB", name, most)
		}
	}
}
