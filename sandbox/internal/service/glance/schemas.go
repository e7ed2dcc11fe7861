package glance

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

// schema answers with the JSON schemas that clients build their models from.
func schema(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	item := map[string]map[string]any{"image": imageSchema(), "member": memberSchema()}
	plural := map[string]string{"images": "image", "members": "member"}
	if s, ok := item[name]; ok {
		answer.JSON(w, http.StatusOK, s)
		return nil
	}
	one, ok := plural[name]
	if !ok {
		return answer.Fail(http.StatusNotFound, "The resource could not be found.")
	}
	answer.JSON(w, http.StatusOK, map[string]any{
		"name": name,
		"properties": map[string]any{
			name:     map[string]any{"type": "array", "items": item[one]},
			"schema": map[string]any{"type": "string"}, "first": map[string]any{"type": "string"}, "next": map[string]any{"type": "string"},
		},
		"links": []map[string]any{
			{"rel": "first", "href": "{first}"}, {"rel": "next", "href": "{next}"}, {"rel": "describedby", "href": "{schema}"},
		},
	})
	return nil
}

func imageSchema() map[string]any {
	text := func() map[string]any { return map[string]any{"type": []string{"null", "string"}, "maxLength": 255} }
	number := func() map[string]any { return map[string]any{"type": []string{"null", "integer"}, "readOnly": true} }
	enum := func(values []string) map[string]any {
		out := []any{nil}
		for _, v := range values {
			out = append(out, v)
		}
		return map[string]any{"type": []string{"null", "string"}, "enum": out}
	}
	fixed := func() map[string]any { return map[string]any{"type": "string", "readOnly": true} }
	return map[string]any{
		"name": "image",
		"properties": map[string]any{
			"id": map[string]any{"type": "string", "pattern": uuidForm}, "name": text(), "owner": text(),
			"status": fixed(), "created_at": fixed(), "updated_at": fixed(), "self": fixed(), "file": fixed(), "schema": fixed(),
			"stores":   fixed(),
			"checksum": text(), "os_hash_algo": text(), "os_hash_value": text(),
			"visibility": map[string]any{"type": "string", "enum": visibilities},
			"protected":  map[string]any{"type": "boolean"}, "os_hidden": map[string]any{"type": "boolean"},
			"disk_format": enum(diskFormats), "container_format": enum(containerFormats),
			"size": number(), "virtual_size": number(),
			"min_disk": map[string]any{"type": "integer"}, "min_ram": map[string]any{"type": "integer"},
			"tags": map[string]any{"type": "array", "items": map[string]any{"type": "string", "maxLength": 255}},
		},
		"additionalProperties": map[string]any{"type": "string"},
		"links": []map[string]any{
			{"rel": "self", "href": "{self}"}, {"rel": "enclosure", "href": "{file}"}, {"rel": "describedby", "href": "{schema}"},
		},
	}
}

func memberSchema() map[string]any {
	text := func() map[string]any { return map[string]any{"type": "string"} }
	return map[string]any{"name": "member", "properties": map[string]any{
		"member_id": text(), "image_id": text(), "created_at": text(), "updated_at": text(), "schema": text(),
		"status": map[string]any{"type": "string", "enum": memberStates},
	}}
}
