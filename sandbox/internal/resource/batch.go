package resource

import (
	"encoding/json"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// batch are the objects of one creation.
type batch []*Row

// ID is that of the first.
func (b batch) ID() string { return b[0].ID() }

// Owner is that of the first.
func (b batch) Owner() string { return b[0].Owner() }

// Field is that of the first.
func (b batch) Field(name string) (any, bool) { return b[0].Field(name) }

// Body is that of the first.
func (b batch) Body(r *http.Request) map[string]any { return b[0].Body(r) }

func (b batch) bodies(r *http.Request) []map[string]any {
	all := make([]map[string]any, len(b))
	for n, row := range b {
		all[n] = row.Body(r)
	}
	return all
}

// createAll creates the objects of a list: all of them, or none.
func (t *Table) createAll(r *http.Request, c front.Caller) (Object, error) {
	var body map[string][]map[string]json.RawMessage
	if json.NewDecoder(http.MaxBytesReader(nil, r.Body, 16<<20)).Decode(&body) != nil || len(body[t.Plural]) == 0 {
		return nil, t.Refuse.Malformed()
	}
	var all batch
	for _, one := range body[t.Plural] {
		values, err := t.fields(one, c, "create")
		var row *Row
		if err == nil {
			row, err = t.enter(r, c, values)
		}
		if err != nil {
			for _, row := range all {
				t.Forget(row.ID())
			}
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}
