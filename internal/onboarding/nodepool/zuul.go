package nodepool

import (
	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// ZuulText is the same as Text for zuul-launcher: objects of Zuul's configuration. The connection is named as the
// cloud, and has to be in zuul.conf, which is shown in a comment. Zuul takes cloud images by id only.
func ZuulText(offers []*Offer) ([]byte, error) {
	w := &writer{}
	for _, name := range unique(offers, func(l Offered) string { return l.CloudImage }) {
		if uuid.Validate(name) != nil {
			return nil, fault.New(fault.Usage, "give its id as cloud-image", "Zuul takes cloud images by id, and %q is none", name)
		}
	}
	seen := map[string]bool{}
	for _, o := range offers {
		if cloud := o.Facts.Cloud; !seen[cloud] {
			seen[cloud] = true
			w.line(0, "# In zuul.conf. The rate is in requests per second; nodepool's is in seconds per request.")
			w.line(0, "#   [connection %q]", cloud)
			w.line(0, "#   driver=openstack")
			w.line(0, "#   cloud=%s", cloud)
			w.line(0, "#   rate=10")
		}
	}
	for _, name := range unique(offers, func(l Offered) string { return l.DiskImage }) {
		w.line(0, "- image:")
		w.line(2, "name: %s", scalar(name))
		w.line(2, "type: zuul")
	}
	for _, name := range unique(offers, func(l Offered) string { return l.CloudImage }) {
		w.line(0, "- image:")
		w.line(2, "name: %s", scalar(name))
		w.line(2, "type: cloud")
	}
	for _, name := range unique(offers, flavorOf) {
		w.line(0, "- flavor:")
		w.line(2, "name: %s", scalar(name))
	}
	labelled := map[string]bool{}
	for _, o := range offers {
		for _, l := range o.Labels {
			if labelled[l.Name] {
				continue
			}
			labelled[l.Name] = true
			w.line(0, "- label:")
			w.line(2, "name: %s", scalar(l.Name))
			w.line(2, "image: %s", scalar(l.DiskImage+l.CloudImage))
			w.line(2, "flavor: %s", scalar(flavorOf(l)))
		}
	}
	for _, o := range offers {
		w.section(o)
	}
	return []byte(w.String()), nil
}

// flavorOf names Zuul's flavor of a label: the same in every provider, whatever the cloud calls its own.
func flavorOf(l Offered) string { return l.Name + "-flavor" }

func (w *writer) section(o *Offer) {
	one := []*Offer{o}
	w.line(0, "- section:")
	w.line(2, "name: %s", scalar(o.Generated))
	w.line(2, "connection: %s", scalar(o.Facts.Cloud))
	if o.Facts.Region != "" {
		w.line(2, "region: %s", scalar(o.Facts.Region))
	}
	w.line(2, "label-defaults:")
	w.line(3, "auto-floating-ip: %t", o.Floating)
	if len(o.Zones) == 1 { // of several, Zuul takes one at random
		w.line(3, "az: %s", scalar(o.Zones[0]))
	}
	if o.KeyName != "" {
		w.line(3, "key-name: %s", scalar(o.KeyName))
	}
	w.names(3, "networks", o.Networks)
	w.names(3, "security-groups", o.SecurityGroups)
	w.line(2, "flavors:")
	for _, l := range o.Labels {
		w.line(3, "- name: %s", scalar(flavorOf(l)))
		w.line(4, "flavor-name: %s  # %d MiB, %d vCPUs, %d GiB", scalar(l.Flavor.Name), l.Flavor.RAM, l.Flavor.VCPUs, l.Flavor.Disk)
		if l.OnVolume {
			w.line(4, "volume-size: %d", l.Disk)
		}
	}
	w.line(2, "images:")
	for _, name := range unique(one, func(l Offered) string { return l.DiskImage }) {
		w.line(3, "- name: %s", scalar(name))
		w.line(4, "config-drive: %t", o.ConfigDrive)
	}
	for _, name := range unique(one, func(l Offered) string { return l.CloudImage }) {
		w.line(3, "- name: %s", scalar(name))
		w.line(4, "image-id: %s", scalar(name))
		w.line(4, "config-drive: %t", o.ConfigDrive)
	}
	w.line(0, "- provider:")
	w.line(2, "name: %s", scalar(o.Generated+"-"+o.Pool))
	w.line(2, "section: %s", scalar(o.Generated))
	w.line(2, "resource-limits:")
	w.line(3, "instances: %d  # %s", o.Capacity.Servers, o.Capacity.Reason)
	w.line(2, "labels:")
	for _, l := range o.Labels {
		w.line(3, "- name: %s", scalar(l.Name))
		if l.KeyName != "" {
			w.line(4, "key-name: %s", scalar(l.KeyName))
		}
		if l.OnVolume {
			w.line(4, "boot-from-volume: true")
		}
	}
}
