package resource

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Table is a kind whose objects are records: declared fields, and what happens beyond them as functions. Lists
// begin with the newest. Whoever uses it holds the service's lock.
type Table struct {
	Kind
	Fields []Field
	Refuse Refusals
	Bare   bool // as Style.Bare

	Now func() time.Time
	// Stamp is the form of times in bodies.
	Stamp func(time.Time) any
	// Everyones reports whether a list shows all projects' objects to the caller, or only its own project's.
	Everyones func(c front.Caller, q url.Values) (bool, error)
	// Sees reports whether a caller may see an object; nil = its project and administrators.
	Sees func(c front.Caller, row *Row) bool
	// Version is the request's microversion; nil = there are none.
	Version func(r *http.Request) int
	NewID   func() string // nil = a UUID; an object may name its own where "id" is a field
	Oldest  bool          // lists begin with the oldest object
	Batch   bool          // creations have a list
	Tagged  bool          // the field tags has calls of its own
	Extra   bool          // fields that aren't declared are kept
	Quota   int           // objects of a project; 0 and less = any number

	// Check is called before a new object is taken in, and may complete it.
	Check func(r *http.Request, c front.Caller, row *Row) error
	// Changing is called before an object gets these values.
	Changing func(r *http.Request, c front.Caller, row *Row, values map[string]any) error
	// Made is called after that, and may begin what happens to it.
	Made func(row *Row)
	// Going is called before an object is removed; done reports that the removal is under way already.
	Going func(row *Row) (done bool, err error)
	// Shape changes a body before it is shown.
	Shape func(r *http.Request, row *Row, body map[string]any)

	byID  map[string]*Row
	order []*Row // oldest first
}

// Open completes the table's kind with what all tables do: reading, and what the fields allow. It is called once,
// before anything else.
func (t *Table) Open() *Table {
	t.byID = map[string]*Row{}
	if t.Sees == nil {
		t.Sees = func(c front.Caller, row *Row) bool { return c.Is("admin") || c.ProjectID == row.Project }
	}
	t.Ordered, t.List = true, t.list
	t.Find = func(c front.Caller, id string) (Object, bool) {
		row := t.byID[id]
		return row, row != nil && t.Sees(c, row)
	}
	if t.Create == nil && slices.ContainsFunc(t.Fields, func(f Field) bool { return f.Create || f.Required }) {
		t.Create = t.create
	}
	if t.Update == nil && slices.ContainsFunc(t.Fields, func(f Field) bool { return f.Update }) {
		t.Update = t.update
	}
	if t.Remove == nil && t.Create != nil {
		t.Remove = func(_ *http.Request, _ front.Caller, id string) error { return t.Delete(id) }
	}
	if t.Tagged {
		t.Tags = func(id string) *[]string {
			tags, _ := t.byID[id].Values["tags"].([]string)
			return &tags
		}
		t.Retag = func(id string, tags []string) { t.byID[id].Set("tags", tags) }
	}
	return t
}

func (t *Table) list(c front.Caller, q url.Values) ([]Object, error) {
	all := c.Is("admin")
	if t.Everyones != nil {
		var err error
		if all, err = t.Everyones(c, q); err != nil {
			return nil, err
		}
	}
	var found []Object
	order := slices.Clone(t.order)
	if !t.Oldest {
		slices.Reverse(order)
	}
	for _, row := range order {
		if (all || row.Project == c.ProjectID) && t.Sees(c, row) {
			found = append(found, row)
		}
	}
	return found, nil
}

func (t *Table) create(r *http.Request, c front.Caller) (Object, error) {
	if t.Batch {
		return t.createAll(r, c)
	}
	values, err := t.given(r, c, "create")
	if err != nil {
		return nil, err
	}
	return t.enter(r, c, values)
}

// enter takes in an object with the values of a request.
func (t *Table) enter(r *http.Request, c front.Caller, values map[string]any) (*Row, error) {
	for field, value := range t.above(r) {
		values[field] = value
	}
	if t.Named {
		values["id"] = r.PathValue("id")
	}
	row := t.row(c.ProjectID, values)
	if t.Check != nil {
		if err := t.Check(r, c, row); err != nil {
			return nil, err
		}
	}
	if have := t.Count(row.Project); t.Quota > 0 && have >= t.Quota {
		return nil, t.Refuse.Over(&t.Kind, t.Quota, have)
	}
	t.take(row)
	return row, nil
}

func (t *Table) update(r *http.Request, c front.Caller, id string) error {
	values, err := t.given(r, c, "update")
	if err != nil {
		return err
	}
	row := t.byID[id]
	if t.Changing != nil {
		if err := t.Changing(r, c, row, values); err != nil {
			return err
		}
	}
	maps.Copy(row.Values, values)
	row.touch()
	return nil
}

// row is a new object with its fields' defaults.
func (t *Table) row(project string, values map[string]any) *Row {
	row := &Row{table: t, id: t.id(), Project: project, Values: map[string]any{}}
	for _, f := range t.Fields {
		v := f.Default
		if v == nil {
			v = f.Type.zero()
		}
		if f.Type == Time && (f.Name == "created_at" || f.Name == "updated_at") {
			v = t.Now()
		}
		if !f.Hidden {
			row.Values[f.Name] = v
		}
	}
	maps.Copy(row.Values, values)
	if own := row.Text("id"); own != "" {
		row.id = own
	}
	return row
}

func (t *Table) id() string {
	if t.NewID != nil {
		return t.NewID()
	}
	return uuid.NewString()
}

// Seconds is a form of times that several services have.
func Seconds(t time.Time) any { return t.UTC().Format("2006-01-02T15:04:05Z") }
