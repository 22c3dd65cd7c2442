//go:build !unix

package main

import (
	"context"
	"os/exec"
)

// shell is the command of a shell's line, killed when ctx is done.
func shell(ctx context.Context, line string) *exec.Cmd {
	return exec.CommandContext(ctx, "cmd", "/C", line)
}

// ownGroup does nothing where there are no groups of processes: only the shell is killed.
func ownGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }
