//go:build linux

package agent

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ConfigDrive is where a guest finds its config drive's files.
const ConfigDrive = "/run/config-drive"

func mountConfigDrive(documents map[string][]byte) error {
	if err := os.Mkdir(ConfigDrive, 0o755); err != nil {
		return fmt.Errorf("making the config drive: %w", err)
	}
	if err := unix.Mount("config-2", ConfigDrive, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=755"); err != nil {
		return fmt.Errorf("mounting the config drive: %w", err)
	}
	for name, content := range documents {
		file := filepath.Join(ConfigDrive, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("filling the config drive: %w", err)
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			return fmt.Errorf("filling the config drive: %w", err)
		}
	}
	flags := uintptr(unix.MS_REMOUNT | unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	if err := unix.Mount("", ConfigDrive, "", flags, "mode=755"); err != nil {
		return fmt.Errorf("closing the config drive: %w", err)
	}
	return nil
}
