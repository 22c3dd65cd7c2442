package main

import (
	"bytes"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// ballast is what each process holds besides.  In an empty one the garbage collector would run for
// every 4 MiB allocated, and that would be most of many figures; a server holds more.  It is never
// written to, so it is no resident memory.
var ballast = make([]byte, 32<<20)

// A used is what a process has used since it began.
type used struct {
	CPU    int64 // nanoseconds of processor time, user and system, all threads
	Allocs uint64
}

func usedNow() used {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	runtime.KeepAlive(ballast)
	return used{r.Utime.Nano() + r.Stime.Nano(), stats.Mallocs}
}

func (u used) since(before used) used { return used{u.CPU - before.CPU, u.Allocs - before.Allocs} }

func (u used) plus(other used) used { return used{u.CPU + other.CPU, u.Allocs + other.Allocs} }

// residentNow is the memory the process has, in bytes; residentPeak the most it has had since
// forgetPeak.
func residentNow() int64  { return status("VmRSS:") }
func residentPeak() int64 { return status("VmHWM:") }

func forgetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// status returns a line of the kernel's table of the process, which is in KiB.
func status(key string) int64 {
	table, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(table) {
		if rest, ok := bytes.CutPrefix(line, []byte(key)); ok {
			n, _ := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64)
			return n << 10
		}
	}
	return 0
}
