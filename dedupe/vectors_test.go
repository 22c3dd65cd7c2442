package dedupe

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/spec"
)

// The vectors of the topic say what comes out of frames, or what is wrong with the last.
func TestVectors(t *testing.T) {
	refused := map[string]error{
		"mark": ErrMark, "limit": petrichor.ErrTooLarge, "short": io.ErrUnexpectedEOF, "trailing": petrichor.ErrTrailing,
		"held": ErrHeld,
	}
	n := 0
	for _, v := range spec.Vectors() {
		if v.Topic != "dedupe" {
			continue
		}
		n++
		filter := newBodies(600)
		var out []byte
		var err error
		for wire := v.Wire; len(wire) > 0 && err == nil; {
			var f petrichor.Frame
			if f, wire, err = petrichor.CutFrame(wire); err != nil {
				t.Fatal(v.Name, err)
			}
			if f, err = filter.Inbound(f); err == nil {
				out = append(append(out, f.Header...), f.Body...)
			}
		}
		switch {
		case v.Refuse == "" && (err != nil || !bytes.Equal(out, v.Undo)):
			t.Errorf("%s: %.100q, %v; want %.100q", v.Name, out, err, v.Undo)
		case v.Refuse != "" && (refused[v.Refuse] == nil || !errors.Is(err, refused[v.Refuse])):
			t.Errorf("%s: %v; want %s", v.Name, err, v.Refuse)
		}
	}
	if n == 0 {
		t.Error("there are no vectors")
	}
}
