package host

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"strconv"
)

// documents are the files of a config drive, which the metadata service shows under the same paths.
func documents(c Config, host string) map[string][]byte {
	keys := []map[string]string{}
	public := map[string]string{}
	ec2Keys := map[string]any{}
	for i, name := range slices.Sorted(maps.Keys(c.Keys)) {
		keys = append(keys, map[string]string{"name": name, "type": "ssh", "data": c.Keys[name]})
		public[name] = c.Keys[name]
		ec2Keys[strconv.Itoa(i)] = map[string]string{"_name": strconv.Itoa(i) + "=" + name, "openssh-key": c.Keys[name]}
	}
	meta := map[string]any{
		"uuid": c.UUID, "name": c.Name, "hostname": host, "launch_index": 0, "availability_zone": c.AvailabilityZone,
		"project_id": c.ProjectID, "devices": []any{}, "dedicated_cpus": []any{}, "keys": keys, "public_keys": public,
	}
	if len(c.Keys) == 0 {
		delete(meta, "keys")
		delete(meta, "public_keys")
	}
	if len(c.Meta) > 0 {
		meta["meta"] = c.Meta
	}
	if c.Password != "" {
		meta["admin_pass"] = c.Password
	}
	ec2 := map[string]any{
		"ami-id": "ami-00000001", "ami-launch-index": 0,
		"ami-manifest-path": "FIXME", // Nova's own answer
		"hostname":          host, "local-hostname": host,
		"public-hostname": host, "instance-id": ec2ID(c.UUID), "instance-action": "none", "instance-type": "sandbox",
		"local-ipv4": c.Address, "public-ipv4": "", "placement": map[string]string{"availability-zone": c.AvailabilityZone},
		"reservation-id": "r-" + short(c.UUID), "security-groups": []string{"default"},
		"block-device-mapping": map[string]string{"ami": "vda", "root": "/dev/vda"}, "public-keys": ec2Keys,
	}
	docs := map[string][]byte{
		"openstack/latest/meta_data.json":    encoded(meta),
		"openstack/latest/network_data.json": encoded(networkData(c.Networks)),
		"openstack/latest/vendor_data.json":  []byte("{}"),
		"openstack/latest/vendor_data2.json": []byte("{}"),
		"ec2/latest/meta-data.json":          encoded(ec2),
	}
	if len(c.UserData) > 0 {
		docs["openstack/latest/user_data"] = c.UserData
		docs["ec2/latest/user-data"] = c.UserData
	}
	return docs
}

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings
	}
	return b
}

func ec2ID(uuid string) string { return "i-" + short(uuid) }

func short(uuid string) string {
	if len(uuid) < 8 {
		return "00000001"
	}
	return uuid[:8]
}

// networkData is OpenStack's network_data.json.
func networkData(networks []Network) map[string]any {
	links, nets := []any{}, []any{}
	taps := map[string]string{} // by hardware address
	for i, n := range networks {
		tap, ok := taps[n.MAC]
		if !ok {
			tap = "tap" + strconv.Itoa(len(taps))
			taps[n.MAC] = tap
			links = append(links, map[string]any{"id": tap, "vif_id": n.ID, "type": "ovs", "mtu": 1500, "ethernet_mac_address": n.MAC})
		}
		entry := map[string]any{
			"id": "network" + strconv.Itoa(i), "type": "ipv4", "link": tap,
			"ip_address": n.Address, "network_id": n.ID, "routes": []any{}, "services": []any{},
		}
		if p, err := netip.ParsePrefix(n.CIDR); err == nil && p.Addr().Is6() {
			entry["type"], entry["ip_address"] = "ipv6", n.CIDR
		} else if err == nil {
			entry["netmask"] = netmask(p.Bits())
		}
		if n.Gateway != "" {
			entry["routes"] = []any{map[string]string{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": n.Gateway}}
		}
		nets = append(nets, entry)
	}
	return map[string]any{"links": links, "networks": nets, "services": []any{}}
}

func netmask(bits int) string {
	m := uint32(0xffffffff) << (32 - bits)
	return netip.AddrFrom4([4]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}).String()
}
