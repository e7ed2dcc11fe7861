//go:build linux

package agent

import (
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/userland"
)

// cloudUsers are the log-ins that cloud images create at first boot; each of them exists as soon as it is used.
var cloudUsers = []string{
	"admin", "almalinux", "alpine", "arch", "cc", "centos", "cirros", "cloud", "cloud-user", "core", "debian", "ec2-user",
	"fedora", "freebsd", "gentoo", "kali", "opc", "opensuse", "packer", "rocky", "sles", "stack", "ubuntu", "user", "vagrant",
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
	root, ok := userland.UserByName("root")
	if !ok {
		return nil
	}
	return u.authorize(root, keys)
}

// known reports whether name may log in, given the right key or password.
func (u *users) known(name string) bool {
	_, ok := userland.UserByName(name)
	return ok || slices.Contains(cloudUsers, name)
}

// find answers the account of a known name.
func (u *users) find(name string) (userland.User, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if acc, ok := userland.UserByName(name); ok {
		return acc, u.authorize(acc, u.keys) == nil
	}
	if !slices.Contains(cloudUsers, name) {
		return userland.User{}, false
	}
	acc, err := u.add(userland.User{Name: name})
	if err != nil {
		return userland.User{}, false
	}
	return acc, u.authorize(acc, u.keys) == nil
}

// add makes an account with its group and home folder. Empty fields get what useradd would choose.
func (u *users) add(acc userland.User) (userland.User, error) {
	if acc.UID == 0 {
		acc.UID = userland.FreeID()
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

func (u *users) own(acc userland.User, path string) error {
	if u.single {
		return nil
	}
	return os.Lchown(path, acc.UID, acc.GID)
}
