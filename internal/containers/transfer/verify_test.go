package transfer_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
)

// What a registry lists as attached to an image has to be there, too.
func TestVerifyReadsWhatIsAttached(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, sbom := s.signed(t)
	c := client(t, registry.Options{})
	verify := func(o transfer.Options) *transfer.Checked {
		all := transfer.Verify(t.Context(), transfer.Registries(c), []reference.Reference{parse(t, s.host+"/ns/a:1")}, true, o)
		return all[0]
	}
	if one := verify(transfer.Options{}); one.Err != nil || one.Attached != 4 {
		t.Errorf("%+v", one)
	}
	s.rule(func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if !strings.HasSuffix(r.URL.Path, "/manifests/"+sbom.String()) {
			return false
		}
		http.Error(w, `{"errors": [{"code": "MANIFEST_UNKNOWN"}]}`, http.StatusNotFound)
		return true
	})
	one := verify(transfer.Options{})
	if !fault.Is(one.Err, fault.NotFound) || !strings.Contains(one.Err.Error(), "what is attached to sha256:") {
		t.Errorf("without the SBOM's manifest: %v", one.Err)
	}
	if one := verify(transfer.Options{Referrers: transfer.NoReferrers}); one.Err != nil || one.Attached != 0 {
		t.Errorf("when it doesn't count: %+v", one)
	}
}

// A plan tells before it is applied what it can't copy.
func TestAPlanTellsWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	from, to := start(t), start(t)
	from.push(t, "ns/a:1", layer(t, 1000))
	c := client(t, registry.Options{})
	both := jobs(t, from, []string{"ns/a:1", "ns/missing:1"}, to)
	plan, err := transfer.NewPlan(t.Context(), transfer.Registries(c), both, transfer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var p change.Plan = plan
	some, ok := p.(change.Incomplete)
	if !ok || !fault.Is(some.LeftOut(), fault.Partial) || !strings.Contains(some.LeftOut().Error(), "ns/missing:1") {
		t.Errorf("%v", plan.LeftOut())
	}
	whole, err := transfer.NewPlan(t.Context(), transfer.Registries(c), jobs(t, from, []string{"ns/a:1"}, to), transfer.Options{})
	if err != nil || whole.LeftOut() != nil {
		t.Errorf("%v, %v", err, whole.LeftOut())
	}
}
