//go:build linux

package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/userland"
)

// installAgent mounts the executable read-only if the commands' symbolic links point to.
func installAgent(fd int) error {
	if err := os.MkdirAll(agentBin, 0o755); err != nil {
		return fmt.Errorf("making the agent's folder: %w", err)
	}
	if err := os.WriteFile(agentPath, nil, 0o755); err != nil {
		return fmt.Errorf("making the agent's mount point: %w", err)
	}
	readOnly := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, readOnly); err != nil {
		return fmt.Errorf("making the agent read-only: %w", err)
	}
	return place(fd, agentPath)
}

// installCommands links every built-in command into a folder at the end of $PATH and, where the root file system has
// no shell of its own, where scripts expect them, as far as there is nothing yet.
func installCommands() (builtin bool, err error) {
	builtin = !hasShell()
	dirs := []string{agentBin}
	if builtin {
		dirs = append(dirs, "/bin", "/usr/bin")
		for _, dir := range dirs {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return builtin, fmt.Errorf("making the commands' folder: %w", err)
			}
		}
	}
	for _, name := range userland.Names() {
		for _, dir := range dirs {
			if err := os.Symlink(agentPath, filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrExist) {
				return builtin, fmt.Errorf("making command: %w", err)
			}
		}
	}
	return builtin, nil
}

// hasShell reports whether /bin/sh is the image's own.
func hasShell() bool {
	if target, err := os.Readlink("/bin/sh"); err == nil && strings.HasPrefix(target, control.AgentDir+"/") {
		return false
	}
	st, err := os.Stat("/bin/sh")
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}
