package quota

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// errAbsent marks a service that the cloud doesn't have.
var errAbsent = errors.New("the cloud doesn't have it")

// source is a service that has quotas.
type source struct {
	name string
	read func(ctx context.Context, c *cloud.Cloud) ([]Limit, error)
}

var sources = []source{{"compute", compute}, {"network", network}, {"block-storage", volumes}, {"image", images}}

// pair are the names that a service has for a limit and for what of it is used.
type pair struct {
	resource  Resource
	max, used string
}

// absolute reads the limits of Nova and Cinder, which have the same form.
func absolute(ctx context.Context, sc *gophercloud.ServiceClient, pairs []pair) ([]Limit, error) {
	var body struct {
		Limits struct {
			Absolute map[string]int64 `json:"absolute"`
		} `json:"limits"`
	}
	if err := get(ctx, sc, sc.ServiceURL("limits"), &body); err != nil {
		return nil, err
	}
	var all []Limit
	for _, p := range pairs {
		most, ok := body.Limits.Absolute[p.max]
		if !ok {
			continue
		}
		l := Limit{Resource: p.resource, Max: most, Used: Unknown}
		if used, ok := body.Limits.Absolute[p.used]; ok {
			l.Used = used
		}
		all = append(all, l)
	}
	return all, nil
}

func compute(ctx context.Context, c *cloud.Cloud) ([]Limit, error) {
	sc, err := absent(c.Compute())
	if err != nil {
		return nil, err
	}
	return absolute(ctx, sc, []pair{
		{Instances, "maxTotalInstances", "totalInstancesUsed"},
		{Cores, "maxTotalCores", "totalCoresUsed"},
		{RAM, "maxTotalRAMSize", "totalRAMUsed"},
		{KeyPairs, "maxTotalKeypairs", ""},
	})
}

func volumes(ctx context.Context, c *cloud.Cloud) ([]Limit, error) {
	sc, err := absent(c.BlockStorage())
	if err != nil {
		return nil, err
	}
	return absolute(ctx, sc, []pair{
		{Volumes, "maxTotalVolumes", "totalVolumesUsed"},
		{Gigabytes, "maxTotalVolumeGigabytes", "totalGigabytesUsed"},
		{Snapshots, "maxTotalSnapshots", "totalSnapshotsUsed"},
	})
}

// neutrons are Neutron's names.
var neutrons = map[string]Resource{
	"network": Networks, "subnet": Subnets, "router": Routers, "port": Ports, "floatingip": FloatingIPs,
	"security_group": SecurityGroups, "security_group_rule": SecurityGroupRules,
}

// network reads Neutron's quotas with what is used, or, where the cloud doesn't tell that, without.
func network(ctx context.Context, c *cloud.Cloud) ([]Limit, error) {
	sc, err := absent(c.Network())
	if err != nil {
		return nil, err
	}
	var all []Limit
	var details struct {
		Quota map[string]struct {
			Limit, Used, Reserved int64
		} `json:"quota"`
	}
	err = get(ctx, sc, sc.ServiceURL("quotas", c.Project().ID, "details.json"), &details)
	if err == nil {
		for name, q := range details.Quota {
			if r, ok := neutrons[name]; ok {
				all = append(all, Limit{Resource: r, Max: q.Limit, Used: q.Used + q.Reserved})
			}
		}
		return all, nil
	}
	if !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Forbidden) {
		return nil, err
	}
	var plain struct {
		Quota map[string]json.RawMessage `json:"quota"` // may have the project's id among the numbers
	}
	if err := get(ctx, sc, sc.ServiceURL("quotas", c.Project().ID), &plain); err != nil {
		return nil, err
	}
	for name, q := range plain.Quota {
		l := Limit{Resource: neutrons[name], Used: Unknown}
		if l.Resource != "" && json.Unmarshal(q, &l.Max) == nil {
			all = append(all, l)
		}
	}
	return all, nil
}

// images reads the limits that Keystone keeps for Glance; most clouds have none, and Glance then tells nothing.
func images(ctx context.Context, c *cloud.Cloud) ([]Limit, error) {
	sc, err := absent(c.Image())
	if err != nil {
		return nil, err
	}
	var body struct {
		Usage map[string]struct{ Limit, Usage int64 } `json:"usage"`
	}
	if err := get(ctx, sc, sc.ServiceURL("info", "usage"), &body); err != nil {
		if fault.Is(err, fault.NotFound) {
			return nil, nil
		}
		return nil, err
	}
	var all []Limit
	for name, r := range map[string]Resource{"image_count_total": Images, "image_size_total": ImageMiB} {
		if q, ok := body.Usage[name]; ok {
			all = append(all, Limit{Resource: r, Max: q.Limit, Used: q.Usage})
		}
	}
	return all, nil
}

func absent(sc *gophercloud.ServiceClient, err error) (*gophercloud.ServiceClient, error) {
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.NotFound, "", "%w: %w", err, errAbsent)
	}
	return sc, err
}

func get(ctx context.Context, sc *gophercloud.ServiceClient, url string, body any) error {
	resp, err := sc.Get(ctx, url, body, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	if err != nil {
		return fmt.Errorf("reading the %s service's quotas: %w", sc.Type, cloud.Classify(err))
	}
	resp.Body.Close()
	return nil
}
