package dedupe

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/petrichor-protocol/petrichor"
)

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// flood claims and keeps until it is refused, and returns how often it was not.
func flood(t *testing.T, w *Window, peer func(int) string, body string) (n int) {
	t.Helper()
	for ; ; n++ {
		key := Key{peer(n), fmt.Sprintf("%064d", n)}
		_, claimed, err := w.Claim(t.Context(), key, Digest{})
		if err == ErrFull {
			return n
		}
		if err != nil || !claimed {
			t.Fatal(n, claimed, err)
		}
		w.Keep(t.Context(), key, Digest{}, frameOf(body))
	}
}

func TestLimit48Flood(t *testing.T) {
	for _, test := range []struct {
		name string
		peer func(int) string
		body string
		want int // at least
	}{
		{"a peer for each id", func(n int) string { return fmt.Sprint(n) }, "", 45_000},
		{"a peer for each id, large replies", func(n int) string { return fmt.Sprint(n) }, string(make([]byte, 64<<10-10)), 256},
		{"16 peers", func(n int) string { return fmt.Sprint(n % 16) }, "ok", 16 * 4096},
		{"16 peers, large replies", func(n int) string { return fmt.Sprint(n % 16) }, string(make([]byte, 60_000)), 256},
		{"one peer", func(n int) string { return "one" }, "", 4096},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := heap()
			w := &Window{}
			n := flood(t, w, test.peer, test.body)
			held := heap() - before
			runtime.KeepAlive(w)
			t.Logf("%d ids take %d bytes", n, held)
			if held > 16<<20 {
				t.Errorf("%d ids take %d bytes; want at most 16 MiB", n, held)
			}
			if n < test.want || n > 65_536 {
				t.Errorf("%d ids; want at least %d", n, test.want)
			}
		})
	}
}

// A flood by one peer takes nothing away from another, whether the oldest is forgotten or not.
func TestLimit48FloodEvictsNobodyElse(t *testing.T) {
	for _, forget := range []bool{false, true} {
		w := &Window{ForgetOldest: forget}
		for i := range 4096 {
			key := Key{"victim", fmt.Sprint(i)}
			w.Claim(t.Context(), key, Digest{})
			w.Keep(t.Context(), key, Digest{}, frameOf("reply"))
		}
		for i := range 200_000 {
			key := Key{"flood", fmt.Sprint(i)}
			if _, claimed, _ := w.Claim(t.Context(), key, Digest{}); claimed {
				w.Keep(t.Context(), key, Digest{}, frameOf(string(make([]byte, i%2000))))
			}
		}
		for i := range 4096 {
			f, claimed, err := w.Claim(t.Context(), Key{"victim", fmt.Sprint(i)}, Digest{})
			if claimed || err != nil || string(f.Body) != "5:reply," {
				t.Fatalf("forget oldest %v: id %d of another: %s, %v, %v", forget, i, f.Body, claimed, err)
			}
		}
		if n := w.Len(); n > 8192 {
			t.Errorf("%d ids of two peers", n)
		}
	}
}

func TestLimit49ReplayAtTheEdges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, key := &Window{}, Key{"a", "1"}
		claim := func() bool {
			_, claimed, err := w.Claim(t.Context(), key, Digest{})
			if err != nil {
				t.Error(err)
			}
			return claimed
		}
		if !claim() {
			t.Fatal("the first is not claimed")
		}
		time.Sleep(time.Hour) // it is remembered for as long as it takes
		w.Keep(t.Context(), key, Digest{}, frameOf("reply"))
		time.Sleep(5*time.Minute - time.Nanosecond)
		if claim() {
			t.Error("claimed again within the window")
		}
		time.Sleep(time.Nanosecond)
		if !claim() {
			t.Error("not claimed after the window")
		}
	})
}

func TestLimit49ReplayInParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, key := &Window{}, Key{"a", "1"}
		var handled, answered atomic.Int64
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				f, claimed, err := w.Claim(t.Context(), key, Digest{})
				if claimed {
					handled.Add(1)
					time.Sleep(time.Second)
					w.Keep(t.Context(), key, Digest{}, frameOf("reply"))
					return
				}
				if err == nil && string(f.Body) == "5:reply," {
					answered.Add(1)
				}
			})
		}
		all.Wait()
		if handled.Load() != 1 || answered.Load() != 99 {
			t.Errorf("handled %d times, answered %d times from the store", handled.Load(), answered.Load())
		}
	})
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	w, key := &Window{}, Key{"a", "1"}
	w.Claim(t.Context(), key, Digest{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, claimed, err := w.Claim(ctx, key, Digest{}); claimed || err != ErrPending {
		t.Error(claimed, err)
	}
}

func BenchmarkClaim(b *testing.B) {
	w := &Window{ForgetOldest: true}
	reply := petrichor.Frame{Header: petrichor.Raw("0:}"), Body: petrichor.Raw("2:ok,")}
	for i := 0; b.Loop(); i++ {
		key := Key{"bench", fmt.Sprint(i)}
		w.Claim(b.Context(), key, Digest{})
		w.Keep(b.Context(), key, Digest{}, reply)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "claims/s")
}
