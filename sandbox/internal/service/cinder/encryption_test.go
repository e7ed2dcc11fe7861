package cinder_test

import (
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func TestEncryptedVolume(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	apitest.AddImage(t, c, sandbox.Image{Name: "base"}, "data")
	demo := apitest.Login(t, c, "demo")
	newest := []string{"OpenStack-API-Version", "volume 3.70"}
	create := func(fields map[string]any) map[string]any {
		fields["size"] = 1
		made := demo.Do("POST", "/volume/v3/volumes", map[string]any{"volume": fields}).Want(t, 202).JSON["volume"].(map[string]any)
		path := "/volume/v3/volumes/" + made["id"].(string)
		var v map[string]any
		apitest.Eventually(t, "the volume", func() bool {
			v = demo.Do("GET", path, nil, newest...).Want(t, 200).JSON["volume"].(map[string]any)
			return v["status"] == "available"
		})
		return v
	}
	plain := create(map[string]any{"imageRef": "base"})
	if plain["encrypted"] != false || plain["encryption_key_id"] != nil {
		t.Errorf("a plain volume has encrypted %v, key %v", plain["encrypted"], plain["encryption_key_id"])
	}
	v := create(map[string]any{"imageRef": "base", "volume_type": "luks"})
	key := v["encryption_key_id"]
	if v["encrypted"] != true || key == nil {
		t.Errorf("encrypted %v, key %v", v["encrypted"], key)
	}
	path := "/volume/v3/volumes/" + v["id"].(string)
	if got := demo.Do("GET", path+"/encryption", nil).Want(t, 200); got.JSON["encryption_key_id"] != key || got.JSON["cipher"] == nil {
		t.Errorf("its encryption is %s", got.Text)
	}
	copied := create(map[string]any{"source_volid": v["id"]})
	if copied["encrypted"] != true || copied["encryption_key_id"] == key {
		t.Errorf("a copy has encrypted %v, key %v of %v", copied["encrypted"], copied["encryption_key_id"], key)
	}
	upload := demo.Do("POST", path+"/action", map[string]any{"os-volume_upload_image": map[string]any{"image_name": "copy"}}).Want(t, 202)
	image := demo.Do("GET", "/image/v2/images/"+upload.JSON["os-volume_upload_image"].(map[string]any)["image_id"].(string), nil).Want(t,
		200)
	if k := image.JSON["cinder_encryption_key_id"]; k == nil || k == key ||
		image.Str("cinder_encryption_key_deletion_policy") != "on_image_deletion" {
		t.Errorf("the image is %s", image.Text)
	}
}
