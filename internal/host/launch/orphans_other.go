//go:build !linux

package launch

import "os/exec"

func start(cmd *exec.Cmd) error { return cmd.Start() }

// endOrphans can't do anything here: processes that leave the plugin's group survive.
func endOrphans(int) {}
