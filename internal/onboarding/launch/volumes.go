package launch

import (
	"context"
	"fmt"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

var (
	volumeList   = &collection{service: "volume", path: "volumes", list: "volumes/detail", key: "volumes", one: "volume"}
	snapshotList = &collection{service: "volume", path: "snapshots", key: "snapshots", one: "snapshot"}
)

var volumes = &kind{
	name: "volumes", noun: "volume", in: volumeList, change: http.MethodPut, loses: true,
	fields: []field{
		{key: "size", fixed: true},
		{key: "display_description", attr: "description"},
		{key: "volume_type", fixed: true},
		{key: "image", attr: "imageRef", refers: "images", onlyNew: true},
		{key: "availability_zone", onlyNew: true},
	},
	complete: func(ctx context.Context, w *world, r *layout.Resource, body object) error {
		name := r.Fields.Text("snapshot_id")
		if name == "" {
			return nil
		}
		all, err := w.all(ctx, snapshotList)
		for _, o := range all {
			if o.id() == name || o.text("name") == name {
				body["snapshot_id"] = o.id()
				return nil
			}
		}
		if err == nil {
			err = fault.New(fault.NotFound, "", "there is no snapshot %q", name)
		}
		return err
	},
	parts: func(_ context.Context, w *world, _ *layout.Resource, o object) ([]part, error) {
		switch {
		case o != nil && (o.text("status") == "creating" || o.text("status") == "downloading"):
			wait := func(ctx context.Context, id string) error { return volumeReady(ctx, w, id) }
			return []part{{what: "wait until it is available", do: wait}}, nil
		case o != nil && o.text("status") == "error":
			return nil, fault.New(fault.Conflict, "remove it, and launch again", "its creation failed: it has the status error")
		}
		return nil, nil
	},
	ready: volumeReady, mark: inMetadata, marked: metadataMark,
}

func volumeReady(ctx context.Context, w *world, id string) error {
	return cloud.Poll(ctx, "the volume", makingTime, func(ctx context.Context) (bool, error) {
		var now map[string]object
		if err := w.get(ctx, "volume", "volumes/"+id, &now); err != nil {
			return false, err
		}
		status := now["volume"].text("status")
		if status == "error" {
			return false, fmt.Errorf("volume %s has the status error", id)
		}
		return status == "available" || status == "in-use", nil
	})
}
