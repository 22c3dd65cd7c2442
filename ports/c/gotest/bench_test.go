package gotest

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor"
)

// The frame of test/bench.c.
const frame = "98:2:id,5:12345#2:op,3:get,4:path,18:/users/42/settings,4:user,5:alice,7:version,1:2#5:debug,5:false!}" +
	"43:the quick brown fox jumps over the lazy dog,"

// BenchmarkFrame is nanoseconds a frame, in Go and in C, one after the other.
func BenchmarkFrame(b *testing.B) {
	program := build(b, "bench", "test/bench.c")
	for _, op := range []struct {
		name string
		run  func(b *testing.B)
	}{{"cut", cutFrames}, {"check", checkFrames}, {"feed", feedFrames}, {"write", writeFrames}} {
		b.Run(op.name+"/Go", op.run)
		b.Run(op.name+"/C", func(b *testing.B) { runC(b, program, op.name) })
	}
}

// runC lets the program time itself.
func runC(b *testing.B, program, op string) {
	out, err := exec.Command(program, op, strconv.Itoa(b.N)).Output()
	if err != nil {
		b.Fatal(err)
	}
	_, figure, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	ns, err := strconv.ParseFloat(figure, 64)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(ns, "ns/op")
}

func cutFrames(b *testing.B) {
	in := []byte(frame)
	for range b.N {
		if _, _, err := petrichor.CutFrame(in); err != nil {
			b.Fatal(err)
		}
	}
}

func checkFrames(b *testing.B) {
	in := []byte(frame)
	for range b.N {
		f, _, err := petrichor.CutFrame(in)
		if err != nil || !petrichor.Valid(f.Header) || !petrichor.Valid(f.Body) {
			b.Fatal(err)
		}
	}
}

func feedFrames(b *testing.B) {
	in := []byte(frame)
	var p petrichor.Parser
	for range b.N {
		p.Feed(in)
		if _, err := p.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

func writeFrames(b *testing.B) {
	type header struct {
		ID      int    `tnet:"id"`
		Op      string `tnet:"op"`
		Path    string `tnet:"path"`
		User    string `tnet:"user"`
		Version int    `tnet:"version"`
		Debug   bool   `tnet:"debug"`
	}
	h := &header{12345, "get", "/users/42/settings", "alice", 2, false}
	var buf []byte
	for range b.N {
		var err error
		if buf, err = petrichor.AppendFrame(buf[:0], h, "the quick brown fox jumps over the lazy dog"); err != nil || len(buf) != len(frame) {
			b.Fatalf("%d bytes, %v", len(buf), err)
		}
	}
}
