package scenario

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// interrupt does what Ctrl-C does to the programs in the background: all processes of theirs that
// are in the same process group get SIGINT. Packer alone takes no notice of it; its children do.
func interrupt(_ context.Context, s script, _ io.Writer, args []string) error {
	running := s.ts.BackgroundCmds()
	if len(args) > 0 || len(running) == 0 {
		return errors.Join(errUsage, fmt.Errorf("%d programs are in the background", len(running)))
	}
	family := map[int]bool{}
	for _, cmd := range running {
		family[cmd.Process.Pid] = true
	}
	all, err := processes()
	if err != nil {
		return err
	}
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if family[p.parent] && !family[p.id] {
				family[p.id], grown = true, true
			}
		}
	}
	group := syscall.Getpgrp()
	for _, p := range all {
		if family[p.id] && p.group == group {
			_ = syscall.Kill(p.id, syscall.SIGINT) // it may have ended just now
		}
	}
	return nil
}

type process struct{ id, parent, group int }

func processes() (all []process, err error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, errors.New("there are no processes in /proc"))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// PID (NAME) STATE PARENT GROUP ...; a name may have anything in it.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		id, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		parent, err2 := strconv.Atoi(fields[1])
		group, err3 := strconv.Atoi(fields[2])
		if err := errors.Join(err, err2, err3); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		all = append(all, process{id, parent, group})
	}
	return all, nil
}
