package petrichortest

// What the attacks do that are more than bytes, in the order of attacks.go.

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// ---- Endings ------------------------------------------------------------------

func endEverywhere(s *Target) error {
	request := s.ask(1, "hello")
	for n := 1; n < len(request); n++ {
		if err := (Attack{Must: Ignore, Allowed: true, Bytes: request[:n]}).playBytes(s); err != nil {
			return fmt.Errorf("end after %d bytes: %w", n, err)
		}
	}
	return nil
}

func changeEverywhere(s *Target) error {
	random := rand.New(rand.NewPCG(1, 2))
	for allowed, frame := range map[bool][]byte{false: s.first, true: s.ask(1, "hello")} {
		for n := range frame {
			changed := bytes.Clone(frame)
			changed[n] ^= byte(1 + random.IntN(255))
			if err := (Attack{Must: Survive, Allowed: allowed, Bytes: changed}).playBytes(s); err != nil {
				return fmt.Errorf("%q: %w", changed, err)
			}
		}
	}
	return nil
}

// goOn puts good requests behind a bad one, and where its payload would be.
func goOn(s *Target) error {
	good := bytes.Repeat(s.request, 3)
	for _, bad := range []string{"5:hello?", "+3:abc,", "x", "0:]0:~", "0:}999999999:", fmt.Sprint(s.maxHeader+1, ":")} {
		p, err := s.guest()
		if err != nil {
			return err
		}
		p.send(append([]byte(bad), good...), false)
		e := p.end(s.soon())
		p.leave()
		if answered(e) {
			return fmt.Errorf("what follows %q is answered: %.80q", bad, e.answers[0].Header)
		}
		if err := Cut.judge(e, s, len(bad)); err != nil {
			return fmt.Errorf("behind %q: %w", bad, err)
		}
	}
	return nil
}

func pourBehind(s *Target) error {
	p, err := s.guest()
	if err != nil {
		return err
	}
	defer p.leave()
	p.SetWriteDeadline(time.Now().Add(s.soon() + time.Second))
	_, err = p.Write(append([]byte("5:hello?"), make([]byte, 16<<20)...))
	if err == nil {
		return errors.New("all of it is read")
	}
	if isTimeout(err) {
		return fmt.Errorf("not cut after %v", round(s.soon()+time.Second))
	}
	return nil
}

func overHeader(s *Target) error {
	return (Attack{Must: Cut, Allowed: true, Bytes: fmt.Append(nil, s.maxHeader+1, ":")}).playBytes(s)
}

func overBody(s *Target) error {
	return (Attack{Must: Cut, Allowed: true, Bytes: fmt.Append(nil, "0:}", s.maxBody+1, ":")}).playBytes(s)
}

func fullBody(s *Target) error {
	return s.converse([]int{1}, func(int) string { return strings.Repeat("b", s.maxBody) })
}

// ---- Strangers ----------------------------------------------------------------

func mirror(s *Target) error {
	const canary = "do not repeat this"
	frame := encode(petrichor.Header{"canary": canary}, strings.Repeat(canary, 400))
	p, err := s.stranger()
	if err != nil {
		return err
	}
	defer p.leave()
	p.send(frame, false)
	e := p.end(s.soon())
	if e.err != nil {
		return e.err
	}
	for _, f := range e.answers {
		if bytes.Contains(f.Header, []byte(canary)) || bytes.Contains(f.Body, []byte(canary)) {
			return errors.New("the first frame is echoed")
		}
	}
	if len(e.answers) > 1 || e.bytes > int64(len(frame)) {
		return fmt.Errorf("%d bytes are answered with %d frames, %d bytes", len(frame), len(e.answers), e.bytes)
	}
	return nil
}

func deniedRequests(s *Target) error { return s.deny(bytes.Repeat(s.request, 3)) }

// deny sends the first frame that is denied, and more.
func (s *Target) deny(more []byte) error {
	p, err := s.stranger()
	if err != nil {
		return err
	}
	defer p.leave()
	p.send(append(bytes.Clone(s.denied), more...), false)
	e := p.end(s.soon())
	switch {
	case e.err != nil:
		return e.err
	case len(e.answers) != 1:
		return fmt.Errorf("%d answers, want one", len(e.answers))
	case petrichor.Allowed(e.answers[0].Header):
		return fmt.Errorf("it was allowed: %.80q", e.answers[0].Header)
	case !e.cut:
		return errors.New("denied, and not closed")
	}
	return nil
}

