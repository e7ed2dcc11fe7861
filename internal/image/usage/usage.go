// Package usage finds out who uses images: servers, volumes, other images, bare-metal nodes, stacks, and
// what files name that no API tells. It only reads.
//
// What can't be read is never taken for unused: each source says whether it was read, and whose objects
// it showed.
package usage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Kinds of what uses an image.
const (
	Server           = "server"
	Volume           = "volume"
	Snapshot         = "volume-snapshot"
	Backup           = "volume-backup"
	Image            = "image"
	Node             = "node" // bare-metal
	Stack            = "stack"
	ClusterTemplate  = "cluster-template"
	Amphora          = "amphora" // a server that balances load
	FlavorProfile    = "flavor-profile"
	DatastoreVersion = "datastore-version"
	File             = "file"
)

// Use is one use of an image.
type Use struct {
	Kind    string `json:"kind"`
	ID      string `json:"id"` // a path for a file
	Name    string `json:"name"`
	Project string `json:"project"` // id, "" if it isn't known
	// How it uses the image: one of the constants below, or the field that names it, such as
	// "driver_info/deploy_kernel".
	How string `json:"how"`
	// Evidence is where that was read, such as "status SHELVED_OFFLOADED" or "line 12".
	Evidence string `json:"evidence"`
	// Weak says that nothing breaks if the image goes; only what the object was made from is lost.
	Weak bool `json:"weak"`
}

// How an image is used.
const (
	Boots      = "boots from it"
	BootVolume = "boots from a volume made from it"
	Shelved    = "is shelved into it"
	Made       = "was made from it"
	Kernel     = "kernel_id"
	Ramdisk    = "ramdisk_id"
	Base       = "base_image_ref"
	Names      = "names it"
	Tagged     = "takes images with its tag"
)

// String describes the use, such as `server "web-1" (ID) boots from it: status ACTIVE`.
func (u Use) String() string {
	s := fmt.Sprintf("%s %s", u.Kind, u.ID)
	if u.Name != "" && u.Name != u.ID {
		s = fmt.Sprintf("%s %q (%s)", u.Kind, u.Name, u.ID)
	}
	if strings.Contains(u.How, " ") {
		s += " " + u.How
	} else {
		s += " has it as " + u.How
	}
	if u.Evidence != "" {
		s += ": " + u.Evidence
	}
	return s
}

// Index is who uses which image. It is safe for concurrent use once Collect has returned it.
type Index struct {
	byID, byName map[string][]Use
	others       []found // by tags and patterns
	sources      []Source
}

// Of are the uses of an image: by its id, its name and its tags. An image that was deleted needs its id
// alone.
func (x *Index) Of(img *glance.Image) []Use {
	uses := slices.Clone(x.byID[key(img.ID)])
	if img.Name != "" {
		uses = append(uses, x.byName[img.Name]...)
	}
	for _, f := range x.others {
		if f.matches(img) {
			uses = append(uses, f.use)
		}
	}
	return uses
}

// Sources are what was asked, in a fixed order.
func (x *Index) Sources() []Source { return slices.Clone(x.sources) }

// Incomplete are the sources that didn't show everything, except those of the names.
func (x *Index) Incomplete(except ...string) []Source {
	return slices.DeleteFunc(x.Sources(), func(s Source) bool { return s.State == Read || slices.Contains(except, s.Name) })
}
