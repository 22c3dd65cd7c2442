package service

// While nobody calls nobody reads, and a peer that closes the connection would only be
// noticed by the next request, whose outcome would then be unknown.  So a goroutine
// reads once nothing has been received for a while, until there is a reply again.

import (
	"context"
	"errors"
	"time"
)

// idleAfter is for how long nothing is received before a goroutine reads.
const idleAfter = time.Second

var errSilent = errors.New("petrichor: the peer has answered neither of two pings")

// start begins what a link does by itself.  Until it returns nobody else uses the link.
func (l *link) start() {
	l.client.connects.Add(1)
	stream, ok := l.stream.(readDeadliner)
	interruptible := ok && stream.SetReadDeadline(time.Time{}) == nil
	l.reader = &l.idle
	if !interruptible || l.client.cfg.Unsolicited != nil {
		go l.readAlways()
	} else {
		l.drainFirst()
		l.mu.Lock()
		l.reader = nil
		l.idling = time.AfterFunc(idleAfter, l.readIdle)
		l.mu.Unlock()
	}
	if l.client.cfg.Ping > 0 {
		go l.ping(l.client.cfg.Ping)
	}
}

// readAlways reads until the link is broken.
func (l *link) readAlways() {
	l.drainFirst()
	for !l.isBroken() {
		l.read(&l.idle)
	}
}

// drainFirst delivers what has come with the answer to the first frame.
func (l *link) drainFirst() {
	if _, err := l.drain(&l.idle, nil); err != nil {
		l.fail(err)
	}
}

func (l *link) isBroken() bool {
	select {
	case <-l.broken:
		return true
	default:
		return false
	}
}

// readIdle reads until there is a reply, if nobody has received anything for a while.
func (l *link) readIdle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	received := l.received.Load()
	if l.reader == nil && received == l.idleAt && l.err == nil {
		l.readAs(context.Background(), &l.idle)
		received = l.received.Load()
	}
	l.idleAt = received
	if l.err == nil {
		l.idling.Reset(idleAfter)
	}
}

// ping asks for a reply whenever nothing has been received for a period.
func (l *link) ping(period time.Duration) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	received := l.received.Load()
	for misses := 0; misses < 2; {
		select {
		case <-l.broken:
			return
		case <-tick.C:
		}
		if now := l.received.Load(); now != received {
			received = now
			continue
		}
		misses = l.pingOnce(period, misses)
	}
	l.fail(errSilent)
}

// pingOnce returns how many pings in a row have been missed.
func (l *link) pingOnce(period time.Duration, misses int) int {
	ctx, cancel := context.WithTimeout(context.Background(), period)
	defer cancel()
	if _, err := l.request(ctx, l.client.cfg.PingHeader, nil); err != nil {
		return misses + 1
	}
	return 0
}
