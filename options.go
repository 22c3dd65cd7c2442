package petrichor

import (
	"math"
	"strconv"
)

// The largest payload nine digits of size can announce: the format's own limit
// where no option raises it.
const maxNineDigits = 999_999_999

// The limits of what reads a stream, where nobody has said otherwise.  What
// reads a slice already holds the bytes: there only the depth is limited.
const (
	defaultHeaderSize = 64 << 10
	defaultSize       = 1 << 20
	defaultValues     = 65_536
	defaultDepth      = 100
	deepest           = 10_000 // what MaxDepth can be set to; bounds the stack

	// Header and body together of the one frame read from a peer that has not
	// been allowed yet.
	admissionSize = 16 << 10
)

// An Option changes how one call, Decoder, Encoder, Parser or Conn reads or
// writes.  Of two that set the same thing the later counts.  An option that
// means nothing to a function is ignored by it.
type Option func(*config)

// config is what the options have set.  It is never changed once in use, so
// that calls share the two defaults without locks or copies.
type config struct {
	maxHeader int64 // payload of a frame's header
	maxSize   int64 // payload of any element read from outside a container
	maxFrame  int64 // both payloads of a frame together
	maxWrite  int64 // payload of any element written
	maxDepth  int
	maxValues int
	digits    int // of a size

	text, duplicates, loose, nonFinite bool
	rejectUnknown, keepOrder           bool
	separated                          bool
	separator                          byte
	filters                            []Filter
	extensions                         []Extension
}

var sliceDefaults = config{
	maxHeader: maxNineDigits,
	maxSize:   maxNineDigits,
	maxFrame:  math.MaxInt64,
	maxWrite:  maxNineDigits,
	maxDepth:  defaultDepth,
	maxValues: math.MaxInt,
	digits:    9,
}

var streamDefaults = config{
	maxHeader: defaultHeaderSize,
	maxSize:   defaultSize,
	maxFrame:  math.MaxInt64,
	maxWrite:  maxNineDigits,
	maxDepth:  defaultDepth,
	maxValues: defaultValues,
	digits:    9,
}

// onSlice is the configuration of a call that holds all its bytes.
func onSlice(opts []Option) *config { return sliceDefaults.with(opts) }

// onStream is the configuration of what reads from a peer.
func onStream(opts []Option) *config { return streamDefaults.with(opts) }

func (c *config) with(opts []Option) *config {
	if len(opts) == 0 {
		return c
	}
	changed := *c
	for _, opt := range opts {
		opt(&changed)
	}
	return &changed
}

// MaxHeaderSize limits the payload of a frame's header, in bytes.  The default
// is 64 KiB for what reads a stream and none for what reads a slice.  A larger
// header is refused at the colon of its size, with ErrTooLarge.  Affects
// reading.
func MaxHeaderSize(bytes int64) Option {
	return func(c *config) { c.maxHeader = bytes }
}

// MaxSize limits the payload of an element, a frame's body included, in bytes.
// The default is 1 MiB for what reads a stream; what reads a slice and what
// writes is limited by the format, to 999,999,999.  A larger element is
// refused at the colon of its size, before any of it is read or stored, with
// ErrTooLarge.
//
// A limit above 999,999,999 also allows as many digits of size as it has
// itself, up to 18: mitmproxy writes up to 12.  Most other readers refuse such
// sizes.  Affects reading, and writing of strings and containers.
func MaxSize(bytes int64) Option {
	return func(c *config) {
		c.maxSize = min(bytes, 999_999_999_999_999_999)
		c.maxWrite = c.maxSize
		c.digits = max(9, len(strconv.FormatInt(c.maxSize, 10)))
	}
}

// MaxDepth limits how many lists and dicts may lie inside one another.  The
// default is 100, the most that can be set 10,000.  Deeper nesting is
// ErrTooDeep.  Affects reading and writing.
func MaxDepth(levels int) Option {
	return func(c *config) { c.maxDepth = min(levels, deepest) }
}

// MaxValues limits how many elements one value may consist of: itself, and all
// inside it, dict keys counted like the rest.  The default is 65,536 for
// Decoder.Decode and none for what reads a slice.  More is ErrTooMany, before
// anything is built.  Affects reading.
func MaxValues(n int) Option {
	return func(c *config) { c.maxValues = n }
}

// AllowText allows the tag ; for UTF-8 text, an extension that mitmproxy
// writes.  With it Go strings and dict keys are written with ; and []byte with
// a comma, and read into an any they are told apart the same way.  A typed
// string or []byte accepts both.  Affects reading and writing.
func AllowText(on bool) Option {
	return func(c *config) { c.text = on }
}

// AllowDuplicateKeys accepts a dict that has a key twice; the last one wins,
// and a Dict keeps them all.  Two programs that pick differently from such a
// dict are a security hole, so it is an error by default.  Affects reading,
// and writing of a Dict.
func AllowDuplicateKeys(on bool) Option {
	return func(c *config) { c.duplicates = on }
}

// AllowLoose accepts what some other writers get away with: the integers +5,
// 05 and -0, the floats .5, 5., +1.5 and 00.5, and leading zeros in a size.
// Affects reading.
func AllowLoose(on bool) Option {
	return func(c *config) { c.loose = on }
}

// AllowNonFinite accepts inf, infinity and nan as floats, in any case and with
// a sign, and writes them as inf, -inf and nan.  Affects reading and writing.
func AllowNonFinite(on bool) Option {
	return func(c *config) { c.nonFinite = on }
}

// RejectUnknownKeys makes a dict key that has no struct field a TypeError.
// Without it the value is checked and skipped.  Affects unmarshaling.
func RejectUnknownKeys(on bool) Option {
	return func(c *config) { c.rejectUnknown = on }
}

// KeepOrder makes a dict that is decoded into an any a Dict instead of a map.
// Affects unmarshaling.
func KeepOrder(on bool) Option {
	return func(c *config) { c.keepOrder = on }
}

// Separator lets one byte b lie between the elements of a stream: Mongrel2's
// access log has a newline there.  Reading skips at most one after each
// element, and does not miss it; an Encoder writes one after each element.  A
// digit cannot be told from a size and is ignored.  Affects streams, and the
// middle of a frame anywhere.
func Separator(b byte) Option {
	return func(c *config) {
		c.separator = b
		c.separated = b < '0' || b > '9'
	}
}

// WithFilters puts filters between a Conn and its frames: Outbound in the order
// given, Inbound in reverse.  First frames, those of Connect, Accept, Allow and
// Deny, pass none of them.  Affects Conn.
func WithFilters(filters ...Filter) Option {
	return func(c *config) { c.filters = filters }
}

// Filters returns those that WithFilters has set, for one who sends and receives
// frames by other means than a Conn.
func Filters(opts ...Option) []Filter { return onSlice(opts).filters }
