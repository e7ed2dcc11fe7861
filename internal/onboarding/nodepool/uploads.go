package nodepool

import (
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// pauseUploads pauses each diskimage of a provider. If the provider shares its list by an alias, it gets a list of
// its own, until it is enabled. was are the values that the record has.
func (b *builder) pauseUploads(provider *foreignfile.Value, was []Former) error {
	p := pairOf(provider, diskimages)
	if p == nil || len(p.Value.Items) == 0 {
		return nil
	}
	paused := func(image *foreignfile.Value) bool { v := image.Get(pause); return v != nil && v.True }
	if !slices.ContainsFunc(p.Value.Items, func(i *foreignfile.Value) bool { return !paused(i) }) {
		return nil
	}
	f := Former{Key: diskimages}
	var at, end int
	var err error
	if n := slices.IndexFunc(was, f.same); p.Value.Alias == nil && n >= 0 && b.written(p.Value, was[n].With) {
		f.Was = was[n].Was // the list that an earlier outage has left
		at = b.source.offset(p.Value.Line, p.Value.Column)
		end = at + len(was[n].With)
	} else if p.Value.Alias == nil {
		for _, image := range p.Value.Items {
			if paused(image) {
				continue
			}
			if err := b.set(image, Former{Image: nameOf(image), Key: pause, With: "true"}); err != nil {
				return err
			}
		}
		return nil
	} else if at, end, err = b.source.span(p.Value); err != nil {
		return err
	} else {
		f.Was = string(b.source.text[at:end])
	}
	if f.With, err = b.ownList(p, p.Value.Items, func(image map[string]any) { image[pause] = true }); err != nil {
		return err
	}
	b.note(f, p.Line, edit{at, end, f.With})
	return nil
}

// written reports whether a value is written so in the file.
func (b *builder) written(v *foreignfile.Value, text string) bool {
	at := b.source.offset(v.Line, v.Column)
	return at >= 0 && text != "" && strings.HasPrefix(string(b.source.text[at:]), text) && ends(b.source.text[at+len(text):])
}

// ownList is a list of diskimages in place of an alias, each image changed by change.
func (b *builder) ownList(p *foreignfile.Pair, images []*foreignfile.Value, change func(map[string]any)) (string, error) {
	indent := b.source.newline() + strings.Repeat(" ", p.Column+1)
	var lines []string
	for _, image := range images {
		one, ok := image.Any().(map[string]any)
		if !ok {
			return "", image.Errorf("a diskimage of a provider is a mapping")
		}
		change(one)
		lines = append(lines, indent+flowText(one))
	}
	return "[" + strings.Join(lines, ",") + "]", nil
}

// unpaused is what to write for a provider's list, in place of the alias that it had, as long as the list behind the
// alias is paused for the provider that it belongs to: the same list without those pauses. If nobody has paused it,
// it is "".
func (b *builder) unpaused(p *foreignfile.Pair, e edit) (with, owner string, err error) {
	text, err := edited(b.source.text, []edit{e})
	if err != nil {
		return "", "", err
	}
	c, err := Parse(b.plan.config.Path, text)
	if err != nil {
		return "", "", err
	}
	listOf := func(provider string) *foreignfile.Value {
		found, err := c.provider(provider)
		if err != nil {
			return nil
		}
		return found.Get(diskimages)
	}
	list := listOf(b.provider)
	if list == nil {
		return "", "", nil
	}
	formers := map[string]Former{}
	for name, d := range b.plan.record.Providers {
		if other := listOf(name); name == b.provider || other == nil || other.Line != list.Line || other.Column != list.Column {
			continue
		}
		for _, f := range d.Values {
			if f.Key == pause && f.Image != "" {
				formers[f.Image], owner = f, name
			}
		}
	}
	if len(formers) == 0 {
		return "", "", nil
	}
	with, err = b.ownList(p, list.Items, func(image map[string]any) {
		name, _ := image["name"].(string)
		f, ok := formers[name]
		if !ok || image[pause] != true {
			return
		}
		delete(image, pause)
		if was, err := foreignfile.Tree("", []byte(f.Was)); err == nil && !f.Added {
			image[pause] = was.Any()
		}
	})
	return with, owner, err
}

// keepOwn gives a provider that is enabled a list of its own, as long as the list that it shared is paused. done is
// false if the alias can come back.
func (b *builder) keepOwn(f Former, p *foreignfile.Pair, e edit) (kept Former, done bool) {
	if f.Key != diskimages || !strings.HasPrefix(f.Was, "*") {
		return f, false
	}
	with, owner, err := b.unpaused(p, e)
	if err != nil || with == "" {
		return f, false // an error comes again when all edits are made
	}
	b.plan.notes = append(b.plan.notes, fault.Advise("%s of %s stays a list of its own, because %s is paused for provider %s; "+
		"enable %s, and then %s again", f.Key, b.provider, f.Was, owner, owner, b.provider))
	kept = Former{Key: f.Key, Was: f.Was, With: with}
	if with == f.With {
		return kept, true
	}
	b.edits = append(b.edits, edit{e.at, e.end, with})
	b.plan.Changes = append(b.plan.Changes, Change{b.provider, place(f), f.Key, f.With, with, p.Line})
	b.expect(f, with)
	return kept, true
}
