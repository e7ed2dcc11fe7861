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
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/shell"
)

// devices are the host's that a guest shares; none of them holds anything.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

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

func mountDev(shared map[string]int, single bool) error {
	if err := unix.Mount("tmpfs", "/dev", "tmpfs", unix.MS_NOSUID, "mode=755,size=1m"); err != nil {
		return fmt.Errorf("mounting /dev: %w", err)
	}
	for name, fd := range shared {
		path := "/dev/" + name
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			return fmt.Errorf("making device: %w", err)
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

// installAgent mounts the executable read-only where the commands' symbolic links point to.
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
	for _, name := range shell.Names() {
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
