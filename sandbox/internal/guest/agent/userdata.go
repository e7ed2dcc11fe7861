//go:build linux

package agent

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"go.yaml.in/yaml/v3"

	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/shell"
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

// userData is a guest's user data, taken apart.
type userData struct {
	config  cloudConfig
	scripts [][]byte
}

// data is set by early for final; both run in the order of a boot.
var data userData

// early does what user data asks for before log-ins are possible.
func (a *agent) early() error {
	if err := a.instanceFolder(); err != nil {
		return err
	}
	a.console.Printf("cloud-init: running 'init' for instance %s", a.cfg.UUID)
	data = a.parse(a.cfg.UserData)
	c := data.config
	if h := c.Hostname; h != "" {
		if err := unix.Sethostname([]byte(h)); err != nil {
			a.console.Printf("cloud-init: setting host name %q: %v", h, err)
		}
	}
	if len(c.Bootcmd) > 0 {
		a.runScript("bootcmd", script(c.Bootcmd))
	}
	if !a.cfg.FirstBoot {
		return nil
	}
	for _, f := range c.WriteFiles {
		if err := a.write(f); err != nil {
			a.console.Printf("cloud-init: write_files: %v", err)
		}
	}
	a.users.keys = append(a.users.keys, c.SSHAuthorizedKeys...)
	for _, n := range c.Users {
		var u cloudUser
		if n.Kind != yaml.MappingNode || n.Decode(&u) != nil {
			continue // "default"
		}
		if err := a.addUser(u); err != nil {
			a.console.Printf("cloud-init: users: %v", err)
		}
	}
	a.setPasswords(c)
	return nil
}

// final does the rest of a first boot, when log-ins are possible already.
func (a *agent) final() {
	if a.cfg.FirstBoot {
		if len(data.config.Runcmd) > 0 {
			a.runScript("runcmd", script(data.config.Runcmd))
		}
		for i, s := range data.scripts {
			a.runScript("part-"+fmt.Sprintf("%03d", i+1), s)
		}
	}
	a.console.Printf("cloud-init: finished, datasource OpenStack")
	_ = os.WriteFile(filepath.Join(instanceLink, "boot-finished"), []byte("finished\n"), 0o644)
	_ = os.WriteFile("/run/cloud-init/result.json", []byte(`{"v1": {"datasource": "DataSourceOpenStackLocal", "errors": []}}`+"\n"), 0o644)
	a.console.Printf("%s login:", a.cfg.Hostname)
}

const instanceLink = "/var/lib/cloud/instance"

// instanceFolder makes cloud-init's folders: templates wait for boot-finished in them.
func (a *agent) instanceFolder() error {
	dir := "/var/lib/cloud/instances/" + a.cfg.UUID
	for _, d := range []string{dir, "/run/cloud-init"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return fmt.Errorf("making cloud-init's folder: %w", err)
		}
	}
	_ = os.Remove(filepath.Join(dir, "boot-finished"))
	_ = os.Remove(instanceLink)
	_ = os.Symlink(dir, instanceLink)
	return os.WriteFile("/run/cloud-init/instance-data.json", a.cfg.Documents["openstack/latest/meta_data.json"], 0o644)
}

func (a *agent) parse(b []byte) userData {
	var d userData
	a.take(&d, b, "")
	return d
}

// take sorts one part of the user data by what it starts with.
func (a *agent) take(d *userData, b []byte, kind string) {
	if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
		if plain, err := io.ReadAll(io.LimitReader(z, 16<<20)); err == nil {
			b = plain
		}
	}
	first, _, _ := bytes.Cut(b, []byte("\n"))
	switch line := strings.TrimSpace(string(first)); {
	case len(bytes.TrimSpace(b)) == 0:
	case strings.HasPrefix(line, "#!"):
		d.scripts = append(d.scripts, b)
	case line == "#cloud-config" || kind == "text/cloud-config":
		a.takeConfig(d, b)
	case strings.HasPrefix(strings.ToLower(line), "content-type: multipart") || strings.HasPrefix(strings.ToLower(line), "mime-version:"):
		a.takeParts(d, b)
	default:
		a.console.Printf("cloud-init: user data that starts with %q is not handled", line)
	}
}

func (a *agent) takeConfig(d *userData, b []byte) {
	if err := yaml.Unmarshal(b, &d.config); err != nil {
		a.console.Printf("cloud-init: failed loading cloud-config: %v", err)
		return
	}
	var all map[string]any
	if yaml.Unmarshal(b, &all) != nil {
		return
	}
	for key := range all {
		if !slices.Contains(handled, key) {
			a.console.Printf("cloud-init: %q is not handled", key)
		}
	}
}

func (a *agent) takeParts(d *userData, b []byte) {
	m, err := mail.ReadMessage(bytes.NewReader(b))
	if err != nil {
		a.console.Printf("cloud-init: reading multi-part user data: %v", err)
		return
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		a.console.Printf("cloud-init: reading multi-part user data: %v", err)
		return
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		p, err := parts.NextPart()
		if err != nil {
			return
		}
		var body io.Reader = p
		if strings.EqualFold(p.Header.Get("Content-Transfer-Encoding"), "base64") {
			body = base64.NewDecoder(base64.StdEncoding, p)
		}
		content, err := io.ReadAll(body)
		if err != nil {
			a.console.Printf("cloud-init: reading multi-part user data: %v", err)
			return
		}
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		a.take(d, content, kind)
	}
}

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
	root, ok := shell.UserByName("root")
	if !ok {
		root = shell.User{Name: "root", Home: "/root"}
	}
	file := control.AgentDir + "/" + name
	if err := os.WriteFile(file, content, 0o700); err != nil {
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
	if acc, ok := shell.UserByName(name); ok {
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
	acc, ok := shell.UserByName(c.Name)
	if !ok {
		var err error
		if acc, err = a.users.add(shell.User{Name: c.Name, UID: c.UID, GID: c.UID, Home: c.Homedir, Shell: c.Shell}); err != nil {
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
