package main

import (
	"context"
	"os"
	"time"

	"github.com/petrichor-protocol/petrichor/service"
	"github.com/spf13/cobra"
)

// An echoVerb is a server that sends every frame back.
type echoVerb struct {
	app    *app
	limits limits
	gate   gate
	keys   keys
	server service.Server
}

func newEcho(a *app) *cobra.Command {
	e := &echoVerb{app: a, limits: peerLimits, gate: gate{echoes: true}}
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
	e.gate.addTo(cmd)
	flags := cmd.Flags()
	flags.Var(timeFlag(&e.server.HandshakeTimeout, 5*time.Second), "first-timeout", "wait `TIME` for a peer's first frame; 0 is for ever")
	flags.Var(timeFlag(&e.server.IdleTimeout, 120*time.Second), "idle-timeout", "wait `TIME` for each frame after it; 0 is for ever")
	flags.Var(numberFlag(&e.server.MaxConns, 256, 1), "max-conns", "serve `N` peers at a time; more are closed at once")
	e.keys.addTo(cmd)
	e.limits.addTo(cmd)
	return cmd
}

func (e *echoVerb) run(args []string) error {
	addr, _, err := addrArg(args, defaultAddr)
	if err != nil {
		return err
	}
	l, err := e.keys.listen(addr, os.Stdout)
	if err != nil {
		return err
	}
	zeroIsNever(&e.server.HandshakeTimeout, &e.server.IdleTimeout)
	e.server.Loop = echoing
	e.server.Admit = e.gate.admit
	e.server.MaxPerAddress = e.server.MaxConns
	e.server.MaxInFlight = 64 << 20
	e.server.Options = e.limits.options()
	e.server.Log = e.app.logger()
	e.server.Identify = identify(addr)
	return serving(&e.server, l, graceTime, &e.keys)
}

// graceTime is how long replies under way may take when an echo is stopped.
const graceTime = 3 * time.Second

// echoing sends back whatever comes.
func echoing(_ context.Context, c *service.Conn) error {
	for {
		f, err := c.Next()
		if err == nil {
			err = c.QueueFrame(f)
		}
		if err != nil {
			return err
		}
	}
}
