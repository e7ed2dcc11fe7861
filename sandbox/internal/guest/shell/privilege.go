//go:build linux

package shell

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
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

func init() {
	registerAlone(map[string]command{
		"sudo": sudo, "su": su, "poweroff": off, "halt": off, "reboot": off, "shutdown": shutdown, "systemctl": systemctl, "cloud-init": cloudInit,
	})
}

func ignoreHangup() { signal.Ignore(syscall.SIGHUP) }

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
func sudo(p *proc) int {
	f, args, ok := p.options("+EnSHibskKvlp:u:g:C:D:", "preserve-env=E", "non-interactive=n", "stdin=S", "set-home=H", "login=i", "background=b", "shell=s", "user=u",
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
		p.dir = acc.Home
	}
	if f.has('D') {
		p.dir = p.path(f.value('D', ""))
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
func asUser(p *proc, acc User, keep, login bool) []string {
	environ := []string{}
	if keep && !login {
		environ = slices.Clone(p.environ)
	} else {
		for _, name := range []string{"TERM", "LANG", "LC_ALL", "DISPLAY"} {
			if v := p.getenv(name); v != "" {
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
func (p *proc) become(acc User, args, environ []string) int {
	if acc.UID == os.Geteuid() {
		return p.spawn(args, nil, environ)
	}
	c, err := ask()
	if err != nil {
		return p.fail(err)
	}
	defer c.Close()
	request, err := json.Marshal(control.RunRequest{User: acc.Name, Args: args, Env: environ, Dir: p.dir})
	if err != nil {
		return p.fail(err)
	}
	if err := c.Send(control.Message{Op: control.Run, Text: string(request)}, os.Stdin, os.Stdout, os.Stderr); err != nil {
		return p.fail(err)
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
		fmt.Fprintf(p.err, "%s: %s\n", p.name, m.Error)
		return 1
	}
	return number(m.Text)
}

func su(p *proc) int {
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
		p.dir = acc.Home
	}
	command := []string{f.value('s', shellOf(acc))}
	if f.has('c') {
		command = append(command, "-c", f.value('c', ""))
	}
	return p.become(acc, append(command, args...), environ)
}

// end asks pid 1 to turn the guest off or to reboot it, and waits to be ended with it.
func (p *proc) end(op string) int {
	c, err := ask()
	if err != nil {
		return p.fail(err)
	}
	defer c.Close()
	if err := c.Send(control.Message{Op: op}); err != nil {
		return p.fail(err)
	}
	m, _, err := c.Receive()
	if err == nil && m.Op == control.Failed {
		return p.failf("%s", m.Error)
	}
	return 0
}

func off(p *proc) int {
	if p.name == "reboot" {
		return p.end(control.Reboot)
	}
	return p.end(control.Poweroff)
}

func shutdown(p *proc) int {
	f, args, ok := p.options("rPHhckf", "reboot=r", "poweroff=P", "halt=H", "no-wall=k")
	if !ok {
		return 1
	}
	if f.has('c') {
		return 0
	}
	op := control.Poweroff
	if f.has('r') {
		op = control.Reboot
	}
	if len(args) > 0 && args[0] != "now" && args[0] != "+0" {
		minutes := number(strings.TrimPrefix(args[0], "+"))
		if minutes < 0 {
			return p.failf("failed to parse time specification: %s", args[0])
		}
		t := time.NewTimer(time.Duration(minutes) * time.Minute)
		defer t.Stop()
		<-t.C
	}
	return p.end(op)
}

// systemctl knows the machine's own states; there is no service manager.
func systemctl(p *proc) int {
	words := slices.DeleteFunc(slices.Clone(p.args), func(a string) bool { return strings.HasPrefix(a, "-") })
	verb := ""
	if len(words) > 0 {
		verb = words[0]
	}
	switch verb {
	case "poweroff", "halt":
		return p.end(control.Poweroff)
	case "reboot":
		return p.end(control.Reboot)
	case "is-system-running":
		fmt.Fprintln(p.out, "running")
		return 0
	case "is-active", "is-enabled", "status":
		fmt.Fprintln(p.out, "inactive")
		return 3
	}
	fmt.Fprintf(p.err, "systemctl: no service manager in this guest: %s\n", strings.Join(p.args, " "))
	return 0
}

// cloudInit answers what templates ask of cloud-init, above all "status --wait".
func cloudInit(p *proc) int {
	if len(p.args) == 0 || p.args[0] != "status" {
		if len(p.args) > 0 && p.args[0] == "clean" {
			_ = os.RemoveAll("/var/lib/cloud")
		}
		return 0
	}
	finished := func() bool { _, err := os.Stat("/run/cloud-init/result.json"); return err == nil }
	if slices.Contains(p.args, "--wait") || slices.Contains(p.args, "-w") {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for !finished() {
			<-tick.C
		}
	}
	if finished() {
		fmt.Fprintln(p.out, "status: done")
	} else {
		fmt.Fprintln(p.out, "status: running")
	}
	return 0
}
