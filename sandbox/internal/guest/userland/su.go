//go:build linux

package userland

import (
	"os"
)

func su(p *Proc) int {
	f, args, ok := p.options("lmpc:s:", "login=l", "command=c", "shell=s", "preserve-environment=p")
	if !ok {
		return 1
	}
	login := f.has('l')
	if len(args) > 0 && args[0] == "-" {
		login, args = true, args[1:]
	}
	name := "root"
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	acc, ok := UserByName(name)
	if !ok {
		return p.failf("user %s does not exist", name)
	}
	if os.Geteuid() != 0 && acc.UID != os.Geteuid() {
		return p.failf("Authentication failure")
	}
	environ := asUser(p, acc, !login, login)
	environ = set(environ, "HOME="+acc.Home)
	if login {
		p.Dir = acc.Home
	}
	command := []string{f.value('s', shellOf(acc))}
	if f.has('c') {
		command = append(command, "-c", f.value('c', ""))
	}
	return p.become(acc, append(command, args...), environ)
}
