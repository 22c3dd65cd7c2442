package main

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// pauser returns what sleeps, as exactly as the system can, and what must be called after the last
// time.  time.Sleep is a millisecond late in an idle program, which an open loop would count as the
// server's.
func pauser() (pause func(time.Duration), release func()) {
	runtime.LockOSThread()
	unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // of this thread, in ns; 50 µs otherwise
	return func(d time.Duration) {
			ts := unix.NsecToTimespec(int64(d))
			unix.Nanosleep(&ts, nil) // interrupted, it is called again
		}, func() {
			unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0)
			runtime.UnlockOSThread()
		}
}
