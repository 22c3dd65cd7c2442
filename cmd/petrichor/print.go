package main

// Elements as text: as JSON, or in a form for people.
//
// # The JSON projection
//
// What cat --to json writes, cat --from json reads back to the same bytes:
//
//	null, bool            null, true, false
//	int                   its digits, any number of them:    -12
//	float                 its text, which has a point or an
//	                      exponent, so that it stays a float: 1.0
//	float that has neither                                   {"$float":"1"}
//	inf, nan                                                 {"$float":"inf"}
//	string of UTF-8       "text"
//	other string          {"$bytes":"base64, padded"}
//	list                  [1,"a"]
//	dict                  {"key":1}, in the order of the wire
//	dict with a key that
//	is not UTF-8          {"$dict":[["key",1],[{"$bytes":"/w=="},2]]}
//	dict whose one key is
//	$bytes, $float, $text
//	or $dict              that key has a $ more:             {"$$bytes":1}
//	text (mitmproxy's ;)  as a string; with --exact          {"$text":"a"}
//	dict with text keys   as above; with --exact             {"$dict":[[{"$text":"a"},1]]}
//	frame                 {"header":{...},"body":...}
//
// Only an object with exactly one key can mean something else than a dict, so other keys that
// begin with $ need no care.  From JSON that was not written here, -0 becomes the float -0.0: there
// is no such int.  Escapes are \uXXXX for every rune that a terminal could obey; half a surrogate
// pair and bytes that are not UTF-8 are refused when read, not replaced.
//
// Text and strings are told apart only with --exact, because jq wants .request.host and not
// .request["$text"] at every step; without it what comes back from a mitmproxy dump has strings
// where it had text.

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/petrichor-protocol/petrichor"
)

// escapes are the keys that make an object with no other key mean something else than a dict.
var escapes = []string{"$bytes", "$float", "$text", "$dict"}

// anyElement are the options under which everything that has been checked can be cut again.
var anyElement = []petrichor.Option{petrichor.AllowText(true), petrichor.MaxSize(999_999_999_999)}

// A printer writes elements that have been checked.  An error of the writer stays in it until it
// is flushed.
type printer struct {
	w      *bufio.Writer
	colors palette
	indent int  // spaces a level; 0: one line
	exact  bool // JSON: tell text from strings
	pretty bool // for people: not JSON
	clip   int  // pretty: bytes of a string that are shown; 0: all
	level  int
}

// raw prints one whole element.
func (p *printer) raw(raw petrichor.Raw) {
	for _, el := range elements(raw) {
		p.element(el)
	}
}

// frame prints both halves of a frame as one object.
func (p *printer) frame(f petrichor.Frame) {
	p.open('{')
	for i, half := range []petrichor.Raw{f.Header, f.Body} {
		p.separate(i)
		p.name([]string{"header", "body"}[i], nil)
		p.raw(half)
	}
	p.close('}', false)
}

func (p *printer) element(el petrichor.Element) {
	switch el.Kind {
	case petrichor.KindNull:
		p.paint(p.colors.word, "null")
	case petrichor.KindBool:
		p.paint(p.colors.word, string(el.Payload))
	case petrichor.KindInt:
		p.paint(p.colors.number, string(el.Payload))
	case petrichor.KindFloat:
		p.float(el.Payload)
	case petrichor.KindList:
		p.list(el.Payload)
	case petrichor.KindDict:
		p.dict(el.Payload)
	default:
		p.str(el)
	}
}

func (p *printer) float(text []byte) {
	if p.pretty || bytes.ContainsAny(text, ".eE") {
		p.paint(p.colors.number, string(text))
		return
	}
	p.wrapped("$float", func() { p.quoted(text) })
}

func (p *printer) str(el petrichor.Element) {
	defer p.paint("", p.colors.reset)
	p.paint(p.colors.text, "")
	switch {
	case p.pretty:
		p.short(el.Payload)
	case p.exact && el.Kind == petrichor.KindText:
		p.wrapped("$text", func() { p.quoted(el.Payload) })
	case utf8.Valid(el.Payload):
		p.quoted(el.Payload)
	default:
		p.wrapped("$bytes", func() { p.base64(el.Payload) })
	}
}

// short prints a string for people, or as much of it as they want.
func (p *printer) short(s []byte) {
	if p.clip > 0 {
		p.w.Write(quoteShort(s, p.clip))
		return
	}
	writeQuoted(p.w, s)
}

func (p *printer) list(payload []byte) {
	p.open('[')
	for i, el := range elements(payload) {
		p.separate(i)
		p.element(el)
	}
	p.close(']', len(payload) == 0)
}

func (p *printer) dict(payload []byte) {
	if !p.pretty && !p.plainKeys(payload) {
		p.wrapped("$dict", func() { p.entries(payload) })
		return
	}
	more := ""
	if !p.pretty && needsEscape(payload) {
		more = "$"
	}
	p.open('{')
	for i, el := range elements(payload) {
		if i%2 == 1 {
			p.element(el)
			continue
		}
		p.separate(i)
		p.name(more, el.Payload)
	}
	p.close('}', len(payload) == 0)
}

