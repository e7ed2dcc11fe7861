package cinder

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

const isPublic = "os-volume-type-access:is_public"

// typeStyle is how Cinder speaks of volume types, which administrators change.
func (s *Service) typeStyle() *resource.Style {
	style := s.style()
	style.Detail, style.Created = false, http.StatusOK
	style.Missing = func(_ *resource.Kind, id string) error {
		return answer.Fail(http.StatusNotFound, "Volume type %s could not be found.", id)
	}
	style.Allow = func(_ *resource.Kind, _ *http.Request, c front.Caller, verb string) error {
		if verb == "get" || verb == "list" || c.Is("admin") {
			return nil
		}
		return answer.Fail(http.StatusForbidden, "Policy doesn't allow volume_extension:types_manage to be performed.")
	}
	return style
}

// typeTable are the volume types, the default one first.
func (s *Service) typeTable() *resource.Table {
	t := &resource.Table{
		Kind: resource.Kind{Name: "volume_type", Plural: "volume_types", Path: "/v3/types"},
		Fields: []resource.Field{
			{Name: "name", Required: true, Update: true},
			{Name: "description", Create: true, Update: true, Null: true},
			{Name: "is_public", Type: resource.Flag, Default: true, Create: true, Update: true},
			{Name: isPublic, Type: resource.Flag, Default: true, Create: true, Hidden: true},
			{Name: "extra_specs", Type: resource.Mapping, Create: true},
			{Name: "qos_specs_id", Null: true},
		},
		Refuse: refusals(), Now: s.clock.Now, Stamp: stamped, Oldest: true,
		Everyones: func(_ front.Caller, q url.Values) (bool, error) {
			if v := q.Get("is_public"); v == "none" || v == "None" {
				q.Del("is_public")
			}
			return true, nil
		},
		Sees: func(c front.Caller, row *resource.Row) bool {
			return c.Is("admin") || row.Flag("is_public") || slices.Contains(projectsOf(row), c.ProjectID)
		},
		Shape: func(_ *http.Request, row *resource.Row, body map[string]any) { body[isPublic] = row.Flag("is_public") },
	}
	t.Check = func(_ *http.Request, _ front.Caller, row *resource.Row) error {
		if public, given := row.Values[isPublic].(bool); given {
			row.Set("is_public", public)
		}
		if slices.ContainsFunc(t.Rows(), func(o *resource.Row) bool { return o.Text("name") == row.Text("name") }) {
			return answer.Fail(http.StatusConflict, "Volume Type %s already exists.", row.Text("name"))
		}
		return nil
	}
	t.Changing = func(_ *http.Request, _ front.Caller, _ *resource.Row, values map[string]any) error {
		if values["name"] == "" { // null: it stays
			delete(values, "name")
		}
		return nil
	}
	t.Begun = func(r *http.Request, o resource.Object) map[string]any {
		b := o.Body(r)
		delete(b, "qos_specs_id")
		return b
	}
	t.Going = func(row *resource.Row) (bool, error) {
		if slices.ContainsFunc(s.order, func(v *Volume) bool { return v.Type == row.Text("name") }) {
			return false, answer.Fail(http.StatusBadRequest, "Target volume type is still in use.")
		}
		return false, nil
	}
	t.Open()
	find := t.Find
	t.Find = func(c front.Caller, id string) (resource.Object, bool) {
		if id == "default" {
			id = t.Rows()[0].ID()
		}
		return find(c, id)
	}
	t.Add("6f0b0d5e-9c1f-4f0c-8a57-1c0f6f7e3a01", "", map[string]any{"name": "__DEFAULT__", "description": "Default Volume Type"})
	t.Add("6f0b0d5e-9c1f-4f0c-8a57-1c0f6f7e3a02", "", map[string]any{"name": "fast"})
	t.Add("6f0b0d5e-9c1f-4f0c-8a57-1c0f6f7e3a03", "", map[string]any{"name": "luks", "encryption": maps.Clone(encryption)})
	return t
}

// projectsOf are the projects that may use a type that isn't public.
func projectsOf(row *resource.Row) []string {
	ids, _ := row.Values["projects"].([]string)
	return ids
}

// typeCalls serves what volume types have besides themselves.
func (s *Service) typeCalls(mux *http.ServeMux) {
	style := s.typeStyle()
	style.Mount(mux, &s.types.Kind)
	style.MountMapping(mux, s.types, "extra_specs", "extra_specs", http.StatusAccepted)
	mux.Handle("GET /v3/types/{id}/encryption", s.serve(s.anyType(s.showTypeEncryption)))
	mux.Handle("GET /v3/types/{id}/os-volume-type-access", s.serve(s.ofType(s.typeAccess)))
	mux.Handle("POST /v3/types/{id}/action", s.serve(s.ofType(s.changeTypeAccess)))
	for _, pattern := range []string{"POST /v3/types/{id}/encryption", "PUT /v3/types/{id}/encryption/{encryption}"} {
		mux.Handle(pattern, s.serve(s.ofType(s.setTypeEncryption)))
	}
	mux.Handle("DELETE /v3/types/{id}/encryption/{encryption}", s.serve(s.ofType(s.removeTypeEncryption)))
	mux.Handle("GET /v3/types/{id}/encryption/{key}", s.serve(s.ofType(s.typeEncryptionKey)))
}

