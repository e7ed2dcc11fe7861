package launch_test

import (
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/launch"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// Whatever request fails, in whatever way: nothing is made twice, and the next run makes what is missing.
func TestEveryRequestFails(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: launches the layout many times")
	}
	for first, f := range []sandbox.Fault{
		sandbox.Status(500), sandbox.StatusAfter(500), sandbox.Status(403), sandbox.Status(409),
		{Do: sandbox.DropBefore},
		{Do: sandbox.DropAfter},
	} {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			for nth := first + 1; ; nth += 6 { // together, the ways to fail cover all requests
				w := newWorld(t, sandboxtest.Start(t, sandbox.Options{}))
				w.cloud.ResetRequests()
				w.cloud.Faults().Add(sandbox.Rule{Nth: nth, Fault: f})
				w.file("layout.yml", small)
				l, err := layout.ReadFile(w.folder+"/layout.yml", layout.Options{})
				if err != nil {
					t.Fatal(err)
				}
				p, err := launch.NewPlan(t.Context(), launch.Options{Layout: l, Open: w.open})
				if err == nil {
					err = p.Apply(t.Context(), report.Discard)
				}
				sent := len(w.cloud.Requests())
				w.cloud.Faults().Clear()
				if complete := w.unclaimed() == smallState; err == nil && !complete {
					t.Fatalf("request %d: it ends well with\n%s\nplan:\n%s", nth, w.wholeState(), steps(p))
				}
				w.launch(small, nil)
				if got := w.unclaimed(); got != smallState {
					t.Fatalf("request %d (%v): the next run makes\n%s\nwant\n%s", nth, err, got, smallState)
				}
				if t.Failed() {
					t.Fatalf("request %d", nth)
				}
				if sent < nth {
					if nth < 30 {
						t.Errorf("only %d requests were sent", sent)
					}
					return
				}
			}
		})
	}
}

const small = `
clouds:
  - name: small
    oscc_cloud: admin
    projects: [{name: ops}]
    users: [{name: opsadmin, password: secret, default_project: ops}]
    user_roles: [{role: member, user: opsadmin, project: ops}]
    quotas: [{name: ops, cores: 7, ports: 8, gigabytes: 9}]
    networks: [{name: net}]
    subnets: [{name: subnet, network_name: net, cidr: 127.99.0.0/24}]
    routers: [{name: router, network: public, interfaces: [subnet]}]
    images: [{name: disk, filename: disk.img, disk_format: raw}]
    security_groups_rules: [{security_group: default, protocol: tcp, port_range_min: 80}]
    keypairs: [{name: ops, public_key_file: key.pub}]
    volumes: [{name: data, size: 1}]
    servers: [{name: node, image: disk, flavor: m1.tiny, network: net, floating_ip_pools: [public]}]
`

var smallState = strings.TrimSpace(`
networks: net private public
subnets: private public subnet
routers: router
interfaces: 1
addresses: 1
keypairs: ops
volumes: data
servers: node
images: disk
rules: 1
`)
