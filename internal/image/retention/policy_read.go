package retention

import (
	"slices"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/quantity"
)

// ParsePolicy reads a policy file, in YAML or JSON, or a site.yaml of Chameleon's image tools.
func ParsePolicy(text []byte) (*Policy, error) {
	top, err := foreignfile.Parse(text, "version: 1")
	if err != nil {
		return nil, err
	}
	if isSite(top) {
		return chameleonOf(top)
	}
	p := &Policy{}
	version := 0
	if err := top.Map(p.keys(&version), "version", "name", "select", "stages"); err != nil {
		return nil, err
	}
	p.complete()
	return p, nil
}

func (p *Policy) keys(version *int) foreignfile.Keys {
	return foreignfile.Keys{
		"version": func(n *foreignfile.Node) error {
			if err := foreignfile.Int(version, 1)(n); err != nil {
				return err
			}
			if *version != 1 {
				return n.Errorf("version: only 1 is known")
			}
			return nil
		},
		"name": foreignfile.Text(&p.Name), "select": p.Select.read, "group": some(&p.Group),
		"keep": foreignfile.Int(&p.Keep, 1), "keep_base_name": foreignfile.Bool(&p.KeepBaseName),
		"min_age": length(&p.MinAge), "age": p.Age.read, "stages": p.stages,
		"skip": foreignfile.Some(p.skip), "skip_in_use": words(&p.SkipInUse, Actions...),
		"may_be_missing": words(&p.MayBeMissing, MissingWords...), "budget": p.Budget.read, "grace": length(&p.Grace),
	}
}

func (s *Select) read(n *foreignfile.Node) error {
	err := n.Map(foreignfile.Keys{
		"names": some(&s.Names), "families": some(&s.Families), "tags": some(&s.Tags),
		"properties": foreignfile.TextMap(&s.Properties), "owners": some(&s.Owners),
	})
	if err == nil && len(s.Names)+len(s.Families)+len(s.Tags)+len(s.Properties) == 0 {
		return n.Errorf(`select needs names, families, tags or properties; all images are names: ["*"]`)
	}
	return err
}

func (a *Age) read(n *foreignfile.Node) error {
	err := n.Map(foreignfile.Keys{
		"from": foreignfile.OneOf(&a.From, Superseded, Created, Property), "property": foreignfile.Text(&a.Property),
		"otherwise": foreignfile.OneOf(&a.Otherwise, Superseded, Created),
	}, "from")
	switch {
	case err != nil:
		return err
	case (a.From == Property) != (a.Property != ""):
		return n.Errorf("from: property needs the key property, which nothing else takes")
	case a.Otherwise != "" && a.From != Property:
		return n.Errorf("only from: property takes otherwise")
	}
	return nil
}

// stages are a mapping of ages to actions, in the order of both.
func (p *Policy) stages(n *foreignfile.Node) error {
	err := n.Pairs(func(key string, at, value *foreignfile.Node) error {
		age, err := quantity.ParseSpan(key)
		if err != nil {
			return at.Errorf("stages: %w", err)
		}
		if age.Length() < 0 {
			return at.Errorf("stages: %s is negative", key)
		}
		s := Stage{At: Span{age, key}}
		if err := foreignfile.OneOf(&s.Action, Actions...)(value); err != nil {
			return err
		}
		p.Stages = append(p.Stages, s)
		return nil
	})
	switch {
	case err != nil:
		return err
	case len(p.Stages) == 0:
		return n.Errorf("stages: there are none")
	}
	slices.SortStableFunc(p.Stages, func(a, b Stage) int { return int(a.At.Length()/day - b.At.Length()/day) })
	for k := 1; k < len(p.Stages); k++ {
		before, after := p.Stages[k-1], p.Stages[k]
		if before.At.Length() == after.At.Length() {
			return n.Errorf("stages: %s and %s are the same age", before.At.Text, after.At.Text)
		}
		if severity(before.Action) >= severity(after.Action) {
			return n.Errorf("stages: %s at %s is not milder than %s at %s; the order is %q", before.Action, before.At.Text, after.Action,
				after.At.Text, Actions)
		}
	}
	return nil
}

func (p *Policy) skip(n *foreignfile.Node) error {
	var id string
	if err := foreignfile.Text(&id)(n); err != nil {
		return err
	}
	if uuid.Validate(id) != nil {
		return n.Errorf("skip: %q is no image id", id)
	}
	p.Skip = append(p.Skip, id)
	return nil
}

func (b *Budget) read(n *foreignfile.Node) error {
	err := n.Map(foreignfile.Keys{"images": foreignfile.Int(&b.Images, 1), "percent": foreignfile.Int(&b.Percent, 1)})
	if err == nil && b.Percent > 100 {
		return n.Errorf("budget: percent is at most 100")
	}
	return err
}

// some reads a list of texts, at least one.
func some(into *[]string) foreignfile.Reader {
	return foreignfile.Some(func(n *foreignfile.Node) error {
		var text string
		err := foreignfile.Text(&text)(n)
		*into = append(*into, text)
		return err
	})
}

// words reads a list of some words, at least one.
func words(into *[]string, known ...string) foreignfile.Reader {
	return foreignfile.Some(func(n *foreignfile.Node) error {
		var word string
		err := foreignfile.OneOf(&word, known...)(n)
		*into = append(*into, word)
		return err
	})
}

// length reads a duration that isn't negative.
func length(into *Span) foreignfile.Reader {
	return func(n *foreignfile.Node) error {
		if err := foreignfile.Span(&into.Span)(n); err != nil {
			return err
		}
		if into.Length() < 0 {
			return n.Errorf("a duration here is not negative")
		}
		return foreignfile.Text(&into.Text)(n)
	}
}
