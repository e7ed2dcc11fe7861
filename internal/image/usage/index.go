package usage

import (
	"slices"
)

// index puts together what the sources said.
func (c *collection) index() *Index {
	c.join()
	x := &Index{byID: map[string][]Use{}, byName: map[string][]Use{}}
	words := map[string]string{}
	for _, a := range c.answers {
		for _, f := range a.found {
			f.use.intern(words)
			switch {
			case f.id != "":
				x.byID[f.id] = append(x.byID[f.id], f.use)
			case f.name != "":
				x.byName[f.name] = append(x.byName[f.name], f.use)
			default:
				x.others = append(x.others, f)
			}
		}
		a.Uses = len(a.found)
		a.found = nil
		x.sources = append(x.sources, a.Source)
	}
	if c.several {
		for _, uses := range []map[string][]Use{x.byID, x.byName} {
			for key := range uses {
				uses[key] = once(uses[key], func(u Use) Use { return u })
			}
		}
		x.others = once(x.others, func(f found) Use { return f.use })
	}
	slices.SortStableFunc(x.sources, func(a, b Source) int { return order(a) - order(b) })
	return x
}

// once leaves out what several clouds' credentials show of one cloud.
func once[T any](all []T, use func(T) Use) []T {
	seen := make(map[Use]bool, len(all))
	return slices.DeleteFunc(all, func(one T) bool {
		again := seen[use(one)]
		seen[use(one)] = true
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
