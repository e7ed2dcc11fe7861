package sandbox

import "fmt"

// Listed are services that the sandbox knows only as far as lists of what tests add. They aren't there by default.
type Listed struct {
	Services []string // of heat, magnum, octavia, trove
	MaxPage  int      // most objects of a page; 0 = 1000
}

// AddListed adds an object of such a service, with its fields as the API shows them, and returns its id. Kinds are
// stacks, clustertemplates, amphorae, flavorprofiles and versions (of datastores). The project is a name or an id.
func (c *Cloud) AddListed(kind, project string, fields map[string]any) (string, error) {
	owner, err := c.project(project)
	if err != nil {
		return "", err
	}
	id, err := c.listed.Add(kind, owner, fields)
	if err != nil {
		return "", fmt.Errorf("adding one of %s: %w", kind, err)
	}
	return id, nil
}
