package nodepool

import (
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// references checks that what parts of the file name exists.
func (k *checker) references(top *foreignfile.Value) {
	images := byName(top.Get("diskimages"))
	labels := byName(top.Get("labels"))
	k.parents(images)
	offered := map[string]bool{}
	others := false // providers whose labels aren't known
	for _, p := range items(top.Get("providers")) {
		if driver := p.Get("driver"); driver != nil && driver.Text != "openstack" {
			others = true
			continue
		}
		k.provider(p, images, labels, offered)
	}
	for _, name := range sortedKeys(labels) {
		ready, _ := integer(labels[name].Get("min-ready"))
		if !offered[name] && !others && ready > 0 && len(offered) > 0 {
			k.add(labels[name], Warning, "labels/"+name, "%d servers of label %q are to be ready, and no pool of this file offers it",
				ready, name)
		}
	}
}

func (k *checker) provider(p *foreignfile.Value, images, labels map[string]*foreignfile.Value, offered map[string]bool) {
	path := "providers/" + nameOf(p)
	uploaded, cloudImages := byName(p.Get("diskimages")), byName(p.Get("cloud-images"))
	for _, name := range sortedKeys(uploaded) {
		image := images[name]
		at := uploaded[name].Get("name")
		switch {
		case image == nil:
			k.add(at, Error, path+"/diskimages/"+name, "there is no diskimage %q in the file's diskimages%s", name, meant(name,
				sortedKeys(images)))
		case image.Get("abstract").Truthy():
			k.add(at, Error, path+"/diskimages/"+name, "diskimage %q is abstract: it is never built", name)
		}
	}
	pools, closed := items(p.Get("pools")), 0
	for _, pool := range pools {
		most := pool.Get("max-servers")
		if n, err := integer(most); err == nil && n == 0 {
			closed++
		}
		for _, l := range items(pool.Get("labels")) {
			at := path + "/pools/" + nameOf(pool) + "/labels/" + nameOf(l)
			if name := l.Get("name"); name != nil && name.Kind == foreignfile.String {
				offered[name.Text] = true
				k.refers(name, labels, at, "label", "the file's labels")
			}
			if image := l.Get("diskimage"); image != nil && image.Kind == foreignfile.String {
				if images[image.Text] == nil {
					k.refers(image, images, at, "diskimage", "the file's diskimages")
				} else {
					k.refers(image, uploaded, at, "diskimage", "the provider's diskimages")
				}
			}
			if image := l.Get("cloud-image"); image != nil && image.Kind == foreignfile.String {
				k.refers(image, cloudImages, at, "cloud image", "the provider's cloud-images")
			}
		}
	}
	if closed > 0 && closed == len(pools) {
		k.add(p, Note, path, "provider %q is disabled: max-servers is 0 in all of its pools", nameOf(p))
	}
}

func (k *checker) refers(v *foreignfile.Value, known map[string]*foreignfile.Value, path, what, where string) {
	if known[v.Text] == nil {
		k.add(v, Error, path, "there is no %s %q in %s%s", what, v.Text, where, meant(v.Text, sortedKeys(known)))
	}
}

// parents checks that each diskimage's line of parents ends.
func (k *checker) parents(images map[string]*foreignfile.Value) {
	for _, name := range sortedKeys(images) {
		parent := images[name].Get("parent")
		if parent == nil {
			continue
		}
		path := "diskimages/" + name
		if images[parent.Text] == nil {
			k.refers(parent, images, path, "diskimage", "the file's diskimages")
			continue
		}
		seen := map[string]bool{name: true}
		for next := parent; next != nil; next = images[next.Text].Get("parent") {
			if images[next.Text] == nil {
				break
			}
			if seen[next.Text] {
				k.add(parent, Error, path, "the parents of diskimage %q go round in a circle", name)
				break
			}
			seen[next.Text] = true
		}
	}
}

// byName are the items of a list with a name; of several with the same one, the last.
func byName(list *foreignfile.Value) map[string]*foreignfile.Value {
	all := map[string]*foreignfile.Value{}
	for _, item := range items(list) {
		if name := nameOf(item); name != "" {
			all[name] = item
		}
	}
	return all
}

func nameOf(v *foreignfile.Value) string {
	if name := v.Get("name"); name != nil {
		return name.Text
	}
	return ""
}
