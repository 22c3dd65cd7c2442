package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
)

const committed = "../../docs/img/frame.svg"

func TestCommittedPictureIsCurrent(t *testing.T) {
	want, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	if got := drawn(t); !bytes.Equal(got, want) {
		t.Errorf("%s is not what the program draws: go run ./internal/picture > docs/img/frame.svg", committed)
	}
}

func TestPictureIsWellFormedXML(t *testing.T) {
	for d := xml.NewDecoder(bytes.NewReader(drawn(t))); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestPictureShowsEveryByteAndEveryWord(t *testing.T) {
	svg := string(drawn(t))
	var cells strings.Builder
	for _, m := range regexp.MustCompile(`class="byte"[^>]*>(.)<`).FindAllStringSubmatch(svg, -1) {
		cells.WriteString(m[1])
	}
	for _, want := range []string{header + body, cut(header).payload, ",#^!~]}"} {
		if !strings.Contains(cells.String(), want) {
			t.Errorf("cells read %q, which has no %q", cells.String(), want)
		}
	}
	for _, word := range []string{
		"frame", "HEADER", "BODY", "element", "size", "colon", "payload", "tag", "dict", "entry", "key", "value",
	} {
		if !regexp.MustCompile(`<text[^>]*>[^<]*\b` + word + `\b`).MatchString(svg) {
			t.Errorf("no label says %q", word)
		}
	}
}

func TestDrawReportsAFullDisk(t *testing.T) {
	r, w := io.Pipe()
	r.CloseWithError(io.ErrShortWrite)
	if err := draw(w); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("draw to a broken writer: %v", err)
	}
}

func drawn(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := draw(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
