package envfile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// Role is one role of a deployment.
type Role struct {
	Name     string
	Count    *foreignfile.Value // CountDefault
	Services []string           // ServicesDefault
}

// roleKeys are the keys of a role that are read.
var roleKeys = []string{"name", "CountDefault", "ServicesDefault"}

// Roles reads a roles file.
func (e *Environment) Roles(path string) ([]Role, error) {
	root, err := foreignfile.ReadTree(path)
	if err != nil {
		return nil, err
	}
	return e.RolesOf(root)
}

// RolesOf reads a list of roles.
func (e *Environment) RolesOf(root *foreignfile.Value) ([]Role, error) {
	if root.IsNull() {
		return nil, nil
	}
	if root.Kind != foreignfile.List {
		return nil, root.Errorf("a roles file has to be a list, not %s", root.Kind)
	}
	var roles []Role
	for _, item := range root.Items {
		if item.Kind != foreignfile.Map {
			return nil, item.Errorf("a role has to be a mapping, not %s", item.Kind)
		}
		e.duplicates(item)
		e.misspelled(item, roleKeys)
		name, err := item.Get("name").Scalar("name")
		if err != nil {
			return nil, err
		}
		if name == "" {
			return nil, item.Errorf("a role has no name")
		}
		services, err := item.Get("ServicesDefault").Texts("ServicesDefault")
		if err != nil {
			return nil, err
		}
		roles = append(roles, Role{Name: name, Count: item.Get("CountDefault"), Services: services})
	}
	return roles, nil
}

// Enabled are the services of the role: none if it has no servers.
func (e *Environment) Enabled(role Role) ([]string, error) {
	count := e.Parameters.Get(role.Name + "Count")
	if count == nil {
		count = role.Count
	}
	n, err := number(count, role.Name+"Count")
	if err != nil || n <= 0 {
		return nil, err
	}
	if own := e.Parameters.Get(role.Name + "Services"); own != nil {
		return own.Texts(role.Name + "Services")
	}
	return role.Services, nil
}

func number(v *foreignfile.Value, what string) (int, error) {
	if v.IsNull() {
		return 0, nil
	}
	n, err := strconv.Atoi(v.Text)
	if err != nil {
		return 0, v.Errorf("unable to convert %s to an int: %s", what, v)
	}
	return n, nil
}

// Services are the services that the roles run, sorted, less those that the resource registry maps
// to OS::Heat::None. Without roles there is no filter: ok is false.
func (e *Environment) Services(roles []Role) (services []string, ok bool, err error) {
	if len(roles) == 0 {
		return nil, false, nil
	}
	for _, role := range roles {
		enabled, err := e.Enabled(role)
		if err != nil {
			return nil, false, err
		}
		for _, s := range enabled {
			if off := e.Resources.Get(s); off == nil || off.Text != "OS::Heat::None" {
				services = append(services, s)
			}
		}
	}
	slices.Sort(services)
	return slices.Compact(services), true, nil
}

// MechanismDrivers are NeutronMechanismDrivers, as a list or as text with commas; given says whether
// they are there.
func (e *Environment) MechanismDrivers() (drivers []string, given bool, err error) {
	v := e.Parameters.Get("NeutronMechanismDrivers")
	if v == nil || v.IsNull() {
		return nil, false, nil
	}
	if v.Kind == foreignfile.String {
		for d := range strings.SplitSeq(v.Text, ",") {
			drivers = append(drivers, strings.TrimSpace(d))
		}
		return drivers, true, nil
	}
	drivers, err = v.Texts("NeutronMechanismDrivers")
	return drivers, true, err
}

// Credentials are the user and password for each registry of ContainerImageRegistryCredentials. No
// error quotes a password.
func (e *Environment) Credentials() (map[string]Login, error) {
	v := e.Parameters.Get("ContainerImageRegistryCredentials")
	if v.IsNull() {
		return nil, nil
	}
	if v.Kind != foreignfile.Map {
		return nil, v.Errorf("ContainerImageRegistryCredentials has to be a mapping of registries, not %s", v.Kind)
	}
	logins := map[string]Login{}
	for _, p := range v.Pairs {
		switch {
		case p.KeyKind != foreignfile.String || !reference.ValidHost(p.Key):
			return nil, p.Value.Errorf("credentials: registry %q is no HOST or HOST:PORT in text", p.Key)
		case p.Value.Kind != foreignfile.Map || len(p.Value.Pairs) != 1:
			return nil, p.Value.Errorf("credentials of registry %s have to be one user with a password", p.Key)
		}
		user := p.Value.Pairs[0]
		if user.KeyKind != foreignfile.String || user.Value.Kind != foreignfile.String {
			return nil, p.Value.Errorf("credentials of registry %s: user and password have to be text; quote them", p.Key)
		}
		if user.Key == "" || user.Value.Text == "" {
			return nil, p.Value.Errorf("credentials of registry %s: the user or the password is empty", p.Key)
		}
		logins[p.Key] = Login{user.Key, user.Value.Text}
	}
	return logins, nil
}

// Login is a user and a password; it doesn't show the password.
type Login struct{ User, Password string }

// String hides the password.
func (l Login) String() string { return l.User + ":[redacted]" }

// GoString hides the password.
func (l Login) GoString() string { return l.String() }
