package usage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Lacks are the sources that may know more uses of the found images: those that failed or were refused, and those
// that showed only one project's objects, unless all found images are that project's private ones. Sources that are
// absent can't, nor those in except.
func (r *Report) Lacks(except ...string) []Source {
	private := !slices.ContainsFunc(r.Images, func(f Found) bool { return f.Gone || f.Image.Visibility != glance.Private })
	return slices.DeleteFunc(r.Index.Incomplete(except...), func(s Source) bool {
		return s.State == Absent || s.State == Limited && private && s.Name != File
	})
}

// Complete is nil if all that may use the found images was read. Otherwise it is fault.Partial and says what wasn't;
// the names of sources in except don't count.
func (r *Report) Complete(except ...string) error {
	lacks := r.Lacks(except...)
	if len(lacks) == 0 {
		return nil
	}
	var names, limited, all []string
	for _, s := range lacks {
		names = append(names, s.Name)
		if s.State == Limited && s.Name != File {
			limited = append(limited, s.Name)
			continue
		}
		all = append(all, fmt.Sprintf("%s (%s): %s", s.Name, s.State, s.Detail))
	}
	if len(limited) > 0 {
		all = append(all, strings.Join(limited, ", ")+": only what the project sees")
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
