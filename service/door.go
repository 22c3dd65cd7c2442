package service

// Who may come in.
//
// A newcomer is turned away where there are too many connections, or too many of
// its address.  Where it is only that too many have not been allowed yet, it comes
// in, and one of those is cut for it: the oldest of the address that has most of
// them.  So a crowd of silent peers stands in nobody's way but its own, and a peer
// that comes alone and speaks at once is served whatever the crowd does.

import (
	"errors"
	"net"
	"net/netip"
	"slices"
)

// errCrowded is why a connection was cut for another.
var errCrowded = errors.New("petrichor: cut for a newcomer, before it was allowed")

// A door counts connections.  The lock is the Server's.
type door struct {
	most, mostPending, mostPerAddress int

	conns   map[*Conn]struct{}
	pending int
	places  map[netip.Prefix]*place
}

// A place is where connections come from: an IPv4 address, or an IPv6 network of
// 64 bits, which is what one subscriber has.
type place struct {
	conns   int
	pending []*Conn // the oldest first
}

func (d *door) init(most, mostPending, mostPerAddress int) {
	d.most, d.mostPending, d.mostPerAddress = most, mostPending, mostPerAddress
	d.conns = map[*Conn]struct{}{}
	d.places = map[netip.Prefix]*place{}
}

// enter lets c in.  Somebody may have to be cut for it, who has left already as
// far as the door is concerned.
func (d *door) enter(c *Conn) (victim *Conn, err error) {
	p := d.places[c.from]
	if p == nil {
		p = new(place)
	}
	switch {
	case len(d.conns) >= d.most:
		return nil, ErrRefused
	case c.from.IsValid() && p.conns >= d.mostPerAddress:
		if len(p.pending) == 0 {
			return nil, ErrRefused
		}
		victim = p.pending[0]
	case d.pending >= d.mostPending:
		victim = d.mostCrowded().pending[0]
	}
	if victim != nil {
		d.leave(victim)
	}
	d.places[c.from] = p
	d.conns[c] = struct{}{}
	d.pending++
	p.conns++
	p.pending = append(p.pending, c)
	return victim, nil
}

func (d *door) mostCrowded() (most *place) {
	for _, p := range d.places {
		if most == nil || len(p.pending) > len(most.pending) {
			most = p
		}
	}
	return most
}

// allow is to be called when c has been allowed.
func (d *door) allow(c *Conn) {
	if _, in := d.conns[c]; in {
		d.unlist(d.places[c.from], c)
	}
}

// leave may be called more than once.
func (d *door) leave(c *Conn) {
	if _, in := d.conns[c]; !in {
		return
	}
	delete(d.conns, c)
	p := d.places[c.from]
	d.unlist(p, c)
	p.conns--
	if p.conns == 0 {
		delete(d.places, c.from)
	}
}

func (d *door) unlist(p *place, c *Conn) {
	if i := slices.Index(p.pending, c); i >= 0 {
		p.pending = slices.Delete(p.pending, i, i+1)
		d.pending--
	}
}

// placeOf returns where a peer is.  It is no valid prefix where that is not a
// network address.
func placeOf(addr net.Addr) netip.Prefix {
	if addr == nil {
		return netip.Prefix{}
	}
	at, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return netip.Prefix{}
	}
	ip := at.Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits)
	return p
}
