// Package cinder is the sandbox's block storage service: volumes, snapshots and volume types of the
// Block Storage API v3. What a volume holds is the archive of a root file system, as an image does,
// so that a server booted from one has an inside and an image made of one keeps what was written.
package cinder

import (
	"maps"
	"slices"
	"time"
)

// The states of a volume.
const (
	Creating    = "creating"
	Downloading = "downloading"
	Available   = "available"
	Reserved    = "reserved"
	Attaching   = "attaching"
	Detaching   = "detaching"
	InUse       = "in-use"
	Uploading   = "uploading"
	Deleting    = "deleting"
	Error       = "error"
)

// Volume is a volume.
type Volume struct {
	ID, Name, Description, Status string
	ProjectID, UserID             string
	Size                          int // GiB
	Type, Zone                    string
	Bootable, Multiattach         bool
	Metadata                      map[string]string
	ImageMetadata                 map[string]string // of the image that it was made from; nil = none
	SnapshotID, SourceVolumeID    string
	Attachments                   []Attachment
	CreatedAt, UpdatedAt          time.Time
}

// Attachment connects a volume with a server.
type Attachment struct {
	ID, ServerID, Device string
	AttachedAt           time.Time
}

// Snapshot is a snapshot of a volume.
type Snapshot struct {
	ID, Name, Description, Status, VolumeID, ProjectID string
	Size                                               int
	Metadata                                           map[string]string
	CreatedAt                                          time.Time
}

func (v *Volume) clone() Volume {
	c := *v
	c.Metadata, c.ImageMetadata = maps.Clone(v.Metadata), maps.Clone(v.ImageMetadata)
	c.Attachments = slices.Clone(v.Attachments)
	return c
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000") }
