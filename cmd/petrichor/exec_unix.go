//go:build unix

package main

import (
	"context"
	"os/exec"
	"syscall"
)

// shell is the command of a shell's line, killed when ctx is done.
func shell(ctx context.Context, line string) *exec.Cmd {
	return exec.CommandContext(ctx, "sh", "-c", line)
}

// ownGroup lets a command begin a group of processes, which is killed as a whole: a shell that dies
// leaves what it has started.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd) }
}

func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
