package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// meter adds up the CPU time of the processes whose program is below a folder, children of packer
// which nobody here waits for. It looks at them repeatedly, and loses what they do in their
// last moment.
type meter struct {
	used map[string]time.Duration // by process
	end  chan struct{}
	done chan struct{}
}

const (
	interval  = 100 * time.Millisecond
	clockTick = time.Second / 100 // of /proc/PID/stat, on every Linux
)

func startMeter(dir string) *meter {
	m := &meter{map[string]time.Duration{}, make(chan struct{}), make(chan struct{})}
	go func() {
		defer close(m.done)
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			m.look(dir)
			select {
			case <-tick.C:
			case <-m.end:
				return
			}
		}
	}()
	return m
}

func (m *meter) look(dir string) {
	programs, _ := filepath.Glob("/proc/[0-9]*/exe") // the pattern is good
	for _, program := range programs {
		process := filepath.Dir(program)
		if target, err := os.Readlink(program); err != nil || !strings.HasPrefix(target, dir+"/") {
			continue // ended, or another program
		}
		text, err := os.ReadFile(filepath.Join(process, "stat"))
		if err != nil {
			continue
		}
		// PID (NAME) STATE ... utime and stime are the 12th and 13th behind the name.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		user, err := strconv.Atoi(fields[11])
		system, err2 := strconv.Atoi(fields[12])
		if err == nil && err2 == nil {
			m.used[process] = time.Duration(user+system) * clockTick
		}
	}
}

// stop gives the sum.
func (m *meter) stop() (sum time.Duration) {
	close(m.end)
	<-m.done
	for _, used := range m.used {
		sum += used
	}
	return sum
}
