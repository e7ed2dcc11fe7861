package resource

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Refusals are what is wrong with a request, in the service's words.
type Refusals struct {
	Malformed func() error                             // the body is no JSON object, or has no object of the kind
	Unknown   func(k *Kind, field string) error        // nil = unknown fields have no effect
	Lacks     func(k *Kind, field string) error        // a required field is missing
	Invalid   func(k *Kind, field string, v any) error // a value has the wrong type
	Fixed     func(k *Kind, field string) error        // a field that requests can't set; nil = as Unknown
	Reserved  func(k *Kind, verb, field string) error  // a field for administrators
	Over      func(k *Kind, most int, have int) error  // the quota
}

// given reads the fields that a request names, for verb create or update.
func (t *Table) given(r *http.Request, c front.Caller, verb string) (map[string]any, error) {
	var body map[string]json.RawMessage
	if json.NewDecoder(http.MaxBytesReader(nil, r.Body, 16<<20)).Decode(&body) != nil {
		return nil, t.Refuse.Malformed()
	}
	if !t.Bare {
		var inner map[string]json.RawMessage
		if json.Unmarshal(body[t.Name], &inner) != nil || inner == nil {
			return nil, t.Refuse.Malformed()
		}
		body = inner
	}
	return t.fields(body, c, verb)
}

// fields reads one object's fields.
func (t *Table) fields(body map[string]json.RawMessage, c front.Caller, verb string) (map[string]any, error) {
	values := map[string]any{}
	for name, data := range body {
		at := slices.IndexFunc(t.Fields, func(f Field) bool { return f.Name == name })
		if at < 0 && t.Extra {
			values[name], _ = decoded[any](data)
			continue
		}
		if at < 0 {
			if t.Refuse.Unknown != nil {
				return nil, t.Refuse.Unknown(&t.Kind, name)
			}
			continue
		}
		f := &t.Fields[at]
		switch {
		case verb == "create" && !f.Create && !f.Required, verb == "update" && !f.Update:
			if t.Refuse.Fixed != nil {
				return nil, t.Refuse.Fixed(&t.Kind, name)
			}
			continue
		case f.Admin && !c.Is("admin"):
			return nil, t.Refuse.Reserved(&t.Kind, verb, name)
		}
		v, ok := f.Type.read(data)
		if !ok {
			return nil, t.Refuse.Invalid(&t.Kind, name, string(data))
		}
		values[name] = v
	}
	for _, f := range t.Fields {
		if _, named := values[f.Name]; verb == "create" && f.Required && !named {
			return nil, t.Refuse.Lacks(&t.Kind, f.Name)
		}
	}
	return values, nil
}
