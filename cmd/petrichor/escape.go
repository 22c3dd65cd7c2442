package main

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"
)

// What a peer sent must not reach a terminal as it is: it could move the cursor, set the title,
// or show text in another order than it has.  All functions here return text in which every rune
// is harmless, newline and tab being the only controls that escape leaves; a byte that is not
// UTF-8 becomes \xNN.

// hostile reports whether a terminal could obey r instead of showing it: the C0 and C1 controls,
// delete, and the marks that reorder text.
func hostile(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f:
		return true
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return true
	case r == 0x061c, r == 0x200e, r == 0x200f, r == 0x2028, r == 0x2029:
		return true
	}
	return false
}

// escape makes text fit for a terminal.  It is for reading, not for reading back: a backslash stays
// one backslash.
func escape(s []byte) []byte {
	return appendEscaped(make([]byte, 0, len(s)), s, "\n\t")
}

// escapeLine is escape for text that has to stay on one line.
func escapeLine(s string) string {
	return string(appendEscaped(nil, []byte(s), ""))
}

// chunks cuts s into pieces that are not much to escape at a time, between runes.
func chunks(s []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(s) > 0 {
			piece := clip(s, 4096)
			if !yield(piece) {
				return
			}
			s = s[len(piece):]
		}
	}
}

// quote puts s in double quotes, and what is not UTF-8 in b"...".
func quote(s []byte) []byte {
	var b bytes.Buffer
	writeQuoted(&b, s)
	return b.Bytes()
}

// quoteShort is quote, of the first n bytes of s if n is not 0, and an ellipsis for the others.
func quoteShort(s []byte, n int) []byte {
	if n == 0 || len(s) <= n {
		return quote(s)
	}
	return append(quote(clip(s, n)), "…"...)
}

// writeQuoted writes quote(s) without holding it.
func writeQuoted(w io.Writer, s []byte) {
	mark := `"`
	if !utf8.Valid(s) {
		mark = `b"`
	}
	io.WriteString(w, mark)
	var buf []byte
	for piece := range chunks(s) {
		buf = appendQuoted(buf[:0], piece)
		w.Write(buf)
	}
	io.WriteString(w, `"`)
}

func appendQuoted(dst, s []byte) []byte {
	for n := 0; len(s) > 0; s = s[n:] {
		if s[0] == '"' || s[0] == '\\' {
			dst, n = append(dst, '\\', s[0]), 1
		} else {
			dst, n = appendRune(dst, s, "")
		}
	}
	return dst
}

// clip returns the first n bytes of s, or a little less where that would cut a rune in two.
func clip(s []byte, n int) []byte {
	if len(s) <= n {
		return s
	}
	for i := n; i > 0 && i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n]
}

func appendEscaped(dst, s []byte, keep string) []byte {
	for n := 0; len(s) > 0; s = s[n:] {
		dst, n = appendRune(dst, s, keep)
	}
	return dst
}

// appendRune appends the first rune of s, escaped if it is hostile and not in keep; n is how many
// bytes of s it took.
func appendRune(dst, s []byte, keep string) (_ []byte, n int) {
	r, n := utf8.DecodeRune(s)
	switch {
	case r == utf8.RuneError && n == 1:
		return appendHex(dst, s[0]), 1
	case !hostile(r), strings.ContainsRune(keep, r):
		return append(dst, s[:n]...), n
	case r == '\n':
		return append(dst, `\n`...), n
	case r == '\t':
		return append(dst, `\t`...), n
	case r < 0x80:
		return appendHex(dst, s[0]), 1
	}
	return fmt.Appendf(dst, `\u%04x`, r), n
}

func appendHex(dst []byte, b byte) []byte {
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'x', digits[b>>4], digits[b&15])
}
