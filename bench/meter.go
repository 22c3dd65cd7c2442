package main

import (
	"runtime"
	"syscall"
	"time"
)

// ballast is what the process holds besides.  In an empty one the garbage collector would run for
// every 4 MiB allocated, and what a run costs however little there is to do would be most of many
// figures; a server that lives from its codec holds more.
var ballast []byte

// A usage is what something has used, in whole or for one operation.
type usage struct {
	ns     float64 // of processor time, the garbage collector's included
	allocs float64
	bytes  float64 // allocated
}

// measure runs op n times and returns what one of them used.
//
// Processor time is that of the whole process, so that other processes, which a wall clock would
// count, do not matter, and the garbage collector's workers, which a thread's clock would miss, do.
// The heap is collected before, so that nobody pays for what another has left; that empties pools,
// which one run outside of the time fills again.
func measure(op func(n int), n int) usage {
	var before, after runtime.MemStats
	runtime.GC()
	if n > 1 {
		op(1)
	}
	runtime.ReadMemStats(&before)
	start := processorTime()
	op(n)
	spent := processorTime() - start
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(ballast)
	return usage{
		ns:     float64(spent) / float64(n),
		allocs: float64(after.Mallocs-before.Mallocs) / float64(n),
		bytes:  float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
	}
}

func processorTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// times returns how often op has to run to take about as long as slot.
func times(op func(n int), slot time.Duration) int {
	for n := 1; ; {
		start := processorTime()
		op(n)
		spent := max(processorTime()-start, time.Microsecond)
		if spent >= slot/4 {
			return max(1, int(float64(n)*float64(slot)/float64(spent)))
		}
		n = min(100*n, max(n+1, int(float64(n)*float64(slot)/float64(spent))))
	}
}
