package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/petrichor-protocol/petrichor/internal/conform"
	"github.com/petrichor-protocol/petrichor/spec"
)

// An implementation answers all vectors, by name.
type implementation struct {
	name    string
	needs   string // a program that has to be there
	file    string // and a file, where it may not
	answers func(dir string) (map[string]conform.Answer, error)
}

// implementations are the columns of the matrix.  Paths are those of the
// repository, dir is a folder for what is made on the way.
var implementations = []implementation{
	{name: "Go, slice", answers: inGo("slice")},
	{name: "Go, stream", answers: inGo("stream")},
	{name: "Go, push", answers: inGo("push")},
	{name: "Go, conn", answers: inGo("conn")},
	{name: "C", needs: "cc", file: "ports/c/test/verdict.c", answers: inC},
	{name: "Ruby", needs: "ruby", file: rubyVerdict, answers: inRuby},
	{name: "Python", needs: "python3", file: "spec/verdict.py", answers: inPython},
	{name: "Wireshark", needs: "tshark", file: dissector, answers: inTshark},
}

const (
	rubyVerdict = "ports/ruby/test/verdict.rb"
	dissector   = "contrib/wireshark/petrichor.lua"
)

// missing says what i needs and is not there; of a file that is not there
// nothing can be said.
func (i implementation) missing() string {
	if i.needs == "" {
		return ""
	}
	if _, err := exec.LookPath(i.needs); err != nil {
		return "needs " + i.needs + ": " + i.name
	}
	return ""
}

// here reports whether there is such an implementation.
func (i implementation) here() bool {
	_, err := os.Stat(i.file)
	return i.file == "" || err == nil
}

func inGo(entrance string) func(string) (map[string]conform.Answer, error) {
	return func(string) (map[string]conform.Answer, error) {
		all := map[string]conform.Answer{}
		for _, v := range spec.Vectors() {
			all[v.Name] = conform.Ask(conform.QuestionOf(v), entrance)
		}
		return all, nil
	}
}

func inC(dir string) (map[string]conform.Answer, error) {
	program := filepath.Join(dir, "verdict")
	cmd := exec.Command("cc", "-std=c99", "-O2", "-Iports/c", "-o", program,
		"ports/c/petrichor.c", "ports/c/test/support.c", "ports/c/test/verdict.c")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cc: %w\n%s", err, out)
	}
	return ask(program)
}

func inRuby(string) (map[string]conform.Answer, error) {
	return ask("ruby", "-I", "ports/ruby/lib", rubyVerdict)
}

// inPython asks the program of the document.
func inPython(dir string) (map[string]conform.Answer, error) {
	for name, text := range spec.Tangle(spec.Chapters()) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644))
		if err != nil {
			return nil, err
		}
	}
	return ask("env", "PYTHONPATH="+dir, "python3", "spec/verdict.py")
}

func inTshark(dir string) (map[string]conform.Answer, error) {
	tshark := conform.Tshark{Script: dissector, Dir: dir, Segment: 1400}
	return tshark.Answers(spec.Vectors())
}

// ask asks a program that keeps the contract of docs/porting.md.
func ask(command ...string) (map[string]conform.Answer, error) {
	p := &conform.Program{Command: command, Patience: time.Minute}
	all := map[string]conform.Answer{}
	for _, v := range spec.Vectors() {
		a, err := p.Ask(conform.QuestionOf(v))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.Name, errors.Join(err, p.Close()))
		}
		all[v.Name] = a
	}
	return all, p.Close()
}
