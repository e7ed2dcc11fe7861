package transfer

import (
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// spare is what is left free besides blobs: manifests, directories, lists.
const spare = 1 << 20

// Space is what a folder needs and has, in bytes.
type Space struct {
	Folder     string
	Need, Free int64
}

// short reports whether the folder can't take what it gets.
func (s Space) short() bool { return s.Need > 0 && s.Need+spare > s.Free }

// Spaces are those of the folders that get something, by name. One whose disk can't be looked at is
// left out.
func (p *Plan) Spaces() (all []Space) {
	for name, f := range p.stores.Folders {
		need := p.Up[name]
		if need == 0 {
			continue
		}
		if free, err := f.Free(); err == nil {
			all = append(all, Space{name, need, free})
		}
	}
	slices.SortFunc(all, func(a, b Space) int { return strings.Compare(a.Folder, b.Folder) })
	return all
}

// fits fails where a disk is too small, before anything is sent.
func (p *Plan) fits() error {
	for _, s := range p.Spaces() {
		if s.short() {
			return fault.New(fault.Quota, "free some space there", "writing to %s takes %.1f MiB, and its disk has %.1f MiB free",
				s.Folder, float64(s.Need+spare)/(1<<20), float64(s.Free)/(1<<20))
		}
	}
	return nil
}
