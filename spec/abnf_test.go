package spec

// The grammar of the document, executed: it reads ABNF (RFC 5234, as much of it as is
// used there), and says whether bytes are what a rule describes. What ABNF cannot say,
// that a payload has as many bytes as its size, it knows: `size ":" x tag` is x in just
// that many bytes.

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor"
)

// A grammar is its rules; each returns the places in text where what it matches from at
// can end.
type grammar map[string]matcher

type matcher func(text []byte, at int) (ends []int)

var (
	abnfLine  = regexp.MustCompile(`(?m)^([a-z0-9]+) += (.*)$`)
	abnfToken = regexp.MustCompile(`%s"[^"]*"|"[^"]*"|%x[0-9A-F]+(?:-[0-9A-F]+)?|[A-Za-z][A-Za-z0-9]*|[0-9]+|[][()*/]`)
	digits    = regexp.MustCompile(`^[0-9]+$`)
)

func parseGrammar(text string) grammar {
	text = regexp.MustCompile(`;[^"\n]*\n`).ReplaceAllString(text, "\n")
	text = regexp.MustCompile(`\n {2,}`).ReplaceAllString(text, " ")
	g := grammar{"DIGIT": anyOf('0', '9'), "OCTET": anyOf(0, 255)}
	for _, m := range abnfLine.FindAllStringSubmatch(text, -1) {
		p := &abnf{g, abnfToken.FindAllString(m[2], -1)}
		g[m[1]] = p.alternatives()
		if len(p.tokens) > 0 {
			panic("not ABNF: " + strings.Join(p.tokens, " "))
		}
	}
	return g
}

// An abnf reads the tokens of one rule.
type abnf struct {
	g      grammar
	tokens []string
}

func (p *abnf) peek() string { return strings.Join(p.tokens[:min(1, len(p.tokens))], "") }

func (p *abnf) take() string {
	token := p.tokens[0]
	p.tokens = p.tokens[1:]
	return token
}

func (p *abnf) alternatives() matcher {
	list := []matcher{p.sequence()}
	for p.peek() == "/" {
		p.take()
		list = append(list, p.sequence())
	}
	return func(text []byte, at int) (ends []int) {
		for _, m := range list {
			ends = append(ends, m(text, at)...)
		}
		return unique(ends)
	}
}

func (p *abnf) sequence() matcher {
	if len(p.tokens) > 3 && p.tokens[0] == "size" && p.tokens[1] == `":"` {
		p.tokens = p.tokens[2:]
		return sized(p.g, p.repetition(), p.repetition())
	}
	var list []matcher
	for !slices.Contains([]string{"", "/", ")", "]"}, p.peek()) {
		list = append(list, p.repetition())
	}
	return func(text []byte, at int) []int {
		ends := []int{at}
		for _, m := range list {
			ends = after(m, text, ends)
		}
		return ends
	}
}

// sized matches size, colon, x in as many bytes, and tag.
func sized(g grammar, x, tag matcher) matcher {
	return func(text []byte, at int) (ends []int) {
		for _, colon := range g["size"](text, at) {
			n, err := strconv.Atoi(string(text[at:colon]))
			stop := colon + 1 + n
			if err != nil || stop >= len(text) || text[colon] != ':' {
				continue
			}
			// The tag first: else each container would be looked into as each kind.
			if end := tag(text, stop); len(end) > 0 && slices.Contains(x(text[:stop], colon+1), stop) {
				ends = append(ends, end...)
			}
		}
		return ends
	}
}

// repetition reads *x, 1*x, *8x or x.
func (p *abnf) repetition() matcher {
	least, most := 1, 1
	if digits.MatchString(p.peek()) {
		least = sure(strconv.Atoi(p.take()))
	} else if p.peek() == "*" {
		least = 0
	}
	if p.peek() == "*" {
		p.take()
		most = 1 << 30
	}
	if digits.MatchString(p.peek()) {
		most = sure(strconv.Atoi(p.take()))
	}
	return repeat(p.single(), least, most)
}

func repeat(m matcher, least, most int) matcher {
	return func(text []byte, at int) (ends []int) {
		now := []int{at}
		for n := 0; len(now) > 0; n++ {
			if n >= least {
				ends = append(ends, now...)
			}
			if n == most {
				break
			}
			now = after(m, text, now)
		}
		return unique(ends)
	}
}

