package sandbox

import (
	"cmp"
	"errors"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/keystone"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/neutron"
)

// Seed is the initial content of a sandbox.
type Seed struct {
	Users    []User
	Networks []Network
	Images   []Image
	Nodes    []Node
}

// Roles of a user in a project.
const (
	RoleAdmin  = keystone.RoleAdmin
	RoleMember = keystone.RoleMember
	RoleReader = keystone.RoleReader
)

// User is a user with one role in one project, and an entry of the clouds.yaml.
type User struct {
	Name    string
	Domain  string // of the user and the project; "" = Default
	Project string
	Role    string // admin, member or reader
	Cloud   string // name in the clouds.yaml; "" = Name
	AppCred string // name in the clouds.yaml of an additional application credential; "" = none
}

// Network is a network with one subnet, or two. The servers' addresses come from it, so the first has to be within
// 127.0.0.0/8.
type Network struct {
	Name, CIDR string
	// CIDR of an IPv6 subnet besides; "" = none. Servers answer there where this process may add addresses to the loopback interface.
	IPv6             string
	External, Shared bool
}

func (s Seed) empty() bool {
	return len(s.Users) == 0 && len(s.Networks) == 0 && len(s.Images) == 0 && len(s.Nodes) == 0
}

// DefaultSeed is a cloud with an administrator, a project "demo" to work in, two projects to share
// with, a reader, a project in another domain, the networks "private" and "public", and the bare metal
// nodes "node-1" to "node-3" of the type "compute_skylake".
func DefaultSeed() Seed {
	return Seed{
		Users: []User{
			{Name: "admin", Project: "admin", Role: RoleAdmin},
			{Name: "demo", Project: "demo", Role: RoleMember, AppCred: "demo-appcred"},
			{Name: "member-a", Project: "member-a", Role: RoleMember},
			{Name: "member-b", Project: "member-b", Role: RoleMember},
			{Name: "reader", Project: "demo", Role: RoleReader},
			{Name: "other", Domain: "other", Project: "other", Role: RoleMember},
		},
		Networks: []Network{
			{Name: "private", CIDR: "127.77.0.0/16", Shared: true},
			{Name: "public", CIDR: "127.78.0.0/16", External: true},
		},
		Nodes: []Node{
			{Name: "node-1", Type: "compute_skylake", ResourceClass: "baremetal", Arch: "x86_64"},
			{Name: "node-2", Type: "compute_skylake", ResourceClass: "baremetal", Arch: "x86_64"},
			{Name: "node-3", Type: "compute_skylake", ResourceClass: "baremetal", Arch: "x86_64"},
		},
	}
}

// Clouds are the entries of the clouds.yaml of a sandbox with this seed.
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

// plant creates what a seed describes.
func (c *Cloud) plant(s Seed) error {
	if len(s.Users) == 0 {
		s.Users = DefaultSeed().Users
	}
	if len(s.Networks) == 0 {
		s.Networks = DefaultSeed().Networks
	}
	projects := map[string]keystone.Project{}
	for _, u := range s.Users {
		d := c.services.Identity.AddDomain(cmp.Or(u.Domain, "Default"))
		key := d.ID + "/" + u.Project
		p, ok := projects[key]
		if !ok {
			var err error
			if p, err = c.services.Identity.AddProject(d.ID, u.Project); err != nil {
				return err
			}
			projects[key] = p
		}
		password := keystone.NewSecret()
		user, err := c.services.Identity.AddUser(d.ID, u.Name, password)
		if err != nil {
			return err
		}
		c.services.Identity.Grant(user.ID, p.ID, u.Role)
		c.logins = append(c.logins, login{
			cloud: cmp.Or(u.Cloud, u.Name), user: user, project: p, domain: d.Name, password: password,
			role: u.Role,
		})
		if u.AppCred != "" {
			cred, secret := c.services.Identity.AddAppCred(user.ID, p.ID, u.AppCred)
			c.logins = append(c.logins, login{
				cloud: u.AppCred, user: user, project: p, domain: d.Name, credID: cred.ID, password: secret,
				role: u.Role,
			})
		}
	}
	for _, n := range s.Networks {
		network := neutron.Network{Name: n.Name, External: n.External, Shared: n.Shared, ProjectID: c.logins[0].project.ID}
		cidrs := []string{n.CIDR}
		if n.IPv6 != "" {
			cidrs = append(cidrs, n.IPv6)
		}
		if _, err := c.services.Network.AddNetwork(network, cidrs...); err != nil {
			return err
		}
	}
	for _, n := range s.Nodes {
		c.AddNode(n)
	}
	for _, i := range s.Images {
		if _, err := c.AddImage(i); err != nil {
			return err
		}
	}
	return nil
}

// ProjectID is the id of a project of the seed by its name; "" if there is none.
func (c *Cloud) ProjectID(name string) string {
	for _, l := range c.logins {
		if l.project.Name == name {
			return l.project.ID
		}
	}
	return ""
}

// project is the id of a project of the seed by its name or id; any other project needs its id.
func (c *Cloud) project(nameOrID string) (string, error) {
	if id := c.ProjectID(nameOrID); id != "" {
		return id, nil
	}
	if nameOrID == "" {
		return "", errors.New("the project's name is empty")
	}
	return nameOrID, nil
}
