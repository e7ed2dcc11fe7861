package promote

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// holder is the process that holds a claim, named so that a process on the same machine can
// tell whether it still runs. Where the system doesn't tell enough, scene is empty.
type holder struct {
	host  string
	pid   int
	scene string // boot, pid namespace and the process's start: what makes the pid unique
}

func self() holder {
	host, _ := os.Hostname()
	return holder{host, os.Getpid(), scene(os.Getpid())}
}

// scene is "BOOT/NAMESPACE/START" of a process of this machine, "" where it can't be told.
func scene(pid int) string {
	here := here()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil || here == "" {
		return ""
	}
	// The fields follow the command's name, which is in parentheses and may hold anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const startTime = 19
	if len(fields) <= startTime {
		return ""
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return here + "/ended" // nobody has taken note of its end yet, as where a container has no init
	}
	return here + "/" + fields[startTime]
}

// here is "BOOT/NAMESPACE", which processes that see the same pids share.
func here() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + "/" + namespace
}

// String is "process PID on HOST (SCENE)".
func (h holder) String() string {
	return fmt.Sprintf("process %d on %s (%s)", h.pid, h.host, h.scene)
}

func parseHolder(s string) (holder, bool) {
	rest, ok := strings.CutPrefix(s, "process ")
	if !ok {
		return holder{}, false
	}
	pid, rest, _ := strings.Cut(rest, " on ")
	host, scene, ok := strings.Cut(rest, " (")
	n, err := strconv.Atoi(pid)
	return holder{host, n, strings.TrimSuffix(scene, ")")}, ok && err == nil
}

// gone reports whether the process was one of this machine and has ended. False also means
// that it can't be told.
func (h holder) gone() bool {
	here := here()
	if here == "" || !strings.HasPrefix(h.scene, here+"/") {
		return false
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", h.pid)); errors.Is(err, fs.ErrNotExist) {
		return true
	}
	now := scene(h.pid)
	return now != "" && now != h.scene
}
