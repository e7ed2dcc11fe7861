//go:build linux

package userland

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

func init() {
	registerAlone(map[string]Command{
		"sudo": sudo, "su": su, "poweroff": off, "halt": off, "reboot": off, "shutdown": shutdown, "systemctl": systemctl,
		"cloud-init": cloudInit,
	})
}

// ask opens a conversation with pid 1.
func ask() (*control.Conn, error) {
	u, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: control.AgentSocket, Net: "unixpacket"})
	if err != nil {
		return nil, fmt.Errorf("asking the guest's agent: %w", err)
	}
	defer u.Close()
	f, err := u.File()
	if err != nil {
		return nil, fmt.Errorf("asking the guest's agent: %w", err)
	}
	return control.NewConn(f)
}

const securePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:" + control.AgentDir + "/bin"

// sudo runs a command as another user without asking for a password, as for a cloud image's default user.
func sudo(p *Proc) int {
	f, args, ok := p.options("+EnSHibskKvlp:u:g:C:D:", "preserve-env=E", "non-interactive=n", "stdin=S", "set-home=H", "login=i",
		"background=b", "shell=s", "user=u",
		"group=g", "prompt=p", "validate=v", "reset-timestamp=k", "remove-timestamp=K", "list=l", "chdir=D")
	if !ok {
		return 1
	}
	acc, ok := UserByName(f.value('u', "root"))
	if !ok {
		return p.failf("unknown user %s", f.value('u', "root"))
	}
	environ := asUser(p, acc, f.has('E'), f.has('i'))
	for len(args) > 0 && strings.Contains(args[0], "=") && !strings.HasPrefix(args[0], "=") {
		environ = set(environ, args[0])
		args = args[1:]
	}
	if f.has('i') {
		p.Dir = acc.Home
	}
	if f.has('D') {
		p.Dir = p.Path(f.value('D', ""))
	}
	shell := shellOf(acc)
	switch {
	case len(args) == 0 && (f.has('i') || f.has('s')):
		args = []string{shell}
	case len(args) == 0 && (f.has('v') || f.has('k') || f.has('K') || f.has('l')):
		return 0
	case len(args) == 0:
		return p.usage("[-EnHis] [-u USER] [VAR=value]... COMMAND [ARG]...")
	case f.has('i') || f.has('s'):
		args = []string{shell, "-c", strings.Join(args, " ")}
	}
	return p.become(acc, args, environ)
}

// asUser is the environment that a command of acc gets.
func asUser(p *Proc, acc User, keep, login bool) []string {
	environ := []string{}
	if keep && !login {
		environ = slices.Clone(p.Environ)
	} else {
		for _, name := range []string{"TERM", "LANG", "LC_ALL", "DISPLAY"} {
			if v := p.Getenv(name); v != "" {
				environ = append(environ, name+"="+v)
			}
		}
	}
	if !keep || login {
		environ = set(environ, "HOME="+acc.Home)
	}
	for _, e := range []string{"PATH=" + securePath, "USER=" + acc.Name, "LOGNAME=" + acc.Name, "SHELL=" + shellOf(acc)} {
		environ = set(environ, e)
	}
	if u, ok := userByID(os.Getuid()); ok {
		environ = set(environ, "SUDO_USER="+u.Name)
		environ = set(environ, "SUDO_UID="+strconv.Itoa(u.UID))
		environ = set(environ, "SUDO_GID="+strconv.Itoa(u.GID))
	}
	return environ
}

func shellOf(acc User) string {
	if st, err := os.Stat(acc.Shell); err == nil && st.Mode()&0o111 != 0 && !st.IsDir() {
		return acc.Shell
	}
	return "/bin/sh"
}

// become runs a command as acc: by itself where nothing changes, else pid 1 starts it on this process's files.
func (p *Proc) become(acc User, args, environ []string) int {
	if acc.UID == os.Geteuid() {
		return p.spawn(args, nil, environ)
	}
	c, err := ask()
	if err != nil {
		return p.Fail(err)
	}
	defer c.Close()
	request, err := json.Marshal(control.RunRequest{User: acc.Name, Args: args, Env: environ, Dir: p.Dir})
	if err != nil {
		return p.Fail(err)
	}
	if err := c.Send(control.Message{Op: control.Run, Text: string(request)}, os.Stdin, os.Stdout, os.Stderr); err != nil {
		return p.Fail(err)
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for s := range signals {
			_ = c.Send(control.Message{Op: control.Signal, Text: strconv.Itoa(int(s.(syscall.Signal)))})
		}
	}()
	m, _, err := c.Receive()
	switch {
	case err != nil:
		return p.failf("the guest's agent went away: %w", err)
	case m.Op == control.Failed:
		fmt.Fprintf(p.Err, "%s: %s\n", p.Name, m.Error)
		return 1
	}
	return number(m.Text)
}
