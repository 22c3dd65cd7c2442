package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
	"github.com/spf13/cobra"
)

func newDemo(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show the protocol: a server, two clients, every frame both ways",
		Long: `demo starts an echo server on a free port of the loopback and talks to it as two
peers: one is allowed and sends three requests, one is denied. It prints each
frame as it is on the wire, with what it says under it, and exits.`,
		Example: `  petrichor demo`,
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.demo() },
	}
}

// demo runs the server around the clients.
func (a *app) demo() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fail(exitOther, "cannot listen on the loopback: %v", err)
	}
	gate := &gate{
		echoes:   true,
		identity: petrichor.Header{"server": "echo"},
		deny:     headerFlag{petrichor.Header{"name": "mallory"}},
	}
	s := &service.Server{Loop: echoing, Admit: gate.admit, Log: a.logger()}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	err = a.demoClients(l.Addr().String())
	ctx, cancel := context.WithTimeout(context.Background(), graceTime)
	defer cancel()
	if stopped := s.Shutdown(ctx); err == nil {
		err = stopped
	}
	<-served
	return err
}

func (a *app) demoClients(addr string) error {
	out, err := a.open("")
	if err != nil {
		return err
	}
	d := &demo{out: out, addr: addr}
	d.say("An echo server listens on %s. Each frame is two tnetstrings, HEADER then BODY.\n", addr)
	err = d.alice()
	if err == nil {
		err = d.mallory()
	}
	if err == nil {
		d.say("That is the whole protocol: SIZE:PAYLOAD and a tag, twice. Try it: petrichor echo, petrichor repl %s", defaultAddr)
	}
	return out.close(err)
}

// A demo is the clients' side of the demonstration.
type demo struct {
	out  *output
	addr string
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

// meet connects as name and exchanges first frames.
func (d *demo) meet(name string) (*session, petrichor.Frame, error) {
	stream, err := net.DialTimeout("tcp", d.addr, 5*time.Second)
	if err != nil {
		return nil, petrichor.Frame{}, fail(exitConnect, "%v", err)
	}
	s := &session{
		addr:    d.addr,
		conn:    petrichor.NewConn(stream),
		timeout: 5 * time.Second,
		trace:   &tracer{w: d.out, out: name + " -> echo ", in: "echo -> " + name + " "},
	}
	answer, err := s.request(petrichor.Header{"name": name}, "")
	return s, answer, err
}

// alice is allowed, and sends what a frame can hold: text, a typed value, bytes.
func (d *demo) alice() error {
	d.say("alice says who she is in a first frame; the server says who it is, and that she is allowed:")
	s, answer, err := d.meet("alice")
	if err != nil {
		return err
	}
	defer s.conn.Close()
	if !petrichor.Allowed(answer.Header) {
		return fail(exitDenied, "alice was denied")
	}
	for i, body := range []any{
		"hello",
		map[string]any{"user": "alice", "tags": []string{"a", "b"}, "age": 42, "score": 1.5, "admin": false, "boss": nil},
		[]byte{0xff, 0x00, '\n', ':', '}'},
	} {
		d.say("\n%s", []string{
			"A request is any header and any body; an echo sends it back:",
			"A body can have structure, with types and without a schema:",
			"Or be any bytes: the size says where they end, so nothing is escaped on the wire, only here:",
		}[i])
		if err := d.request(s, petrichor.Header{"id": i + 1}, body); err != nil {
			return err
		}
	}
	return nil
}

// request sends a frame and makes sure that it comes back.
func (d *demo) request(s *session, header petrichor.Header, body any) error {
	reply, err := s.request(header, body)
	if err != nil {
		return err
	}
	sent, err := petrichor.AppendFrame(nil, header, body)
	if err == nil && string(sent) != string(reply.Header)+string(reply.Body) {
		err = fail(exitOther, "the echo differs from what was sent")
	}
	return err
}

// mallory is denied.
func (d *demo) mallory() error {
	d.say("\nmallory says who he is, and is denied; the server hangs up:")
	s, answer, err := d.meet("mallory")
	if err != nil {
		return err
	}
	defer s.conn.Close()
	if petrichor.Allowed(answer.Header) {
		return fail(exitOther, "mallory was allowed")
	}
	d.say("")
	return nil
}
