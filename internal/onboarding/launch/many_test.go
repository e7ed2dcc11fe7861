package launch_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/launch"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// profiles are those that the clouds of a CI share.
const profiles = `profiles:
  - name: projects
    projects: [{name: ci, description: CI, domain: default}]
  - name: open-group
    security_groups: [{name: default, description: Default security group}]
    security_groups_rules:
      - {security_group: default, ethertype: IPv4, remote_group: default, state: absent}
      - {security_group: default, ethertype: IPv6, remote_group: default, state: absent}
      - {security_group: default, ethertype: IPv4, remote_ip_prefix: 0.0.0.0/0}
      - {security_group: default, ethertype: IPv6, remote_ip_prefix: '::/0'}
  - name: keys
    keypairs:
      - name: operators
        public_key: |
            ` + firstKey + `

            ` + secondKey + `
      - {name: operators-2026-01-31, public_key: ` + secondKey + `}
      - {name: bridge, public_key: ` + firstKey + `}
  - name: net
    networks: [{name: ci-network}]
    subnets: [{name: ci-subnet, network_name: ci-network, cidr: 127.99.1.0/24}]
clouds:
`

// As large a layout as is in use: 36 clouds, 8 of which have a network and a router of their own, and 5 an image; 7 have
// key pairs alone.
func TestThirtySixClouds(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString(profiles)
	seed := sandbox.DefaultSeed()
	for n := range 36 {
		name := fmt.Sprintf("cloud-%02d", n)
		seed.Users = append(seed.Users, sandbox.User{Name: name, Project: name, Role: sandbox.RoleMember})
		fmt.Fprintf(&text, "  - name: %s-of-layout\n    oscc_cloud: %[1]s\n    region_name: RegionOne\n    profiles:\n      - keys\n", name)
		switch {
		case n < 7:
		case n < 15:
			text.WriteString("      - open-group\n      - net\n    routers:\n      - name: ci-router\n        network: public\n" +
				"        interfaces:\n          - ci-subnet\n")
		case n < 20:
			text.WriteString("      - open-group\n    images:\n      - name: base-arm64\n        download_image_dest: /tmp/disk.img\n" +
				"        filename: disk.img\n        properties:\n          hw_firmware_type: uefi\n          os_command_line: console=ttyAMA0\n")
		default:
			text.WriteString("      - open-group\n")
		}
	}
	w := newWorld(t, sandboxtest.Start(t, sandbox.Options{Seed: seed}))
	p := w.plan(text.String(), nil)
	want := map[string]int{launch.Create: 36*3 + 29*2 + 8*3 + 5, launch.Absent: 29 * 2, launch.Same: 29}
	if got := actions(p); !cmp.Equal(got, want) {
		t.Errorf("plan: %s", cmp.Diff(want, got))
	}
	if notes := fmt.Sprint(p.Notes()); !strings.Contains(notes, `no cloud uses the profile "projects"`) {
		t.Errorf("notes: %s", notes)
	}
	w.launch(text.String(), nil)
	w.settled(text.String(), nil)
	if got := w.rules("cloud-35"); strings.Contains(got, "group") || strings.Count(got, "\n") < 3 {
		t.Errorf("the rules of a cloud are\n%s", got)
	}
	if got := w.networks("cloud-07"); got != "ci-network" {
		t.Errorf("the networks of a cloud are %q", got)
	}
}
