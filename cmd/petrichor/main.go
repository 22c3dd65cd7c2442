// Command petrichor speaks and reads petrichor: HEADER,BODY pairs of tnetstrings over any byte
// stream.
//
// A verb is a file: request, repl, send, recv, ping and bench talk to a server, echo and serve are
// one, demo is both; cat, check and hex read files.  Around them:
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
//	view.go      frames that came in, in the format of -f
//	values.go    -H k=v and -d @FILE
//	keys.go      --ca and its sisters, --compress
//	cert.go      certificates for development
//	parts.go     a file in many replies
//
// What serves:
//
//	serving.go   listening, admission, draining: where package service is used
//	handler.go   what answers requests: one of the next three
//	exec.go      a command for each request (exec_unix.go: its group of processes)
//	reply.go     a template
//	dir.go       files
//	partner.go   a command for each connection, which speaks frames
//
// What tests other implementations:
//
//	conform.go    vectors for a codec, and all of a run (conform_attack.go: attacks for a server)
//	prey.go       what is known of the server
//	stdio.go      a connection to a server that is a command
//	scorecard.go  what it amounts to: lines, a table, JSON, JUnit
//	verdict.go    what this implementation answers
//
// What measures:
//
//	load.go      requests on connections, in a closed or an open loop
//	lane.go      one of the connections
//	stencil.go   one request, ready but for its id
//	pause_*.go   sleeping as exactly as the system can
//	tally.go     what comes of the requests, while they run
//	result.go    what it amounts to, as text and as JSON
//	html.go      and as a page with pictures (report.html)
package main

import (
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

func main() {
	softMemory(0)
	os.Exit(run(os.Args[1:]))
}

// softMemory lets the collector begin to work harder at 40 MiB, so that what a large value leaves
// behind while a buffer grows does not add up, and at so much more as a verb is meant to hold.
func softMemory(more int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(40<<20 + more)
	}
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

Addresses are HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH, exec:CMD
(a command's stdin and stdout), stdio: (our own), file:PATH (a device, or what has
been recorded) and file:PATH,PATH (the second takes what is written). Without HOST
it is the loopback.

Exit codes: 0 ok, 1 other, 2 usage, 3 denied by the peer, 4 timeout, 5 malformed
data, 6 cannot connect, 7 closed before the reply, 8 over a limit.

Environment: PETRICHOR_ADDR is the ADDR where none is given; NO_COLOR turns
colour off.`,
		Example: `  petrichor demo
  petrichor echo 127.0.0.1:7670
  petrichor request 127.0.0.1:7670 hello -H to=world
  petrichor serve 127.0.0.1:7670 --exec 'tr a-z A-Z'
  petrichor bench 127.0.0.1:7670 --rate 2000
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
	root.AddCommand(newDemo(a), newEcho(a), newServe(a), newRequest(a), newRepl(a),
		newSend(a), newRecv(a), newPing(a), newBench(a),
		newCat(a), newCheck(a), newHex(a), newCert(a),
		newConform(a), newVerdict(a), newVersion())
	strictHelp(root)
	return root
}

// strictHelp makes help about a verb that does not exist a mistake, as the verb itself is.
func strictHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		panic(err) // it was added the line before
	}
	help.Example = "  petrichor help send"
	show := help.Run
	help.RunE = func(cmd *cobra.Command, args []string) error {
		if _, rest, err := root.Find(args); err != nil || len(rest) > 0 {
			return fail(exitUsage, "no help about %q; petrichor --help lists the verbs", strings.Join(args, " "))
		}
		show(cmd, args)
		return nil
	}
}
