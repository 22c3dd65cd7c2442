package main

import (
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/petrichor-protocol/petrichor/dedupe"
	"github.com/petrichor-protocol/petrichor/service"
	"github.com/spf13/cobra"
)

// A serveVerb is a server whose answers come from a command, a template or files.
type serveVerb struct {
	app      *app
	limits   limits
	gate     gate
	keys     keys
	presses  presses
	dedupe   bool
	command  string
	partner  string
	template string
	dir      string
	dotfiles bool
	deadline time.Duration
	drain    time.Duration
	flight   byteSize
	server   service.Server
}

func newServe(a *app) *cobra.Command {
	s := &serveVerb{app: a, limits: peerLimits, flight: 64 << 20, presses: newPresses()}
	cmd := &cobra.Command{
		Use:   "serve [ADDR]",
		Short: "Serve: answer requests by a command, a template or files",
		Long: `serve listens on ADDR (default ` + defaultAddr + `, port 0 for any free one) and prints
"listening on " and the address it got as its first line on stderr. It answers
every frame of a peer it has allowed, with the id of the request in the header.

--exec CMD runs CMD in a shell for each request. The body is its stdin (a string
as it is, other kinds as JSON), its stdout the reply's body, its exit status the
reply's header key status; its stderr is logged. A header key is in the
environment as ` + headerPrefix + `KEY, in capitals, what is no letter or digit of
ASCII being _; PETRICHOR_PEER is who asks, PETRICHOR_KIND the kind of the body.
Quote them in CMD: they are the peer's words. A run that takes longer than
--deadline or puts out more than --max-size is killed with all it has started;
the reply then has the keys killed and error.

--exec-frames CMD runs CMD once for each connection instead, after the first
frames: the peer's frames are its stdin, and the frames on its stdout are the
peer's, as many as it likes. It ends when the peer has closed and stdin has.

--reply TEMPLATE (or @FILE) fills in a text/template of Go for each request:
.Header, .Body and .Peer are the request, {{json .Body}} is JSON.

--dir DIR sends the file below DIR that the header key path names, in parts
when it is larger than --max-size: offset and limit say which. Links that lead
out are not followed, names that begin with a dot not served but with --dotfiles.

--dedupe handles requests with the same --id once, and answers those that come
again as the first time, for five minutes; ids belong to who asks, by certificate
or else by address. It is not for --exec-frames, whose CMD answers by itself.

A request that fails is answered with the header key error. The first Ctrl-C or
SIGTERM stops listening and waits, --drain at most, for requests under way; the
second does not wait. Either way the exit code is 0. A TIME of 0 is no limit.`,
		Example: `  petrichor serve 127.0.0.1:0 --exec 'tr a-z A-Z'
  petrichor serve --exec 'sort | uniq -c' --deadline 2s --max-handlers 4
  petrichor serve --exec-frames 'exec python3 chat.py' --idle-timeout 1h
  petrichor serve --reply 'hello {{.Header.name}}, you said {{.Body}}'
  petrichor serve unix:///tmp/files.sock --dir ./public --allow key@=secret`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return s.run(args) },
	}
	s.addTo(cmd)
	return cmd
}

