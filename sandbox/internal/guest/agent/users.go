//go:build linux

package agent

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/shell"
)

// cloudUsers are the log-ins that cloud images create at first boot; each of them exists as soon as it is used.
var cloudUsers = []string{
	"admin", "almalinux", "alpine", "arch", "centos", "cirros", "cloud", "cloud-user", "core", "debian", "ec2-user",
	"fedora", "freebsd", "opensuse", "packer", "rocky", "stack", "ubuntu", "user", "vagrant",
}

// users are the guest's accounts: those of /etc/passwd, and cloud users made on demand.
type users struct {
	single bool // the name space knows one user id, so that every account is root's

	mu   sync.Mutex
	keys []string
}

// prepare makes sure that there is a root who may log in with keys, as Nova's injection and cloud-init do.
func (u *users) prepare(keys []string) error {
	u.keys = keys
	if _, err := os.Stat("/etc/passwd"); err != nil {
		if err := os.MkdirAll("/etc", 0o755); err != nil {
			return fmt.Errorf("making the user list: %w", err)
		}
		if err := os.WriteFile("/etc/passwd", []byte("root:x:0:0:root:/root:/bin/sh\n"), 0o644); err != nil {
			return fmt.Errorf("making the user list: %w", err)
		}
		if err := os.WriteFile("/etc/group", []byte("root:x:0:\n"), 0o644); err != nil {
			return fmt.Errorf("making the group list: %w", err)
		}
	}
	root, ok := shell.UserByName("root")
	if !ok {
		return nil
	}
	return u.authorize(root, keys)
}

// known reports whether name may log in, given the right key or password.
func (u *users) known(name string) bool {
	_, ok := shell.UserByName(name)
	return ok || slices.Contains(cloudUsers, name)
}

// find answers the account of a known name.
func (u *users) find(name string) (shell.User, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if acc, ok := shell.UserByName(name); ok {
		return acc, u.authorize(acc, u.keys) == nil
	}
	if !slices.Contains(cloudUsers, name) {
		return shell.User{}, false
	}
	acc, err := u.add(shell.User{Name: name})
	if err != nil {
		return shell.User{}, false
	}
	return acc, u.authorize(acc, u.keys) == nil
}

// add makes an account with its group and home folder. Empty fields get what useradd would choose.
func (u *users) add(acc shell.User) (shell.User, error) {
	if acc.UID == 0 {
		acc.UID = shell.FreeID()
		acc.GID = acc.UID
	}
	if acc.Home == "" {
		acc.Home = "/home/" + acc.Name
	}
	if acc.Shell == "" {
		acc.Shell = "/bin/sh"
		if st, err := os.Stat("/bin/bash"); err == nil && st.Mode()&0o111 != 0 {
			acc.Shell = "/bin/bash"
		}
	}
	for file, line := range map[string]string{
		"/etc/passwd": fmt.Sprintf("%s:x:%d:%d:%s:%s:%s\n", acc.Name, acc.UID, acc.GID, acc.Name, acc.Home, acc.Shell),
		"/etc/group":  fmt.Sprintf("%s:x:%d:\n", acc.Name, acc.GID),
		"/etc/shadow": acc.Name + ":!:19000:0:99999:7:::\n",
	} {
		if err := appendTo(file, line, file == "/etc/shadow"); err != nil {
			return acc, fmt.Errorf("adding user %q: %w", acc.Name, err)
		}
	}
	if st, err := os.Stat("/etc/sudoers.d"); err == nil && st.IsDir() {
		rule := acc.Name + " ALL=(ALL) NOPASSWD:ALL\n"
		if err := appendTo("/etc/sudoers.d/90-cloud-init-users", rule, false); err != nil {
			return acc, fmt.Errorf("letting user %q use sudo: %w", acc.Name, err)
		}
		_ = os.Chmod("/etc/sudoers.d/90-cloud-init-users", 0o440)
	}
	if err := os.MkdirAll(acc.Home, 0o755); err != nil {
		return acc, fmt.Errorf("making the home of user %q: %w", acc.Name, err)
	}
	return acc, u.own(acc, acc.Home)
}

func appendTo(file, line string, mustExist bool) error {
	flags := os.O_WRONLY | os.O_APPEND
	if !mustExist {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(file, flags, 0o644)
	if mustExist && os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := f.WriteString(line); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func (u *users) own(acc shell.User, path string) error {
	if u.single {
		return nil
	}
	return os.Lchown(path, acc.UID, acc.GID)
}

func authorizedKeysFile(acc shell.User) string {
	return filepath.Join(acc.Home, ".ssh", "authorized_keys")
}

// authorize adds keys to the account's authorized_keys, as cloud-init does.
func (u *users) authorize(acc shell.User, keys []string) error {
	file := authorizedKeysFile(acc)
	have, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("reading the keys of user %q: %w", acc.Name, err)
	}
	var add strings.Builder
	for _, key := range keys {
		if key = strings.TrimSpace(key); key != "" && !bytes.Contains(have, []byte(key)) {
			add.WriteString(key + "\n")
		}
	}
	if add.Len() == 0 {
		return nil
	}
	if len(have) > 0 && have[len(have)-1] != '\n' {
		have = append(have, '\n')
	}
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the key folder of user %q: %w", acc.Name, err)
	}
	if err := os.WriteFile(file, append(have, add.String()...), 0o600); err != nil {
		return fmt.Errorf("writing the keys of user %q: %w", acc.Name, err)
	}
	if err := u.own(acc, dir); err != nil {
		return err
	}
	return u.own(acc, file)
}

// mayLogIn reports whether key is among the injected ones or the account's own.
func (u *users) mayLogIn(name string, key ssh.PublicKey) bool {
	var own []byte
	if acc, ok := shell.UserByName(name); ok {
		own, _ = os.ReadFile(authorizedKeysFile(acc))
	} else if !u.known(name) {
		return false
	}
	wanted := key.Marshal()
	for _, list := range append(slices.Clone(u.keys), string(own)) {
		rest := []byte(list)
		for len(rest) > 0 {
			pub, _, _, next, err := ssh.ParseAuthorizedKey(rest)
			if err != nil {
				break
			}
			if bytes.Equal(pub.Marshal(), wanted) {
				return true
			}
			rest = next
		}
	}
	return false
}

// credential is what a process of the account runs as; nil means as pid 1 does.
func (u *users) credential(acc shell.User) *syscall.Credential {
	if u.single {
		return nil
	}
	c := &syscall.Credential{Uid: uint32(acc.UID), Gid: uint32(acc.GID)}
	for _, g := range shell.GroupsOf(acc) {
		c.Groups = append(c.Groups, uint32(g))
	}
	return c
}

// systemPath is where a log-in looks for programs; the agent's folder comes last, as it stands in for what is missing.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:" + agentBin

// environment is that of a log-in.
func environment(acc shell.User) []string {
	env := []string{
		"HOME=" + acc.Home, "USER=" + acc.Name, "LOGNAME=" + acc.Name, "SHELL=" + loginShell(acc), "PATH=" + systemPath, "MAIL=/var/mail/" + acc.Name,
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
func loginShell(acc shell.User) string {
	for _, path := range []string{acc.Shell, "/bin/sh", agentBin + "/sh"} {
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path
		}
	}
	return agentBin + "/sh"
}
