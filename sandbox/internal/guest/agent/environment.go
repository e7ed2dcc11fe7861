//go:build linux

package agent

import (
	"os"
	"strings"
	"syscall"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/userland"
)

// credential is what a process of the account runs as; nil means as pid 1 does.
func (u *users) credential(acc userland.User) *syscall.Credential {
	if u.single {
		return nil
	}
	c := &syscall.Credential{Uid: uint32(acc.UID), Gid: uint32(acc.GID)}
	for _, g := range userland.GroupsOf(acc) {
		c.Groups = append(c.Groups, uint32(g))
	}
	return c
}

// systemPath is where a log-in looks for programs; the agent's folder comes last, as it stands in for what is missing.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:" + agentBin

// environment is that of a log-in.
func environment(acc userland.User) []string {
	env := []string{
		"HOME=" + acc.Home, "USER=" + acc.Name, "LOGNAME=" + acc.Name, "SHELL=" + loginShell(acc), "PATH=" + systemPath, "MAIL=/var/mail/" +
			acc.Name,
	}
	b, _ := os.ReadFile("/etc/environment")
	for line := range strings.Lines(string(b)) {
		k, v, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(k, "#") {
			continue
		}
		v = strings.Trim(v, `"'`)
		if k == "PATH" {
			v += ":" + agentBin
		}
		env = append(env, strings.TrimPrefix(k, "export ")+"="+v)
	}
	return env
}

// loginShell is the account's shell where it exists, else any.
func loginShell(acc userland.User) string {
	for _, path := range []string{acc.Shell, "/bin/sh", agentBin + "/sh"} {
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path
		}
	}
	return agentBin + "/sh"
}
