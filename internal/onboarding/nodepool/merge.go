package nodepool

import (
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// Merge plans to bring what another configuration says into this one: what is new is added, values that differ are
// replaced, and nothing is removed. A pool that is disabled here stays disabled.
func (c *Config) Merge(from *Config) (*Plan, error) {
	for _, p := range from.Validate() {
		if p.Severity == Error {
			return nil, fault.New(fault.Usage, "", "%s:%d:%d: %s", from.Path, p.Line, p.Column, p.Message)
		}
	}
	p := &Plan{config: c, after: c.Text}
	m := &merger{builder: builder{plan: p, source: newSource(c.Text), want: c.tree.Any()}, from: newSource(from.Text)}
	if len(from.tree.Items)+len(from.tree.Pairs) > maxMerged || m.count(from.tree, 0) > maxMerged {
		return nil, fault.New(fault.Usage, "", "%s has more than %d values", from.Path, maxMerged)
	}
	want, ok := m.want.(map[string]any)
	if !ok {
		return nil, c.tree.Errorf("it is no mapping")
	}
	if err := m.mapping(c.tree, from.tree, want, ""); err != nil {
		return nil, err
	}
	var err error
	p.after, err = c.edit(m.edits, m.want, "merging "+from.Path)
	return p, err
}

// maxMerged limits what is brought in; a generated provider has some dozens of values.
const maxMerged = 20_000

type merger struct {
	builder
	from *source
}

func (m *merger) count(v *foreignfile.Value, n int) int {
	n++
	for _, i := range v.Items {
		n = m.count(i, n)
	}
	for _, p := range v.Pairs {
		n = m.count(p.Value, n)
	}
	return n
}

// mapping brings the keys of f into t, of which want is what it has to be in the end.
func (m *merger) mapping(t, f *foreignfile.Value, want map[string]any, place string) error {
	var fresh []foreignfile.Pair
	for _, p := range f.Pairs {
		there := pairOf(t, p.Key)
		switch {
		case there == nil || there.Value.IsNull():
			fresh = append(fresh, p)
			want[p.Key] = p.Value.Any()
		case p.Value.Kind == foreignfile.List && there.Value.Kind == foreignfile.List:
			list, err := m.list(there.Value, p.Value, want[p.Key].([]any), place, p.Key)
			if err != nil {
				return err
			}
			want[p.Key] = list
		case p.Value.Kind == foreignfile.Map && there.Value.Kind == foreignfile.Map:
			if err := m.mapping(there.Value, p.Value, want[p.Key].(map[string]any), place); err != nil {
				return err
			}
		case p.Value.Kind == foreignfile.List || p.Value.Kind == foreignfile.Map || there.Value.Kind == foreignfile.List ||
			there.Value.Kind == foreignfile.Map:
			return there.Value.Errorf("%s is %s here, and %s in what is merged", p.Key, there.Value.Kind, p.Value.Kind)
		case there.Value.String() != p.Value.String():
			if err := m.scalar(there, p, want, place); err != nil {
				return err
			}
		}
	}
	for _, p := range fresh { // after what is inside of the mapping
		if err := m.add(t, p, place); err != nil {
			return err
		}
	}
	return nil
}

// scalar replaces a value, and the comment with its reason.
func (m *merger) scalar(there *foreignfile.Pair, p foreignfile.Pair, want map[string]any, place string) error {
	if p.Key == maxServers && there.Value.Text == off {
		m.plan.notes = append(m.plan.notes, fault.Advise("%s stays disabled; it would get max-servers %s", place, p.Value.Text))
		return nil
	}
	at, end, err := m.source.span(there.Value)
	if err != nil {
		return err
	}
	from, to, err := m.from.span(p.Value)
	if err != nil {
		return err
	}
	was, with := string(m.source.text[at:end]), string(m.from.text[from:to])
	m.plan.Changes = append(m.plan.Changes, Change{Place: place, Key: p.Key, Before: was, After: with, Line: there.Line})
	if rest, _ := m.source.ending(end); strings.HasPrefix(strings.TrimLeft(string(m.source.text[end:rest]), " "), reasoned) {
		end = rest
		to, _ = m.from.ending(to)
		with = string(m.from.text[from:to])
	}
	m.edits = append(m.edits, edit{at, end, with})
	want[p.Key] = p.Value.Any()
	return nil
}

// list brings the items of f into t.
func (m *merger) list(t, f *foreignfile.Value, want []any, place, key string) ([]any, error) {
	for _, item := range f.Items {
		at := slices.IndexFunc(t.Items, func(i *foreignfile.Value) bool { return same(i, item) })
		if at >= 0 {
			if one, ok := want[at].(map[string]any); ok {
				if err := m.mapping(t.Items[at], item, one, inside(place, key, nameOf(item))); err != nil {
					return nil, err
				}
			}
			continue
		}
		if err := m.append(t, f, item); err != nil {
			return nil, err
		}
		name := nameOf(item)
		if name == "" {
			name = item.Text
		}
		m.plan.Changes = append(m.plan.Changes, Change{Place: place, Key: key, After: name, Line: t.Line})
		want = append(want, item.Any())
	}
	return want, nil
}

// same reports whether two items are the same thing: by their names, or as texts.
func same(a, b *foreignfile.Value) bool {
	if name := nameOf(a); name != "" || nameOf(b) != "" {
		return name == nameOf(b)
	}
	return a.Kind == b.Kind && a.Kind != foreignfile.Map && a.Text == b.Text
}

func inside(place, key, name string) string {
	what := strings.TrimSuffix(key, "s") + " " + name
	if place == "" {
		return what
	}
	return place + ", " + what
}
