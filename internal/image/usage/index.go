package usage

import (
	"slices"
)

// index puts together what the sources said.
func (c *collection) index() *Index {
	c.join()
	x := &Index{byID: map[string][]Use{}, byName: map[string][]Use{}, byTag: map[string][]Use{}}
	words := map[string]string{}
	for _, a := range c.answers {
		for _, f := range a.found {
			f.use.intern(words)
			switch {
			case f.id != "":
				x.byID[f.id] = append(x.byID[f.id], f.use)
			case f.pattern != nil:
				x.patterns = append(x.patterns, f)
			case f.name != "":
				x.byName[f.name] = append(x.byName[f.name], f.use)
			default:
				x.byTag[f.tag] = append(x.byTag[f.tag], f.use)
			}
		}
		a.Uses = len(a.found)
		a.found = nil
		x.sources = append(x.sources, a.Source)
	}
	if c.several {
		for _, uses := range []map[string][]Use{x.byID, x.byName, x.byTag} {
			for key := range uses {
				uses[key] = once(uses[key])
			}
		}
	}
	slices.SortStableFunc(x.sources, func(a, b Source) int { return order(a) - order(b) })
	return x
}

// once leaves out what several clouds' credentials show of one cloud.
func once(uses []Use) []Use {
	seen := make(map[Use]bool, len(uses))
	return slices.DeleteFunc(uses, func(u Use) bool {
		again := seen[u]
		seen[u] = true
		return again
	})
}

// order is the place of a source among the others of its cloud, and of files behind them.
func order(s Source) int {
	if n := slices.Index(SourceNames, s.Name); n >= 0 {
		return n
	}
	return len(SourceNames)
}

// intern keeps one copy of each text that many uses have.
func (u *Use) intern(words map[string]string) {
	for _, text := range []*string{&u.Kind, &u.Project, &u.How, &u.Evidence} {
		if len(words) > 10_000 {
			return
		}
		if same, ok := words[*text]; ok {
			*text = same
		} else {
			words[*text] = *text
		}
	}
}
