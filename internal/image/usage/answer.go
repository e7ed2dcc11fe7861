package usage

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// answer is what one source says. Only its goroutine uses it until the wait is over.
type answer struct {
	Source
	found []found
}

// found is a use of the images with an id, a name, some tags or names of a pattern.
type found struct {
	id, name string
	tags     []string       // of which an image has all
	pattern  *regexp.Regexp // of names
	use      Use
}

func (a *answer) byID(id string, u Use)     { a.found = append(a.found, found{id: key(id), use: u}) }
func (a *answer) byName(name string, u Use) { a.found = append(a.found, found{name: name, use: u}) }

// byTags takes the tags by which images are found. Without any, none is.
func (a *answer) byTags(tags []string, u Use) {
	if tags = slices.DeleteFunc(tags, func(t string) bool { return t == "" }); len(tags) > 0 {
		a.found = append(a.found, found{tags: tags, use: u})
	}
}

// reference takes what is an image's id or name.
func (a *answer) reference(image string, u Use) {
	switch {
	case image == "":
	case glance.IsID(image):
		a.byID(image, u)
	default:
		a.byName(image, u)
	}
}

// restart forgets what the source said so far.
func (a *answer) restart() { a.found = nil }

// settle notes how reading the source ended. What it found counts whatever happened then.
func (a *answer) settle(err error) {
	if err == nil {
		if a.State == "" {
			a.State = Read
		}
		return
	}
	a.Detail = err.Error()
	switch {
	case fault.Is(err, fault.Forbidden):
		a.State = Forbidden
	default:
		a.State = Failed
	}
}

// limit notes that the source showed only the project's objects.
func (a *answer) limit(from *cloud.Cloud) {
	a.State = Limited
	a.Detail = fmt.Sprintf("only those of project %q (%s)", from.Project().Name, from.Project().ID)
}
