package cinder_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/inside"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/cinder"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// seedImage adds an active image of the project demo.

func volumeIn(t *testing.T, client *gophercloud.ServiceClient, id, status string) {
	t.Helper()
	apitest.Eventually(t, "volume "+status, func() bool {
		v, err := volumes.Get(t.Context(), client, id).Extract()
		return err == nil && v.Status == status
	})
}

func TestVolumeKeepsWhatIsWritten(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	step, release := inside.Of(c).Clock.Hold()
	client := apitest.VolumeClient(t, c, "demo")
	source := apitest.AddImage(t, c, sandbox.Image{Name: "base", Properties: map[string]string{"os_distro": "debian"}}, "one")

	v, err := volumes.Create(t.Context(), client, volumes.CreateOpts{
		Size: 1, ImageID: source,
		Metadata: map[string]string{"imgctl_run": "1"},
	}, nil).Extract()
	if err != nil {
		t.Fatal(err)
	}
	if v.Status != cinder.Creating || v.Bootable != "false" {
		t.Errorf("created %+v", v)
	}
	step()
	volumeIn(t, client, v.ID, cinder.Downloading)
	release()
	volumeIn(t, client, v.ID, cinder.Available)
	if v, err := volumes.Get(t.Context(), client, v.ID).Extract(); err != nil || v.Bootable != "true" {
		t.Errorf("available: %+v, %v", v, err)
	}
	pages, err := volumes.List(client, volumes.ListOpts{Metadata: map[string]string{"imgctl_run": "1"}}).AllPages(t.Context())
	if found, _ := volumes.ExtractVolumes(pages); err != nil || len(found) != 1 {
		t.Errorf("volumes by metadata: %v, %v", found, err)
	}

	if err := inside.Of(c).Volume.Attach(v.ID, "server", "/dev/vda"); err != nil {
		t.Fatal(err)
	}
	if err := volumes.Delete(t.Context(), client, v.ID, nil).ExtractErr(); !gophercloud.ResponseCodeIs(err, http.StatusBadRequest) {
		t.Errorf("deleting a volume in use: %v", err)
	}
	if err := inside.Of(c).Volume.Save(v.ID, strings.NewReader("two")); err != nil {
		t.Fatal(err)
	}
	inside.Of(c).Volume.Detach(v.ID, "server")

	if err := volumes.SetImageMetadata(t.Context(), client, v.ID,
		volumes.ImageMetadataOpts{Metadata: map[string]string{"k": "v"}}).ExtractErr(); err != nil {
		t.Fatal(err)
	}
	up, err := volumes.UploadImage(t.Context(), client, v.ID, volumes.UploadImageOpts{ImageName: "made", DiskFormat: "qcow2"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	imgs := apitest.ImageClient(t, c, "demo")
	apitest.Eventually(t, "the image", func() bool {
		i, err := images.Get(t.Context(), imgs, up.ImageID).Extract()
		return err == nil && i.Status == images.ImageStatusActive
	})
	i, err := images.Get(t.Context(), imgs, up.ImageID).Extract()
	if err != nil || i.DiskFormat != "qcow2" || i.Properties["os_distro"] != "debian" || i.Properties["k"] != "v" {
		t.Errorf("image %+v, %v", i, err)
	}
	body, err := imagedata.Download(t.Context(), imgs, up.ImageID).Extract()
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if data, _ := io.ReadAll(body); !bytes.Equal(data, []byte("two")) {
		t.Errorf("the image holds %q", data)
	}
	volumeIn(t, client, v.ID, cinder.Available)
	if err := volumes.Delete(t.Context(), client, v.ID, nil).ExtractErr(); err != nil {
		t.Fatal(err)
	}
	apitest.Eventually(t, "the volume's end", func() bool {
		_, err := volumes.Get(t.Context(), client, v.ID).Extract()
		return gophercloud.ResponseCodeIs(err, http.StatusNotFound)
	})
}

func TestVolumeRefusals(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{VolumeQuotas: sandbox.VolumeQuotas{Gigabytes: 20}})
	demo, reader := apitest.Login(t, c, "demo"), apitest.Login(t, c, "reader")
	big := apitest.AddImage(t, c, sandbox.Image{Name: "big", MinDisk: 8}, "x")
	imported := apitest.AddImage(t, c, sandbox.Image{Name: "imported", Properties: map[string]string{"os_glance_failed_import": ""}}, "x")
	for range 2 {
		apitest.AddImage(t, c, sandbox.Image{Name: "twin"}, "x")
	}
	create := func(fields map[string]any) map[string]any { return map[string]any{"volume": fields} }
	for _, tt := range []struct {
		name   string
		who    *apitest.Client
		body   any
		status int
		text   string
	}{
		{"smaller than min_disk", demo, create(map[string]any{"size": 1, "imageRef": big}), 400, "minDisk size 8GB"},
		{"by its name, smaller than min_disk", demo, create(map[string]any{"size": 1, "imageRef": "big"}), 400, "minDisk size 8GB"},
		{"a name of two images", demo, create(map[string]any{"size": 1, "imageRef": "twin"}), 409, "Multiple matches found for 'twin'"},
		{"unknown image", demo, create(map[string]any{"size": 1, "imageRef": "nope"}), 400, "Invalid image identifier"},
		{"unknown type", demo, create(map[string]any{"size": 1, "volume_type": "nope"}), 404, "could not be found"},
		{"unknown zone", demo, create(map[string]any{"size": 1, "availability_zone": "nope"}), 400, "is invalid"},
		{"no size", demo, create(map[string]any{}), 400, "malformed or otherwise incorrect"},
		{"over quota", demo, create(map[string]any{"size": 21}), 413, "exceeds allowed gigabytes quota"},
		{"reader", reader, create(map[string]any{"size": 1}), 403, "Policy doesn't allow"},
	} {
		a := tt.who.Do("POST", "/volume/v3/volumes", tt.body)
		if a.Status != tt.status || !strings.Contains(a.Text, tt.text) {
			t.Errorf("%s: %d %s, want %d %q", tt.name, a.Status, a.Text, tt.status, tt.text)
		}
	}
	// As Cinder until Yoga: https://github.com/hashicorp/packer-plugin-openstack/issues/123
	a := demo.Do("POST", "/volume/v3/volumes", create(map[string]any{"size": 1, "imageRef": imported})).Want(t, http.StatusAccepted)
	v, _ := a.JSON["volume"].(map[string]any)
	id, _ := v["id"].(string)
	volumeIn(t, apitest.VolumeClient(t, c, "demo"), id, cinder.Available)
	upload := map[string]any{"os-volume_upload_image": map[string]any{"image_name": "x"}}
	demo.Do("POST", "/volume/v3/volumes/"+id+"/action", upload).Want(t, http.StatusForbidden)
	demo.Do("POST", "/volume/v3/volumes/"+id+"/action",
		map[string]any{"os-unset_image_metadata": map[string]any{"key": "os_glance_failed_import"}}).Want(t, http.StatusOK)
	demo.Do("POST", "/volume/v3/volumes/"+id+"/action", upload).Want(t, http.StatusAccepted)
	demo.Do("GET", "/volume/v3/00000000000000000000000000000000/volumes", nil).Want(t, http.StatusBadRequest)
}
