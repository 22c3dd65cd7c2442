package hand

import (
	"maps"
	"slices"
)

// appendList appends a list of what one appends; a guess of six digits of size is mostly right.
func appendList[T any](dst []byte, list []T, one func([]byte, T) []byte) []byte {
	dst, mark := begin(dst, 6)
	for _, v := range list {
		dst = one(dst, v)
	}
	return end(dst, mark, 6, ']')
}

func parseList[T any](b []byte, list *[]T, parse func([]byte, byte) (T, error)) error {
	b, err := one(b, ']')
	if err != nil {
		return err
	}
	*list = make([]T, 0, count(b))
	for len(b) > 0 {
		p, tag, rest, ok := cut(b)
		if !ok {
			return errMalformed
		}
		v, err := parse(p, tag)
		if err != nil {
			return err
		}
		*list = append(*list, v)
		b = rest
	}
	return nil
}

// count counts the elements of a payload by hopping over them.
func count(b []byte) (n int) {
	for len(b) > 0 {
		_, _, rest, ok := cut(b)
		if !ok {
			return n
		}
		b, n = rest, n+1
	}
	return n
}

// AppendInts and those below append a list to dst, or read one.
func AppendInts(dst []byte, list *[]int64) []byte { return appendList(dst, *list, appendInt) }

func AppendFloats(dst []byte, list *[]float64) []byte { return appendList(dst, *list, appendFloat) }

func AppendStrings(dst []byte, list *[]string) []byte { return appendList(dst, *list, appendString) }

func ParseInts(b []byte, list *[]int64) error { return parseList(b, list, parseInt[int64]) }

func ParseFloats(b []byte, list *[]float64) error { return parseList(b, list, parseFloat) }

func ParseStrings(b []byte, list *[]string) error { return parseList(b, list, parseString) }

// AppendStringMap appends the dict of m, keys sorted, to dst.
func AppendStringMap(dst []byte, m *map[string]string) []byte {
	dst, mark := begin(dst, 5)
	for _, key := range slices.Sorted(maps.Keys(*m)) {
		dst = appendString(appendString(dst, key), (*m)[key])
	}
	return end(dst, mark, 5, '}')
}

// ParseStringMap reads a dict of strings.
func ParseStringMap(b []byte, m *map[string]string) error {
	b, err := one(b, '}')
	if err != nil {
		return err
	}
	*m = make(map[string]string, count(b)/2)
	for err == nil && len(b) > 0 {
		var key, value []byte
		var tag byte
		if key, value, tag, b, err = entry(b); err == nil {
			(*m)[string(key)], err = parseString(value, tag)
		}
	}
	return err
}
