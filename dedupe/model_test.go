package dedupe

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"pgregory.net/rapid"
)

func frameOf(body string) petrichor.Frame {
	return petrichor.Frame{Header: petrichor.Raw("0:}"), Body: petrichor.Append(nil, petrichor.KindString, []byte(body))}
}

// A model of a Window: a map with a clock.
type model struct {
	*Window
	known   map[Key]*known
	counter int
}

type known struct {
	request Digest
	kept    bool
	until   time.Time
	order   int
	body    string
}

func (m *model) expire() {
	for key, k := range m.known {
		if k.kept && !time.Now().Before(k.until) {
			delete(m.known, key)
		}
	}
}

func (m *model) of(peer string) (n int, oldest *Key) {
	for key, k := range m.known {
		if key.Peer != peer {
			continue
		}
		n++
		if k.kept && (oldest == nil || k.order < m.known[*oldest].order) {
			oldest = &Key{key.Peer, key.ID}
		}
	}
	return n, oldest
}

// room is what the Window does about room, said again in another way.
func (m *model) room(peer string) bool {
	for {
		n, oldest := m.of(peer)
		if n < m.MaxPerPeer && len(m.known) < m.MaxIDs {
			return true
		}
		if !m.ForgetOldest || oldest == nil {
			return false
		}
		delete(m.known, *oldest)
	}
}

func (m *model) Claim(t *rapid.T) {
	key := Key{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "peer"), fmt.Sprint(rapid.IntRange(0, 12).Draw(t, "id"))}
	request := Digest{byte(rapid.IntRange(0, 9).Draw(t, "request") / 9)}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // so that nothing waits for what is being handled
	m.expire()
	f, claimed, err := m.Window.Claim(ctx, key, request)
	k := m.known[key]
	switch {
	case k != nil && k.request != request:
		if err != ErrDifferent {
			t.Fatalf("%v: %v, %v; want %v", key, claimed, err, ErrDifferent)
		}
	case k != nil && !k.kept:
		if err != ErrPending || claimed {
			t.Fatalf("%v: %v, %v; want %v", key, claimed, err, ErrPending)
		}
	case k != nil:
		if err != nil || claimed || string(f.Body) != string(frameOf(k.body).Body) {
			t.Fatalf("%v: %s, %v, %v; want %s", key, f.Body, claimed, err, k.body)
		}
	case m.room(key.Peer):
		if !claimed || err != nil {
			t.Fatalf("%v: %v, %v; want it claimed", key, claimed, err)
		}
		m.known[key] = &known{request: request}
	default:
		if claimed || err != ErrFull {
			t.Fatalf("%v: %v, %v; want %v", key, claimed, err, ErrFull)
		}
	}
}

func (m *model) Keep(t *rapid.T) {
	for key, k := range m.known {
		if k.kept || rapid.Bool().Draw(t, "other") {
			continue
		}
		m.counter++
		k.kept, k.until, k.order, k.body = true, time.Now().Add(5*time.Minute), m.counter, fmt.Sprint("reply ", m.counter)
		if err := m.Window.Keep(context.Background(), key, k.request, frameOf(k.body)); err != nil {
			t.Fatal(err)
		}
		return
	}
}

func (m *model) Wait(t *rapid.T) {
	time.Sleep(rapid.SampledFrom([]time.Duration{1, time.Second, time.Minute, 5*time.Minute - 1, 5 * time.Minute}).Draw(t, "for"))
}

func (m *model) Check(t *rapid.T) {
	m.expire()
	if n := m.Len(); n != len(m.known) {
		t.Fatalf("%d requests are remembered; want %d", n, len(m.known))
	}
	var used int64
	for p := range m.peers {
		used += m.peers[p].used + peerBytes
	}
	if used != m.used {
		t.Fatalf("%d bytes are counted, and %d of all peers", m.used, used)
	}
}

func TestWindowAgainstAModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(t *rapid.T) {
			w := &Window{MaxIDs: 15, MaxPerPeer: 8, ForgetOldest: rapid.Bool().Draw(t, "forget oldest")}
			m := &model{Window: w, known: map[Key]*known{}}
			t.Repeat(map[string]func(*rapid.T){"claim": m.Claim, "claim again": m.Claim, "keep": m.Keep, "wait": m.Wait, "": m.Check})
		})
	})
}
