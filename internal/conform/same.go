package conform

import (
	"fmt"
	"slices"
)

// Differences says in what got differs from want, another's answer to the same
// question. What got does not tell is not compared.
func Differences(want, got Answer) (list []string) {
	add := func(what string, want, got any) {
		list = append(list, fmt.Sprintf("%s: %v, want %v", what, got, want))
	}
	if got.Verdict != want.Verdict {
		add("verdict", want.Verdict, got.Verdict)
	}
	if differ(want.At, got.At) && want.Verdict != "short" {
		add("at", *want.At, *got.At)
	}
	if differ(want.Allowed, got.Allowed) {
		add("allowed", *want.Allowed, *got.Allowed)
	}
	if differ(want.Rest, got.Rest) {
		add("rest", *want.Rest, *got.Rest)
	}
	if differ(want.Canon, got.Canon) {
		add("canon", *want.Canon, *got.Canon)
	}
	if got.Values == nil {
		return list
	}
	wanted, err := formsOf(want.Values)
	if err != nil {
		panic("conform: " + err.Error())
	}
	if values, err := formsOf(got.Values); err != nil || !slices.Equal(values, wanted) {
		add("values", wanted, fmt.Sprint(values, err))
	}
	return list
}

// differ reports whether both are told, and are not the same.
func differ[T comparable](a, b *T) bool { return a != nil && b != nil && *a != *b }
