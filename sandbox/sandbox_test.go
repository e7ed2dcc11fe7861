package sandbox_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func TestEveryCloudLogsIn(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	if len(c.Clouds()) < 7 {
		t.Errorf("clouds %v", c.Clouds())
	}
	for _, cloud := range c.Clouds() {
		pages, err := images.List(apitest.ImageClient(t, c, cloud), images.ListOpts{}).AllPages(t.Context())
		if err != nil {
			t.Fatalf("listing images as %q: %v", cloud, err)
		}
		if found, err := images.ExtractImages(pages); err != nil || len(found) != 0 {
			t.Errorf("images of %q: %v, %v", cloud, found, err)
		}
		if len(c.FlatEnv(cloud)) < 5 {
			t.Errorf("flat environment of %q: %v", cloud, c.FlatEnv(cloud))
		}
	}
	info, err := os.Stat(c.CloudsYAML())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("clouds.yaml: %v, %v", info.Mode(), err)
	}
}

func TestImageRoundTrip(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	client := apitest.ImageClient(t, c, "demo")
	img, err := images.Create(t.Context(), client, images.CreateOpts{
		Name: "web", DiskFormat: "raw", ContainerFormat: "bare", Tags: []string{"b", "a"},
		Properties: map[string]string{"os_distro": "debian"},
	}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	if img.Visibility != images.ImageVisibilityShared || img.Status != images.ImageStatusQueued {
		t.Errorf("created %+v", img)
	}
	if err := imagedata.Upload(t.Context(), client, img.ID, strings.NewReader("content")).ExtractErr(); err != nil {
		t.Fatal(err)
	}
	img, err = images.Get(t.Context(), client, img.ID).Extract()
	if err != nil {
		t.Fatal(err)
	}
	if img.Status != images.ImageStatusActive || img.SizeBytes != 7 || img.Checksum != "9a0364b9e99bb480dd25e1f0284c8555" {
		t.Errorf("uploaded %+v", img)
	}
	body, err := imagedata.Download(t.Context(), client, img.ID).Extract()
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if data, err := io.ReadAll(body); err != nil || string(data) != "content" {
		t.Errorf("downloaded %q, %v", data, err)
	}
}

func TestCloseRemovesTheFolder(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	dir := c.Dir()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

// Other users of the machine can't reach what servers have in their files, whoever made the folder.
func TestFoldersArePrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"servers", "glance", "volumes"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sandboxtest.Start(t, sandbox.Options{Dir: dir})
	for _, name := range []string{"servers", "glance", "volumes"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestOnlyLoopback(t *testing.T) {
	t.Parallel()
	if _, err := sandbox.Start(t.Context(), sandbox.Options{Addr: "0.0.0.0:0"}); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("error %v", err)
	}
}
