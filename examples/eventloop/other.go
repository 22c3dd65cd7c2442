//go:build !linux

package main

import "errors"

func serve(string) error { return errors.New("needs epoll, which Linux has") }
