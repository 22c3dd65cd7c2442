//go:build !race

package service_test

const withRace = false
