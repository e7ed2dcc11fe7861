package foreignfile

import (
	"encoding/json"
	"strconv"
)

// Any is the value as encoding/json and templates know it: nil, bool, string, int64, json.Number,
// []any and map[string]any. A number that would be spelled differently afterwards stays text.
func (v *Value) Any() any {
	if v.IsNull() {
		return nil
	}
	switch v.Kind {
	case Boolean:
		return v.True
	case Number:
		return number(v.Text)
	case List:
		list := make([]any, len(v.Items))
		for i, item := range v.Items {
			list[i] = item.Any()
		}
		return list
	case Map:
		m := make(map[string]any, len(v.Pairs))
		for _, p := range v.Pairs {
			m[p.Key] = p.Value.Any()
		}
		return m
	}
	return v.Text
}

func number(spelling string) any {
	if i, err := strconv.ParseInt(spelling, 10, 64); err == nil && strconv.FormatInt(i, 10) == spelling {
		return i
	}
	if f, err := strconv.ParseFloat(spelling, 64); err == nil && strconv.FormatFloat(f, 'f', -1, 64) == spelling {
		return json.Number(spelling)
	}
	return spelling
}

// Texts are the items of a list of scalars. Absent and null are no items; a single scalar is one.
func (v *Value) Texts(what string) ([]string, error) {
	if v.IsNull() {
		return nil, nil
	}
	items := v.Items
	switch v.Kind {
	case Map:
		return nil, v.Errorf("%s has to be a list, not a mapping", what)
	case String, Number:
		items = []*Value{v}
	case Boolean:
		return nil, v.Errorf("%s has to be a list, not a boolean", what)
	}
	var all []string
	for _, item := range items {
		if item.Kind != String && item.Kind != Number || item.Text == "" {
			return nil, item.Errorf("an item of %s has to be text and can't be empty; it is %s", what, item.describe())
		}
		all = append(all, item.Text)
	}
	return all, nil
}

// Scalar is the text of a scalar; absent and null are empty.
func (v *Value) Scalar(what string) (string, error) {
	if v.IsNull() {
		return "", nil
	}
	if v.Kind != String && v.Kind != Number {
		return "", v.Errorf("%s has to be text, not %s", what, v.Kind)
	}
	return v.Text, nil
}

func (v *Value) describe() string {
	if v.Kind == String {
		return "empty"
	}
	return v.Kind.String()
}

// Overlay is base with over's keys laid over it, mapping by mapping, as heat merges environments.
func Overlay(base, over *Value) *Value {
	if base.IsNull() || over == nil || base.Kind != Map || over.Kind != Map {
		if over == nil {
			return base
		}
		return over
	}
	merged := *base
	merged.Pairs = append([]Pair(nil), base.Pairs...)
	index := make(map[string]int, len(merged.Pairs))
	for i, p := range merged.Pairs {
		index[p.Key] = i
	}
	for _, p := range over.Pairs {
		if i, ok := index[p.Key]; ok {
			p.Value = Overlay(merged.Pairs[i].Value, p.Value)
			merged.Pairs[i] = p
			continue
		}
		index[p.Key] = len(merged.Pairs)
		merged.Pairs = append(merged.Pairs, p)
	}
	return &merged
}
