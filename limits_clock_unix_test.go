//go:build unix

package petrichor

import (
	"syscall"
	"time"
)

// limitClock is the time that measurements are made with: what this process has
// had of the processors, garbage collection included.  What else runs on the
// machine does not make it run faster.
func limitClock() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
