//go:build linux

package agent

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// devices are the host's that a guest shares; none of them holds anything.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

func mountDev(shared map[string]int, single bool) error {
	if err := unix.Mount("tmpfs", "/dev", "tmpfs", unix.MS_NOSUID, "mode=755,size=1m"); err != nil {
		return fmt.Errorf("mounting /dev: %w", err)
	}
	for name, fd := range shared {
		path := "/dev/" + name
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			return fmt.Errorf("making device: %w", err)
		}
		// Where the guest's root owns the host's devices, it must not change their modes; writing to a device is
		// no writing to the mount.
		if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
			return fmt.Errorf("protecting %s: %w", path, err)
		}
		if err := place(fd, path); err != nil {
			return err
		}
	}
	for _, dir := range []string{"/dev/pts", "/dev/shm"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("making mount point: %w", err)
		}
	}
	options := "newinstance,ptmxmode=0666,mode=0620"
	if !single {
		options += ",gid=5" // group tty, on every distribution
	}
	if err := unix.Mount("devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, options); err != nil {
		return fmt.Errorf("mounting /dev/pts: %w", err)
	}
	for name, target := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, "/dev/"+name); err != nil {
			return fmt.Errorf("making device: %w", err)
		}
	}
	return nil
}

const (
	agentPath = control.AgentDir + "/agent"
	agentBin  = control.AgentDir + "/bin"
)
