package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// A testPeer is the other end of a lane: it allows, and then does with each frame what do says,
// which returns the replies.
type testPeer struct {
	do func(n int, f petrichor.Frame) []petrichor.Frame
}

func (p testPeer) serve(stream net.Conn) {
	defer stream.Close()
	c, first, err := petrichor.Accept(stream)
	if err != nil || c.Allow(nil, first.Body) != nil {
		return
	}
	for n := 0; ; n++ {
		f, err := c.Recv()
		if err != nil {
			return
		}
		replies := p.do(n, f)
		if replies == nil {
			return
		}
		for _, reply := range replies {
			if c.Send(reply.Header, reply.Body) != nil {
				return
			}
		}
	}
}

func echoed(_ int, f petrichor.Frame) []petrichor.Frame { return []petrichor.Frame{f} }

// loadOn is a load on peers that do what do says, over net.Pipe.
func loadOn(t *testing.T, do func(n int, f petrichor.Frame) []petrichor.Frame) *load {
	t.Helper()
	request, err := newStencil(nil, "x")
	if err != nil {
		t.Fatal(err)
	}
	return &load{
		connect: func() (net.Conn, error) {
			near, far := net.Pipe()
			go testPeer{do}.serve(far)
			return near, nil
		},
		ident:   []byte("0:}0:,"),
		request: request,
		conns:   1,
		window:  1,
		timeout: time.Minute,
		pauser:  func() (func(time.Duration), func()) { return time.Sleep, func() {} },
	}
}

func runLoad(t *testing.T, l *load) *result {
	t.Helper()
	l.prepare()
	r, err := l.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pausing answers at once, but for one request a second after its time.
func pausing(n int, f petrichor.Frame) []petrichor.Frame {
	if n == 100 {
		time.Sleep(time.Second)
	}
	return []petrichor.Frame{f}
}

// A pause of a second, at 100 requests due a second, is felt by the 100 requests due in it: the
// first for a second, the last for 10 ms.  A histogram of latencies from sending has one of them.
func TestLoadOpenSeesThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loadOn(t, pausing)
		l.rate, l.duration = 100, 10*time.Second
		r := runLoad(t, l)
		if r.Replies != 1000 || !r.Corrected || r.failed() != nil {
			t.Errorf("%s; %s; %q; %+v", r.Setup(), r.Outcome(), r.Errors(), r.Latency)
		}
		slow := func(bars []bar) (n int64) {
			for _, b := range bars {
				if b.From > int64(time.Millisecond) {
					n += b.Count
				}
			}
			return n
		}
		if n := slow(barsOf(r.latency, 40)); n < 98 || n > 100 {
			t.Errorf("%d latencies show the pause, want all 100 requests due in it", n)
		}
		if n := slow(barsOf(r.service, 40)); n != 1 {
			t.Errorf("%d latencies from sending show the pause, want 1", n)
		}
		if want := int64(950 * time.Millisecond); r.Latency.P99 < want-int64(60*time.Millisecond) || r.Latency.Max < want || r.FromSend.P99 > int64(time.Millisecond) {
			t.Errorf("latencies %+v, from sending %+v", r.Latency, *r.FromSend)
		}
	})
}

// A closed loop sends nothing while the server pauses, and says that its latencies leave that out.
func TestLoadClosedSaysItIsNotCorrected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loadOn(t, pausing)
		l.count = 1000
		r := runLoad(t, l)
		if r.Replies != 1000 || r.Corrected || r.FromSend != nil || r.Latency.P999 > int64(time.Millisecond) || r.Latency.Max < int64(time.Second) {
			t.Errorf("%s; %s; %q; %+v", r.Setup(), r.Outcome(), r.Errors(), r.Latency)
		}
		if !strings.HasPrefix(r.Meaning(), "Not corrected for coordinated omission") {
			t.Error(r.Meaning())
		}
	})
}

// Replies find their requests: by id in any order, or without one in turn.
func TestLoadMatchesReplies(t *testing.T) {
	for name, do := range map[string]func(held *[]petrichor.Frame, f petrichor.Frame) []petrichor.Frame{
		"in turn": func(_ *[]petrichor.Frame, f petrichor.Frame) []petrichor.Frame { return []petrichor.Frame{f} },
		"backwards, four at a time": func(held *[]petrichor.Frame, f petrichor.Frame) []petrichor.Frame {
			*held = append(*held, f)
			if len(*held) < 4 {
				return []petrichor.Frame{}
			}
			all := *held
			*held = nil
			slices.Reverse(all)
			return all
		},
		"without an id": func(_ *[]petrichor.Frame, f petrichor.Frame) []petrichor.Frame {
			return []petrichor.Frame{{Header: petrichor.Raw("0:}"), Body: f.Body}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var held []petrichor.Frame
				l := loadOn(t, func(_ int, f petrichor.Frame) []petrichor.Frame { return do(&held, f) })
				l.window, l.count = 4, 400
				if r := runLoad(t, l); r.Replies != 400 || r.Strays != 0 || r.Unanswered != 0 || r.failed() != nil {
					t.Errorf("%s; %s; %q; %+v", r.Setup(), r.Outcome(), r.Errors(), r.Latency)
				}
			})
		})
	}
}

