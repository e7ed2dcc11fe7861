package resource

import (
	"slices"
)

func (t *Table) take(row *Row) {
	t.byID[row.id] = row
	t.order = append(t.order, row)
	if t.Made != nil {
		t.Made(row)
	}
}

// Add takes in an object with these values, as other services and seeds do; neither limits nor Check apply.
func (t *Table) Add(id, project string, values map[string]any) *Row {
	row := t.row(project, values)
	if id != "" {
		row.id = id
	}
	t.take(row)
	return row
}

// Rows are all objects, oldest first.
func (t *Table) Rows() []*Row { return t.order }

// Count is how many objects a project has.
func (t *Table) Count(project string) (n int) {
	for _, row := range t.order {
		if row.Project == project {
			n++
		}
	}
	return n
}

// Delete removes an object, unless it may not go.
func (t *Table) Delete(id string) error {
	row := t.byID[id]
	if t.Going != nil {
		if done, err := t.Going(row); done || err != nil {
			return err
		}
	}
	t.Forget(id)
	return nil
}

// Forget removes an object at once.
func (t *Table) Forget(id string) {
	delete(t.byID, id)
	t.order = slices.DeleteFunc(t.order, func(row *Row) bool { return row.id == id })
}
