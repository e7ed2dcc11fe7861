package cinder

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (v *Volume) links(r *http.Request) []map[string]any {
	return links(r, "volumes", v.ProjectID, v.ID)
}

func (v *Volume) body(r *http.Request) map[string]any {
	attachments := []map[string]any{}
	for _, a := range v.Attachments {
		attachments = append(attachments, map[string]any{
			"id": v.ID, "attachment_id": a.ID, "volume_id": v.ID, "server_id": a.ServerID, "device": a.Device, "host_name": nil,
			"attached_at": stamp(a.AttachedAt),
		})
	}
	b := map[string]any{
		"id": v.ID, "name": v.Name, "description": orNull(v.Description), "status": v.Status, "size": v.Size, "volume_type": v.Type,
		"availability_zone": v.Zone, "bootable": strconv.FormatBool(v.Bootable), "multiattach": v.Multiattach, "encrypted": v.KeyID != "",
		"metadata": v.Metadata, "attachments": attachments, "snapshot_id": orNull(v.SnapshotID), "source_volid": orNull(v.SourceVolumeID),
		"user_id": v.UserID, "os-vol-tenant-attr:tenant_id": v.ProjectID, "consistencygroup_id": nil, "replication_status": nil,
		"created_at": stamp(v.CreatedAt), "updated_at": stamp(v.UpdatedAt), "links": v.links(r),
	}
	if v.KeyID != "" && atLeast(r, 64) {
		b["encryption_key_id"] = v.KeyID
	}
	for _, f := range []struct {
		since int
		name  string
		value any
	}{{13, "group_id", nil}, {48, "shared_targets", false}, {48, "service_uuid", v.service()}, {61, "cluster_name", nil}} {
		if atLeast(r, f.since) && (f.name != "cluster_name" || front.CallerOf(r).Is("admin")) {
			b[f.name] = f.value
		}
	}
	if front.CallerOf(r).Is("admin") {
		b["migration_status"] = nil
		b["os-vol-host-attr:host"], b["os-vol-mig-status-attr:migstat"], b["os-vol-mig-status-attr:name_id"] = host+"#volumes", nil, nil
		if atLeast(r, 21) {
			b["provider_id"] = nil
		}
	}
	if len(v.ImageMetadata) > 0 {
		b["volume_image_metadata"] = v.ImageMetadata
	}
	return b
}

// service is the id of the process that has the volume.
func (v *Volume) service() any {
	if v.Status == Creating {
		return nil
	}
	return uuid.NewSHA1(uuid.NameSpaceDNS, []byte(host)).String()
}

// summary is what a creation and a change answer, which leaves the project out.
func (v *Volume) summary(r *http.Request) map[string]any {
	b := v.body(r)
	maps.DeleteFunc(b, func(key string, _ any) bool { return strings.HasPrefix(key, "os-vol-") })
	return b
}

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
	KeyID                         string // of the key that it is encrypted with; "" = it isn't
}

// Attachment connects a volume with a server.
type Attachment struct {
	ID, ServerID, Device string
	AttachedAt           time.Time
	Status               string // reserved or attaching; empty = attached
}

func (v *Volume) clone() Volume {
	c := *v
	c.Metadata, c.ImageMetadata = maps.Clone(v.Metadata), maps.Clone(v.ImageMetadata)
	c.Attachments = slices.Clone(v.Attachments)
	return c
}

func (s *Service) updateVolume(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Volume struct {
			Name, Description *string
			Metadata          map[string]string
		}
	}
	if err := decode(r, &q); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := s.visible(r, "volume:update")
	if err != nil {
		return err
	}
	if q.Volume.Name != nil {
		v.Name = *q.Volume.Name
	}
	if q.Volume.Description != nil {
		v.Description = *q.Volume.Description
	}
	if q.Volume.Metadata != nil {
		v.Metadata = q.Volume.Metadata
	}
	v.UpdatedAt = s.clock.Now()
	answer.JSON(w, http.StatusOK, map[string]any{"volume": v.summary(r)})
	return nil
}

// action serves POST /volumes/{id}/action: the body's one member says which.
func (s *Service) action(w http.ResponseWriter, r *http.Request) error {
	var q map[string]json.RawMessage
	if err := decode(r, &q); err != nil {
		return err
	}
	for name, args := range q {
		do, ok := actions[name]
		if !ok {
			return answer.Fail(http.StatusBadRequest,
				"There is no such action: %s. Verify the request body and Content-Type header and try again.", name)
		}
		return do(s, w, r, args)
	}
	return answer.Fail(http.StatusBadRequest, "There is no action in the request's body.")
}
