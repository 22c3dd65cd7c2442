package petrichor

import (
	"io"
	"strings"
	"testing"
)

func TestNextFrameSkipsABodyNobodyRead(t *testing.T) {
	for _, body := range []string{"0:~", "5:hello,"} {
		d := NewDecoder(strings.NewReader("0:}" + body + "3:0:,}0:~"))
		_, kept, err := d.NextFrame()
		if err != nil {
			t.Fatal(err)
		}
		if header, _, err := d.NextFrame(); err != nil || string(header) != "3:0:,}" {
			t.Errorf("after a body %q: %q, %v", body, header, err)
		}
		if _, err := kept.Read(make([]byte, 1)); err != errStale {
			t.Errorf("the body kept too long: %v", err)
		}
		if _, err := kept.WriteTo(io.Discard); err != errStale {
			t.Errorf("the body kept too long: %v", err)
		}
	}
}
