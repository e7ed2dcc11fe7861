package openstack

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/packer-plugin-sdk/communicator/sshkey"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// offline clears the environment of whatever could lead to a cloud, and gives options that are
// enough for a build.
func offline(t *testing.T) map[string]any {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "OS_") || strings.HasPrefix(name, "SDK_") {
			t.Setenv(name, "")
		}
	}
	return map[string]any{
		"identity_endpoint": "http://127.0.0.1:1/v3", // nobody is there: a request would fail
		"username":          "me", "password": "x", "domain_name": "Default", "tenant_name": "demo",
		"image_name": "web-base", "source_image": "d851f4ea-3b0c-4a5e-9a51-3c1c1b0b9d3a", "flavor": "m1.small",
		"ssh_username": "debian",
	}
}

// with is a copy of options with others on top; nil takes one away.
func with(options map[string]any, more map[string]any) map[string]any {
	all := maps.Clone(options)
	for k, v := range more {
		if v == nil {
			delete(all, k)
		} else {
			all[k] = v
		}
	}
	return all
}

func TestPrepare(t *testing.T) {
	options := offline(t)
	var b Builder
	names, warnings, err := b.Prepare(options)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if !slices.Contains(names, "SourceImageName") || !slices.Contains(names, "ImageID") {
		t.Errorf("generated variables %v", names)
	}
	c := &b.config
	type defaults struct {
		Instance, ImageType, Conflict, Format, Key string
		Server, Image                              time.Duration
		ConfigDrive                                *bool
	}
	got := defaults{
		c.InstanceName, c.ImageMetadata["image_type"], c.ImageNameConflict, c.ExternalSourceImageFormat,
		c.Comm.SSHTemporaryKeyPairName, c.ServerTimeout, c.ImageTimeout, c.ConfigDrive.ToBoolPointer(),
	}
	want := defaults{"web-base", "image", "allow", "qcow2", "imgctl-" + string(c.run), 30 * time.Minute, 2 * time.Hour, nil}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestPrepareRefuses(t *testing.T) {
	options := offline(t)
	key := filepath.Join(t.TempDir(), "key")
	for _, tt := range []struct {
		name string
		more map[string]any
		want string // start of the error: the option
		hint string
	}{
		{
			"no source",
			map[string]any{"source_image": nil},
			"source_image:",
			"set one of source_image, source_image_name, source_image_filter and external_source_image_url",
		},
		{"two sources", map[string]any{"source_image_name": "debian"}, "source_image, source_image_name:", "keep one of them"},
		{"a filter and a URL", map[string]any{
			"source_image": nil, "external_source_image_url": "http://x/y",
			"source_image_filter": map[string]any{"filters": map[string]any{"name_regex": "^d"}},
		}, "source_image_filter, external_source_image_url:", "keep one"},
		{
			"an empty filter",
			map[string]any{"source_image": nil, "source_image_filter": map[string]any{"most_recent": true}},
			"source_image:", "set one of",
		},
		{"no image name", map[string]any{"image_name": nil}, "image_name:", "a name"},
		{"a long image name", map[string]any{"image_name": strings.Repeat("x", 256)}, "image_name:", "255"},
		{"no flavor", map[string]any{"flavor": nil}, "flavor:", "id or the name"},
		{
			"members without shared visibility",
			map[string]any{"image_members": []string{"p"}},
			"image_members:",
			`set image_visibility = "shared"`,
		},
		{
			"members of a private image",
			map[string]any{"image_members": []string{"p"}, "image_visibility": "private"},
			"image_members:",
			`set image_visibility = "shared"`,
		},
		{
			"an empty member",
			map[string]any{"image_members": []string{""}, "image_visibility": "shared"},
			"image_members: the value is empty", "leave it out",
		},
		{"an empty filter of the source", map[string]any{
			"source_image": nil, "source_image_filter": map[string]any{"filters": map[string]any{"name": "", "owner": "x"}},
		}, "source_image_filter.filters.name: the value is empty", "leave it out"},
		{
			"empty values",
			map[string]any{
				"networks": []string{""}, "image_tags": []string{"a", " "},
				"scheduler_hints": map[string]string{"group": ""},
			},
			"image_tags, networks, scheduler_hints.group: the value is empty", "leave it out",
		},
		{
			"unknown visibility",
			map[string]any{"image_visibility": "protected"},
			`image_visibility: "protected"`,
			"private, shared, community or public",
		},
		{"unknown visibility of the source", map[string]any{
			"source_image": nil, "source_image_filter": map[string]any{"filters": map[string]any{"visibility": "publik"}},
		}, `source_image_filter: visibility "publik"`, "public, private, shared, community or all"},
		{"a bad expression", map[string]any{
			"source_image": nil, "source_image_filter": map[string]any{"filters": map[string]any{"name_regex": "("}},
		}, "source_image_filter: name_regex:", "regexp/syntax"},
		{"a disk format without volume", map[string]any{"image_disk_format": "raw"}, "image_disk_format:", "use_blockstorage_volume"},
		{"negative disk", map[string]any{"image_min_disk": -1}, "image_min_disk:", "0 or more"},
		{"negative memory", map[string]any{"image_min_ram": -1}, "image_min_ram:", "0 or more"},
		{"a reserved property", map[string]any{"metadata": map[string]string{"os_glance_x": "y"}}, "metadata:", "leave it out"},
		{"a property of imgctl", map[string]any{"metadata": map[string]string{"imgctl_run": "y"}}, "metadata:", "leave it out"},
		{
			"a property without a name",
			map[string]any{"metadata": map[string]string{"": "y"}},
			"metadata (a key): the value is empty",
			"leave it out",
		},
		{"a long property", map[string]any{"metadata": map[string]string{strings.Repeat("p", 256): "y"}}, "metadata:", "255"},
		{"a name as property", map[string]any{"metadata": map[string]string{"name": "y"}}, "metadata:", "use image_name"},
		{"a checksum as property", map[string]any{"metadata": map[string]string{"os_hash_value": "y"}}, "metadata:", "leave it out"},
		{"a deleted image", map[string]any{"metadata": map[string]string{"deleted": "y"}}, "metadata:", "leave it out"},
		{"a reserved property of the imported image", map[string]any{
			"source_image": nil, "external_source_image_url": "http://x/y",
			"external_source_image_properties": map[string]string{"os_glance_x": "y"},
		}, "external_source_image_properties:", "leave it out"},
		{"a long tag", map[string]any{"image_tags": []string{strings.Repeat("x", 256)}}, "image_tags:", "255"},
		{"a huge disk", map[string]any{"image_min_disk": 1 << 31}, "image_min_disk:", "2147483647"},
		{"a long server name", map[string]any{"instance_name": strings.Repeat("x", 256)}, "instance_name:", "255"},
		{"a long description", map[string]any{"instance_description": strings.Repeat("x", 256)}, "instance_description:", "255"},
		{"a long server tag", map[string]any{"instance_tags": []string{strings.Repeat("x", 61)}}, "instance_tags:", "60"},
		{"a server tag with a comma", map[string]any{"instance_tags": []string{"a,b"}}, "instance_tags:", "commas"},
		{"many server tags", map[string]any{"instance_tags": slices.Repeat([]string{"a"}, 51)}, "instance_tags:", "50"},
		{"a key that Nova doesn't take", map[string]any{"instance_metadata": map[string]string{"ä": "x"}}, "instance_metadata:", "letters"},
		{"long user data", map[string]any{"user_data": strings.Repeat("x", 50000)}, "user_data:", "49149"},
		{"a key pair that Nova doesn't take", map[string]any{"temporary_key_pair_name": "packer.1"}, "temporary_key_pair_name:", "letters"},
		{
			"a long volume name",
			map[string]any{"use_blockstorage_volume": true, "volume_name": strings.Repeat("x", 256)},
			"volume_name:",
			"255",
		},
		{"unknown conflict", map[string]any{"image_name_conflict": "archive"}, `image_name_conflict: "archive"`, "allow, fail or replace"},
		{"a bad pattern", map[string]any{"inherit_properties": []string{"hw_["}}, "inherit_properties:", "wildcards"},
		{
			"a long value",
			map[string]any{"instance_metadata": map[string]string{"a": strings.Repeat("x", 256)}},
			"instance_metadata:",
			"255",
		},
		{"our own key", map[string]any{"instance_metadata": map[string]string{cloud.RunKey: "x"}}, "instance_metadata:", "leave it out"},
		{"a missing file", map[string]any{"user_data_file": "/nowhere"}, "user_data_file:", "readable file"},
		{"a bad range", map[string]any{"network_discovery_cidrs": []string{"10.0.0.0"}}, "network_discovery_cidrs:", "10.0.0.0/8"},
		{"a bad version", map[string]any{"ssh_ip_version": "5"}, "ssh_ip_version:", "4 or 6"},
		{
			"a bad URL",
			map[string]any{"source_image": nil, "external_source_image_url": "ftp://x"},
			"external_source_image_url:",
			"http or https",
		},
		{"a negative time", map[string]any{"server_timeout": "-1s"}, "server_timeout:", "positive"},
		{"a negative size", map[string]any{"use_blockstorage_volume": true, "volume_size": -1}, "volume_size:", "0 or more"},
		{"an unknown kind of key", map[string]any{"temporary_key_pair_type": "ed448"}, "temporary_key_pair_type:", "ed25519, rsa or ecdsa"},
		{"a Windows password for ed25519", map[string]any{
			"communicator": "winrm", "winrm_username": "a",
			"temporary_key_pair_type": "ed25519",
		}, "temporary_key_pair_type:", "use rsa"},
		{
			"a Windows password without key",
			map[string]any{"communicator": "winrm", "winrm_username": "a", "ssh_keypair_name": "k"},
			"ssh_keypair_name:", "ssh_private_key_file",
		},
		{"a key pair without its key", map[string]any{"ssh_keypair_name": "k"}, "ssh_keypair_name:", "ssh_agent_auth"},
		{"no SSH user", map[string]any{"ssh_username": nil}, "An ssh_username", ""},
		{
			"a command without communicator",
			map[string]any{"communicator": "none", "shutdown_command": "x"},
			"shutdown_command:",
			"leave it out",
		},
		{"stopped and not", map[string]any{"live_snapshot": true, "shutdown_command": "x"}, "live_snapshot, shutdown_command:", "keep one"},
		{"live from a volume", map[string]any{"live_snapshot": true, "use_blockstorage_volume": true}, "live_snapshot:", "leave it out"},
		{"an unknown type of endpoint", map[string]any{"endpoint_type": "x"}, "endpoint_type:", "public, internal or admin"},
		{"an unknown option", map[string]any{"image_nam": "x"}, "", "image_nam"},
		{"a missing key", map[string]any{"ssh_private_key_file": key}, "ssh_private_key_file", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b Builder
			_, _, err := b.Prepare(with(options, tt.more))
			if err == nil {
				t.Fatal("it is taken")
			}
			if n := strings.Count(err.Error(), "\n* "); n != 1 && tt.want != "" {
				t.Errorf("%d errors, want 1: %v", n, err)
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.hint) {
				t.Errorf("%v, want %q and %q in it", err, tt.want, tt.hint)
			}
		})
	}
}

