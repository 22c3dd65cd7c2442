// Command draw draws the pictures of spec/petrichor.md.
//
//	go run ./spec/draw docs/img
//
// They are computed from the sessions in the document: petrichor cuts, or is fed, the bytes that
// are in them, so a picture cannot say what the program beside it does not do.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/spec"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "draw: want one directory")
		os.Exit(2)
	}
	for name, svg := range pictures() {
		if err := os.WriteFile(filepath.Join(os.Args[1], name), svg, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "draw:", err)
			os.Exit(1)
		}
	}
}

// pictures returns all of them under the names of their files.
func pictures() map[string][]byte {
	return map[string][]byte{
		"spec-element.svg":   element(literals("1. ", `cut\(b"([^"]*)"\)`)[0]),
		"spec-boxes.svg":     boxes(literals("3. ", `data = b"([^"]*)"`)[0]),
		"spec-parser.svg":    parser(literals("6. ", `b"([^"]*)"`)),
		"spec-handshake.svg": handshake(conversation()),
	}
}

// literals returns what pattern finds in the sessions of a chapter.
func literals(chapter, pattern string) (found []string) {
	for _, c := range spec.Chapters() {
		for _, f := range c.Fences {
			if f.Language != "pycon" || !strings.HasPrefix(c.Title, chapter) {
				continue
			}
			for _, line := range strings.Split(f.Text, "\n") {
				found = append(found, inLine(line, pattern)...)
			}
		}
	}
	return found
}

// inLine looks at what a person types in a session, not at what is answered.
func inLine(line, pattern string) (found []string) {
	if !strings.HasPrefix(line, ">>>") {
		return nil
	}
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(line, -1) {
		found = append(found, m[1])
	}
	return found
}

// An exchange is one frame of a conversation.
type exchange struct {
	who   string // connect or accept
	verb  string
	frame string
}

// conversation returns the frames of the session in chapter 7.
func conversation() []exchange {
	user := literals("7. ", `greet\(here, \{"user": "(\w+)"\}`)[0]
	body := literals("7. ", `request\(stream, \{"id": 1\}, b"(\w+)"`)[0]
	first := petrichor.Header{"user": user}
	id := petrichor.Header{"id": 1}
	return []exchange{
		{"connect", "who I am", frame(first, "")},
		{"accept", "allow", frame(petrichor.Header{"allowed": true}, "")},
		{"connect", "request", frame(id, body)},
		{"accept", "reply", frame(id, strings.ToUpper(body))},
	}
}

func frame(header petrichor.Header, body string) string {
	b, err := petrichor.AppendFrame(nil, header, body)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// A part is an element cut open.
type part struct {
	size, payload, tag string
	container          bool
}

// cut returns the first element of s, which is well formed, and what follows.
func cut(s string) (part, string) {
	el, rest, err := petrichor.Cut([]byte(s))
	if err != nil {
		panic(err)
	}
	container := el.Kind == petrichor.KindList || el.Kind == petrichor.KindDict
	return part{strconv.Itoa(len(el.Payload)), string(el.Payload), string(rune(el.Kind)), container}, string(rest)
}
