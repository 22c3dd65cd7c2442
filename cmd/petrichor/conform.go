package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/petrichor-protocol/petrichor/internal/conform"
	"github.com/petrichor-protocol/petrichor/petrichortest"
	"github.com/petrichor-protocol/petrichor/spec"
	"github.com/spf13/cobra"
)

// A conformVerb asks an implementation what it makes of the vectors, or attacks a server.
type conformVerb struct {
	app     *app
	prey    prey
	each    bool
	strict  bool
	stdio   bool
	timeout time.Duration
	only    string
	pattern *regexp.Regexp
	list    bool
	json    bool
	junit   string
	path    string // of -o
	out     *output
	score   scorecard
}

func newConform(a *app) *cobra.Command {
	c := &conformVerb{app: a, prey: newPrey()}
	cmd := &cobra.Command{
		Use:   "conform [ADDR] | [--stdio] -- CMD...",
		Short: "Test an implementation in any language, or attack a server",
		Long: `conform finds out whether an implementation is petrichor, in one of two ways. It
prints a line for each case and a table, and ends with 0 if there is no fault.

With -- CMD it tests a codec: it starts CMD, writes the vectors of the
specification to its stdin, a line each, and judges what comes back. With --each
it starts CMD for each vector. docs/porting.md has the form of both, and walks
through it.

With ADDR, or with --stdio -- CMD, it attacks a server, as hostile and broken
peers do, and judges from outside: what it answers, whether it closes
connections, and when. Tell it what your server allows and answers; without a
word, any first frame and any request have to do. It waits out the server's
deadlines, which takes two minutes unless --deadlines are shorter; --quick leaves
that out. With --stdio each connection is a run of CMD, and rows about a server
with many are left out.`,
		Example: `  petrichor conform -- petrichor verdict
  petrichor conform --only 'size|frame' -q -- ./build/verdict
  petrichor conform --each --junit report.xml -- python3 verdict.py
  petrichor conform 127.0.0.1:7670 --quick
  petrichor conform 127.0.0.1:7670 --ident user=zed --denied user=eve --deadlines 1s,1s,2s,1s
  petrichor conform --stdio --quick -- ./server
  petrichor conform --list`,
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd, args) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&c.stdio, "stdio", false, "attack CMD, a server for the one peer on its stdin and stdout")
	flags.BoolVar(&c.each, "each", false, "start CMD for each vector")
	flags.BoolVar(&c.strict, "strict", false, "an answer that leaves something out is a fault")
	flags.DurationVarP(&c.timeout, "timeout", "t", 10*time.Second, "wait `TIME` for an answer of CMD")
	flags.StringVar(&c.only, "only", "", "only cases whose group and name match `REGEXP`")
	flags.BoolVar(&c.list, "list", false, "print the cases, and why there are such, without a test")
	flags.BoolVar(&c.json, "json", false, "print a JSON object")
	flags.StringVar(&c.junit, "junit", "", "also write a JUnit report to `FILE`")
	c.prey.addTo(cmd)
	addOutput(cmd, &c.path)
	return cmd
}

func (c *conformVerb) run(cmd *cobra.Command, args []string) (err error) {
	if c.pattern, err = regexp.Compile(c.only); err != nil {
		return fail(exitUsage, "--only: %v", err)
	}
	if c.out, err = c.app.open(c.path); err != nil {
		return err
	}
	if c.list {
		return c.out.close(c.print())
	}
	c.score.Target, c.score.Untold = strings.Join(args, " "), map[string]int{}
	if err := c.test(cmd, args); err != nil {
		return c.out.close(err)
	}
	return c.out.close(c.report())
}

// test is one of the two ways.
func (c *conformVerb) test(cmd *cobra.Command, args []string) error {
	dashes := cmd.ArgsLenAtDash() // how many arguments are before them
	switch {
	case dashes == 0 && len(args) > 0 && c.stdio:
		c.prey.spared = append(c.prey.spared, manyPeers...)
		return c.attack(stdioDialer(args))
	case dashes == 0 && len(args) > 0:
		return c.ask(&conform.Program{Command: args, Each: c.each, Patience: c.timeout, Group: ownGroup})
	case dashes >= 0 || len(args) > 1 || c.stdio || c.each:
		return fail(exitUsage, "want an ADDR to attack, or -- and a CMD to test")
	}
	addr, _, err := addrArg(args, "")
	if err != nil {
		return err
	}
	c.score.Target = addr
	dial, err := c.prey.dialer(addr)
	if err != nil {
		return err
	}
	return c.attack(dial)
}

