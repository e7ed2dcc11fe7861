package ironic_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func client(t *testing.T, s *sandbox.Cloud, entry string) *ironic.Client {
	t.Helper()
	sc, err := cloudtest.Connect(t, s.CloudsYAML(), entry).BareMetal()
	if err != nil {
		t.Fatal(err)
	}
	return ironic.Reserving(sc)
}

func TestNodesThroughAllPages(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t, sandbox.Options{Baremetal: sandbox.Baremetal{MaxPage: 2}})
	for n := range 3 {
		s.AddNode(sandbox.Node{Name: fmt.Sprintf("more-%d", n), Kernel: "k", ResourceClass: "other"})
	}
	c := client(t, s, "admin")
	nodes, err := c.Nodes(t.Context(), []string{"uuid", "name", "driver_info"}, nil)
	if err != nil || len(nodes) != 6 {
		t.Fatalf("%d nodes, %v", len(nodes), err)
	}
	if n := nodes[5]; n.Name != "more-2" || ironic.Text(n.DriverInfo, "deploy_kernel") != "k" || n.ProvisionState != "" {
		t.Errorf("%+v", n)
	}
	nodes, err = c.Nodes(t.Context(), []string{"uuid", "provision_state"}, url.Values{"resource_class": {"other"}})
	if err != nil || len(nodes) != 3 || nodes[0].ProvisionState != ironic.Available { // the links have no filter
		t.Errorf("%d nodes of the class, %v", len(nodes), err)
	}
	if _, err := c.Nodes(t.Context(), []string{"nonsense"}, nil); err == nil ||
		!strings.Contains(err.Error(), "no attribute 'nonsense'") {
		t.Errorf("a field that doesn't exist: %v", err)
	}
	if nodes, err := client(t, s, "demo").Nodes(t.Context(), []string{"uuid"}, nil); err != nil || len(nodes) > 0 {
		t.Errorf("a member sees %d nodes, %v", len(nodes), err)
	}
}

func TestPatch(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	c := client(t, s, "admin")
	both := ironic.Patch{}.Set("/driver_info/deploy_kernel", "k", false).Set("/driver_info/deploy_ramdisk", "r", false)
	none := ironic.Patch{}.Set("/driver_info/deploy_kernel", "", true).Set("/driver_info/deploy_ramdisk", "", true)
	for _, f := range []sandbox.Fault{
		{Do: sandbox.Observe},
		sandbox.StatusAfter(http.StatusInternalServerError), sandbox.Status(http.StatusServiceUnavailable),
		{Do: sandbox.DropAfter},
		{Do: sandbox.DropBefore},
	} {
		s.Faults().Add(sandbox.Rule{Method: "PATCH", Nth: 1, Fault: f})
		n, err := c.Patch(t.Context(), "node-1", both)
		if err != nil || ironic.Text(n.DriverInfo, "deploy_ramdisk") != "r" {
			t.Fatalf("%s: %v", f, err)
		}
		s.Faults().Clear()
		s.Faults().Add(sandbox.Rule{Method: "PATCH", Nth: 1, Fault: f})
		n, err = c.Patch(t.Context(), "node-1", none)
		if err != nil || len(n.DriverInfo) > 0 {
			t.Fatalf("%s, removing: %v", f, err)
		}
		s.Faults().Clear()
	}
	twice := ironic.Patch{{Op: "add", Path: "/extra/x", Value: 1}, {Op: "remove", Path: "/extra/y"}}
	if _, err := c.Patch(t.Context(), "node-1", twice); err == nil ||
		!strings.Contains(err.Error(), "can't remove a non-existent object 'y'") {
		t.Errorf("removing what isn't there: %v", err)
	}
	if n, err := c.Node(t.Context(), "node-1"); err != nil || len(n.Extra) > 0 {
		t.Errorf("a refused patch left %v, %v", n.Extra, err)
	}
	s.LockNode("node-1", true)
	if _, err := c.Patch(t.Context(), "node-1", both); !fault.Is(err, fault.Conflict) ||
		!strings.Contains(err.Error(), "is locked by host") {
		t.Errorf("a locked node: %v", err)
	}
	s.LockNode("node-1", false)
	if _, err := c.Patch(t.Context(), "nothing", both); !fault.Is(err, fault.NotFound) {
		t.Errorf("no node: %v", err)
	}
}

func TestProvisionAndAllocations(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t)
	c := client(t, s, "admin")
	ask := ironic.Allocation{UUID: uuid.NewString(), Name: "mine", Class: "baremetal", Candidates: []string{"node-2"}}
	got, err := c.Allocate(t.Context(), ask)
	if err != nil || got.State != "active" {
		t.Fatalf("%+v, %v", got, err)
	}
	n, err := c.Node(t.Context(), got.Node)
	if err != nil || n.Name != "node-2" || n.InstanceID != ask.UUID {
		t.Fatalf("%+v, %v", n, err)
	}
	again := ask
	again.UUID = uuid.NewString()
	if _, err := c.Allocate(t.Context(), again); !fault.Is(err, fault.Conflict) {
		t.Errorf("the name again: %v", err)
	}
	again.Name = "other"
	if _, err := c.Allocate(t.Context(), again); !fault.Is(err, fault.Conflict) || s.Reservations() != 1 {
		t.Errorf("the node again: %v, with %d allocations left", err, s.Reservations())
	}
	s.Faults().Add(sandbox.Rule{Method: "PUT", Nth: 1, Fault: sandbox.Fault{Do: sandbox.DropAfter}})
	if err := c.Provision(t.Context(), n.ID, "active", nil, func(n *ironic.Node) bool {
		return n.ProvisionState == ironic.Active || n.TargetState == ironic.Active
	}); err != nil {
		t.Fatalf("a lost response: %v", err)
	}
	if err := c.Provision(t.Context(), n.ID, "provide", nil, func(*ironic.Node) bool { return false }); err == nil {
		t.Error("an active node was provided")
	}
}

func TestPagesThatDontEnd(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t, sandbox.Options{Baremetal: sandbox.Baremetal{MaxPage: 1}})
	c := client(t, s, "admin")
	s.Faults().Add(sandbox.Rule{Path: "/baremetal/**", Fault: sandbox.Fault{Do: sandbox.Observe, Before: func(r *http.Request) {
		q := r.URL.Query()
		q.Del("marker") // the first page again and again
		r.URL.RawQuery = q.Encode()
	}}})
	if _, err := c.Nodes(t.Context(), []string{"uuid"}, nil); err == nil || !strings.Contains(err.Error(), "goes in a circle") {
		t.Errorf("%v", err)
	}
}
