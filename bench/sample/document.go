package sample

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Untyped returns a document as it is without types: maps, lists, int64s and float64s.
func Untyped(document any) any {
	text, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	return numbers(v)
}

// numbers replaces each json.Number in v.
func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = numbers(v[key])
		}
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case json.Number:
		return number(v)
	}
	return v
}

func number(n json.Number) any {
	if strings.ContainsAny(string(n), ".eE") {
		f, _ := n.Float64()
		return f
	}
	i, _ := n.Int64()
	return i
}
