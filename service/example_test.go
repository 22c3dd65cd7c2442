package service_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
)

func Example() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	s := &service.Server{
		Handle: func(ctx context.Context, req *service.Request) (header, body any, err error) {
			var name string
			if err := req.Body(&name); err != nil {
				return nil, nil, err
			}
			return nil, "hello " + name, nil
		},
	}
	go s.Serve(l)
	defer s.Shutdown(context.Background())

	c, _, err := service.Dial(context.Background(), "tcp", l.Addr().String(), petrichor.Header{"user": "zed"}, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	reply, err := c.Request(context.Background(), nil, "world")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", reply.Body)
	// Output: 11:hello world,
}

// A peer is let in by what it sends first.  Here that is a password, which should
// come over TLS only.
func ExampleServer_admit() {
	s := &service.Server{
		Admit: func(ctx context.Context, p *service.Peer) (service.Answer, error) {
			var first struct {
				User, Password string
			}
			if err := petrichor.Unmarshal(p.First.Header, &first); err != nil {
				return service.Deny(nil, "what is that?"), nil
			}
			if first.User != "zed" || first.Password != "secret" {
				return service.Deny(nil, "no"), nil
			}
			return service.Allow(petrichor.Header{"motd": "be nice"}, nil), nil
		},
		Handle: func(ctx context.Context, req *service.Request) (header, body any, err error) {
			return nil, "hello", nil
		},
	}
	ours, theirs := net.Pipe()
	go s.ServeStream(theirs)
	defer s.Close()

	c := petrichor.NewConn(ours)
	answer, err := c.Request(petrichor.Header{"User": "zed", "Password": "guess"}, nil)
	fmt.Printf("%s%s %v\n", answer.Header, answer.Body, err)
	// Output: 18:7:allowed,5:false!}2:no, <nil>
}

// A connection of its own is for what is not a reply to a request: here everybody
// hears what anybody says.
func ExampleFanout() {
	var room service.Fanout
	s := &service.Server{
		Loop: func(ctx context.Context, c *service.Conn) error {
			defer room.Subscribe(c).Close()
			for {
				f, err := c.Next()
				if err != nil {
					return err // io.EOF is the usual end
				}
				if err := room.Publish(f.Header, f.Body); err != nil {
					return err
				}
			}
		},
	}
	ours, theirs := net.Pipe()
	go s.ServeStream(theirs)
	defer s.Close()

	c := petrichor.NewConn(ours)
	c.Request(nil, nil) // the first frames
	f, err := c.Request(petrichor.Header{"from": "zed"}, "hello, all")
	fmt.Printf("%s%s %v\n", f.Header, f.Body, err)
	// Output: 13:4:from,3:zed,}10:hello, all, <nil>
}