func TestPrepareTakes(t *testing.T) {
	options := offline(t)
	for _, tt := range []struct {
		name     string
		more     map[string]any
		warnings int
	}{
		{"shared with members", map[string]any{"image_members": []string{"p"}, "image_visibility": "Shared"}, 0},
		{"members of an image from a volume", map[string]any{
			"image_members": []string{"p"}, "use_blockstorage_volume": true,
			"image_disk_format": "raw",
		}, 0},
		{"deprecated options", map[string]any{"floating_ip_pool": "x", "use_floating_ip": true, "openstack_provider": "rackspace"}, 3},
		{"the incumbent's own example of a filter", map[string]any{
			"source_image": nil, "source_image_filter": map[string]any{
				"filters": map[string]any{
					"name": "ubuntu-16.04", "visibility": "protected", "owner": "d1a588cf4b0743344508dc145649372d1",
					"tags": []string{"prod", "ready"}, "properties": map[string]string{"os_distro": "ubuntu"},
				}, "most_recent": true,
			},
		}, 1},
		{"the newest of a name", map[string]any{
			"source_image": nil, "source_image_name": "x",
			"source_image_filter": map[string]any{"most_recent": true},
		}, 0},
		{"an agent with a key pair", map[string]any{"ssh_keypair_name": "k", "ssh_agent_auth": true}, 0},
		{"no communicator", map[string]any{"communicator": "none", "ssh_username": nil}, 0},
		{"Windows", map[string]any{"communicator": "winrm", "winrm_username": "a", "ssh_username": nil}, 0},
		{"a long name in another alphabet", map[string]any{"image_name": strings.Repeat("é", 255)}, 0},
		{"a long value", map[string]any{"metadata": map[string]string{"description": strings.Repeat("x", 300)}}, 0},
		{"attributes of the imported image", map[string]any{
			"source_image": nil, "external_source_image_url": "http://x/y",
			"external_source_image_properties": map[string]string{"container_format": "ovf"},
		}, 0},
		{"options that are empty unless they are set", map[string]any{
			"floating_ip": "", "availability_zone": "", "ssh_interface": "", "image_visibility": "", "metadata": map[string]string{"a": ""},
		}, 0},
		{"URLs for ids", map[string]any{"source_image": "http://x/images/1", "flavor": "http://x/flavors/2"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b Builder
			_, warnings, err := b.Prepare(with(options, tt.more))
			if err != nil || len(warnings) != tt.warnings {
				t.Errorf("%v, warnings %v, want %d", err, warnings, tt.warnings)
			}
		})
	}
}

