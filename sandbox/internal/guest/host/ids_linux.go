package host

import (
	"bufio"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// idCount is how many user and group ids a guest has where the sandbox process may hand out a range.
const idCount = 65536

// preferredBase starts a range of host ids that systemd and the distributions leave to nobody.
const preferredBase = 0x70000000

// idMap says how the guest's user and group ids appear on the host.
type idMap struct {
	base   int  // host id of the guest's root
	single bool // only root is mapped, to the sandbox process's own user
}

// hostIDs is the mapping for every guest of this process: a range of ids where the process is privileged, so that
// file owners survive, else its own user alone.
var hostIDs = sync.OnceValue(func() idMap {
	if os.Geteuid() == 0 && mayDetachMounts() {
		for _, base := range append([]int{preferredBase}, rangeEnds("/proc/self/uid_map")...) {
			if covered("/proc/self/uid_map", base) && covered("/proc/self/gid_map", base) {
				return idMap{base: base}
			}
		}
	}
	return idMap{base: os.Geteuid(), single: true}
})

// mayDetachMounts reports whether this process may give a guest mounts that it couldn't reach by path.
func mayDetachMounts() bool {
	fd, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return false
	}
	unix.Close(fd)
	return true
}

// rangeEnds lists the last idCount ids of each extent of an id map file, where they don't touch the first idCount.
func rangeEnds(file string) []int {
	var bases []int
	eachExtent(file, func(start, count int) {
		if base := start + count - idCount; base >= max(start, idCount) {
			bases = append(bases, base)
		}
	})
	return bases
}

func covered(file string, base int) bool {
	found := false
	eachExtent(file, func(start, count int) {
		found = found || (start <= base && base+idCount <= start+count)
	})
	return found
}

func eachExtent(file string, visit func(start, count int)) {
	f, err := os.Open(file)
	if err != nil {
		return
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var start, outside, count int
		if _, err := fmt.Sscan(s.Text(), &start, &outside, &count); err == nil {
			visit(start, count)
		}
	}
}

// host answers the host's id for a guest's, and -1 (leave it) where only one is mapped.
func (m idMap) host(id int) int {
	if m.single {
		return -1
	}
	if id < 0 || id >= idCount {
		id = idCount - 2 // nobody
	}
	return m.base + id
}

// guest answers the guest's id for a host's; an id that isn't the guest's is root's.
func (m idMap) guest(id int) int {
	if m.single || id < m.base || id >= m.base+idCount {
		return 0
	}
	return id - m.base
}

// mappings are the user name space's uid or gid map. gid is used only if a single id is mapped.
func (m idMap) mappings(own int) []syscall.SysProcIDMap {
	if m.single {
		return []syscall.SysProcIDMap{{ContainerID: 0, HostID: own, Size: 1}}
	}
	return []syscall.SysProcIDMap{{ContainerID: 0, HostID: m.base, Size: idCount}}
}
