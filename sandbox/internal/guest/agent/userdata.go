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
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/sys/unix"
)

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
	a.console.Printf("Cloud-init v. 23.4 finished at %s. Datasource DataSourceOpenStackLocal [net,ver=2].  Up %.2f seconds",
		time.Now().UTC().Format(time.RFC1123Z), time.Since(booted).Seconds())
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
