package service

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"pgregory.net/rapid"
)

// A script is the other end of a client in a bubble of synctest: it receives what comes,
// and sends what the test says.
type script struct {
	stream net.Conn
	mu     sync.Mutex
	got    []petrichor.Frame
}

// newScript returns a script, and a client whose peer it is.
func newScript(t interface{ Cleanup(func()) }, cfg *ClientConfig) (*script, *Client) {
	left, right := net.Pipe()
	s, c := &script{stream: right}, NewClient(left, cfg)
	go s.receive()
	t.Cleanup(func() {
		c.Close()
		right.Close()
	})
	return s, c
}

func (s *script) receive() {
	d := petrichor.NewDecoder(s.stream)
	for {
		f, err := d.ReadFrame()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.got = append(s.got, f.Clone())
		s.mu.Unlock()
	}
}

// received returns what has come so far, once all else waits.
func (s *script) received() []petrichor.Frame {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// say sends bytes, which somebody has read when it returns.
func (s *script) say(b []byte) { s.stream.Write(b) }

// reply sends a frame with an id, where that is not 0.
func (s *script) reply(id uint64, body any) {
	var header petrichor.Raw
	if id != 0 {
		header = withID(nil, nil, id)
	}
	b, err := petrichor.AppendFrame(nil, header, body)
	if err != nil {
		panic(err)
	}
	s.say(b)
}

// An asked is a request that runs in a goroutine of its own.
type asked struct {
	id     uint64 // as the peer sees it
	cancel context.CancelFunc
	ended  chan struct{}
	reply  petrichor.Frame
	err    error

	// What the model says.
	want    int   // body of the reply, 0 for none
	wantErr error // 0 for none
	settled bool
}

func ask(c *Client, ctx context.Context, body any) *asked {
	a := &asked{ended: make(chan struct{})}
	ctx, a.cancel = context.WithCancel(ctx)
	go func() {
		defer close(a.ended)
		defer a.cancel()
		a.reply, a.err = c.Request(ctx, nil, body)
	}()
	return a
}

func (a *asked) hasEnded() bool {
	select {
	case <-a.ended:
		return true
	default:
		return false
	}
}

// A model is a client and a peer, and what ought to have become of each request.
type model struct {
	script   *script
	client   *Client
	peer     string // "ids", "plain" or "both": which kind of replies it sends
	onlyIDs  bool
	handled  []string // what the handler was given; nil without one
	asked    []*asked
	order    []*asked // those whose replies have not come, oldest first
	labelled bool
	replies  int
	late     int64
	strange  []string // unsolicited
	broken   bool
}

// Requests, cancellations and replies in any order, ids twice and out of nowhere, frames
// without one, and in the end a broken connection: every caller gets its own reply, or the
// error that is right, and every other frame is counted or handed over.
func TestClientMatchesModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ *testing.T }{t}, func(t *rapid.T) { // a bubble has no deadline to be asked for
			m := newModel(t)
			t.Repeat(map[string]func(*rapid.T){
				"":           m.check,
				"request":    m.request,
				"cancel":     m.cancel,
				"reply":      m.replyByID,
				"plain":      m.replyPlain,
				"again":      m.replyAgain,
				"unknown":    m.unknown,
				"foreign id": m.foreign,
				"cut":        m.cut,
				"idle":       func(*rapid.T) { time.Sleep(3 * idleAfter) },
			})
			m.end(t)
		})
	})
}

func newModel(t *rapid.T) *model {
	m := &model{
		peer:    rapid.SampledFrom([]string{"ids", "plain", "both"}).Draw(t, "peer"),
		onlyIDs: rapid.IntRange(0, 9).Draw(t, "only ids, if 0") == 0,
	}
	cfg := &ClientConfig{OnlyIDs: m.onlyIDs}
	if rapid.Bool().Draw(t, "handler") {
		m.handled = []string{}
		cfg.Unsolicited = func(f petrichor.Frame) { m.handled = append(m.handled, string(f.Body)) }
	}
	m.script, m.client = newScript(t, cfg)
	return m
}

func (m *model) request(t *rapid.T) {
	a := ask(m.client, context.Background(), len(m.asked))
	m.asked = append(m.asked, a)
	got := m.script.received()
	if m.broken {
		a.settle(0, ErrNotSent)
		return
	}
	if len(got) != m.sent() {
		t.Fatalf("the peer has received %d frames of %d", len(got), m.sent())
	}
	id, ok := idOf(got[len(got)-1].Header)
	if !ok || id == 0 {
		t.Fatalf("a request with the header %s", got[len(got)-1].Header)
	}
	a.id = id
	m.order = append(m.order, a)
}

// sent is how many requests have been sent.
func (m *model) sent() int {
	n := 0
	for _, a := range m.asked {
		if a.wantErr != ErrNotSent {
			n++
		}
	}
	return n
}

func (m *model) cancel(t *rapid.T) {
	if len(m.asked) == 0 {
		t.Skip("nobody has asked")
	}
	a := rapid.SampledFrom(m.asked).Draw(t, "cancelled")
	a.cancel()
	synctest.Wait()
	if !a.settled {
		a.settle(0, context.Canceled)
	}
}

func (a *asked) settle(want int, err error) { a.want, a.wantErr, a.settled = want, err, true }

// say sends a reply, numbered so that it can be told from all others.
func (m *model) say(t *rapid.T, id uint64) {
	m.script.reply(id, m.replies)
	synctest.Wait()
}

