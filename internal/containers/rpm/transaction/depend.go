package transaction

import (
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
)

// features are those of rpm that the packages may need, and the version that brought them.
var features = map[string]string{
	"VersionedDependencies": "3.0.3-1", "CompressedFileNames": "3.0.4-1", "PayloadIsBzip2": "3.0.5-1", "PayloadIsXz": "5.2-1",
	"PayloadIsLzma": "4.4.2-1", "PayloadFilesHavePrefix": "4.0-1", "ExplicitPackageProvide": "4.0-1",
	"HeaderLoadSortsTags": "4.0.1-1", "ScriptletInterpreterArgs": "4.0.3-1", "PartialHardlinkSets": "4.0.4-1",
	"ConcurrentAccess": "4.1-1", "BuiltinLuaScripts": "4.2.2-1", "FileDigests": "4.6.0-1", "FileCaps": "4.6.1-1",
	"ScriptletExpansion": "4.9.0-1", "TildeInVersions": "4.10.0-1", "CaretInVersions": "4.15.0-1", "LargeFiles": "4.12.0-1",
	"RichDependencies": "4.12.0-1", "DynamicBuildRequires": "4.15.0-1", "PayloadIsZstd": "5.4.18-1",
}

func supported(d rpm.Dependency) bool {
	name := strings.TrimSuffix(strings.TrimPrefix(d.Name, "rpmlib("), ")")
	since, ok := features[name]
	return ok && d.Overlaps(rpm.Dependency{Name: d.Name, EVR: since, Flags: rpm.Equal})
}

// provision finds the packages that provide something.
type provision struct {
	t        *Transaction
	packages []*rpm.Package
	names    map[string][]provided
	files    map[string][]*rpm.Package
}

type provided struct {
	rpm.Dependency
	by *rpm.Package
}

func (t *Transaction) provision(after bool) *provision {
	v := &provision{t: t, packages: t.packages(after), names: map[string][]provided{}}
	for _, p := range v.packages {
		for _, d := range p.Provides {
			v.names[d.Name] = append(v.names[d.Name], provided{d, p})
		}
	}
	return v
}

// by are the packages that satisfy a dependency without operators.
func (v *provision) by(d rpm.Dependency) (all []*rpm.Package) {
	for _, p := range v.names[d.Name] {
		if p.Overlaps(d) && !slices.Contains(all, p.by) {
			all = append(all, p.by)
		}
	}
	if strings.HasPrefix(d.Name, "/") {
		v.listFiles()
		all = append(all, v.files[v.t.canonical(d.Name)]...)
	}
	return all
}

func (v *provision) listFiles() {
	if v.files != nil {
		return
	}
	v.files = map[string][]*rpm.Package{}
	for _, p := range v.packages {
		for n := range p.Files {
			if p.Files[n].Installed() {
				path := v.t.canonical(p.Files[n].Path)
				v.files[path] = append(v.files[path], p)
			}
		}
	}
}

// without leaves out a package, which can't be in conflict with itself.
func (v *provision) without(p *rpm.Package) rpm.Providers {
	return func(d rpm.Dependency) []*rpm.Package {
		return slices.DeleteFunc(v.by(d), func(other *rpm.Package) bool { return other == p })
	}
}

// checkDependencies compares what the packages need and exclude before and after.
func (t *Transaction) checkDependencies() {
	before, after := t.provision(false), t.provision(true)
	for _, f := range t.Added {
		t.checkAdded(f.Package, after)
	}
	for _, i := range t.installed {
		if !t.removed[i.Package] {
			t.checkStaying(i.Package, before, after)
		}
	}
}

func (t *Transaction) checkAdded(p *rpm.Package, after *provision) {
	for _, d := range p.Requires {
		if d.Lib() {
			if !supported(d) {
				t.problem("%s needs %s, which isn't supported", p, d)
			}
			continue
		}
		ok, err := d.Satisfied(after.by)
		if err != nil {
			t.problem("%s: %v", p, err)
		} else if !ok && !d.MissingOK() {
			t.problem("%s needs %s", p, d)
		}
	}
	for _, d := range p.Conflicts {
		if bad, err := d.Satisfied(after.without(p)); err == nil && bad {
			t.problem("%s conflicts with %s", p, d)
		}
	}
}

// checkStaying finds what was right for an installed package, and is no longer.
func (t *Transaction) checkStaying(p *rpm.Package, before, after *provision) {
	for _, d := range p.Requires {
		if d.Lib() || d.Transient() || d.MissingOK() {
			continue
		}
		if now, err := d.Satisfied(after.by); err != nil || now {
			continue
		}
		if was, err := d.Satisfied(before.by); err == nil && was {
			t.problem("%s, which is installed, needs %s", p, d)
		}
	}
	for _, d := range p.Conflicts {
		if now, err := d.Satisfied(after.without(p)); err != nil || !now {
			continue
		}
		if was, err := d.Satisfied(before.without(p)); err == nil && !was {
			t.problem("%s, which is installed, conflicts with %s", p, d)
		}
	}
	for _, f := range t.Added {
		if f.Name != p.Name && obsoletes(p, f.Package) {
			t.problem("%s, which is installed, obsoletes %s", p, f)
		}
	}
}
