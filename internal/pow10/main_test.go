package main

import (
	"os"
	"testing"
)

func TestTableIsWhatTheProgramWrites(t *testing.T) {
	got, err := os.ReadFile("../../pow10.go")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != table() {
		t.Error("pow10.go is not what this program writes: go generate .")
	}
}
