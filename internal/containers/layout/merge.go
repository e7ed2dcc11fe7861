package layout

import (
	"errors"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// merge reads the list again, which other processes may have written, and adds this run's entries.
// conflict names an entry that another process has changed meanwhile; it stays the other one's.
func (l *Layout) merge() (conflict, err error) {
	index, err := l.index(true)
	if err != nil {
		return nil, err
	}
	list, now := index, digests(index)
	for _, name := range sorted(l.mine) {
		d := l.mine[name]
		if now[name] != l.before[name] && now[name] != d.Digest {
			what := "it was removed"
			if now[name] != "" {
				what = "it is " + now[name] + " now"
			}
			conflict = errors.Join(conflict, fault.New(fault.Conflict, "find out who changes it, and run it again",
				"%s: another process has changed it in the image layout meanwhile: %s", name, what))
			continue
		}
		list = replaced(list, d)
	}
	l.list = list
	return conflict, nil
}

// replaced is the list with the entry in place of the one of its name.
func replaced(list []registry.Descriptor, d registry.Descriptor) []registry.Descriptor {
	name := d.Annotations[refName]
	list = slices.DeleteFunc(slices.Clone(list), func(old registry.Descriptor) bool { return old.Annotations[refName] == name })
	return append(list, d)
}

// digests are those of the entries that have a name.
func digests(list []registry.Descriptor) map[string]string {
	all := map[string]string{}
	for _, d := range list {
		if name := d.Annotations[refName]; name != "" {
			all[name] = d.Digest
		}
	}
	return all
}