// What goes wrong is counted by kind, and decides the exit code.
func TestLoadCountsFaults(t *testing.T) {
	frame := func(header, body string) petrichor.Frame {
		return petrichor.Frame{Header: petrichor.Raw(header), Body: petrichor.Raw(body)}
	}
	for _, c := range []struct {
		name       string
		do         func(n int, f petrichor.Frame) []petrichor.Frame
		kind       string
		code       int
		unanswered int64
	}{
		{"closes", func(n int, f petrichor.Frame) []petrichor.Frame { return nil }, "closed", exitClosed, 1},
		{"is silent", func(int, petrichor.Frame) []petrichor.Frame { return []petrichor.Frame{} }, "timeout", exitTimeout, 1},
		{"answers with an error", func(n int, f petrichor.Frame) []petrichor.Frame {
			return []petrichor.Frame{frame("12:5:error,1:x,}", "0:~")}
		}, "", exitOther, 0},
		{"answers twice", func(n int, f petrichor.Frame) []petrichor.Frame { return []petrichor.Frame{f, f} }, "", exitOther, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := loadOn(t, c.do)
				l.count = 5
				r := runLoad(t, l)
				if codeOf(r.failed()) != c.code || r.Unanswered != c.unanswered {
					t.Errorf("%v; %s; %q", r.failed(), r.Outcome(), r.Errors())
				}
				if len(r.Faults) > 0 != (c.kind != "") || c.kind != "" && r.Faults[0].Kind != c.kind {
					t.Errorf("%+v, want kind %q", r.Faults, c.kind)
				}
				if len(r.Errors()) == 0 {
					t.Error("the report says nothing about it")
				}
			})
		})
	}
}

// Malformed replies end a lane, and so does one that is too large.
func TestLoadRefusesBytes(t *testing.T) {
	for text, code := range map[string]int{"nonsense": exitMalformed, "0:}999999999:": exitLimit} {
		synctest.Test(t, func(t *testing.T) {
			l := loadOn(t, echoed)
			l.connect = func() (net.Conn, error) {
				near, far := net.Pipe()
				go func() {
					io.ReadFull(far, make([]byte, len("0:}0:,")))
					io.WriteString(far, "0:}0:,"+text)
					io.Copy(io.Discard, far)
				}()
				return near, nil
			}
			l.count = 5
			if r := runLoad(t, l); codeOf(r.failed()) != code {
				t.Errorf("%q: %v", text, r.failed())
			}
		})
	}
}

// A peer that does not read is given up in its time, also with more to write than a pipe holds.
func TestLoadStuckWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loadOn(t, echoed)
		l.connect = func() (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				io.ReadFull(far, make([]byte, len("0:}0:,")))
				io.WriteString(far, "0:}0:,") // and nothing more is read
			}()
			return near, nil
		}
		l.request, _ = newStencil(nil, bytes.Repeat([]byte("x"), 100_000))
		l.window, l.count, l.timeout = 8, 100, 2*time.Second
		start := time.Now()
		r := runLoad(t, l)
		if took := time.Since(start); codeOf(r.failed()) != exitTimeout || took > 3*time.Second {
			t.Errorf("%v after %v", r.failed(), took)
		}
	})
}

// Two lanes of which one cannot connect are one, and the report says so; no lane is an error.
func TestLoadMeets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loadOn(t, echoed)
		connect, calls := l.connect, make(chan bool, 9)
		l.connect = func() (net.Conn, error) {
			calls <- true
			if len(calls) > 1 {
				return nil, fail(exitConnect, "refused")
			}
			return connect()
		}
		l.conns, l.count = 2, 10
		if r := runLoad(t, l); r.Replies != 10 || len(r.Faults) != 1 || codeOf(r.failed()) != exitConnect {
			t.Errorf("%s; %s; %q; %+v", r.Setup(), r.Outcome(), r.Errors(), r.Latency)
		}
		l.lanes = nil
		l.prepare()
		if _, err := l.run(t.Context()); codeOf(err) != exitConnect {
			t.Errorf("%v", err)
		}
	})
}

// A load that is told to stop waits for the replies under way, and counts nothing as lost; so do
// the duration's end and the warm-up, which is not recorded.
func TestLoadStops(t *testing.T) {
	slow := func(_ int, f petrichor.Frame) []petrichor.Frame {
		time.Sleep(100 * time.Millisecond)
		return []petrichor.Frame{f}
	}
	for _, rate := range []float64{0, 5} {
		synctest.Test(t, func(t *testing.T) {
			l := loadOn(t, slow)
			l.rate = rate
			l.prepare()
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(1050*time.Millisecond, cancel)
			r, err := l.run(ctx)
			if want := map[float64]int64{0: 11, 5: 6}[rate]; err != nil || r.Replies != want || r.failed() != nil || len(r.Errors()) > 0 {
				t.Errorf("rate %g: %v; %s; %q", rate, err, r.Outcome(), r.Errors())
			}
		})
		synctest.Test(t, func(t *testing.T) {
			l := loadOn(t, slow)
			l.rate, l.warmup, l.duration = rate, time.Second, 2*time.Second
			start := time.Now()
			r := runLoad(t, l)
			if took := time.Since(start); took < 2900*time.Millisecond || took > 3200*time.Millisecond {
				t.Errorf("rate %g: %v", rate, took)
			}
			if want := map[float64]int64{0: 20, 5: 10}[rate]; r.Replies != want {
				t.Errorf("rate %g: %d replies recorded, want %d", rate, r.Replies, want)
			}
		})
	}
}

