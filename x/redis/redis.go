// Package redis is a dedupe.Store in Redis, or Valkey, that several machines share:
// whichever of them a request is sent to again, it is handled once.
//
//	store := &redis.Store{Client: goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:6379"})}
//	s := &service.Server{Handle: dedupe.Handler(store, handle)}
//
// A claim is one SET with NX and PX, so exactly one of many gets it.  It has a number of
// its own: the client sends a SET again whose answer it has not got, and knows by that
// the claim that it has made itself.  A machine that dies while it handles a request
// leaves the claim behind, and so does one that gets no answer however often it asks:
// whoever asks again waits, and is then told that the request is still being handled,
// until the claim has ended by itself.  Redis in turn must not lose what it has been
// told: run it with appendfsync always where a request must not be handled twice after
// it has crashed.
//
// Redis bounds memory by its own maxmemory; use the policy noeviction, so that when it
// is full requests are refused, and not handled twice.
package redis

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/dedupe"
	goredis "github.com/redis/go-redis/v9"
)

// A Store keeps requests in Redis.  Fields must not be changed once it is used.
type Store struct {
	Client goredis.UniversalClient

	// Prefix begins all keys.  Empty is "petrichor:once:".
	Prefix string

	// For is how long a request is remembered, from when it was claimed and again from when
	// it was answered.  0 is 5 minutes.
	For time.Duration

	// Wait is for how long at most one who asks again waits for the reply.  0 is 30 seconds.
	Wait time.Duration

	// MaxReply is how many bytes a reply may have to be kept.  0 is 64 KiB.
	MaxReply int
}

// What a value in Redis begins with; the Digest of the request follows.
const (
	pending = 'p' // and what no other claim has, or nothing in what an older version wrote
	replied = 'r' // and the frame of the reply
	silent  = 's' // there was no reply
	notKept = 'n'
)

const (
	minPoll = 5 * time.Millisecond
	maxPoll = 200 * time.Millisecond
)

// key is of fixed length, whatever a peer calls itself or its request.
func (s *Store) key(k dedupe.Key) string {
	peer := sha256.Sum256([]byte(k.Peer))
	sum := sha256.Sum256(append(peer[:], k.ID...))
	return cmp.Or(s.Prefix, "petrichor:once:") + string(sum[:])
}

func (s *Store) lasts() time.Duration { return cmp.Or(s.For, 5*time.Minute) }

func value(state byte, request dedupe.Digest, f petrichor.Frame) []byte {
	return append(append(append([]byte{state}, request[:]...), f.Header...), f.Body...)
}

// claim is the value of a claim, which no other one has.
func claim(request dedupe.Digest) []byte {
	return append(value(pending, request, petrichor.Frame{}), rand.Text()...)
}

// Claim implements dedupe.Store.
func (s *Store) Claim(ctx context.Context, k dedupe.Key, request dedupe.Digest) (petrichor.Frame, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Wait, 30*time.Second))
	defer cancel()
	key, mine := s.key(k), claim(request)
	for poll := minPoll; ; poll = min(2*poll, maxPoll) {
		old, err := s.Client.SetArgs(ctx, key, mine, goredis.SetArgs{Mode: "NX", Get: true, TTL: s.lasts()}).Bytes()
		if errors.Is(err, goredis.Nil) || bytes.Equal(old, mine) { // or claimed before, and the answer was lost
			return petrichor.Frame{}, true, nil
		}
		if err != nil {
			return petrichor.Frame{}, false, unavailable(ctx, err)
		}
		f, done, err := read(old, request)
		if done || err != nil {
			return f, false, err
		}
		select {
		case <-time.After(poll):
		case <-ctx.Done():
			return petrichor.Frame{}, false, dedupe.ErrPending
		}
	}
}

// unavailable is why there is no answer from Redis.
func unavailable(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return dedupe.ErrPending
	case bytes.HasPrefix([]byte(err.Error()), []byte("OOM ")):
		return dedupe.ErrFull
	}
	return err
}

// read returns the reply that a value has, and whether there is one yet.
func read(v []byte, request dedupe.Digest) (f petrichor.Frame, done bool, err error) {
	if len(v) < 1+len(request) {
		return f, false, errors.New("petrichor: a key in Redis has a value that is not ours")
	}
	if !bytes.Equal(v[1:1+len(request)], request[:]) {
		return f, false, dedupe.ErrDifferent
	}
	switch v[0] {
	case pending:
		return f, false, nil
	case silent:
		return f, true, nil
	case notKept:
		return f, true, dedupe.ErrNotKept
	}
	f, _, err = petrichor.CutFrame(v[1+len(request):], petrichor.AllowText(true))
	return f, true, err
}

// Keep implements dedupe.Store.  The key of a claim that has ended by itself is written
// anew, for the reply is still the first one's.
func (s *Store) Keep(ctx context.Context, k dedupe.Key, request dedupe.Digest, f petrichor.Frame) error {
	state := byte(replied)
	switch n := len(f.Header) + len(f.Body); {
	case n == 0:
		state = silent
	case n > cmp.Or(s.MaxReply, 64<<10):
		state, f = notKept, petrichor.Frame{}
	}
	return s.Client.Set(ctx, s.key(k), value(state, request, f), s.lasts()).Err()
}
