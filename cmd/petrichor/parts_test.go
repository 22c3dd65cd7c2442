package main

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

// Parts that are not one file, one after another, are refused.
func TestParts(t *testing.T) {
	part := func(offset, size int, modified, text string) petrichor.Frame {
		header, _ := petrichor.Marshal(petrichor.Header{"offset": offset, "size": size, "modified": modified})
		return petrichor.Frame{Header: header, Body: petrichor.Raw(fmt.Sprintf("%d:%s,", len(text), text))}
	}
	for _, c := range []struct {
		name  string
		parts []petrichor.Frame
		want  string
		code  int
	}{
		{"two parts", []petrichor.Frame{part(0, 6, "a", "one"), part(3, 6, "a", "two")}, "onetwo", exitOK},
		{"nothing", []petrichor.Frame{part(0, 0, "a", "")}, "", exitOK},
		{"another file", []petrichor.Frame{part(0, 6, "a", "one"), part(3, 6, "b", "two")}, "one", exitOther},
		{"another size", []petrichor.Frame{part(0, 6, "a", "one"), part(3, 7, "a", "two")}, "one", exitOther},
		{"another place", []petrichor.Frame{part(0, 6, "a", "one"), part(0, 6, "a", "two")}, "one", exitMalformed},
		{"no end", []petrichor.Frame{part(0, 6, "a", "one"), part(3, 6, "a", "")}, "one", exitMalformed},
		{"no part", []petrichor.Frame{{Header: petrichor.Raw("0:}"), Body: petrichor.Raw("0:]")}}, "", exitMalformed},
		{"closed", nil, "", exitClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			near, far := net.Pipe()
			go testPeer{func(n int, _ petrichor.Frame) []petrichor.Frame {
				if n >= len(c.parts) {
					return nil
				}
				return c.parts[n : n+1]
			}}.serve(far)
			s := &session{addr: "peer", conn: petrichor.NewConn(near), timeout: 5 * time.Second}
			defer s.conn.Close()
			if _, err := s.greet(nil); err != nil {
				t.Fatal(err)
			}
			stdout := captureStdout(t)
			r := &requestVerb{client: newClient(&app{color: newChoice("never")})}
			out, err := r.app.open("")
			if err != nil {
				t.Fatal(err)
			}
			err = out.close(r.parts(s, out))
			if got := stdout(); got != c.want || codeOf(err) != c.code {
				t.Errorf("%q, %v, want %q and exit code %d", got, err, c.want, c.code)
			}
		})
	}
}
