package dedupe

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"net/netip"
	"slices"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/service"
)

// keyOnce is the header key of a request that is to be handled once.
const keyOnce = "once"

// maxID is how many bytes its value may have.
const maxID = 64

// What a request with "once" may be answered with instead of a reply.
var (
	ErrMalformed  = &service.Error{Text: "malformed once"}
	ErrUnverified = &service.Error{Text: "once needs a verified peer"}
	ErrFull       = &service.Error{Text: "too many requests to remember"}
	ErrDifferent  = &service.Error{Text: "different request with the same once"}
	ErrNotKept    = &service.Error{Text: "reply not kept"}
	ErrPending    = &service.Error{Text: "request still being handled"}
)

// A Key is what a request is remembered by.
type Key struct {
	Peer string // who has asked, as it has been verified
	ID   string // what it has called the request: 1 to 64 bytes
}

// A Digest is that of a request, but for its "id": two with the same Key have to have the same.
type Digest [sha256.Size]byte

// A Store remembers requests and what they were answered.  Several goroutines, or several
// machines, use it at once.
type Store interface {
	// Claim returns claimed when the request is the caller's to handle, who then calls
	// Keep, whatever happens.  Otherwise it returns what the one who has claimed it kept,
	// and waits for that while ctx lasts.  An error is one of this package's, or that the
	// Store is out of order; the request is not to be handled then.
	Claim(ctx context.Context, key Key, request Digest) (reply petrichor.Frame, claimed bool, err error)

	// Keep keeps the reply to a request that the caller has claimed, of which it takes a
	// copy.  A zero Frame is no reply.  A reply that cannot be kept is ErrNotKept for who
	// asks again; it is not an error.
	Keep(ctx context.Context, key Key, request Digest, reply petrichor.Frame) error
}

// Options are those of Handler.
type Options struct {
	// Anonymous tells peers that nobody has verified apart by their addresses, without the
	// port.  Those behind one address get at each other's replies if they know the key, so
	// keys then have to be such as nobody guesses; those of Request are.
	Anonymous bool

	// Petrichor are the options that replies are encoded with; those of the Server.
	Petrichor []petrichor.Option
}

// A handle is the Handle of a service.Server.
type handle = func(context.Context, *service.Request) (header, body any, err error)

// Handler returns a Handle that handles requests with the header key "once" once.  It
// keeps in store what handle has returned, errors too: an *Error as it is, and any other
// as "internal error".
func Handler(store Store, handle handle, opts ...Options) handle {
	h := &handler{store: store, handle: handle}
	if len(opts) > 0 {
		h.opts = opts[0]
	}
	return h.serve
}

type handler struct {
	store  Store
	handle handle
	opts   Options
}

func (h *handler) serve(ctx context.Context, req *service.Request) (header, body any, err error) {
	once, err := req.Frame.Header.Get(keyOnce, allowText)
	if err != nil {
		return nil, nil, ErrMalformed
	}
	if once == nil {
		return h.handle(ctx, req)
	}
	key, err := h.key(once, req.Peer)
	if err != nil {
		return nil, nil, err
	}
	request, err := digest(req.Frame)
	if err != nil {
		return nil, nil, ErrMalformed
	}
	reply, claimed, err := h.store.Claim(ctx, key, request)
	switch {
	case err != nil:
		return nil, nil, err
	case claimed:
		return h.first(ctx, req, key, request)
	case reply.Header == nil:
		return nil, nil, service.ErrNoReply
	}
	return reply.Header, reply.Body, nil
}

var allowText = petrichor.AllowText(true)

func (h *handler) key(once petrichor.Raw, peer *service.Peer) (Key, error) {
	el, _, err := petrichor.Cut(once, allowText)
	if err != nil || el.Kind != petrichor.KindString && el.Kind != petrichor.KindText {
		return Key{}, ErrMalformed
	}
	if len(el.Payload) == 0 || len(el.Payload) > maxID {
		return Key{}, ErrMalformed
	}
	who, err := h.who(peer)
	return Key{who, string(el.Payload)}, err
}

// who returns the peer as it is remembered.
func (h *handler) who(peer *service.Peer) (string, error) {
	if peer.Identity != "" {
		return "identity " + peer.Identity, nil
	}
	if !h.opts.Anonymous {
		return "", ErrUnverified
	}
	if tcp, ok := peer.Addr.(*net.TCPAddr); ok {
		addr, _ := netip.AddrFromSlice(tcp.IP)
		return "address " + addr.Unmap().String(), nil
	}
	return "address", nil
}

// digest returns the Digest of a request, whatever order its header is in.
func digest(f petrichor.Frame) (sum Digest, err error) {
	var entries []petrichor.RawEntry
	for e, err := range f.Header.Entries(allowText) {
		if err != nil {
			return sum, err
		}
		if string(e.Key) != "id" {
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b petrichor.RawEntry) int { return bytes.Compare(a.Key, b.Key) })
	h := sha256.New()
	for _, e := range entries {
		h.Write(petrichor.Append(nil, petrichor.KindString, e.Key))
		h.Write(e.Value)
	}
	h.Write(f.Body)
	return Digest(h.Sum(sum[:0])), nil
}

// first handles a request that has been claimed.
func (h *handler) first(ctx context.Context, req *service.Request, key Key, request Digest) (header, body any, err error) {
	kept := failed(errors.New("panic"))
	defer func() {
		// The peer may have gone, but it will ask again.
		if lost := h.store.Keep(context.WithoutCancel(ctx), key, request, kept); err == nil {
			err = lost
		}
	}()
	header, body, err = h.handle(ctx, req)
	if err == service.ErrNoReply {
		kept = petrichor.Frame{}
		return nil, nil, err
	}
	if err == nil {
		kept, err = h.encode(header, body)
	}
	if err != nil {
		kept = failed(err)
		return nil, nil, err
	}
	return kept.Header, kept.Body, nil
}

// encode makes the frame of a reply.
func (h *handler) encode(header, body any) (petrichor.Frame, error) {
	b, err := petrichor.AppendFrame(nil, header, body, h.opts.Petrichor...)
	if err != nil {
		return petrichor.Frame{}, err
	}
	f, _, err := petrichor.CutFrame(b, h.opts.Petrichor...)
	return f, err
}

// failed is the reply that a Server makes of an error.
func failed(err error) petrichor.Frame {
	text := "internal error"
	if told := (*service.Error)(nil); errors.As(err, &told) {
		text = told.Text
	}
	b, _ := petrichor.AppendFrame(nil, petrichor.Header{"error": text}, nil)
	f, _, _ := petrichor.CutFrame(b)
	return f
}
