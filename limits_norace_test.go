//go:build !race

package petrichor

const limitRace = false
