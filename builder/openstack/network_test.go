package openstack

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/neutron"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// keep makes a floating IP and a port that belong to nobody's build.
func (w *world) keep() (floatingips.FloatingIP, ports.Port) {
	w.t.Helper()
	found, err := w.look.resolve(w.t.Context(), "", "networks", []string{"public", "private"}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	ip, err := floatingips.Create(w.t.Context(), w.look.network, floatingips.CreateOpts{
		FloatingNetworkID: found[0].ID,
		Description:       "kept",
	}).Extract()
	if err != nil {
		w.t.Fatal(err)
	}
	port, err := ports.Create(w.t.Context(), w.look.network, ports.CreateOpts{NetworkID: found[1].ID, Name: "kept"}).Extract()
	if err != nil {
		w.t.Fatal(err)
	}
	return *ip, *port
}

// connected is how a server looks from inside of a build.
type connected struct {
	addresses, floating int
	private             string // its fixed address
}

// during looks at the only server while it is provisioned.
func (w *world) during(c *connected) hook {
	return func(ctx context.Context, _ packersdk.Ui, _ packersdk.Communicator, data any) error {
		s, err := servers.Get(ctx, w.look.compute, data.(map[string]any)["ID"].(string)).Extract()
		if err != nil {
			return err
		}
		for _, pool := range s.Addresses {
			for _, a := range pool.([]any) {
				c.addresses++
				if m := a.(map[string]any); m["OS-EXT-IPS:type"] == "floating" {
					c.floating++
				} else {
					c.private = m["addr"].(string)
				}
			}
		}
		return nil
	}
}

func TestFloatingIPs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	kept, port := w.keep()
	for _, tt := range []struct {
		name string
		more map[string]any
		want connected
	}{
		{"none", nil, connected{addresses: 1}},
		{"new", map[string]any{"floating_ip_network": "public"}, connected{addresses: 2, floating: 1}},
		{"new, by the old name of the option", map[string]any{"floating_ip_pool": "public"}, connected{addresses: 2, floating: 1}},
		{"new, without a network", map[string]any{"floating_ip_network": "public", "networks": nil}, connected{addresses: 2, floating: 1}},
		{"new, network found", map[string]any{
			"floating_ip_network": "public", "networks": nil,
			"network_discovery_cidrs": []string{"10.0.0.0/8", "127.77.0.0/16"},
		}, connected{addresses: 2, floating: 1}},
		{
			"new, network chosen",
			map[string]any{"floating_ip_network": "public", "instance_floating_ip_net": "private"},
			connected{addresses: 2, floating: 1},
		},
		{
			"new, another network chosen",
			map[string]any{"floating_ip_network": "public", "instance_floating_ip_net": "public"},
			connected{addresses: 2, floating: 1},
		},
		{"new, an unknown network chosen", map[string]any{
			"floating_ip_network": "public", "networks": nil,
			"instance_floating_ip_net": "nothing",
		}, connected{addresses: 2, floating: 1}},
		{
			"new, on a port",
			map[string]any{"floating_ip_network": "public", "networks": nil, "ports": []string{port.ID}},
			connected{addresses: 2, floating: 1},
		},
		{
			"new, with a group",
			map[string]any{"floating_ip_network": "public", "security_groups": []string{"default"}},
			connected{addresses: 2, floating: 1},
		},
		{"by its id", map[string]any{"floating_ip": kept.ID}, connected{addresses: 2, floating: 1}},
		{"by its address", map[string]any{"floating_ip": kept.FloatingIP}, connected{addresses: 2, floating: 1}},
		{
			"the given one in spite of others",
			map[string]any{"floating_ip": kept.ID, "reuse_ips": true, "floating_ip_network": "nothing"},
			connected{addresses: 2, floating: 1},
		},
		{
			"a free one, of no network",
			map[string]any{"reuse_ips": true, "floating_ip_network": "nothing"},
			connected{addresses: 2, floating: 1},
		},
		{"a free one", map[string]any{"reuse_ips": true}, connected{addresses: 2, floating: 1}},
		{
			"a free one of a network",
			map[string]any{"reuse_ips": true, "floating_ip_network": "public"},
			connected{addresses: 2, floating: 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got connected
			w.image(tt.more, w.during(&got))
			if got.addresses != tt.want.addresses || got.floating != tt.want.floating {
				t.Errorf("addresses %+v, want %+v", got, tt.want)
			}
			now, err := floatingips.Get(t.Context(), w.look.network, kept.ID).Extract()
			if err != nil || now.Description != "kept" || now.PortID != "" {
				t.Errorf("the floating IP is not as it was: %+v, %v", now, err)
			}
			p, err := ports.Get(t.Context(), w.look.network, port.ID).Extract()
			if err != nil || p.DeviceID != "" {
				t.Errorf("the port is not as it was: %+v, %v", p, err)
			}
		})
	}
}

