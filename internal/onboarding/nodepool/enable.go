package nodepool

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// Enable plans to give a disabled provider the values back that it had. Where somebody else has changed a value
// since, it stays.
func (c *Config) Enable(o Options) (*Plan, error) {
	p, s, err := c.begin(&o)
	if err != nil {
		return nil, err
	}
	p.restores = true
	was, recorded := p.record.Providers[o.Provider]
	b := &builder{plan: p, source: newSource(c.Text), provider: o.Provider, want: c.tree.Any()}
	o.PauseUploads = true // a builder's file needs no pools
	pools, err := b.choose(c, s, o)
	if err != nil {
		return nil, err
	}
	if err := known(o, s); err != nil {
		return nil, err
	}
	left := Disabled{Since: was.Since, Until: was.Until, Reason: was.Reason, Patched: was.Patched}
	for _, f := range was.Values {
		switch {
		case len(o.Pools) > 0 && !slices.Contains(o.Pools, f.Pool):
			left.Values = append(left.Values, f)
		case f.Pool != "" && o.Values[f.Pool] > 0: // it gets that
		case b.owner(s, f) == nil:
			left.Values = append(left.Values, f)
			p.notes = append(p.notes, fault.Advise("%s isn't there; the record keeps its %s %s", place(f), f.Key, shown(f.Was)))
		case b.untouched(s, f):
			if was.Patched { // the change may still be on its way
				left.Values = append(left.Values, f)
			}
		default:
			if kept, ok := b.restore(s, f); ok {
				left.Values, left.Until, left.Reason = append(left.Values, kept), time.Time{}, ""
			}
		}
	}
	for _, pool := range pools {
		name := nameOf(pool)
		n, err := integer(pool.Get(maxServers))
		off := err == nil && n == 0
		switch restored := slices.ContainsFunc(b.former, func(f Former) bool { return f.Pool == name }); {
		case restored:
		case o.Values[name] > 0 && !off && (err != nil || n != int64(o.Values[name])):
			return nil, fault.New(fault.Conflict, fault.Advise("leave out %s; to change its value, edit the file",
				fault.Option("max_servers")),
				"%s: pool %q of provider %q isn't disabled", pool.At(), name, o.Provider)
		case o.Values[name] > 0:
			if err := b.set(pool, Former{Pool: name, Key: maxServers, With: strconv.Itoa(o.Values[name])}); err != nil {
				return nil, err
			}
		case off && !recorded:
			return nil, fault.New(fault.NotFound, fault.Advise("say what it is to have, with %s", fault.Set("max_servers", name+"=100")),
				"%s: pool %q of provider %q is disabled, and %s doesn't tell what max-servers was", pool.At(), name, o.Provider,
				p.recordPath)
		case off:
			p.notes = append(p.notes, fault.Advise("pool %s stays at max-servers 0, which it had before the provider was disabled", name))
		}
	}
	if p.after, err = c.edit(b.edits, b.want, "enabling provider "+o.Provider); err != nil {
		return nil, err
	}
	p.record, p.recordChanged = p.record.with(o.Provider, &left), recorded
	p.describe("Enable nodepool provider "+o.Provider, Disabled{}, o)
	return p, nil
}

// known checks that the pools with values exist.
func known(o Options, provider *foreignfile.Value) error {
	all := names(provider.Get("pools"))
	for _, name := range sortedKeys(o.Values) {
		if !slices.Contains(all, name) {
			return fault.New(fault.NotFound, fault.Advise("its pools are %s", strings.Join(all, ", ")), "%s: provider %q has no pool %q",
				fault.Option("max_servers"), o.Provider, name)
		}
	}
	return nil
}

// untouched reports whether a value is as it was before the provider was disabled.
func (b *builder) untouched(provider *foreignfile.Value, f Former) bool {
	m := b.owner(provider, f)
	p := pairOf(m, f.Key)
	if m == nil || p == nil || f.Added {
		return m != nil && p == nil && f.Added
	}
	at := b.source.offset(p.Value.Line, p.Value.Column)
	return at >= 0 && f.Was != f.With && bytes.HasPrefix(b.source.text[at:], []byte(f.Was)) && ends(b.source.text[at+len(f.Was):])
}

// owner is the mapping that a value is in.
func (b *builder) owner(provider *foreignfile.Value, f Former) *foreignfile.Value {
	switch {
	case f.Pool != "":
		return byName(provider.Get("pools"))[f.Pool]
	case f.Image != "":
		return byName(provider.Get(diskimages))[f.Image]
	}
	return provider
}

// restore gives a value back, if what was written instead is still there. If it can't come back yet, kept is what
// the record has to say of it.
func (b *builder) restore(provider *foreignfile.Value, f Former) (kept Former, keep bool) {
	m := b.owner(provider, f)
	p := pairOf(m, f.Key)
	if m == nil || p == nil || p.Merged && !f.Added {
		b.stays(f)
		return f, false
	}
	if f.Added {
		e, ok := b.source.removal(m, f.Key, f.With)
		if !ok {
			b.stays(f)
			return f, false
		}
		b.put(f, p.Line, e)
		return f, false
	}
	if p.Value.Alias != nil || !b.written(p.Value, f.With) {
		b.stays(f)
		return f, false
	}
	at := b.source.offset(p.Value.Line, p.Value.Column)
	e := edit{at, at + len(f.With), f.Was}
	if kept, ok := b.keepOwn(f, p, e); ok {
		return kept, true
	}
	b.put(f, p.Line, e)
	return f, false
}

func (b *builder) put(f Former, line int, e edit) {
	b.edits, b.former = append(b.edits, e), append(b.former, f)
	b.plan.Changes = append(b.plan.Changes, Change{b.provider, place(f), f.Key, f.With, f.Was, line})
	b.expect(f, f.Was)
}

func (b *builder) stays(f Former) {
	where := b.provider
	if at := place(f); at != "" {
		where = at
	}
	b.plan.notes = append(b.plan.notes, fault.Advise("%s of %s stays as it is: it was changed since the provider was disabled", f.Key,
		where))
}
