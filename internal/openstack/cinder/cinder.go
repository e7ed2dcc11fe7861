// Package cinder is the client of the Block Storage service.
//
// API: https://docs.openstack.org/api-ref/block-storage/v3/
package cinder

import (
	"context"
	"fmt"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/listing"
)

// pageSize is the most that the service gives in one page by default.
const pageSize = "1000"

// Volume is what a list tells of a volume.
type Volume struct {
	ID            string            `json:"id"`
	Name          string            `json:"name"`
	Status        string            `json:"status"`
	ProjectID     string            `json:"os-vol-tenant-attr:tenant_id"`
	ImageMetadata map[string]string `json:"volume_image_metadata"` // of the image that it was made from
	Attachments   []struct {
		ServerID string `json:"server_id"`
	} `json:"attachments"`
}

// Snapshot is what a list tells of a volume's snapshot.
type Snapshot struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Status    string `json:"status"`
	VolumeID  string `json:"volume_id"`
	ProjectID string `json:"os-extended-snapshot-attributes:project_id"`
}

// Backup is what a list tells of a volume's backup.
type Backup struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Status    string `json:"status"`
	VolumeID  string `json:"volume_id"`
	ProjectID string `json:"os-backup-project-attr:project_id"` // "" for those who aren't administrators
}

// EachVolume hands over the volumes of all projects, page by page; the service shows those who aren't
// administrators only their project's. restart is called whenever it starts over.
func EachVolume(ctx context.Context, sc *gophercloud.ServiceClient, restart func(), take func([]Volume) error) error {
	return each(ctx, sc, "volumes", restart, take)
}

// EachSnapshot is EachVolume for snapshots.
func EachSnapshot(ctx context.Context, sc *gophercloud.ServiceClient, restart func(), take func([]Snapshot) error) error {
	return each(ctx, sc, "snapshots", restart, take)
}

// EachBackup is EachVolume for backups.
func EachBackup(ctx context.Context, sc *gophercloud.ServiceClient, restart func(), take func([]Backup) error) error {
	return each(ctx, sc, "backups", restart, take)
}

func each[T any](ctx context.Context, sc *gophercloud.ServiceClient, kind string, restart func(), take func([]T) error) error {
	err := listing.Each(ctx, sc, listing.List{
		Path: kind + "/detail", Queries: []url.Values{{"all_tenants": {"1"}, "limit": {pageSize}}}, Key: kind, Restart: restart,
	}, take)
	if err != nil {
		return fmt.Errorf("listing %s: %w", kind, err)
	}
	return nil
}
