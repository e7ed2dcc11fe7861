// Package nova is the client of the Compute service.
//
// API: https://docs.openstack.org/api-ref/compute/
package nova

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/listing"
)

// Server is what a list tells of a server.
type Server struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Status    string `json:"status"` // such as ACTIVE or SHELVED_OFFLOADED
	ProjectID string `json:"tenant_id"`
	Image     Image  `json:"image"`
	Volumes   []struct {
		ID string `json:"id"`
	} `json:"os-extended-volumes:volumes_attached"`
}

// Image is the image that a server was booted from; ID is "" if it boots from a volume.
type Image struct{ ID string }

// UnmarshalJSON reads the image of a server, which is an empty text where there is none.
func (i *Image) UnmarshalJSON(b []byte) error {
	if b = bytes.TrimSpace(b); bytes.Equal(b, []byte(`""`)) || bytes.Equal(b, []byte("null")) {
		*i = Image{}
		return nil
	}
	var given struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(b, &given); err != nil {
		return fmt.Errorf("a server's image: %w", err)
	}
	if given.ID == "" {
		return fmt.Errorf("a server's image is %s", b)
	}
	i.ID = given.ID
	return nil
}

// Query is which servers to list.
type Query struct {
	AllProjects bool // those of all projects, which only administrators may list
	SoftDeleted bool // those that were deleted and can still be restored, which aren't among the others
}

// cells is the microversion with which a list shows the servers of a cell that doesn't answer, as UNKNOWN.
// Older ones leave them out.
const cells = "2.69"

// EachServer hands over the servers page by page. restart is called whenever it starts over. A cell that
// doesn't answer is fault.Unavailable, because its servers' images aren't known.
func EachServer(ctx context.Context, sc *gophercloud.ServiceClient, q Query, restart func(), take func([]Server) error) error {
	// Without a limit the page has as many as the service allows. With one, Nova would leave out the servers
	// of a cell that doesn't answer.
	query := url.Values{}
	if q.AllProjects {
		query.Set("all_tenants", "1")
	}
	if q.SoftDeleted {
		query.Set("status", "SOFT_DELETED")
		query.Set("deleted", "true")
		if !q.AllProjects {
			// Only administrators may ask for deleted servers. Those that changed since a time include them.
			query.Del("deleted")
			query.Set("changes-since", "1970-01-01T00:00:00Z")
		}
	}
	list := listing.List{
		Path: "servers/detail", Queries: []url.Values{query}, Key: "servers", Restart: restart, Headers: microversion(cells),
	}
	checked := func(servers []Server) error {
		for _, s := range servers {
			if s.Status == "UNKNOWN" {
				return fault.New(fault.Unavailable, "", "server %s is in a cell that doesn't answer", s.ID)
			}
		}
		return take(servers)
	}
	err := listing.Each(ctx, sc, list, checked)
	if gophercloud.ResponseCodeIs(err, http.StatusNotAcceptable) {
		list.Headers = nil
		err = listing.Each(ctx, sc, list, checked)
	}
	if err != nil {
		return fmt.Errorf("listing servers: %w", err)
	}
	return nil
}

func microversion(v string) map[string]string {
	return map[string]string{"OpenStack-API-Version": "compute " + v, "X-OpenStack-Nova-API-Version": v}
}
