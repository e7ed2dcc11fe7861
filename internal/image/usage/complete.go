package usage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Lacks are the sources that may know more uses of the found images: those that failed or were refused, and those
// that showed only one project's objects, unless only that project can use the images. Sources that are absent can't,
// nor those in except.
func (r *Report) Lacks(except ...string) []Source {
	return slices.DeleteFunc(r.Index.Incomplete(except...), func(s Source) bool {
		return s.State == Absent || s.State == Limited &&
			!slices.ContainsFunc(r.Images, func(f Found) bool { return !s.Suffices(f.sole) })
	})
}

// Complete is nil if all that may use the found images was read. Otherwise it is fault.Partial and says what wasn't;
// the names of sources in except don't count.
func (r *Report) Complete(except ...string) error {
	lacks := r.Lacks(except...)
	if len(lacks) == 0 {
		return nil
	}
	several := slices.ContainsFunc(r.Index.sources, func(s Source) bool { return s.Cloud != "" && s.Cloud != r.Index.sources[0].Cloud })
	of := func(s Source) string {
		if several && s.Cloud != "" {
			return " of cloud " + s.Cloud
		}
		return ""
	}
	var names, all, clouds []string
	limited := map[string][]string{} // by their cloud
	for _, s := range lacks {
		names = append(names, s.Name)
		if s.State != Limited || s.Name == File {
			all = append(all, fmt.Sprintf("%s%s (%s): %s", s.Name, of(s), s.State, s.Detail))
			continue
		}
		if limited[of(s)] == nil {
			clouds = append(clouds, of(s))
		}
		limited[of(s)] = append(limited[of(s)], s.Name)
	}
	for _, c := range clouds {
		all = append(all, strings.Join(limited[c], ", ")+c+": only what the project sees")
	}
	slices.Sort(names)
	return fault.New(fault.Partial, fault.Advise("use an administrator's credentials, or accept it with %s",
		fault.Set("allow_incomplete", strings.Join(slices.Compact(names), ","))),
		"others may use the images, too; not everything could be read:\n  %s", strings.Join(all, "\n  "))
}

// CheckSources is an error about the first name that is no source's.
func CheckSources(option string, names []string) error {
	for _, n := range names {
		if !slices.Contains(SourceNames, n) && n != File {
			all := strings.Join(append(slices.Clone(SourceNames), File), ", ")
			return fault.Bad(option, fault.Advise("use %s", all), "%q is no source", n)
		}
	}
	return nil
}
