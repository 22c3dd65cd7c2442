package service

import (
	"testing"
	"time"
)

// A clock that has begun without a time gets one from the watch, which cuts nobody sooner.
func TestClockIsTimedByTheWatch(t *testing.T) {
	set := &settings{handshake: time.Second, frame: 2 * time.Second, idle: 3 * time.Second, write: -1}
	for kind, most := range []time.Duration{set.handshake, set.frame, set.idle} {
		var c clock
		c.begin(kind)
		for _, now := range []time.Duration{time.Minute, time.Minute + most} {
			if _, late := c.stopLate(now, set); late || !c.isSet() {
				t.Errorf("%d: late at %v", kind, now)
			}
		}
		got, late := c.stopLate(time.Minute+most+2*forKinds, set)
		if got != kind || !late || c.clear() {
			t.Errorf("%d: %d, %t", kind, got, late)
		}
	}
	var never clock
	never.begin(forWrite)
	for _, now := range []time.Duration{1, 1 << 62} {
		if _, late := never.stopLate(now, set); late {
			t.Error("what has no limit is late")
		}
	}
}

// It can be cleared, and stopped once, before the watch has seen it.
func TestClockWithoutATime(t *testing.T) {
	var c clock
	if c.stop() {
		t.Error("stopped what was not begun")
	}
	c.begin(forNext)
	if !c.clear() || c.isSet() {
		t.Error("not cleared")
	}
	c.begin(forNext)
	if !c.stop() || c.stop() || c.clear() {
		t.Error("not stopped, or twice")
	}
}
