package program

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// quotaFields are the quotas by the names that --quota knows. Those of images can't be 0.
func quotaFields(o *sandbox.Options) map[string]*int {
	return map[string]*int{
		"instances": &o.ServerQuotas.Instances, "cores": &o.ServerQuotas.Cores, "ram": &o.ServerQuotas.RAM,
		"key-pairs": &o.ServerQuotas.KeyPairs, "metadata-items": &o.ServerQuotas.MetadataItems,
		"volumes": &o.VolumeQuotas.Volumes, "gigabytes": &o.VolumeQuotas.Gigabytes, "snapshots": &o.VolumeQuotas.Snapshots,
		"backups":  &o.VolumeQuotas.Backups,
		"networks": &o.NetworkQuotas.Networks, "ports": &o.NetworkQuotas.Ports, "floating-ips": &o.NetworkQuotas.FloatingIPs,
		"security-groups": &o.NetworkQuotas.SecurityGroups,
		"images":          &o.ImageQuotas.CountTotal, "image-mib": &o.ImageQuotas.MiBTotal, "image-members": &o.ImageQuotas.Members,
		"image-properties": &o.ImageQuotas.Properties, "image-tags": &o.ImageQuotas.Tags,
	}
}

// quotaNames are the names that --quota knows.
func quotaNames() string {
	return strings.Join(slices.Sorted(maps.Keys(quotaFields(&sandbox.Options{}))), ", ")
}

// setQuotas sets quotas of the form NAME=NUMBER; -1 is none.
func setQuotas(o *sandbox.Options, quotas []string) error {
	fields := quotaFields(o)
	for _, q := range quotas {
		name, value, ok := strings.Cut(q, "=")
		field := fields[name]
		n, err := strconv.Atoi(value)
		switch {
		case !ok || err != nil || n < -1:
			return fmt.Errorf("quota %q: give NAME=NUMBER, such as instances=10; -1 is no limit", q)
		case field == nil:
			return fmt.Errorf("quota %q is unknown; there are %s", name, quotaNames())
		case n == 0 && strings.HasPrefix(name, "image"):
			return fmt.Errorf("quota %q: Glance's limits are at least 1; -1 is no limit", q)
		case n == 0:
			*field = sandbox.ZeroQuota
		default:
			*field = n
		}
	}
	return nil
}

// setPageSize bounds the pages of all services.
func setPageSize(o *sandbox.Options, size int) error {
	if size < 0 {
		return fmt.Errorf("page size %d: give a number of objects, from 1 on", size)
	}
	o.ImageQuotas.Page = size
	for _, most := range []*int{&o.ImageQuotas.MaxPage, &o.ServerQuotas.MaxPage, &o.VolumeQuotas.MaxPage, &o.NetworkQuotas.MaxPage} {
		*most = cmp.Or(size, *most)
	}
	return nil
}
