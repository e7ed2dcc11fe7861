package templates

// row is one template: a skeleton in the manner of a public family, and what this member of the
// family has of its own.
type row struct {
	name     string
	skeleton string            // a file in testdata
	vars     map[string]string // for -var
	user     string
	more     string // lines of the source block
	keyPair  bool   // uses the project's key pair "ci"
}

type vars = map[string]string

const (
	imageBuilder = "image-builder.json"
	commonPacker = "common-packer.pkr.hcl"
	appliance    = "appliance.pkr.hcl"
	guideJSON    = "guide.json"
	guideHCL     = "guide.pkr.hcl"
)

var table = []row{
	// Kubernetes' image-builder: legacy JSON, whose variables are empty unless a file sets them.
	{name: "kube-ubuntu-2204", skeleton: imageBuilder, vars: vars{"source_image_name": "Ubuntu 22.04", "networks": "NETWORK"}},
	{name: "kube-ubuntu-2404", skeleton: imageBuilder, vars: vars{"networks": "NETWORK", "kubernetes_semver": "v1.32.1"}},
	{name: "kube-ubuntu-volume", skeleton: imageBuilder, vars: vars{
		"networks": "NETWORK", "use_blockstorage_volume": "true",
		"volume_size": "1",
	}},
	{name: "kube-ubuntu-volume-qcow2", skeleton: imageBuilder, vars: vars{
		"networks": "NETWORK", "use_blockstorage_volume": "true",
		"volume_size": "1", "image_disk_format": "qcow2",
	}},
	{name: "kube-ubuntu-volume-type", skeleton: imageBuilder, vars: vars{
		"networks": "NETWORK", "use_blockstorage_volume": "true",
		"volume_type": "fast", "volume_size": "2",
	}},
	{name: "kube-ubuntu-floating", skeleton: imageBuilder, vars: vars{
		"networks": "NETWORK", "floating_ip_network": "public",
		"use_floating_ip": "true",
	}},
	{name: "kube-ubuntu-floating-net", skeleton: imageBuilder, vars: vars{
		"networks": "NETWORK", "floating_ip_network": "public",
		"instance_floating_ip_net": "NETWORK",
	}},
	{name: "kube-ubuntu-floating-other", skeleton: imageBuilder, vars: vars{
		"networks": "NETWORK", "floating_ip_network": "public",
		"instance_floating_ip_net": "nothing",
	}},
	{name: "kube-rocky-9", skeleton: imageBuilder, vars: vars{
		"source_image_name": "Rocky 9", "ssh_username": "rocky",
		"distribution": "rocky", "networks": "NETWORK",
	}},
	{name: "kube-rhel-9", skeleton: imageBuilder, vars: vars{
		"source_image_name": "RHEL 9", "ssh_username": "cloud-user",
		"distribution": "rhel", "networks": "NETWORK",
	}},
	{name: "kube-flatcar", skeleton: imageBuilder, vars: vars{
		"source_image_name": "Flatcar", "ssh_username": "core",
		"distribution": "flatcar", "attach_config_drive": "true", "networks": "NETWORK",
	}},
	{name: "kube-min-disk", skeleton: imageBuilder, vars: vars{"min_disk": "5", "networks": "NETWORK"}},
	{name: "kube-shared", skeleton: imageBuilder, vars: vars{"image_visibility": "shared", "networks": "NETWORK"}},
	{name: "kube-community", skeleton: imageBuilder, vars: vars{"image_visibility": "community", "networks": "NETWORK"}},
	{name: "kube-key-pair", skeleton: imageBuilder, vars: vars{
		"ssh_keypair_name": "ci", "ssh_private_key_file": "KEYFILE",
		"networks": "NETWORK",
	}},
	{name: "kube-group", skeleton: imageBuilder, vars: vars{"security_groups": "default", "networks": "NETWORK"}},
	{name: "kube-zone", skeleton: imageBuilder, vars: vars{"availability_zone": "nova", "networks": "NETWORK"}},

	// Linux Foundation's common-packer: HCL with variables for everything, on volumes.
	{name: "builder", skeleton: commonPacker},
	{name: "docker", skeleton: commonPacker, vars: vars{"volume_size": "2"}},
	{name: "docs", skeleton: commonPacker, vars: vars{"base_image": "Ubuntu 24.04"}},
	{name: "mininet-ovs", skeleton: commonPacker, vars: vars{"networks": `["NETWORK"]`}},
	{name: "robot", skeleton: commonPacker, vars: vars{"volume": "false"}},
	{name: "helm", skeleton: commonPacker, vars: vars{"volume": "false", "networks": `["NETWORK"]`}},
	{name: "centos-builder", skeleton: commonPacker, vars: vars{"base_image": "CentOS Stream 9", "distro": "centos", "ssh_user": "centos"}},
	{name: "rocky-builder", skeleton: commonPacker, vars: vars{"base_image": "Rocky 9", "distro": "rocky", "ssh_user": "rocky"}},
	{name: "alma-builder", skeleton: commonPacker, vars: vars{
		"base_image": "AlmaLinux 9", "distro": "alma", "ssh_user": "almalinux",
		"volume": "false",
	}},
	{name: "fedora-builder", skeleton: commonPacker, vars: vars{"base_image": "Fedora 41", "distro": "fedora", "ssh_user": "fedora"}},
	{name: "debian-builder", skeleton: commonPacker, vars: vars{
		"base_image": "Debian 12", "distro": "debian", "ssh_user": "debian",
		"arch": "aarch64",
	}},

	// Appliances for clusters: several modes of one template.
	{name: "fat", skeleton: appliance, vars: vars{"source_image_name": "Rocky 9"}},
	{name: "fat-by-id", skeleton: appliance, vars: vars{"source_image": "SOURCE", "fatimage": "RL8"}},
	{name: "fat-server", skeleton: appliance, vars: vars{"source_image_name": "Rocky 9", "use_blockstorage_volume": "false"}},
	{name: "fat-qcow2", skeleton: appliance, vars: vars{"source_image_name": "Rocky 9", "image_disk_format": "qcow2"}},
	{name: "fat-shared", skeleton: appliance, vars: vars{
		"source_image_name": "Rocky 9", "image_visibility": "shared",
		"use_blockstorage_volume": "false",
	}},
	{name: "login", skeleton: appliance, vars: vars{
		"source_image_name": "Rocky 9", "networks": `["NETWORK"]`,
		"floating_ip_network": "public", "use_blockstorage_volume": "false",
	}},
	{name: "login-interface", skeleton: appliance, vars: vars{
		"source_image_name": "Rocky 9", "networks": `["NETWORK"]`,
		"floating_ip_network": "public", "ssh_interface": "private", "use_blockstorage_volume": "false",
	}},
	{name: "login-interface-typo", skeleton: appliance, vars: vars{
		"source_image_name": "Rocky 9", "networks": `["NETWORK"]`,
		"floating_ip_network": "public", "ssh_interface": "privat", "use_blockstorage_volume": "false",
	}},
	{name: "compute-groups", skeleton: appliance, vars: vars{
		"source_image_name": "Rocky 9", "security_groups": `["default"]`,
		"networks": `["NETWORK"]`,
	}},
	{name: "compute-key", skeleton: appliance, keyPair: true, vars: vars{
		"source_image_name":       "Rocky 9",
		"use_blockstorage_volume": "false",
	}},
	{name: "compute-size", skeleton: appliance, vars: vars{"source_image_name": "Rocky 9", "volume_size": "3", "volume_type": "fast"}},
	{name: "gpu", skeleton: appliance, vars: vars{
		"source_image_name": "Ubuntu 22.04", "ssh_username": "ubuntu", "fatimage": "cuda",
		"metadata": `{hw_video_model="vga",os_distro="ubuntu"}`,
	}},

	// Vendors' guides and small repositories: one source block with a few options.
	{name: "ovh-first-image", skeleton: guideJSON, user: "ubuntu", more: `"source_image": "SOURCE", "networks": ["NETWORK"],`},
	{
		name: "ovh-filter", skeleton: guideJSON, user: "debian",
		more: `"source_image_filter": {"filters": {"name": "Debian 12", "visibility": "public"}, "most_recent": true}, "ssh_interface": "private",`,
	},
	{
		name: "infomaniak", skeleton: guideJSON, user: "debian",
		more: `"source_image_name": "Debian 12", "security_groups": ["default"], "image_visibility": "private",`,
	},
	{
		name: "otc", skeleton: guideJSON, user: "ubuntu",
		more: `"source_image_name": "Ubuntu 22.04", "use_blockstorage_volume": true, "volume_type": "fast", "floating_ip_network": "public", "networks": ["NETWORK"], "region": "RegionOne",`,
	},
	{
		name: "cleura", skeleton: guideJSON, user: "ubuntu",
		more: `"source_image_name": "Ubuntu 24.04", "floating_ip_pool": "public", "reuse_ips": false,`,
	},
	{
		name: "rackspace", skeleton: guideJSON, user: "root",
		more: `"openstack_provider": "rackspace", "source_image_name": "Ubuntu 22.04", "ssh_interface": "private",`,
	},
	{
		name: "nectar", skeleton: guideJSON, user: "ec2-user",
		more: `"source_image_name": "Fedora 41", "image_tags": ["nectar", "ci"], "instance_metadata": {"purpose": "packer"},`,
	},
	{name: "no-image", skeleton: guideJSON, user: "ubuntu", more: `"source_image_name": "Ubuntu 22.04", "skip_create_image": true,`},
	{
		name: "auto-accept", skeleton: guideJSON, user: "ubuntu",
		more: `"source_image_name": "Ubuntu 22.04", "image_auto_accept_members": true,`,
	},
	{
		name: "pouta", skeleton: guideHCL, user: "cloud-user",
		more: "  source_image_name = \"RHEL 9\"\n  networks = [\"NETWORK\"]\n  image_min_disk = 10",
	},
	{
		name: "chameleon", skeleton: guideHCL, user: "cc",
		more: "  source_image = \"SOURCE\"\n  metadata = { provenance = \"CC\", build-variant = \"base\" }",
	},
	{
		name: "jenkins-agent", skeleton: guideHCL, user: "ubuntu",
		more: "  source_image_filter {\n    filters {\n      name       = \"Ubuntu 24.04\"\n      visibility = \"public\"\n    }\n    " +
			"most_recent = true\n  }\n  image_tags = [\"jenkins\"]",
	},
	{
		name: "gitlab-runner", skeleton: guideHCL, user: "debian",
		more: "  source_image_filter {\n    filters {\n      visibility = \"public\"\n      properties = { os_distro = \"debian\" }\n " +
			"   }\n    most_recent = true\n  }",
	},
	{
		name: "discovered", skeleton: guideHCL, user: "debian",
		more: "  source_image_name = \"Debian 12\"\n  network_discovery_cidrs = [\"10.0.0.0/8\", \"127.77.0.0/16\"]",
	},
	{
		name: "both-networks", skeleton: guideHCL, user: "debian",
		more: "  source_image_name = \"Debian 12\"\n  networks = [\"NETWORK\"]\n  network_discovery_cidrs = [\"10.0.0.0/8\"]",
	},
	{
		name: "rsa-key", skeleton: guideHCL, user: "debian",
		more: "  source_image_name = \"Debian 12\"\n  temporary_key_pair_type = \"rsa\"\n  temporary_key_pair_bits = 2048\n  " +
			"temporary_key_pair_name = \"packer-rsa\"",
	},
	{
		name: "named-ed25519", skeleton: guideHCL, user: "debian",
		more: "  source_image_name = \"Debian 12\"\n  temporary_key_pair_type = \"ed25519\"\n  ssh_pty = true",
	},
	{
		name: "sftp", skeleton: guideHCL, user: "fedora",
		more: "  source_image_name = \"Fedora 41\"\n  ssh_file_transfer_method = \"sftp\"\n  ssh_handshake_attempts = 20",
	},
	{
		name: "waits", skeleton: guideHCL, user: "fedora",
		more: "  source_image_name = \"Fedora 41\"\n  image_creation_wait = 1\n  force_delete = true\n  config_drive = true",
	},
	{
		name: "volume-by-name", skeleton: guideHCL, user: "ubuntu",
		more: "  source_image = \"Ubuntu 22.04\"\n  use_blockstorage_volume = true\n  volume_size = 1\n  volume_name = " +
			"\"packer-root\"\n  image_disk_format = \"raw\"",
	},
	{
		name: "user-data", skeleton: guideHCL, user: "ubuntu",
		more: "  source_image_name = \"Ubuntu 22.04\"\n  user_data = \"#cloud-config\\n\"\n  instance_name = \"packer build\"\n  " +
			"metadata = { image_type = \"image\", description = \"a description\" }",
	},
}
