package main

import (
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
)

// profileVariable names the directory into which each role writes where its processor time went, from
// its first order to its end.
const profileVariable = "PETRICHOR_TRANSPORT_PROFILE"

// profile begins a profile where one is asked for, and returns what ends it.
func profile(name string) (stop func(), err error) {
	dir := os.Getenv(profileVariable)
	if dir == "" {
		return func() {}, nil
	}
	f, err := os.Create(filepath.Join(dir, strings.NewReplacer(" ", "-", "/", "-").Replace(name)+".pprof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}
