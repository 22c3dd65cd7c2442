package main

import (
	"context"
	"fmt"

	"github.com/petrichor-protocol/petrichor"
)

// A handler answers the requests of serve.  An error it returns is logged, and told to the peer
// where it is a refusal.
type handler interface {
	answer(ctx context.Context, req *request) (*answer, error)
}

// A request is a frame that is to be answered, and who sent it.  The frame is borrowed until it is
// answered.
type request struct {
	peer         string
	frame        petrichor.Frame
	header, body func(v any) error // unmarshal one half, as the server's limits allow
}

// An answer is a header, to which the request's id is added, and a body.
type answer struct {
	header petrichor.Header
	body   any
}

// A refusal is an error that a peer is told.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

func refuse(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }
