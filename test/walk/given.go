package walk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"
)

// things are the lists that a walk may have left something in: the field that has the walk's name, in the answer's key.
func (c *Cloud) things() []struct {
	client    *gophercloud.ServiceClient
	path, key string
	field     string
} {
	return []struct {
		client    *gophercloud.ServiceClient
		path, key string
		field     string
	}{
		{c.Network, c.Network.ServiceURL("networks"), "networks", "name"},
		{c.Network, c.Network.ServiceURL("subnets"), "subnets", "name"},
		{c.Network, c.Network.ServiceURL("routers"), "routers", "name"},
		{c.Network, c.Network.ServiceURL("ports"), "ports", "name"},
		{c.Network, c.Network.ServiceURL("floatingips"), "floatingips", "description"},
		{c.Network, c.Network.ServiceURL("security-groups"), "security_groups", "name"},
		{c.Compute, c.Compute.ServiceURL("servers"), "servers", "name"},
		{c.Compute, c.Compute.ServiceURL("flavors"), "flavors", "name"},
		{c.Volume, c.Volume.ServiceURL("volumes"), "volumes", "name"},
		{c.Volume, c.Volume.ServiceURL("snapshots"), "snapshots", "name"},
		{c.Image, c.Image.ServiceURL("images"), "images", "name"},
	}
}

// Named are the ids of what has a name, by the key of the list that has it.
func (c *Cloud) Named(ctx context.Context, name string) (map[string]string, error) {
	found := map[string]string{}
	for _, t := range c.things() {
		var body map[string]json.RawMessage
		resp, err := t.client.Get(ctx, t.path, &body, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
		if err != nil {
			return nil, err
		}
		resp.Body.Close()
		var all []map[string]any
		if err := json.Unmarshal(body[t.key], &all); err != nil {
			return nil, fmt.Errorf("reading %s: %w", t.path, err)
		}
		for _, one := range all {
			if one[t.field] == name {
				found[t.key], _ = one["id"].(string)
			}
		}
	}
	return found, nil
}

// Given looks up what a walk uses.
func (c *Cloud) Given(ctx context.Context) (g Given, err error) {
	for name, of := range map[string]struct {
		key string
		to  *string
	}{"tiny": {"images", &g.Image}, "m1.tiny": {"flavors", &g.Flavor}, "public": {"networks", &g.Public}} {
		found, err := c.Named(ctx, name)
		if err != nil {
			return g, err
		}
		if *of.to = found[of.key]; *of.to == "" {
			return g, fmt.Errorf("the cloud has no %q among its %s", name, of.key)
		}
	}
	return g, nil
}