// What packer validate knows of values that data sources and variables will have.
func TestPrepareUnknown(t *testing.T) {
	options := offline(t)
	const u = cloud.Unknown
	unknown := map[string]any{
		"cloud": u, "identity_endpoint": u, "username": u, "password": u, "tenant_name": u, "domain_name": u, "region": u,
		"endpoint_type": u, "cacert": u, "token": u,
		"image_name": u, "image_visibility": u, "image_members": []string{u}, "image_tags": []string{u}, "image_min_disk": 0,
		"image_min_ram": 0,
		"metadata":      map[string]string{"a": u}, "inherit_properties": []string{u}, "image_name_conflict": u,
		"image_accept_with": []string{u},
		"source_image":      u, "flavor": u, "availability_zone": u, "instance_name": u, "user_data": u,
		"security_groups": []string{u}, "networks": []string{u}, "ports": []string{u}, "network_discovery_cidrs": []string{u},
		"floating_ip_network": u, "floating_ip": u, "ssh_ip_version": u, "ssh_interface": u, "volume_type": u, "volume_size": 0,
		"ssh_username": u, "ssh_private_key_file": u, "ssh_host": u, "ssh_password": u,
	}
	var b Builder
	if _, _, err := b.Prepare(with(options, unknown)); err != nil {
		t.Error(err)
	}
	filters := map[string]any{"source_image": nil, "source_image_filter": map[string]any{
		"filters": map[string]any{"name": u, "name_regex": u, "owner": u, "visibility": u, "tags": []string{u}, "member_status": u},
		"sort":    u,
	}}
	for _, more := range []map[string]any{
		filters,
		{"source_image": nil, "external_source_image_url": u, "external_source_image_format": u},
		{"source_image": nil, "source_image_name": u},
		{"user_data_file": u},
		{"communicator": "winrm", "winrm_username": u, "winrm_password": u},
		{"temporary_key_pair_type": u},
	} {
		var b Builder
		if _, _, err := b.Prepare(with(options, more)); err != nil {
			t.Errorf("%v: %v", more, err)
		}
	}
}

