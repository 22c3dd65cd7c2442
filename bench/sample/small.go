// Package sample is what the codecs are timed with: types that every codec can take, and content for
// them that is the same on every run.
package sample

import (
	"math/rand/v2"
	"time"
)

//go:generate go run github.com/tinylib/msgp@v1.6.5 -file=small.go -tests=false
//msgp:tag json

// A is the struct of github.com/alecthomas/go_serialization_benchmarks.
type A struct {
	Name     string    `json:"name" tnet:"name" msgpack:"name" bencode:"name"`
	Birthday time.Time `json:"birthday" tnet:"birthday" msgpack:"birthday" bencode:"birthday"`
	Phone    string    `json:"phone" tnet:"phone" msgpack:"phone" bencode:"phone"`
	Siblings int       `json:"siblings" tnet:"siblings" msgpack:"siblings" bencode:"siblings"`
	Spouse   bool      `json:"spouse" tnet:"spouse" msgpack:"spouse" bencode:"spouse"`
	Money    float64   `json:"money" tnet:"money" msgpack:"money" bencode:"money"`
}

// An Event is a small message, such as a stream has many of.
type Event struct {
	ID   int64  `json:"id" tnet:"id" msgpack:"id" bencode:"id"`
	Kind string `json:"kind" tnet:"kind" msgpack:"kind" bencode:"kind"`
	User string `json:"user" tnet:"user" msgpack:"user" bencode:"user"`
	Size int    `json:"size" tnet:"size" msgpack:"size" bencode:"size"`
	OK   bool   `json:"ok" tnet:"ok" msgpack:"ok" bencode:"ok"`
}

// A Header is that of a frame: six short fields.
type Header struct {
	Type    string `json:"type" tnet:"type" msgpack:"type" bencode:"type"`
	ID      int64  `json:"id" tnet:"id" msgpack:"id" bencode:"id"`
	Channel string `json:"channel" tnet:"channel" msgpack:"channel" bencode:"channel"`
	User    string `json:"user" tnet:"user" msgpack:"user" bencode:"user"`
	Seq     int    `json:"seq" tnet:"seq" msgpack:"seq" bencode:"seq"`
	Final   bool   `json:"final" tnet:"final" msgpack:"final" bencode:"final"`
}

// A Frame is a header and a binary body.
type Frame struct {
	Header Header `json:"header" tnet:"header" msgpack:"header" bencode:"header"`
	Body   []byte `json:"body" tnet:"body" msgpack:"body" bencode:"body"`
}

// A FrameMap is a Frame whose header has no type of its own.
type FrameMap struct {
	Header map[string]any `json:"header" tnet:"header" msgpack:"header" bencode:"header"`
	Body   []byte         `json:"body" tnet:"body" msgpack:"body" bencode:"body"`
}

// A random makes content; the same seed makes the same.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 1))} }

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func (r random) word(length int) string {
	b := make([]byte, length)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

func (r random) pick(words ...string) string { return words[r.IntN(len(words))] }

func (r random) bytes(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// many returns n of what one makes.
func many[T any](seed uint64, n int, one func(random) T) []T {
	r := newRandom(seed)
	list := make([]T, n)
	for i := range list {
		list[i] = one(r)
	}
	return list
}

// As returns n As with fields of the lengths that the original's generator makes.
func As(n int) []A {
	return many(1, n, func(r random) A {
		return A{
			Name:     r.word(16),
			Birthday: time.Unix(1_500_000_000+r.Int64N(300_000_000), r.Int64N(1_000_000_000)).UTC(),
			Phone:    r.word(10),
			Siblings: r.IntN(5),
			Spouse:   r.IntN(2) == 1,
			Money:    r.Float64(),
		}
	})
}

// Events returns n Events.
func Events(n int) []Event {
	return many(2, n, func(r random) Event {
		return Event{
			ID:   1_000_000 + r.Int64N(9_000_000),
			Kind: r.pick("open", "read", "write", "close", "rename"),
			User: r.word(4 + r.IntN(9)),
			Size: r.IntN(100_000),
			OK:   r.IntN(4) > 0,
		}
	})
}

func header(r random) Header {
	return Header{
		Type:    r.pick("publish", "request", "answer"),
		ID:      r.Int64N(1 << 40),
		Channel: "room/" + r.word(6),
		User:    r.word(8),
		Seq:     r.IntN(100_000),
		Final:   r.IntN(2) == 1,
	}
}

// Frames returns n Frames with bodies of size bytes.
func Frames(n, size int) []Frame {
	return many(3, n, func(r random) Frame { return Frame{header(r), r.bytes(size)} })
}

// FrameMaps returns the same as Frames, with maps for headers.
func FrameMaps(n, size int) []FrameMap {
	list := make([]FrameMap, n)
	for i, f := range Frames(n, size) {
		h := f.Header
		list[i].Body = f.Body
		list[i].Header = map[string]any{
			"type": h.Type, "id": h.ID, "channel": h.Channel, "user": h.User, "seq": int64(h.Seq), "final": h.Final,
		}
	}
	return list
}
