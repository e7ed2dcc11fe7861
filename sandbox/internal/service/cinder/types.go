package cinder

import (
	"net/http"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

func listTypes(w http.ResponseWriter, _ *http.Request) error {
	out := []map[string]any{}
	for k := range types {
		out = append(out, typeBody(k))
	}
	answer.JSON(w, http.StatusOK, map[string]any{"volume_types": out})
	return nil
}

func showType(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	for k, t := range types {
		if t.id == id || (id == "default" && k == 0) {
			answer.JSON(w, http.StatusOK, map[string]any{"volume_type": typeBody(k)})
			return nil
		}
	}
	return answer.Fail(http.StatusNotFound, "Volume type %s could not be found.", id)
}

// typeRecord is a volume's type as an upload of the volume shows it.
func typeRecord(name string) map[string]any {
	k := max(slices.IndexFunc(types, func(t volumeType) bool { return t.name == name }), 0)
	made := stamp(time.Time{})
	return map[string]any{
		"id": types[k].id, "name": types[k].name, "description": orNull(types[k].description), "is_public": true,
		"extra_specs":  map[string]any{},
		"qos_specs_id": nil, "created_at": made, "updated_at": made, "deleted": false, "deleted_at": nil,
	}
}

func typeBody(k int) map[string]any {
	return map[string]any{
		"id": types[k].id, "name": types[k].name, "description": orNull(types[k].description), "is_public": true,
		"os-volume-type-access:is_public": true,
		"extra_specs":                     map[string]any{}, "qos_specs_id": nil,
	}
}

// types are the volume types, the default one first.
var types = []volumeType{
	{id: "6f0b0d5e-9c1f-4f0c-8a57-1c0f6f7e3a01", name: "__DEFAULT__", description: "Default Volume Type"},
	{id: "6f0b0d5e-9c1f-4f0c-8a57-1c0f6f7e3a02", name: "fast"},
	{id: "6f0b0d5e-9c1f-4f0c-8a57-1c0f6f7e3a03", name: "luks", encrypted: true},
}

type volumeType struct {
	id, name, description string
	encrypted             bool
}

func typeName(want string) (string, error) {
	if want == "" {
		return types[0].name, nil
	}
	for _, t := range types {
		if t.id == want || t.name == want {
			return t.name, nil
		}
	}
	return "", answer.Fail(http.StatusNotFound, "Volume type with name %s could not be found.", want)
}
