// Package swift reads containers of a Swift that anybody may read, such as those that images are
// published in.
package swift

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Object is an object's entry in its container's list.
type Object struct {
	Name  string `json:"name"`
	Hash  string `json:"hash"` // MD5, of an object that isn't in segments
	Bytes int64  `json:"bytes"`
}

const (
	pageSize = 10_000 // the most that Swift lists at once
	maxPages = 500
)

// Get reads a text from an address.
type Get func(ctx context.Context, address string) ([]byte, error)

// List lists all objects of a container, page by page. It fails if the list doesn't come to an end.
func List(ctx context.Context, container string, get Get) ([]Object, error) {
	var all []Object
	for marker, page := "", 0; ; page++ {
		if page == maxPages {
			return nil, fault.New(fault.Forbidden, "", "container %s: the list has more than %d pages", container, maxPages)
		}
		query := url.Values{"format": {"json"}, "limit": {strconv.Itoa(pageSize)}}
		if marker != "" {
			query.Set("marker", marker)
		}
		text, err := get(ctx, strings.TrimSuffix(container, "/")+"?"+query.Encode())
		if err != nil {
			return nil, err
		}
		var objects []Object
		if len(text) > 0 {
			if err := json.Unmarshal(text, &objects); err != nil {
				return nil, fault.New(fault.Forbidden, "", "container %s: the list is no JSON: %w", container, err)
			}
		}
		if len(objects) == 0 {
			return all, nil
		}
		last := objects[len(objects)-1].Name
		if last <= marker {
			return nil, fault.New(fault.Forbidden, "", "container %s: the list goes in a circle, at %q", container, last)
		}
		all, marker = append(all, objects...), last
	}
}
