package petrichor

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// What operations may cost, counted and not timed, so that no busy machine makes a test fail.
//
// testdata/budget.txt has a line for each: its name, the allocations and the instructions of one.
// Costing more fails; after costing less, lower the figures:
//
//	go test -run Budget -update-budget .                                allocations
//	PETRICHOR_INSTRUCTIONS=1 go test -run Budget -update-budget .       instructions too; needs valgrind
//
// A commit that raises one says what for.

var updateBudget = flag.Bool("update-budget", false, "write what operations cost to testdata/budget.txt")

const budgetFile = "testdata/budget.txt"

// tooMany is how many times its instructions an operation may take: other processors and patch
// releases of Go differ by a few in a hundred.
const tooMany = 1.10

// A budgeted is an operation with a budget.
type budgeted struct {
	name string
	run  func()
}

type budgetEvent struct {
	ID   int64  `tnet:"id"`
	Kind string `tnet:"kind"`
	User string `tnet:"user"`
	Size int    `tnet:"size"`
	OK   bool   `tnet:"ok"`
}

type budgetFrame struct {
	Header benchHeader `tnet:"header"`
	Body   []byte      `tnet:"body"`
}

func budgetedOperations() []budgeted {
	list := budgetedValue("A", benchA)
	list = append(list, budgetedValue("Frame", budgetFrame{benchH, benchK})...)
	event := budgetEvent{1234567, "write", "zedshaw", 4096, true}
	list = append(list, budgetedValue("Event", event)...)
	list = append(list, budgetedStream("Event", event), budgetedWalk())
	return append(list, budgetedFrames()...)
}

func budgetedValue[T any](name string, v T) []budgeted {
	in := must(Marshal(&v))
	dst := make([]byte, 0, 2*len(in))
	target := new(T)
	return []budgeted{
		{name + " Marshal", func() { must(Marshal(&v)) }},
		{name + " append", func() { must(MarshalAppend(dst, &v)) }},
		{name + " Unmarshal", func() {
			*target = *new(T)
			must(0, Unmarshal(in, target))
		}},
	}
}

// budgetedStream is that of one who reads values.
func budgetedStream[T any](name string, v T) budgeted {
	d, target := NewDecoder(&endless{b: must(Marshal(&v))}), new(T)
	return budgeted{name + " Decode", func() { must(0, d.Decode(target)) }}
}

// budgetedWalk is that of one who looks at a few keys of what is not decoded.
func budgetedWalk() budgeted {
	raw := Raw(must(Marshal(&benchH)))
	return budgeted{"Raw.Get of each key", func() {
		for e, err := range raw.Entries() {
			must(0, err)
			must(raw.Get(string(e.Key)))
		}
	}}
}

// budgetedFrames are those of one who hands frames on.
func budgetedFrames() []budgeted {
	in := must(AppendFrame(nil, &benchH, benchK))
	small := []byte("9:2:id,1:7#}5:hello,")
	f, _, err := CutFrame(in)
	must(0, err)
	dst := make([]byte, 0, 2*len(in))
	d, p, e := NewDecoder(&endless{b: in}), NewParser(), NewEncoder(io.Discard)
	return []budgeted{
		{"CutFrame", func() {
			_, _, err := CutFrame(in)
			must(0, err)
		}},
		{"CutFrame of a small frame", func() {
			_, _, err := CutFrame(small)
			must(0, err)
		}},
		{"AppendFrame", func() { must(AppendFrame(dst, &benchH, benchK)) }},
		{"Decoder.ReadFrame", func() { must(d.ReadFrame()) }},
		{"Parser.Next", func() {
			p.Feed(in)
			must(p.Next())
		}},
		{"Encoder.WriteFrame of Raws", func() { must(0, e.WriteFrame(&f.Header, &f.Body)) }},
	}
}

// endless reads b over and over.
type endless struct {
	b  []byte
	at int
}

func (r *endless) Read(p []byte) (int, error) {
	n := copy(p, r.b[r.at:])
	r.at = (r.at + n) % len(r.b)
	return n, nil
}

