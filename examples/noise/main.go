// Command noise runs petrichor inside Noise, to show that any crypto protocol will do:
// what petrichor wants is an io.ReadWriteCloser.
//
//	noise.go  the handshake, and a stream of encrypted messages
//	main.go   a server that knows its client by its key, and the client
package main

import (
	"context"
	"fmt"
	"log"
	"net"

	"github.com/flynn/noise"
	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
)

func main() {
	got, err := run()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got)
}

// run has a client whose key the server knows say hello, and returns the reply.
func run() (string, error) {
	server, err := newKey()
	if err != nil {
		return "", err
	}
	client, err := newKey()
	if err != nil {
		return "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := newServer(map[string]string{string(client.Public): "zed"})
	defer s.Close()
	go s.Serve(&listener{l, server})
	return ask(l.Addr().String(), client, server.Public, "hello")
}

// newServer is a server for those whose public keys have names.
func newServer(names map[string]string) *service.Server {
	return &service.Server{
		Identify: identify(names),
		Handle: func(_ context.Context, req *service.Request) (header, body any, err error) {
			return petrichor.Header{"you": req.Peer.Identity}, req.Frame.Body, nil
		},
	}
}

// ask makes a request of a server whose public key is known.
func ask(addr string, own noise.DHKey, theirs []byte, body string) (string, error) {
	socket, err := net.Dial("tcp", addr)
	if err != nil {
		return "", err
	}
	c := petrichor.NewConn(&stream{Conn: socket, own: own, theirs: theirs})
	defer c.Close()
	if _, err := c.Greet(nil, nil); err != nil {
		return "", err
	}
	f, err := c.Request(nil, body)
	return string(f.Header) + string(f.Body), err
}
