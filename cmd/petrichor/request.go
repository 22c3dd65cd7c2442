package main

import "github.com/spf13/cobra"

// A requestVerb sends one request.
type requestVerb struct {
	client
	data bodyFlag
}

func newRequest(a *app) *cobra.Command {
	r := &requestVerb{client: newClient(a)}
	cmd := &cobra.Command{
		Use:     "request [ADDR [BODY]]",
		Aliases: []string{"req"},
		Short:   "Send one frame and print the reply",
		Long: `request connects to ADDR (or PETRICHOR_ADDR), says who it is in a first frame
(--ident), and, allowed, sends one frame and prints the reply.

A program gets the reply as a line of JSON, {"header":{...},"body":...}; a person
at a terminal gets pretty. -f raw prints the body's payload alone.`,
		Example: `  petrichor request 127.0.0.1:7670 hello
  petrichor request 127.0.0.1:7670 -H op=add -H id:=7 --json '[1,2.5,null]'
  petrichor req unix:///tmp/echo.sock -d @photo.jpg -f raw -o copy.jpg
  PETRICHOR_ADDR=127.0.0.1:7670 petrichor req -d hello --ident name=alice --ident key@=secret`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd, args) },
	}
	r.addTo(cmd)
	r.data.addTo(cmd)
	return cmd
}

func (r *requestVerb) run(cmd *cobra.Command, args []string) error {
	addr, rest, err := addrArg(args, "")
	if err != nil {
		return err
	}
	body, err := r.data.body(cmd, rest, r.limits.size)
	if err != nil {
		return err
	}
	s, err := r.dial(addr)
	if err != nil {
		return err
	}
	defer s.conn.Close()
	reply, err := s.request(r.header.header, body)
	if err != nil {
		return err
	}
	view, err := r.view()
	if err != nil {
		return err
	}
	return view.out.close(view.show(reply))
}
