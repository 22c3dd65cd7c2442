package secure_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/secure"
	"github.com/petrichor-protocol/petrichor/service"
)

func Example() {
	dir, err := os.MkdirTemp("", "certs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if _, err := (secure.Dev{Clients: []string{"zed"}}).Write(dir); err != nil {
		log.Fatal(err)
	}
	load := func(name string) *secure.Credentials {
		at := func(file string) string { return filepath.Join(dir, file) }
		keys, err := secure.Load(secure.Files{CA: at("ca.pem"), Cert: at(name + ".pem"), Key: at(name + ".key")})
		if err != nil {
			log.Fatal(err)
		}
		return keys
	}

	l, err := secure.Listen("tcp", "127.0.0.1:0", load("server"))
	if err != nil {
		log.Fatal(err)
	}
	s := &service.Server{
		Identify: secure.Identity,
		Handle: func(ctx context.Context, req *service.Request) (header, body any, err error) {
			return nil, "hello " + req.Peer.Identity, nil
		},
	}
	go s.Serve(l)
	defer s.Shutdown(context.Background())

	c, _, err := secure.Connect(context.Background(), "tcp", l.Addr().String(), load("zed"), petrichor.Header{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	reply, err := c.Request(nil, "who am I?")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", reply.Body)
	// Output: 9:hello zed,
}
