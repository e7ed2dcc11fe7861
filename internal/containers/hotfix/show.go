package hotfix

import (
	"fmt"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Done reports whether all images are as they should be.
func (p *Plan) Done() bool {
	for _, i := range p.Images {
		if i.State != Current {
			return false
		}
	}
	return true
}

// Loss is empty: a tag moves to another image, and nothing is deleted.
func (*Plan) Loss() string { return "" }

// Notes are what the packages' files met in the images.
func (p *Plan) Notes() (all []fault.Advice) {
	for _, i := range p.Images {
		if i.engine != nil && i.State == Planned {
			all = append(all, fault.Advise("%s: rpm runs in the image: %s", i.Target, i.engine.why))
		}
		if i.Install == nil {
			continue
		}
		for _, note := range i.Install.Notes {
			all = append(all, fault.Advise("%s: %s", i.Target, note))
		}
	}
	return all
}

// Rows are the images.
func (p *Plan) Rows() []change.Row {
	rows := make([]change.Row, 0, len(p.Images))
	for _, i := range p.Images {
		why, packages := "", i.names()
		var files any
		if i.Err != nil {
			why = i.Err.Error()
		}
		if i.Install != nil {
			packages, files = i.Install.Packages(), len(i.Install.Changes())
		}
		rows = append(rows, change.Row{
			{Key: "source", Value: i.Source.String()},
			{Key: "target", Value: i.Target.String()},
			{Key: "state", Value: string(i.State)},
			{Key: "packages", Value: strings.Join(packages, ", ")},
			{Key: "files", Value: files},
			{Key: "bytes", Value: i.Bytes},
			{Key: "digest", Value: i.Digest},
			{Key: "problem", Value: why},
		})
	}
	return rows
}

// names are the packages that are installed, as NAME-VERSION-RELEASE.ARCH.
func (i *Image) names() []string {
	switch {
	case i.engine != nil:
		return i.engine.names
	case i.Install != nil:
		return i.Install.Names()
	}
	return nil
}

// Details are the image's packages before and after, files and scripts, one a line.
func (i *Image) Details() (lines []string) {
	if i.engine != nil {
		lines = append(lines, fmt.Sprintf("%s: rpm runs in the image, so files and scriptlets aren't known: %s", i.Source, i.engine.why))
		for _, name := range i.engine.names {
			lines = append(lines, "  package "+name)
		}
		return lines
	}
	if i.Install == nil {
		return nil
	}
	read, of := i.Install.Layers()
	installed := len(i.Install.Database.Installed)
	lines = append(lines, fmt.Sprintf("%s: %d of %d layers read, %d packages installed", i.Source, read, of, installed))
	for _, p := range i.Install.Packages() {
		lines = append(lines, "  package "+p)
	}
	for _, f := range i.Install.Added {
		if f.Signed == "" {
			lines = append(lines, fmt.Sprintf("  signature of %s: not checked", f))
		} else {
			lines = append(lines, fmt.Sprintf("  signature of %s: by %s", f, f.Signed))
		}
	}
	for _, c := range i.Install.Changes() {
		line := "  " + c.What + " " + c.Path
		if c.Bytes > 0 {
			line += fmt.Sprintf(" (%d bytes)", c.Bytes)
		}
		lines = append(lines, line)
	}
	for _, s := range i.Install.Scripts {
		what := "not run"
		if s.Harmless {
			what = "not needed"
		}
		lines = append(lines, fmt.Sprintf("  script %s: %s", s, what))
	}
	for _, problem := range i.Install.Problems {
		lines = append(lines, "  problem: "+problem)
	}
	return lines
}
