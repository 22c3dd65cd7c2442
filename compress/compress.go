package compress

import (
	"cmp"
	"runtime"
	"sync/atomic"

	"github.com/petrichor-protocol/petrichor"
)

// A Config says what is compressed.  The zero Config compresses each body by itself.
type Config struct {
	// Methods are what is offered or chosen, best first.  nil is Deflate.
	Methods []Method

	// Secret reports whether a frame is to be sent as it is, and kept out of the window:
	// because it has a secret in it, or text of somebody else beside one.  nil is no
	// frame.  The frame is borrowed until it returns; it may be called by several
	// goroutines at once.
	Secret func(petrichor.Frame) bool

	// Least is how many bytes a body must have to be compressed by itself.  0 is 1,024.
	Least int

	// MaxWindows is how many connections may have a window for what is sent, all together.
	// The others compress bodies by themselves.  0 is 64, which is about 64 MiB, or with
	// zstd-stream of x/zstd twice that.
	MaxWindows int
}

// A Method is a way of compressing, under the name that it has in first frames.
type Method struct {
	Name  string
	Codec Codec

	// NewWindow returns the two sides of one direction of a connection.  nil: each body
	// is compressed by itself.
	NewWindow func() Window
}

// A Codec compresses bodies by themselves.  Several goroutines use it at once.
type Codec interface {
	// Compress appends b, compressed, to dst.
	Compress(dst, b []byte) []byte

	// Expand makes what Compress made of dst from b, which has to give exactly as many
	// bytes as dst has.
	Expand(dst, b []byte) error
}

// A Window compresses one frame after another, and remembers those before.  It is either
// for sending or for receiving, and of one goroutine at a time.
type Window interface {
	// Compress appends frame, compressed, to dst.
	Compress(dst, frame []byte) []byte

	// Expand returns what Compress made b from, which has to be size bytes.  It is valid
	// until the next call.
	Expand(b []byte, size int) ([]byte, error)
}

// Key is the header key under which compression is agreed on.
const Key = "compress"

// New returns the Extension that compresses, for petrichor.WithExtensions.  All
// connections that have it share MaxWindows.
func New(cfg Config) petrichor.Extension {
	if cfg.Methods == nil {
		cfg.Methods = []Method{Deflate}
	}
	cfg.Least = cmp.Or(cfg.Least, 1024)
	shared := &shared{Config: cfg}
	shared.windows.Store(int64(cmp.Or(cfg.MaxWindows, 64)))
	x := petrichor.Extension{Key: Key}
	for _, m := range cfg.Methods {
		x.Choices = append(x.Choices, petrichor.Choice{Name: m.Name, New: func(l petrichor.Limits) petrichor.Filter {
			return newFilter(shared, m, l)
		}})
	}
	return x
}

// A shared is what the connections of one Extension have in common.
type shared struct {
	Config
	windows atomic.Int64 // that may still be opened for sending
}

// window returns a window for sending on behalf of owner, or nil when there are enough.
// It counts until owner is no more, since until then it takes memory.
func (s *shared) window(owner *filter) Window {
	if s.windows.Add(-1) < 0 {
		s.windows.Add(1)
		return nil
	}
	runtime.AddCleanup(owner, func(n *atomic.Int64) { n.Add(1) }, &s.windows)
	return owner.method.NewWindow()
}
