//go:build race

package service

// raceOn says that allocations and times are not those that are promised.
const raceOn = true
