package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
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
	file    *os.File // of junit, once the run has begun
	path    string   // of -o
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
with many are left out.

Ctrl-C ends it with all that it has started. What has come out by then is
reported, and the exit code is 130.`,
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
	flags.DurationVarP(&c.timeout, "timeout", "t", 10*time.Second, "wait `TIME` for an answer of CMD; 0 is for ever")
	flags.StringVar(&c.only, "only", "", "only cases whose group and name match `REGEXP`")
	flags.BoolVar(&c.list, "list", false, "print the cases, and why there are such, without a test")
	flags.BoolVar(&c.json, "json", false, "print a JSON object")
	flags.StringVar(&c.junit, "junit", "", "also write a JUnit report to `FILE`")
	c.prey.addTo(cmd)
	addOutput(cmd, &c.path)
	return cmd
}

// exitInterrupted is what a shell makes of Ctrl-C: not all has been tested.
const exitInterrupted = 130

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
	ctx, stop := interrupted()
	defer stop()
	c.score = scorecard{Target: strings.Join(args, " "), Untold: map[string]int{}, Cases: []finding{}}
	err = c.test(ctx, cmd, args)
	if ctx.Err() != nil {
		err = fail(exitInterrupted, "interrupted after %d cases", len(c.score.Cases))
	}
	return c.out.close(c.report(err))
}

// test is one of the two ways.
func (c *conformVerb) test(ctx context.Context, cmd *cobra.Command, args []string) error {
	dashes := cmd.ArgsLenAtDash() // how many arguments are before them
	switch {
	case dashes == 0 && len(args) > 0 && c.stdio:
		return c.attackRuns(ctx, args)
	case dashes == 0 && len(args) > 0:
		return c.ask(ctx, &conform.Program{Command: args, Each: c.each, Patience: c.timeout, Group: ownGroup, Context: ctx})
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
	return c.attack(ctx, func() (net.Conn, error) {
		conn, err := dial()
		if err != nil {
			err = fail(exitConnect, "cannot connect to %s: %v; is a server listening there?", addr, err)
		}
		return conn, err
	}, func() string { return "" })
}

// begin opens the JUnit report: where that cannot be written a run is not worth its time.
func (c *conformVerb) begin(cases int) (err error) {
	if cases == 0 {
		return fail(exitUsage, "no case matches --only %s", c.only)
	}
	if c.junit == "" {
		return nil
	}
	if c.file, err = os.Create(c.junit); err != nil {
		return fail(exitOther, "cannot write the JUnit report: %v", err)
	}
	return nil
}

// ask asks a program about each vector.
func (c *conformVerb) ask(ctx context.Context, p *conform.Program) error {
	vectors := c.vectors()
	if err := c.begin(len(vectors)); err != nil {
		return err
	}
	defer p.Close()
	for _, v := range vectors {
		began := time.Now()
		a, err := p.Ask(conform.QuestionOf(v))
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, conform.ErrStart) {
			return fail(exitConnect, "%v", err)
		}
		f := finding{Level: "codec", Group: v.Topic, Name: v.Name, Why: v.Why, Seconds: time.Since(began).Seconds()}
		f.Result, f.Wrong, f.Untold = c.judge(v, a, err)
		if err := c.found(f); err != nil {
			return err
		}
	}
	return c.end(ctx, p)
}

// end wants the program to end.
func (c *conformVerb) end(ctx context.Context, p *conform.Program) error {
	err := p.Close()
	if err == nil || ctx.Err() != nil {
		return nil
	}
	return c.found(finding{
		Level: "codec", Group: "end", Name: "end", Result: "FAIL", Wrong: wrongOf(err),
		Why: "a program whose input ends ends too, with 0",
	})
}

// wrongOf is what is wrong where there is no answer.
func wrongOf(err error) string {
	if errors.Is(err, conform.ErrLate) {
		return err.Error() + "; raise -t to wait longer"
	}
	return err.Error()
}

// judge is what is wrong with an answer, or with getting it.
func (c *conformVerb) judge(v spec.Vector, a conform.Answer, err error) (result, wrong string, untold []string) {
	if err != nil {
		return "FAIL", wrongOf(err), nil
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

// vectors are those that are wanted.
func (c *conformVerb) vectors() (wanted []spec.Vector) {
	for _, v := range spec.Vectors() {
		if c.wants(v.Topic, v.Name) {
			wanted = append(wanted, v)
		}
	}
	return wanted
}

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

// report prints what it amounts to, also when it has ended early, by err.
func (c *conformVerb) report(err error) error {
	if err == nil || codeOf(err) == exitInterrupted || len(c.score.Cases) > 0 {
		if failed := c.score.write(c.out, c.json); err == nil {
			err = failed
		}
	}
	if c.file != nil {
		if failed := c.score.writeJUnit(c.file); err == nil {
			err = failed
		}
	}
	if err == nil && c.score.Failed > 0 {
		return fail(exitOther, "%d of %d cases fail", c.score.Failed, len(c.score.Cases))
	}
	return err
}

// A listed is a case that is not played.
type listed struct {
	Level string `json:"level"`
	Group string `json:"group"`
	Name  string `json:"name"`
	Why   string `json:"why"`
}

// print prints all cases of both levels.
func (c *conformVerb) print() error {
	cases := []listed{}
	for _, v := range c.vectors() {
		cases = append(cases, listed{"codec", v.Topic, v.Name, v.Why})
	}
	for _, a := range c.attacks(petrichortest.Attacks()) {
		cases = append(cases, listed{"peer", rowName(a), a.Name, a.Why})
	}
	if c.json {
		return printJSON(c.out, map[string]any{"cases": cases})
	}
	for _, l := range cases {
		fmt.Fprintf(c.out, "%s  %s  %s: %s\n", l.Level, l.Group, l.Name, l.Why)
	}
	return nil
}
