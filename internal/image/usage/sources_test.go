package usage_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// Every use in every state is found, through all pages, and reading sends nothing but reads.
func TestAllSources(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ResetRequests()
	x := w.collect()
	for _, s := range x.Sources() {
		if s.State != usage.Read || s.Uses == 0 {
			t.Errorf("%+v", s)
		}
	}
	if diff := cmp.Diff(w.uses, w.found(x)); diff != "" {
		t.Errorf("-there are, +found:\n%s", diff)
	}
	for _, r := range w.Requests() {
		if r.Method != http.MethodGet && !strings.HasSuffix(r.Path, "/auth/tokens") {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
	// Nobody uses another image.
	if uses := x.Of(&glance.Image{ID: "b6dd6f1c-7d0a-4f0e-9e2b-3a4e3a8b5a11", Name: "other", Tags: []string{"x"}}); len(uses) != 0 {
		t.Errorf("uses of nothing: %v", uses)
	}
	// A shelved server is in its image.
	var in []string
	for _, u := range x.Of(&glance.Image{ID: w.shelved(t)}) {
		in = append(in, u.Kind+" "+u.How)
	}
	if !slices.Equal(in, []string{usage.Server + " " + usage.Shelved}) {
		t.Errorf("the image of a shelved server: %v", in)
	}
}

// shelved is an image that a shelved server is in.
func (w *world) shelved(t *testing.T) string {
	t.Helper()
	sc, err := w.admin.Image()
	if err != nil {
		t.Fatal(err)
	}
	images, err := glance.New(sc).Images(t.Context(), glance.Query{Name: "x-shelved", Visibility: "all"})
	if err != nil || len(images) == 0 {
		t.Fatal(images, err)
	}
	return images[0].ID
}

// A member sees the project's own, and the sources say so.
func TestAsMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	member := cloudtest.Connect(t, w.CloudsYAML(), "member-a")
	x, err := usage.Collect(t.Context(), []*cloud.Cloud{member}, usage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]usage.State{
		usage.Amphorae: usage.Forbidden, usage.FlavorProfiles: usage.Forbidden, usage.DatastoreVersions: usage.Forbidden,
	}
	for _, s := range x.Sources() {
		state := want[s.Name]
		if state == "" {
			state = usage.Limited
		}
		if s.State != state || s.Detail == "" {
			t.Errorf("%+v, want %s", s, state)
		}
	}
	servers := 0
	for _, u := range x.Of(w.image) {
		if u.Kind == usage.Server {
			servers++
		}
	}
	if servers != len(states)/2 {
		t.Errorf("%d servers of the project, want %d", servers, len(states)/2)
	}
}

func TestAbsentServices(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t)
	x, err := usage.Collect(t.Context(), []*cloud.Cloud{cloudtest.Connect(t, sb.CloudsYAML(), "admin")}, usage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	absent := []string{usage.Stacks, usage.ClusterTemplates, usage.Amphorae, usage.FlavorProfiles, usage.DatastoreVersions}
	var got []string
	for _, s := range x.Incomplete() {
		if s.State != usage.Absent {
			t.Errorf("%+v", s)
		}
		got = append(got, s.Name)
	}
	if !slices.Equal(got, absent) {
		t.Errorf("absent: %v, want %v", got, absent)
	}
	if more := x.Incomplete(absent...); len(more) != 0 {
		t.Errorf("incomplete, whatever is excepted: %v", more)
	}
}

// Whichever read fails, for whatever reason, nothing that isn't found passes for unused: its source says that
// it wasn't read.
func TestEachReadFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ResetRequests()
	whole := w.collect()
	requests := w.Requests()
	total := w.found(whole)
	for _, f := range []sandbox.Fault{sandbox.Status(403), sandbox.Status(404), sandbox.Status(400)} {
		for _, r := range requests {
			w.Faults().Clear()
			// From this page on, as in an outage: what is repeated fails again.
			path, query := r.Path, r.Query
			w.Faults().Add(sandbox.Rule{
				Method: http.MethodGet, Fault: f,
				Match: func(q *http.Request) bool { return q.URL.Path == path && q.URL.RawQuery == query },
			})
			x := w.collect()
			if found := w.found(x); !slices.Equal(found, total) && len(x.Incomplete()) == 0 {
				t.Errorf("%s at %s?%s: %d of %d uses found, and all was read", f, path, query, len(found), len(total))
			}
		}
	}
}

// A read that is repeated finds everything.
func TestReadsAreRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, f := range []sandbox.Fault{
		sandbox.Status(503), {Do: sandbox.DropBefore}, {Do: sandbox.Truncate}, {Do: sandbox.Answer, Status: 429, RetryAfter: "0"},
	} {
		w.Faults().Clear()
		w.Faults().Add(sandbox.Rule{Method: http.MethodGet, Rate: 0.2, Seed: 7, Fault: f})
		x := w.collect()
		if diff := cmp.Diff(w.uses, w.found(x)); diff != "" || len(x.Incomplete()) != 0 {
			t.Errorf("%s: %v\n%s", f, x.Incomplete(), diff)
		}
	}
}
