package quota_test

import (
	"fmt"
	"math"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/quota"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func world(t *testing.T) (*sandbox.Cloud, *quota.Quotas) {
	t.Helper()
	sb := sandboxtest.Start(t, sandbox.Options{
		ServerQuotas: sandbox.ServerQuotas{Instances: 12, Cores: -1}, VolumeQuotas: sandbox.VolumeQuotas{Gigabytes: 500},
		NetworkQuotas: sandbox.NetworkQuotas{Ports: 7}, ImageQuotas: sandbox.ImageQuotas{CountTotal: 20},
	})
	if _, err := sb.AddImage(sandbox.Image{Name: "web", Project: "demo", Data: make([]byte, 3<<20)}); err != nil {
		t.Fatal(err)
	}
	return sb, read(t, sb)
}

func read(t *testing.T, sb *sandbox.Cloud) *quota.Quotas {
	t.Helper()
	q, err := quota.Read(t.Context(), cloudtest.Connect(t, sb.CloudsYAML(), "demo"))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestRead(t *testing.T) {
	t.Parallel()
	sb, q := world(t)
	if q.Project.ID != sb.ProjectID("demo") || q.Failures() != nil {
		t.Errorf("project %v: %v", q.Project, q.Failures())
	}
	got := map[quota.Resource]string{}
	for _, l := range q.All() {
		got[l.Resource] = fmt.Sprintf("%s %d of %d", l.Service, l.Used, l.Max)
	}
	want := map[quota.Resource]string{
		quota.Instances: "compute 0 of 12", quota.Cores: "compute 0 of -1", quota.RAM: "compute 0 of 51200",
		quota.KeyPairs: "compute -1 of 100", quota.Networks: "network 0 of 100", quota.Subnets: "network 0 of 100",
		quota.Routers: "network 0 of 10", quota.Ports: "network 0 of 7", quota.FloatingIPs: "network 0 of 50",
		quota.SecurityGroups: "network 0 of 10", quota.SecurityGroupRules: "network 0 of 100",
		quota.Volumes: "block-storage 0 of 10", quota.Gigabytes: "block-storage 0 of 500", quota.Snapshots: "block-storage 0 of 10",
		quota.Images: "image 1 of 20", quota.ImageMiB: "image 3 of -1",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for r, free := range map[quota.Resource]int64{quota.Images: 19, quota.Cores: math.MaxInt64, quota.KeyPairs: 100} {
		if l, ok := q.Limit(r); !ok || l.Free() != free {
			t.Errorf("%s: %d free (%t), want %d", r, l.Free(), ok, free)
		}
	}
}

// A cloud that doesn't tell what is used still tells the limits.
func TestReadWithoutDetails(t *testing.T) {
	t.Parallel()
	sb, _ := world(t)
	sb.Faults().Add(sandbox.Rule{Path: "/network/v2.0/quotas/*/details.json", Fault: sandbox.Status(http.StatusNotFound)})
	q := read(t, sb)
	if l, ok := q.Limit(quota.Ports); !ok || l.Max != 7 || l.Used != quota.Unknown || l.Free() != 7 {
		t.Errorf("%+v (%t): %v", l, ok, q.Failures())
	}
}

func TestReadGoesOn(t *testing.T) {
	t.Parallel()
	sb, _ := world(t)
	sb.Faults().Add(sandbox.Rule{Path: "/compute/**", Fault: sandbox.Status(http.StatusForbidden)})
	q := read(t, sb)
	if !fault.Is(q.Failure("compute"), fault.Forbidden) || !fault.Is(q.Failures(), fault.Forbidden) {
		t.Errorf("the Compute service failed with %v", q.Failure("compute"))
	}
	if _, ok := q.Limit(quota.Ports); !ok {
		t.Error("the Network service's quotas are missing")
	}
}