// ofType serves a call of administrators about a volume type.
func (s *Service) ofType(do func(r *http.Request, row *resource.Row) (int, any, error)) resource.Handler {
	return func(r *http.Request, c front.Caller) (int, any, error) {
		if !c.Is("admin") {
			return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow volume_extension:types_manage to be performed.")
		}
		return s.anyType(do)(r, c)
	}
}

// anyType serves a call about a volume type.
func (s *Service) anyType(do func(r *http.Request, row *resource.Row) (int, any, error)) resource.Handler {
	return func(r *http.Request, c front.Caller) (int, any, error) {
		row := s.types.Row(r.PathValue("id"))
		if row == nil || !s.types.Sees(c, row) {
			return 0, nil, answer.Fail(http.StatusNotFound, "Volume type %s could not be found.", r.PathValue("id"))
		}
		return do(r, row)
	}
}

func (s *Service) typeAccess(_ *http.Request, row *resource.Row) (int, any, error) {
	all := []map[string]any{}
	for _, id := range projectsOf(row) {
		all = append(all, map[string]any{"volume_type_id": row.ID(), "project_id": id})
	}
	return http.StatusOK, map[string]any{"volume_type_access": all}, nil
}

func (s *Service) changeTypeAccess(r *http.Request, row *resource.Row) (int, any, error) {
	var q map[string]struct{ Project string }
	if err := decode(r, &q); err != nil {
		return 0, nil, err
	}
	for action, of := range q {
		ids := slices.DeleteFunc(slices.Clone(projectsOf(row)), func(id string) bool { return id == of.Project })
		if action == "addProjectAccess" {
			ids = append(ids, of.Project)
		}
		row.Set("projects", ids)
	}
	return http.StatusAccepted, nil, nil
}

func (s *Service) setTypeEncryption(r *http.Request, row *resource.Row) (int, any, error) {
	var q struct {
		Encryption map[string]any `json:"encryption"`
	}
	if err := decode(r, &q); err != nil {
		return 0, nil, err
	}
	values, _ := row.Values["encryption"].(map[string]any)
	if values = maps.Clone(values); values == nil {
		values = map[string]any{"encryption_id": uuid.NewString()}
	}
	maps.Copy(values, q.Encryption)
	row.Set("encryption", values)
	body := maps.Clone(values)
	body["volume_type_id"] = row.ID()
	return http.StatusOK, map[string]any{"encryption": body}, nil
}

func (s *Service) removeTypeEncryption(_ *http.Request, row *resource.Row) (int, any, error) {
	row.Set("encryption", nil)
	return http.StatusAccepted, nil, nil
}

func (s *Service) typeEncryptionKey(r *http.Request, row *resource.Row) (int, any, error) {
	key := r.PathValue("key")
	values, _ := row.Values["encryption"].(map[string]any)
	if v, ok := values[key]; ok {
		return http.StatusOK, map[string]any{key: v}, nil
	}
	return 0, nil, answer.Fail(http.StatusNotFound, "Volume type encryption for type %s has no %s.", row.ID(), key)
}

// typeNamed is the volume type of a name or id; the default one for none.
func (s *Service) typeNamed(want string) *resource.Row {
	for _, row := range s.types.Rows() {
		if want == "" || row.ID() == want || row.Text("name") == want {
			return row
		}
	}
	return nil
}

// typeRecord is a volume's type as an upload of the volume shows it.
func (s *Service) typeRecord(name string) map[string]any {
	row := s.typeNamed(name)
	if row == nil {
		row = s.typeNamed("")
	}
	made := stamp(time.Time{})
	return map[string]any{
		"id": row.ID(), "name": row.Text("name"), "description": orNull(row.Text("description")), "is_public": row.Flag("is_public"),
		"extra_specs": row.Values["extra_specs"], "qos_specs_id": nil, "created_at": made, "updated_at": made, "deleted": false,
		"deleted_at": nil,
	}
}

func (s *Service) typeName(want string) (string, error) {
	if row := s.typeNamed(want); row != nil {
		return row.Text("name"), nil
	}
	return "", answer.Fail(http.StatusNotFound, "Volume type with name %s could not be found.", want)
}
