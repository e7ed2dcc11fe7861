package share_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/share"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// realClouds names a clouds.yaml with the entries of realNames below. With it, the tests that need no
// look inside run on that cloud instead of the sandbox.
const realClouds = "IMGCTL_ACCEPTANCE_CLOUDS"

// realNames are the entries of a real cloud's clouds.yaml for those of the sandbox.
var realNames = map[string]string{"demo": "ci", "member-a": "zuul", "member-b": "target", "other": "source", "admin": "admin"}

// world is a cloud with an owner of images ("demo"), projects that they are shared with
// ("member-a", "member-b", "other") and an administrator ("admin").
type world struct {
	t       *testing.T
	sandbox *sandbox.Cloud // nil on a real cloud
	clouds  share.Clouds
	suffix  string // of images' names on a real cloud, which has other tests' images
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if file := os.Getenv(realClouds); file != "" {
		w := &world{t: t, suffix: " " + string(cloud.NewRun())[:8]}
		w.clouds = share.Cached(func(ctx context.Context, name string) (*share.Tenancy, error) {
			return reach(ctx, file, realNames[name], name)
		})
		return w
	}
	return newSandbox(t, sandbox.Options{})
}

// newSandbox is for tests that look inside or make requests fail.
func newSandbox(t *testing.T, o sandbox.Options) *world {
	t.Helper()
	if os.Getenv(realClouds) != "" {
		t.Skip("it looks inside the sandbox")
	}
	w := &world{t: t, sandbox: sandboxtest.Start(t, o)}
	w.clouds = opener(w.sandbox)
	return w
}

// opener opens a sandbox's clouds, each once, "" being the default one.
func opener(s *sandbox.Cloud) share.Clouds {
	return share.Cached(func(ctx context.Context, name string) (*share.Tenancy, error) {
		if name == "" {
			name = sandbox.DefaultCloud
		}
		return reach(ctx, s.CloudsYAML(), name, name)
	})
}

// reach connects to an entry of a clouds.yaml without the environment, which parallel tests share.
func reach(ctx context.Context, file, entry, as string) (*share.Tenancy, error) {
	c, err := cloudtest.Open(ctx, file, entry)
	if err != nil {
		return nil, err
	}
	site, err := share.NewTenancy(c)
	if err == nil {
		site.Cloud = as
	}
	return site, err
}

func (w *world) site(name string) *share.Tenancy {
	w.t.Helper()
	s, err := w.clouds(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) project(name string) string {
	w.t.Helper()
	return w.site(name).Project.ID
}

// image makes an active image of demo.
func (w *world) image(name string, attributes map[string]any) string {
	w.t.Helper()
	return w.imageOf("demo", name, attributes)
}

func (w *world) imageOf(owner, name string, attributes map[string]any) string {
	w.t.Helper()
	site := w.site(owner)
	all := map[string]any{
		"name": name + w.suffix, "disk_format": "raw", "container_format": "bare", "visibility": "private", "nonce": string(cloud.NewRun()),
	}
	maps.Copy(all, attributes)
	img, err := site.Images.Create(w.t.Context(), all, "nonce", all["nonce"].(string))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.sandbox == nil {
		w.t.Cleanup(func() { _ = site.Images.Delete(context.Background(), img.ID) })
	}
	if err := site.Images.Upload(w.t.Context(), img.ID, strings.NewReader("data of "+name)); err != nil {
		w.t.Fatal(err)
	}
	return img.ID
}

// member makes a project a member of a shared image, with a status.
func (w *world) member(image, name, status string) {
	w.t.Helper()
	ctx := w.t.Context()
	owner, member := w.site("demo"), w.site(name)
	for _, do := range []func() error{
		func() error {
			_, err := owner.Images.Update(ctx, image, glance.Patch{}.Visibility(glance.Shared))
			return err
		},
		func() error { return owner.Images.AddMember(ctx, image, member.Project.ID) },
		func() error { return member.Images.SetMemberStatus(ctx, image, member.Project.ID, status) },
	} {
		if err := do(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// members are the statuses of a shared image's members by project id.
func (w *world) members(image string) map[string]string {
	w.t.Helper()
	list, err := w.site("demo").Images.Members(w.t.Context(), image)
	if err != nil {
		w.t.Fatal(err)
	}
	now := map[string]string{}
	for _, m := range list {
		now[m.ProjectID] = m.Status
	}
	return now
}

func (w *world) expectMembers(image string, want map[string]string) {
	w.t.Helper()
	byID := map[string]string{}
	for name, status := range want {
		byID[w.project(name)] = status
	}
	if got := w.members(image); !maps.Equal(got, byID) {
		w.t.Errorf("members of the image are %v, want %v", got, byID)
	}
}

func (w *world) get(image string) *glance.Image {
	w.t.Helper()
	img, err := w.site("demo").Images.Image(w.t.Context(), image)
	if err != nil {
		w.t.Fatal(err)
	}
	return img
}

// tree is all that people see of the images: attributes, properties and members, those included
// that a private image keeps.
func (w *world) tree(images ...string) string {
	w.t.Helper()
	var b strings.Builder
	for _, id := range images {
		img, ok := w.sandbox.Image(id)
		if !ok {
			w.t.Fatalf("image %s is gone", id)
		}
		fmt.Fprintf(&b, "%s %s %s %v hidden=%t %v %v\n", id, img.Name, img.Visibility, img.Tags, img.Hidden, img.Properties,
			w.sandbox.Members(id))
	}
	return b.String()
}

// forget empties the log of requests; wrote says which of those since then changed something.
func (w *world) forget() {
	if w.sandbox != nil {
		w.sandbox.ResetRequests()
	}
}

func (w *world) wrote() []string {
	if w.sandbox == nil {
		return nil
	}
	var out []string
	for _, r := range w.sandbox.Requests() {
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !strings.HasSuffix(r.Path, "/auth/tokens") {
			out = append(out, r.Method+" "+r.Path)
		}
	}
	return out
}

func (w *world) add(o share.AddOptions) error {
	p, err := share.PlanAdd(w.t.Context(), w.clouds, o)
	if err != nil {
		return err
	}
	return share.Apply(w.t.Context(), p, report.Discard)
}

func (w *world) mustAdd(o share.AddOptions) {
	w.t.Helper()
	if err := w.add(o); err != nil {
		w.t.Fatal(err)
	}
}

func images(ids ...string) share.Selection { return share.Selection{Images: ids} }

// apply applies a plan that was made without an error.
func (w *world) apply(p *share.Plan, err error) {
	w.t.Helper()
	if err == nil {
		err = share.Apply(w.t.Context(), p, report.Discard)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind fault.Kind, words ...string) {
	t.Helper()
	if err == nil || !fault.Is(err, kind) {
		t.Errorf("error is %v, of kind %v; want kind %v", err, fault.KindOf(err), kind)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
}

// writesNothing fails the test where do changes anything in the cloud.
func (w *world) writesNothing(do func()) {
	w.t.Helper()
	w.forget()
	do()
	if wrote := w.wrote(); len(wrote) > 0 {
		w.t.Errorf("it wrote %q", wrote)
	}
}

func sorted(s ...string) []string { return slices.Sorted(slices.Values(s)) }
