package service

import (
	"errors"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// keyPing is the header key of a request that only asks whether somebody is there.
const keyPing = "ping"

const (
	pingEvery  = 10 * time.Second // how often a peer may ping
	maxStrikes = 2                // how often more often, in a row
)

// errPings is why a peer was cut that sends nothing but pings.
var errPings = errors.New("petrichor: too many pings")

// pings are those of one connection.
type pings struct {
	last    time.Duration
	strikes int
}

// isPing reports whether f is a ping: an empty frame, or one with a header in which
// "ping" is true, and a null body.
func isPing(f petrichor.Frame) bool {
	if len(f.Body) > len("0:~") || f.Body[2] != byte(petrichor.KindNull) {
		return false
	}
	if len(f.Header) == len("0:}") {
		return true
	}
	el, _ := lookup(f.Header, keyPing)
	return el.Kind == petrichor.KindBool && string(el.Payload) == "true"
}

// ping answers a ping, which no handler sees.
func (c *Conn) ping(id petrichor.Element) error {
	now := c.server.now()
	if c.pings.last == 0 || now-c.pings.last >= pingEvery {
		c.pings.strikes = -1
	}
	c.pings.last = now
	if c.pings.strikes++; c.pings.strikes > maxStrikes {
		return errPings
	}
	return c.reply(&Request{id: id}, nil, nil, c.slots != nil)
}
