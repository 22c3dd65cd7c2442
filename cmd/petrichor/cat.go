package main

import (
	"io"

	"github.com/spf13/cobra"
)

// A catVerb converts records.
type catVerb struct {
	app   *app
	input input
	to    choice
	form  form
	limit int
	path  string // of -o
	out   *output
	write sink
	done  int
}

func newCat(a *app) *cobra.Command {
	c := &catVerb{app: a, input: newInput()}
	c.to = newChoice("", "tnet", "frames", "json", "jsonl", "pretty")
	cmd := &cobra.Command{
		Use:   "cat [FILE...]",
		Short: "Convert values and frames: tnetstrings, JSON, mitmproxy's dumps",
		Long: `cat reads values or frames and writes them in another form, one by one: no file
is held in memory, only the largest value (--max-size).

--from  tnet    values, one after another
        frames  HEADER,BODY pairs; in JSON {"header":{...},"body":...}
        json    JSON values with white space between, or none; jsonl is the same
        mitm    what mitmproxy saves: values that know text (;) from strings (,)

--to    tnet    values one after another; frames as HEADER,BODY
        frames  HEADER,BODY; a value must be {"header":{...},"body":...}
        json    one value after another, indented for a person or by --indent
        jsonl   one value a line
        pretty  for people, not to be read back

Without --to, tnetstrings become jsonl and JSON becomes tnetstrings; a person at
a terminal gets pretty.

The JSON comes back: "cat --to json | cat --from json" is the identity.

  null, bool  null, true, false
  int         its digits, however many
  float       its text, which has a point or an exponent, so that 1.0 stays a
              float; {"$float":"1"} if it has neither, {"$float":"inf"}
  string      "text" if it is UTF-8, else {"$bytes":"base64"}
  list        [1,"a"]
  dict        {"key":1} in the order it has; if a key is not UTF-8
              {"$dict":[["key",1],[{"$bytes":"/w=="},2]]}

A dict whose one key is itself $bytes, $float, $text or $dict gets another $ in
front of it; other keys may begin with $ as they like. Text of a mitmproxy dump
looks like a string; --exact writes {"$text":"..."} for it, and then dumps come
back byte for byte too.`,
		Example: `  petrichor cat values.tnet
  petrichor cat --from frames --to json --indent 2 frames.tnet
  echo '{"op":"add","args":[1,2.0]}' | petrichor cat --from json
  petrichor cat --from mitm flows.mitm | jq -r .request.host
  petrichor cat --from mitm --to tnet flows.mitm | cmp - flows.mitm`,
		RunE: func(_ *cobra.Command, files []string) error { return c.run(orStdin(files)) },
	}
	c.input.addTo(cmd)
	c.input.addLines(cmd)
	addChoice(cmd, cmd.Flags(), &c.to, "to", "T", "`FORM` of the output")
	cmd.Flags().IntVar(&c.form.indent, "indent", -1, "`SPACES` a level of json and pretty; 0 is one line")
	cmd.Flags().Lookup("indent").DefValue = "2 for a person"
	cmd.Flags().BoolVar(&c.form.exact, "exact", false, "JSON: tell mitmproxy's text from strings")
	cmd.Flags().Var(numberFlag(&c.limit, 0, 0), "limit", "stop after `N` records; 0 is no limit")
	addOutput(cmd, &c.path)
	return cmd
}

func (c *catVerb) run(files []string) (err error) {
	for _, file := range files {
		if err = c.file(file); err != nil {
			break
		}
	}
	if c.out == nil {
		return err
	}
	return c.out.close(err)
}

// begin opens the output, once there is an input.
func (c *catVerb) begin() (err error) {
	if c.out != nil {
		return nil
	}
	if c.out, err = c.app.open(c.path); err != nil {
		return err
	}
	c.form.name = c.target()
	c.write = newSink(c.out, c.form)
	return nil
}

// target is --to, or what goes best with --from and who reads it.
func (c *catVerb) target() string {
	switch {
	case c.to.value != "":
		return c.to.value
	case c.out.terminal:
		return "pretty"
	case c.input.isJSON():
		return "tnet"
	}
	return "jsonl"
}

func (c *catVerb) file(path string) error {
	r, name, err := openInput(path)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := c.begin(); err != nil {
		return err
	}
	src := c.input.source(promptReader{r, c.out})
	for c.limit == 0 || c.done < c.limit {
		rec, err := src.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = c.write(rec)
		}
		if err != nil {
			return failIn(name, err, fileAdvice)
		}
		c.done++
	}
	return nil
}
