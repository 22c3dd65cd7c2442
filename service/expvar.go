package service

import (
	"encoding/json"
	"sync/atomic"
)

// Vars is an Observer that counts, and an expvar.Var that shows the counts:
//
//	vars := new(service.Vars)
//	expvar.Publish("petrichor", vars)
//	s := &service.Server{Handle: handle, Observer: vars}
//
// Its names are these and no others, whatever peers send.
type Vars struct {
	open, opened, refused, allowed, denied, closed, cut atomic.Int64
	framesIn, bytesIn, framesOut, bytesOut, busy        atomic.Int64
	panics                                              atomic.Int64
}

// Observe counts e.
func (v *Vars) Observe(e Event) {
	size := int64(e.Header + e.Body)
	switch e.Kind {
	case Opened:
		v.open.Add(1)
		v.opened.Add(1)
	case Refused:
		v.refused.Add(1)
	case Allowed:
		v.allowed.Add(1)
	case Denied:
		v.denied.Add(1)
	case Closed:
		v.close(e)
	case FrameIn:
		v.framesIn.Add(1)
		v.bytesIn.Add(size)
	case FrameOut:
		v.framesOut.Add(1)
		v.bytesOut.Add(size)
		v.busy.Add(int64(e.Duration))
	case Panicked:
		v.panics.Add(1)
	}
}

func (v *Vars) close(e Event) {
	v.open.Add(-1)
	v.closed.Add(1)
	if e.Err != nil && e.Err != errDenied {
		v.cut.Add(1)
	}
}

// String returns the counts as a JSON object.
func (v *Vars) String() string {
	b, _ := json.Marshal(struct {
		Open      int64 `json:"connections_open"`
		Opened    int64 `json:"connections_opened"`
		Refused   int64 `json:"connections_refused"`
		Allowed   int64 `json:"connections_allowed"`
		Denied    int64 `json:"connections_denied"`
		Closed    int64 `json:"connections_closed"`
		Cut       int64 `json:"connections_cut"` // of those closed: not by the peer between frames
		FramesIn  int64 `json:"frames_in"`
		BytesIn   int64 `json:"bytes_in"`
		FramesOut int64 `json:"replies_out"`
		BytesOut  int64 `json:"reply_bytes_out"`
		Busy      int64 `json:"handler_nanoseconds"` // from requests to their replies, all together
		Panics    int64 `json:"handler_panics"`
	}{
		v.open.Load(), v.opened.Load(), v.refused.Load(), v.allowed.Load(), v.denied.Load(), v.closed.Load(), v.cut.Load(),
		v.framesIn.Load(), v.bytesIn.Load(), v.framesOut.Load(), v.bytesOut.Load(), v.busy.Load(), v.panics.Load(),
	})
	return string(b)
}
