package conformance

import (
	"net/url"
	"slices"
	"strings"
)

// image is the one that a Cloud has, as the last list that was asked for has it.
type image struct{ name, owner string }

// imageID is its id; others belong to somebody else.
const imageID, others = "f0000000-0000-4000-8000-000000000001", "f0000000000000000000000000000009"

// created is when everything was created.
const created = "2026-01-31T12:00:00Z"

// filters are those of Glance that the image passes, or that are followed; any other one is for a
// property, which the image hasn't.
var filters = []string{"limit", "sort", "sort_key", "sort_dir", "name", "owner", "visibility", "member_status", "id"}

// images is the answer to a GET of what is below images; nil for what isn't there.
func (c *Cloud) images(below string, query url.Values, caller grant) any {
	if c.image.owner == "" {
		c.image.owner = caller.project()
	}
	id, part, _ := strings.Cut(below, "/")
	switch {
	case below == "":
		return map[string]any{"images": c.list(query, caller)}
	case id != imageID:
		return nil
	case part == "":
		return c.image.fields()
	case part == "members":
		return map[string]any{"members": c.members()}
	}
	for _, m := range c.members() {
		if part == "members/"+m["member_id"] {
			return m
		}
	}
	return nil
}

// list takes the name that is asked for over, so that whatever a command looks for is there.
func (c *Cloud) list(query url.Values, caller grant) []any {
	for key, values := range query {
		if !slices.Contains(filters, key) && values[0] != "false" && values[0] != "active" {
			return []any{}
		}
	}
	if name := strings.TrimPrefix(query.Get("name"), "in:"); name != "" {
		c.image.name = name
	}
	c.image.owner = caller.project()
	if query.Has("member_status") {
		c.image.owner = others
	}
	if owner := query.Get("owner"); owner != "" {
		c.image.owner = owner
	}
	return []any{c.image.fields()}
}

func (i image) fields() map[string]any {
	return map[string]any{
		"id": imageID, "name": i.name, "status": "active", "visibility": "shared", "owner": i.owner,
		"size": 1, "min_disk": 0, "min_ram": 0, "disk_format": "raw", "container_format": "bare", "protected": false, "os_hidden": false,
		"tags": []any{}, "created_at": created, "updated_at": created, "schema": "/v2/schemas/image",
	}
}

// members are the projects of the clouds that were asked for, other than the owner.
func (c *Cloud) members() []map[string]string {
	all := []map[string]string{}
	for _, g := range c.tokens {
		if project := g.project(); project != c.image.owner && !g.renewed {
			all = append(all, map[string]string{
				"image_id": imageID, "member_id": project, "status": "pending", "schema": "/v2/schemas/member",
				"created_at": created, "updated_at": created,
			})
		}
	}
	return all
}