// entries prints a dict as a list of [key, value].
func (p *printer) entries(payload []byte) {
	p.open('[')
	for i, el := range elements(payload) {
		if i%2 == 0 {
			p.separate(i)
			p.w.WriteByte('[')
			p.element(el)
			p.w.WriteByte(',')
			continue
		}
		p.element(el)
		p.w.WriteByte(']')
	}
	p.close(']', len(payload) == 0)
}

// plainKeys reports whether every key of a dict can be a key in JSON.
func (p *printer) plainKeys(payload []byte) bool {
	for i, el := range elements(payload) {
		if i%2 == 0 && (!utf8.Valid(el.Payload) || p.exact && el.Kind == petrichor.KindText) {
			return false
		}
	}
	return true
}

// needsEscape reports whether a dict would be read back as something else: it has one key, and
// that is an escape, with or without a $ more.
func needsEscape(payload []byte) bool {
	key, count := []byte(nil), 0
	for i, el := range elements(payload) {
		if i == 0 {
			key = el.Payload
		}
		if count++; count > 2 {
			return false
		}
	}
	return isEscape(string(key))
}

// isEscape reports whether key is one of escapes, or one with more $ in front.
func isEscape(key string) bool {
	name := strings.TrimLeft(key, "$")
	return name != key && slices.Contains(escapes, "$"+name)
}

// elements cuts a checked payload into its elements, and numbers them.
func elements(payload []byte) iter.Seq2[int, petrichor.Element] {
	return func(yield func(int, petrichor.Element) bool) {
		for i := 0; len(payload) > 0; i++ {
			el, rest, err := petrichor.Cut(payload, anyElement...)
			if err != nil || !yield(i, el) {
				return
			}
			payload = rest
		}
	}
}

func (p *printer) open(bracket byte) {
	p.w.WriteByte(bracket)
	p.level++
}

func (p *printer) close(bracket byte, empty bool) {
	p.level--
	if !empty {
		p.newline()
	}
	p.w.WriteByte(bracket)
}

// separate stands before the i-th part of a container.
func (p *printer) separate(i int) {
	if i > 0 {
		p.w.WriteByte(',')
	}
	if i > 0 && p.pretty && p.indent == 0 {
		p.w.WriteByte(' ')
	}
	p.newline()
}

func (p *printer) newline() {
	if p.indent == 0 {
		return
	}
	p.w.WriteByte('\n')
	for range p.level * p.indent {
		p.w.WriteByte(' ')
	}
}

// name prints the key that more and key are together, and its colon.
func (p *printer) name(more string, key []byte) {
	if more != "" {
		key = append([]byte(more), key...)
	}
	p.paint(p.colors.key, "")
	if p.pretty {
		writeQuoted(p.w, key)
	} else {
		p.quoted(key)
	}
	p.paint("", p.colors.reset)
	p.w.WriteByte(':')
	if p.pretty || p.indent > 0 {
		p.w.WriteByte(' ')
	}
}

// wrapped prints {"name":value}, always on one line but for what value does itself.
func (p *printer) wrapped(name string, value func()) {
	fmt.Fprintf(p.w, `{"%s":`, name)
	value()
	p.w.WriteByte('}')
}

func (p *printer) base64(b []byte) {
	p.w.WriteByte('"')
	encoder := base64.NewEncoder(base64.StdEncoding, p.w)
	encoder.Write(b)
	encoder.Close()
	p.w.WriteByte('"')
}

// quoted prints UTF-8 as a JSON string.
func (p *printer) quoted(s []byte) {
	p.w.WriteByte('"')
	for len(s) > 0 {
		plain := bytes.IndexFunc(s, needsQuoting)
		if plain < 0 {
			plain = len(s)
		}
		p.w.Write(s[:plain])
		s = s[plain+p.quoteRune(s[plain:]):]
	}
	p.w.WriteByte('"')
}

func needsQuoting(r rune) bool { return r == '"' || r == '\\' || hostile(r) }

// quoteRune prints the escape of the first rune of s, and returns how many bytes it took.
func (p *printer) quoteRune(s []byte) int {
	if len(s) == 0 {
		return 0
	}
	r, n := utf8.DecodeRune(s)
	switch r {
	case '"', '\\':
		p.w.WriteByte('\\')
		p.w.WriteRune(r)
	case '\n':
		p.w.WriteString(`\n`)
	case '\t':
		p.w.WriteString(`\t`)
	default:
		fmt.Fprintf(p.w, `\u%04x`, r)
	}
	return n
}

func (p *printer) paint(color, text string) {
	p.w.WriteString(color)
	p.w.WriteString(text)
	if color != "" && text != "" {
		p.w.WriteString(p.colors.reset)
	}
}

// reading is an element on one line for people, cut off after limit bytes or so.
func reading(raw petrichor.Raw, limit int) string {
	var line boundedBuffer
	line.left = limit
	p := printer{w: bufio.NewWriterSize(&line, 16), pretty: true, clip: limit}
	p.raw(raw)
	p.w.Flush()
	if !line.full {
		return string(line.b)
	}
	return strings.ToValidUTF8(string(line.b), "") + "…"
}

// A boundedBuffer keeps the first bytes and fails after them, so that nobody renders the rest.
type boundedBuffer struct {
	b    []byte
	left int
	full bool
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.b = append(b.b, p[:n]...)
	b.left -= n
	if n < len(p) {
		b.full = true
		return n, io.ErrShortWrite
	}
	return n, nil
}
