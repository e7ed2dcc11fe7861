package resource

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Field is a field of a table's objects. Its name is the one in bodies.
type Field struct {
	Name string
	Type Type
	// Default is the value of objects whose creation doesn't name it; nil = the type's empty one.
	Default any

	Required bool // a creation has to name it
	Create   bool // a creation may name it
	Update   bool // a change may
	Admin    bool // only administrators may name it; others are refused
	Private  bool // only administrators are shown it
	Null     bool // it is shown as null while it is empty
	Hidden   bool // it is input alone
	Since    int  // the microversion that brought it
}

// Type is what values a field takes.
type Type int

// Types of fields.
const (
	Text    Type = iota // a string
	Whole               // an int
	Flag                // a bool
	Texts               // a []string
	Mapping             // a map[string]string
	Any                 // whatever JSON has; nil if it is empty
	Time                // a time.Time, which requests can't name
)

// zero is the type's empty value.
func (t Type) zero() any {
	return [...]any{"", 0, false, []string{}, map[string]string{}, nil, nil}[t]
}

// read decodes a value of the type.
func (t Type) read(data json.RawMessage) (value any, ok bool) {
	if string(data) == "null" {
		return t.zero(), true
	}
	switch t {
	case Text:
		return decoded[string](data)
	case Whole:
		return decoded[int](data)
	case Flag:
		return decoded[bool](data)
	case Texts:
		return decoded[[]string](data)
	case Mapping:
		return decoded[map[string]string](data)
	}
	return decoded[any](data)
}

func decoded[T any](data json.RawMessage) (any, bool) {
	var v T
	err := json.Unmarshal(data, &v)
	return v, err == nil
}

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
	values := map[string]any{}
	for name, data := range body {
		at := slices.IndexFunc(t.Fields, func(f Field) bool { return f.Name == name })
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