// speaks ends the action when the peer does not send replies of that kind.
func (m *model) speaks(t *rapid.T, kind string) {
	if m.broken || m.peer != kind && m.peer != "both" {
		t.Skip("it does not")
	}
}

func (m *model) replyByID(t *rapid.T) {
	m.speaks(t, "ids")
	if len(m.order) == 0 {
		t.Skip("nobody waits")
	}
	a := rapid.SampledFrom(m.order).Draw(t, "answered")
	m.replies++
	m.labelled = true
	m.answer(a)
	m.say(t, a.id)
}

// answer is what happens to a when its reply comes.
func (m *model) answer(a *asked) {
	m.order = slices.DeleteFunc(m.order, func(other *asked) bool { return other == a })
	if a.settled {
		m.late++
		return
	}
	a.settle(m.replies, nil)
}

func (m *model) replyPlain(t *rapid.T) {
	m.speaks(t, "plain")
	m.replies++
	if len(m.order) == 0 || m.labelled || m.onlyIDs {
		m.strange = append(m.strange, body(m.replies))
	} else {
		m.answer(m.order[0])
	}
	m.say(t, 0)
}

func (m *model) replyAgain(t *rapid.T) {
	m.speaks(t, "ids")
	answered := slices.DeleteFunc(slices.Clone(m.asked), func(a *asked) bool {
		return a.id == 0 || slices.Contains(m.order, a)
	})
	if len(answered) == 0 {
		t.Skip("nobody has been answered")
	}
	a := rapid.SampledFrom(answered).Draw(t, "answered again")
	m.replies++
	m.late++
	m.labelled = true
	m.say(t, a.id)
}

func (m *model) unknown(t *rapid.T) {
	m.speaks(t, "ids")
	m.replies++
	m.labelled = true
	m.strange = append(m.strange, body(m.replies))
	m.say(t, rapid.Uint64Min(uint64(len(m.asked)+1)).Draw(t, "unknown id"))
}

func (m *model) foreign(t *rapid.T) {
	if m.broken {
		t.Skip("the connection is broken")
	}
	m.replies++
	m.strange = append(m.strange, body(m.replies))
	id := rapid.SampledFrom([]any{"a string", -1, 0, nil, 1.5, []int{1}}).Draw(t, "foreign id")
	b, err := petrichor.AppendFrame(nil, petrichor.Header{"id": id}, m.replies)
	if err != nil {
		t.Fatal(err)
	}
	m.script.say(b)
	synctest.Wait()
}

func (m *model) cut(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "cut, if 0") > 0 {
		t.Skip("not yet")
	}
	m.breakIt(t)
}

// breakIt ends the connection in one of the ways there are.
func (m *model) breakIt(t *rapid.T) {
	if !m.broken {
		switch rapid.SampledFrom([]string{"end", "garbage", "twice", "close"}).Draw(t, "how") {
		case "end":
			m.script.stream.Close()
		case "garbage":
			m.script.say([]byte("GET / HTTP/1.1\r\n\r\n"))
		case "twice":
			m.script.say([]byte("18:2:id,1:1#2:id,1:2#}0:~"))
		case "close":
			m.client.Close()
		}
		time.Sleep(3 * idleAfter) // for a goroutine to notice where nobody waits
	}
	m.broken = true
	for _, a := range m.asked {
		if !a.settled {
			a.settle(0, ErrMaybeHandled)
		}
	}
}

func body(n int) string {
	text := fmt.Sprint(n)
	return fmt.Sprintf("%d:%s#", len(text), text)
}

// check compares the client with the model.
func (m *model) check(t *rapid.T) {
	time.Sleep(3 * idleAfter) // for a goroutine to read what nobody waits for
	synctest.Wait()
	for i, a := range m.asked {
		if a.hasEnded() != a.settled {
			t.Fatalf("request %d has ended: %v, want %v", i, a.hasEnded(), a.settled)
		}
		if !a.settled {
			continue
		}
		if !errors.Is(a.err, a.wantErr) || a.wantErr == nil && a.err != nil {
			t.Fatalf("request %d ended with %v, want %v", i, a.err, a.wantErr)
		}
		if a.err == nil && string(a.reply.Body) != body(a.want) {
			t.Fatalf("request %d was answered with %s, want %s", i, a.reply.Body, body(a.want))
		}
	}
	m.checkOthers(t)
}

func (m *model) checkOthers(t *rapid.T) {
	stats := m.client.Stats()
	dropped := int64(len(m.strange))
	if m.handled != nil {
		dropped = 0
		if !slices.Equal(m.handled, m.strange) {
			t.Fatalf("the handler was given %v, want %v", m.handled, m.strange)
		}
	}
	if stats.Late != m.late || stats.Unsolicited != dropped {
		t.Fatalf("%+v, want %d late and %d unsolicited", stats, m.late, dropped)
	}
}

// end breaks the connection and leaves nothing behind.
func (m *model) end(t *rapid.T) {
	m.breakIt(t)
	m.check(t)
	l := m.client.link.Load()
	l.mu.Lock()
	left, givenUp := len(l.byID), l.givenUp
	l.mu.Unlock()
	if left != 0 || givenUp != 0 || l.oldest != nil || l.newest != nil {
		t.Errorf("%d calls are left in the list, %d of them given up", left, givenUp)
	}
}
