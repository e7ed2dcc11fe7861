package promote

import (
	"encoding/json"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// shareEnds is when an image's shares end, by project: RFC 3339, as glance.ShareEndsKey has it. It is
// not ok where the property can't be read.
func shareEnds(img *glance.Image) (ends map[string]string, ok bool) {
	text := img.Properties[glance.ShareEndsKey]
	if text == "" {
		return nil, true
	}
	err := json.Unmarshal([]byte(text), &ends)
	return ends, err == nil
}

// endsWith is the property of an image that gets the project as a member: a share that ends must not
// become one without an end. ends are those of the images that the member comes from. changed is false
// where the property stays as it is.
func endsWith(img *glance.Image, project string, ends []map[string]string) (text string, changed bool) {
	all, ok := shareEnds(img)
	end := lastEnd(project, ends)
	if !ok || end == "" || all[project] == end {
		return "", false
	}
	if all == nil {
		all = map[string]string{}
	}
	all[project] = end
	b, err := json.Marshal(all)
	return string(b), err == nil
}

// lastEnd is when the last of a project's shares ends; "" if one of them has no end.
func lastEnd(project string, ends []map[string]string) (last string) {
	for n, of := range ends {
		end := of[project]
		if end == "" {
			return ""
		}
		if n == 0 || moment(end).After(moment(last)) {
			last = end
		}
	}
	return last
}
