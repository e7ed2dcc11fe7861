package layout

import "slices"

// form is how a value is written.
type form int

const (
	text       form = iota
	number          // a whole number from 0 on
	limit           // a whole number from -1 on, which means no limit
	flag            // true or false, by the rules of YAML 1.1
	texts           // a list of texts, or one text
	textMap         // a mapping of texts
	things          // a list of texts and mappings, or one of them
	mapping         // a mapping of anything
	secret          // a text, or a reference to a variable or a file
	path            // of a file on this machine
	fileOrText      // as path, but read
)

// kind is a kind of resource, as layouts have it.
type kind struct {
	name     string
	keys     map[string]form
	required []string
	older    map[string]string // key that older layouts have, and the one that is meant
	any      form              // of keys that aren't listed, where every key is one
	anyKey   bool
	ignored  []string                  // keys that mean something to Ansible alone
	title    func(f Fields) string     // of a resource without a name of its own
	unfold   func(Resource) []Resource // one entry may stand for several resources
}

// everywhere are keys of Ansible's modules that say nothing about the resource.
var everywhere = []string{
	"cloud", "region_name", "availability", "auth", "auth_type", "validate_certs", "ca_cert", "client_cert", "client_key",
	"api_timeout", "interface", "sdk_log_path", "sdk_log_level", "wait", "timeout", "register", "tags", "when", "no_log",
}

// kinds are in the order in which resources are made.
var kinds = []kind{
	{name: "domains", keys: map[string]form{"name": text, "description": text}},
	{
		name: "projects", keys: map[string]form{"name": text, "domain": text, "description": text},
		older: map[string]string{"domain_id": "domain"},
	},
	{
		name: "users",
		keys: map[string]form{
			"name": text, "password": secret, "email": text, "domain": text, "default_project": text, "description": text,
		},
		ignored: []string{"update_password"},
	},
	{name: "roles", keys: map[string]form{"name": text}},
	{
		name: "user_roles", keys: map[string]form{"role": text, "user": text, "project": text, "domain": text},
		required: []string{"role", "user"}, older: map[string]string{"name": "role"},
		title: func(f Fields) string {
			on := f.Text("project")
			if on == "" {
				on = "domain " + f.Text("domain")
			}
			return f.Text("role") + " " + f.Text("user") + " " + on
		},
	},
	{name: "quotas", keys: map[string]form{"name": text}, anyKey: true, any: limit},
	{
		name: "networks",
		keys: map[string]form{"name": text, "external": flag, "project": text, "shared": flag, "admin_state_up": flag},
	},
	{
		name: "subnets",
		keys: map[string]form{
			"name": text, "network_name": text, "cidr": text, "dns_nameservers": texts, "gateway_ip": text, "enable_dhcp": flag,
			"project": text,
		},
		required: []string{"network_name", "cidr"}, older: map[string]string{"network": "network_name"},
	},
	{
		name: "routers",
		keys: map[string]form{
			"name": text, "network": text, "admin_state_up": flag, "enable_snat": flag, "external_fixed_ips": things, "interfaces": things,
			"project": text,
		},
	},
	{
		name: "flavors",
		keys: map[string]form{
			"name": text, "ram": number, "vcpus": number, "disk": number, "swap": number, "ephemeral": number, "rxtx_factor": text,
			"is_public": flag, "extra_specs": textMap,
		},
		required: []string{"ram", "vcpus", "disk"}, ignored: []string{"flavorid"},
	},
	{
		name: "images",
		keys: map[string]form{
			"name": text, "container_format": text, "disk_format": text, "kernel": text, "ramdisk": text, "filename": path,
			"min_disk": number, "min_ram": number, "owner": text, "properties": textMap, "is_public": flag, "download_image_url": text,
			"checksum": text, "refresh": flag,
		},
		ignored: []string{"download_image_dest", "download_image_force"},
		older:   map[string]string{"download_image_checksum": "checksum"},
	},
	{name: "security_groups", keys: map[string]form{"name": text, "description": text, "project": text}},
	{
		name: "security_groups_rules",
		keys: map[string]form{
			"security_group": text, "direction": text, "ethertype": text, "protocol": text,
			"port_range_min": limit, "port_range_max": limit,
			"remote_group": text, "remote_ip_prefix": text, "project": text,
		},
		required: []string{"security_group"}, title: ruleTitle,
	},
	{
		name:  "keypairs",
		keys:  map[string]form{"name": text, "public_key": text, "public_key_file": fileOrText, "rotate": flag},
		older: map[string]string{"key": "public_key"},
	},
	{
		name: "volumes",
		keys: map[string]form{
			"name": text, "size": number, "display_description": text, "image": text, "snapshot_id": text, "volume_type": text,
			"availability_zone": text,
		},
		older:   map[string]string{"description": "display_description", "snapshot": "snapshot_id", "volume": "snapshot_id"},
		ignored: []string{"key"},
	},
	{
		name: "servers",
		keys: map[string]form{
			"name": text, "image": text, "flavor": text, "flavor_include": text, "flavor_ram": number, "key_name": text, "network": text,
			"nics": things, "security_groups": texts, "auto_ip": flag, "floating_ips": texts, "floating_ip_pools": texts,
			"boot_from_volume": flag, "boot_volume": text, "volume_size": number, "volumes": texts, "terminate_volume": flag,
			"config_drive": flag, "meta": textMap, "userdata": text, "scheduler_hints": mapping, "node_count": number,
			"availability_zone": text,
		},
		older: map[string]string{
			"keypair_name": "key_name", "floating_ip": "floating_ips", "pools": "floating_ip_pools", "metadata": "meta",
		},
		ignored: []string{"key", "image_exclude"},
		unfold:  unfoldServers,
	},
}

// Kinds are the kinds of resources, in the order in which they are made.
func Kinds() []string {
	names := make([]string, len(kinds))
	for n := range kinds {
		names[n] = kinds[n].name
	}
	return names
}

// KeysOf are the keys that resources of a kind may have, sorted.
func KeysOf(name string) []string {
	var keys []string
	for _, k := range kinds {
		if k.name == name {
			for key := range k.keys {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return keys
}
