package cinder

import (
	"net/http"
	"net/url"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// empty are lists of what the sandbox has none of: their paths, the keys of the answers, and the microversion that brought
// them. Administrators alone see some.
var empty = []struct {
	path, key string
	since     int
	admin     string // the policy's rule
}{
	{"messages", "messages", 3, ""},
	{"consistencygroups", "consistencygroups", 0, ""},
	{"consistencygroups/detail", "consistencygroups", 0, ""},
	{"cgsnapshots", "cgsnapshots", 0, ""},
	{"cgsnapshots/detail", "cgsnapshots", 0, ""},
	{"groups", "groups", 13, ""},
	{"groups/detail", "groups", 13, ""},
	{"group_snapshots", "group_snapshots", 14, ""},
	{"group_snapshots/detail", "group_snapshots", 14, ""},
	{"clusters", "clusters", 7, "clusters:get_all"},
	{"clusters/detail", "clusters", 7, "clusters:get_all"},
}

// groupTypeTable are the types of groups of volumes. There are no such groups.
func (s *Service) groupTypeTable() *resource.Table {
	t := &resource.Table{
		Kind: resource.Kind{Name: "group_type", Plural: "group_types", Path: "/v3/group_types"},
		Fields: []resource.Field{
			{Name: "name", Required: true, Update: true},
			{Name: "description", Create: true, Update: true, Null: true},
			{Name: "is_public", Type: resource.Flag, Default: true, Create: true, Update: true},
			{Name: "group_specs", Type: resource.Mapping},
		},
		Refuse: refusals(), Now: s.clock.Now, Stamp: stamped, Oldest: true,
		Everyones: func(_ front.Caller, q url.Values) (bool, error) {
			q.Del("is_public")
			return true, nil
		},
		Sees: func(front.Caller, *resource.Row) bool { return true },
	}
	t.Open()
	t.Add("", "", map[string]any{
		"name": "default_cgsnapshot_type", "description": "Default group type for migrating cgsnapshot",
		"group_specs": map[string]string{"consistent_group_snapshot_enabled": "<is> True"},
	})
	return t
}

// unknownHost refuses to change a host: there is none that could be.
func unknownHost(r *http.Request, _ front.Caller) (int, any, error) {
	if action := r.PathValue("action"); action == "freeze" || action == "thaw" || action == "failover_host" {
		return 0, nil, answer.Fail(http.StatusBadRequest, "Host not found")
	}
	return 0, nil, answer.Fail(http.StatusNotFound, "Service could not be found.")
}

func (s *Service) mountEmpty(mux *http.ServeMux) {
	for _, e := range empty {
		mux.Handle("GET /v3/"+e.path, s.serve(func(r *http.Request, c front.Caller) (int, any, error) {
			switch {
			case !atLeast(r, e.since):
				return 0, nil, answer.Fail(http.StatusNotFound, "The resource could not be found.")
			case e.admin != "" && !c.Is("admin"):
				return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow %s to be performed.", e.admin)
			}
			return http.StatusOK, map[string]any{e.key: []any{}}, nil
		}))
	}
	types := s.typeStyle()
	types.Created = http.StatusAccepted
	types.Missing = func(_ *resource.Kind, id string) error {
		return answer.Fail(http.StatusNotFound, "Group type %s could not be found.", id)
	}
	types.Mount(mux, &s.groupTypes.Kind)
	mux.Handle("GET /v3/resource_filters", s.serve(func(r *http.Request, _ front.Caller) (int, any, error) {
		all := []map[string]any{}
		for _, k := range []*resource.Kind{s.volumeKind(), &s.backups.Kind, &s.snapshots.Kind, s.attachmentKind()} {
			if of := r.URL.Query().Get("resource"); of == "" || of == k.Name {
				all = append(all, map[string]any{"resource": k.Name, "filters": k.Filters})
			}
		}
		return http.StatusOK, map[string]any{"resource_filters": all}, nil
	}))
}
