package main

import (
	"testing"

	"github.com/petrichor-protocol/petrichor"
)

// asked is a request with this header and body.
func asked(t *testing.T, header petrichor.Header, body any) *request {
	t.Helper()
	frame, err := petrichor.AppendFrame(nil, header, body)
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := petrichor.CutFrame(frame)
	if err != nil {
		t.Fatal(err)
	}
	return &request{
		peer:   "192.0.2.1:7",
		frame:  f,
		header: func(v any) error { return petrichor.Unmarshal(f.Header, v) },
		body:   func(v any) error { return petrichor.Unmarshal(f.Body, v) },
	}
}
