package openstack

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// named is what the look-ups need of Neutron's objects.
type named struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	NetworkID string `json:"network_id"` // of a port
	ProjectID string `json:"project_id"`
	Shared    bool   `json:"shared"`
}

// resolve finds the objects of one collection by their ids or names, in the order of refs.
func (b *build) resolve(ctx context.Context, option, collection string, refs []string, filter url.Values) ([]named, error) {
	known, err := b.find(ctx, option, collection, refs, filter)
	if err != nil {
		return nil, err
	}
	var all []named
	for _, r := range refs {
		found, err := one(option, r, known)
		if err != nil {
			return nil, err
		}
		all = append(all, found)
	}
	return all, nil
}

// find lists the objects that have one of the refs as their id or name.
func (b *build) find(ctx context.Context, option, collection string, refs []string, filter url.Values) ([]named, error) {
	var ids, names []string
	for _, r := range refs {
		if uuid.Validate(r) == nil {
			ids = append(ids, r)
		} else {
			names = append(names, r)
		}
	}
	var known []named
	for key, values := range map[string][]string{"id": ids, "name": names} {
		if len(values) == 0 {
			continue
		}
		query := url.Values{key: values}
		maps.Copy(query, filter)
		found, err := b.list(ctx, collection, query)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", option, err)
		}
		known = append(known, found...)
	}
	return known, nil
}

// one is the only object among known with the id or name.
func one(option, ref string, known []named) (named, error) {
	var ids []string
	var match named
	for _, k := range known {
		if k.ID == ref || k.Name == ref {
			match, ids = k, append(ids, k.ID)
		}
	}
	switch len(ids) {
	case 0:
		return named{}, fault.New(fault.NotFound, "check the name, and that this project sees it", "%s: there is no %q", option, ref)
	case 1:
		return match, nil
	}
	return named{}, fault.New(fault.Ambiguous, "use its id", "%s: %q is the name of several: %s", option, ref, strings.Join(ids, ", "))
}

func (b *build) list(ctx context.Context, collection string, query url.Values) ([]named, error) {
	var body map[string][]named
	resp, err := b.network.Get(ctx, b.network.ServiceURL(collection)+"?"+query.Encode(), &body, nil)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", collection, cloud.Classify(err))
	}
	resp.Body.Close()
	return body[strings.ReplaceAll(collection, "-", "_")], nil
}
