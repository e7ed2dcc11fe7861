package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/domains"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/endpoints"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/services"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
)

// endpointURLs are the catalog: where each type of service of a region answers.
var endpointURLs = map[string]map[string]string{
	"RegionOne": {
		"image":     "http://127.0.0.1:9292",
		"placement": "http://127.0.0.1:8778",
		"network":   "http://127.0.0.1:9696",
		"compute":   "http://127.0.0.1:8774/v2.1",
		"volumev3":  "http://127.0.0.1:8776/v3/$(project_id)s",
	},
	"Elsewhere": {
		"image": "http://127.0.0.1:9293",
	},
}

// seedIdentity makes a region's accounts, the services' own account and the catalog. Keystone's
// bootstrap has made the first user, the project and the role admin, and the roles member and reader.
func seedIdentity(ctx context.Context, admin *gophercloud.ProviderClient, password, region, accounts string) error {
	client, err := openstack.NewIdentityV3(admin, gophercloud.EndpointOpts{Region: region})
	if err != nil {
		return err
	}
	d := directory{client: client, password: password, region: region}
	lines := bufio.NewScanner(strings.NewReader(
		"service service Default admin " + region + "\nservice service Default service " + region + "\n" + accounts))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) != 5 {
			return fmt.Errorf("account %q: want user, project, domain, role and region", lines.Text())
		}
		if f[4] != region {
			continue
		}
		if err := d.account(ctx, f[0], f[1], f[2], f[3]); err != nil {
			return fmt.Errorf("account %q: %w", lines.Text(), err)
		}
	}
	for kind, url := range endpointURLs[region] {
		if err := d.endpoint(ctx, kind, url); err != nil {
			return fmt.Errorf("service %q: %w", kind, err)
		}
	}
	return lines.Err()
}

type directory struct {
	client           *gophercloud.ServiceClient
	password, region string
}

// account gives the user the role on the project, and makes whatever of these is missing.
func (d directory) account(ctx context.Context, user, project, domain, role string) error {
	domainID, err := d.domain(ctx, domain)
	if err != nil {
		return err
	}
	projectID, err := d.project(ctx, project, domainID)
	if err != nil {
		return err
	}
	userID, err := d.user(ctx, user, domainID)
	if err != nil {
		return err
	}
	roleID, err := d.role(ctx, role)
	if err != nil {
		return err
	}
	return roles.Assign(ctx, d.client, roleID, roles.AssignOpts{UserID: userID, ProjectID: projectID}).ExtractErr()
}

func (d directory) domain(ctx context.Context, name string) (string, error) {
	page, err := domains.List(d.client, domains.ListOpts{Name: name}).AllPages(ctx)
	if err != nil {
		return "", err
	}
	if found, err := domains.ExtractDomains(page); err != nil || len(found) > 0 {
		return first(found, func(x domains.Domain) string { return x.ID }), err
	}
	made, err := domains.Create(ctx, d.client, domains.CreateOpts{Name: name}).Extract()
	if err != nil {
		return "", err
	}
	return made.ID, nil
}

func (d directory) project(ctx context.Context, name, domainID string) (string, error) {
	page, err := projects.List(d.client, projects.ListOpts{Name: name, DomainID: domainID}).AllPages(ctx)
	if err != nil {
		return "", err
	}
	if found, err := projects.ExtractProjects(page); err != nil || len(found) > 0 {
		return first(found, func(x projects.Project) string { return x.ID }), err
	}
	made, err := projects.Create(ctx, d.client, projects.CreateOpts{Name: name, DomainID: domainID}).Extract()
	if err != nil {
		return "", err
	}
	return made.ID, nil
}

func (d directory) user(ctx context.Context, name, domainID string) (string, error) {
	page, err := users.List(d.client, users.ListOpts{Name: name, DomainID: domainID}).AllPages(ctx)
	if err != nil {
		return "", err
	}
	if found, err := users.ExtractUsers(page); err != nil || len(found) > 0 {
		return first(found, func(x users.User) string { return x.ID }), err
	}
	made, err := users.Create(ctx, d.client, users.CreateOpts{Name: name, DomainID: domainID, Password: d.password}).Extract()
	if err != nil {
		return "", err
	}
	return made.ID, nil
}

func (d directory) role(ctx context.Context, name string) (string, error) {
	page, err := roles.List(d.client, roles.ListOpts{Name: name}).AllPages(ctx)
	if err != nil {
		return "", err
	}
	if found, err := roles.ExtractRoles(page); err != nil || len(found) > 0 {
		return first(found, func(x roles.Role) string { return x.ID }), err
	}
	made, err := roles.Create(ctx, d.client, roles.CreateOpts{Name: name}).Extract()
	if err != nil {
		return "", err
	}
	return made.ID, nil
}

func (d directory) endpoint(ctx context.Context, kind, url string) error {
	page, err := services.List(d.client, services.ListOpts{ServiceType: kind}).AllPages(ctx)
	if err != nil {
		return err
	}
	if found, err := services.ExtractServices(page); err != nil || len(found) > 0 {
		return err
	}
	made, err := services.Create(ctx, d.client, services.CreateOpts{Type: kind, Extra: map[string]any{"name": kind}}).Extract()
	if err != nil {
		return err
	}
	for _, face := range []gophercloud.Availability{
		gophercloud.AvailabilityPublic, gophercloud.AvailabilityInternal,
		gophercloud.AvailabilityAdmin,
	} {
		opts := endpoints.CreateOpts{Availability: face, Name: kind, Region: d.region, URL: url, ServiceID: made.ID}
		if _, err := endpoints.Create(ctx, d.client, opts).Extract(); err != nil {
			return err
		}
	}
	return nil
}

func first[T any](found []T, id func(T) string) string {
	if len(found) == 0 {
		return ""
	}
	return id(found[0])
}
