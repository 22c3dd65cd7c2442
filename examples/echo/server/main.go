// Command server answers the first frame of each peer, and then sends every
// frame back. A peer whose header has an entry deny is denied. There are servers
// like it in C, Ruby and Python; see ports. One for strangers is in package service.
//
//	server [HOST [PORT]]
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

func main() {
	l, err := net.Listen("tcp", net.JoinHostPort(argument(1, "127.0.0.1"), argument(2, "7670")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on %v\n", l.Addr())
	for {
		stream, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer stream.Close()
			if err := serve(stream); err != nil && err != io.EOF {
				log.Print(err)
			}
		}()
	}
}

func argument(i int, otherwise string) string {
	if i < len(os.Args) {
		return os.Args[i]
	}
	return otherwise
}

// serve serves one peer, up to its end.
func serve(stream net.Conn) error {
	if err := stream.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	c, first, err := petrichor.Accept(stream)
	if err != nil {
		return err
	}
	var header petrichor.Header
	if err := petrichor.Unmarshal(first.Header, &header); err != nil {
		return err
	}
	if _, denied := header["deny"]; denied {
		return c.Deny(nil, nil)
	}
	if err := c.Allow(nil, nil); err != nil {
		return err
	}
	for {
		if err := stream.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
			return err
		}
		f, err := c.Next()
		if err == nil {
			err = c.SendFrame(f)
		}
		if err != nil {
			return err
		}
	}
}
