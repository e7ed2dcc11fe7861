package openstack

import "testing"

// incumbent are the options of packer-plugin-openstack 1.1.4 besides the communicator's and
// Packer's own: a template for it has to be taken unchanged.
var incumbent = []string{
	"username", "user_id", "password", "identity_endpoint", "tenant_id", "tenant_name", "domain_id", "domain_name", "insecure",
	"region", "endpoint_type", "cacert", "cert", "key", "token", "application_credential_name", "application_credential_id",
	"application_credential_secret", "cloud",
	"image_name", "metadata", "image_visibility", "image_members", "image_auto_accept_members", "image_disk_format", "image_tags",
	"image_min_disk", "skip_create_image",
	"source_image", "source_image_name", "external_source_image_url", "external_source_image_format",
	"external_source_image_properties", "source_image_filter",
	"flavor", "availability_zone", "instance_name", "instance_metadata", "user_data", "user_data_file", "config_drive",
	"force_delete", "security_groups",
	"networks", "ports", "network_discovery_cidrs", "floating_ip_network", "floating_ip_pool", "floating_ip",
	"instance_floating_ip_net", "reuse_ips", "ssh_interface", "ssh_ip_version", "rackconnect_wait",
	"use_blockstorage_volume", "volume_name", "volume_type", "volume_size", "volume_availability_zone",
	"image_creation_wait", "openstack_provider", "use_floating_ip",
}

func TestEveryOptionOfTheIncumbent(t *testing.T) {
	t.Parallel()
	var b Builder
	spec := b.ConfigSpec()
	for _, option := range incumbent {
		if _, ok := spec[option]; !ok {
			t.Errorf("option %q is missing", option)
		}
	}
	for _, option := range []string{
		"communicator", "ssh_username", "ssh_timeout", "winrm_username", "packer_build_name",
		"temporary_key_pair_type",
	} {
		if _, ok := spec[option]; !ok {
			t.Errorf("option %q of Packer is missing", option)
		}
	}
}
