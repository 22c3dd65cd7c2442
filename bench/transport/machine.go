package main

import (
	"bufio"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// machine says what this runs on.
func machine() string {
	model := lineOf("/proc/cpuinfo", "model name")
	if model == "" {
		model = runtime.GOARCH
	}
	return model + ", " + strconv.Itoa(runtime.NumCPU()) + " cores, " + runtime.GOOS
}

// lineOf returns the value of the first line of a file that begins with key.
func lineOf(file, key string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if name, value, ok := strings.Cut(in.Text(), ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// version returns that of a module this program is built of.
func version(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == module {
			return m.Version
		}
	}
	return ""
}
