//go:build race

package petrichor

// limitRace says that the race detector is on: it allocates and takes time of
// its own, so figures are not asserted.
const limitRace = true
