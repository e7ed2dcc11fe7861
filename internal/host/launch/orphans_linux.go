package launch

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A process that a plugin has started may leave the plugin's session, and so its group. As this
// process is the reaper of its descendants, it becomes the parent of all that plugins leave behind,
// and finds them so.
var family struct {
	sync.Mutex
	reaper  bool
	before  map[int]bool // children that this process had before it started a plugin
	plugins map[int]bool // the plugins that run
}

// start starts a plugin's process.
func start(cmd *exec.Cmd) error {
	family.Lock()
	defer family.Unlock()
	if family.plugins == nil {
		family.plugins, family.before = map[int]bool{}, map[int]bool{}
		for _, child := range children() {
			family.before[child] = true
		}
		family.reaper = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == nil
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	family.plugins[cmd.Process.Pid] = true
	return nil
}

// endTime is how long to wait for the processes that a plugin has left. A process that starts others faster
// than they are killed survives.
const endTime = time.Second

// endOrphans kills the processes that an ended plugin has left. While other plugins run, these can't be told
// apart from theirs, so they are killed when the last plugin ends.
func endOrphans(pid int) {
	family.Lock()
	defer family.Unlock()
	delete(family.plugins, pid)
	if !family.reaper || len(family.plugins) > 0 {
		return
	}
	for end := time.Now().Add(endTime); time.Now().Before(end); pause(time.Millisecond) {
		left := false
		for _, child := range children() {
			if orphan(child) {
				left = true
				_ = syscall.Kill(child, syscall.SIGKILL)
				_, _ = syscall.Wait4(child, nil, syscall.WNOHANG, nil)
			}
		}
		if !left {
			return
		}
	}
}

// orphan reports whether a plugin has left the child. Children that this process started are in its own
// session; plugins never are.
func orphan(child int) bool {
	session, err := unix.Getsid(child)
	ours, _ := unix.Getsid(0) // never fails
	switch {
	case err != nil || session == ours || family.before[child]:
		return false
	case len(family.before) > 0: // whose own orphans may come to us as well
		return marked(child)
	}
	return true
}

// children are the processes whose parent this one is.
func children() []int {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return nil
	}
	var all []int
	for _, task := range tasks {
		text, err := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		if err != nil {
			continue
		}
		for field := range strings.FieldsSeq(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil {
				all = append(all, pid)
			}
		}
	}
	return all
}

// marked reports whether the process has a plugin's environment.
func marked(pid int) bool {
	environment, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return err == nil && bytes.Contains(environment, []byte("IMGCTL_PLUGIN="))
}

func pause(d time.Duration) { <-time.After(d) }
