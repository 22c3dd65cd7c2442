package petrichor

// What two peers agree on in their first frames.  The one that connects offers names
// under a key of its header, best first; the one that accepts answers with one of them
// under the same key, or leaves the key out.
//
//	Connect  ---- compress: [a, b] ------------------>  Accept
//	         <--- allowed: true, compress: b ---------  Allow
//	Send     ---- frames, through b's filters ------->  Recv
//
// A peer that knows nothing of the key skips it, and one that echoes the offer has
// chosen nothing, since a list is no name.

import (
	"fmt"
	"slices"
)

// An Extension is a Filter that both peers must have, so that they agree on it in
// their first frames.  See WithExtensions.
type Extension struct {
	Key     string   // in the headers of first frames
	Choices []Choice // best first
}

// A Choice is one of the filters of an Extension.
type Choice struct {
	Name string

	// New returns a Filter for one connection.  Where a peer has offered this choice New
	// may return nil, and what it has offered next is tried.
	New func(Limits) Filter
}

// Limits are what a Filter has to keep to: what it makes of a frame that has come in
// is limited like the frame itself.
type Limits struct {
	Header, Body int64    // payloads, in bytes
	Options      []Option // of the Conn; for CutFrame

	// Hold is to be called before so many bytes are taken for a frame that has come in,
	// until the next comes.  It waits until there is memory, which is counted twice as
	// that of a frame is; an error is Inbound's.  nil: nobody counts it.
	Hold func(n int64) error
}

// WithExtensions offers extensions to the peer in Connect, and lets Accept and Allow
// choose from what the peer offers.  Where both have agreed, their filters stand
// behind those of WithFilters: the first extension is nearest to the application.
// A Conn of NewConn exchanges no first frames, and has none.  Affects Conn and
// service.Client.
func WithExtensions(extensions ...Extension) Option {
	return func(c *config) { c.extensions = extensions }
}

// Offer returns the header of a first frame with what the extensions in opts offer,
// for one who sends first frames without Connect.  A header that has one of their keys
// already is ErrDuplicate.
func Offer(header any, opts ...Option) (Raw, error) {
	c := onSlice(opts)
	w := newWriter(c)
	defer w.free()
	if err := w.header(header); err != nil {
		return nil, err
	}
	return c.offer(append(Raw(nil), w.bytes()...))
}

func (c *config) offer(header Raw) (Raw, error) {
	for _, x := range c.extensions {
		if value, err := header.Get(x.Key, AllowText(true)); err != nil || value != nil {
			return nil, under(under(&TypeError{Err: ErrDuplicate}, x.Key), "header")
		}
		el, _, _ := Cut(header)
		entry := Append(slices.Clone(el.Payload), KindString, []byte(x.Key))
		header = Append(nil, KindDict, Append(entry, KindList, x.names()))
	}
	return header, nil
}

func (x *Extension) names() (list []byte) {
	for _, choice := range x.Choices {
		list = Append(list, KindString, []byte(choice.Name))
	}
	return list
}

// Agree returns the filters that the peer's answer has chosen from what was offered,
// for one who sends first frames without Connect: none, when it is not allowed in.
func Agree(answer Raw, opts ...Option) ([]Filter, error) {
	c := onStream(opts)
	return c.agree(answer, c.limits(opts))
}

func (c *config) agree(answer Raw, l Limits) (filters []Filter, err error) {
	if len(c.extensions) == 0 || !Allowed(answer) {
		return nil, nil
	}
	for _, x := range c.extensions {
		name, ok := nameOf(answer.Get(x.Key, AllowText(true)))
		if !ok {
			continue
		}
		f := x.filter(name, l)
		if f == nil {
			return nil, fmt.Errorf("petrichor: the answer chooses %q as %s, which was not offered", ellipsis(printable(name), maxSegment), x.Key)
		}
		filters = append(filters, f)
	}
	return filters, nil
}

// nameOf returns the string that raw is, if it is one.
func nameOf(raw Raw, err error) (name string, ok bool) {
	if err != nil || raw == nil {
		return "", false
	}
	el, _, err := Cut(raw, AllowText(true))
	return string(el.Payload), err == nil && isString(el.Kind)
}

// filter returns a new filter of the choice with that name, or nil.
func (x *Extension) filter(name string, l Limits) Filter {
	for _, choice := range x.Choices {
		if choice.Name == name {
			return choice.New(l)
		}
	}
	return nil
}

// Choose returns the filters that are chosen from what a peer has offered in its first
// frame, and what to put into the answer, which has to be sent if they are to be used:
// for one who answers first frames without Allow.
func Choose(first Raw, opts ...Option) (Header, []Filter) {
	c := onStream(opts)
	return c.choose(first, c.limits(opts))
}

func (c *config) choose(first Raw, l Limits) (answer Header, filters []Filter) {
	answer = Header{}
	for _, x := range c.extensions {
		for _, name := range offered(first, x.Key) {
			if f := x.filter(name, l); f != nil {
				answer[x.Key] = []byte(name) // so that it has a comma, also where text is allowed
				filters = append(filters, f)
				break
			}
		}
	}
	return answer, filters
}

// offered returns the list of strings under key, or nothing where there is no such.
func offered(first Raw, key string) (names []string) {
	list, err := first.Get(key, AllowText(true))
	if err != nil {
		return nil
	}
	for raw, err := range list.Elements(AllowText(true)) {
		name, ok := nameOf(raw, err)
		if !ok {
			return nil
		}
		names = append(names, name)
	}
	return names
}

func (c *config) limits(opts []Option) Limits {
	return Limits{Header: c.maxHeader, Body: c.maxSize, Options: opts}
}
