//go:build !unix

package petrichor

import "time"

var limitEpoch = time.Now()

// limitClock is the time that measurements are made with: here that on the wall.
func limitClock() time.Duration { return time.Since(limitEpoch) }
