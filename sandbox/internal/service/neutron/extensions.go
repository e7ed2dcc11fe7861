package neutron

import (
	"maps"
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func versions(w http.ResponseWriter, r *http.Request) {
	answer.JSON(w, http.StatusOK, map[string]any{"versions": []map[string]any{{
		"id": "v2.0", "status": "CURRENT", "links": []map[string]any{{"rel": "self", "href": front.Base(r) + "/v2.0/"}},
	}}})
}

func resources(w http.ResponseWriter, r *http.Request) {
	out := []map[string]any{}
	for _, plural := range slices.Sorted(maps.Keys(kinds)) {
		out = append(out, map[string]any{"name": kinds[plural].name, "collection": plural, "links": []map[string]any{
			{"rel": "self", "href": front.Base(r) + "/v2.0/" + plural},
		}})
	}
	answer.JSON(w, http.StatusOK, map[string]any{"resources": out})
}

func extensions(w http.ResponseWriter, _ *http.Request) {
	out := []map[string]any{}
	for _, e := range [][2]string{
		{"external-net", "Neutron external network"},
		{"router", "Neutron L3 Router"},
		{"security-group", "security-group"},
		{"quotas", "Quota management support"},
		{"standard-attr-description", "standard-attr-description"},
		{"standard-attr-tag", "Tag support for resources with standard attribute"},
		{"standard-attr-timestamp", "Resource timestamps"},
		{"binding", "Port Binding"},
		{"pagination", "Pagination support"},
		{"sorting", "Sorting support"},
		{"project-id", "project_id field enabled"},
	} {
		out = append(out, map[string]any{
			"alias": e[0], "name": e[1], "description": e[1], "updated": "2020-01-01T00:00:00-00:00",
			"links": []any{},
		})
	}
	answer.JSON(w, http.StatusOK, map[string]any{"extensions": out})
}
