//go:build linux

package main

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
)

func serve(addr string) error {
	on, err := netip.ParseAddrPort(addr)
	if err != nil {
		return err
	}
	l, err := newLoop(on, defaults)
	if err != nil {
		return err
	}
	fmt.Println("listening on", l.addr())
	m := newMeter(l)
	l.ticking = m.print
	return l.run()
}

// A meter prints what connections cost.
type meter struct {
	l              *loop
	heap, resident int64 // before the first connection
	conns, printed int
}

func newMeter(l *loop) *meter {
	return &meter{l: l, heap: heapBytes(), resident: residentBytes()}
}

// print prints when the number of connections is another than that printed last,
// and the same as a tick ago: counting takes longer than serving.
func (m *meter) print() {
	n := len(m.l.conns)
	steady := n == m.conns
	m.conns = n
	if !steady || n == m.printed {
		return
	}
	m.printed = n
	each := int64(max(n, 1))
	fmt.Printf("%d connections, %d goroutines, for each connection %d bytes of heap, %d resident\n",
		n, runtime.NumGoroutine(), (heapBytes()-m.heap)/each, (residentBytes()-m.resident)/each)
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// residentBytes is the memory of this process that is not swapped or shared out.
func residentBytes() int64 {
	var size, resident int64
	if statm, err := os.ReadFile("/proc/self/statm"); err == nil {
		fmt.Sscan(string(statm), &size, &resident)
	}
	return resident * int64(os.Getpagesize())
}
