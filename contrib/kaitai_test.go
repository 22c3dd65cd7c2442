// Package contrib tests the descriptions of petrichor for other programs.
package contrib

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os/exec"
	"reflect"
	"testing"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/spec"
)

// seen is an element as kaitai.js shows it.
type seen struct {
	Kind     string
	Payload  string
	Elements []seen
}

// reading is what Kaitai made of an input: frames, or why there are none.
type reading struct {
	Frames [][2]seen
	Error  string
}

// Kaitai's compiler takes the description, and what it makes of it cuts every
// frame and element of the vectors as Go does.  It checks no more than that, so what
// is refused for other reasons is left out, and what ends too early has to be refused.
func TestKaitaiSeesTheVectors(t *testing.T) {
	vectors := vectors()
	var in bytes.Buffer
	for _, v := range vectors {
		in.WriteString(hex.EncodeToString(framed(v)) + "\n")
	}
	readings := kaitai(t, &in)
	if len(readings) != len(vectors) || len(vectors) < 150 {
		t.Fatalf("%d readings of %d vectors", len(readings), len(vectors))
	}
	for i, v := range vectors {
		want := frames(framed(v))
		if got := readings[i]; (got.Error != "") != (v.Want == "short") || v.Want == "ok" && !reflect.DeepEqual(got.Frames, want) {
			t.Errorf("%s/%s: %s: got %+v, want %+v", v.Topic, v.Name, v.Want, got, want)
		}
	}
}

// vectors are those that this much can be said of: well formed without any option,
// or with an end that is missing.
func vectors() (list []spec.Vector) {
	for _, v := range spec.Vectors() {
		if len(v.Options) == 0 && len(v.Rest) == 0 && len(v.Wire) > 0 && (v.Want == "ok" || v.Want == "short" && v.Read != "element") {
			list = append(list, v)
		}
	}
	return list
}

// framed is the wire of v as a stream of frames: an element is made a body.
func framed(v spec.Vector) []byte {
	if v.Read != "element" {
		return v.Wire
	}
	return append([]byte("0:}"), v.Wire...)
}

// frames are those of b, cut by Go.
func frames(b []byte) (list [][2]seen) {
	for f, rest, err := petrichor.CutFrame(b); err == nil; f, rest, err = petrichor.CutFrame(rest) {
		list = append(list, [2]seen{elements(f.Header)[0], elements(f.Body)[0]})
	}
	return list
}

var kinds = map[petrichor.Kind]string{
	petrichor.KindString: "STRING", petrichor.KindInt: "INT", petrichor.KindFloat: "FLOAT", petrichor.KindBool: "BOOL",
	petrichor.KindNull: "NULL_VALUE", petrichor.KindList: "LIST", petrichor.KindDict: "DICT",
}

func elements(b []byte) []seen {
	list := []seen{}
	for el, rest, err := petrichor.Cut(b); err == nil; el, rest, err = petrichor.Cut(rest) {
		s := seen{Kind: kinds[el.Kind], Payload: hex.EncodeToString(el.Payload)}
		if el.Kind == petrichor.KindList || el.Kind == petrichor.KindDict {
			s = seen{Kind: s.Kind, Elements: elements(el.Payload)}
		}
		list = append(list, s)
	}
	return list
}

func kaitai(t *testing.T, in *bytes.Buffer) (all []reading) {
	if err := exec.Command("node", "-e", "require('kaitai-struct-compiler'); require('kaitai-struct'); require('js-yaml')").Run(); err != nil {
		t.Skip("needs node: with kaitai-struct-compiler, kaitai-struct and js-yaml where NODE_PATH says")
	}
	cmd := exec.Command("node", "kaitai.js")
	cmd.Stdin = in
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("kaitai.js: %v", err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var r reading
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}