// A denied lane says so.
func TestLoadDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loadOn(t, echoed)
		l.connect = func() (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				defer far.Close()
				c, _, err := petrichor.Accept(far)
				if err == nil {
					c.Deny(nil, "go away\x1b[31m")
				}
			}()
			return near, nil
		}
		l.prepare()
		_, err := l.run(t.Context())
		if codeOf(err) != exitDenied || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q", err)
		}
	})
}

// Every id of a stencil makes the frame that AppendFrame would.
func TestStencil(t *testing.T) {
	for _, header := range []petrichor.Header{nil, {"a": 1, "z": "1000000000"}, {"id": "mine"}} {
		s, err := newStencil(header, "body")
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []int64{firstID, 1_234_567_890, 9_999_999_999} {
			got := s.append([]byte("before"), id)
			f, rest, err := petrichor.CutFrame(got[len("before"):])
			if err != nil || len(rest) > 0 {
				t.Fatalf("%q: %v", got, err)
			}
			if whose, refused := replyOf(f.Header); whose != id || refused {
				t.Errorf("%q has the id %d", got, whose)
			}
		}
	}
	if _, err := newStencil(petrichor.Header{"a": func() {}}, ""); err == nil {
		t.Error("a header that cannot be marshaled is accepted")
	}
}

// The id of a header is found, or said not to be there.
func TestReplyOf(t *testing.T) {
	for _, c := range []struct {
		header  string
		id      int64
		refused bool
	}{
		{"0:}", 0, false},
		{"9:2:id,1:7#}", 7, false},
		{"8:2:id,0:~}", -1, false},
		{"9:2:id,1:7,}", -1, false},
		{"9:2:id,1:0#}", -1, false},
		{"21:5:error,1:x,2:id,1:7#}", 7, true},
		{"11:5:error,0:~}", 0, false},
		{"5:2:id,}", 0, false},
		{"3:xyz}", 0, false},
	} {
		if id, refused := replyOf(petrichor.Raw(c.header)); id != c.id || refused != c.refused {
			t.Errorf("%s: %d %v, want %d %v", c.header, id, refused, c.id, c.refused)
		}
	}
}

// Each report says what was measured; none lets an address or a peer's words be obeyed.
func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loadOn(t, pausing)
		l.rate, l.duration = 100, 5*time.Second
		r := runLoad(t, l)
		r.Address = "<script>\x1b"
		r.Faults = []fault{{Kind: "closed", Lanes: 2, First: "<b>"}}
		var text, page, data bytes.Buffer
		if err := errors.Join(writeText(&text, r), writeHTML(&page, r), writeJSON(&data, r)); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"500 replies", "open loop", "corrected for coordinated omission", "closed: 2 connections", "from send"} {
			if !strings.Contains(text.String(), want) || !strings.Contains(page.String(), want) {
				t.Errorf("no %q in\n%s", want, text.String())
			}
		}
		if strings.Contains(text.String(), "\x1b") || strings.Contains(page.String(), "<script>") || strings.Contains(page.String(), "<b>") {
			t.Error("something is not escaped")
		}
		if n := strings.Count(page.String(), "<rect"); n != 40 || strings.Count(page.String(), "<polyline") != 2 {
			t.Errorf("%d bars in the page, want 40", n)
		}
		for _, outside := range []string{"http:", "https:", "src=", "@import", "url("} {
			if strings.Contains(page.String(), outside) {
				t.Errorf("the page is not by itself: %s", outside)
			}
		}
		var back result
		if err := json.Unmarshal(data.Bytes(), &back); err != nil || back.Replies != 500 || back.Latency != r.Latency {
			t.Errorf("%v, %+v", err, back)
		}
	})
}

// A load without a reply has a report too.
func TestReportsOfNothing(t *testing.T) {
	l := &load{conns: 1, window: 1, request: &stencil{}}
	l.prepare()
	r := l.result()
	var out bytes.Buffer
	if err := errors.Join(writeText(&out, r), writeHTML(&out, r), writeJSON(&out, r)); err != nil {
		t.Fatal(err)
	}
}

func TestShort(t *testing.T) {
	for ns, want := range map[int64]string{0: "0s", 7: "7ns", 1234: "1.23µs", 999_999: "1ms", 12_345_678: "12.3ms", 61_234_567_890: "1m1.2s"} {
		if got := short(ns); got != want {
			t.Errorf("%d: %s, want %s", ns, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := digits(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
