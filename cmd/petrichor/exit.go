package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/petrichor-protocol/petrichor"
)

// The exit codes.  Scripts depend on them: they do not change.
const (
	exitOK        = 0
	exitOther     = 1
	exitUsage     = 2
	exitDenied    = 3
	exitTimeout   = 4
	exitMalformed = 5
	exitConnect   = 6
	exitClosed    = 7
	exitLimit     = 8
)

// A failure is an error whose exit code has been decided.
type failure struct {
	code int
	what string
	err  error // the cause; may be nil
}

func (f *failure) Error() string { return f.what }
func (f *failure) Unwrap() error { return f.err }

// fail returns a failure; an error among the arguments is its cause.
func fail(code int, format string, args ...any) error {
	f := &failure{code: code, what: fmt.Sprintf(format, args...)}
	for _, arg := range args {
		if err, ok := arg.(error); ok {
			f.err = err
		}
	}
	return f
}

// failIn says in which input, or with which peer, err happened, and which advice there is about it.
// An error of the output is none of theirs.
func failIn(place string, err error, known []advice) error {
	if _, ok := errors.AsType[*outputError](err); ok {
		return err
	}
	what := place + ": " + message(err)
	for _, a := range known {
		if errors.Is(err, a.about) {
			what += "; " + a.help
			break
		}
	}
	return &failure{codeOf(err), what, err}
}

// message is what err says, without the name of the library that says it.
func message(err error) string { return strings.TrimPrefix(err.Error(), "petrichor: ") }

// codeOf is the exit code for err.
func codeOf(err error) int {
	var decided *failure
	var timeout net.Error
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &decided):
		return decided.code
	case isAny(err, petrichor.ErrTooLarge, petrichor.ErrTooDeep, petrichor.ErrTooMany):
		return exitLimit
	case isMalformed(err):
		return exitMalformed
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return exitTimeout
	}
	return exitOther
}

func isMalformed(err error) bool {
	var syntax *petrichor.SyntaxError
	var mismatch *petrichor.TypeError
	var text *jsonError
	return errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.As(err, &syntax) || errors.As(err, &mismatch) || errors.As(err, &text)
}

func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

// advice is what to do about an error.
type advice struct {
	about error
	help  string
}

// limitAdvice is of use wherever there are limits, fileAdvice where a file is read.
var (
	limitAdvice = []advice{
		{petrichor.ErrTooLarge, "raise --max-size or --max-header-size to accept it"},
		{petrichor.ErrTooDeep, "raise --max-depth to accept it"},
		{petrichor.ErrTooMany, "raise --max-values to accept it"},
	}
	fileAdvice = append([]advice{
		{petrichor.ErrHeader, "values that are no frames are read by --from tnet"},
		{petrichor.ErrDuplicate, "two readers may pick differently: write each key once"},
		{petrichor.ErrKind, "a mitmproxy dump is read by --from mitm, JSON by --from json"},
		{petrichor.ErrSize, "tnetstrings begin with a size, such as 5:hello,"},
	}, limitAdvice...)
)

// report prints err as one line that is safe on a terminal, and returns its exit code.  A reader
// that has gone away is not worth a line: head(1) does that for a living.
func report(w io.Writer, err error) int {
	code := codeOf(err)
	var out *outputError
	if err == nil || errors.As(err, &out) && errors.Is(err, syscall.EPIPE) {
		return code
	}
	fmt.Fprintf(w, "petrichor: %s\n", escapeLine(err.Error()))
	return code
}
