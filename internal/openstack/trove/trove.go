// Package trove is the client of the Database service.
//
// API: https://docs.openstack.org/api-ref/database/
package trove

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/listing"
)

// DatastoreVersion is a version of a kind of database, whose servers boot from one image.
type DatastoreVersion struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Datastore string   `json:"datastore_name"`
	Image     string   `json:"image"`      // an id, "" if tags say which
	Tags      []string `json:"image_tags"` // of which the image has all
}

// EachDatastoreVersion hands over all versions page by page, which only administrators may list. restart is
// called whenever it starts over.
func EachDatastoreVersion(ctx context.Context, sc *gophercloud.ServiceClient, restart func(), take func([]DatastoreVersion) error) error {
	err := listing.Each(ctx, sc, listing.List{
		Path: "mgmt/datastore-versions", Key: "versions", Restart: restart,
	}, take)
	if err != nil {
		return fmt.Errorf("listing datastore versions: %w", err)
	}
	return nil
}
