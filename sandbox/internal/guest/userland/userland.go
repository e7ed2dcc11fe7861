//go:build linux

// Package userland is for guests whose image has no programs: the core utilities in one executable, which acts by the
// name it is called by. Package shell has the shell's language.
package userland

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Command is a built-in program. Its result is the exit status.
type Command func(p *Proc) int

// commands are all built-in programs by name, filled by the files that hold them.
var commands = map[string]Command{}

// alone are the commands that the shell runs as a process of their own, as they start others or become another user.
var alone = map[string]bool{}

func register(m map[string]Command) { maps.Copy(commands, m) }

func registerAlone(m map[string]Command) {
	register(m)
	for name := range m {
		alone[name] = true
	}
}

// Add adds programs. Those that run alone are never run in the shell's own process, as they start others.
func Add(m map[string]Command, alone bool) {
	if alone {
		registerAlone(m)
		return
	}
	register(m)
}

// Inside returns the built-in program of a name, if the shell may run it in its own process.
func Inside(name string) (Command, bool) {
	run, ok := commands[name]
	return run, ok && !alone[name]
}

// Has reports whether name is a built-in program. A log-in shell's name starts with "-".
func Has(name string) bool {
	_, ok := commands[strings.TrimPrefix(name, "-")]
	return ok
}

// Names lists the built-in programs in order.
func Names() []string { return slices.Sorted(maps.Keys(commands)) }

// Main runs the program that args names on the process's own files and answers its exit status.
func Main(args []string) int {
	name := filepath.Base(args[0])
	dir, err := os.Getwd()
	if err != nil {
		dir = "/"
	}
	p := &Proc{
		Ctx: context.Background(), Name: strings.TrimPrefix(name, "-"), Args: args[1:], Login: strings.HasPrefix(name, "-"),
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Dir: dir, Environ: os.Environ(),
	}
	return commands[p.Name](p)
}
