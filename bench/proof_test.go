package main

import (
	"strings"
	"testing"
)

// losses says which peers do not carry which subjects, and why.  Whoever is not here has to.
var losses = map[string]string{}

// TestEveryPeerCarriesTheWholeContent is what makes the figures comparable.
func TestEveryPeerCarriesTheWholeContent(t *testing.T) {
	for _, w := range workloads {
		t.Run(w.name, func(t *testing.T) {
			if testing.Short() && strings.HasPrefix(w.name, "body") {
				t.Skip("large")
			}
			s := w.make()
			for _, p := range peers {
				c := p.codec(s)
				if c == nil {
					continue
				}
				if err := prove(s, c); err != nil {
					t.Errorf("%s: %v", p.name, err)
				}
			}
		})
	}
}
