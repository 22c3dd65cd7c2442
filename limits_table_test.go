package petrichor

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

var limitUpdate = flag.Bool("update-limits", false, "measure anew the table in docs/limits.md")

// A limitAttack is one line of the table in docs/limits.md.
type limitAttack struct {
	row    int
	attack string
	b      []byte
	read   func(b []byte) error
}

func limitAttacks() []limitAttack {
	unmarshal := func(opts ...Option) func([]byte) error {
		return func(b []byte) error { return Unmarshal(b, new(any), opts...) }
	}
	decode := func(b []byte) error { return NewDecoder(bytes.NewReader(b)).Decode(new(any)) }
	into := func(target func() any) func([]byte) error {
		return func(b []byte) error { return Unmarshal(b, target()) }
	}
	element := func(k Kind, payload string) []byte { return Append(nil, k, []byte(payload)) }
	small := func(s string) []byte { return limitList(s, 60_000) }
	again := []byte(strings.Repeat("1:k,0:~", 100_000))
	padded := []byte("0:]")
	for range 99 {
		padded = limitInList(append(padded, element(KindString, strings.Repeat("p", 700))...))
	}
	mutant := []byte(limitDocument)
	mutant[len(mutant)/2] ^= 0xff
	changes := Append(nil, KindDict, []byte("1:N,1:2#4:Last,3:128#"))
	return []limitAttack{
		{1, "a size of 999,999,999 and nothing after it, `Unmarshal`", []byte("999999999:"), unmarshal()},
		{1, "the same, `Decoder`", []byte("999999999:"), decode},
		{1, "the same inside a list, into `[]int`", element(KindList, "999999999:"), into(func() any { return new([]int) })},
		{2, "1 MiB announced, 100,000 bytes come", append([]byte("1048576:"), make([]byte, 100_000)...), decode},
		{2, "the same, fed to a `Parser` 100 at a time", append([]byte("1048576:"), make([]byte, 100_000)...), func(b []byte) error {
			p, err := NewParser(), error(nil)
			for ; len(b) > 0; b = b[min(100, len(b)):] {
				p.Feed(b[:min(100, len(b))])
				_, err = p.NextElement()
			}
			return err
		}},
		{3, "an element larger than its list", element(KindList, "1:a,999999998:abc,"), unmarshal()},
		{4, "1,000 digits and no colon", bytes.Repeat([]byte("1"), 1000), decode},
		{4, "a size with a sign", []byte("+5:hello,"), unmarshal()},
		{5, "1,000,000 lists inside one another", limitNest(1_000_000, KindList, ""), unmarshal()},
		{5, "1,000,000 dicts, `Valid`", limitNest(1_000_000, KindDict, ""), limitValid},
		{6, "10,000 lists, allowed, both ways", limitNest(deepest, KindList, ""), func(b []byte) error {
			var v any
			if err := Unmarshal(b, &v, MaxDepth(deepest)); err != nil {
				return err
			}
			_, err := Marshal(v, MaxDepth(deepest))
			return err
		}},
		{7, "101 lists under a key nobody knows", limitInDict("u")(limitNest(100, KindList, "")), into(func() any { return new(limitStruct) })},
		{7, "101 lists for an `Unmarshaler`", limitNest(101, KindList, ""), into(func() any { return new(limitOwn) })},
		{8, "`Marshal` of a slice that holds itself", nil, func([]byte) error {
			v := []any{nil}
			v[0] = v
			_, err := Marshal(v)
			return err
		}},
		{9, "nulls: `0:~` again and again", small("0:~"), unmarshal()},
		{9, "empty lists", small("0:]"), unmarshal()},
		{9, "empty dicts", small("0:}"), unmarshal()},
		{9, "dicts of one entry: `6:0:,0:~}`", small("6:0:,0:~}"), unmarshal()},
		{9, "dicts of one entry, `Decoder`", small("6:0:,0:~}"), decode},
		{9, "dicts of one entry, 15 inside one another", small(string(limitNest(15, KindDict, ""))), unmarshal()},
		{9, "65,537 values, `Decoder`", limitList("0:~", 65_536*3), decode},
		{10, "99 lists inside one another, each with 700 bytes beside it", padded, unmarshal()},
		{10, "20,000 nulls into `[]int`", small("0:~"), into(func() any { return new([]int) })},
		{11, "16 MiB of nulls, `Valid`", limitList("0:~", 16<<20), limitValid},
		{11, "16 MiB of keys in no order, `Valid`", limitKeys(false)(16 << 20), limitValid},
		{11, "1 MiB of nulls, the last one wrong", limitInList(append(bytes.Repeat([]byte("0:~"), 1<<20/3), "1:a~"...)), unmarshal()},
		{12, "60,000 bytes of nulls, one a read", small("0:~"), func(b []byte) error {
			return NewDecoder(iotest.OneByteReader(bytes.NewReader(b))).Decode(new(any))
		}},
		{13, "cut off in the middle", []byte(limitDocument[:len(limitDocument)/2]), unmarshal()},
		{13, "the same, `Decoder`", []byte(limitDocument[:len(limitDocument)/2]), decode},
		{14, "one byte set to another", mutant, unmarshal()},
		{15, "the last of two fields does not fit, the target is as it was", changes, func(b []byte) error {
			v := limitEvery{N: 1}
			err := Unmarshal(b, &v)
			if v.N != 1 {
				return errors.New("it is not")
			}
			return err
		}},
		{16, "one name 100,000 times", Append(nil, KindDict, again), unmarshal()},
		{17, "an int for a name", element(KindDict, "1:1#0:~"), unmarshal()},
		{18, "an int of 1,000,000 digits", element(KindInt, strings.Repeat("9", 1_000_000)), unmarshal()},
		{18, "an int of 400 digits into `int64`", element(KindInt, strings.Repeat("9", 400)), into(func() any { return new(int64) })},
		{18, "`+5`", []byte("2:+5#"), unmarshal()},
		{19, "`1e999`", []byte("5:1e999^"), unmarshal()},
		{19, "`nan`", []byte("3:nan^"), unmarshal()},
		{20, "`True`", []byte("4:True!"), unmarshal()},
		{21, "a second value after the first", []byte("0:~0:~"), unmarshal()},
		{21, "the same, `Decoder`", []byte("0:~0:~"), decode},
		{22, "what was read is written again", []byte(limitDocument), func(b []byte) error {
			var v any
			if err := Unmarshal(b, &v, KeepOrder(true)); err != nil {
				return err
			}
			again, err := Marshal(v, KeepOrder(true))
			if !bytes.Equal(again, b) {
				return fmt.Errorf("as %q", again)
			}
			return err
		}},
		{23, "1,000,000 names that collide in h*31+c", limitDictOf(limitColliding(1_000_000)), limitValid},
		{24, "the input overwritten after it was read", []byte("6:secret,"), func(b []byte) error {
			var s string
			b = bytes.Clone(b)
			err := Unmarshal(b, &s)
			clear(b)
			if s != "secret" {
				return fmt.Errorf("the value is %q", s)
			}
			return err
		}},
		{25, "a hostile key of 100,000 bytes in an error", limitInDict(strings.Repeat("\x1b[2J", 25_000))([]byte("1:x#")), unmarshal()},
		{25, "a value that a method refuses", []byte("6:secret,"), into(func() any { return new(netip.Addr) })},
	}
}