// ask asks a program about each vector.
func (c *conformVerb) ask(p *conform.Program) error {
	for _, v := range spec.Vectors() {
		if !c.wants(v.Topic, v.Name) {
			continue
		}
		began := time.Now()
		a, err := p.Ask(conform.QuestionOf(v))
		f := finding{Level: "codec", Group: v.Topic, Name: v.Name, Why: v.Why, Seconds: time.Since(began).Seconds()}
		f.Result, f.Wrong, f.Untold = c.judge(v, a, err)
		if err := c.found(f); err != nil {
			return err
		}
	}
	if err := p.Close(); err != nil {
		return c.found(finding{
			Level: "codec", Group: "end", Name: "end", Result: "FAIL", Wrong: err.Error(),
			Why: "a program whose input ends ends too, with 0",
		})
	}
	return nil
}

// judge is what is wrong with an answer, or with getting it.
func (c *conformVerb) judge(v spec.Vector, a conform.Answer, err error) (result, wrong string, untold []string) {
	if err != nil {
		return "FAIL", err.Error(), nil
	}
	j := conform.Judge(v, a)
	if c.strict && len(j.Untold) > 0 {
		j.Wrong = append(j.Wrong, "not told: "+strings.Join(j.Untold, ", "))
	}
	switch {
	case len(j.Wrong) > 0:
		return "FAIL", strings.Join(j.Wrong, "; "), nil
	case j.Spared:
		return "skip", "", nil
	}
	return "ok", "", j.Untold
}

// attack attacks a server.
func (c *conformVerb) attack(dial petrichortest.Dial) error {
	s, err := c.prey.target(dial)
	if err != nil {
		return err
	}
	if err := s.Check(); err != nil {
		return fail(exitConnect, "%v; say what the server allows and answers with --ident, -H and -d", err)
	}
	var failed error
	s.Play(c.attacks(s.Attacks()), func(a petrichortest.Attack, play func() error) {
		began := time.Now()
		f := finding{Level: "peer", Group: rowName(a), Name: a.Name, Result: "ok", Why: a.Why}
		if err := play(); err != nil {
			f.Result = "FAIL"
			f.Wrong, _, _ = strings.Cut(err.Error(), "\nbecause: ") // it is printed beside it
		}
		f.Seconds = time.Since(began).Seconds()
		if err := c.found(f); failed == nil {
			failed = err
		}
	})
	return failed
}

// attacks are those of all that are wanted.
func (c *conformVerb) attacks(all []petrichortest.Attack) (wanted []petrichortest.Attack) {
	for _, a := range all {
		if c.wants(rowName(a), a.Name) && !(c.prey.quick && a.Waits()) {
			wanted = append(wanted, a)
		}
	}
	return wanted
}

// rowName is the group of an attack: where docs/limits.md speaks of it.
func rowName(a petrichortest.Attack) string { return fmt.Sprintf("row-%02d", a.Row) }

func (c *conformVerb) wants(group, name string) bool {
	return c.pattern.MatchString(group + " " + name)
}

// found counts a finding, and prints it.
func (c *conformVerb) found(f finding) error {
	c.score.add(f)
	if c.json || c.app.quiet && f.Result != "FAIL" {
		return nil
	}
	fmt.Fprintln(c.out, escapeLine(f.line()))
	return c.out.Flush()
}

// report prints what it amounts to.
func (c *conformVerb) report() error {
	if len(c.score.Cases) == 0 {
		return fail(exitUsage, "no case matches --only %s", c.only)
	}
	if err := c.score.write(c.out, c.json); err != nil {
		return err
	}
	if c.junit != "" {
		if err := c.score.writeJUnit(c.junit); err != nil {
			return err
		}
	}
	if c.score.Failed > 0 {
		return fail(exitOther, "%d of %d cases fail", c.score.Failed, len(c.score.Cases))
	}
	return nil
}

// print prints all cases of both levels.
func (c *conformVerb) print() error {
	for _, v := range spec.Vectors() {
		if c.wants(v.Topic, v.Name) {
			fmt.Fprintf(c.out, "codec  %s  %s: %s\n", v.Topic, v.Name, v.Why)
		}
	}
	for _, a := range c.attacks(petrichortest.Attacks()) {
		fmt.Fprintf(c.out, "peer  %s  %s: %s\n", rowName(a), a.Name, a.Why)
	}
	return nil
}
