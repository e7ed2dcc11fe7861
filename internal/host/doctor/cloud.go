package doctor

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/utils"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

const (
	patience = 30 * time.Second // for a cloud's answer
	skew     = 30 * time.Second // of clocks, that is worth a warning
	ending   = 10 * time.Minute // of a token that can't be renewed, that is worth a warning
)

// one examines a cloud: the sign-in, the services, and what the credentials may.
func one(ctx context.Context, o Options, access cloud.Access) []Finding {
	ctx, cancel := context.WithTimeout(ctx, 4*patience)
	defer cancel()
	o.Secret(access.Secrets()...)
	name := cmp.Or(access.Cloud, "the default cloud")
	c, err := cloud.Connect(ctx, access)
	if err != nil {
		return []Finding{{Area: "cloud", What: name + ": sign-in", State: Wrong, Cause: err}}
	}
	defer c.Close()
	o.Secret(c.Secrets()...)
	name = c.Name()
	all := []Finding{signIn(c, name), clock(c, name)}
	for _, s := range []struct {
		name, list string
		open       func() (*gophercloud.ServiceClient, error)
		needed     bool
	}{
		{"image", "images?limit=1", c.Image, true},
		{"compute", "servers?limit=1", c.Compute, true},
		{"network", "networks?limit=1", c.Network, true},
		{"block-storage", "volumes?limit=1", c.BlockStorage, false},
		{"baremetal", "nodes?limit=1", c.BareMetal, false},
	} {
		sc, err := s.open()
		if err != nil {
			f := Finding{Area: "cloud", What: name + ": " + s.name, State: Note, Found: "the catalog doesn't list it"}
			if s.needed {
				f.State, f.Cause = Warning, err
			}
			all = append(all, f)
			continue
		}
		all = append(all, service(ctx, sc, name+": "+s.name, s.list))
	}
	return append(all, rights(ctx, c, name)...)
}

func signIn(c *cloud.Cloud, name string) Finding {
	f := Finding{Area: "cloud", What: name + ": sign-in", State: OK}
	grant, err := c.Grant()
	if err != nil {
		f.State, f.Cause = Wrong, err
		return f
	}
	roles := slices.Sorted(slices.Values(c.Roles()))
	f.Found = fmt.Sprintf("user %s, project %s (%s), roles %s",
		c.UserID(), cmp.Or(c.Project().Name, "none"), cmp.Or(c.Project().ID, "none"), cmp.Or(strings.Join(roles, ", "), "none"))
	if region := c.Region(); region != "" {
		f.Found += ", region " + region
	}
	if grant.ExpiresAt.IsZero() {
		return f
	}
	f.Found += ", token until " + grant.ExpiresAt.UTC().Format(time.RFC3339)
	if grant.ExpiresAt.Sub(c.Now()) < ending {
		f.State, f.Advice = Warning, "sign in again before a long run: a token that is given can't be renewed"
	}
	return f
}

func clock(c *cloud.Cloud, name string) Finding {
	f := Finding{Area: "cloud", What: name + ": clock", State: OK, Found: "as this machine's"}
	if ahead := time.Until(c.Now()).Round(time.Second); ahead.Abs() > skew {
		f.State, f.Found, f.Advice = Warning, fmt.Sprintf("%s ahead of this machine's", ahead), "set this machine's clock"
	}
	return f
}

// service asks for one object, which shows that the address, the certificate and the token are good.
func service(ctx context.Context, sc *gophercloud.ServiceClient, what, list string) Finding {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	f := Finding{Area: "cloud", What: what, State: OK, Found: sc.Endpoint}
	if err := get(ctx, sc, list); err != nil {
		f.State, f.Cause = Wrong, cloud.Classify(err)
		return f
	}
	base, err := utils.BaseEndpoint(sc.Endpoint)
	if err != nil {
		return f
	}
	versions, err := utils.GetServiceVersions(ctx, sc.ProviderClient, base, true)
	if err != nil || len(versions) == 0 {
		return f // some clouds hide the list, which nothing here needs
	}
	f.Found += fmt.Sprintf(", version %d.%d", versions[0].Major, versions[0].Minor)
	if v := versions[0]; v.MaxMajor > 0 {
		f.Found += fmt.Sprintf(", microversions up to %d.%d", v.MaxMajor, v.MaxMinor)
	}
	return f
}

func get(ctx context.Context, sc *gophercloud.ServiceClient, path string) error {
	resp, err := sc.Get(ctx, sc.ServiceURL(path), nil, &gophercloud.RequestOpts{KeepResponseBody: true, OkCodes: []int{http.StatusOK}})
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// rights says what the credentials may, as far as that can be told without changing anything.
func rights(ctx context.Context, c *cloud.Cloud, name string) []Finding {
	change := Finding{Area: "cloud", What: name + ": change and share images", State: OK, Found: "the roles allow it by default"}
	if roles := c.Roles(); len(roles) > 0 && !slices.ContainsFunc(roles, func(r string) bool { return r != "reader" }) {
		change.State, change.Found, change.Advice = Note, "no: the role reader may only read", "use credentials with the role member"
	}
	publish := Finding{
		Area: "cloud", What: name + ": publish images", State: Note,
		Found: "by default, only administrators make images public; a cloud may allow others",
	}
	if c.IsAdmin() {
		publish.State, publish.Found = OK, "the role admin allows it by default"
	}
	return []Finding{change, publish, seesAll(ctx, c, name)}
}

// seesAll asks for other projects' servers.
func seesAll(ctx context.Context, c *cloud.Cloud, name string) Finding {
	f := Finding{Area: "cloud", What: name + ": see all projects", State: Note}
	compute, err := c.Compute()
	if err != nil {
		f.Found = "unknown, without a compute service"
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = get(ctx, compute, "servers?all_tenants=1&limit=1")
	switch {
	case err == nil && c.IsAdmin():
		f.State, f.Found = OK, "yes"
	case err == nil:
		f.Found = "the compute service doesn't refuse it, though the role admin is missing"
	case refused(err):
		f.Found = "no; usage and retention then see this project's users of an image alone"
	default:
		f.State, f.Cause = Warning, cloud.Classify(err)
	}
	return f
}

func refused(err error) bool { return fault.Is(cloud.Classify(err), fault.Forbidden) }
