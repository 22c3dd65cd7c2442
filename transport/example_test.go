package transport_test

import (
	"context"
	"fmt"
	"log"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
	"github.com/petrichor-protocol/petrichor/transport"
)

func Example() {
	l, err := transport.Listen("tcp://127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	s := &service.Server{
		Handle: func(ctx context.Context, req *service.Request) (header, body any, err error) {
			return nil, "hello", nil
		},
	}
	go s.Serve(l)
	defer s.Shutdown(context.Background())

	stream, err := transport.Dial(context.Background(), "tcp://"+l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	c := petrichor.NewConn(stream)
	defer c.Close()
	if _, err := c.Greet(petrichor.Header{"user": "zed"}, nil); err != nil {
		log.Fatal(err)
	}
	reply, err := c.Request(nil, "hi")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", reply.Body)
	// Output: 5:hello,
}
