// Package quota reads a project's quotas: how much it may have of what, and how much it has.
package quota

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Resource is something that a quota limits, by the name that the openstack command has for it.
type Resource string

// The resources that are read.
const (
	Instances          Resource = "instances"
	Cores              Resource = "cores"
	RAM                Resource = "ram" // MiB
	KeyPairs           Resource = "key-pairs"
	Networks           Resource = "networks"
	Subnets            Resource = "subnets"
	Routers            Resource = "routers"
	Ports              Resource = "ports"
	FloatingIPs        Resource = "floating-ips"
	SecurityGroups     Resource = "secgroups"
	SecurityGroupRules Resource = "secgroup-rules"
	Volumes            Resource = "volumes"
	Gigabytes          Resource = "gigabytes" // GiB of volumes
	Snapshots          Resource = "snapshots"
	Images             Resource = "images"
	ImageMiB           Resource = "image-size" // MiB of all images
)

// Unlimited is the Max of a resource without a limit.
const Unlimited = -1

// Unknown is the Used of a resource of which the service only tells the limit.
const Unknown = -1

// Limit is the quota of one resource.
type Limit struct {
	Resource Resource
	Service  string // compute, network, block-storage or image
	Max      int64  // or Unlimited
	Used     int64  // or Unknown; includes what is reserved
}

// Free is how much more there may be, math.MaxInt64 without a limit. What is used is taken as nothing where it
// is unknown.
func (l Limit) Free() int64 {
	if l.Max < 0 {
		return math.MaxInt64
	}
	return max(0, l.Max-max(0, l.Used))
}

// Quotas are those of one project in one region.
type Quotas struct {
	Project cloud.Project
	Region  string

	limits   map[Resource]Limit
	failures map[string]error // by service
}

// Limit is the quota of a resource. ok is false if the service doesn't tell it; Failure says why.
func (q *Quotas) Limit(r Resource) (l Limit, ok bool) {
	l, ok = q.limits[r]
	return l, ok
}

// All are the quotas that could be read, by service and resource.
func (q *Quotas) All() []Limit {
	var all []Limit
	for _, s := range sources {
		var some []Limit
		for _, l := range q.limits {
			if l.Service == s.name {
				some = append(some, l)
			}
		}
		slices.SortFunc(some, func(a, b Limit) int { return strings.Compare(string(a.Resource), string(b.Resource)) })
		all = append(all, some...)
	}
	return all
}

// Failure is why a service's quotas couldn't be read; nil if they could. A service that the catalog doesn't have
// is fault.NotFound.
func (q *Quotas) Failure(service string) error { return q.failures[service] }

// Why says why the quota of a resource isn't there.
func (q *Quotas) Why(r Resource) error {
	service := "image"
	switch r {
	case Instances, Cores, RAM, KeyPairs:
		service = "compute"
	case Networks, Subnets, Routers, Ports, FloatingIPs, SecurityGroups, SecurityGroupRules:
		service = "network"
	case Volumes, Gigabytes, Snapshots:
		service = "block-storage"
	}
	if err := q.failures[service]; err != nil {
		return err
	}
	return fault.New(fault.NotFound, "", "the %s service doesn't tell the quota of %s", service, r)
}

// Failures joins what went wrong with services that exist.
func (q *Quotas) Failures() error {
	var errs []error
	for _, s := range sources {
		if err := q.failures[s.name]; err != nil && !errors.Is(err, errAbsent) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Read reads the quotas of the project that the cloud is signed in to, all services at once. A service that
// fails doesn't stop the others; only the end of ctx is an error.
func Read(ctx context.Context, c *cloud.Cloud) (*Quotas, error) {
	q := &Quotas{Project: c.Project(), Region: c.Region(), limits: map[Resource]Limit{}, failures: map[string]error{}}
	type result struct {
		limits []Limit
		err    error
	}
	results := make([]result, len(sources))
	var g errgroup.Group
	for n, s := range sources {
		g.Go(func() error {
			limits, err := s.read(ctx, c)
			results[n] = result{limits, err}
			return nil
		})
	}
	_ = g.Wait() // they return nil
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for n, r := range results {
		if r.err != nil {
			q.failures[sources[n].name] = r.err
		}
		for _, l := range r.limits {
			l.Service = sources[n].name
			q.limits[l.Resource] = l
		}
	}
	return q, nil
}
