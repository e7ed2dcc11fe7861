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

// choose takes the packages that can be installed, one after the other: of several versions of one, the
// newest, and none that another one obsoletes. What a package takes the place of goes even if that
// package is left out later, as with rpm.
func (t *Transaction) choose(files []*rpmfile.File) {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b *rpmfile.File) int { return strings.Compare(a.Path, b.Path) })
	for _, f := range files {
		at, ok := t.place(f)
		if !ok {
			t.note("%s is left out, as %s is installed", f, t.Added[at])
			continue
		}
		if at < len(t.Added) {
			t.note("%s is left out, as %s is installed", t.Added[at], f)
			t.Added[at] = f
		} else {
			t.Added = append(t.Added, f)
		}
		t.remove(f)
	}
	for _, f := range t.Added {
		if f.Arch != "noarch" && !slices.Contains(architectures[t.o.Architecture], f.Arch) {
			t.problem("%s is for another architecture than the image's, %s", f, t.o.Architecture)
		}
		if f.OS != "" && f.OS != "linux" {
			t.problem("%s is for %s", f, f.OS)
		}
		for _, i := range t.installed {
			if i.Name == f.Name {
				t.checkVersion(f, i.Package)
			}
		}
	}
	slices.SortStableFunc(t.Added, func(a, b *rpmfile.File) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch))
	})
}

// place finds where a package goes among those that are added: in the place of another one, or at the
// end. ok is false if the one there makes it superfluous.
func (t *Transaction) place(f *rpmfile.File) (at int, ok bool) {
	for n, other := range t.Added {
		if obsoletes(other.Package, f.Package) {
			return n, false
		}
	}
	for n, other := range t.Added {
		if obsoletes(f.Package, other.Package) {
			return n, true
		}
	}
	for n, other := range t.Added {
		if other.Name == f.Name && (t.color == 0 || other.Arch == f.Arch) {
			return n, f.EVR().Compare(other.EVR()) > 0
		}
	}
	return len(t.Added), true
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

// remove finds the installed packages that an added one takes the place of.
func (t *Transaction) remove(f *rpmfile.File) {
	color := colors(f.Package)
	for _, i := range t.installed {
		if i.Name == f.Name {
			other := colors(i.Package)
			if t.color != 0 && color != 0 && other != 0 && color&other == 0 {
				continue // the same package for another word size stays beside it
			}
			t.replace(Removal{Installed: i, By: f.Package})
		} else if obsoletes(f.Package, i.Package) {
			t.replace(Removal{Installed: i, By: f.Package, Obsolete: true})
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
	case c == 0 && (t.color == 0 || f.Arch == installed.Arch) && !t.o.Reinstall:
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
