// Command client connects, sends each TEXT as the body of a frame, and prints the
// bodies that come back. A TEXT - is what is on stdin. With --deny it asks to be
// denied. There are clients like it in C, Ruby and Python; see ports.
//
//	client [--deny] HOST PORT TEXT...
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

func main() {
	hello, args := petrichor.Header{"from": "echo in Go"}, os.Args[1:]
	if len(args) > 0 && args[0] == "--deny" {
		hello["deny"], args = true, args[1:]
	}
	if len(args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: client [--deny] HOST PORT TEXT...")
		os.Exit(2)
	}
	if err := run(hello, net.JoinHostPort(args[0], args[1]), args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

func run(hello petrichor.Header, addr string, texts []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, answer, err := petrichor.Connect(ctx, "tcp", addr, hello, nil)
	if err != nil {
		return err
	}
	defer c.Close()
	if !petrichor.Allowed(answer.Header) {
		return errors.New("the peer has not allowed us")
	}
	return c.Within(ctx, func() error {
		for _, text := range texts {
			if err := request(c, text); err != nil {
				return err
			}
		}
		return nil
	})
}

// request sends a text, or what is on stdin, and prints what comes back.
func request(c *petrichor.Conn, text string) error {
	body := []byte(text)
	if text == "-" {
		var err error
		if body, err = io.ReadAll(os.Stdin); err != nil {
			return err
		}
	}
	reply, err := c.Request(nil, body)
	if err == nil {
		err = petrichor.Unmarshal(reply.Body, &body)
	}
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(append(body, '\n'))
	return err
}
