package host

import (
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// folder is one that a machine needs to start.
type folder struct {
	name string
	mode uint32
}

// skeleton adds the folders that are missing and gives all folders their final mode and time.
func (u *unpacker) skeleton(bare bool) error {
	wanted := mountPoints
	if bare {
		wanted = slices.Concat(mountPoints, bareFolders)
		u.dirs = append(u.dirs, dirEntry{".", 0o755, time.Now()})
	}
	for _, f := range wanted {
		parent, base, err := u.folderOf(f.name)
		if err != nil {
			return err
		}
		if err := unix.Mkdirat(parent, base, 0o755); errors.Is(err, unix.EEXIST) {
			continue
		} else if err != nil {
			return err
		}
		if err := u.chown(parent, base, 0, 0); err != nil {
			return err
		}
		u.dirs = append(u.dirs, dirEntry{f.name, f.mode, time.Now()})
	}
	// Deepest first: a folder may lose the right to be searched.
	slices.SortStableFunc(u.dirs, func(a, b dirEntry) int { return strings.Count(b.name, "/") - strings.Count(a.name, "/") })
	for _, d := range u.dirs {
		if err := u.finish(d); err != nil {
			return err
		}
	}
	return nil
}

var (
	mountPoints = []folder{
		{"dev", 0o755},
		{"etc", 0o755},
		{"proc", 0o555},
		{"root", 0o700},
		{"run", 0o755},
		{"sys", 0o555},
		{"tmp", 0o1777},
	}
	bareFolders = []folder{
		{"bin", 0o755},
		{"home", 0o755},
		{"mnt", 0o755},
		{"opt", 0o755},
		{"sbin", 0o755},
		{"srv", 0o755},
		{"usr", 0o755},
		{"usr/bin", 0o755},
		{"usr/local", 0o755},
		{"usr/local/bin", 0o755},
		{"usr/sbin", 0o755},
		{"var", 0o755},
		{"var/lib", 0o755},
		{"var/log", 0o755},
		{"var/tmp", 0o1777},
	}
)
