package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Vector is one input and what has to become of it. vectors/README.md says
// what each field means, which has the name of its key there.
type Vector struct {
	Topic   string // the name of the file, without .txt
	Name    string
	Read    string // element, frames, first or answer
	Options []string
	Limits  map[string]int
	Wire    []byte
	Want    string
	At      int64 // -1 where no place is stated
	Rest    []byte
	Allowed bool
	Trace   string
	Canon   []byte // what encoding gives: without a key canon, Wire without Rest
	Wide    bool
	Undo    []byte // of a filter: the frames that come out
	Refuse  string // of a filter: what is wrong with the last frame
	Why     string
}

// The values that Read and Want can have.
var (
	reads = []string{"element", "frames", "first", "answer"}
	wants = []string{"ok", "short", "syntax error", "header error", "limit", "range"}
)

// Parse returns the vectors in text, a file of topic.
func Parse(topic, text string) ([]Vector, error) {
	var all []Vector
	line := 1
	for record := range strings.SplitSeq(text, "\n\n") {
		v, filled, err := parseRecord(topic, record)
		if err != nil {
			return nil, fmt.Errorf("spec: %s.txt, record at line %d: %w", topic, line, err)
		}
		if filled {
			all = append(all, v)
		}
		line += strings.Count(record, "\n") + 2
	}
	return all, nil
}

// parseRecord returns the vector of one record, if there is more in it than
// comments.
func parseRecord(topic, record string) (v Vector, filled bool, err error) {
	v = Vector{Topic: topic, Read: "element", At: -1}
	for line := range strings.Lines(record) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		filled = true
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return v, true, fmt.Errorf("%q has no colon", line)
		}
		if err := v.set(key, strings.TrimSpace(value)); err != nil {
			return v, true, fmt.Errorf("%s: %w", key, err)
		}
	}
	return v, filled, v.finish()
}

// set sets the field of key. A key that is not known is skipped.
func (v *Vector) set(key, value string) (err error) {
	switch key {
	case "name":
		v.Name = value
	case "read":
		v.Read = value
	case "options":
		v.Options = strings.Fields(value)
	case "limits":
		v.Limits, err = parseLimits(value)
	case "wire":
		v.Wire, err = Unescape(value)
	case "want":
		v.Want = value
	case "at":
		v.At, err = strconv.ParseInt(value, 10, 64)
	case "rest":
		v.Rest, err = Unescape(value)
	case "allowed":
		v.Allowed, err = parseYes(value)
	case "trace":
		v.Trace = value
	case "canon":
		v.Canon, err = Unescape(value)
	case "wide":
		v.Wide, err = parseYes(value)
	case "undo":
		v.Undo, err = Unescape(value)
	case "refuse":
		v.Refuse = value
	case "why":
		v.Why = value
	}
	return err
}

// finish verifies that v is complete.
func (v *Vector) finish() error {
	if v.Canon == nil {
		v.Canon = v.Wire[:max(0, len(v.Wire)-len(v.Rest))]
	}
	if v.Name == "" && v.Want == "" {
		return nil
	}
	if !slices.Contains(reads, v.Read) || !slices.Contains(wants, v.Want) {
		return fmt.Errorf("%s: cannot read %q and want %q", cmp.Or(v.Name, "no name"), v.Read, v.Want)
	}
	if v.Name == "" || v.Why == "" {
		return fmt.Errorf("%q has no name or no why", v.Name)
	}
	return nil
}

func parseLimits(value string) (map[string]int, error) {
	limits := map[string]int{}
	for field := range strings.FieldsSeq(value) {
		name, number, _ := strings.Cut(field, "=")
		n, err := strconv.Atoi(number)
		if err != nil {
			return nil, err
		}
		limits[name] = n
	}
	return limits, nil
}

func parseYes(value string) (bool, error) {
	if value != "yes" && value != "no" {
		return false, fmt.Errorf("%q is neither yes nor no", value)
	}
	return value == "yes", nil
}

// Unescape returns the bytes that text stands for: printable ASCII, with \\ for
// a backslash and \xNN for any byte.
func Unescape(text string) ([]byte, error) {
	b := make([]byte, 0, len(text))
	for text != "" {
		width, value := 1, uint64(text[0])
		if text[0] == '\\' {
			var err error
			if width, value, err = escape(text); err != nil {
				return nil, err
			}
		}
		b = append(b, byte(value))
		text = text[width:]
	}
	return b, nil
}

// escape reads the escape that text begins with.
func escape(text string) (width int, value uint64, err error) {
	if strings.HasPrefix(text, `\\`) {
		return len(`\\`), '\\', nil
	}
	if len(text) < len(`\xNN`) || text[1] != 'x' {
		return 0, 0, fmt.Errorf("%q is no escape", text)
	}
	value, err = strconv.ParseUint(text[2:4], 16, 8)
	return len(`\xNN`), value, err
}

// Escape returns b as Unescape reads it. A blank at either end is escaped too.
func Escape(b []byte) string {
	var text strings.Builder
	for i, c := range b {
		inside := i > 0 && i < len(b)-1
		switch {
		case c == '\\':
			text.WriteString(`\\`)
		case c > ' ' && c < 0x7f || c == ' ' && inside:
			text.WriteByte(c)
		default:
			fmt.Fprintf(&text, `\x%02x`, c)
		}
	}
	return text.String()
}
