package service_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"sync"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
)

func ExampleClient() {
	addr, stop := serveSquares()
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()

	c, _, err := service.Dial(ctx, "tcp", addr, petrichor.Header{"user": "zed"}, nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	var all sync.WaitGroup
	var squares [100]int
	for i := range squares { // a hundred at once, over one connection
		all.Go(func() {
			reply, err := c.Request(ctx, nil, i)
			if err == nil {
				err = petrichor.Unmarshal(reply.Body, &squares[i])
			}
			if err != nil {
				log.Fatal(err)
			}
		})
	}
	all.Wait()
	fmt.Println(squares[3], squares[99])

	_, err = c.Request(ctx, nil, "three")
	if refused := (*service.Error)(nil); errors.As(err, &refused) {
		fmt.Println(refused.Text)
	}
	// Output:
	// 9 9801
	// not a number
}

// serveSquares serves on a port of its own until stop is called.
func serveSquares() (addr string, stop func() error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	s := &service.Server{
		Handle: func(ctx context.Context, req *service.Request) (header, body any, err error) {
			var n int
			if req.Body(&n) != nil {
				return nil, nil, &service.Error{Text: "not a number"}
			}
			return nil, n * n, nil
		},
	}
	go s.Serve(l)
	return l.Addr().String(), s.Close
}
