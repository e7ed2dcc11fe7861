package main

// values are what each option of HashiCorp's builder, and of its communicators, is set to in turn. FILE:NAME is
// a file that the program makes.
var values = map[string][]any{
	"username": {"demo"}, "user_id": {"u"}, "password": {"demo"}, "tenant_id": {"t"}, "tenant_name": {"demo"},
	"domain_id": {"default"}, "domain_name": {"Default"}, "insecure": {true}, "region": {"RegionOne"},
	"endpoint_type": {"internal", "publicURL", "admin"}, "cacert": {"FILE:cert"}, "cert": {"FILE:cert"}, "key": {"FILE:key"},
	"token": {"t"}, "application_credential_name": {"a"}, "application_credential_id": {"b"}, "application_credential_secret": {"c"},

	"metadata": {table{"a": "b"}}, "image_visibility": {"private", "shared", "PUBLIC", "community"}, "image_members": {list{"p"}},
	"image_auto_accept_members": {true}, "image_disk_format": {"raw"}, "image_tags": {list{"x"}}, "image_min_disk": {1},
	"skip_create_image": {true}, "image_creation_wait": {1},

	"source_image": {"id"}, "source_image_name": {"n"}, "external_source_image_url": {"http://x/y", "https://x/y.qcow2", "ftp://x/y"},
	"external_source_image_format": {"raw"}, "external_source_image_properties": {table{"a": "b"}},
	"source_image_filter": {
		table{"most_recent": true}, table{"most_recent": true, "filters": table{"name": "x"}}, table{"filters": table{"tags": list{"x"}}},
		table{"filters": table{"name": "x", "visibility": "private", "owner": "o", "properties": table{"k": "v"}}},
		table{"filters": table{"name": "x", "visibility": ""}}, table{"filters": table{"properties": table{"k": "v"}}},
	},

	"availability_zone": {"nova"}, "rackconnect_wait": {true}, "floating_ip_network": {"public"}, "instance_floating_ip_net": {"n"},
	"floating_ip": {"192.0.2.1", "id"}, "reuse_ips": {true}, "security_groups": {list{"default"}}, "networks": {list{"a"}, list{"a", "b"}},
	"ports": {list{"p"}}, "network_discovery_cidrs": {list{"10.0.0.0/8"}}, "floating_ip_pool": {"public", "other"},
	"ssh_interface": {"public", "floating", "private"}, "ssh_ip_version": {"4", "6"}, "use_floating_ip": {true},
	"openstack_provider": {"x"}, "user_data": {"x"}, "user_data_file": {"FILE:data"}, "instance_name": {"i"},
	"instance_metadata": {table{"a": "b"}}, "force_delete": {true}, "config_drive": {true},
	"use_blockstorage_volume": {true}, "volume_name": {"v"}, "volume_type": {"t"}, "volume_size": {1, -1}, "volume_availability_zone": {"z"},

	"communicator": {"ssh", "winrm", "none"}, "pause_before_connecting": {"1s"},
	"ssh_username": {"u"}, "ssh_password": {"p"}, "ssh_keypair_name": {"k"}, "ssh_private_key_file": {"FILE:key"}, "ssh_agent_auth": {true},
	"temporary_key_pair_name": {"t"}, "temporary_key_pair_type": {"rsa", "ed25519", "ecdsa", "dsa"}, "temporary_key_pair_bits": {2048, 256},
	"ssh_host": {"h"}, "ssh_port": {22}, "ssh_timeout": {"1m"}, "ssh_pty": {true}, "ssh_clear_authorized_keys": {true},
	"ssh_bastion_host": {"b"}, "ssh_bastion_username": {"u"}, "ssh_bastion_password": {"p"}, "ssh_bastion_agent_auth": {true},
	"ssh_bastion_private_key_file": {"FILE:key"}, "ssh_proxy_host": {"x"}, "ssh_certificate_file": {"FILE:cert"},
	"ssh_file_transfer_method": {"sftp", "scp"}, "ssh_disable_agent_forwarding": {true}, "ssh_keep_alive_interval": {"1s", "-1s"},
	"ssh_handshake_attempts": {3, -1}, "ssh_remote_tunnels": {list{"1:h:2"}}, "ssh_local_tunnels": {list{"1:h:2"}},
	"ssh_read_write_timeout": {"1m"}, "ssh_ciphers": {list{"aes128-ctr"}}, "ssh_key_exchange_algorithms": {list{"x"}},
	"winrm_host": {"h"}, "winrm_port": {5985}, "winrm_username": {"u"}, "winrm_password": {"p"}, "winrm_timeout": {"1m"},
	"winrm_use_ssl": {true}, "winrm_insecure": {true}, "winrm_use_ntlm": {true}, "winrm_no_proxy": {true},
}

// refused is what this builder refuses although HashiCorp's takes it, by the option that its error names, and why: no
// build would succeed with it, or not as it says.
var refused = map[string]string{
	"application_credential_secret":          "credentials that are given in part are never replaced by others without a word",
	"password":                               "the same: application_credential_secret alone",
	"external_source_image_url":              "the Image service downloads over http and https",
	"image_members":                          "the Image service takes members of shared images only",
	"source_image_filter.filters.visibility": "a filter with an empty value, as of an unset variable, would fit any image",
	"volume_size":                            "Cinder refuses negative sizes",
}

type (
	table = map[string]any
	list  = []any
)
