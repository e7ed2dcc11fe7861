package retention_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// missing are the sources that a sandbox has not.
const missing = "may_be_missing: [soft-deleted-servers, volume-backups, nodes, stacks, cluster-templates, amphorae, flavor-profiles, " +
	"datastore-versions]\n"

// months hides images after 12 months and deletes them after 18.
const months = "version: 1\nname: months\nselect: {names: [\"web*\"]}\ngroup: [os]\nkeep: 1\nmin_age: 1d\nage: {from: created}\n" +
	"stages: {12mo: hide, 18mo: delete}\n" + missing

// atOnce deletes what an earlier run has marked, however many images that are.
const atOnce = "grace: 0\nbudget: {images: 50, percent: 100}\n"

// world is a sandbox, seen by its administrator.
type world struct {
	*sandbox.Cloud
	t    *testing.T
	as   *cloud.Cloud
	site retention.Site
	now  time.Time
}

func newWorld(t *testing.T, o sandbox.Options) *world {
	t.Helper()
	w := &world{Cloud: sandboxtest.Start(t, o), t: t, now: time.Now().Add(o.ClockOffset).UTC()}
	w.as = cloudtest.Connect(t, w.CloudsYAML(), "admin")
	w.site = must(retention.NewSite(w.as, retention.UsersOf([]*cloud.Cloud{w.as}, usage.Options{})))
	return w
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// old adds an image of the administrator's that was made so many months ago.
func (w *world) old(name string, months int, change ...func(*sandbox.Image)) string {
	w.t.Helper()
	i := sandbox.Image{
		Name: name, Project: "admin", Visibility: "public", Data: []byte("data"), CreatedAt: w.now.AddDate(0, -months, -1),
		Properties: map[string]string{},
	}
	for _, c := range change {
		c(&i)
	}
	return must(w.AddImage(i))
}

func with(key, value string) func(*sandbox.Image) {
	return func(i *sandbox.Image) { i.Properties[key] = value }
}

// boot starts a server of the demo project from an image.
func (w *world) boot(image string) (*gophercloud.ServiceClient, string) {
	w.t.Helper()
	sc := must(cloudtest.Connect(w.t, w.CloudsYAML(), "demo").Compute())
	s, err := servers.Create(w.t.Context(), sc, servers.CreateOpts{Name: "user", ImageRef: image, FlavorRef: "1"}, nil).Extract()
	if err != nil {
		w.t.Fatal(err)
	}
	return sc, s.ID
}

func policy(t *testing.T, text string) *retention.Policy {
	t.Helper()
	p, err := retention.ParsePolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *world) plan(text string) *retention.Plan {
	w.t.Helper()
	p, err := retention.NewPlan(w.t.Context(), w.site, policy(w.t, text))
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// run plans and applies.
func (w *world) run(text string) *retention.Plan {
	w.t.Helper()
	p := w.plan(text)
	if err := p.Apply(w.t.Context(), report.Discard); err != nil {
		w.t.Fatal(err)
	}
	return p
}

func entry(t *testing.T, p *retention.Plan, id string) *retention.Entry {
	t.Helper()
	for _, e := range p.Images {
		if e.ID == id {
			return e
		}
	}
	t.Fatalf("the plan has no image %s", id)
	return nil
}

// expect checks an image's action, and that its reason or evidence has some words.
func expect(t *testing.T, p *retention.Plan, id, action, says string) {
	t.Helper()
	e := entry(t, p, id)
	if text := e.Reason + "; " + strings.Join(e.Evidence, "; "); e.Action != action || !strings.Contains(text, says) {
		t.Errorf("image %q: action %q, %s; want %q and %q", e.Name, e.Action, text, action, says)
	}
}

// image is an image as it is now; nil if it is gone.
func (w *world) image(id string) *glance.Image {
	w.t.Helper()
	img, err := w.site.Images.Image(w.t.Context(), id)
	if err != nil {
		return nil
	}
	return img
}

// is an image's state in a few words, "gone" without one.
func (w *world) is(id string) string {
	img := w.image(id)
	if img == nil {
		return "gone"
	}
	text := img.Status + " " + img.Visibility
	if img.Hidden {
		text += " hidden"
	}
	if stage := retention.StageOf(img); stage != "" {
		text += " stage " + stage
	}
	return text
}

func (w *world) want(id, state string) {
	w.t.Helper()
	if got := w.is(id); got != state {
		w.t.Errorf("image %s is %s, want %s", id, got, state)
	}
}

// writes are the requests that changed something.
func (w *world) writes() (found []string) {
	for _, r := range w.Requests() {
		if r.Method != http.MethodGet && !strings.HasSuffix(r.Path, "/auth/tokens") {
			found = append(found, r.Method+" "+r.Path)
		}
	}
	return found
}

// all is every image of the sandbox, a line each.
func (w *world) all() string {
	w.t.Helper()
	images, err := w.site.Images.Images(w.t.Context(), glance.Query{Visibility: "all", BothHidden: true})
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, i := range images {
		lines = append(lines, fmt.Sprint(i.Name, " ", w.is(i.ID), " ", i.Properties[retention.ReplacedByKey] != "", w.Members(i.ID)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
