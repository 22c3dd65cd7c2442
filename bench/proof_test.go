package main

import (
	"strings"
	"testing"
)

// losses are the peers that do not carry a subject, and a word of why.  All others have to.
var losses = map[string]string{
	"A/ugorji cbor":       "Birthday", // times are rounded to microseconds
	"A/anacrolix bencode": "float64",
	"A/zeebo/bencode":     "float64",

	"Frame/shamaton/msgpack":     "aliases",
	"FrameMap/shamaton/msgpack":  "aliases",
	"FrameMap/anacrolix bencode": "final", // bools are ints
	"FrameMap/zeebo/bencode":     "final",

	"Floats/anacrolix bencode": "float64",
	"Floats/zeebo/bencode":     "float64",

	"canada/anacrolix bencode":      "array",
	"canada/zeebo/bencode":          "float64",
	"canada any/anacrolix bencode":  "float64",
	"canada any/zeebo/bencode":      "float64",
	"citm/hashicorp/go-msgpack":     "Events", // the values of a map share memory
	"citm/anacrolix bencode":        "Events", // there is no null
	"citm any/anacrolix bencode":    "zero Value",
	"citm any/zeebo/bencode":        "", // there is no null
	"twitter/anacrolix bencode":     "float64",
	"twitter/zeebo/bencode":         "float64",
	"twitter any/anacrolix bencode": "float64",
	"twitter any/zeebo/bencode":     "float64",

	"body 1 MiB/shamaton/msgpack":  "aliases",
	"body 64 MiB/shamaton/msgpack": "aliases",
}

// TestEveryPeerCarriesTheWholeContent is what makes the figures comparable.
func TestEveryPeerCarriesTheWholeContent(t *testing.T) {
	for _, w := range workloads {
		if w.make == nil || testing.Short() && strings.Contains(w.name, "64 MiB") {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			s := w.make()
			for _, p := range peers {
				if c := p.codec(s); c != nil {
					checkLoss(t, s.name+"/"+p.name, prove(s, c))
				}
			}
		})
	}
}

func checkLoss(t *testing.T, who string, err error) {
	want, known := losses[who]
	switch {
	case err != nil && !known:
		t.Errorf("%s: %v", who, err)
	case err == nil && known:
		t.Errorf("%s carries everything now; losses says %q", who, want)
	case err != nil && !strings.Contains(err.Error(), want):
		t.Errorf("%s: %v; losses says %q", who, err, want)
	}
}
