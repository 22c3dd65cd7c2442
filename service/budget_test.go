package service

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"pgregory.net/rapid"
)

// Who waits is served in the order of coming, and nobody has more than there is.
func TestBudgetInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &budget{left: 10}
		var first hold
		for range 2 { // the second time it is as it was
			if !b.set(&first, 8, nil) || b.left != 2 {
				t.Fatal("there was enough")
			}
		}
		var order []int
		var mu sync.Mutex // of order
		var done sync.WaitGroup
		for i, n := range []int64{5, 1, 3} {
			done.Go(func() {
				var h hold
				b.set(&h, n, nil)
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				b.mu.Lock()
				if b.left < 0 {
					t.Errorf("%d are left", b.left)
				}
				b.mu.Unlock()
				b.set(&h, 0, nil)
			})
			synctest.Wait()
		}
		if len(order) != 0 {
			t.Errorf("%v did not wait for the first", order)
		}
		b.set(&first, 0, nil)
		done.Wait()
		if len(order) != 3 || b.left != 10 {
			t.Errorf("%v, %d left", order, b.left)
		}
	})
}

// One who has given up waiting has nothing, and holds up nobody.
func TestBudgetGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &budget{left: 10}
		var first, second, third hold
		b.set(&first, 10, nil)
		done := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(done) })
		time.AfterFunc(2*time.Second, func() { b.set(&first, 0, nil) })
		if b.set(&second, 1, done) || second.n != 0 {
			t.Error("got what nobody has")
		}
		if !b.set(&third, 10, nil) || b.left != 0 {
			t.Error("did not get what was given back")
		}
		if b.try(&second, 1) {
			t.Error("got what nobody has")
		}
	})
}

// Those who each have a part and want more are not stuck: one of them is lent it.
func TestBudgetLends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &budget{left: 10, lends: true}
		var ended atomic.Int64
		for range 5 {
			go func() {
				var h hold
				for n := int64(2); n <= 8; n += 2 {
					b.set(&h, n, nil)
					time.Sleep(time.Second)
				}
				b.set(&h, 0, nil)
				ended.Add(1)
			}()
		}
		time.Sleep(time.Minute)
		if ended.Load() != 5 || b.left != 10 || b.lent != nil {
			t.Errorf("%d have ended, %d left", ended.Load(), b.left)
		}
	})
}

// Whatever is asked for and given back, the sum is right, and more than there is has
// one at most.
func TestBudgetSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const all = 100
		b := &budget{left: all, lends: rapid.Bool().Draw(t, "lends")}
		holds := make([]hold, 4)
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			h := &holds[rapid.IntRange(0, 3).Draw(t, "who")]
			n := int64(rapid.IntRange(0, 70).Draw(t, "n"))
			before := *h
			if ok := b.try(h, n); ok != (h.n == n) || !ok && *h != before {
				t.Fatalf("asked for %d, has %d, %v", n, h.n, ok)
			}
			sum := b.left
			for i := range holds {
				sum += holds[i].n
			}
			if sum != all || b.left < 0 && b.lent == nil || b.lent != nil && !b.lends {
				t.Fatalf("%d in all, %d left, lent to %p", sum, b.left, b.lent)
			}
		}
	})
}

// Who has got what it waited for is forgotten: what it belongs to may be large.
func TestBudgetForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &budget{left: 10}
		var first hold
		b.set(&first, 10, nil)
		owner := new(struct {
			hold
			frame [1 << 10]byte
		})
		kept := weak.Make(owner)
		go func() {
			b.set(&owner.hold, 5, nil)
			b.set(&owner.hold, 0, nil)
			owner = nil
		}()
		synctest.Wait()
		b.set(&first, 0, nil)
		synctest.Wait()
		runtime.GC()
		if kept.Value() != nil || b.left != 10 {
			t.Errorf("it is kept, %d left", b.left)
		}
	})
}

// What is of use only is not lent, and not had before those who wait.
func TestBudgetSpare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &budget{left: 10, lends: true}
		var h, other hold
		if !b.spare(&h, 4) || !b.spare(&h, 10) || b.left != 0 {
			t.Error("did not get what was left")
		}
		if b.spare(&other, 1) || b.lent != nil {
			t.Error("was lent what nobody has")
		}
		if !b.spare(&h, 2) || b.left != 8 {
			t.Error("did not give back")
		}
		b.lends = false
		go b.set(&other, 9, nil)
		synctest.Wait()
		if b.spare(&h, 3) {
			t.Error("had it before one who waits")
		}
		b.set(&h, 0, nil)
		b.set(&other, 0, nil)
		b.kept = 5
		if !b.spare(&h, 5) || b.spare(&h, 6) || !b.try(&other, 5) {
			t.Error("what is kept is not for those who cannot do without")
		}
	})
}

// What is passed on is neither asked for nor given back, and what has been lent goes with
// it.  Who was lent a part is so no longer when that is back, and another can be.
func TestBudgetPasses(t *testing.T) {
	b := &budget{left: 10, lends: true}
	var from, to, other hold
	if !b.try(&from, 30) || b.left != -20 {
		t.Fatal("was not lent what there is not")
	}
	b.pass(&from, &to, 25)
	if from.n != 5 || to.n != 25 || b.left != -20 || b.lent != &to {
		t.Errorf("passed on: %d and %d, %d left", from.n, to.n, b.left)
	}
	if b.try(&from, 6) || !b.try(&to, 26) {
		t.Error("the one who has passed it on has more, or the other has not")
	}
	b.pass(&from, &to, 100)
	if from.n != 0 || to.n != 31 {
		t.Errorf("more than there is: %d and %d", from.n, to.n)
	}
	b.pass(&to, &from, 15) // of which from has 5 too much
	b.try(&from, 0)
	if b.left != -6 || b.lent != nil {
		t.Errorf("%d left when a part of it is back", b.left)
	}
	if !b.try(&other, 1) || b.lent != &other {
		t.Error("and nobody else is lent anything")
	}
}
