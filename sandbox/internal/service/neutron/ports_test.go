package neutron_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/inside"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// networkID finds a network by its name over the wire.
func networkID(t *testing.T, client *gophercloud.ServiceClient, name string) string {
	t.Helper()
	pages, err := networks.List(client, networks.ListOpts{Name: name}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, err := networks.ExtractNetworks(pages)
	if err != nil || len(found) != 1 {
		t.Fatalf("networks named %q: %v, %v", name, found, err)
	}
	return found[0].ID
}

func within(t *testing.T, address, cidr string) {
	t.Helper()
	a, err := netip.ParseAddr(address)
	if err != nil || !netip.MustParsePrefix(cidr).Contains(a) {
		t.Errorf("address %q is not in %s: %v", address, cidr, err)
	}
}

func TestPortsAndFloatingIPs(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	client := apitest.NetworkClient(t, c, "demo")
	private, public := networkID(t, client, "private"), networkID(t, client, "public")

	port, err := ports.Create(t.Context(), client, ports.CreateOpts{NetworkID: private, Name: "p", Description: "imgctl_run=1"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	within(t, port.FixedIPs[0].IPAddress, "127.77.0.0/16")
	if port.Description != "imgctl_run=1" || len(port.SecurityGroups) != 1 || port.Status != "DOWN" {
		t.Errorf("created %+v", port)
	}
	fip, err := floatingips.Create(t.Context(), client, floatingips.CreateOpts{
		FloatingNetworkID: public, PortID: port.ID,
		Description: "d",
	}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	within(t, fip.FloatingIP, "127.78.0.0/16")
	if fip.FixedIP != port.FixedIPs[0].IPAddress || fip.Status != "ACTIVE" {
		t.Errorf("created %+v", fip)
	}
	if _, err := floatingips.Create(t.Context(), client, floatingips.CreateOpts{
		FloatingNetworkID: public,
		PortID:            port.ID,
	}).Extract(); !gophercloud.ResponseCodeIs(err, http.StatusConflict) {
		t.Errorf("a second floating IP for the same address: %v", err)
	}
	for name, opts := range map[string]ports.ListOpts{
		"name":     {Name: "p"},
		"network":  {NetworkID: private, Description: "imgctl_run=1"},
		"fixed IP": {FixedIPs: []ports.FixedIPOpts{{IPAddress: port.FixedIPs[0].IPAddress}}},
	} {
		pages, err := ports.List(client, opts).AllPages(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if found, err := ports.ExtractPorts(pages); err != nil || len(found) != 1 || found[0].ID != port.ID {
			t.Errorf("ports by %s: %v, %v", name, found, err)
		}
	}
	pages, err := ports.List(client, ports.ListOpts{Name: "q"}).AllPages(t.Context())
	if found, _ := ports.ExtractPorts(pages); err != nil || len(found) != 0 {
		t.Errorf("ports named q: %v, %v", found, err)
	}
	if _, err := ports.Get(t.Context(), apitest.NetworkClient(t, c, "member-a"), port.ID).Extract(); !gophercloud.ResponseCodeIs(err,
		http.StatusNotFound) {
		t.Errorf("somebody else's port: %v", err)
	}
	if err := ports.Delete(t.Context(), client, port.ID).ExtractErr(); err != nil {
		t.Fatal(err)
	}
	fip, err = floatingips.Get(t.Context(), client, fip.ID).Extract()
	if err != nil || fip.PortID != "" || fip.Status != "DOWN" {
		t.Errorf("after the port's deletion: %+v, %v", fip, err)
	}
	if err := floatingips.Delete(t.Context(), client, fip.ID).ExtractErr(); err != nil {
		t.Fatal(err)
	}
}

func TestFloatingChangeIsTold(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	var told []string
	inside.Of(c).Network.FloatingChanged = func(address, server string) { told = append(told, address+"="+server) }
	demo := apitest.Login(t, c, "demo")
	client := apitest.NetworkClient(t, c, "demo")
	port, err := ports.Create(t.Context(), client, ports.CreateOpts{NetworkID: networkID(t, client, "private")}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	fip, err := floatingips.Create(t.Context(), client, floatingips.CreateOpts{
		FloatingNetworkID: networkID(t, client, "public"),
		PortID:            port.ID,
	}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	if err := inside.Of(c).Network.BindPort(port.ID, "server-1"); err != nil {
		t.Fatal(err)
	}
	if err := inside.Of(c).Network.BindPort(port.ID, "server-2"); err == nil {
		t.Error("two servers have the same port")
	}
	demo.Do("PUT", "/network/v2.0/floatingips/"+fip.ID, `{"floatingip": {"port_id": null}}`).Want(t, http.StatusOK)
	a := fip.FloatingIP
	if want := strings.Join([]string{a + "=", a + "=server-1", a + "="}, " "); strings.Join(told, " ") != want {
		t.Errorf("told %v, want %s", told, want)
	}
}

func TestSecurityGroups(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	client := apitest.NetworkClient(t, c, "demo")
	group, err := groups.Create(t.Context(), client, groups.CreateOpts{Name: "web"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	opts := rules.CreateOpts{
		SecGroupID: group.ID, Direction: rules.DirIngress, EtherType: rules.EtherType4, Protocol: rules.ProtocolTCP,
		PortRangeMin: 22, PortRangeMax: 22,
	}
	if _, err := rules.Create(t.Context(), client, opts).Extract(); err != nil {
		t.Fatal(err)
	}
	if _, err := rules.Create(t.Context(), client, opts).Extract(); !gophercloud.ResponseCodeIs(err, http.StatusConflict) {
		t.Errorf("the same rule again: %v", err)
	}
	port, err := ports.Create(t.Context(), client, ports.CreateOpts{
		NetworkID:      networkID(t, client, "private"),
		SecurityGroups: &[]string{group.ID},
	}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	if !inside.Of(c).Network.Allows(port.ID, 22) || inside.Of(c).Network.Allows(port.ID, 80) {
		t.Error("the group lets in something else than SSH")
	}
	if err := groups.Delete(t.Context(), client, group.ID).ExtractErr(); !gophercloud.ResponseCodeIs(err, http.StatusConflict) {
		t.Errorf("deleting a group in use: %v", err)
	}
}

func TestNetworkRefusals(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{NetworkQuotas: sandbox.NetworkQuotas{FloatingIPs: 1}})
	demo, reader := apitest.Login(t, c, "demo"), apitest.Login(t, c, "reader")
	client := apitest.NetworkClient(t, c, "demo")
	private, public := networkID(t, client, "private"), networkID(t, client, "public")
	port := func(network string) map[string]any {
		return map[string]any{"port": map[string]any{"network_id": network}}
	}
	for _, tt := range []struct {
		name, path string
		who        *apitest.Client
		body       any
		status     int
		kind       string
	}{
		{"unknown network", "ports", demo, port("7c0ffee0-0000-4000-8000-000000000001"), 404, "NetworkNotFound"},
		{
			"unknown attribute", "ports", demo,
			map[string]any{"port": map[string]any{"network_id": private, "nonsense": 1}},
			400,
			"HTTPBadRequest",
		},
		{"chosen address", "ports", demo, map[string]any{"port": map[string]any{
			"network_id": private,
			"fixed_ips":  []map[string]any{{"ip_address": "127.77.3.4"}},
		}}, 403, "PolicyNotAuthorized"},
		{"no id", "ports", demo, port("nope"), 400, "HTTPBadRequest"},
		{"no network", "ports", demo, port(""), 400, "HTTPBadRequest"},
		{"reader", "ports", reader, port(private), 403, "PolicyNotAuthorized"},
		{"port on the external network", "ports", demo, port(public), 403, "PolicyNotAuthorized"},
		{
			"shared network of a member", "networks", demo,
			map[string]any{"network": map[string]any{"shared": true}},
			403,
			"PolicyNotAuthorized",
		},
		{
			"floating IP of an internal network", "floatingips", demo,
			map[string]any{"floatingip": map[string]any{"floating_network_id": private}},
			400, "BadRequest",
		},
		{"first floating IP", "floatingips", demo, map[string]any{"floatingip": map[string]any{"floating_network_id": public}}, 201, ""},
		{
			"second floating IP", "floatingips", demo,
			map[string]any{"floatingip": map[string]any{"floating_network_id": public}},
			409,
			"OverQuota",
		},
		{"no object", "ports", demo, `{}`, 400, "HTTPBadRequest"},
	} {
		a := tt.who.Do("POST", "/network/v2.0/"+tt.path, tt.body)
		fault, _ := a.JSON["NeutronError"].(map[string]any)
		kind, _ := fault["type"].(string)
		if a.Status != tt.status || kind != tt.kind {
			t.Errorf("%s: %d %q, want %d %q: %s", tt.name, a.Status, kind, tt.status, tt.kind, a.Text)
		}
	}
}
