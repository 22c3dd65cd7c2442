package conform

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/petrichor-protocol/petrichor"
)

// A Value is a value as JSON says it, with its kind beside it.
type Value struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value,omitempty"`
}

func boolValue(b bool) Value { return Value{"bool", strconv.AppendBool(nil, b)} }

func textValue(kind, text string) Value { return Value{kind, quoted(text)} }

// Lists and dicts are written without encoding/json, which has a limit of nesting
// that is lower than ours.

func listValue(list []Value) Value { return Value{"list", appendList(nil, list)} }

// A pair is an entry of a dict.
type pair struct {
	key   json.RawMessage
	value Value
}

func dictValue(pairs []pair) Value {
	text := []byte("[")
	for i, p := range pairs {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, '['), p.key...), ',')
		text = append(p.value.append(text), ']')
	}
	return Value{"dict", append(text, ']')}
}

func appendList(text []byte, list []Value) []byte {
	text = append(text, '[')
	for i, v := range list {
		if i > 0 {
			text = append(text, ',')
		}
		text = v.append(text)
	}
	return append(text, ']')
}

// append appends v as JSON.
func (v Value) append(text []byte) []byte {
	text = fmt.Appendf(text, `{"type":%s`, quoted(v.Type))
	if len(v.Value) > 0 {
		text = append(append(text, `,"value":`...), v.Value...)
	}
	return append(text, '}')
}

// quoted is text as JSON.
func quoted(text string) []byte {
	quote, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string has none
	}
	return quote
}

// characters is b with a character for each byte.
func characters(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// bytesOf is characters, backwards.
func bytesOf(text string) ([]byte, error) {
	b := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return nil, fmt.Errorf("%.40q has %U, which is no byte: write one character for each byte, U+0000 to U+00FF", text, r)
		}
		b = append(b, byte(r))
	}
	return b, nil
}

// valuesOf are the elements in b, which are well formed, as they stand there.
func valuesOf(b []byte, opts []petrichor.Option) (all []Value) {
	for len(b) > 0 {
		el, rest, err := petrichor.Cut(b, opts...)
		if err != nil {
			panic("conform: a vector that is ok is not: " + err.Error())
		}
		all, b = append(all, valueOf(el, opts)), rest
	}
	return all
}

func valueOf(el petrichor.Element, opts []petrichor.Option) Value {
	kind := el.Kind.String()
	switch el.Kind {
	case petrichor.KindNull:
		return Value{Type: kind}
	case petrichor.KindBool:
		return boolValue(string(el.Payload) == "true")
	case petrichor.KindList:
		return listValue(valuesOf(el.Payload, opts))
	case petrichor.KindDict:
		return dictValue(entriesOf(valuesOf(el.Payload, opts)))
	}
	return textValue(kind, characters(el.Payload))
}

// entriesOf are keys and values in turn as pairs.
func entriesOf(turns []Value) (pairs []pair) {
	for i := 0; i < len(turns); i += 2 {
		pairs = append(pairs, pair{turns[i].Value, turns[i+1]})
	}
	return pairs
}

// form is a text that two values share when they are the same: however a number
// is spelled, and whatever the order of a dict.  Of a key that is there twice
// the last value counts.
func (v Value) form() (string, error) {
	switch v.Type {
	case "null":
		return v.nullForm()
	case "bool":
		b, err := read[bool](v.Value)
		return fmt.Sprint("bool ", b), err
	case "int":
		return v.intForm()
	case "float":
		return v.floatForm()
	case "string", "text":
		b, err := bytesIn(v.Value)
		return fmt.Sprintf("%s %q", v.Type, b), err
	case "list":
		return v.listForm()
	case "dict":
		return v.dictForm()
	}
	return "", fmt.Errorf("%.40q is no type of a value", v.Type)
}

func read[T any](text json.RawMessage) (v T, err error) {
	if len(text) == 0 || string(text) == "null" {
		return v, errors.New("a value without a value")
	}
	return v, json.Unmarshal(text, &v)
}

func bytesIn(text json.RawMessage) ([]byte, error) {
	s, err := read[string](text)
	if err != nil {
		return nil, err
	}
	return bytesOf(s)
}

func (v Value) nullForm() (string, error) {
	if len(v.Value) > 0 && string(v.Value) != "null" {
		return "", fmt.Errorf("a null with the value %.40s", v.Value)
	}
	return "null", nil
}

func (v Value) intForm() (string, error) {
	text, err := read[string](v.Value)
	if err != nil {
		return "", err
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return "", fmt.Errorf("%.40q are no digits of an int", text)
	}
	return "int " + n.String(), nil
}

func (v Value) floatForm() (string, error) {
	text, err := read[string](v.Value)
	if err != nil {
		return "", err
	}
	if strings.EqualFold(strings.TrimLeft(text, "+-"), "nan") {
		return "float nan", nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("float %x", math.Float64bits(f)), nil
}

func (v Value) listForm() (string, error) {
	list, err := read[[]Value](v.Value)
	if err != nil {
		return "", err
	}
	forms, err := formsOf(list)
	return "list [" + strings.Join(forms, ", ") + "]", err
}

func formsOf(list []Value) ([]string, error) {
	forms := []string{}
	for _, v := range list {
		form, err := v.form()
		if err != nil {
			return nil, err
		}
		forms = append(forms, form)
	}
	return forms, nil
}

func (v Value) dictForm() (string, error) {
	entries, err := read[[][2]json.RawMessage](v.Value)
	if err != nil {
		return "", err
	}
	forms := map[string]string{}
	for _, e := range entries {
		key, form, err := entryForm(e)
		if err != nil {
			return "", err
		}
		forms[key] = form
	}
	text := ""
	for _, key := range slices.Sorted(maps.Keys(forms)) {
		text += fmt.Sprintf("%q: %s, ", key, forms[key])
	}
	return "dict {" + text + "}", nil
}

func entryForm(e [2]json.RawMessage) (key, form string, err error) {
	name, err := bytesIn(e[0])
	if err != nil {
		return "", "", err
	}
	v, err := read[Value](e[1])
	if err != nil {
		return "", "", err
	}
	form, err = v.form()
	return string(name), form, err
}
