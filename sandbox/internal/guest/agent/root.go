//go:build linux

package agent

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// enterRoot makes the guest's root file system this process's "/" and mounts what a machine has. Everything of the
// host that is needed is taken as a detached mount first: paths are only resolved once nothing but the guest's own
// files is left to resolve to, so an image full of symbolic links leads nowhere.
func enterRoot(cfg control.Config, log *console) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	root, err := detached(cfg.Root, control.FDRoot)
	if err != nil {
		return fmt.Errorf("taking root file system %q: %w", cfg.Root, err)
	}
	self, err := detached(cfg.Agent, control.FDAgent)
	if err != nil {
		return fmt.Errorf("taking agent executable %q: %w", cfg.Agent, err)
	}
	unix.Close(control.FDExecutable)
	shared := map[string]int{}
	for _, name := range devices {
		if fd, err := unix.OpenTree(unix.AT_FDCWD, "/dev/"+name, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC); err == nil {
			shared[name] = fd
		}
	}
	proc, procErr := newProc()
	if err := pivot(root); err != nil {
		return err
	}
	for _, dir := range []string{"/proc", "/dev", "/run", "/tmp"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making mount point: %w", err)
		}
	}
	if procErr == nil {
		procErr = place(proc, "/proc")
	}
	if procErr != nil {
		// A container's masked /proc doesn't allow another one. Most things work without.
		log.Printf("guest: no /proc: %v", procErr)
	} else if cfg.HostRoot {
		if err := protectProc(); err != nil {
			return err
		}
	}
	if err := mountDev(shared, cfg.SingleUser); err != nil {
		return err
	}
	for _, t := range []struct{ dir, options string }{{"/run", "mode=755"}, {"/tmp", "mode=1777"}, {"/dev/shm", "mode=1777"}} {
		if err := unix.Mount("tmpfs", t.dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, t.options); err != nil {
			return fmt.Errorf("mounting %s: %w", t.dir, err)
		}
	}
	if err := installAgent(self); err != nil {
		return err
	}
	if cfg.ConfigDrive {
		return mountConfigDrive(cfg.Documents)
	}
	return nil
}

// detached is a mount of path that is nowhere yet: the passed one where path is empty.
func detached(path string, passed int) (int, error) {
	if path == "" {
		unix.CloseOnExec(passed)
		return passed, nil
	}
	unix.Close(passed)
	return unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
}

// place moves a detached mount to its path.
func place(fd int, path string) error {
	defer unix.Close(fd)
	if err := unix.MoveMount(fd, "", unix.AT_FDCWD, path, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("mounting %s: %w", path, err)
	}
	return nil
}

// newProc makes a /proc of the guest's own pid name space. The kernel wants to see the host's while it is made.
func newProc() (int, error) {
	fd, err := unix.Fsopen("proc", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fd)
	if err := unix.FsconfigCreate(fd); err != nil {
		return -1, err
	}
	return unix.Fsmount(fd, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
}

// protectProc makes read-only what the kernel lets the host's root write to whatever name space it is in.
func protectProc() error {
	for _, path := range []string{"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"} {
		fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if errors.Is(err, unix.ENOENT) {
			continue
		}
		if err == nil {
			err = unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
		}
		if err != nil {
			return fmt.Errorf("protecting %s: %w", path, err)
		}
		if err := place(fd, path); err != nil {
			return err
		}
	}
	return nil
}

// pivot makes a detached mount the root and lets go of the host's.
func pivot(root int) error {
	if err := unix.MountSetattr(root, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NODEV}); err != nil {
		return fmt.Errorf("forbidding devices on the root file system: %w", err)
	}
	const at = "/tmp" // any folder that every host has
	if err := place(root, at); err != nil {
		return err
	}
	if err := unix.Chdir(at); err != nil {
		return fmt.Errorf("entering the root file system: %w", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("changing the root file system: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving the host's file system: %w", err)
	}
	return unix.Chdir("/")
}
