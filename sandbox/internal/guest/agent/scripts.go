//go:build linux

package agent

import (
	"io"
	"os"
	"strings"
	"syscall"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/userland"
)

// script makes a shell script of a list of commands, each a line of shell or a list of words.
func script(commands []yaml.Node) []byte {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n")
	for _, c := range commands {
		var words []string
		if c.Kind == yaml.SequenceNode && c.Decode(&words) == nil {
			for i, w := range words {
				words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
			}
			b.WriteString(strings.Join(words, " ") + "\n")
		} else {
			b.WriteString(c.Value + "\n")
		}
	}
	return []byte(b.String())
}

// runScript runs a script as root with its output on the console, and waits for it.
func (a *agent) runScript(name string, content []byte) {
	root, ok := userland.UserByName("root")
	if !ok {
		root = userland.User{Name: "root", Home: "/root"}
	}
	file := control.AgentDir + "/" + name
	syscall.ForkLock.RLock() // what is forked meanwhile would keep the script open, which couldn't be executed then
	err := os.WriteFile(file, content, 0o700)
	syscall.ForkLock.RUnlock()
	if err != nil {
		a.console.Printf("cloud-init: %s: %v", name, err)
		return
	}
	r, w, err := os.Pipe()
	if err != nil {
		a.console.Printf("cloud-init: %s: %v", name, err)
		return
	}
	null, err := os.Open("/dev/null")
	if err != nil {
		w.Close()
		r.Close()
		a.console.Printf("cloud-init: %s: %v", name, err)
		return
	}
	defer null.Close()
	env := append(environment(root), "INSTANCE_ID="+a.cfg.UUID)
	attr := &syscall.ProcAttr{Dir: "/", Env: env, Files: []uintptr{null.Fd(), w.Fd(), w.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true}}
	_, ended, err := a.procs.start(file, []string{file}, attr)
	w.Close()
	if err != nil {
		r.Close()
		a.console.Printf("cloud-init: %s: %v", name, err)
		return
	}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = io.Copy(a.console, r) // for as long as anything that the script started lives
		r.Close()
	}()
	st := <-ended
	waitFor(shown)
	if code := exitCode(st); code != 0 {
		a.console.Printf("cloud-init: %s failed with status %d", name, code)
	}
}
