package cloud

import (
	"cmp"
	"fmt"
	"os"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudsyaml"
)

// wish is the requested project and region, from an option, a variable or the entry. Some credentials are
// for one project only, and a catalog may lack the region: it is better to fail than to work elsewhere.
type wish struct {
	projectID, project, domainID, domain string
	region                               string
	projectBy, regionBy                  any // who asks for it: an option, a variable or an entry
}

func (a *Access) wish(entry *cloudsyaml.Entry, s *settings) wish {
	var by any = "the environment"
	if entry.Name != "" {
		by = fmt.Sprintf("cloud %q", entry.Name)
	}
	w := wish{
		projectID: entry.Auth["project_id"], project: entry.Auth["project_name"],
		domainID: entry.Auth["project_domain_id"], domain: entry.Auth["project_domain_name"],
		region: s.region,
	}
	w.projectBy = byVariable(cmp.Or(w.projectID, w.project), by, "OS_PROJECT_ID", "OS_PROJECT_NAME", "OS_TENANT_ID", "OS_TENANT_NAME")
	w.regionBy = byVariable(w.region, by, "OS_REGION_NAME")
	if a.Region != "" {
		w.regionBy = fault.Option("region")
	}
	switch {
	case a.TenantID != "":
		w.projectID, w.project, w.domainID, w.domain, w.projectBy = a.TenantID, "", "", "", fault.Option("tenant_id")
	case a.TenantName != "":
		w.projectID, w.project, w.projectBy = "", a.TenantName, fault.Option("tenant_name")
		w.domainID, w.domain = a.DomainID, a.DomainName
	}
	if (a.projectDomain != Domain{}) {
		w.domainID, w.domain = a.projectDomain.ID, a.projectDomain.Name
	}
	if scope := s.auth.Scope; scope != nil && (scope.System || scope.TrustID != "") {
		w.projectID, w.project = "", ""
	}
	return w
}

// byVariable is the variable that asks for the value, otherwise if there is none.
func byVariable(value string, otherwise any, variables ...string) any {
	for _, v := range variables {
		if value != "" && os.Getenv(v) == value {
			return v
		}
	}
	return otherwise
}

// String is the project for an error about signing in: "" if none was asked for.
func (w *wish) String() string {
	if asked := cmp.Or(w.projectID, w.project); asked != "" {
		return fmt.Sprintf(" for project %q%s", asked, w.ofDomain())
	}
	return ""
}

// fulfilled compares the result of signing in with the request.
func (w *wish) fulfilled(c *Cloud, got *tokens.Project) error {
	if asked := cmp.Or(w.projectID, w.project); asked != "" && !w.isProject(got) {
		is := "no project"
		if got != nil {
			is = fmt.Sprintf("project %q (%s) of domain %q", got.Name, got.ID, cmp.Or(got.Domain.Name, got.Domain.ID))
		}
		return fault.New(fault.Usage, "use credentials of the project that is meant: a token and an application credential are for "+
			"one project only",
			"cloud %q: the credentials are for %s, but %s asks for project %q%s", c.name, is, w.projectBy, asked, w.ofDomain())
	}
	regions := c.regions()
	if w.region != "" && len(regions) > 0 && !regions[w.region] && len(c.services) == 0 {
		return fault.New(fault.Usage, fault.Advise("choose with %s", fault.Option("region")),
			"cloud %q has no region %q, for which %s asks (regions there: %s)",
			c.name, w.region, w.regionBy, list(regions))
	}
	return nil
}

func (w *wish) isProject(got *tokens.Project) bool {
	switch {
	case got == nil:
		return false
	case w.projectID != "":
		return got.ID == w.projectID
	case w.domainID != "" && got.Domain.ID != w.domainID || w.domain != "" && w.domainID == "" &&
		!strings.EqualFold(got.Domain.Name, w.domain):
		return false
	}
	return strings.EqualFold(got.Name, w.project)
}

func (w *wish) ofDomain() string {
	if domain := cmp.Or(w.domain, w.domainID); domain != "" && w.projectID == "" {
		return fmt.Sprintf(" of domain %q", domain)
	}
	return ""
}
