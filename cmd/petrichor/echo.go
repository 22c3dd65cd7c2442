package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// An echoVerb is a server that sends every frame back.
type echoVerb struct {
	app    *app
	limits limits
	deny   headerFlag
	server server
}

func newEcho(a *app) *cobra.Command {
	e := &echoVerb{app: a, limits: peerLimits}
	cmd := &cobra.Command{
		Use:   "echo [ADDR]",
		Short: "Serve: answer first frames, send every other frame back",
		Long: `echo listens on ADDR (default ` + defaultAddr + `, port 0 for any free one) and prints
the address it got as its first line.

A peer's first frame says who it is. The answer is the same header and body with
"allowed" in the header: true, or false when an entry of --deny is in it. Each
frame after that comes back as it was, until the peer closes. Ctrl-C stops it
once the replies under way are sent.`,
		Example: `  petrichor echo
  petrichor echo 127.0.0.1:0 -v
  petrichor echo unix:///tmp/echo.sock --deny from=mallory
  printf '0:}5:hello,' | nc -N 127.0.0.1 7670`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return e.run(args) },
	}
	flags := cmd.Flags()
	flags.Var(&e.deny, "deny", "deny peers whose first header has this entry: k=v or k:=JSON; repeatable")
	flags.DurationVar(&e.server.first, "first-timeout", 5*time.Second, "wait `TIME` for a peer's first frame")
	flags.DurationVar(&e.server.idle, "idle-timeout", 120*time.Second, "wait `TIME` for each frame after it")
	flags.IntVar(&e.server.maxConns, "max-conns", 256, "serve `N` peers at a time; more are closed at once")
	e.limits.addTo(cmd)
	return cmd
}

func (e *echoVerb) run(args []string) error {
	addr, _, err := addrArg(args, defaultAddr)
	if err != nil {
		return err
	}
	network, address, err := parseAddr(addr)
	if err != nil {
		return err
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return fail(exitOther, "cannot listen on %s: %v", addr, err)
	}
	fmt.Printf("listening on %s\n", listening(l))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e.server.deny = e.deny.header
	e.server.options = e.limits.options()
	e.server.log = e.app.logf
	return e.server.serve(ctx, l)
}

// listening is the address of l as a client would write it.
func listening(l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return "unix://" + l.Addr().String()
	}
	return l.Addr().String()
}

// logf prints an event, one line and fit for a terminal, where -v asks for it.
func (a *app) logf(format string, args ...any) {
	if a.verbose {
		fmt.Fprintf(os.Stderr, "petrichor: %s\n", escapeLine(fmt.Sprintf(format, args...)))
	}
}
