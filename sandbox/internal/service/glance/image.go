// Package glance is the sandbox's image service: the Image API v2 with the real one's rules of
// visibility, members, patches, quotas and paging. Image data lives in files below one folder.
package glance

import (
	"maps"
	"slices"
	"time"
)

// Image is an image record.
type Image struct {
	ID, Name, Status, Visibility, Owner string
	Protected, Hidden                   bool
	DiskFormat, ContainerFormat         string // "" while not set
	Size                                int64  // bytes; -1 while there is no data
	VirtualSize                         int64  // bytes; -1 = not known
	Checksum, HashAlgo, HashValue       string // of the data: md5, "sha512" and its sum
	MinDisk, MinRAM                     int    // GiB, MiB
	Tags                                []string
	Properties                          map[string]string // custom ones
	CreatedAt, UpdatedAt                time.Time         // whole seconds, as Glance keeps them

	members map[string]*member
	tasks   []task
	staged  bool // data waits in the staging area
}

// The states of an image.
const (
	Queued      = "queued"
	Saving      = "saving"
	Uploading   = "uploading"
	Importing   = "importing"
	Active      = "active"
	Deactivated = "deactivated"
	Killed      = "killed"
	Deleted     = "deleted"
)

// The visibilities of an image.
const (
	Private   = "private"
	Shared    = "shared"
	Community = "community"
	Public    = "public"
)

var (
	visibilities     = []string{Community, Public, Private, Shared}
	memberStates     = []string{"pending", "accepted", "rejected"}
	diskFormats      = []string{"ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"}
	containerFormats = []string{"ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"}
)

type member struct {
	id, status           string
	createdAt, updatedAt time.Time
}

// clone is a copy that shares nothing that can change.
func (i *Image) clone() Image {
	c := *i
	c.Tags = slices.Clone(i.Tags)
	c.Properties = maps.Clone(i.Properties)
	c.members, c.tasks = nil, nil
	return c
}

func now() time.Time { return time.Now().UTC().Truncate(time.Second) }

func stamp(t time.Time) string { return t.Format("2006-01-02T15:04:05Z") }
