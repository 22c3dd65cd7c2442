// Command eventloop serves 10,000 connections and more from one goroutine: an
// epoll loop, petrichor's Parser and AppendFrame, and nothing else.  It allows
// everybody and echoes frames.
//
//	go run . -addr 127.0.0.1:7777
//
// Whenever the number of its connections has changed, it prints what they cost.
// session.go is the part that any event loop would have; loop.go is epoll.
package main

import (
	"flag"
	"log"
)

func main() {
	log.SetFlags(0)
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on")
	flag.Parse()
	if err := serve(*addr); err != nil {
		log.Fatal("eventloop: ", err)
	}
}
