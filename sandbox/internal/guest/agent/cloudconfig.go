//go:build linux

package agent

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/userland"
)

// cloudConfig is the part of #cloud-config that a guest acts on.
type cloudConfig struct {
	Hostname          string      `yaml:"hostname"`
	FQDN              string      `yaml:"fqdn"`
	SSHAuthorizedKeys []string    `yaml:"ssh_authorized_keys"`
	SSHPwauth         any         `yaml:"ssh_pwauth"`
	Password          string      `yaml:"password"`
	Chpasswd          chpasswd    `yaml:"chpasswd"`
	Users             []yaml.Node `yaml:"users"`
	WriteFiles        []writeFile `yaml:"write_files"`
	Bootcmd           []yaml.Node `yaml:"bootcmd"`
	Runcmd            []yaml.Node `yaml:"runcmd"`
}

type chpasswd struct {
	List   any  `yaml:"list"`
	Expire bool `yaml:"expire"`
	Users  []struct {
		Name     string `yaml:"name"`
		Password string `yaml:"password"`
		Type     string `yaml:"type"`
	} `yaml:"users"`
}

type writeFile struct {
	Path        string `yaml:"path"`
	Content     string `yaml:"content"`
	Encoding    string `yaml:"encoding"`
	Owner       string `yaml:"owner"`
	Permissions string `yaml:"permissions"`
	Append      bool   `yaml:"append"`
}

type cloudUser struct {
	Name              string   `yaml:"name"`
	UID               int      `yaml:"uid"`
	Homedir           string   `yaml:"homedir"`
	Shell             string   `yaml:"shell"`
	SSHAuthorizedKeys []string `yaml:"ssh_authorized_keys"`
	PlainTextPasswd   string   `yaml:"plain_text_passwd"`
}

// handled are the keys of cloudConfig and those that have nothing to act on here.
var handled = []string{
	"hostname", "fqdn", "ssh_authorized_keys", "ssh_pwauth", "password", "chpasswd", "users", "write_files", "bootcmd", "runcmd",
	"manage_etc_hosts", "preserve_hostname", "disable_root", "package_update", "package_upgrade", "final_message", "output",
}

func (a *agent) write(f writeFile) error {
	content, err := f.decoded()
	if err != nil {
		return fmt.Errorf("decoding %q: %w", f.Path, err)
	}
	mode := uint64(0o644)
	if f.Permissions != "" {
		m, err := strconv.ParseUint(f.Permissions, 8, 32)
		if err != nil {
			return fmt.Errorf("permissions of %q: %w", f.Path, err)
		}
		mode = m
	}
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if f.Append {
		flags = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	out, err := os.OpenFile(f.Path, flags, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := out.Write(content); err != nil {
		return err
	}
	if err := unix.Fchmod(int(out.Fd()), uint32(mode)); err != nil {
		return err
	}
	name, _, _ := strings.Cut(f.Owner, ":")
	if acc, ok := userland.UserByName(name); ok {
		return a.users.own(acc, f.Path)
	}
	return nil
}

// decoded is the file's content; the encoding names base64, gzip or both.
func (f writeFile) decoded() ([]byte, error) {
	content, encoding := []byte(f.Content), strings.ToLower(f.Encoding)
	if strings.Contains(encoding, "b64") || strings.Contains(encoding, "base64") {
		var err error
		if content, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(f.Content), "")); err != nil {
			return nil, err
		}
	}
	if !strings.Contains(encoding, "gz") {
		return content, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func (a *agent) addUser(c cloudUser) error {
	acc, ok := userland.UserByName(c.Name)
	if !ok {
		var err error
		if acc, err = a.users.add(userland.User{Name: c.Name, UID: c.UID, GID: c.UID, Home: c.Homedir, Shell: c.Shell}); err != nil {
			return err
		}
	}
	if c.PlainTextPasswd != "" {
		a.mu.Lock()
		userPasswords[c.Name] = c.PlainTextPasswd
		a.mu.Unlock()
	}
	return a.users.authorize(acc, c.SSHAuthorizedKeys)
}

func (a *agent) setPasswords(c cloudConfig) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c.Password != "" {
		a.password = c.Password
	}
	for _, u := range c.Chpasswd.Users {
		if u.Type == "" || u.Type == "text" {
			userPasswords[u.Name] = u.Password
		}
	}
	var list []string
	switch v := c.Chpasswd.List.(type) {
	case string:
		list = strings.Split(v, "\n")
	case []any:
		for _, item := range v {
			list = append(list, fmt.Sprint(item))
		}
	}
	for _, line := range list {
		if name, pw, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			userPasswords[name] = pw
		}
	}
	if off := fmt.Sprint(c.SSHPwauth); off == "false" || off == "no" {
		a.password = ""
		clear(userPasswords)
	}
}
