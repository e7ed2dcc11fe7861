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

// process owns a claim. Its name lets another process on the same machine find out whether it still runs.
type process struct {
	host     string
	pid      int
	identity string // boot, pid namespace and the process's start, which make the pid unique; "" where they aren't known
}

func thisProcess() process {
	host, _ := os.Hostname()
	return process{host, os.Getpid(), identity(os.Getpid())}
}

// identity is "BOOT/NAMESPACE/START" of a process of this machine, "" if it is unknown.
func identity(pid int) string {
	space := pidSpace()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil || space == "" {
		return ""
	}
	// The fields follow the command's name, which is in parentheses and may hold anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const startTime = 19
	if len(fields) <= startTime {
		return ""
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return space + "/ended" // nobody has taken note of its end yet, as where a container has no init
	}
	return space + "/" + fields[startTime]
}

// pidSpace is "BOOT/NAMESPACE", which processes share that see the same pids.
func pidSpace() string {
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

// String is "process PID on HOST (IDENTITY)".
func (p process) String() string {
	return fmt.Sprintf("process %d on %s (%s)", p.pid, p.host, p.identity)
}

func parseProcess(s string) (process, bool) {
	rest, ok := strings.CutPrefix(s, "process ")
	if !ok {
		return process{}, false
	}
	pid, rest, _ := strings.Cut(rest, " on ")
	host, identity, ok := strings.Cut(rest, " (")
	n, err := strconv.Atoi(pid)
	return process{host, n, strings.TrimSuffix(identity, ")")}, ok && err == nil
}

// ended reports whether the process ran on this machine and has ended. It is false if that is unknown.
func (p process) ended() bool {
	space := pidSpace()
	if space == "" || !strings.HasPrefix(p.identity, space+"/") {
		return false
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", p.pid)); errors.Is(err, fs.ErrNotExist) {
		return true
	}
	now := identity(p.pid)
	return now != "" && now != p.identity
}
