package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// memoryOf watches a process and its descendants until end is closed, and gives the most KiB that those
// which ran at the same time have taken. What wait4 tells doesn't do: it begins with what the parent has.
func memoryOf(pid int, end <-chan struct{}) <-chan int64 {
	peak := make(chan int64, 1)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		var most int64
		for {
			most = max(most, taken(pid))
			select {
			case <-tick.C:
			case <-end:
				peak <- most
				return
			}
		}
	}()
	return peak
}

// taken is the sum of the most that the process and its descendants have taken so far, in KiB.
func taken(pid int) (sum int64) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0 // ended
	}
	if _, text, ok := strings.Cut(string(status), "VmHWM:"); ok {
		if fields := strings.Fields(text); len(fields) > 0 {
			sum, _ = strconv.ParseInt(fields[0], 10, 64)
		}
	}
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid)) // a thread may have started the child
	for _, task := range tasks {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		for child := range strings.FieldsSeq(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				sum += taken(n)
			}
		}
	}
	return sum
}
