package hand

import (
	"maps"
	"slices"
	"strconv"

	"github.com/petrichor-protocol/petrichor/bench/sample"
)

// MarshalFrame returns the tnetstring of f.
func MarshalFrame(f *sample.Frame) []byte {
	return AppendFrame(make([]byte, 0, 176+len(f.Body)), f)
}

// AppendFrame appends it to dst.
func AppendFrame(dst []byte, f *sample.Frame) []byte {
	var room [256]byte
	return appendFrame(dst, appendHeader(room[:0], &f.Header), f.Body)
}

// appendFrame knows the sizes of both parts, so that the body is copied once and not moved.
func appendFrame(dst, header, body []byte) []byte {
	const keys = len("6:header,") + len("4:body,")
	var room [12]byte
	size := strconv.AppendInt(room[:0], int64(len(body)), 10)
	dst = strconv.AppendInt(dst, int64(keys+len(header)+len(size)+1+len(body)+1), 10)
	dst = append(dst, ":6:header,"...)
	dst = append(dst, header...)
	dst = append(dst, "4:body,"...)
	dst = appendBytes(dst, body)
	return append(dst, '}')
}

func appendHeader(dst []byte, h *sample.Header) []byte {
	dst, mark := begin(dst, 3)
	dst = appendString(append(dst, "4:type,"...), h.Type)
	dst = appendInt(append(dst, "2:id,"...), h.ID)
	dst = appendString(append(dst, "7:channel,"...), h.Channel)
	dst = appendString(append(dst, "4:user,"...), h.User)
	dst = appendInt(append(dst, "3:seq,"...), int64(h.Seq))
	dst = appendBool(append(dst, "5:final,"...), h.Final)
	return end(dst, mark, 3, '}')
}

// ParseFrame reads the tnetstring b into f.
func ParseFrame(b []byte, f *sample.Frame) error {
	return parseFrame(b, &f.Body, func(header []byte) error { return parseHeader(header, &f.Header) })
}

func parseFrame(b []byte, body *[]byte, header func([]byte) error) error {
	rest, err := one(b, '}')
	for err == nil && len(rest) > 0 {
		var key, value []byte
		var tag byte
		if key, value, tag, rest, err = entry(rest); err != nil {
			break
		}
		switch {
		case string(key) == "header" && tag == '}':
			err = header(value)
		case string(key) == "body" && tag == ',':
			*body = append([]byte{}, value...)
		case string(key) == "header" || string(key) == "body":
			err = errMalformed
		}
	}
	return err
}

func parseHeader(rest []byte, h *sample.Header) (err error) {
	for err == nil && len(rest) > 0 {
		var key, value []byte
		var tag byte
		if key, value, tag, rest, err = entry(rest); err != nil {
			break
		}
		switch string(key) {
		case "type":
			h.Type, err = parseString(value, tag)
		case "id":
			h.ID, err = parseInt[int64](value, tag)
		case "channel":
			h.Channel, err = parseString(value, tag)
		case "user":
			h.User, err = parseString(value, tag)
		case "seq":
			h.Seq, err = parseInt[int](value, tag)
		case "final":
			h.Final, err = parseBool(value, tag)
		}
	}
	return err
}

// MarshalFrameMap returns the tnetstring of f, keys sorted.
func MarshalFrameMap(f *sample.FrameMap) []byte {
	return AppendFrameMap(make([]byte, 0, 176+len(f.Body)), f)
}

// AppendFrameMap appends it to dst.
func AppendFrameMap(dst []byte, f *sample.FrameMap) []byte {
	var room [256]byte
	return appendFrame(dst, appendMap(room[:0], f.Header), f.Body)
}

func appendMap(dst []byte, m map[string]any) []byte {
	dst, mark := begin(dst, 3)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		dst = appendAny(appendString(dst, key), m[key])
	}
	return end(dst, mark, 3, '}')
}

// appendAny knows what headers consist of.
func appendAny(dst []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(dst, v)
	case int64:
		return appendInt(dst, v)
	case bool:
		return appendBool(dst, v)
	case float64:
		return appendFloat(dst, v)
	}
	return append(dst, "0:~"...)
}

// ParseFrameMap reads the tnetstring b into f.
func ParseFrameMap(b []byte, f *sample.FrameMap) error {
	return parseFrame(b, &f.Body, func(header []byte) error {
		f.Header = make(map[string]any, 8)
		return parseMap(header, f.Header)
	})
}

func parseMap(rest []byte, m map[string]any) (err error) {
	for err == nil && len(rest) > 0 {
		var key, value []byte
		var tag byte
		if key, value, tag, rest, err = entry(rest); err == nil {
			m[string(key)], err = parseAny(value, tag)
		}
	}
	return err
}

func parseAny(p []byte, tag byte) (any, error) {
	switch tag {
	case ',':
		return string(p), nil
	case '#':
		return parseInt[int64](p, tag)
	case '!':
		return parseBool(p, tag)
	case '^':
		return parseFloat(p, tag)
	case '~':
		return nil, nil
	}
	return nil, errMalformed
}

// CutFrame returns the header and the body at the beginning of b, not interpreted, and what follows.
func CutFrame(b []byte) (header, body, rest []byte, err error) {
	_, tag, afterHeader, ok := cut(b)
	if !ok || tag != '}' {
		return nil, nil, nil, errMalformed
	}
	_, _, rest, ok = cut(afterHeader)
	if !ok {
		return nil, nil, nil, errMalformed
	}
	return b[:len(b)-len(afterHeader)], afterHeader[:len(afterHeader)-len(rest)], rest, nil
}
