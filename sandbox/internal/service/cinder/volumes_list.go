package cinder

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// volumeKind is how volumes are read; the calls that change them have routes of their own.
func (s *Service) volumeKind() *resource.Kind {
	return &resource.Kind{
		Name: "volume", Plural: "volumes", Path: "/v3/volumes", Ordered: true,
		Filters: []string{"name", "status", "project_id", "bootable", "volume_type", "availability_zone", "size", "metadata"},
		List: func(c front.Caller, q url.Values) (all []resource.Object, err error) {
			everyones, err := everyones(c, q)
			for _, v := range slices.Backward(s.order) {
				if everyones || v.ProjectID == c.ProjectID {
					all = append(all, listed{v})
				}
			}
			return all, err
		},
		Find: func(c front.Caller, id string) (resource.Object, bool) {
			v := s.volumes[id]
			return listed{v}, v != nil && may(c, v.ProjectID)
		},
		Brief: func(r *http.Request, o resource.Object) map[string]any {
			v := o.(listed).Volume
			return map[string]any{"id": v.ID, "name": v.Name, "links": v.links(r)}
		},
	}
}

// listed is a volume as lists see it.
type listed struct{ *Volume }

// ID is the volume's.
func (v listed) ID() string { return v.Volume.ID }

// Owner is the volume's project.
func (v listed) Owner() string { return v.ProjectID }

// Body is the volume as the API shows it.
func (v listed) Body(r *http.Request) map[string]any { return v.body(r) }

// Field is a field for filters and sorting.
func (v listed) Field(name string) (any, bool) {
	switch name {
	case "id":
		return v.Volume.ID, true
	case "name", "display_name":
		return v.Name, true
	case "status":
		return v.Status, true
	case "project_id":
		return v.ProjectID, true
	case "bootable":
		return strconv.FormatBool(v.Bootable), true
	case "volume_type":
		return v.Type, true
	case "availability_zone":
		return v.Zone, true
	case "size":
		return v.Size, true
	case "created_at":
		return stamp(v.CreatedAt), true
	case "updated_at":
		return stamp(v.UpdatedAt), true
	case "metadata":
		return metadata(v.Metadata), true
	}
	return nil, false
}

// metadata compares with filters such as {'key': 'value'}.
type metadata map[string]string

var pair = regexp.MustCompile(`['"]([^'"]*)['"]\s*:\s*['"]([^'"]*)['"]`)

// Matches reports whether all pairs of the filter are there.
func (m metadata) Matches(filter string) bool {
	for _, p := range pair.FindAllStringSubmatch(filter, -1) {
		if value, ok := m[p[1]]; !ok || value != p[2] {
			return false
		}
	}
	return true
}
