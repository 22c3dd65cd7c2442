// Package wireshark has Wireshark and Go look at the same traffic, and compares.
package wireshark

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor/internal/conform"
	"github.com/petrichor-protocol/petrichor/spec"
)

// What the dissector shows of the vectors is what Go reads: whole packets, and
// packets of seven bytes that have to be put together.
func TestDissector(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("needs tshark: the dissector")
	}
	plain := slices.DeleteFunc(slices.Clone(spec.Vectors()), func(v spec.Vector) bool { return len(v.Options)+len(v.Limits) > 0 })
	for _, c := range []struct {
		name    string
		segment int
		vectors []spec.Vector
		unseen  int
	}{
		{"whole", 1400, spec.Vectors(), 2},
		{"7 bytes", 7, plain, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			tshark := conform.Tshark{Script: "petrichor.lua", Dir: t.TempDir(), Segment: c.segment}
			answers, err := tshark.Answers(c.vectors)
			if err != nil {
				t.Fatal(err)
			}
			if len(answers) != len(c.vectors)-c.unseen {
				t.Errorf("%d answers to %d vectors: want all but %d", len(answers), len(c.vectors), c.unseen)
			}
			for _, v := range c.vectors {
				if !tshark.Sees(v) {
					continue
				}
				if j := conform.Judge(v, answers[v.Name]); len(j.Wrong) > 0 || len(j.Untold) > 0 || j.Spared {
					t.Errorf("%s: %v, not told: %v, %v", v.Name, j.Wrong, j.Untold, answers[v.Name])
				}
			}
		})
	}
}

// Filters find header keys, in what nobody has said is petrichor.
func TestFilters(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("needs tshark: the dissector")
	}
	tshark := conform.Tshark{Script: "petrichor.lua", Dir: t.TempDir(), Segment: 1400}
	sent := []string{
		"13:4:user,3:zed,}5:hello,",
		"15:4:user,5:alice,}5:hello,",
		"22:2:id,1:7#5:error,2:no,}0:~",
		"0:}0:,0:}5:hello?",
		"GET / HTTP/1.1\r\n\r\n",
		"5:hello,5:world,",
		"05:4:abc,}0:~",
		"0:}0:,14:4:once,4:a123,}20000:" + strings.Repeat("x", 20000) + ",",
	}
	for _, c := range []struct {
		filter string
		want   []int
		args   []string
	}{
		{"petrichor", []int{0, 1, 2, 3, 7}, nil},
		{`petrichor.entry == "user=zed"`, []int{0}, nil},
		{`petrichor.header.user == "alice"`, []int{1}, []string{"-X", "lua_script1:user"}},
		{`petrichor.header.id == "7"`, []int{2}, nil},
		{`petrichor.header.error`, []int{2}, nil},
		{`petrichor.header.once == "a123"`, []int{7}, nil},
		{`petrichor.body contains "hello"`, []int{0, 1}, nil},
		{`petrichor.string == "hello"`, []int{0, 1}, nil},
		{`petrichor.fault == "syntax error"`, []int{3}, nil},
		{`petrichor.fault`, []int{3}, nil},
		{`_ws.expert.group == "Malformed"`, []int{3}, nil},
	} {
		got, err := tshark.Find(c.filter, sent, c.args...)
		if got = slices.Compact(got); err != nil || !slices.Equal(got, c.want) { // one for each packet
			t.Errorf("%s finds %v, %v; want %v", c.filter, got, err, c.want)
		}
	}
}

// In the first of two passes there is no tree, and no stream has a number: what belongs
// together is known all the same.
func TestTwoPasses(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("needs tshark: the dissector")
	}
	tshark := conform.Tshark{Script: "petrichor.lua", Dir: t.TempDir(), Segment: 1400}
	large := "0:}0:,0:}20000:" + strings.Repeat("x", 20000) + ","
	if _, err := tshark.Find("petrichor", []string{large, large + "0:}1:x#"}); err != nil {
		t.Fatal(err)
	}
	capture := filepath.Join(tshark.Dir, "sent.pcap")
	out, err := exec.Command("tshark", "-2", "-r", capture, "-X", "lua_script:petrichor.lua", "-T", "fields", "-e", "petrichor.fault.at").Output()
	if got := strings.Join(strings.Fields(string(out)), " "); err != nil || got != "20021" {
		t.Errorf("faults at %s, %v; want one at 20021", got, err)
	}
}

// An error of the dissector is not taken for silence.
func TestErrorsAreSeen(t *testing.T) {
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("needs tshark: the dissector")
	}
	script, err := os.ReadFile("petrichor.lua")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, broken := range []string{
		strings.Replace(string(script), "local b = tvb:raw()\n\tlocal offset", "local b = tvb:nonsense()\n\tlocal offset", 1),
		"local local",
	} {
		path := filepath.Join(dir, "broken.lua")
		if err := os.WriteFile(path, []byte(broken), 0o666); err != nil {
			t.Fatal(err)
		}
		tshark := conform.Tshark{Script: path, Dir: dir, Segment: 1400}
		if answers, err := tshark.Answers(spec.Vectors()[:1]); err == nil {
			t.Errorf("no error, %v", answers)
		}
	}
}
