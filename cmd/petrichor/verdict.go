package main

import (
	"io"
	"os"
	"strings"

	"github.com/petrichor-protocol/petrichor/internal/conform"
	"github.com/spf13/cobra"
)

func newVerdict(a *app) *cobra.Command {
	entrance := newChoice(conform.Entrances...)
	cmd := &cobra.Command{
		Use:   "verdict [READ WORD...]",
		Short: "Answer what conform asks, as this implementation sees it",
		Long: `verdict is the program that conform starts, for this implementation: it reads
questions from stdin, a line each, and answers each with a line of JSON. With
arguments there is one question, which they are, and its bytes are stdin; the
exit code is 1 where they are refused. docs/porting.md has the form of both.

It is there to be compared with: this is what your port ought to say.`,
		Example: `  echo 'element 30353a68656c6c6f2c' | petrichor verdict
  printf '05:hello,' | petrichor verdict element loose
  petrichor conform -- petrichor verdict --entrance push`,
		RunE: func(_ *cobra.Command, words []string) error { return verdict(words, entrance.value) },
	}
	addChoice(cmd, cmd.Flags(), &entrance, "entrance", "", "`WAY` in for the bytes")
	return cmd
}

func verdict(words []string, entrance string) error {
	out := outputWriter{os.Stdout}
	ask := func(q conform.Question) conform.Answer { return conform.Ask(q, entrance) }
	if len(words) == 0 {
		return conform.Serve(os.Stdin, out, ask)
	}
	wire, err := wireOf(os.Stdin)
	if err != nil {
		return err
	}
	q, err := conform.ParseWords(words, wire)
	if err != nil {
		return fail(exitUsage, "%v", err)
	}
	answer := ask(q)
	if _, err := io.WriteString(out, answer.String()+"\n"); err != nil {
		return err
	}
	if answer.Verdict != "ok" {
		return fail(exitOther, "%s: %s", strings.Join(words, " "), answer.Verdict)
	}
	return nil
}

// wireOf is all of r, up to as much as a line of a question has room for.
func wireOf(r io.Reader) ([]byte, error) {
	wire, err := io.ReadAll(io.LimitReader(r, int64(fileLimits.size)+1))
	switch {
	case err != nil:
		return nil, fail(exitOther, "cannot read the bytes: %v", err)
	case len(wire) > int(fileLimits.size):
		return nil, fail(exitLimit, "stdin has more than %s: that is no question", fileLimits.size.String())
	}
	return wire, nil
}
