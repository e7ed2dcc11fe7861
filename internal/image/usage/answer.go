package usage

import (
	"fmt"
	"regexp"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// answer is what one source says. Only its goroutine uses it until the wait is over.
type answer struct {
	Source
	found []found
}

// found is a use of the images with an id, a name, a tag or names of a pattern.
type found struct {
	id, name, tag string
	pattern       *regexp.Regexp // of names
	use           Use
}

func (a *answer) byID(id string, u Use)     { a.found = append(a.found, found{id: key(id), use: u}) }
func (a *answer) byName(name string, u Use) { a.found = append(a.found, found{name: name, use: u}) }
func (a *answer) byTag(tag string, u Use)   { a.found = append(a.found, found{tag: tag, use: u}) }

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
