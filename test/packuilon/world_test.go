package packuilon

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/klauspost/compress/zstd"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// sshPort is one that needs no privilege.
const sshPort = 2223

// sourceImage is the id that the example's source-images.json has.
const sourceImage = "6f1d2c3b-7a54-4e0f-9b6d-2f8a1c5e7d01"

// world is a sandbox with the example's source image.
type world struct {
	*sandbox.Cloud
	t      *testing.T
	packer *packertest.Packer
	cloud  *cloud.Cloud
	api    *gophercloud.ServiceClient
	images *glance.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("servers with an inside need Linux")
	}
	w := &world{t: t, packer: packertest.New(t)}
	seed := sandbox.DefaultSeed()
	seed.Images = []sandbox.Image{{
		Project: "demo", Data: w.rootFS(), ID: sourceImage, Name: "sl7x-x86_64", Visibility: "private",
		DiskFormat: "raw",
	}}
	w.Cloud = sandboxtest.Start(t, sandboxtest.WithGuests(t, sandbox.Options{Seed: seed, SSHPort: sshPort}))
	w.cloud = cloudtest.Connect(t, w.CloudsYAML(), "demo")
	var err error
	if w.api, err = w.cloud.Image(); err != nil {
		t.Fatal(err)
	}
	w.images = glance.New(w.api)
	return w
}

// example is the path of one of the example's files.
func example(name ...string) string {
	return filepath.Join(append([]string{packertest.Root(), "example", "packuilon"}, name...)...)
}

func (w *world) rootFS() []byte {
	w.t.Helper()
	var b bytes.Buffer
	archive := tar.NewWriter(&b)
	for name, path := range map[string]string{"quattor": "usr/bin/quattor", "aquilon": "usr/libexec/aquilon"} {
		text, err := os.ReadFile(example("guest", name))
		if err != nil {
			w.t.Fatal(err)
		}
		if err := archive.WriteHeader(&tar.Header{Name: path, Mode: 0o755, Size: int64(len(text))}); err != nil {
			w.t.Fatal(err)
		}
		if _, err := archive.Write(text); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		w.t.Fatal(err)
	}
	return b.Bytes()
}

// build builds a template of one server with these provisioners.
func (w *world) build(provisioners, user string) (string, error) {
	w.t.Helper()
	return w.run(w.template(provisioners, user), nil)
}

// template is one of one server.
func (*world) template(provisioners, user string) string {
	return fmt.Sprintf(`
source "openstack" "vm" {
  image_name        = "built"
  source_image      = %q
  flavor            = "m1.tiny"
  ssh_username      = %q
  ssh_port          = %d
  instance_metadata = { AQ_PERSONALITY = "web", AQ_OS = "sl", AQ_OSVERSION = "7x-x86_64" }
  user_data_file    = %q
}

build {
  sources = ["source.openstack.vm"]
%s
}
`, sourceImage, user, sshPort, example("guest", "cloud-init.sh"), provisioners)
}

// run builds a template, in the example's folder.
func (w *world) run(template string, env []string, args ...string) (string, error) {
	w.t.Helper()
	out, err := w.command(template, env, args...).CombinedOutput()
	if err != nil && strings.Contains(string(out), "guests can't run here") {
		w.t.Skip(string(out))
	}
	return string(out), err
}

// command is a build of a template.
func (w *world) command(template string, env []string, args ...string) *exec.Cmd {
	w.t.Helper()
	file := filepath.Join(w.t.TempDir(), "test.pkr.hcl")
	if err := os.WriteFile(file, []byte(template), 0o600); err != nil {
		w.t.Fatal(err)
	}
	cmd := w.packer.Command(w.t, slices.Concat(w.Env("demo"), env), slices.Concat([]string{"build"}, args, []string{file})...)
	cmd.Dir = example()
	return cmd
}

// built is the project's image of a name.
func (w *world) built(name string) *glance.Image {
	w.t.Helper()
	image, err := w.images.One(w.t.Context(), glance.Selector{Name: name}, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return image
}

// files are the contents of an image's regular files by their paths.
func (w *world) files(id string) map[string]string {
	w.t.Helper()
	data, err := imagedata.Download(w.t.Context(), w.api, id).Extract()
	if err != nil {
		w.t.Fatal(err)
	}
	defer data.Close()
	z, err := zstd.NewReader(data)
	if err != nil {
		w.t.Fatal(err)
	}
	defer z.Close()
	files := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			w.t.Fatalf("reading image %s: %v", id, err)
		}
		if h.Typeflag == tar.TypeReg {
			text, err := io.ReadAll(r)
			if err != nil {
				w.t.Fatal(err)
			}
			files["/"+strings.TrimPrefix(h.Name, "./")] = string(text)
		}
	}
}