// Builds side by side never take the same floating IP.
func TestReuseRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	w.keep()
	// All of them see the address free before the first has it.
	w.Faults().Add(sandbox.Rule{
		Method: "PUT", Path: "/network/**/floatingips/*",
		Fault: sandbox.Fault{Do: sandbox.Delay, Wait: 100 * time.Millisecond},
	})
	var using atomic.Int64
	const builds = 4
	errs := make(chan error, builds)
	for range builds {
		go func() {
			var c connected
			_, _, err := w.build(t.Context(), map[string]any{"reuse_ips": true},
				func(ctx context.Context, ui packersdk.Ui, comm packersdk.Communicator, data any) error {
					if err := w.during(&c)(ctx, ui, comm, data); err != nil {
						return err
					}
					if n := using.Add(1); c.floating != 1 || n != 1 {
						t.Errorf("a build has %d floating IPs, %d builds have one", c.floating, n)
					}
					time.Sleep(200 * time.Millisecond) // time for another build to take the same address
					using.Add(-1)
					return nil
				})
			errs <- err
		}()
	}
	won := 0
	for range builds {
		switch err := <-errs; {
		case err == nil:
			won++
		case !fault.Is(err, fault.Quota):
			t.Error(err)
		}
	}
	w.Faults().Clear()
	if won == 0 {
		t.Error("nobody got it")
	}
	w.leavesNothing("")
}

func TestNoFreeFloatingIP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	_, out, err := w.build(t.Context(), map[string]any{"reuse_ips": true}, nil)
	if !fault.Is(err, fault.Quota) || !strings.Contains(err.Error(), "set floating_ip_network") {
		t.Errorf("%v\n%s", err, out)
	}
	w.leavesNothing(out)
}

func TestAddress(t *testing.T) {
	t.Parallel()
	address := func(addr string, version float64, kind string) any {
		return map[string]any{"addr": addr, "version": version, "OS-EXT-IPS:type": kind}
	}
	addresses := map[string]any{
		"private": []any{address("fd00::1", 6, "fixed"), address("10.0.0.1", 4, "fixed"), address("192.0.2.1", 4, "floating")},
		"back":    []any{address("172.16.0.1", 4, "fixed")},
		"six":     []any{address("fd00::2", 6, "fixed")},
	}
	for _, tt := range []struct {
		name, iface, version string
		networks             []string
		floating             string
		accessed             [2]string
		want                 string
	}{
		{name: "the first, always the same", want: "172.16.0.1"},
		{name: "the fixed one of the network", iface: "private", want: "10.0.0.1"},
		{name: "the first network of the template", networks: []string{"private", "back"}, want: "192.0.2.1"},
		{name: "the first network that has the version", networks: []string{"back", "six"}, version: "6", want: "fd00::2"},
		{name: "IPv6 of the network, without brackets", iface: "private", version: "6", want: "fd00::1"},
		{name: "the network wins over the floating IP", iface: "back", floating: "192.0.2.9", want: "172.16.0.1"},
		{name: "the floating IP", floating: "192.0.2.9", want: "192.0.2.9"},
		{name: "IPv6 in spite of a floating IP", floating: "192.0.2.9", version: "6", want: "fd00::1"},
		{name: "Nova's own", accessed: [2]string{"198.51.100.1", "2001:db8::1"}, want: "198.51.100.1"},
		{name: "Nova's own IPv6", accessed: [2]string{"198.51.100.1", "2001:db8::1"}, version: "6", want: "2001:db8::1"},
		{name: "a network of one version", iface: "six", want: "fd00::2"},
		{name: "a network without the version", iface: "six", version: "4", want: ""},
		{name: "no such network", iface: "nothing", want: ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := &build{config: &Config{}, server: &servers.Server{
				Addresses: addresses, AccessIPv4: tt.accessed[0],
				AccessIPv6: tt.accessed[1],
			}}
			for _, n := range tt.networks {
				b.attached = append(b.attached, neutron.Named{Name: n})
			}
			b.config.SSHInterface, b.config.SSHIPVersion = tt.iface, tt.version
			if tt.floating != "" {
				b.floating = &floatingips.FloatingIP{FloatingIP: tt.floating}
			}
			if diff := cmp.Diff(tt.want, b.address()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
