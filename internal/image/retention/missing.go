package retention

import (
	"fmt"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
)

// Words in MayBeMissing that stand for several sources.
const (
	// AbsentServices are the services that the cloud's catalog lacks, except Compute: a catalog without that is
	// more likely the wrong one.
	AbsentServices = "absent-services"
	// OtherProjects are other projects' objects, which only administrators see. It counts for images that only the
	// credentials' project can use: its private ones, and its shared ones without members. For others, the sources have
	// to be named.
	OtherProjects = "other-projects"
)

// MissingWords are all that MayBeMissing can have.
var MissingWords = append(slices.Clone(usage.SourceNames), AbsentServices, OtherProjects)

// Absent is a source that didn't show everything.
type Absent struct {
	Source  string      `json:"source"`
	State   usage.State `json:"state"`
	Why     string      `json:"why"`
	Project string      `json:"project,omitempty"` // the id of the credentials' one
}

// word is what a policy may say to do without the source, other than the source's name; "" for nothing.
func (a Absent) word() string {
	switch {
	case a.State == usage.Absent && a.Source != usage.Servers && a.Source != usage.SoftDeletedServers:
		return AbsentServices
	case a.source().Hides():
		return OtherProjects
	}
	return ""
}

func (a Absent) source() usage.Source {
	return usage.Source{Name: a.Source, State: a.State, Project: a.Project}
}

// allows reports whether the policy does without a source, for images that only the project sole can use, or that
// others can where it is "".
func (p *Policy) allows(a Absent, sole string) bool {
	word := a.word()
	return slices.Contains(p.MayBeMissing, a.Source) ||
		word != "" && slices.Contains(p.MayBeMissing, word) && (word != OtherProjects || a.source().Suffices(sole))
}

// lacking are the sources that the policy can't do without and that didn't show everything.
func (p *Policy) lacking(absent []Absent, sole string) (names []string) {
	for _, a := range absent {
		if !p.allows(a, sole) && !slices.Contains(names, a.Source) {
			names = append(names, a.Source)
		}
	}
	return names
}

// sole is the id of the only project that can use the image, "" if others can.
func (e *Entry) sole() string {
	if e.Private {
		return e.Owner
	}
	return ""
}

// lacking are the sources without which images that are not in use can't be told.
func (p *Plan) lacking() (names []string) {
	seen := map[string]bool{}
	if len(p.Images) == 0 {
		seen[p.Project], names = true, p.Policy.lacking(p.Absent, p.Project)
	}
	for _, e := range p.Images {
		if sole := e.sole(); !seen[sole] {
			seen[sole] = true
			names = append(names, p.Policy.lacking(p.Absent, sole)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// missing says what keeps images that are not in use from being told, and what the policy could say about it.
func (p *Plan) missing() (notes []fault.Advice) {
	var order []string
	lacking := p.lacking()
	groups := map[string][]Absent{} // by what the policy could say
	for _, a := range p.Absent {
		if !slices.Contains(lacking, a.Source) {
			continue
		}
		word := a.word()
		if word == "" || p.Policy.allows(a, a.Project) {
			word = a.Source
		}
		if groups[word] == nil {
			order = append(order, word)
		}
		groups[word] = append(groups[word], a)
	}
	for _, word := range order {
		var sources []string
		for _, a := range groups[word] {
			sources = append(sources, a.Source)
		}
		which := "nothing is"
		if p.Policy.allows(groups[word][0], groups[word][0].Project) {
			which = "no image that other projects could use is"
		}
		notes = append(notes, fault.Advise("%s didn't show all that may use images (%s): %s deleted, deactivated or made private. If the "+
			"policy is fine without, add %s to its may_be_missing",
			strings.Join(slices.Compact(sources), ", "), groups[word][0].Why, which, word))
	}
	return notes
}

// complete is an error if sources are lacking.
func (p *Plan) complete() error {
	lacking := p.lacking()
	if len(lacking) == 0 {
		return nil
	}
	var whys []string
	for _, a := range p.Absent {
		if slices.Contains(lacking, a.Source) {
			whys = append(whys, fmt.Sprintf("%s (%s)", a.Source, a.Why))
		}
	}
	return fault.New(fault.Unavailable, "try again when they answer, or let the policy do without them",
		"nothing tells which images are not in use; no answer from %s", strings.Join(whys, ", "))
}
