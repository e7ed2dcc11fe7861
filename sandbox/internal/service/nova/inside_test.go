package nova_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/inside"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func TestInside(t *testing.T) {
	t.Parallel()
	c := start(t, sandboxtest.WithGuests(t, sandbox.Options{}))
	key := c.newKey("k")
	script := base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\necho user data ran\n"))
	id := c.create("web", map[string]any{
		"key_name": "k", "config_drive": true, "user_data": script,
		"metadata": map[string]string{"role": "web"},
	})
	c.reach(id, "ACTIVE", "")
	address := c.address(id)
	if got := key.run(address, "hostname; curl -s http://169.254.169.254/openstack/latest/meta_data.json | grep -o "+
		"'\"role\":\"web\"'; cat /run/config-drive/openstack/latest/meta_data.json | grep -c "+id); got != "web\n\"role\":\"web\"\n1\n" {
		t.Errorf("the inside says %q", got)
	}
	key.run(address, "mkdir -p /etc/app && echo kept >/etc/app/conf && chmod 640 /etc/app/conf")

	// What was written is in the image, and in a server booted from it.
	snap := c.do(45, "POST", "/servers/"+id+"/action",
		map[string]any{"createImage": map[string]any{"name": "snap"}}).want(202).str("image_id")
	c.reach(id, "ACTIVE", "")
	second := c.create("second", map[string]any{"key_name": "k", "imageRef": snap})
	c.reach(second, "ACTIVE", "")
	kept := "cat /etc/app/conf; stat -c %a /etc/app/conf; ls -d /etc/nothing 2>/dev/null; hostname"
	if got := key.run(c.address(second), kept); got != "kept\n640\nsecond\n" {
		t.Errorf("the second server says %q", got)
	}

	// A reboot keeps files, and turning off from the inside is seen.
	c.do(1, "POST", "/servers/"+id+"/action", map[string]any{"reboot": map[string]string{"type": "HARD"}}).want(202)
	c.reach(id, "ACTIVE", "")
	if got := key.run(address, "cat /etc/app/conf"); got != "kept\n" {
		t.Errorf("after the reboot: %q", got)
	}
	key.run(address, "poweroff") // which waits for the session's end
	c.reach(id, "SHUTOFF", "")
	if _, err := key.dial(address); err == nil {
		t.Error("a server that is off takes log-ins")
	}
	console := c.do(1, "POST", "/servers/"+id+"/action", map[string]any{"os-getConsoleOutput": map[string]any{}}).want(200).str("output")
	if !strings.Contains(console, "user data ran") || strings.Count(console, "user data ran") != 1 ||
		!strings.Contains(console, "Power down") {
		t.Errorf("the console shows %s", console)
	}
	c.do(1, "POST", "/servers/"+id+"/action", map[string]any{"os-start": nil}).want(202)
	c.reach(id, "ACTIVE", "")
	key.run(address, "true")
}

func TestFloatingIP(t *testing.T) {
	t.Parallel()
	c := start(t, sandboxtest.WithGuests(t, sandbox.Options{}))
	key := c.newKey("k")
	id := c.create("web", map[string]any{"key_name": "k"})
	c.reach(id, "ACTIVE", "")
	var public string
	for _, n := range c.do(1, "GET", "//network/v2.0/networks?name=public", nil).want(200).at("networks").([]any) {
		public = n.(map[string]any)["id"].(string)
	}
	port := inside.Of(c.Cloud).Network.PortsOf(id)[0].ID
	f := c.do(1, "POST", "//network/v2.0/floatingips",
		map[string]any{"floatingip": map[string]string{"floating_network_id": public, "port_id": port}}).want(201)
	if got := key.run(f.str("floatingip.floating_ip_address"), "hostname"); got != "web\n" {
		t.Errorf("got %q", got)
	}
	c.do(1, "DELETE", "//network/v2.0/floatingips/"+f.str("floatingip.id"), nil).want(204)
	if _, err := key.dial(f.str("floatingip.floating_ip_address")); err == nil {
		t.Error("a deleted floating IP still leads to the server")
	}
}

// A few bytes of gzip may say that they are 3 GiB; the flavor has a disk of 1.
func TestImageBeyondTheDisk(t *testing.T) {
	t.Parallel()
	c := start(t, sandboxtest.WithGuests(t, sandbox.Options{}))
	var data bytes.Buffer
	z := gzip.NewWriter(&data)
	if err := tar.NewWriter(z).WriteHeader(&tar.Header{Name: "zeros", Size: 3 << 30}); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	id, err := c.AddImage(sandbox.Image{Name: "bomb", Visibility: sandbox.Public, Data: data.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	server := c.create("web", map[string]any{"imageRef": id})
	var fault string
	for deadline := time.Now().Add(time.Minute); fault == "" && time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if a := c.do(1, "GET", "/servers/"+server, nil).want(200); a.str("server.status") == "ERROR" {
			fault = a.str("server.fault")
		}
	}
	if !strings.Contains(fault, "more than the 1 GiB of the server's disk") {
		t.Errorf("the fault is %q", fault)
	}
	if left, _ := filepath.Glob(filepath.Join(c.Dir(), "servers", server, "root")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

func TestBootFromVolume(t *testing.T) {
	t.Parallel()
	c := start(t, sandboxtest.WithGuests(t, sandbox.Options{Transition: 10 * time.Millisecond}))
	key := c.newKey("k")
	id := c.create("web", map[string]any{"key_name": "k", "imageRef": nil, "block_device_mapping_v2": []any{map[string]any{
		"uuid": c.image, "source_type": "image", "destination_type": "volume", "boot_index": 0, "volume_size": 1,
		"delete_on_termination": false,
	}}})
	c.reach(id, "ACTIVE", "")
	a := c.do(1, "GET", "/servers/"+id, nil).want(200)
	if a.at("server.image") != "" {
		t.Errorf("the image of a server on a volume is %v", a.at("server.image"))
	}
	volume := a.at("server.os-extended-volumes:volumes_attached").([]any)[0].(map[string]any)["id"].(string)
	key.run(c.address(id), "echo kept >/root/kept")
	c.do(1, "DELETE", "/servers/"+id, nil).want(204)
	c.gone(id)
	if v, ok := inside.Of(c.Cloud).Volume.Volume(volume); !ok || v.Status != "available" {
		t.Fatalf("the volume is %+v, %v", v, ok)
	}
	id = c.create("again", map[string]any{"key_name": "k", "imageRef": nil, "block_device_mapping_v2": []any{map[string]any{
		"uuid": volume, "source_type": "volume", "destination_type": "volume", "boot_index": 0, "delete_on_termination": true,
	}}})
	c.reach(id, "ACTIVE", "")
	if got := key.run(c.address(id), "cat /root/kept"); got != "kept\n" {
		t.Errorf("the volume has %q", got)
	}
	c.do(1, "DELETE", "/servers/"+id, nil).want(204)
	c.gone(id)
	apitest.Eventually(t, "the end of the volume with its server", func() bool {
		_, ok := inside.Of(c.Cloud).Volume.Volume(volume)
		return !ok
	})
}
