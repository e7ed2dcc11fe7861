package change_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/launch"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/listing"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

const launched = `
clouds:
  - name: jobs
    oscc_cloud: admin
    quotas: [{name: admin, cores: 7, ports: 8}]
    networks: [{name: net}]
    subnets: [{name: subnet, network_name: net, cidr: 127.99.0.0/24}]
    routers: [{name: router, network: public, interfaces: [subnet]}]
    security_groups: [{name: web, description: Web}]
    security_groups_rules:
      - {security_group: web, protocol: tcp, port_range_min: 80}
      - {security_group: default, remote_group: default, state: absent}
    keypairs:
      - {name: ops, public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1tZZmcoOYxCtT8sXcOnNUx7QULnJkfe0Qy4w1jSm6Q}
    volumes: [{name: data, size: 1}]
    servers: [{name: node, image: disk, flavor: m1.tiny, network: net, floating_ip_pools: [public]}]
`

// launching makes resources of all services, several of which need more than one request.
var launching = changetest.Subject{
	Name: "launch",
	World: func(t *testing.T) *changetest.World {
		s := sandboxtest.Start(t, sandbox.Options{})
		add(t, s, sandbox.Image{Name: "disk", Project: "admin", Visibility: "private", Data: []byte("data")}) // sync's are killed
		file := filepath.Join(t.TempDir(), "layout.yml")
		if err := os.WriteFile(file, []byte(launched), 0o600); err != nil {
			t.Fatal(err)
		}
		w := &changetest.World{Cloud: s, Path: "/**", Arg: file}
		w.State = func() string { return everything(t, w) }
		return w
	},
	Plan: planLaunch,
	Doors: []changetest.Door{every(10, imgctl(func(w *changetest.World) []string {
		return []string{"cloud", "launch", "--file", w.Arg}
	}, []string{"cloud", "kind", "name", "action", "reason", "outcome", "resource_id"}))},
}

// every is a door through which only every so many requests is one to be killed at.
func every(stride int, d changetest.Door) changetest.Door {
	d.Stride = stride
	return d
}

func planLaunch(ctx context.Context, file, arg string) (change.Plan, error) {
	l, err := layout.ReadFile(arg, layout.Options{})
	if err != nil {
		return nil, err
	}
	return launch.NewPlan(ctx, launch.Options{Layout: l, Open: func(ctx context.Context, entry, _ string) (*cloud.Cloud, error) {
		return cloudtest.Open(ctx, file, entry)
	}})
}

// everything is what a sandbox has of what a layout may ask for, without ids.
func everything(t *testing.T, w *changetest.World) string {
	t.Helper()
	c := cloudtest.Connect(t, w.CloudsYAML(), "admin")
	var lines []string
	for _, of := range []struct {
		list listing.List
		keys string
	}{
		{listing.List{Path: "networks", Key: "networks"}, "name description"},
		{listing.List{Path: "subnets", Key: "subnets"}, "name cidr description"},
		{listing.List{Path: "routers", Key: "routers"}, "name description"},
		{listing.List{Path: "ports", Key: "ports"}, "device_owner"},
		{listing.List{Path: "floatingips", Key: "floatingips"}, "status description"},
		{listing.List{Path: "security-groups", Key: "security_groups"}, "name description"},
		{
			listing.List{Path: "security-group-rules", Key: "security_group_rules"},
			"direction ethertype protocol port_range_min remote_ip_prefix",
		},
		{listing.List{Path: "servers/detail", Key: "servers"}, "name status key_name metadata"},
		{listing.List{Path: "volumes/detail", Key: "volumes"}, "name status size metadata"},
		{listing.List{Path: "os-keypairs", Key: "keypairs"}, "keypair"},
	} {
		service := c.Network
		switch of.list.Key {
		case "servers", "keypairs":
			service = c.Compute
		case "volumes":
			service = c.BlockStorage
		}
		sc, err := service()
		if err != nil {
			t.Fatal(err)
		}
		err = listing.Each(t.Context(), sc, of.list, func(page []map[string]any) error {
			for _, o := range page {
				line := of.list.Key
				for key := range strings.FieldsSeq(of.keys) {
					line += fmt.Sprintf(" %v", o[key])
				}
				lines = append(lines, line)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
