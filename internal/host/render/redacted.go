package render

import "slices"

// redact is the text of a title, a name, a key or a value as it may be shown.
func (o Options) redact(s string) string {
	if o.Redact == nil {
		return s
	}
	return o.Redact(s)
}

// value is redact all through a value; lists and maps are changed in place.
func (o Options) value(v any) any {
	if o.Redact == nil {
		return v
	}
	switch v := v.(type) {
	case string:
		return o.Redact(v)
	case []any:
		for i := range v {
			v[i] = o.value(v[i])
		}
	case map[string]any:
		for key, of := range v {
			delete(v, key)
			v[o.Redact(key)] = o.value(of)
		}
	}
	return v
}

func (o Options) titles(columns []Column) []Column {
	columns = slices.Clone(columns)
	for i := range columns {
		columns[i].Title = o.redact(columns[i].Title)
	}
	return columns
}

func (o Options) fields(fields []Field) []Field {
	fields = slices.Clone(fields)
	for i := range fields {
		fields[i].Name, fields[i].Value = o.redact(fields[i].Name), o.value(fields[i].Value)
	}
	return fields
}
