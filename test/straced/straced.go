// Package straced has a program's system calls fail, or kills it at them, one after the other. strace does it.
package straced

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// Fault says what becomes of which system calls, in the words of strace: Call as in "renameat", How as in "error=EIO".
type Fault struct{ Call, How string }

// Need skips the test where strace doesn't work.
func Need(t *testing.T) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "strace", "-f", "true").CombinedOutput(); err != nil {
		t.Skipf("strace doesn't work here, so system calls can't be made to fail: %v %.200s", err, out)
	}
}

// Before is what stands before a program and its arguments, so that its nth call meets the fault, in each thread.
func (f Fault) Before(nth int, log string) []string {
	return []string{
		"strace", "-f", "-qq", "-o", log, "-e", "trace=" + f.Call, "-e", "inject=" + f.Call + ":" + f.How + ":when=" + strconv.Itoa(nth),
	}
}

// Met reports whether the log tells of a call that met the fault, and gives the log.
func Met(t *testing.T, log string) (met bool, trace string) {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatalf("strace left no log: %v", err)
	}
	trace = string(text)
	return strings.Contains(trace, "(INJECTED)") || strings.Contains(trace, "killed by SIGKILL"), trace
}
