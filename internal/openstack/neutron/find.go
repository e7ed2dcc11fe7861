// Package neutron is the client of the Network service.
//
// API: https://docs.openstack.org/api-ref/network/v2/
package neutron

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Named is an object that people name in an option.
type Named struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	NetworkID string `json:"network_id"` // of a port
	ProjectID string `json:"project_id"`
	Shared    bool   `json:"shared"`
}

// Resolve finds the objects of one collection, such as networks, that an option names by their ids or names, in
// the order of refs. One that isn't there is fault.NotFound; a name of several is fault.Ambiguous.
func Resolve(ctx context.Context, sc *gophercloud.ServiceClient, option, collection string, refs []string, filter url.Values) ([]Named,
	error,
) {
	known, err := Find(ctx, sc, option, collection, refs, filter)
	if err != nil {
		return nil, err
	}
	var all []Named
	for _, r := range refs {
		found, err := One(option, r, known)
		if err != nil {
			return nil, err
		}
		all = append(all, found)
	}
	return all, nil
}

// Find lists the objects that have one of the refs as their id or name.
func Find(ctx context.Context, sc *gophercloud.ServiceClient, option, collection string, refs []string, filter url.Values) ([]Named,
	error,
) {
	var ids, names []string
	for _, r := range refs {
		if uuid.Validate(r) == nil {
			ids = append(ids, r)
		} else {
			names = append(names, r)
		}
	}
	var known []Named
	for key, values := range map[string][]string{"id": ids, "name": names} {
		if len(values) == 0 {
			continue
		}
		query := url.Values{key: values}
		maps.Copy(query, filter)
		found, err := List(ctx, sc, collection, query)
		if err != nil {
			return nil, fault.In(option, err)
		}
		known = append(known, found...)
	}
	return known, nil
}

// One is the only object among known with the id or name.
func One(option, ref string, known []Named) (Named, error) {
	var ids []string
	var match Named
	for _, k := range known {
		if k.ID == ref || k.Name == ref {
			match, ids = k, append(ids, k.ID)
		}
	}
	switch len(ids) {
	case 0:
		return Named{}, fault.New(fault.NotFound, "check the name, and that this project sees it", "%s: there is no %q",
			fault.Option(option), ref)
	case 1:
		return match, nil
	}
	return Named{}, fault.New(fault.Ambiguous, "use its id", "%s: %q is the name of several: %s", fault.Option(option), ref,
		strings.Join(ids, ", "))
}

// List lists the objects of a collection that match the query.
func List(ctx context.Context, sc *gophercloud.ServiceClient, collection string, query url.Values) ([]Named, error) {
	var body map[string][]Named
	resp, err := sc.Get(ctx, sc.ServiceURL(collection)+"?"+query.Encode(), &body, nil)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", collection, cloud.Classify(err))
	}
	resp.Body.Close()
	return body[strings.ReplaceAll(collection, "-", "_")], nil
}
