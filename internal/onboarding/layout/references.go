package layout

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// maxSecret is the most that a file with a secret or a public key may have.
const maxSecret = 64 << 10

// maxNodes is the most servers that one entry stands for.
const maxNodes = 255

// lookup is the one kind of template that is followed: that of Ansible's lookups of variables and files.
var lookup = regexp.MustCompile(`^\{\{\s*lookup\(\s*['"](?:ansible\.builtin\.)?(env|file)['"]\s*,\s*['"]([^'"{}]+)['"]\s*\)\s*\}\}$`)

// template follows a lookup, and refuses all other templates.
func (r *reader) template(key string, v *foreignfile.Value) (string, error) {
	found := lookup.FindStringSubmatch(strings.TrimSpace(v.Text))
	if found == nil {
		return "", v.Errorf("%s is a template for Ansible; write the value, or refer to it with {{ lookup('env', 'NAME') }} or "+
			"{{ lookup('file', 'PATH') }}", key)
	}
	return r.follow(key, v, found[1], found[2])
}

// reference is a secret: the text, {env: NAME} or {file: PATH}.
func (r *reader) reference(key string, v *foreignfile.Value) (string, error) {
	if v.Kind != foreignfile.Map {
		return r.text(key, v)
	}
	if len(v.Pairs) != 1 || v.Pairs[0].Key != "env" && v.Pairs[0].Key != "file" {
		return "", v.Errorf("%s has to be text, {env: NAME} or {file: PATH}", key)
	}
	name, err := r.text(key, v.Pairs[0].Value)
	if err != nil {
		return "", err
	}
	return r.follow(key, v.Pairs[0].Value, v.Pairs[0].Key, name)
}

func (r *reader) follow(key string, v *foreignfile.Value, how, name string) (string, error) {
	if !r.secret {
		return "", nil // of a cloud that isn't wanted, or a profile on its own
	}
	if how == "file" {
		text, err := r.read(v, name)
		if err == nil && text == "" {
			err = v.Errorf("%s: file %s is empty", key, name)
		}
		return text, err
	}
	value, set := "", false
	if r.options.Env != nil {
		value, set = r.options.Env(name)
	}
	if !set || value == "" {
		return "", v.Errorf("%s: the environment variable %s isn't set", key, name)
	}
	return value, nil
}

// check refuses what no cloud would take, before any cloud is asked.
func (k *kind) check(item *foreignfile.Value, res Resource) error {
	f := res.Fields
	switch k.name {
	case "user_roles":
		if f.Text("project") == "" && f.Text("domain") == "" {
			return item.Errorf("user_roles: give project or domain")
		}
	case "subnets":
		if cidr := f.Text("cidr"); cidr != "" {
			if _, err := netip.ParsePrefix(cidr); err != nil {
				return item.Get("cidr").Errorf("cidr: %q is no network such as 10.0.1.0/24", cidr)
			}
		}
	case "security_groups_rules":
		return checkRule(item, f)
	case "keypairs":
		if res.Absent {
			return nil
		}
		if item.Get("public_key_file").IsNull() == (f.Text("public_key") == "") {
			return item.Errorf("keypair %q: give one of public_key and public_key_file", res.Name)
		}
	case "images":
		if address := f.Text("download_image_url"); address != "" {
			if u, err := url.Parse(address); err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "file" {
				return item.Get("download_image_url").Errorf("download_image_url: %q is no http, https or file address", address)
			}
		}
	case "volumes":
		if _, sized := f["size"]; !sized && !res.Absent && f.Text("snapshot_id") == "" {
			return item.Errorf("volume %q: size is missing", res.Name)
		}
	case "servers":
		return checkServer(item, res)
	}
	return nil
}

func checkRule(item *foreignfile.Value, f Fields) error {
	for key, words := range map[string][]string{"direction": {"ingress", "egress"}, "ethertype": {"IPv4", "IPv6"}} {
		if word := f.Text(key); word != "" && word != words[0] && word != words[1] {
			return item.Get(key).Errorf("%s: %q is unknown; it is %s or %s", key, word, words[0], words[1])
		}
	}
	if f.Text("remote_group") != "" && f.Text("remote_ip_prefix") != "" {
		return item.Errorf("security_groups_rules: give one of remote_group and remote_ip_prefix")
	}
	prefix := f.Text("remote_ip_prefix")
	if prefix == "" {
		return nil
	}
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		return item.Get("remote_ip_prefix").Errorf("remote_ip_prefix: %q is no network such as 192.0.2.0/24", prefix)
	}
	if p.Addr().Is6() != (f.Text("ethertype") == "IPv6") {
		return item.Get("remote_ip_prefix").Errorf("remote_ip_prefix: %q isn't of the rule's ethertype, which is IPv4 unless given", prefix)
	}
	return nil
}

func checkServer(item *foreignfile.Value, res Resource) error {
	f := res.Fields
	if count, ok := f["node_count"].(int); ok && (count < 1 || count > maxNodes) {
		return item.Get("node_count").Errorf("node_count: %d is not between 1 and %d", count, maxNodes)
	}
	if res.Absent {
		return nil
	}
	if _, ram := f["flavor_ram"]; f.Text("flavor") == "" && !ram {
		return item.Errorf("server %q: give flavor or flavor_ram", res.Name)
	}
	if f.Text("image") == "" && f.Text("boot_volume") == "" {
		return item.Errorf("server %q: give image or boot_volume", res.Name)
	}
	return nil
}
