package openstack

import "github.com/hashicorp/packer-plugin-sdk/communicator"

// findMoot warns of options that have no effect because of others. HashiCorp's plugin takes all
// of these combinations and builds, so they are no reason to refuse a template. It has to run
// before the sections drop what has no effect.
func (c *Config) findMoot(f *findings) {
	moot := func(option string, set, without bool, reason string) {
		if set && without {
			f.warn("%s has no effect: %s", option, reason)
		}
	}
	moot("openstack_provider", c.OpenstackProvider != "", true, "it exists only for old templates")
	moot("use_floating_ip", c.UseFloatingIP, true, "it is deprecated; use floating_ip_network, floating_ip or reuse_ips")
	if c.FloatingIPPool != "" {
		f.warn("floating_ip_pool is deprecated: use floating_ip_network")
	}
	moot("floating_ip_pool", c.FloatingIPPool != "", c.FloatingIPNetwork != "" && c.FloatingIPNetwork != c.FloatingIPPool,
		"floating_ip_network is set as well")

	if c.LoneCertificate() {
		f.warn("cert has no effect: there is no key for it")
		c.ClientCert = ""
	}
	moot("cacert", c.CACert != "", c.Insecure, "insecure is set, so that no certificate is verified")
	moot("security_groups", len(c.SecurityGroups) > 0, len(c.Ports) > 0 && len(c.Networks) == 0, "ports have security groups of their own")

	const given = "floating_ip says which one to use"
	moot("reuse_ips", c.ReuseIPs, c.FloatingIP != "", given)
	moot("floating_ip_network", c.FloatingIPNetwork != "", c.FloatingIP != "", given)
	moot("instance_floating_ip_net", c.InstanceFloatingIPNet != "", !c.floating() && c.FloatingIPPool == "",
		"the server gets no floating IP")
	moot("network_discovery_cidrs", len(c.NetworkDiscoveryCIDRs) > 0, c.attached(), "networks or ports say where the server is attached")
	moot("ssh_interface", c.SSHInterface != "", hostOf(&c.Comm) != "", "the communicator's host is set")
	moot("ssh_ip_version", c.SSHIPVersion != "", hostOf(&c.Comm) != "", "the communicator's host is set")

	moot("user_data", c.UserData != "", c.UserDataFile != "", "user_data_file is set as well")
	const noVolume = "use_blockstorage_volume isn't set"
	moot("volume_name", c.VolumeName != "", !c.UseBlockStorageVolume, noVolume)
	moot("volume_type", c.VolumeType != "", !c.UseBlockStorageVolume, noVolume)
	moot("volume_size", c.VolumeSize != 0, !c.UseBlockStorageVolume, noVolume)
	moot("volume_availability_zone", c.VolumeAvailabilityZone != "", !c.UseBlockStorageVolume, noVolume)

	moot("external_source_image_properties", len(c.ExternalSourceImageProperties) > 0, c.ExternalSourceImageURL == "",
		"there is no external_source_image_url")
	moot("external_source_image_format", c.ExternalSourceImageFormat != "", c.ExternalSourceImageURL == "",
		"there is no external_source_image_url")
	moot("source_image_filter", c.SourceImageFilter.MostRecent && c.SourceImageFilter.Filters.Empty(),
		c.SourceImage != "" || c.ExternalSourceImageURL != "", "the source image is known without it")
	moot("source_image_filter: visibility", c.SourceImageFilter.Filters.Visibility == "protected", true, `"protected" is no visibility`)

	moot("image_auto_accept_members", c.ImageAutoAcceptMembers, len(c.ImageMembers) == 0, "there are no image_members")
}

// hostOf is the host that the template names for the communicator.
func hostOf(c *communicator.Config) string {
	if c.Type == "winrm" {
		return c.WinRMHost
	}
	return c.SSHHost
}
