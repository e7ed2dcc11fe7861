package mirror_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/mirror"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/neutron"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func TestMirror(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		quotas sandbox.VolumeQuotas
		disk   int
		boot   bool
		want   []string
		kind   fault.Kind // 0 is none
	}{
		{"a volume", sandbox.VolumeQuotas{}, 0, false, []string{
			"server mirror01.regionone.donor.opendev.org it isn't there yet", "flavor m1.large 8192 MiB, 4 vCPUs, 80 GB",
			"boot volume 250 GB the flavor's disk has 80 GB",
			"volume 500 GB 1000 GB of the quota are free",
			"dns mirror01.regionone.donor.opendev.org. IN A ADDRESS once the server has them",
			"dns mirror.regionone.donor.opendev.org. IN CNAME mirror01.regionone.donor.opendev.org.",
		}, 0},
		{"no limit", sandbox.VolumeQuotas{Gigabytes: -1}, 9000, false, []string{"volume 9000 GB the quota has no limit"}, 0},
		{"exactly as much as is free", sandbox.VolumeQuotas{Gigabytes: 750}, 500, false, []string{"volume 500 GB 750 GB of the quota are free"}, 0},
		{"one GB too few", sandbox.VolumeQuotas{Gigabytes: 749}, 500, false, []string{
			"the volume quota has no room for 250 GB to boot from and 500 GB of data",
		}, fault.Quota},
		{"one volume too few", sandbox.VolumeQuotas{Volumes: 1}, 500, false, []string{
			"the volume quota has no room for 250 GB to boot from and 500 GB of data",
		}, fault.Quota},
		{"a disk that is large enough", sandbox.VolumeQuotas{Gigabytes: 10}, 80, false, []string{
			"flavor m1.large", "volume none the flavor's disk is large enough",
		}, 0},
		{"its volume and the one to boot from take all of the quota", sandbox.VolumeQuotas{Gigabytes: 750}, -500, false, []string{
			"volume 500 GB it is there: mirror01.regionone.donor.opendev.org, with the status available",
		}, 0},
		{"it is there", sandbox.VolumeQuotas{}, 0, true, []string{"it is there, with the status ACTIVE", " IN A 127."}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := sandboxtest.Start(t, sandbox.Options{VolumeQuotas: c.quotas})
			conn := cloudtest.Connect(t, s.CloudsYAML(), "demo")
			if c.disk < 0 { // of the mirror's volume
				sc, err := conn.BlockStorage()
				if err != nil {
					t.Fatal(err)
				}
				c.disk = -c.disk
				v, err := volumes.Create(t.Context(), sc, volumes.CreateOpts{
					Size: c.disk, Name: "mirror01.regionone.donor.opendev.org",
				}, nil).Extract()
				if err == nil {
					err = volumes.WaitForStatus(t.Context(), sc, v.ID, "available")
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if c.boot {
				sc, err := conn.Compute()
				if err != nil {
					t.Fatal(err)
				}
				image, err := s.AddImage(sandbox.Image{Project: "demo", Data: []byte("data"), Name: "base", Visibility: "private"})
				if err != nil {
					t.Fatal(err)
				}
				network, err := conn.Network()
				if err != nil {
					t.Fatal(err)
				}
				private, err := neutron.Resolve(t.Context(), network, "network", "networks", []string{"private"}, nil)
				if err != nil {
					t.Fatal(err)
				}
				made, err := servers.Create(t.Context(), sc, servers.CreateOpts{
					Name: "mirror01.regionone.donor.opendev.org", FlavorRef: "4", ImageRef: image,
					Networks: []servers.Network{{UUID: private[0].ID}},
				}, nil).Extract()
				if err == nil {
					err = servers.WaitForStatus(t.Context(), sc, made.ID, "ACTIVE")
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			p, err := mirror.NewPlan(t.Context(), conn, mirror.Options{
				Domain: "opendev.org", Provider: "Donor", Disk: c.disk, BootDisk: min(max(c.disk, 0), 250),
			})
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			for _, part := range p.Parts {
				text.WriteString(part.Part + " " + part.Value + " " + part.Evidence + "\n")
			}
			said := regexp.MustCompile(` +`).ReplaceAllString(text.String(), " ")
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("no %q in\n%s", want, said)
				}
			}
			if err := p.Problem(); (err != nil) != (c.kind != 0) || err != nil && !fault.Is(err, c.kind) {
				t.Errorf("it ends in %v", err)
			}
		})
	}
}
