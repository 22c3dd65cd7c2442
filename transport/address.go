package transport

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// ErrAddress is an address that says nothing known here.
var ErrAddress = errors.New("want HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT, unix:///PATH, exec:CMD, stdio: or file:PATH")

// An Address is what an address says.  It is a net.Addr.
type Address struct {
	Scheme string // tcp, tls, unix, exec, stdio or file
	Rest   string // HOST:PORT, a path, a command, or nothing
}

// Network returns the scheme.
func (a Address) Network() string { return a.Scheme }

// String is the address as Parse takes it.
func (a Address) String() string {
	switch a.Scheme {
	case "tcp":
		return a.Rest
	case "tls", "unix":
		return a.Scheme + "://" + a.Rest
	}
	return a.Scheme + ":" + a.Rest
}

// Parse takes an address apart.
func Parse(text string) (Address, error) {
	for _, scheme := range []string{"exec", "stdio", "file"} {
		if rest, ok := strings.CutPrefix(text, scheme+":"); ok {
			return Address{scheme, rest}.check(text)
		}
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		scheme, rest = "tcp", text
	}
	return Address{scheme, rest}.check(text)
}

// check completes an address that is one.
func (a Address) check(text string) (Address, error) {
	ok := false
	switch a.Scheme {
	case "tcp", "tls":
		a.Rest, ok = withHost(a.Rest)
	case "unix", "exec":
		ok = strings.TrimSpace(a.Rest) != ""
	case "file":
		ok = strings.Trim(a.Rest, ",") != ""
	case "stdio":
		ok = a.Rest == ""
	}
	if !ok || strings.ContainsRune(a.Rest, 0) {
		return Address{}, fmt.Errorf("petrichor: %q is no address: %w", text, ErrAddress)
	}
	return a, nil
}

// withHost puts the loopback in for a missing host: nothing here reaches out, or can
// be reached, unless it is told to.
func withHost(rest string) (string, bool) {
	host, port, err := net.SplitHostPort(rest)
	if err != nil || port == "" {
		return "", false
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), true
}
