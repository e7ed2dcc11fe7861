package sdk

import (
	"bytes"
	"os"
	"time"
)

// awaitDebugger waits until a debugger is attached to this process. It ends the process if the host is gone.
func awaitDebugger() {
	pause := time.Tick(50 * time.Millisecond)
	for host := os.Getppid(); !traced(); <-pause {
		if os.Getppid() != host {
			os.Exit(1)
		}
	}
}

// traced reports whether a process traces this one.
func traced() bool {
	text, err := os.ReadFile("/proc/self/status")
	_, tracer, known := bytes.Cut(text, []byte("\nTracerPid:\t"))
	return err != nil || !known || !bytes.HasPrefix(tracer, []byte("0\n"))
}