func (p *abnf) single() matcher {
	switch token := p.take(); {
	case token == "(":
		return p.until(")")
	case token == "[":
		return repeat(p.until("]"), 0, 1)
	case strings.HasPrefix(token, "%x"):
		from, to, isRange := strings.Cut(token[2:], "-")
		if !isRange {
			to = from
		}
		return anyOf(byte(sure(strconv.ParseUint(from, 16, 8))), byte(sure(strconv.ParseUint(to, 16, 8))))
	case strings.HasSuffix(token, `"`):
		return literal(strings.Trim(strings.TrimPrefix(token, "%s"), `"`))
	default:
		return func(text []byte, at int) []int { return p.g[token](text, at) }
	}
}

func (p *abnf) until(closing string) matcher {
	m := p.alternatives()
	if token := p.take(); token != closing {
		panic("not ABNF: " + token + " for " + closing)
	}
	return m
}

func anyOf(from, to byte) matcher {
	return func(text []byte, at int) []int {
		if at == len(text) || text[at] < from || text[at] > to {
			return nil
		}
		return []int{at + 1}
	}
}

func literal(word string) matcher {
	return func(text []byte, at int) []int {
		if !bytes.HasPrefix(text[at:], []byte(word)) {
			return nil
		}
		return []int{at + len(word)}
	}
}

func after(m matcher, text []byte, places []int) (ends []int) {
	for _, at := range places {
		ends = append(ends, m(text, at)...)
	}
	return unique(ends)
}

func unique(places []int) []int {
	slices.Sort(places)
	return slices.Compact(places)
}

func (g grammar) matches(rule string, text []byte) bool {
	return slices.Contains(g[rule](text, 0), len(text))
}

func grammarOf(t *testing.T) string {
	t.Helper()
	for _, c := range Chapters() {
		for _, f := range c.Fences {
			if f.Language == "abnf" {
				return f.Text
			}
		}
	}
	t.Fatal("no grammar")
	return ""
}

// What the vectors say is well formed is in the language of the grammar, and what they
// say is malformed or short is not.
func TestGrammarDecidesAsTheVectorsDo(t *testing.T) {
	g := parseGrammar(grammarOf(t))
	decided := map[bool]int{}
	for _, v := range Vectors() {
		if !grammarDecides(v) {
			continue
		}
		want := v.Want == "ok"
		decided[want]++
		if got := g.says(v); got != want {
			t.Errorf("%s: in the language: %v, want %v", v.Name, got, want)
		}
	}
	t.Logf("well formed %d, not %d", decided[true], decided[false])
	if decided[true] < 100 || decided[false] < 100 {
		t.Errorf("decided: %v", decided)
	}
}

// grammarDecides reports whether v is one for the grammar: limits, ranges and leniencies
// are not, nor are keys that are there twice.
func grammarDecides(v Vector) bool {
	wire := v.Wire
	if v.Read != "element" {
		wire = slices.Concat([]byte(strconv.Itoa(len(wire))+":"), wire, []byte("]"))
	}
	twice := !petrichor.Valid(wire) && petrichor.Valid(wire, petrichor.AllowDuplicateKeys(true))
	return !twice && len(v.Options) == 0 && v.Want != "limit" && v.Want != "range"
}

// says reports whether what v reads is in the language.
func (g grammar) says(v Vector) bool {
	rule := map[string]string{"element": "element", "frames": "stream", "first": "frame", "answer": "frame"}[v.Read]
	wire := v.Wire
	if rule == "frame" {
		wire = wire[:len(wire)-len(v.Rest)]
	}
	return g.matches(rule, wire)
}

// A grammar with a fault is found by the vectors.
func TestVectorsFindFaultsOfTheGrammar(t *testing.T) {
	text := grammarOf(t)
	for _, fault := range [][2]string{
		{`"0" / digit1 *8DIGIT`, `1*DIGIT`},
		{`digit1 *8DIGIT`, `digit1 *1DIGIT`},
		{`"0" / [ "-" ] digit1 *DIGIT`, `[ "-" ] 1*DIGIT`},
		{`%x65 / %x45`, `%x65`},
		{`%s"false"`, `%s"False"`},
		{`[ "." 1*DIGIT ]`, `[ "." *DIGIT ]`},
		{`*( key element )`, `*( element element )`},
		{`"0" ":" "~"`, `size ":" string "~"`},
		{`header body`, `element body`},
	} {
		g := parseGrammar(strings.Replace(text, fault[0], fault[1], 1))
		found := slices.ContainsFunc(Vectors(), func(v Vector) bool {
			return grammarDecides(v) && g.says(v) != (v.Want == "ok")
		})
		if !found || !strings.Contains(text, fault[0]) {
			t.Errorf("%s for %s: no vector finds it", fault[1], fault[0])
		}
	}
}
