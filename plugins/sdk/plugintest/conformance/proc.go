package conformance

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// pids are the processes of the plugin's group that live, from /proc.
func (p *Process) pids() []int {
	var all []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		// pid (command) state ppid pgrp ...: the command may hold anything, brackets too.
		after := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(after) < 3 || after[0][0] == 'Z' || string(after[2]) != p.run.ID() {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			all = append(all, pid)
		}
	}
	return all
}

// exposed are the places where others on the machine could read the text: arguments and environment
// of the plugin's processes.
func (p *Process) exposed(text string) []string {
	var found []string
	for _, pid := range p.pids() {
		for _, name := range []string{"cmdline", "environ"} {
			file := filepath.Join("/proc", strconv.Itoa(pid), name)
			if data, err := os.ReadFile(file); err == nil && bytes.Contains(data, []byte(text)) {
				found = append(found, file)
			}
		}
	}
	return found
}
