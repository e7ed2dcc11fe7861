package transaction

import (
	"cmp"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
)

// architectures are which packages run on an image's architecture, apart from noarch.
var architectures = map[string][]string{
	"amd64":   {"x86_64", "x86_64_v2", "x86_64_v3", "x86_64_v4", "amd64", "ia32e", "i686", "i586", "i486", "i386", "athlon"},
	"arm64":   {"aarch64"},
	"arm":     {"armv7hl", "armv7hnl", "armv6hl", "armv7l", "armv6l"},
	"ppc64le": {"ppc64le"},
	"s390x":   {"s390x"},
	"386":     {"i686", "i586", "i486", "i386"},
	"riscv64": {"riscv64"},
}

// choose takes the packages that can be installed: of several versions of one, the newest.
func (t *Transaction) choose(files []*rpmfile.File) {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b *rpmfile.File) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch), b.EVR().Compare(a.EVR()),
			strings.Compare(a.Path, b.Path))
	})
	for _, f := range files {
		if f.Arch != "noarch" && !slices.Contains(architectures[t.o.Architecture], f.Arch) {
			t.problem("%s is for another architecture than the image's, %s", f, t.o.Architecture)
		}
		if f.OS != "" && f.OS != "linux" {
			t.problem("%s is for %s", f, f.OS)
		}
		if last := len(t.Added) - 1; last >= 0 && t.Added[last].Name == f.Name && t.Added[last].Arch == f.Arch {
			t.note("%s is left out, as %s is installed", f, t.Added[last])
			continue
		}
		t.Added = append(t.Added, f)
	}
	t.Added = slices.DeleteFunc(t.Added, func(f *rpmfile.File) bool {
		for _, other := range t.Added {
			if other != nil && other.Name != f.Name && obsoletes(other.Package, f.Package) {
				t.note("%s is left out, as %s obsoletes it", f, other)
				return true
			}
		}
		return false
	})
}

func obsoletes(p, other *rpm.Package) bool {
	self := other.Self()
	return slices.ContainsFunc(p.Obsoletes, func(d rpm.Dependency) bool { return d.Overlaps(self) })
}

// colors are which kinds of ELF files a package has.
func colors(p *rpm.Package) (c uint32) {
	for n := range p.Files {
		c |= p.Files[n].Color
	}
	return c
}

// remove finds the installed packages that the added ones take the place of.
func (t *Transaction) remove() {
	for _, f := range t.Added {
		color := colors(f.Package)
		for _, i := range t.installed {
			if i.Name == f.Name {
				other := colors(i.Package)
				if t.color != 0 && color != 0 && other != 0 && color&other == 0 {
					continue // the same package for another word size stays beside it
				}
				t.checkVersion(f, i.Package)
				t.replace(Removal{Installed: i, By: f.Package})
			} else if obsoletes(f.Package, i.Package) {
				t.replace(Removal{Installed: i, By: f.Package, Obsolete: true})
			}
		}
	}
}

func (t *Transaction) replace(r Removal) {
	if !t.removed[r.Package] {
		t.removed[r.Package] = true
		t.Removed = append(t.Removed, r)
	}
}

func (t *Transaction) checkVersion(f *rpmfile.File, installed *rpm.Package) {
	switch c := f.EVR().Compare(installed.EVR()); {
	case c < 0 && !t.o.Downgrade:
		t.problem("%s is installed, which is newer than %s", installed, f)
	case c == 0 && f.Arch == installed.Arch && !t.o.Reinstall:
		t.problem("%s is installed already", f)
	}
}

// packages are those that are installed afterwards, or before.
func (t *Transaction) packages(after bool) (all []*rpm.Package) {
	for _, i := range t.installed {
		if !after || !t.removed[i.Package] {
			all = append(all, i.Package)
		}
	}
	if after {
		for _, f := range t.Added {
			all = append(all, f.Package)
		}
	}
	return all
}
