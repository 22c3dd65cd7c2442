package main

import "sync"

// An audience is who has subscribed.
type audience struct {
	mu   sync.Mutex
	list []sender
}

func (a *audience) join(one sender) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, one)
}

func (a *audience) each(do func(sender) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range a.list {
		if err := do(one); err != nil {
			return err
		}
	}
	return nil
}
