//go:build !linux

package launch

import "os/exec"

func start(cmd *exec.Cmd) error { return cmd.Start() }

// endOrphans can do nothing here: what leaves the plugin's group stays.
func endOrphans(int) {}
