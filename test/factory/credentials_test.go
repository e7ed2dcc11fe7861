package factory_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// Packuilon's two scripts with credentials are enough, and a build sees only those to build with, which its log doesn't.
func TestPackuilonsCredentials(t *testing.T) {
	t.Parallel()
	packer := packertest.New(t)
	sb := sandboxtest.Start(t, sandbox.Options{})
	source, err := sb.AddImage(sandbox.Image{
		Name: "sl7x-x86_64", Visibility: "public", DiskFormat: "raw", Project: "admin", Data: []byte("a disk"),
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script := func(cloud string) string {
		var b strings.Builder
		b.WriteString("#!/bin/bash\n")
		for _, kv := range sb.FlatEnv(cloud) {
			name, value, _ := strings.Cut(kv, "=")
			fmt.Fprintf(&b, "export %s='%s'\n", name, value)
		}
		return b.String()
	}
	write("packer-auth.sh", script("demo-appcred"))
	write("admin-auth.sh", script("demo"))
	write("config.ini", "[rabbit2packer]\nLOG_DIR = logs\n[imgctl]\nQUEUE_FILE = queue.db\n")
	write("template-map.json", `{"DEFAULT": ["web.pkr.hcl"]}`)
	write("source-images.json", fmt.Sprintf(`{"sl7x-x86_64": %q}`, source))
	write("web.pkr.hcl", `
packer {
  required_plugins {
    openstack = {
      source  = "github.com/imgctl/openstack"
      version = ">= 0.1.0"
    }
  }
}
variable "image_name" {}
variable "source_image" {}
source "openstack" "web" {
  communicator = "none"
  image_name   = "${var.image_name} next"
  source_image = var.source_image
  flavor       = "m1.tiny"
  networks     = ["private"]
}
build {
  sources = ["source.openstack.web"]
  provisioner "shell-local" { inline = ["env", "echo end of the environment"] }
}
`)
	imgctl := func(args ...string) string {
		t.Helper()
		cmd := packer.Around(t, filepath.Join(packertest.Root(), "bin", "imgctl"), append([]string{"factory"}, args...)...)
		cmd.Dir = dir
		for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"} {
			cmd.Env = append(cmd.Env, name+"="+t.TempDir())
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	imgctl("enqueue", "--config", "config.ini", "--personality", "web")
	said := imgctl("worker", "--config", "config.ini", "--until-empty")
	if !strings.Contains(said, `current under "sl7x-x86_64 web"`) {
		t.Errorf("no image is current:\n%s", said)
	}
	log := imgctl("logs", "--config", "config.ini", "sl7x-x86_64 web")
	if !strings.Contains(log, "OS_APPLICATION_CREDENTIAL_SECRET=<sensitive>") || !strings.Contains(log, "end of the environment") {
		t.Errorf("the build doesn't have its credentials:\n%s", log)
	}
	for _, cloud := range []string{"demo", "demo-appcred"} {
		for what, text := range map[string]string{"log": log, "worker": said} {
			if strings.Contains(text, sb.Password(cloud)) {
				t.Errorf("%s shows the password of %s", what, cloud)
			}
		}
	}
	if strings.Contains(log, "OS_USERNAME") || strings.Contains(log, "OS_PASSWORD") {
		t.Errorf("the build sees the credentials that promote:\n%s", log)
	}
}
