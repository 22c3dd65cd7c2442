package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a role may take for one order.
const patience = 40 * time.Second

// A process is a role that has been started.
type process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	orders  *json.Encoder
	reports *json.Decoder
}

// A pair is the two processes in which one contender does one workload.
type pair struct {
	serve, call *process
}

func startPair(c *contender, w *workload) (*pair, error) {
	serve, first, err := start(w.pinned, nil, roleServe, c.name, w.name)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	call, _, err := start(w.pinned, first.Cert, roleCall, c.name, w.name, first.Addr)
	if err != nil {
		serve.end()
		return nil, fmt.Errorf("call: %w", err)
	}
	return &pair{serve, call}, nil
}

func (p *pair) end() {
	p.call.end()
	p.serve.end()
}

// start starts this program in a role.  One that is pinned inherits the one processor it may use, as
// from taskset, so that Go's scheduler knows of no other.
func start(pinned bool, cert []byte, args ...string) (*process, report, error) {
	cmd := exec.Command("/proc/self/exe", append([]string{roleArg}, args...)...)
	cmd.Env = append(os.Environ(), certVariable+"="+string(cert))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, report{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, report{}, err
	}
	if err := startOn(cmd, pinned); err != nil {
		return nil, report{}, err
	}
	p := &process{cmd, in, json.NewEncoder(in), json.NewDecoder(out)}
	first, err := p.hear()
	if err != nil {
		p.end()
	}
	return p, first, err
}

// roleArg as the first argument is what makes a role of this program.
const roleArg = "-role"

func startOn(cmd *exec.Cmd, pinned bool) error {
	if !pinned {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, last unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	for cpu := range 1024 {
		if all.IsSet(cpu) {
			last.Zero()
			last.Set(cpu)
		}
	}
	if err := unix.SchedSetaffinity(0, &last); err != nil {
		return err
	}
	defer unix.SchedSetaffinity(0, &all)
	return cmd.Start()
}

// ask gives an order and returns the report on it.
func (p *process) ask(o order) (report, error) {
	if err := p.orders.Encode(o); err != nil {
		return report{}, err
	}
	return p.hear()
}

func (p *process) hear() (r report, err error) {
	late := time.AfterFunc(patience, func() { p.cmd.Process.Kill() })
	err = p.reports.Decode(&r)
	if !late.Stop() {
		return r, fmt.Errorf("no answer for %v", patience)
	}
	if err != nil {
		return r, fmt.Errorf("the process ended: %w", err)
	}
	if r.Err != "" {
		return r, errors.New(r.Err)
	}
	return r, nil
}

// end lets the process end, and ends it where it does not.
func (p *process) end() {
	p.in.Close()
	late := time.AfterFunc(time.Second, func() { p.cmd.Process.Kill() })
	defer late.Stop()
	p.cmd.Wait()
}
