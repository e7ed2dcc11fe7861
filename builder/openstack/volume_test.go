package openstack

import (
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

func TestVolume(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	img, out := w.image(map[string]any{
		"use_blockstorage_volume": true, "image_disk_format": "raw", "volume_size": 2, "metadata": map[string]string{"os_version": "12"},
		"image_members": []string{w.ProjectID("member-a")},
	}, nil)
	if img.Name != "web-base" || img.Status != "active" || img.DiskFormat != "raw" || img.Visibility != glance.Shared {
		t.Errorf("image %+v\n%s", img, out)
	}
	if img.Properties["os_version"] != "12" || img.Properties["image_type"] != "image" || img.Properties[cloud.DeadlineKey] != "" {
		t.Errorf("properties %v", img.Properties)
	}
	// What the source's data was is not what the image's data is.
	if v, ok := img.Properties["owner_specified.openstack.md5"]; ok {
		t.Errorf("the source's hash %q is still there", v)
	}
	if strings.Contains(out, "Warning") {
		t.Errorf("it warns:\n%s", out)
	}
}

func TestVolumeSize(t *testing.T) {
	t.Parallel()
	const gib = 1 << 30
	for _, tt := range []struct {
		name  string
		asked int
		image glance.Image
		want  int
	}{
		{"as asked", 5, glance.Image{MinDisk: 10}, 5},
		{"min_disk", 0, glance.Image{MinDisk: 10, Size: gib}, 10},
		{"the data", 0, glance.Image{Size: gib + 1}, 2},
		{"the data when unpacked", 0, glance.Image{Size: gib, VirtualSize: 4 * gib, MinDisk: 3}, 4},
		{"at least one", 0, glance.Image{Size: 1}, 1},
		{"a size below a MiB more than whole GiB", 0, glance.Image{Size: 2*gib + 512}, 3},
	} {
		b := &build{config: &Config{}, source: &tt.image}
		b.config.VolumeSize = tt.asked
		if got := b.volumeSize(); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