func greetAndAsk(s *Target) error {
	p, err := s.stranger()
	if err != nil {
		return err
	}
	defer p.leave()
	answer, err := p.exchange(append(bytes.Clone(s.first), s.request...))
	if err != nil {
		return err
	}
	if !petrichor.Allowed(answer.Header) {
		return fmt.Errorf("not allowed: %.80q", answer.Header)
	}
	_, err = p.exchange(nil)
	return err
}

// ---- Silences -----------------------------------------------------------------

func silent(s *Target) error {
	return s.waitFor(s.handshake, s.stranger, func(*peer) {})
}

func slowFirst(s *Target) error {
	return s.waitFor(s.handshake, s.stranger, func(p *peer) { p.drip(padded(1000), s.handshake/20) })
}

func slowHeader(s *Target) error {
	return s.waitFor(s.frame, s.guest, func(p *peer) { p.drip(padded(1000), s.frame/20) })
}

func slowBody(s *Target) error {
	return s.waitFor(s.frame, s.guest, func(p *peer) {
		p.Write([]byte("0:}1000:"))
		p.drip(make([]byte, 1000), s.frame/20)
	})
}

func idle(s *Target) error {
	return s.waitFor(s.idle, s.guest, func(*peer) {})
}

func idleLater(s *Target) error {
	served := func() (*peer, error) {
		p, err := s.guest()
		if err != nil {
			return nil, err
		}
		return p, p.exchangeEach(s.idle/4, 2)
	}
	return s.waitFor(s.idle, served, func(*peer) {})
}

func busy(s *Target) error {
	p, err := s.guest()
	if err != nil {
		return err
	}
	defer p.leave()
	return p.exchangeEach(s.idle/3, 4)
}

// exchangeEach makes n requests with a pause before each.
func (p *peer) exchangeEach(pause time.Duration, n int) error {
	for range n {
		time.Sleep(pause)
		if _, err := p.exchange(p.s.request); err != nil {
			return err
		}
	}
	return nil
}

// waitFor wants a peer that does something slow to be cut after d.
func (s *Target) waitFor(d time.Duration, enter func() (*peer, error), do func(*peer)) error {
	p, err := enter()
	if err != nil {
		return err
	}
	defer p.leave()
	do(p)
	return p.end(2*d + time.Second).within(d)
}

func neverReads(s *Target) error {
	p, err := s.guest()
	if err != nil {
		return err
	}
	defer p.leave()
	if err := p.pour(time.Now().Add(time.Minute+s.write), s.write+s.write/2+time.Second); isTimeout(err) {
		return fmt.Errorf("not cut, and nothing was taken any more; its write deadline is %v", s.write)
	}
	return nil
}

// pour sends requests, without reading a reply, until it cannot: until a time,
// or until nothing at all has been taken for so long.
func (p *peer) pour(until time.Time, patience time.Duration) (err error) {
	p.window(4 << 10)
	request := p.s.ask(1, strings.Repeat("b", min(p.s.maxBody, 16<<10)))
	all := bytes.Repeat(request, 1+(64<<10)/len(request))
	rest := all
	for n := 1; err == nil || isTimeout(err) && n > 0 && time.Now().Before(until); rest = rest[n:] {
		if len(rest) == 0 {
			rest = all
		}
		p.SetWriteDeadline(time.Now().Add(min(patience, time.Until(until))))
		n, err = p.Write(rest)
	}
	return err
}

