package spec

// The document as a program.
//
// Its chapters are its second-level headings. A fence says in its first line
// what is in it, and for whom:
//
//	```python petrichor/wire.py    code for that file
//	```pycon                       a session; what it prints is verified
//	```console                     a session in a shell
//
// Code for a file is added at its end, with two exceptions: imports go to its
// top, and what defines a name that the file has already takes that one's place,
// and what stands above it in the fence goes with it.
// So a function that a later chapter has to change is shown there whole, and
// the file has it once.

import (
	_ "embed"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Document is the specification, in Markdown.
//
//go:embed petrichor.md
var Document string

// A Chapter is what stands under one heading of the document.
type Chapter struct {
	Title  string
	Fences []Fence
	Rules  []Rule
	Passes []string // topics of vectors that the program passes from here on
}

// A Fence is a piece of the document that is not prose.
type Fence struct {
	Language string
	File     string // that it is a part of, or nothing
	Text     string
}

// A Rule is one numbered sentence and what proves it: names of vectors, and of
// Go tests.
type Rule struct {
	Number string
	Text   string
	Proof  []string
}

// Chapters returns the chapters of the document.
func Chapters() []Chapter { return parseChapters(Document) }

var (
	fencePattern  = regexp.MustCompile("(?ms)^```(\\w+) ?(\\S*)\n(.*?)^```$")
	rulePattern   = regexp.MustCompile(`(?ms)^\*\*(\w+\.\d+)\*\* (.*?)\n<sub>(.*?)</sub>$`)
	passesPattern = regexp.MustCompile(`(?ms)^\*\*It now passes\*\* (.*?)\n\n`)
	namePattern   = regexp.MustCompile("`([^`]+)`")
)

func parseChapters(document string) (chapters []Chapter) {
	for _, text := range strings.Split("\n"+document, "\n## ")[1:] {
		title, _, _ := strings.Cut(text, "\n")
		c := Chapter{Title: title}
		for _, m := range fencePattern.FindAllStringSubmatch(text, -1) {
			c.Fences = append(c.Fences, Fence{m[1], m[2], m[3]})
		}
		for _, m := range rulePattern.FindAllStringSubmatch(text, -1) {
			c.Rules = append(c.Rules, Rule{m[1], strings.Join(strings.Fields(m[2]), " "), names(m[3])})
		}
		if m := passesPattern.FindStringSubmatch(text); m != nil {
			c.Passes = names(m[1])
		}
		chapters = append(chapters, c)
	}
	return chapters
}

// names returns what stands between backquotes in text.
func names(text string) (list []string) {
	for _, m := range namePattern.FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return list
}

// Tangle returns the files of the program as it stands at the end of chapters.
func Tangle(chapters []Chapter) map[string]string {
	parts := map[string][]part{}
	for _, c := range chapters {
		for _, f := range c.Fences {
			if f.File != "" {
				parts[f.File] = merge(parts[f.File], f.Text)
			}
		}
	}
	files := map[string]string{}
	for name, list := range parts {
		files[name] = join(list)
	}
	return files
}

// Files returns the names of files, sorted.
func Files(files map[string]string) []string { return slices.Sorted(maps.Keys(files)) }

// A part is one statement of a Python file, with the comments and decorators in
// front of it.
type part struct {
	name string // what it defines, or its first line
	text string
}

var definition = regexp.MustCompile(`^(?:(?:def|class) (\w+)|(\w+) = )`)

// merge adds the statements in code to list. What is new goes in front of what
// follows it in code and is not, so that a definition stands before its first use.
func merge(list []part, code string) []part {
	before := len(list)
	for _, p := range slices.Backward(split(code)) {
		if at := slices.IndexFunc(list, func(old part) bool { return old.name == p.name }); at >= 0 {
			list[at], before = p, at
			continue
		}
		list = slices.Insert(list, before, p)
	}
	return list
}

// split cuts code into its statements: each begins in the first column.
func split(code string) (parts []part) {
	open := false // a decorator or comment waits for its statement
	for line := range strings.Lines(code) {
		begins := line[0] != ' ' && line[0] != ')' && line[0] != '}' && line[0] != ']' && line != "\n"
		if begins && !open {
			parts = append(parts, part{})
		}
		last := &parts[len(parts)-1]
		last.text += line
		if begins {
			open = line[0] == '@' || line[0] == '#'
			last.name = nameOf(line)
		}
	}
	return parts
}

func nameOf(line string) string {
	if m := definition.FindStringSubmatch(line); m != nil {
		return m[1] + m[2]
	}
	return line
}

func (p part) isBlock() bool { return strings.Contains(strings.TrimSpace(p.text), "\n") }

func (p part) isImport() bool {
	return strings.HasPrefix(p.name, "import ") || strings.HasPrefix(p.name, "from ")
}

// hoist takes the imports out of list and returns them as one part: those of
// Python first, then ours, each module once.
func hoist(list []part) (imports part, others []part) {
	modules := map[string][]string{}
	for _, p := range list {
		if !p.isImport() {
			others = append(others, p)
			continue
		}
		module, names, _ := strings.Cut(strings.TrimSpace(p.text), " import ")
		modules[module] = append(modules[module], strings.Split(names, ", ")...)
	}
	var python, ours []string
	for _, module := range slices.Sorted(maps.Keys(modules)) {
		names := slices.Compact(slices.Sorted(slices.Values(modules[module])))
		switch line := module + " import " + strings.Join(names, ", ") + "\n"; {
		case strings.HasPrefix(module, "import "):
			python = append(python, module+"\n")
		case strings.HasPrefix(module, "from petrichor"):
			ours = append(ours, line)
		default:
			python = append(python, line)
		}
	}
	slices.SortStableFunc(python, func(a, b string) int { return -strings.Compare(a[:1], b[:1]) })
	return part{text: strings.TrimSpace(strings.Join(python, "")+"\n"+strings.Join(ours, "")) + "\n"}, others
}

// join puts a file together: the string it begins with, the imports, and the
// rest with two empty lines around what has more than one line.
func join(list []part) string {
	imports, others := hoist(list)
	file := strings.TrimSpace(others[0].text) + "\n"
	if imports.text != "\n" {
		file += "\n" + imports.text
	}
	for i, p := range others[1:] {
		gap := "\n"
		if i == 0 || p.isBlock() || others[i].isBlock() {
			gap = "\n\n"
		}
		file += gap + strings.TrimSpace(p.text) + "\n"
	}
	return file
}
