package resource

import (
	"maps"
	"net/http"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Row is an object of a table.
type Row struct {
	table   *Table
	id      string
	Project string
	Values  map[string]any
}

// ID is the object's id.
func (row *Row) ID() string { return row.id }

// Owner is the object's project.
func (row *Row) Owner() string { return row.Project }

// Text is a field that is a string.
func (row *Row) Text(field string) string { v, _ := row.Values[field].(string); return v }

// Whole is a field that is a number.
func (row *Row) Whole(field string) int { v, _ := row.Values[field].(int); return v }

// Flag is a field that is true or false.
func (row *Row) Flag(field string) bool { v, _ := row.Values[field].(bool); return v }

// Set changes a field, and when the object changed.
func (row *Row) Set(field string, value any) {
	row.Values[field] = value
	row.touch()
}

func (row *Row) touch() {
	if _, ok := row.Values["updated_at"]; ok {
		row.Values["updated_at"] = row.table.Now()
	}
}

// Field is a field for filters and sorting.
func (row *Row) Field(name string) (any, bool) {
	switch name {
	case "id":
		return row.id, true
	case "project_id", "tenant_id":
		return row.Project, true
	}
	v, ok := row.Values[name]
	if at, is := v.(time.Time); is {
		return at.UTC().Format(time.RFC3339Nano), true
	}
	return v, ok
}

// Body is the object as the request's microversion and caller are shown it.
func (row *Row) Body(r *http.Request) map[string]any {
	t := row.table
	version, admin := 0, front.CallerOf(r).Is("admin")
	if t.Version != nil {
		version = t.Version(r)
	}
	body := make(map[string]any, len(t.Fields)+1)
	if t.Extra {
		maps.Copy(body, row.extra())
	}
	body["id"] = row.id
	for _, f := range t.Fields {
		if f.Name == "id" || f.Hidden || f.Private && !admin || f.Since > version {
			continue
		}
		v := row.Values[f.Name]
		if at, ok := v.(time.Time); ok {
			v = t.Stamp(at)
		}
		if f.Null && v == "" {
			v = nil
		}
		body[f.Name] = v
	}
	if t.Shape != nil {
		t.Shape(r, row, body)
	}
	return body
}

// extra are the values whose fields aren't declared.
func (row *Row) extra() map[string]any {
	extra := maps.Clone(row.Values)
	for _, f := range row.table.Fields {
		delete(extra, f.Name)
	}
	return extra
}

// Row is an object by its id, nil for none.
func (t *Table) Row(id string) *Row { return t.byID[id] }
