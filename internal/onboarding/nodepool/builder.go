package nodepool

import (
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// builder collects the edits of a provider, and what the file has to say after them.
type builder struct {
	plan     *Plan
	source   *source
	provider string
	edits    []edit
	former   []Former
	want     any
}

// maxItems limits the pools and the diskimages of a provider that is edited; real ones have some dozens.
const maxItems = 1000

// choose finds the pools that are meant.
func (b *builder) choose(c *Config, provider *foreignfile.Value, o Options) ([]*foreignfile.Value, error) {
	all := provider.Get("pools")
	if len(items(all)) > maxItems || len(items(provider.Get(diskimages))) > maxItems {
		return nil, provider.Errorf("provider %q has more than %d pools or diskimages", o.Provider, maxItems)
	}
	if len(o.Pools) == 0 {
		if len(items(all)) == 0 && !o.PauseUploads {
			return nil, fault.New(fault.Usage, fault.Advise("in a builder's file, use %s", fault.Option("also_pause_uploads")),
				"%s: provider %q has no pools", provider.At(), o.Provider)
		}
		for _, pool := range items(all) {
			if _, err := one(all, "pool", nameOf(pool)); err != nil {
				return nil, err
			}
			if nameOf(pool) == "" {
				return nil, pool.Errorf("a pool of provider %q has no name", o.Provider)
			}
		}
		return items(all), nil
	}
	var chosen []*foreignfile.Value
	for _, name := range slices.Compact(slices.Sorted(slices.Values(o.Pools))) {
		found, err := one(all, "pool", name)
		if err != nil {
			return nil, err
		}
		if found == nil {
			return nil, fault.New(fault.NotFound, fault.Advise("its pools are %s", strings.Join(names(all), ", ")),
				"%s: provider %q has no pool %q%s", c.Path, o.Provider, name, meant(name, names(all)))
		}
		chosen = append(chosen, found)
	}
	return chosen, nil
}

// set gives a key of a mapping another value, and remembers the former one.
func (b *builder) set(m *foreignfile.Value, f Former) error {
	p := pairOf(m, f.Key)
	if p == nil || p.Merged {
		if p != nil && p.Value.Text == f.With {
			return nil
		}
		e, err := b.source.insertAfter(m, "name", f.Key, f.With)
		if err != nil {
			return err
		}
		f.Added = true
		b.note(f, m.Line, e)
		return nil
	}
	if p.Value.Text == f.With && p.Value.Kind != foreignfile.String {
		return nil
	}
	if f.Key == maxServers {
		if _, err := integer(p.Value); err != nil {
			return p.Value.Errorf("max-servers is no whole number")
		}
	}
	at, end, err := b.source.span(p.Value)
	if err != nil {
		return err
	}
	f.Was = string(b.source.text[at:end])
	b.note(f, p.Line, edit{at, end, f.With})
	return nil
}

func (b *builder) note(f Former, line int, e edit) {
	b.edits, b.former = append(b.edits, e), append(b.former, f)
	b.plan.Changes = append(b.plan.Changes, Change{b.provider, place(f), f.Key, f.Was, f.With, line})
	b.expect(f, f.With)
}

func place(f Former) string {
	switch {
	case f.Pool != "":
		return "pool " + f.Pool
	case f.Image != "":
		return "diskimage " + f.Image
	}
	return ""
}

// expect says that the file afterwards has a value, "" for none of its own, where f is.
func (b *builder) expect(f Former, spelled string) {
	m := within(b.want.(map[string]any)["providers"], b.provider)
	switch {
	case f.Pool != "":
		m = within(m["pools"], f.Pool)
	case f.Image != "":
		m = within(m[diskimages], f.Image)
	}
	if spelled == "" || spelled[0] == '*' {
		m[f.Key] = anything{} // what a merge key brings, or an anchor holds
		return
	}
	v, err := foreignfile.Tree("", []byte(spelled))
	if err != nil {
		m[f.Key] = spelled // it will differ, and be refused
		return
	}
	m[f.Key] = v.Any()
}
