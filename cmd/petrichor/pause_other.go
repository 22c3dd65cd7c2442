//go:build !linux

package main

import "time"

// pauser returns what sleeps, and what must be called after the last time.
func pauser() (pause func(time.Duration), release func()) { return time.Sleep, func() {} }
