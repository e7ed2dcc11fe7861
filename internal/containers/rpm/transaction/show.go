package transaction

import (
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
)

// Change is what the layer does at one path.
type Change struct {
	Path, What string
	Bytes      int64
}

// Changes are what the layer does, by path, without folders that stay as they are and without the
// database.
func (t *Transaction) Changes() (all []Change) {
	for _, at := range t.paths() {
		switch o := t.ops[at]; {
		case o.gone:
			all = append(all, Change{Path: at, What: "remove"})
		case o.moved != nil:
			all = append(all, Change{at, "keep " + o.moved.Path + " as", o.moved.Size})
		case o.from != nil && o.file().Type() == rpm.Regular:
			all = append(all, Change{at, "write", o.file().Size})
		case o.from != nil:
			all = append(all, Change{Path: at, What: "write"})
		}
	}
	return all
}

// Packages are the packages that change, such as "nova 1:1.0-1 → 1:1.1-1", "+new 1-1" or "-old 1-1".
func (t *Transaction) Packages() (all []string) {
	for _, f := range t.Added {
		line := "+" + f.Name + " " + f.EVR().String()
		for _, r := range t.Removed {
			if r.By == f.Package && !r.Obsolete {
				line = f.Name + " " + r.EVR().String() + " → " + f.EVR().String()
			}
		}
		all = append(all, line)
	}
	for _, r := range t.Removed {
		if r.Obsolete {
			all = append(all, "-"+r.Name+" "+r.EVR().String())
		}
	}
	return all
}
