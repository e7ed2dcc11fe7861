package sandbox

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/keystone"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/neutron"
)

// Seed is what a sandbox holds at first.
type Seed struct {
	Users    []User
	Networks []Network
	Images   []Image
}

// User is a user with one role in one project, and with that an entry of the clouds.yaml.
type User struct {
	Name    string
	Domain  string // of the user and the project; "" = Default
	Project string
	Role    string // admin, member or reader
	Cloud   string // name in the clouds.yaml; "" = Name
	AppCred string // name in the clouds.yaml of an application credential besides; "" = none
}

// Network is a network with one subnet. The servers' addresses come from it, so it has to be within 127.0.0.0/8.
type Network struct {
	Name, CIDR       string
	External, Shared bool
}

// Image is an image with its data.
type Image struct {
	glance.Spec
	Project string            // the owner's name; "" = admin
	Data    []byte            // of the image
	File    string            // path of the data, in place of Data; without both the image stays queued
	Members map[string]string // status by the member project's name
}

func (s Seed) empty() bool { return len(s.Users) == 0 && len(s.Networks) == 0 && len(s.Images) == 0 }

// DefaultSeed is a cloud with an administrator, a project "demo" to work in, two projects to share
// with, a reader, a project in another domain, and the networks "private" and "public".
func DefaultSeed() Seed {
	return Seed{
		Users: []User{
			{Name: "admin", Project: "admin", Role: keystone.RoleAdmin},
			{Name: "demo", Project: "demo", Role: keystone.RoleMember, AppCred: "demo-appcred"},
			{Name: "member-a", Project: "member-a", Role: keystone.RoleMember},
			{Name: "member-b", Project: "member-b", Role: keystone.RoleMember},
			{Name: "reader", Project: "demo", Role: keystone.RoleReader},
			{Name: "other", Domain: "other", Project: "other", Role: keystone.RoleMember},
		},
		Networks: []Network{
			{Name: "private", CIDR: "127.77.0.0/16", Shared: true},
			{Name: "public", CIDR: "127.78.0.0/16", External: true},
		},
	}
}

// Clouds are the names that the clouds.yaml of a sandbox with this seed has.
func (s Seed) Clouds() []string {
	var names []string
	for _, u := range s.Users {
		names = append(names, cmp.Or(u.Cloud, u.Name))
		if u.AppCred != "" {
			names = append(names, u.AppCred)
		}
	}
	return names
}

// plant makes what a seed describes.
func (c *Cloud) plant(s Seed) error {
	if len(s.Users) == 0 {
		s.Users = DefaultSeed().Users
	}
	if len(s.Networks) == 0 {
		s.Networks = DefaultSeed().Networks
	}
	projects := map[string]keystone.Project{}
	for _, u := range s.Users {
		d := c.Identity.AddDomain(cmp.Or(u.Domain, "Default"))
		key := d.ID + "/" + u.Project
		p, ok := projects[key]
		if !ok {
			var err error
			if p, err = c.Identity.AddProject(d.ID, u.Project); err != nil {
				return err
			}
			projects[key] = p
		}
		password := keystone.NewSecret()
		user, err := c.Identity.AddUser(d.ID, u.Name, password)
		if err != nil {
			return err
		}
		c.Identity.Grant(user.ID, p.ID, u.Role)
		c.logins = append(c.logins, login{cloud: cmp.Or(u.Cloud, u.Name), user: user, project: p, domain: d.Name, password: password, role: u.Role})
		if u.AppCred != "" {
			cred, secret := c.Identity.AddAppCred(user.ID, p.ID, u.AppCred)
			c.logins = append(c.logins, login{cloud: u.AppCred, user: user, project: p, domain: d.Name, credID: cred.ID, password: secret, role: u.Role})
		}
	}
	for _, n := range s.Networks {
		network := neutron.Network{Name: n.Name, External: n.External, Shared: n.Shared, ProjectID: c.logins[0].project.ID}
		if _, err := c.Network.AddNetwork(network, n.CIDR); err != nil {
			return err
		}
	}
	for _, i := range s.Images {
		if _, err := c.AddImage(i); err != nil {
			return err
		}
	}
	return nil
}

// AddImage adds an image, as if its project had uploaded and shared it, and returns its id.
func (c *Cloud) AddImage(i Image) (string, error) {
	spec := i.Spec
	if spec.Owner == "" {
		spec.Owner = c.ProjectID(cmp.Or(i.Project, c.logins[0].project.Name))
	}
	var data io.Reader
	switch {
	case i.Data != nil:
		data = bytes.NewReader(i.Data)
	case i.File != "":
		f, err := os.Open(i.File)
		if err != nil {
			return "", fmt.Errorf("adding image %q: %w", spec.Name, err)
		}
		defer f.Close()
		data = f
	}
	if data != nil {
		spec.DiskFormat, spec.ContainerFormat = cmp.Or(spec.DiskFormat, "raw"), cmp.Or(spec.ContainerFormat, "bare")
	}
	id, err := c.Image.CreateQueued(front.Caller{ProjectID: spec.Owner}, spec)
	if err != nil {
		return "", fmt.Errorf("adding image %q: %w", spec.Name, err)
	}
	if data != nil {
		if err := c.Image.Upload(id, data); err != nil {
			return "", fmt.Errorf("adding image %q: %w", spec.Name, err)
		}
	}
	for project, status := range i.Members {
		if err := c.Image.SetMember(id, c.ProjectID(project), status); err != nil {
			return "", fmt.Errorf("adding image %q: %w", spec.Name, err)
		}
	}
	return id, nil
}

// ProjectID is the id of a project of the seed by its name; "" where there is none.
func (c *Cloud) ProjectID(name string) string {
	for _, l := range c.logins {
		if l.project.Name == name {
			return l.project.ID
		}
	}
	return ""
}