// result says in a few words what became of the attack.
func (a limitAttack) result() string {
	err := a.read(a.b)
	if err == nil {
		return "accepted"
	}
	var mismatch *TypeError
	for _, known := range []error{
		ErrSize, ErrKind, ErrPayload, ErrKey, ErrDuplicate, ErrTooLarge, ErrTooDeep, ErrTooMany, ErrTrailing, ErrHeader,
		errRange, io.ErrUnexpectedEOF,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	switch {
	case err == ErrShort:
		return "waits for more"
	case err == errLimitInvalid:
		return "not valid"
	case errors.As(err, &mismatch):
		return strings.TrimPrefix(err.Error(), "petrichor: ")
	}
	return "FAILED: " + err.Error()
}

func (a limitAttack) line(allocated uint64, took time.Duration, result string) string {
	return fmt.Sprintf("| %d | %s | %s | %s | %s | %s |\n", a.row, a.attack, limitGrouped(len(a.b)), limitGrouped(int(allocated)), limitRounded(took), result)
}

// limitGrouped writes n with a comma after each three digits.
func limitGrouped(n int) string {
	s := strconv.Itoa(n)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

// limitRounded keeps two digits: there are no more in a time.
func limitRounded(d time.Duration) string {
	for unit := time.Duration(1); ; unit *= 10 {
		if d < 100*unit {
			return d.Round(unit).String()
		}
	}
}

const (
	limitTableFile  = "docs/limits.md"
	limitTableBegin = "<!-- measured: go test -run TestLimitsTable -update-limits . -->\n"
	limitTableEnd   = "<!-- end of what is measured -->\n"
)

// limitTable measures all attacks.
func limitTable() string {
	var table strings.Builder
	fmt.Fprintf(&table, "\n%s, %s/%s, %d processors.\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	table.WriteString("| row | attack | bytes in | bytes allocated | time | result |\n|---:|---|---:|---:|---:|---|\n")
	for _, a := range limitAttacks() {
		allocated := limitAllocated(func() { a.read(a.b) })
		once := limitFastest(3, func() { a.read(a.b) })
		times := 1 + int(time.Millisecond/(once+time.Microsecond))
		took := limitFastest(5, func() {
			for range times {
				a.read(a.b)
			}
		}) / time.Duration(times)
		table.WriteString(a.line(allocated, took, a.result()))
	}
	return table.String() + "\n"
}

// The table has every row, and what it says of each attack is so.  Bytes
// allocated and times differ from machine to machine, and are not compared: the
// tests named after the rows hold them to the promises.
func TestLimitsTable(t *testing.T) {
	file, err := os.ReadFile(limitTableFile)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begun := strings.Cut(string(file), limitTableBegin)
	table, tail, ended := strings.Cut(rest, limitTableEnd)
	if !begun || !ended {
		t.Fatalf("%s has no place for the table", limitTableFile)
	}
	if *limitUpdate {
		table = limitTable()
		if err := os.WriteFile(limitTableFile, []byte(head+limitTableBegin+table+limitTableEnd+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	measured := regexp.MustCompile(`(?m)\| [0-9,]+ \| [0-9.µnms]+ \| ([^|]*) \|$`)
	table = measured.ReplaceAllString(table, "| | | $1 |")
	rows := map[int]bool{}
	for _, a := range limitAttacks() {
		rows[a.row] = true
		if limitSlow && len(a.b) > limitMiB && !*limitUpdate {
			continue // takes long, and is not about them
		}
		result := a.result()
		if want := measured.ReplaceAllString(strings.TrimSuffix(a.line(0, 0, result), "\n"), "| | | $1 |"); !strings.Contains(table, want+"\n") {
			t.Errorf("%s has no line\n%s\nto measure anew: go test -run TestLimitsTable -update-limits .", limitTableFile, want)
		}
		if strings.HasPrefix(result, "FAILED") {
			t.Errorf("row %d: %s: %s", a.row, a.attack, result)
		}
	}
	for row := 1; row <= 25; row++ {
		if !rows[row] {
			t.Errorf("row %d has no attack", row)
		}
	}
}

// The program that the page begins with is Example_limits, and it prints what the page says.
func TestLimitsPageBeginsWithTheExample(t *testing.T) {
	page, example := string(sure(os.ReadFile(limitTableFile))), string(sure(os.ReadFile("limits_example_test.go")))
	program, output, _ := strings.Cut(example, "\t// Output:\n")
	program = strings.NewReplacer("package petrichor_test", "package main", "func Example_limits()", "func main()").Replace(program) + "}\n"
	prints := strings.TrimSuffix(strings.ReplaceAll(output, "\t// ", ""), "}\n")
	if !strings.Contains(page, "```go\n"+program+"```\n\nIt prints\n\n```\n"+prints+"```\n") {
		t.Errorf("it does not show\n%s\nor that it prints\n%s", program, prints)
	}
}
