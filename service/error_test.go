package service

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor"
)

func TestErrorText(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"no such user", "no such user"},
		{"two\nlines \x1b[31m \u202e", `two\nlines \x1b[31m \u202e`},
		{"\xff", `\xff`},
		{strings.Repeat("x", 250), strings.Repeat("x", 250)},
		{strings.Repeat("x", 251), strings.Repeat("x", 250) + "..."},
		{strings.Repeat("\x00", 250), strings.Repeat(`\x00`, 63)[:250] + "..."},
	} {
		if got := (&Error{c.text}).Error(); got != c.want || len(got) > 256 {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestRequestError(t *testing.T) {
	for _, c := range []struct {
		err     *RequestError
		is, not error
		text    string
	}{
		{&RequestError{Err: io.EOF}, ErrNotSent, ErrMaybeHandled, "petrichor: request not sent: EOF"},
		{&RequestError{Sent: true, Err: io.EOF}, ErrMaybeHandled, ErrNotSent, "petrichor: request may have been handled: EOF"},
	} {
		if !errors.Is(c.err, c.is) || errors.Is(c.err, c.not) || !errors.Is(c.err, io.EOF) || c.err.Error() != c.text {
			t.Errorf("%+v: %v", c.err, c.err)
		}
	}
}

func TestErrorOf(t *testing.T) {
	for _, c := range []struct{ name, header, want string }{
		{"a string", "15:5:error,4:text,}", "text"},
		{"text", "15:5:error;4:text;}", "text"},
		{"none", "9:2:id,1:1#}", "none"},
		{"null", "11:5:error,0:~}", "none"},
		{"an int", "12:5:error,1:1#}", "none"},
		{"in a value", "15:1:a,8:5:error,,}", "none"},
		{"twice", "24:5:error,1:a,5:error,1:b,}", "none"},
	} {
		got := "none"
		if err := errorOf(petrichor.Raw(c.header)); err != nil {
			got = err.(*Error).Text
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
