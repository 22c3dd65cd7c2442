package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor/spec"
)

const images = "../../docs/img"

func TestCommittedPicturesAreCurrent(t *testing.T) {
	committed, err := filepath.Glob(images + "/spec-*.svg")
	if err != nil || len(committed) != len(pictures()) {
		t.Errorf("%d pictures are committed, and %d drawn; %v", len(committed), len(pictures()), err)
	}
	for name, drawn := range pictures() {
		if want, err := os.ReadFile(filepath.Join(images, name)); err != nil || !bytes.Equal(drawn, want) {
			t.Errorf("%s is not what is drawn: go run ./spec/draw docs/img; %v", name, err)
		}
		if !strings.Contains(spec.Document, "(../docs/img/"+name+")") {
			t.Errorf("the document does not show %s", name)
		}
	}
}

func TestPicturesAreWellFormedXML(t *testing.T) {
	for name, drawn := range pictures() {
		for d := xml.NewDecoder(bytes.NewReader(drawn)); ; {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

// The frame at the top of the document is a vector too.
func TestFrameInThePictureIsAVector(t *testing.T) {
	svg, err := os.ReadFile(images + "/frame.svg")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range spec.Vectors() {
		if v.Name != "frame-plain" {
			continue
		}
		for rest := string(v.Wire); rest != ""; {
			var el part
			el, rest = cut(rest)
			if text := el.size + ":" + el.payload + el.tag; !strings.Contains(string(svg), text) {
				t.Errorf("frame.svg does not show %s", text)
			}
		}
		return
	}
	t.Error("no vector frame-plain")
}
