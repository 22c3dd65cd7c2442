package main

import (
	"testing"
	"time"
)

// What a number and a time can be is said where they are refused, and what is refused changes nothing.
func TestBoundedFlags(t *testing.T) {
	n, d, levels := 0, time.Duration(0), 7
	flags := map[string]interface {
		Set(text string) error
		String() string
	}{
		"count": numberFlag(&n, 3, 1),
		"depth": &whole{&levels, 0, maxLevels},
		"time":  timeFlag(&d, time.Second),
	}
	for _, c := range []struct{ flag, text, want, value string }{
		{"count", "0", "want a number, 1 or more", "3"},
		{"count", "-1", "want a number, 1 or more", "3"},
		{"count", "one", "want a number, 1 or more", "3"},
		{"count", "99999999999999999999", "want a number, 1 or more", "3"},
		{"count", "5", "", "5"},
		{"count", "0x10", "", "16"},
		{"depth", "-1", "want a number from 0 to 10000", "7"},
		{"depth", "10001", "want a number from 0 to 10000", "7"},
		{"depth", "10000", "", "10000"},
		{"time", "-1ns", "want a time such as 500ms or 1m30s, 0 or more", "1s"},
		{"time", "1", "want a time such as 500ms or 1m30s, 0 or more", "1s"},
		{"time", "0", "", "0"},
		{"time", "90s", "", "1m30s"},
	} {
		said := ""
		if err := flags[c.flag].Set(c.text); err != nil {
			said = err.Error()
		}
		if got := flags[c.flag].String(); said != c.want || got != c.value {
			t.Errorf("--%s %s: %q, is %s, want %q and %s", c.flag, c.text, said, got, c.want, c.value)
		}
	}
}
