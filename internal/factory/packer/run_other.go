//go:build !unix

package packer

import "os/exec"

func run(cmd *exec.Cmd) error { return cmd.Run() }
