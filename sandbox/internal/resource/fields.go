package resource

import (
	"encoding/json"
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
