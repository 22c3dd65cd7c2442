package dedupe

import (
	"bytes"
	"context"
	"crypto/rand"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
)

// NewID returns an id that nobody has used, and nobody guesses.
func NewID() string { return rand.Text() }

// Once returns header with the key "once", for a request that is to be handled once however
// often it is sent.  A header that has the key already stays as it is.
func Once(header any, id string, opts ...petrichor.Option) (petrichor.Raw, error) {
	b, err := petrichor.AppendFrame(nil, header, nil, opts...)
	if err != nil {
		return nil, err
	}
	f, _, err := petrichor.CutFrame(b, opts...)
	if err != nil {
		return nil, err
	}
	if once, err := f.Header.Get(keyOnce, allowText); err != nil || once != nil {
		return f.Header, err
	}
	el, _, _ := petrichor.Cut(f.Header, opts...)
	entries := petrichor.Append(bytes.Clone(el.Payload), petrichor.KindString, []byte(keyOnce))
	entries = petrichor.Append(entries, petrichor.KindString, []byte(id))
	return petrichor.Append(nil, petrichor.KindDict, entries), nil
}

// Request is c.Request for a peer that dedupes: where the ClientConfig allows for Attempts,
// the request is tried again also when it may have been handled, and is handled once
// nevertheless.  header gets a new id, unless it has the key "once" already.
func Request(ctx context.Context, c *service.Client, header, body any) (petrichor.Frame, error) {
	once, err := Once(header, NewID())
	if err != nil {
		return petrichor.Frame{}, err
	}
	return c.Request(service.Idempotent(ctx), once, body)
}
