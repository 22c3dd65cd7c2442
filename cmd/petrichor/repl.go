package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

const replHelp = `A line is a body; it is sent as a string.
  := JSON        send a JSON value as what it is
  \header k=v    send this key from now on (k:=JSON, k@=FILE); without k=v: show the header
  \forget k      send this key no more
  \timing        show how long each reply took, or stop that
  \help          this
  \quit          leave; so does Ctrl-D
`

// A replVerb is a conversation with a peer, a line at a time.
type replVerb struct {
	client
	session *session
	view    *viewer
	timing  bool
}

func newRepl(a *app) *cobra.Command {
	r := &replVerb{client: newClient(a)}
	cmd := &cobra.Command{
		Use:   "repl [ADDR]",
		Short: "Send a frame for each line and print the replies",
		Long: `repl connects to ADDR (or PETRICHOR_ADDR), says who it is in a first frame
(--ident), and, allowed, sends a frame for each line of input and prints the
reply. At a terminal lines can be edited and called back with the arrow keys.

` + replHelp,
		Example: `  petrichor repl 127.0.0.1:7670
  petrichor repl 127.0.0.1:7670 --ident name=alice -H to=world
  printf 'one\n:= [2]\n' | petrichor repl 127.0.0.1:7670`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return r.run(args) },
	}
	r.addTo(cmd)
	return cmd
}

func (r *replVerb) run(args []string) error {
	addr, _, err := addrArg(args, "")
	if err != nil {
		return err
	}
	if r.session, err = r.dial(addr); err != nil {
		return err
	}
	defer r.session.conn.Close()
	if r.view, err = r.client.view(); err != nil {
		return err
	}
	read := r.lines()
	for err == nil {
		var line string
		if line, err = read(); err == nil {
			err = r.line(line)
		}
	}
	if err == io.EOF {
		err = nil
	}
	return r.view.out.close(err)
}

// lines returns what reads the next line: an editor for a person, else a plain reader.
func (r *replVerb) lines() func() (string, error) {
	if r.view.out.terminal && term.IsTerminal(int(os.Stdin.Fd())) {
		return r.editor()
	}
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Buffer(nil, int(r.limits.size))
	return func() (string, error) {
		if scanner.Scan() {
			return scanner.Text(), nil
		}
		if errors.Is(scanner.Err(), bufio.ErrTooLong) {
			return "", fail(exitLimit, "stdin: line longer than %s; raise --max-size to send it", r.limits.size.String())
		}
		return "", cmp.Or(scanner.Err(), io.EOF)
	}
}

// editor reads lines from a terminal with history.  The terminal is raw only while a line is
// edited, so that Ctrl-C works while a reply is awaited.
func (r *replVerb) editor() func() (string, error) {
	if !r.app.quiet {
		fmt.Fprintf(r.view.out, "connected to %s; \\help helps, Ctrl-D leaves\n", escapeLine(r.session.addr))
	}
	fd := int(os.Stdin.Fd())
	screen := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{os.Stdin, os.Stdout}, "> ")
	return func() (string, error) {
		if err := r.view.out.Flush(); err != nil {
			return "", err
		}
		cooked, err := term.MakeRaw(fd)
		if err != nil {
			return "", err
		}
		defer term.Restore(fd, cooked)
		return screen.ReadLine()
	}
}

// line does what one line asks for.
func (r *replVerb) line(line string) error {
	if rest, ok := strings.CutPrefix(line, `\`); ok {
		return r.command(rest)
	}
	if rest, ok := strings.CutPrefix(line, ":="); ok {
		raw, err := fromJSON(rest)
		if err != nil {
			return r.say("%v", err)
		}
		return r.send(raw)
	}
	if line == "" {
		return nil
	}
	return r.send(line)
}

func (r *replVerb) send(body any) error {
	start := time.Now()
	reply, err := r.session.request(r.header.header, body)
	if err != nil {
		return err
	}
	if err := r.view.show(reply); err != nil || !r.timing {
		return err
	}
	return r.say("%v", time.Since(start).Round(time.Microsecond))
}

// say prints what is no reply.  It goes to stderr: stdout may be a program's.
func (r *replVerb) say(format string, args ...any) error {
	_, err := fmt.Fprintln(os.Stderr, string(escape(fmt.Appendf(nil, format, args...))))
	return err
}

func (r *replVerb) command(text string) error {
	name, arg, _ := strings.Cut(strings.TrimSpace(text), " ")
	switch name {
	case "quit", "q":
		return io.EOF
	case "help", "h", "?":
		return r.say("%s", strings.TrimSuffix(replHelp, "\n"))
	case "timing":
		r.timing = !r.timing
		return r.say("timing is %v", map[bool]string{true: "on", false: "off"}[r.timing])
	case "forget":
		delete(r.header.header, arg)
		return nil
	case "header":
		return r.setHeader(arg)
	}
	return r.say("no command \\%s: \\help lists them", name)
}

func (r *replVerb) setHeader(entry string) error {
	if entry != "" {
		if err := r.header.Set(entry); err != nil {
			return r.say("%v", err)
		}
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(r.header.header)) {
		raw, err := petrichor.Marshal(r.header.header[key])
		if err != nil {
			return r.say("%v", err)
		}
		if err := r.say("%s: %s", quote([]byte(key)), reading(raw, traced)); err != nil {
			return err
		}
	}
	return nil
}
