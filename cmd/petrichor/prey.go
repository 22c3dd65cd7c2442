package main

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/petrichor-protocol/petrichor/petrichortest"
	"github.com/petrichor-protocol/petrichor/transport"
	"github.com/spf13/cobra"
)

// A prey is what is known of a server that conform attacks.
type prey struct {
	ident, denied, header headerFlag
	data, panics          string
	echoes, quick         bool
	compresses            bool
	deadlines             []time.Duration
	patience              time.Duration
	sizes                 limits
	conns, crowd          int
	spared                []int
	keys                  keys
}

// manyPeers are the rows about a server that has many peers at once, whom one that never reads, too,
// must not keep waiting: writing to a pipe has no deadline in most languages.
var manyPeers = []int{24, 36, 37, 38, 39, 40, 43}

// newPrey is a server with the limits and deadlines of package service.
func newPrey() prey {
	return prey{sizes: peerLimits, deadlines: []time.Duration{5 * time.Second, 30 * time.Second, 120 * time.Second, 10 * time.Second}}
}

func (p *prey) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(&p.ident, "ident", "key of a first frame that is allowed, as -H; repeatable")
	flags.Var(&p.denied, "denied", "key of a first frame that is denied, as -H; repeatable")
	flags.VarP(&p.header, "header", "H", "key of a request that is answered: k=v, k:=JSON or k@=FILE; repeatable")
	flags.StringVarP(&p.data, "data", "d", "hello", "body of that request: `DATA`, or := and JSON")
	flags.StringVar(&p.panics, "panics", "", "`BODY` of a request that makes the handler panic, where there is one")
	flags.BoolVar(&p.echoes, "echoes", false, "a reply has the body of its request")
	flags.BoolVar(&p.compresses, "compresses", false, "it agrees on deflate with whom offers it")
	flags.DurationSliceVar(&p.deadlines, "deadlines", p.deadlines, "`TIMES` of first frame, frame, next one, write")
	flags.DurationVar(&p.patience, "patience", 0, "it may take `TIME` over a costly request; 0: 2s, or half its shortest deadline")
	flags.BoolVar(&p.quick, "quick", false, "leave out what waits for a deadline")
	flags.Var(&p.sizes.size, "max-size", "largest body it accepts, `BYTES`; K, M and G multiply by 1024")
	flags.Var(&p.sizes.header, "max-header-size", "largest header of a frame, `BYTES`")
	flags.IntVar(&p.conns, "max-conns", 0, "it holds `N` connections and closes what comes beyond; 0: not tried")
	flags.IntVar(&p.crowd, "crowd", 200, "unfinished peers at once, `N`")
	p.keys.addTo(cmd)
	flags.StringVar(&p.keys.serverName, "server-name", "", "tls://: `NAME` the server has, if not that of TARGET")
	flags.IntSliceVar(&p.spared, "spare", nil, "leave out these `ROWS`")
}

// target is the server that dial connects to, with what the flags say of it.
func (p *prey) target(dial petrichortest.Dial) (*petrichortest.Target, error) {
	var body any = p.data
	if text, typed := strings.CutPrefix(p.data, ":="); typed {
		raw, err := fromJSON(text)
		if err != nil {
			return nil, fail(exitUsage, "--data: %v", err)
		}
		body = raw
	}
	d := p.deadlines
	if len(d) != 4 {
		return nil, fail(exitUsage, "--deadlines: want 4 times, as in 5s,30s,120s,10s")
	}
	opts := []petrichortest.Option{
		petrichortest.First(p.ident.header, nil), petrichortest.Request(p.header.header, body),
		petrichortest.Sizes(int(p.sizes.header), int(p.sizes.size)), petrichortest.MaxConns(p.conns),
		petrichortest.Crowd(p.crowd), petrichortest.Spare(p.spared...),
		petrichortest.Deadlines(d[0], d[1], d[2], d[3]), petrichortest.Patience(p.patience),
	}
	if p.denied.header != nil {
		opts = append(opts, petrichortest.Denied(p.denied.header, nil))
	}
	if p.panics != "" {
		opts = append(opts, petrichortest.Panics(p.header.header, p.panics))
	}
	if p.echoes {
		opts = append(opts, petrichortest.Echoes())
	}
	if p.compresses {
		opts = append(opts, petrichortest.Compresses())
	}
	return petrichortest.NewTarget(dial, opts...), nil
}

// dialer connects to addr; over TCP on loopback from many addresses, since servers
// limit those.
func (p *prey) dialer(addr string) (petrichortest.Dial, error) {
	to, err := transport.Parse(addr)
	if err != nil {
		return nil, fail(exitUsage, "%s", message(err))
	}
	host, _, _ := net.SplitHostPort(to.Rest)
	if ip := net.ParseIP(host).To4(); to.Scheme == "tcp" && ip != nil && ip.IsLoopback() {
		return petrichortest.Dialer(to.Rest), nil
	}
	config, err := p.keys.transport()
	if err != nil {
		return nil, err
	}
	return func() (net.Conn, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return config.Dial(ctx, addr)
	}, nil
}
