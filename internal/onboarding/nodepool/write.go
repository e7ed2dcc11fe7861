package nodepool

import (
	"fmt"
	"strings"
)

// Text is a configuration of nodepool with the offers' providers.
func Text(offers []*Offer) []byte {
	w := &writer{}
	w.line(0, "labels:")
	for _, name := range unique(offers, func(l Offered) string { return l.Name }) {
		w.line(1, "- name: %s", scalar(name))
	}
	w.line(0, "")
	w.line(0, "providers:")
	for _, o := range offers {
		w.provider(o)
	}
	if images := unique(offers, func(l Offered) string { return l.DiskImage }); len(images) > 0 {
		w.line(0, "")
		w.line(0, "diskimages:")
		for _, name := range images {
			w.line(1, "- name: %s", scalar(name))
		}
	}
	return []byte(w.String())
}

type writer struct{ strings.Builder }

func (w *writer) line(depth int, format string, args ...any) {
	if format != "" {
		w.WriteString(strings.Repeat("  ", depth) + fmt.Sprintf(format, args...))
	}
	w.WriteString("\n")
}

// names writes a list of texts, if there are any.
func (w *writer) names(depth int, key string, names []string) {
	if len(names) == 0 {
		return
	}
	w.line(depth, "%s:", key)
	for _, n := range names {
		w.line(depth+1, "- %s", scalar(n))
	}
}

func (w *writer) provider(o *Offer) {
	w.line(1, "- name: %s", scalar(o.Generated))
	w.line(2, "cloud: %s", scalar(o.Facts.Cloud))
	if o.Facts.Region != "" {
		w.line(2, "region-name: %s", scalar(o.Facts.Region))
	}
	one := []*Offer{o}
	if images := unique(one, func(l Offered) string { return l.DiskImage }); len(images) > 0 {
		w.line(2, "diskimages:")
		for _, name := range images {
			w.line(3, "- name: %s", scalar(name))
			if o.ConfigDrive {
				w.line(4, "config-drive: true")
			}
		}
	}
	if images := unique(one, func(l Offered) string { return l.CloudImage }); len(images) > 0 {
		w.line(2, "cloud-images:")
		for _, name := range images {
			w.line(3, "- name: %s", scalar(name))
			if o.ConfigDrive {
				w.line(4, "config-drive: true")
			}
		}
	}
	w.line(2, "pools:")
	w.line(3, "- name: %s", scalar(o.Pool))
	w.line(4, "max-servers: %d  # %s", o.Capacity.Servers, o.Capacity.Reason)
	w.names(4, "availability-zones", o.Zones)
	w.names(4, "networks", o.Networks)
	w.names(4, "security-groups", o.SecurityGroups)
	if !o.Floating {
		w.line(4, "auto-floating-ip: false")
	}
	w.line(4, "labels:")
	for _, l := range o.Labels {
		w.label(o, l)
	}
}

func (w *writer) label(o *Offer, l Offered) {
	w.line(5, "- name: %s", scalar(l.Name))
	if l.DiskImage != "" {
		w.line(6, "diskimage: %s", scalar(l.DiskImage))
	} else {
		w.line(6, "cloud-image: %s", scalar(l.CloudImage))
	}
	// Without min-ram, nodepool takes exactly this flavor, and no other with the same words in its name.
	w.line(6, "flavor-name: %s  # %d MiB, %d vCPUs, %d GiB", scalar(l.Flavor.Name), l.Flavor.RAM, l.Flavor.VCPUs, l.Flavor.Disk)
	if key := o.key(l); key != "" {
		w.line(6, "key-name: %s", scalar(key))
	}
	if l.OnVolume {
		w.line(6, "boot-from-volume: true")
		w.line(6, "volume-size: %d", l.Disk)
	}
	if l.ConsoleLog {
		w.line(6, "console-log: true")
	}
}

func (o *Offer) key(l Offered) string {
	if l.KeyName != "" {
		return l.KeyName
	}
	return o.KeyName
}

// unique are the values of all labels, each once and none empty.
func unique(offers []*Offer, value func(Offered) string) (all []string) {
	seen := map[string]bool{"": true}
	for _, o := range offers {
		for _, l := range o.Labels {
			if v := value(l); !seen[v] {
				seen[v] = true
				all = append(all, v)
			}
		}
	}
	return all
}
