package docs

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/hashicorp/hcl/v2"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// sshPort is one that needs no privilege; examples use the usual one.
const sshPort = 2222

func TestExamplesAreFormatted(t *testing.T) {
	t.Parallel()
	all := blocks(t, "hcl")
	if len(all) == 0 {
		t.Fatal("no examples found")
	}
	for _, b := range all {
		if _, diags := hclsyntax.ParseConfig([]byte(b.text), b.String(), hcl.InitialPos); diags.HasErrors() {
			t.Errorf("%s: %v", b, diags)
		}
		if formatted := hclwrite.Format([]byte(b.text)); string(formatted) != b.text {
			t.Errorf("%s: not formatted; it should be\n%s", b, formatted)
		}
	}
}

func TestExamplesAreValid(t *testing.T) {
	t.Parallel()
	packer := packertest.New(t)
	cloud := sandboxtest.Start(t, sandbox.Options{})
	for _, b := range blocks(t, "hcl") {
		if !b.marked("validate") {
			continue
		}
		t.Run(b.String(), func(t *testing.T) {
			t.Parallel()
			if out, err := packer.Run(t, cloud.Env("demo"), "validate", template(t, b.text)); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	t.Cleanup(func() {
		if n := len(cloud.Requests()); n > 0 {
			t.Errorf("validating made %d requests", n)
		}
	})
}

func TestExamplesBuild(t *testing.T) {
	t.Parallel()
	packer := packertest.New(t)
	for _, b := range blocks(t, "hcl") {
		if !b.marked("build") {
			continue
		}
		t.Run(b.String(), func(t *testing.T) {
			t.Parallel()
			cloud := cloudWithImage(t)
			if out, err := packer.Run(t, cloud.Env("demo"), "build", template(t, b.text)); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// template is a file with an example, made to find the sandbox's SSH.
func template(t *testing.T, text string) string {
	t.Helper()
	text = regexp.MustCompile(`(?m)^(\s*)ssh_username\s.*$`).ReplaceAllString(text, "$0\n${1}ssh_port = "+strconv.Itoa(sshPort))
	path := filepath.Join(t.TempDir(), "example.pkr.hcl")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// webBase is the id of the image web-base.
const webBase = "5e0c6c1e-3f0e-4a52-9c1c-6f3a8f1f2b77"

// cloudWithImage is a sandbox whose servers can be logged in to, with the image that the
// examples start from.
func cloudWithImage(t *testing.T) *sandbox.Cloud {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("servers with an inside need Linux")
	}
	seed := sandbox.DefaultSeed()
	seed.Images = []sandbox.Image{{
		Project: "demo", Data: rootFS(t), Members: map[string]string{"member-a": "accepted", "member-b": "pending"},
		ID: webBase, Name: "web-base", Visibility: "shared", Properties: map[string]string{"os_distro": "demo"},
	}}
	for name, role := range map[string]string{"ubuntu": "", "ipa-kernel-9": "kernel", "ipa-ramdisk-9": "initramfs"} {
		properties := map[string]string{}
		if role != "" {
			properties = map[string]string{"build-ipa": role, "build-tag": "9"}
		}
		seed.Images = append(seed.Images, sandbox.Image{
			Project: "admin", Visibility: "private", Name: name, Data: []byte(name),
			Properties: properties,
		})
	}
	return sandboxtest.Start(t, sandboxtest.WithGuests(t, sandbox.Options{Seed: seed, SSHPort: sshPort}))
}

func rootFS(t *testing.T) []byte {
	t.Helper()
	const text = "NAME=demo\n"
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "etc/os-release", Mode: 0o644, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
