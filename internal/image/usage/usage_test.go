package usage_test

import (
	"slices"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// stateOf is what a source showed.
func stateOf(t *testing.T, x *usage.Index, name string) usage.Source {
	t.Helper()
	for _, s := range x.Sources() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no source %q in %+v", name, x.Sources())
	return usage.Source{}
}

func TestServersOfAllProjects(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t, sandbox.Options{})
	id, err := sb.AddImage(sandbox.Image{Name: "web", Project: "demo", Visibility: "public", Data: []byte("data")})
	if err != nil {
		t.Fatal(err)
	}
	demo, admin := cloudtest.Connect(t, sb.CloudsYAML(), "demo"), cloudtest.Connect(t, sb.CloudsYAML(), "admin")
	other := cloudtest.Connect(t, sb.CloudsYAML(), "member-a")
	for _, c := range []*cloud.Cloud{demo, other} {
		sc, err := c.Compute()
		if err != nil {
			t.Fatal(err)
		}
		o := servers.CreateOpts{Name: c.Project().Name, ImageRef: id, FlavorRef: "1"}
		if _, err := servers.Create(t.Context(), sc, o, nil).Extract(); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		as    *cloud.Cloud
		state usage.State
		uses  []string
	}{{admin, usage.Read, []string{"demo", "member-a"}}, {demo, usage.Limited, []string{"demo"}}} {
		x, err := usage.Collect(t.Context(), []*cloud.Cloud{tt.as}, usage.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, u := range x.Of(&glance.Image{ID: id}) {
			names = append(names, u.Name)
		}
		slices.Sort(names)
		if !slices.Equal(names, tt.uses) || stateOf(t, x, usage.Servers).State != tt.state {
			t.Errorf("as %s: %v, %+v; want %v and %s", tt.as.Name(), names, stateOf(t, x, usage.Servers), tt.uses, tt.state)
		}
		if s := stateOf(t, x, usage.Nodes); s.State != tt.state {
			t.Errorf("%+v, want %s", s, tt.state)
		}
		if s := stateOf(t, x, usage.Stacks); s.State != usage.Absent {
			t.Errorf("%+v, want absent", s)
		}
	}
}
