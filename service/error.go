package service

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/petrichor-protocol/petrichor"
)

// What a Client's errors are, for errors.Is.
var (
	// ErrNotSent is a request of which no byte has left: it has not been handled.
	ErrNotSent = errors.New("petrichor: request not sent")

	// ErrMaybeHandled is a request that has left, in part at least, and whose reply
	// will not come: the peer may have handled it, or not.
	ErrMaybeHandled = errors.New("petrichor: request may have been handled")

	// ErrDenied is a peer whose answer to our first frame does not let us in.
	ErrDenied = errors.New("petrichor: denied by the peer")

	// ErrClientClosed is the reason of what Close ends or comes after it.
	ErrClientClosed = errors.New("petrichor: client closed")
)

// A RequestError is a request without a reply: why, and whether it may have been
// handled nevertheless.
type RequestError struct {
	// Sent says that some of the request has left, so that its outcome is unknown.
	// When false the request has not been handled and can safely be sent again.
	Sent bool
	Err  error // what ended it: of the stream, of the context, ErrClientClosed, ...
}

// Error says whether the request may have been handled, and why there is no reply.
func (e *RequestError) Error() string { return e.outcome().Error() + ": " + e.Err.Error() }

// Unwrap returns e.Err.
func (e *RequestError) Unwrap() error { return e.Err }

// Is reports whether target is ErrNotSent or ErrMaybeHandled, whichever it was.
func (e *RequestError) Is(target error) bool { return target == e.outcome() }

func (e *RequestError) outcome() error {
	if e.Sent {
		return ErrMaybeHandled
	}
	return ErrNotSent
}

// An Error is a refusal meant for the peer.  What a handler returns as an *Error
// goes to the client as the entry "error" of a header with a null body, and is an
// *Error again there.
type Error struct {
	Text string // as it is sent
}

// maxErrorText is how many bytes of a peer's text a message shows.
const maxErrorText = 250

// Error returns the text in one line of printable ASCII, at most 256 bytes.
func (e *Error) Error() string {
	text := strconv.QuoteToASCII(e.Text[:min(len(e.Text), maxErrorText+1)])
	text = text[1 : len(text)-1]
	if len(text) > maxErrorText {
		return text[:maxErrorText] + "..."
	}
	return text
}

// keyError is the header key of a reply that is an Error.
const keyError = "error"

// errorKey is what a header with that key contains, in a way that is quick to rule out.
var errorKey = []byte("5:" + keyError)

// errorOf returns the *Error that a reply's header is, or nil.
func errorOf(header petrichor.Raw) error {
	if !bytes.Contains(header, errorKey) {
		return nil
	}
	el, ok := lookup(header, keyError)
	if !ok || el.Kind != petrichor.KindString && el.Kind != petrichor.KindText {
		return nil
	}
	return &Error{Text: string(el.Payload)}
}
