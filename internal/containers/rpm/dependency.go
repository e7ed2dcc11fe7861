package rpm

import (
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/header"
)

// Sense says how a dependency's version compares, and when it counts.
type Sense uint32

// The senses.
const (
	Less      Sense = 1 << 1
	Greater   Sense = 1 << 2
	Equal     Sense = 1 << 3
	compares  Sense = Less | Greater | Equal
	missingOK Sense = 1 << 19
	rpmlib    Sense = 1 << 24

	// scripts are the senses of what is only needed while a package is installed, erase of what its
	// removal needs.
	scripts Sense = 1<<5 | 1<<7 | 1<<9 | 1<<10 | rpmlib | 1<<26
	erase   Sense = 1<<11 | 1<<12
	meta    Sense = 1 << 29
)

// Dependency is something that a package provides, needs or excludes.
type Dependency struct {
	Name, EVR string
	Flags     Sense
}

// String is the dependency as spec files write it.
func (d Dependency) String() string {
	if d.EVR == "" {
		return d.Name
	}
	var sign strings.Builder
	for _, one := range []struct {
		sense Sense
		sign  string
	}{{Less, "<"}, {Greater, ">"}, {Equal, "="}} {
		if d.Flags&one.sense != 0 {
			sign.WriteString(one.sign)
		}
	}
	return d.Name + " " + sign.String() + " " + d.EVR
}

// Rich reports whether it is a boolean expression.
func (d Dependency) Rich() bool { return strings.HasPrefix(d.Name, "(") }

// Transient reports whether it is only needed while the package is installed, not after that.
func (d Dependency) Transient() bool { return d.Flags&scripts != 0 && d.Flags&(erase|meta) == 0 }

// Lib reports whether it is a feature of rpm itself.
func (d Dependency) Lib() bool { return d.Flags&rpmlib != 0 || strings.HasPrefix(d.Name, "rpmlib(") }

// MissingOK reports whether it may be missing.
func (d Dependency) MissingOK() bool { return d.Flags&missingOK != 0 }

// Overlaps reports whether both have the same name and a version in common.
func (d Dependency) Overlaps(o Dependency) bool {
	if d.Name != o.Name {
		return false
	}
	if d.Flags&compares == 0 || o.Flags&compares == 0 || d.EVR == "" || o.EVR == "" {
		return true
	}
	a, b := ParseEVR(d.EVR), ParseEVR(o.EVR)
	sense := 0
	switch {
	case a.Epoch != "" && b.Epoch != "":
		sense = CompareVersions(a.Epoch, b.Epoch)
	case strings.Trim(a.Epoch, "0") != "":
		sense = 1
	case strings.Trim(b.Epoch, "0") != "":
		sense = -1
	}
	if sense == 0 {
		sense = CompareVersions(a.Version, b.Version)
		if sense == 0 {
			switch {
			case a.Release != "" && b.Release != "":
				sense = CompareVersions(a.Release, b.Release)
			case a.Release != "" && o.Flags&Equal != 0, b.Release != "" && d.Flags&Equal != 0:
				return true
			}
		}
	}
	both := d.Flags & o.Flags
	switch {
	case sense < 0:
		return d.Flags&Greater != 0 || o.Flags&Less != 0
	case sense > 0:
		return d.Flags&Less != 0 || o.Flags&Greater != 0
	}
	return both&compares != 0
}

func dependencies(h *header.Header, r relation) []Dependency {
	names, versions, flags := h.Strings(r.names), h.Strings(r.versions), h.Ints(r.flags)
	all := make([]Dependency, len(names))
	for n, name := range names {
		all[n].Name = name
		if n < len(versions) && n < len(flags) {
			all[n].EVR, all[n].Flags = versions[n], Sense(flags[n])
		}
	}
	return all
}
