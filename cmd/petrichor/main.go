// Command petrichor speaks and reads petrichor: HEADER,BODY pairs of tnetstrings over any byte
// stream.
//
// A verb is a file: demo, echo, request and repl talk to a peer; cat, check and hex read files.
// Around them:
//
//	main.go      the root command and the flags that every verb has
//	exit.go      exit codes, and how an error becomes one line on stderr
//	output.go    stdout or -o, and whether a person looks at it
//	escape.go    what a peer sent, made safe to show
//	limits.go    --max-size and its sisters
//	source.go    records in: tnetstrings, frames, JSON, mitmproxy's dumps
//	sink.go      records out
//	print.go     an element as JSON or in the form for people; states the JSON projection
//	json.go      the way back: JSON as an element
//	session.go   a client's connection: address, deadlines, first frame
//	server.go    the other end of it
//	view.go      frames that came in, in the format of -f
//	values.go    -H k=v and -d @FILE
package main

import (
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// softMemory is where the collector begins to work harder, so that what a large value leaves behind
// while a buffer grows does not add up.
const softMemory = 40 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
	os.Exit(run(os.Args[1:]))
}

// run is main with a result: the exit code.
func run(args []string) int {
	a := &app{}
	root := newRoot(a)
	root.SetArgs(args)
	cmd, err := root.ExecuteC()
	if err != nil && !a.started {
		what := strings.Join(strings.Fields(err.Error()), " ") // cobra's advice has lines of its own
		err = fail(exitUsage, "%s; see %s --help", what, cmd.CommandPath())
	}
	return report(os.Stderr, err)
}

// An app is one run of the tool, and the flags that every verb has.
type app struct {
	quiet   bool
	verbose bool
	color   choice
	started bool // a verb has begun: an error from here on is not about usage
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "petrichor",
		Short: "HEADER,BODY pairs of tnetstrings over any byte stream",
		Long: `petrichor speaks and reads HEADER,BODY pairs of tnetstrings.

Addresses are HOST:PORT, tcp://HOST:PORT or unix:///PATH; without HOST it is the
loopback.

Exit codes: 0 ok, 1 other, 2 usage, 3 denied by the peer, 4 timeout, 5 malformed
data, 6 cannot connect, 7 closed before the reply, 8 over a limit.

Environment: PETRICHOR_ADDR is the ADDR of request, repl and echo where none is
given; NO_COLOR turns colour off.`,
		Example: `  petrichor demo
  petrichor echo 127.0.0.1:7670
  petrichor request 127.0.0.1:7670 hello -H to=world
  petrichor cat --from mitm flows.mitm | jq .request.host`,
		SilenceErrors:    true,
		SilenceUsage:     true,
		PersistentPreRun: func(*cobra.Command, []string) { a.started = true },
	}
	a.color = newChoice("auto", "always", "never")
	flags := root.PersistentFlags()
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print results only")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "show frames and events on stderr")
	addChoice(root, flags, &a.color, "color", "", "colour `WHEN`")
	root.AddCommand(newDemo(a), newEcho(a), newRequest(a), newRepl(a),
		newCat(a), newCheck(a), newHex(a), newVersion())
	return root
}