func TestAllocationBudget(t *testing.T) {
	if limitRace || testing.CoverMode() != "" {
		t.Skip("the race detector and counting coverage allocate")
	}
	budget := readBudget(t)
	for _, op := range budgetedOperations() {
		got := testing.AllocsPerRun(200, op.run)
		want := budget[op.name]
		if got > want.allocs && !*updateBudget {
			t.Errorf("%s: %v allocations, %v in the budget", op.name, got, want.allocs)
		}
		want.allocs = got
		budget[op.name] = want
	}
	writeBudget(t, budget)
}

func TestInstructionBudget(t *testing.T) {
	if name := os.Getenv("PETRICHOR_COUNTED"); name != "" {
		beCounted(t, name)
		return
	}
	if os.Getenv("PETRICHOR_INSTRUCTIONS") == "" {
		t.Skip("PETRICHOR_INSTRUCTIONS is not set")
	}
	budget := readBudget(t)
	for _, op := range budgetedOperations() {
		got, want := instructions(t, op.name), budget[op.name]
		if got > want.instructions*tooMany && !*updateBudget {
			t.Errorf("%s: %.0f instructions, %.0f in the budget", op.name, got, want.instructions)
		}
		want.instructions = got
		budget[op.name] = want
	}
	writeBudget(t, budget)
}

// instructions returns how many one run of an operation takes: of two processes that differ in nothing
// but how often they run it, the difference.
func instructions(t *testing.T, name string) float64 {
	const few, many = 1000, 5000
	return (countInstructions(t, name, many) - countInstructions(t, name, few)) / (many - few)
}

var refs = regexp.MustCompile(`I\s+refs:\s+([0-9,]+)`)

func countInstructions(t *testing.T, name string, times int) float64 {
	out := filepath.Join(t.TempDir(), "out")
	cmd := exec.Command("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file="+out,
		os.Args[0], "-test.run=^TestInstructionBudget$")
	// Without the collector and with one thread for Go code, the same happens every time.
	cmd.Env = append(os.Environ(), "GOGC=off", "GOMAXPROCS=1", "PETRICHOR_COUNTED="+name, "PETRICHOR_TIMES="+strconv.Itoa(times))
	said, err := cmd.CombinedOutput()
	found := refs.FindSubmatch(said)
	if err != nil || found == nil {
		t.Fatalf("valgrind: %v\n%s", err, said)
	}
	return must(strconv.ParseFloat(strings.ReplaceAll(string(found[1]), ",", ""), 64))
}

// beCounted is what the process under valgrind does.
func beCounted(t *testing.T, name string) {
	times := must(strconv.Atoi(os.Getenv("PETRICHOR_TIMES")))
	for _, op := range budgetedOperations() {
		if op.name != name {
			continue
		}
		for range times {
			op.run()
		}
		return
	}
	t.Fatalf("no operation %q", name)
}

// A cost is a line of the budget.
type cost struct{ allocs, instructions float64 }

func readBudget(t *testing.T) map[string]cost {
	t.Helper()
	budget := map[string]cost{}
	for line := range bytes.Lines(must(os.ReadFile(budgetFile))) {
		if line[0] == '#' {
			continue
		}
		f := strings.Split(strings.TrimSpace(string(line)), "\t")
		budget[f[0]] = cost{must(strconv.ParseFloat(f[1], 64)), must(strconv.ParseFloat(f[2], 64))}
	}
	return budget
}

func writeBudget(t *testing.T, budget map[string]cost) {
	t.Helper()
	if !*updateBudget {
		return
	}
	var b bytes.Buffer
	b.WriteString("# operation\tallocations\tinstructions; see budget_test.go\n")
	for _, op := range budgetedOperations() {
		c := budget[op.name]
		fmt.Fprintf(&b, "%s\t%v\t%v\n", op.name, c.allocs, math.Round(c.instructions))
	}
	must(0, os.WriteFile(budgetFile, b.Bytes(), 0o666))
}
