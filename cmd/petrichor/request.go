package main

import (
	"context"

	"github.com/petrichor-protocol/petrichor"
	"github.com/spf13/cobra"
)

// A requestVerb sends one request.
type requestVerb struct {
	client
	once
	data    bodyFlag
	inParts bool
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
at a terminal gets pretty. -f raw prints the body's payload alone.

--id gives the request an id, by which a server that dedupes (serve --dedupe) knows
it when it comes again: it is handled once, and answered the same. --retry connects
and asks again when there is no reply, with one id; against a server that does not
dedupe the request may then be handled more than once. Before each try it pauses,
for 100ms at first and twice as long each time, 5s at most.

--parts fetches a file from serve --dir that is larger than a frame may be: it
asks for one part after another and prints what they are together.`,
		Example: `  petrichor request 127.0.0.1:7670 hello
  petrichor request 127.0.0.1:7670 -H op=add -H id:=7 --json '[1,2.5,null]'
  petrichor req unix:///tmp/echo.sock -d @photo.jpg -f raw -o copy.jpg
  petrichor req 127.0.0.1:7670 'charge 4242' --retry 3
  petrichor req 127.0.0.1:7670 -H path=film.mp4 --parts -o film.mp4
  PETRICHOR_ADDR=127.0.0.1:7670 petrichor req -d hello --ident name=alice --ident key@=secret`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd, args) },
	}
	r.client.addTo(cmd)
	r.data.addTo(cmd)
	r.presses.addTo(cmd)
	r.once.addTo(cmd)
	cmd.Flags().BoolVar(&r.inParts, "parts", false, "ask with offset and limit until the whole file has come")
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
	if err := r.valid(); err != nil {
		return err
	}
	if r.inParts {
		return r.fetch(addr)
	}
	reply, err := r.ask(addr, body)
	if err != nil {
		return err
	}
	view, err := r.view()
	if err != nil {
		return err
	}
	return view.out.close(view.show(reply))
}

// headed is the header, with the key by which a server that dedupes knows the request again.
func (r *requestVerb) headed() (any, error) {
	if r.id == "" {
		return r.header.header, nil
	}
	return r.mark(r.header.header)
}

// ask makes the request, again if need be.
func (r *requestVerb) ask(addr string, body any) (petrichor.Frame, error) {
	header, err := r.headed()
	if err != nil {
		return petrichor.Frame{}, fail(exitUsage, "--header: %s", message(err))
	}
	var reply petrichor.Frame
	err = r.insist(context.Background(), r.retry, func() (err error) {
		reply, err = r.try(addr, header, body)
		return err
	})
	return reply, err
}

// try connects and makes the request.
func (r *requestVerb) try(addr string, header, body any) (petrichor.Frame, error) {
	s, err := r.dial(addr)
	if err != nil {
		return petrichor.Frame{}, err
	}
	defer s.conn.Close()
	return s.request(header, body)
}

// fetch prints a file that comes in parts.
func (r *requestVerb) fetch(addr string) error {
	if r.id != "" {
		return fail(exitUsage, "--id or --retry besides --parts, which asks many times")
	}
	s, err := r.dial(addr)
	if err != nil {
		return err
	}
	defer s.conn.Close()
	out, err := r.app.open(r.path)
	if err != nil {
		return err
	}
	return out.close(r.parts(s, out))
}