func TestNeedsKey(t *testing.T) {
	options := offline(t)
	key := filepath.Join(t.TempDir(), "key")
	pair, err := sshkey.GeneratePair(sshkey.ED25519, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, pair.Private, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		more map[string]any
		want bool
	}{
		{"SSH", nil, true},
		{"a key of its own", map[string]any{"ssh_private_key_file": key}, false},
		{"a key pair", map[string]any{"ssh_private_key_file": key, "ssh_keypair_name": "k"}, false},
		{"an agent", map[string]any{"ssh_agent_auth": true}, false},
		{"an agent and a key pair", map[string]any{"ssh_agent_auth": true, "ssh_keypair_name": "k"}, false},
		{"a password", map[string]any{"ssh_password": "x"}, false},
		{"a password and a named temporary key", map[string]any{"ssh_password": "x", "temporary_key_pair_name": "k"}, true},
		{"no communicator", map[string]any{"communicator": "none"}, false},
		{"Windows", map[string]any{"communicator": "winrm", "winrm_username": "a"}, true},
		{"Windows with its password", map[string]any{"communicator": "winrm", "winrm_username": "a", "winrm_password": "x"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b Builder
			if _, _, err := b.Prepare(with(options, tt.more)); err != nil {
				t.Fatal(err)
			}
			if got := b.config.needsKey(); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
			if named := b.config.Comm.SSHTemporaryKeyPairName != ""; named != tt.want {
				t.Errorf("its name is %q", b.config.Comm.SSHTemporaryKeyPairName)
			}
		})
	}
}

func TestInherits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		patterns []string
		kept     string // of the properties below
	}{
		{nil, "hw_disk_bus os_admin_user os_distro other"},
		{[]string{"all"}, "hw_disk_bus os_admin_user os_distro other"},
		{[]string{"none"}, ""},
		{[]string{"hw_*", "os_*", "!os_admin_user"}, "hw_disk_bus os_distro"},
		{[]string{"!os_*"}, "hw_disk_bus other"},
		{[]string{"none", "other"}, "other"},
		{[]string{"all", "!other"}, "hw_disk_bus os_admin_user os_distro"},
	} {
		c := ImageConfig{InheritProperties: tt.patterns}
		var kept []string
		for _, p := range []string{
			"hw_disk_bus", "os_admin_user", "os_distro", "other",
			"os_glance_failed_import", "owner_specified.openstack.md5", "img_signature_key_type", cloud.DeadlineKey,
		} {
			if c.inherits(p) {
				kept = append(kept, p)
			}
		}
		if got := strings.Join(kept, " "); got != tt.kept {
			t.Errorf("%v keeps %q, want %q", tt.patterns, got, tt.kept)
		}
	}
}
