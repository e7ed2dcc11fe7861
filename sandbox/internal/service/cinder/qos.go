package cinder

import (
	"maps"
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// adminStyle is how Cinder speaks of what is administrators', under a rule of its policy.
func (s *Service) adminStyle(policy string, missing func(id string) error) *resource.Style {
	style := s.style()
	style.Detail, style.Created = false, http.StatusOK
	style.Missing = func(_ *resource.Kind, id string) error { return missing(id) }
	style.Allow = func(_ *resource.Kind, _ *http.Request, c front.Caller, verb string) error {
		if c.Is("admin") {
			return nil
		}
		if verb == "list" || verb == "get" {
			verb += "_all"
		}
		return answer.Fail(http.StatusForbidden, "Policy doesn't allow %s:%s to be performed.", policy, verb)
	}
	return style
}

// qosTable are the QoS specifications: keys and values, of which the sandbox enforces none.
func (s *Service) qosTable() *resource.Table {
	t := &resource.Table{
		Kind: resource.Kind{Name: "qos_specs", Plural: "qos_specs", Path: "/v3/qos-specs"},
		Fields: []resource.Field{
			{Name: "name", Required: true},
			{Name: "consumer", Create: true, Update: true, Default: "back-end"},
		},
		Refuse: refusals(), Now: s.clock.Now, Stamp: stamped, Everyones: everyones, Oldest: true, Extra: true,
	}
	t.Check = func(_ *http.Request, _ front.Caller, row *resource.Row) error {
		if slices.ContainsFunc(t.Rows(), func(o *resource.Row) bool { return o.Text("name") == row.Text("name") }) {
			return answer.Fail(http.StatusConflict, "Qos specs %s already exists.", row.Text("name"))
		}
		return nil
	}
	t.Going = func(row *resource.Row) (bool, error) {
		for _, o := range s.types.Rows() {
			if o.Text("qos_specs_id") == row.ID() {
				return false, answer.Fail(http.StatusBadRequest, "Qos specs %s is in use.", row.ID())
			}
		}
		return false, nil
	}
	t.Shape = func(r *http.Request, _ *resource.Row, body map[string]any) {
		if r.Method == http.MethodPut { // a change answers with what can be changed alone
			delete(body, "id")
			delete(body, "name")
			return
		}
		specs := map[string]any{}
		for key, value := range body {
			if key != "id" && key != "name" && key != "consumer" {
				specs[key] = value
				delete(body, key)
			}
		}
		body["specs"] = specs
	}
	return t.Open()
}

func (s *Service) mountQoS(mux *http.ServeMux) {
	s.adminStyle("volume_extension:qos_specs_manage", func(id string) error {
		return answer.Fail(http.StatusNotFound, "No such QoS spec %s.", id)
	}).Mount(mux, &s.qos.Kind)
	at := "/v3/qos-specs/{id}/"
	for pattern, do := range map[string]func(r *http.Request, row *resource.Row) (int, any, error){
		"PUT " + at + "delete_keys":      s.removeSpecs,
		"GET " + at + "associate":        s.associate(func(row *resource.Row) string { return row.ID() }),
		"GET " + at + "disassociate":     s.associate(func(*resource.Row) string { return "" }),
		"GET " + at + "disassociate_all": s.disassociateAll,
		"GET " + at + "associations":     s.associations,
	} {
		mux.Handle(pattern, s.serve(func(r *http.Request, c front.Caller) (int, any, error) {
			row := s.qos.Row(r.PathValue("id"))
			switch {
			case !c.Is("admin"):
				return 0, nil, answer.Fail(http.StatusForbidden,
					"Policy doesn't allow volume_extension:qos_specs_manage:update to be performed.")
			case row == nil:
				return 0, nil, answer.Fail(http.StatusNotFound, "No such QoS spec %s.", r.PathValue("id"))
			}
			return do(r, row)
		}))
	}
}

func (s *Service) removeSpecs(r *http.Request, row *resource.Row) (int, any, error) {
	var q struct{ Keys []string }
	if err := decode(r, &q); err != nil {
		return 0, nil, err
	}
	for _, key := range q.Keys {
		if _, ok := row.Values[key]; !ok {
			return 0, nil, answer.Fail(http.StatusBadRequest, "QoS spec %s has no spec with key %s.", row.ID(), key)
		}
	}
	maps.DeleteFunc(row.Values, func(key string, _ any) bool { return slices.Contains(q.Keys, key) })
	return http.StatusAccepted, nil, nil
}

// associate sets the specifications that a volume type has.
func (s *Service) associate(to func(*resource.Row) string) func(r *http.Request, row *resource.Row) (int, any, error) {
	return func(r *http.Request, row *resource.Row) (int, any, error) {
		kind := s.types.Row(r.URL.Query().Get("vol_type_id"))
		if kind == nil {
			return 0, nil, answer.Fail(http.StatusNotFound, "Volume type %s could not be found.", r.URL.Query().Get("vol_type_id"))
		}
		kind.Set("qos_specs_id", to(row))
		return http.StatusAccepted, nil, nil
	}
}

func (s *Service) disassociateAll(_ *http.Request, row *resource.Row) (int, any, error) {
	for _, kind := range s.types.Rows() {
		if kind.Text("qos_specs_id") == row.ID() {
			kind.Set("qos_specs_id", "")
		}
	}
	return http.StatusAccepted, nil, nil
}

func (s *Service) associations(_ *http.Request, row *resource.Row) (int, any, error) {
	all := []map[string]any{}
	for _, kind := range s.types.Rows() {
		if kind.Text("qos_specs_id") == row.ID() {
			all = append(all, map[string]any{"association_type": "volume_type", "name": kind.Text("name"), "id": kind.ID()})
		}
	}
	return http.StatusOK, map[string]any{"qos_associations": all}, nil
}
