package dedupe_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/dedupe"
	"github.com/petrichor-protocol/petrichor/service"
)

func Example() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	charged := 0
	charge := func(ctx context.Context, req *service.Request) (header, body any, err error) {
		charged++
		return nil, fmt.Sprint("receipt ", charged), nil
	}
	s := &service.Server{Handle: dedupe.Handler(&dedupe.Window{}, charge, dedupe.Options{Anonymous: true})}
	go s.Serve(l)
	defer s.Shutdown(context.Background())

	cfg := &service.ClientConfig{Reconnect: true, Attempts: 3}
	c, _, err := service.Dial(context.Background(), "tcp", l.Addr().String(), nil, nil, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	header := petrichor.Header{"once": dedupe.NewID()} // Request puts one in where there is none
	for range 2 {
		reply, err := dedupe.Request(context.Background(), c, header, "card 4242")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", reply.Body)
	}
	// Output:
	// 9:receipt 1,
	// 9:receipt 1,
}
