package drain_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/drain"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

var pace = change.Pace{First: 10 * time.Millisecond, Max: 20 * time.Millisecond}

func world(t *testing.T) (*sandbox.Cloud, *cloud.Cloud, *gophercloud.ServiceClient, []string) {
	t.Helper()
	sb := sandboxtest.Start(t, sandbox.Options{})
	ids, err := sb.AddServers(
		sandbox.Server{Name: "np1", Project: "demo", CreatedAt: time.Now().Add(-time.Hour)}, sandbox.Server{Name: "np2", Project: "demo"},
		sandbox.Server{Name: "np3", Project: "demo"}, sandbox.Server{Name: "mirror", Project: "demo"},
	)
	if err != nil {
		t.Fatal(err)
	}
	c := cloudtest.Connect(t, sb.CloudsYAML(), "demo")
	sc, err := c.Compute()
	if err != nil {
		t.Fatal(err)
	}
	for n, provider := range []string{"west", "west", "north"} {
		if err := servers.UpdateMetadata(t.Context(), sc, ids[n], servers.MetadataOpts{
			"nodepool_provider_name": provider, "nodepool_pool_name": "main", "nodepool_node_id": "000000" + ids[n][:2],
		}).Err; err != nil {
			t.Fatal(err)
		}
	}
	return sb, c, sc, ids
}

func TestServers(t *testing.T) {
	t.Parallel()
	_, c, _, ids := world(t)
	found, err := drain.Servers(t.Context(), c, "west")
	if err != nil || len(found) != 2 ||
		found[0].ID != ids[0] || found[0].Name != "np1" || found[0].Pool != "main" ||
		found[1].ID != ids[1] {
		t.Errorf("%+v, %v", found, err)
	}
	if found, err := drain.Servers(t.Context(), c, "south"); err != nil || len(found) != 0 {
		t.Errorf("of another provider: %+v, %v", found, err)
	}
	if _, err := drain.Servers(t.Context(), c, ""); !fault.Is(err, fault.Usage) {
		t.Errorf("of none: %v", err)
	}
}

// counting deletes a server each time that it hears how many are left.
type counting struct {
	report.Reporter
	mu   sync.Mutex
	then func()
	told int
}

func (c *counting) Step(string, ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told++
	c.then()
}

func TestWaits(t *testing.T) {
	t.Parallel()
	sb, c, sc, ids := world(t)
	// The service is unavailable for a moment; that doesn't end the wait.
	sb.Faults().Add(sandbox.Rule{Path: "/compute/v2.1/servers/detail", Nth: 3, Fault: sandbox.Status(503)})
	left := ids[:2]
	rep := &counting{Reporter: report.Discard, then: func() {
		if len(left) > 0 {
			if err := servers.Delete(context.WithoutCancel(t.Context()), sc, left[0]).ExtractErr(); err != nil {
				t.Error(err)
			}
			left = left[1:]
		}
	}}
	found, seen, err := drain.Wait(t.Context(), c, "west", time.Minute, pace, rep)
	if err != nil || len(found) != 0 || !seen || rep.told != 3 {
		t.Errorf("%+v, %v; told %d times", found, err, rep.told)
	}
	if _, seen, err := drain.Wait(t.Context(), c, "nort", time.Minute, pace, report.Discard); err != nil || seen {
		t.Errorf("of a provider that isn't there: %v, %v", seen, err)
	}
	if found, err := drain.Servers(t.Context(), c, "north"); err != nil || len(found) != 1 {
		t.Errorf("the other provider has %+v, %v", found, err)
	}
}

func TestGivesUp(t *testing.T) {
	t.Parallel()
	_, c, _, _ := world(t)
	found, _, err := drain.Wait(t.Context(), c, "west", 5*time.Second, pace, report.Discard)
	if !fault.Is(err, fault.Unavailable) || len(found) != 2 {
		t.Errorf("%+v, %v", found, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := drain.Wait(ctx, c, "west", time.Minute, pace, report.Discard); !fault.Is(err, fault.Cancelled) {
		t.Errorf("stopped: %v", err)
	}
}
