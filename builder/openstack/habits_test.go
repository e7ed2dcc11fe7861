package openstack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/version"
)

// Options that make each other moot. HashiCorp's plugin takes all of it and builds; so does ours,
// and says what has no effect.
func TestPrepareWarns(t *testing.T) {
	options := offline(t)
	certificate := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(certificate, []byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := map[string]any{"source_image": nil, "external_source_image_url": "http://x/y"}
	for _, tt := range []struct {
		more map[string]any
		want string // begin of the warning; "" for none
	}{
		{map[string]any{"image_auto_accept_members": true}, "image_auto_accept_members has no effect"},
		{map[string]any{"image_members": []string{"p"}, "skip_create_image": true}, ""},
		{map[string]any{"image_members": []string{"p"}, "image_visibility": "public", "skip_create_image": true}, ""},
		{map[string]any{"user_data": "x", "user_data_file": "/dev/null"}, "user_data has no effect"},
		{map[string]any{"floating_ip": "x", "reuse_ips": true}, "reuse_ips has no effect"},
		{map[string]any{"floating_ip": "x", "floating_ip_network": "y"}, "floating_ip_network has no effect"},
		{map[string]any{"floating_ip": "x", "floating_ip_pool": "y"}, "floating_ip_pool is deprecated"},
		{map[string]any{"floating_ip_network": "x", "floating_ip_pool": "x"}, "floating_ip_pool is deprecated"},
		{map[string]any{"reuse_ips": true, "floating_ip_network": "x"}, ""},
		{map[string]any{"instance_floating_ip_net": "x"}, "instance_floating_ip_net has no effect"},
		{map[string]any{"instance_floating_ip_net": "x", "floating_ip_network": "y"}, ""},
		{
			map[string]any{"networks": []string{"n"}, "network_discovery_cidrs": []string{"nonsense"}},
			"network_discovery_cidrs has no effect",
		},
		{
			map[string]any{"ports": []string{"n"}, "network_discovery_cidrs": []string{"10.0.0.0/8"}},
			"network_discovery_cidrs has no effect",
		},
		{map[string]any{"networks": []string{"n"}, "ports": []string{"p"}}, ""},
		{map[string]any{"ports": []string{"p"}, "security_groups": []string{"s"}}, "security_groups has no effect"},
		{map[string]any{"networks": []string{"n"}, "ports": []string{"p"}, "security_groups": []string{"s"}}, ""},
		{map[string]any{"cert": certificate}, "cert has no effect"},
		{map[string]any{"insecure": true, "cacert": "/dev/null"}, "cacert has no effect"},
		{map[string]any{"ssh_host": "x", "ssh_interface": "y"}, "ssh_interface has no effect"},
		{map[string]any{"volume_size": 5}, "volume_size has no effect"},
		{map[string]any{"volume_size": -5}, "volume_size has no effect"},
		{map[string]any{"volume_type": "ssd"}, "volume_type has no effect"},
		{map[string]any{"volume_name": "v"}, "volume_name has no effect"},
		{map[string]any{"volume_availability_zone": "z"}, "volume_availability_zone has no effect"},
		{map[string]any{"external_source_image_format": "raw"}, "external_source_image_format has no effect"},
		{map[string]any{"external_source_image_properties": map[string]string{"a": "b"}}, "external_source_image_properties has no effect"},
		{with(url, map[string]any{"external_source_image_format": "raw"}), ""},
		{with(url, map[string]any{"source_image_filter": map[string]any{"most_recent": true}}), "source_image_filter has no effect"},
		{map[string]any{"source_image_filter": map[string]any{"most_recent": true}}, "source_image_filter has no effect"},
		{map[string]any{"image_creation_wait": -1}, "image_creation_wait: -1 is negative"},
		{map[string]any{"openstack_provider": "rackspace"}, "openstack_provider has no effect"},
		{map[string]any{"use_floating_ip": true}, "use_floating_ip has no effect"},
		{map[string]any{"ssh_password": "x", "ssh_private_key_file": nil, "temporary_key_pair_name": "k"}, ""},
		{map[string]any{"metadata": map[string]string{"owner_specified.openstack.md5": "x"}}, ""},
	} {
		var b Builder
		_, warnings, err := b.Prepare(with(options, tt.more))
		got := strings.Join(warnings, "\n")
		if err != nil || (tt.want == "") != (got == "") || len(warnings) > 1 || !strings.HasPrefix(got, tt.want) {
			t.Errorf("%v: %v, warnings %q, want %q", tt.more, err, got, tt.want)
		}
	}
}

// Scripts read the image's name and id from these lines.
func TestLinesThatScriptsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	for name, more := range map[string]map[string]any{"server": nil, "volume": {"use_blockstorage_volume": true}} {
		artifact, out, err := w.build(t.Context(), more, nil)
		if err != nil {
			t.Fatal(name, err, out)
		}
		lines := strings.Split(out, "\n")
		if want := "imgctl's builder openstack " + version.String() + " (github.com/imgctl/openstack)"; lines[0] != want {
			t.Errorf("%s: the first line is %q, want %q", name, lines[0], want)
		}
		if n := strings.Count(out, "Creating the image: web-base\n"); n != 1 {
			t.Errorf("%s: %d lines with the name\n%s", name, n, out)
		}
		if _, id, _ := strings.Cut(artifact.String(), ": "); id != artifact.Id() {
			t.Errorf("%s: %q, and the id is %q", name, artifact, artifact.Id())
		}
	}
}

// Cinder takes a name where it takes an id, so templates that boot from a volume have one there.
func TestSourceImageByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	for _, volume := range []bool{true, false} {
		img, _ := w.image(map[string]any{"source_image": "debian-12", "use_blockstorage_volume": volume}, nil)
		if img.Status != "active" || img.Properties[cloud.RunKey] == "" {
			t.Errorf("image %+v", img)
		}
	}
}
