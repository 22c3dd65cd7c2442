package compress_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"strings"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/compress"
	"github.com/petrichor-protocol/petrichor/service"
)

func Example() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	smaller := []petrichor.Option{petrichor.WithExtensions(compress.New(compress.Config{}))}
	s := &service.Server{
		Options: smaller,
		Handle: func(ctx context.Context, req *service.Request) (header, body any, err error) {
			return nil, strings.Repeat("hello ", 1000), nil
		},
	}
	go s.Serve(l)
	defer s.Shutdown(context.Background())

	cfg := &service.ClientConfig{Options: smaller}
	c, answer, err := service.Dial(context.Background(), "tcp", l.Addr().String(), nil, nil, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	reply, err := c.Request(context.Background(), nil, "how long is it?")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n%d bytes\n", answer.Header, len(reply.Body))
	// Output:
	// 38:7:allowed,4:true!8:compress,7:deflate,}
	// 6006 bytes
}
