package ssh

// Who is let in, and who is not yet.
//
// A newcomer always comes in.  Where there are too many whose handshake is under way,
// one of those is turned out for it: the oldest of the address that has most of them.
// So a crowd of silent peers stands in nobody's way but its own.

import (
	"net"
	"net/netip"
	"slices"
	"sync"
)

// maxGuests is how many handshakes are under way at most.
const maxGuests = 64

// A guest is a peer whose handshake is under way, or that Accept has not returned yet.
type guest struct {
	socket net.Conn
	from   netip.Prefix
	gone   chan struct{} // closed when it has been turned out
	conn   *Conn         // when it has opened its session
}

// A lobby is where guests are.
type lobby struct {
	mu     sync.Mutex
	guests []*guest // the oldest first
}

// enter makes a guest of a peer.
func (l *lobby) enter(socket net.Conn) *guest {
	g := &guest{socket: socket, from: placeOf(socket.RemoteAddr()), gone: make(chan struct{})}
	if victim := l.add(g); victim != nil {
		victim.close()
	}
	return g
}

// add returns who has to go for g, if anybody.
func (l *lobby) add(g *guest) (victim *guest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.guests) >= maxGuests {
		i := l.mostCrowded()
		victim = l.guests[i]
		l.guests = slices.Delete(l.guests, i, i+1)
	}
	l.guests = append(l.guests, g)
	return victim
}

// mostCrowded is the oldest guest of the place that has most of them.
func (l *lobby) mostCrowded() (oldest int) {
	count := map[netip.Prefix]int{}
	for _, g := range l.guests {
		count[g.from]++
	}
	for i, g := range l.guests {
		if count[g.from] > count[l.guests[oldest].from] {
			oldest = i
		}
	}
	return oldest
}

// leave reports whether g has still been there.
func (l *lobby) leave(g *guest) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.guests, g)
	if i < 0 {
		return false
	}
	l.guests = slices.Delete(l.guests, i, i+1)
	return true
}

// turnOut ends the connection of a guest that is still there.
func (l *lobby) turnOut(g *guest) {
	if l.leave(g) {
		g.close()
	}
}

// close ends the connection of one who has left.  It is the socket that is closed, and
// those who wait are told, since x/crypto does not always notice by itself: while it
// waits for us to take a channel or a request it does not read.
func (g *guest) close() {
	close(g.gone)
	g.socket.Close()
}

// placeOf is where a peer is: its IPv4 address, or its IPv6 network of 64 bits, which
// is what one subscriber has.
func placeOf(addr net.Addr) netip.Prefix {
	at, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return netip.Prefix{}
	}
	ip := at.Addr().Unmap().WithZone("")
	p, _ := ip.Prefix(min(ip.BitLen(), 64))
	return p
}