// window makes the server wait soon for a peer that does not read: after a few
// times as many bytes.  What is sent is not piled up here either, so that it can
// be seen whether the server takes it.
func (p *peer) window(bytes int) {
	if c, ok := p.Conn.(*net.TCPConn); ok {
		c.SetReadBuffer(bytes)
		c.SetWriteBuffer(64 << 10)
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// ---- Crowds -------------------------------------------------------------------

func emptyFrames(s *Target) error {
	p, err := s.guest()
	if err != nil {
		return err
	}
	defer p.leave()
	p.send(bytes.Repeat([]byte("0:}0:~"), 50_000), true)
	if err := s.good(); err != nil {
		return fmt.Errorf("meanwhile %w", err)
	}
	return p.end(max(s.patience, 20*time.Second)).err
}

func connectAndReset(s *Target) error {
	for n := range 300 {
		p, err := s.stranger()
		if err != nil {
			return err
		}
		p.SetWriteDeadline(time.Now().Add(s.soon()))
		p.Write(s.first[:n%len(s.first)])
		p.abort()
	}
	return nil
}

// fill is tried again where it took so long that the first had been idle for too long.
func fill(s *Target) (err error) {
	for range 3 {
		began := time.Now()
		if err = fillOnce(s); err == nil || time.Since(began) < s.idle {
			break
		}
	}
	return err
}

func fillOnce(s *Target) error {
	var all peers
	defer all.leave()
	if err := all.enter(s.conns, s.guestSoon); err != nil {
		return fmt.Errorf("of %d connections that it holds, number %d: %w", s.conns, len(all), err)
	}
	for range 5 {
		p, err := s.stranger()
		if err != nil {
			continue // closed at once, it seems
		}
		p.send(s.first, false)
		e := p.end(s.soon())
		p.leave()
		if !e.cut || len(e.answers) > 0 && petrichor.Allowed(e.answers[0].Header) {
			return fmt.Errorf("it holds more than %d connections", s.conns)
		}
	}
	return nil
}

// guestSoon is a guest, as soon as the server has place.
func (s *Target) guestSoon() (p *peer, err error) {
	err = s.eventually(func() (err error) {
		p, err = s.guest()
		return err
	})
	return p, err
}

// eventually tries until it works, or the server ought to have been done with
// all that went before.
func (s *Target) eventually(try func() error) (err error) {
	for deadline := time.Now().Add(s.patience); ; time.Sleep(5 * time.Millisecond) {
		if err = try(); err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

func crowd(s *Target) error {
	var all peers
	defer all.leave()
	if err := all.enter(s.crowd, s.stranger); err != nil {
		return err
	}
	for _, p := range all[len(all)/2:] {
		p.send([]byte("0:}5:he"), false)
	}
	return s.promptly(50*time.Millisecond, 10)
}

// promptly wants a good peer to be served within d.  A busy machine makes that
// longer, never shorter, so one of several tries is enough.
func (s *Target) promptly(d time.Duration, tries int) (err error) {
	for range tries {
		began := time.Now()
		if err = s.good(); err != nil {
			return err
		}
		took := time.Since(began)
		if took <= d {
			return nil
		}
		err = fmt.Errorf("a good peer is served after %v", round(took))
	}
	return err
}

func announceAll(s *Target) error {
	var all peers
	defer all.leave()
	if err := all.enter(50, s.guest); err != nil {
		return err
	}
	for _, p := range all {
		p.send(fmt.Append(nil, "0:}", s.maxBody, ":", strings.Repeat("b", min(1000, s.maxBody))), false)
	}
	return s.promptly(50*time.Millisecond, 10)
}

func slowReaders(s *Target) error {
	var all peers
	defer all.leave()
	if err := all.enter(4, s.guest); err != nil {
		return err
	}
	for _, p := range all {
		p.writing.Go(func() { p.pour(time.Now().Add(time.Minute), time.Minute) })
	}
	p, err := s.guest()
	if err != nil {
		return err
	}
	defer p.leave()
	var took [50]time.Duration // until the slow ones have been stuck for a while
	for i := range took {
		time.Sleep(20 * time.Millisecond)
		begun := time.Now()
		if _, err := p.exchange(s.request); err != nil {
			return err
		}
		took[i] = time.Since(begun)
	}
	// Each slow one may stop all others once, and for a while; a busy machine slows every
	// request a little.
	slices.Sort(took[:])
	var stopped time.Duration
	for _, d := range took[len(took)-len(all):] {
		stopped += d
	}
	if stopped > s.patience {
		return fmt.Errorf("%d of %d requests took %v", len(all), len(took), stopped)
	}
	return nil
}

func askAndReset(s *Target) error {
	for range 200 {
		p, err := s.guestSoon()
		if err != nil {
			return err
		}
		p.Write(s.ask(1, "hello"))
		p.abort()
	}
	return nil
}

// peers are many connections.
type peers []*peer

func (all *peers) enter(n int, how func() (*peer, error)) error {
	for range n {
		p, err := how()
		if err != nil {
			return err
		}
		*all = append(*all, p)
	}
	return nil
}

func (all *peers) leave() {
	for _, p := range *all {
		p.leave()
	}
}

// ---- Requests -----------------------------------------------------------------

func byteByByte(s *Target) error {
	p, err := s.guest()
	if err != nil {
		return err
	}
	defer p.leave()
	p.drip(s.ask(1, "hello"), 0)
	_, err = p.exchange(nil)
	return err
}

func canaries(s *Target) error {
	var running sync.WaitGroup
	errs := make([]error, 8)
	for n := range errs {
		running.Go(func() {
			canary := strings.Repeat(fmt.Sprint("canary ", n, ", "), 20*(n+1))
			errs[n] = s.converse(upTo(100), func(int) string { return canary })
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// allSizes reads late, so that the server's writes meet.
func allSizes(s *Target) error {
	late := func(p *peer) {
		p.window(256 << 10)
		time.Sleep(min(50*time.Millisecond, s.write/4))
	}
	return s.converseWhen(late, upTo(64), func(id int) string {
		return strings.Repeat(string(rune('a'+id%26)), min(s.maxBody, 1+id*id*id%250_000))
	})
}

func pipeline(s *Target) error {
	return s.converse(upTo(1000), func(id int) string { return fmt.Sprint("body ", id) })
}

func ids(s *Target) error {
	return s.converse(rand.New(rand.NewPCG(1, 2)).Perm(200), func(id int) string { return fmt.Sprint("body ", id) })
}

func upTo(n int) (ids []int) {
	for id := range n {
		ids = append(ids, id+1)
	}
	return ids
}

// converse sends all requests at once, and wants every reply to be that of its
// request: the one with its id, else the oldest.
func (s *Target) converse(ids []int, body func(id int) string) error {
	return s.converseWhen(func(*peer) {}, ids, body)
}

// converseWhen reads when wait has returned.
func (s *Target) converseWhen(wait func(*peer), ids []int, body func(id int) string) error {
	p, err := s.guest()
	if err != nil {
		return err
	}
	defer p.leave()
	var all []byte
	for _, id := range ids {
		all = append(all, s.ask(id, body(id))...)
	}
	p.send(all, false)
	wait(p)
	p.SetReadDeadline(time.Now().Add(max(s.patience, 20*time.Second)))
	for open := append([]int(nil), ids...); len(open) > 0; {
		f, err := p.dec.ReadFrame()
		if err != nil {
			return fmt.Errorf("%d of %d replies did not come: %w", len(open), len(ids), err)
		}
		if open, err = s.match(f, open, body); err != nil {
			return err
		}
	}
	return nil
}

// match takes the request that f is the reply to out of those that are open.
func (s *Target) match(f petrichor.Frame, open []int, body func(id int) string) ([]int, error) {
	at, err := whose(f.Header, open)
	if err != nil {
		return nil, err
	}
	id := open[at]
	if want := petrichor.Append(nil, petrichor.KindString, []byte(body(id))); s.echoes && !bytes.Equal(f.Body, want) {
		return nil, fmt.Errorf("request %d, %.40q, is answered with %.80q and %.40q", id, want, f.Header, f.Body)
	}
	return append(open[:at], open[at+1:]...), nil
}

// whose is the index in open of the request that a reply with this header
// belongs to.
func whose(header petrichor.Raw, open []int) (int, error) {
	var known struct {
		ID *int `tnet:"id"`
	}
	if err := petrichor.Unmarshal(header, &known); err != nil {
		return 0, fmt.Errorf("reply with header %.80q: %w", header, err)
	}
	if known.ID == nil {
		return 0, nil
	}
	for at, id := range open {
		if id == *known.ID {
			return at, nil
		}
	}
	return 0, fmt.Errorf("reply with id %d, which nobody waits for", *known.ID)
}

func panicked(s *Target) error {
	other, err := s.guest()
	if err != nil {
		return err
	}
	defer other.leave()
	if err := (Attack{Must: Cut, Allowed: true, Bytes: s.panics}).playBytes(s); err != nil {
		return err
	}
	for range 10 { // a process that ends may answer for a while
		if _, err := other.exchange(s.request); err != nil {
			return fmt.Errorf("another connection: %w", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// ---- Farewells ----------------------------------------------------------------

func endAfterRequest(s *Target) error { return s.endAfter(1, s.request) }

func endAfterMany(s *Target) error {
	return s.endAfter(100, bytes.Repeat(s.ask(1, strings.Repeat("b", 1000)), 100))
}

func endAfterGreeting(s *Target) error { return s.endAfter(0, nil) }

// endAfter sends n requests and an end, and wants n replies and an end.
func (s *Target) endAfter(n int, requests []byte) error {
	p, err := s.guest()
	if err != nil {
		return err
	}
	defer p.leave()
	if !p.canHalfClose() {
		return nil
	}
	p.send(requests, true)
	e := p.end(s.patience)
	switch {
	case e.err != nil:
		return e.err
	case len(e.answers) != n:
		return fmt.Errorf("%d replies to %d requests", len(e.answers), n)
	case !e.cut:
		return fmt.Errorf("not closed after %v", round(e.took))
	}
	return nil
}

func denyMany(s *Target) error {
	for range 200 {
		if err := s.deny(nil); err != nil {
			return err
		}
	}
	return nil
}
