package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"testing"

	"github.com/flynn/noise"
	"github.com/petrichor-protocol/petrichor/petrichortest"
)

func TestRun(t *testing.T) {
	if got, err := run(); err != nil || got != "12:3:you,3:zed,}5:hello," {
		t.Errorf("%s, %v", got, err)
	}
}

func key(t *testing.T) noise.DHKey {
	k, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestTransport(t *testing.T) {
	server, client := key(t), key(t)
	petrichortest.TestTransport(t, func() (net.Listener, error) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		return &listener{l, server}, err
	}, func(_ context.Context, at net.Addr) (io.ReadWriteCloser, error) {
		socket, err := net.Dial("tcp", at.String())
		return &stream{Conn: socket, own: client, theirs: server.Public}, err
	})
}

// A client with a key that nobody knows, or that expects another server, gets no reply.
func TestStrangers(t *testing.T) {
	server, zed := key(t), key(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(map[string]string{string(zed.Public): "zed"})
	s.Log = slog.New(slog.DiscardHandler)
	defer s.Close()
	go s.Serve(&listener{l, server})
	if got, err := ask(l.Addr().String(), key(t), server.Public, "hello"); err == nil {
		t.Errorf("another client is answered %s", got)
	}
	if got, err := ask(l.Addr().String(), zed, key(t).Public, "hello"); err == nil {
		t.Errorf("another server answers %s", got)
	}
}