func (s *serveVerb) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&s.command, "exec", "", "answer with the output of a shell's `CMD`")
	flags.StringVar(&s.partner, "exec-frames", "", "let a shell's `CMD` speak frames, one run a connection")
	flags.StringVar(&s.template, "reply", "", "answer with a filled in `TEMPLATE` or @FILE")
	flags.StringVar(&s.dir, "dir", "", "answer with files below `DIR`")
	flags.BoolVar(&s.dotfiles, "dotfiles", false, "--dir: send names that begin with a dot too")
	flags.Var(timeFlag(&s.deadline, 10*time.Second), "deadline", "give each request `TIME`; 0 is no limit")
	flags.Var(timeFlag(&s.drain, 10*time.Second), "drain", "at Ctrl-C wait `TIME` for requests under way")
	s.gate.addTo(cmd)
	flags.Var(timeFlag(&s.server.HandshakeTimeout, 5*time.Second), "first-timeout", "wait `TIME` for a peer's first frame")
	flags.Var(timeFlag(&s.server.FrameTimeout, 30*time.Second), "frame-timeout", "wait `TIME` for a frame that has begun")
	flags.Var(timeFlag(&s.server.IdleTimeout, 120*time.Second), "idle-timeout", "wait `TIME` for the next frame")
	flags.Var(timeFlag(&s.server.WriteTimeout, 10*time.Second), "write-timeout", "wait `TIME` for a peer that does not read")
	flags.Var(numberFlag(&s.server.MaxConns, 256, 1), "max-conns", "serve `N` peers at a time")
	flags.Var(numberFlag(&s.server.MaxPending, 64, 1), "max-pending", "of them `N` not yet allowed")
	flags.Var(numberFlag(&s.server.MaxPerAddress, 64, 1), "max-per-address", "of them `N` of one address")
	flags.Var(numberFlag(&s.server.MaxHandlers, 64, 1), "max-handlers", "answer `N` requests at a time")
	flags.Var(numberFlag(&s.server.HandlersPerConn, 1, 1), "handlers-per-conn", "of them `N` of one peer; above 1 replies come in any order")
	flags.Var(&s.flight, "max-in-flight", "hold `BYTES` of requests at a time")
	s.keys.addTo(cmd)
	s.presses.addTo(cmd)
	flags.BoolVar(&s.dedupe, "dedupe", false, "handle requests of the same --id once")
	s.limits.addTo(cmd)
}

func (s *serveVerb) run(args []string) error {
	addr, _, err := addrArg(args, defaultAddr)
	if err != nil {
		return err
	}
	log := s.app.logger()
	if err := s.answering(log); err != nil {
		return err
	}
	l, err := s.keys.listen(addr, os.Stderr)
	if err != nil {
		return err
	}
	v := &s.server
	zeroIsNever(&v.HandshakeTimeout, &v.FrameTimeout, &v.IdleTimeout, &v.WriteTimeout)
	s.server.Admit = s.gate.admit
	s.server.MaxInFlight = int64(s.flight)
	s.server.Options = append(s.limits.options(), s.presses.options()...)
	s.server.Log = log
	s.server.Identify = identify(addr)
	if s.dedupe {
		opts := dedupe.Options{Anonymous: s.server.Identify == nil || s.keys.files.CA == "", Petrichor: s.limits.options()}
		s.server.Handle = dedupe.Handler(&dedupe.Window{}, s.server.Handle, opts)
	}
	return serving(&s.server, l, s.drain, &s.keys)
}

func isEmpty(s string) bool { return s == "" }

// answering sets what answers, by the flags.
func (s *serveVerb) answering(log *slog.Logger) error {
	limit := int(s.limits.size)
	ways := slices.DeleteFunc([]string{s.command, s.partner, s.template, s.dir}, isEmpty)
	switch {
	case len(ways) != 1:
		return fail(exitUsage, "%d ways to answer: want one of --exec, --exec-frames, --reply and --dir", len(ways))
	case s.dedupe && s.partner != "":
		return fail(exitUsage, "--dedupe besides --exec-frames, whose CMD answers frames itself: it has to know by their key once")
	case s.command != "":
		s.server.Handle = handled(&command{s.command, limit, log, s.limits.inside()}, s.deadline)
	case s.partner != "":
		p := &partner{command{s.partner, limit, log, s.limits.inside()}, s.deadline, s.limits.options()}
		s.server.Loop = p.speak
	case s.template != "":
		text, err := parseReply(s.template)
		if err != nil {
			return err
		}
		s.server.Handle = handled(&reply{text, limit, log}, s.deadline)
	default:
		root, err := os.OpenRoot(s.dir)
		if err != nil {
			return fail(exitOther, "--dir: %v", err)
		}
		s.server.Handle = handled(&directory{root, int64(limit), s.dotfiles}, s.deadline)
	}
	return nil
}
