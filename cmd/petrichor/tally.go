package main

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// longest is the longest latency a histogram tells from longer ones.
const longest = 10 * time.Minute

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(longest), 3)
}

// A tally is what has come of the requests of some lanes: few tallies, because a histogram takes a
// quarter of a megabyte, but more than one, so that lanes do not wait for one another.
type tally struct {
	mu      sync.Mutex
	latency *hdrhistogram.Histogram // since the request was due
	service *hdrhistogram.Histogram // since it was sent; nil in a closed loop, where that is the same
	replies int64
	bytes   int64         // of replies
	refused int64         // replies that say there was an error
	strays  int64         // replies to no request
	last    time.Duration // when the last reply came
	faults  []fault
}

// A fault is what ended lanes.
type fault struct {
	Kind  string `json:"kind"`
	Lanes int    `json:"connections"`
	First string `json:"first"` // what the first of them said
	err   error
}

func newTally(open bool) *tally {
	t := &tally{latency: newHistogram()}
	if open {
		t.service = newHistogram()
	}
	return t
}

// add counts replies.
func (t *tally) add(landed []landing) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range landed {
		t.replies++
		t.bytes += int64(r.size)
		t.last = max(t.last, r.at)
		if r.refused {
			t.refused++
		}
		t.latency.RecordValue(int64(min(r.at-r.due, longest)))
		if t.service != nil {
			t.service.RecordValue(int64(min(r.at-r.sent, longest)))
		}
	}
}

// stray counts a reply to no request.
func (t *tally) stray() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.strays++
}

// fault counts what ended a lane.
func (t *tally) fault(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = addFault(t.faults, fault{kindOf(err), 1, message(err), err})
}

func addFault(faults []fault, f fault) []fault {
	for i := range faults {
		if faults[i].Kind == f.Kind {
			faults[i].Lanes += f.Lanes
			return faults
		}
	}
	return append(faults, f)
}

// kindOf names what an error is, by its exit code.
func kindOf(err error) string {
	switch codeOf(err) {
	case exitDenied:
		return "denied"
	case exitTimeout:
		return "timeout"
	case exitMalformed:
		return "malformed"
	case exitConnect:
		return "cannot connect"
	case exitClosed:
		return "closed"
	case exitLimit:
		return "over a limit"
	}
	return "other"
}

// merge adds what o has counted.
func (t *tally) merge(o *tally) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t.latency.Merge(o.latency)
	if t.service != nil {
		t.service.Merge(o.service)
	}
	t.replies += o.replies
	t.bytes += o.bytes
	t.refused += o.refused
	t.strays += o.strays
	t.last = max(t.last, o.last)
	for _, f := range o.faults {
		t.faults = addFault(t.faults, f)
	}
}

// sum is all that has been counted until now.
func (l *load) sum() *tally {
	all := newTally(l.rate > 0)
	for _, t := range l.tallies {
		all.merge(t)
	}
	return all
}

// replied is how many replies have come until now.
func (l *load) replied() (n int64) {
	for _, t := range l.tallies {
		t.mu.Lock()
		n += t.replies
		t.mu.Unlock()
	}
	return n
}
