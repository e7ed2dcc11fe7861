package cinder

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

var pair = regexp.MustCompile(`['"]([^'"]*)['"]\s*:\s*['"]([^'"]*)['"]`)

// wanted holds a volume against a listing's filters.
func (v *Volume) wanted(c front.Caller, q url.Values) bool {
	everyones := c.Is("admin") && (q.Get("all_tenants") == "1" || strings.EqualFold(q.Get("all_tenants"), "true"))
	if !everyones && v.ProjectID != c.ProjectID {
		return false
	}
	for key, have := range map[string]string{
		"name": v.Name, "status": v.Status, "project_id": v.ProjectID, "bootable": strconv.FormatBool(v.Bootable),
		"volume_type": v.Type, "availability_zone": v.Zone, "size": strconv.Itoa(v.Size),
	} {
		if q.Has(key) && q.Get(key) != have {
			return false
		}
	}
	for _, m := range pair.FindAllStringSubmatch(q.Get("metadata"), -1) {
		if value, ok := v.Metadata[m[1]]; !ok || value != m[2] {
			return false
		}
	}
	return true
}

func (s *Service) answerVolumes(w http.ResponseWriter, r *http.Request, detail bool) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	q := r.URL.Query()
	var found []*Volume
	for _, v := range s.volumes {
		if v.wanted(front.CallerOf(r), q) {
			found = append(found, v)
		}
	}
	slices.SortFunc(found, func(a, b *Volume) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	if after := q.Get("marker"); after != "" {
		at := slices.IndexFunc(found, func(v *Volume) bool { return v.ID == after })
		if at < 0 {
			return answer.Fail(http.StatusBadRequest, "marker not found: %s", after)
		}
		found = found[at+1:]
	}
	out := map[string]any{}
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit <= 0 || limit > s.quotas.MaxPage {
		limit = s.quotas.MaxPage
	}
	if len(found) > limit {
		found = found[:limit]
		next := maps.Clone(q)
		next.Set("marker", found[limit-1].ID)
		out["volumes_links"] = []map[string]any{{"rel": "next", "href": front.Base(r) + r.URL.Path + "?" + next.Encode()}}
	}
	bodies := []map[string]any{}
	for _, v := range found {
		if detail {
			bodies = append(bodies, v.body(r))
			continue
		}
		bodies = append(bodies, map[string]any{"id": v.ID, "name": v.Name, "links": v.links(r)})
	}
	out["volumes"] = bodies
	answer.JSON(w, http.StatusOK, out)
	return nil
}
