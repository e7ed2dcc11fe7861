package promote

import (
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Site is the cloud that a promotion works on, as its owner's credentials see it.
type Site struct {
	Images *glance.Client

	// Project is the id of the project that the credentials are for.
	Project string

	// Admin says that the credentials may write to other projects' images and set the status
	// of any member.
	Admin bool

	// Acceptors are clients that may set the status of a member on its behalf, by project id.
	Acceptors map[string]*glance.Client

	// Run identifies this promotion in the cloud.
	Run string
}

// Owner is the id of the project whose images are meant: project, or the credentials' own for "".
// It is fault.Forbidden to name another one without being an administrator.
func (s Site) Owner(project string) (string, error) {
	if project == "" || project == s.Project {
		return s.Project, nil
	}
	if !s.Admin {
		return "", fault.New(fault.Forbidden, "use credentials of that project",
			"only an administrator can work on the images of project %s", project)
	}
	return project, nil
}

// answersFor reports whether the credentials may set the status of a project on an image.
func (s Site) answersFor(project string) bool { return s.Admin || s.Acceptors[project] != nil }

// memberClient is the client that may set a member's status.
func (s Site) memberClient(project string) *glance.Client {
	if c := s.Acceptors[project]; c != nil {
		return c
	}
	return s.Images
}
