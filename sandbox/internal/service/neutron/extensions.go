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

// loaded are the extensions, by alias and name.
var loaded = [][2]string{
	{"external-net", "Neutron external network"},
	{"router", "Neutron L3 Router"},
	{"extraroute", "Neutron Extra Route"},
	{"security-group", "security-group"},
	{"router_availability_zone", "Router Availability Zone"},
	{"quotas", "Quota management support"},
	{"quota_details", "Quota details management support"},
	{"standard-attr-description", "standard-attr-description"},
	{"standard-attr-tag", "Tag support for resources with standard attribute"},
	{"standard-attr-timestamp", "Resource timestamps"},
	{"standard-attr-revisions", "Resource revision numbers"},
	{"revision-if-match", "If-Match constraints based on revision_number"},
	{"subnet_allocation", "Subnet Allocation"},
	{"address-scope", "Address scope"},
	{"net-mtu", "Network MTU"},
	{"net-mtu-writable", "Network MTU (writable)"},
	{"address-group", "Address group"},
	{"rbac-policies", "RBAC Policies"},
	{"network-ip-availability", "Network IP Availability"},
	{"binding", "Port Binding"},
	{"pagination", "Pagination support"},
	{"sorting", "Sorting support"},
	{"project-id", "project_id field enabled"},
}

func extensionBody(e [2]string) map[string]any {
	return map[string]any{
		"alias": e[0], "name": e[1], "description": e[1], "updated": "2020-01-01T00:00:00-00:00", "links": []any{},
	}
}

func extensions(w http.ResponseWriter, _ *http.Request) {
	out := []map[string]any{}
	for _, e := range loaded {
		out = append(out, extensionBody(e))
	}
	answer.JSON(w, http.StatusOK, map[string]any{"extensions": out})
}

func extension(w http.ResponseWriter, r *http.Request) {
	alias := r.PathValue("alias")
	for _, e := range loaded {
		if e[0] == alias {
			answer.JSON(w, http.StatusOK, map[string]any{"extension": extensionBody(e)})
			return
		}
	}
	refuseKind(w, r, http.StatusNotFound, "HTTPNotFound", "Extension with alias "+alias+" does not exist")
}
