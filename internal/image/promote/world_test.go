package promote_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// realClouds names a clouds.yaml with the entries of real below. With it, the tests that don't
// make requests fail run on that cloud instead of the sandbox.
const realClouds = "IMGCTL_ACCEPTANCE_CLOUDS"

// world is a cloud with an owner of images, two projects that images are shared with, and an
// administrator who watches.
type world struct {
	t       *testing.T
	sandbox *sandbox.Cloud // nil on a real cloud
	file    string         // clouds.yaml
	owner   *connection
	a, b    *connection
	other   *connection
	admin   *connection
	watcher watcher
}

type connection struct {
	*glance.Client
	project string
}

// newWorld is the sandbox, or the real cloud.
func newWorld(t *testing.T) *world {
	t.Helper()
	if file := os.Getenv(realClouds); file != "" {
		return openWorld(t, &world{file: file}, "ci", "zuul", "target", "source")
	}
	return newSandbox(t)
}

// newSandbox is for tests that make requests fail.
func newSandbox(t *testing.T) *world {
	t.Helper()
	if os.Getenv(realClouds) != "" {
		t.Skip("requests can't be made to fail on a real cloud")
	}
	s := sandboxtest.Start(t, sandbox.Options{})
	return openWorld(t, &world{sandbox: s, file: s.CloudsYAML()}, "demo", "member-a", "member-b", "other")
}

func openWorld(t *testing.T, w *world, owner, a, b, other string) *world {
	t.Helper()
	w.t = t
	w.owner, w.a, w.b, w.other, w.admin = w.connect(owner), w.connect(a), w.connect(b), w.connect(other), w.connect("admin")
	_, admin, err := reach(t.Context(), w.file, "admin")
	if err != nil {
		t.Fatal(err)
	}
	w.watcher = watcher{url: strings.TrimSuffix(strings.TrimSuffix(admin.Endpoint, "/"), "/v2"), token: admin.Token()}
	return w
}

// requests are those that the sandbox served, none of a real cloud.
func (w *world) served() []sandbox.Request {
	if w.sandbox == nil {
		return nil
	}
	return w.sandbox.Requests()
}

func (w *world) forget() {
	if w.sandbox != nil {
		w.sandbox.ResetRequests()
	}
}

func (w *world) connect(name string) *connection {
	w.t.Helper()
	c, sc, err := reach(w.t.Context(), w.file, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return &connection{glance.New(sc), c.Project().ID}
}

// reach connects to an entry of a clouds.yaml without the environment, which parallel tests share.
func reach(ctx context.Context, file, name string) (*cloud.Cloud, *gophercloud.ServiceClient, error) {
	c, err := cloudtest.Open(ctx, file, name)
	if err != nil {
		return nil, nil, err
	}
	sc, err := c.Image()
	return c, sc, err
}

// site is the owner's view, with the members' credentials for accepting.
func (w *world) site() promote.Site {
	return promote.Site{
		Images: w.owner.Client, Project: w.owner.project, Run: string(cloud.NewRun()),
		Acceptors: map[string]*glance.Client{w.a.project: w.a.Client, w.b.project: w.b.Client},
	}
}

// login is site with logins of its own.
func (w *world) login() (promote.Site, error) {
	site := promote.Site{Run: string(cloud.NewRun()), Acceptors: map[string]*glance.Client{}}
	for _, entry := range []string{"member-a", "member-b", "demo"} {
		c, sc, err := reach(w.t.Context(), w.file, entry)
		if err != nil {
			return site, err
		}
		w.t.Cleanup(c.Close)
		site.Images, site.Project = glance.New(sc), c.Project().ID
		site.Acceptors[site.Project] = site.Images
	}
	return site, nil
}

// image makes an active image of the owner.
func (w *world) image(name string, attributes map[string]any) string {
	w.t.Helper()
	return w.imageOf(w.owner, name, attributes)
}

func (w *world) imageOf(owner *connection, name string, attributes map[string]any) string {
	w.t.Helper()
	all := map[string]any{
		"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private", "nonce": string(cloud.NewRun()),
	}
	maps.Copy(all, attributes)
	img, err := owner.Create(w.t.Context(), all, "nonce", all["nonce"].(string))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.sandbox == nil {
		w.t.Cleanup(func() {
			if err := w.admin.Delete(context.Background(), img.ID); err != nil {
				w.t.Error(err)
			}
		})
	}
	if err := owner.Upload(w.t.Context(), img.ID, strings.NewReader(name)); err != nil {
		w.t.Fatal(err)
	}
	return img.ID
}

// share shares an image: member a has accepted, member b is pending.
func (w *world) share(id string) {
	w.t.Helper()
	ctx := w.t.Context()
	_, err := w.owner.Update(ctx, id, glance.Patch{}.Visibility(glance.Shared))
	for _, do := range []func() error{
		func() error { return err },
		func() error { return w.owner.AddMember(ctx, id, w.a.project) },
		func() error { return w.owner.AddMember(ctx, id, w.b.project) },
		func() error { return w.a.SetMemberStatus(ctx, id, w.a.project, glance.Accepted) },
	} {
		if err := do(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// name is a name of its own with a current image that is shared, and a new image for it.
type name struct {
	*world
	name, old, fresh string
	bystanders       map[string]string // JSON by id of images that nobody may touch
}

func (w *world) newName(text string) *name {
	w.t.Helper()
	if w.sandbox == nil {
		text += " " + string(cloud.NewRun())[:8] // a real cloud may have images of other tests
	}
	n := &name{world: w, name: text}
	n.old = w.image(text, map[string]any{
		"os_distro": "debian", "cinder_encryption_key_id": "key", "os_encrypt_format": "LUKS", "block_device_mapping": "[]",
		"img_signature": "signature", "base_image_ref": "image",
	})
	w.share(n.old)
	n.bystanders = map[string]string{}
	for _, id := range []string{
		w.image(text+"-customer", nil), w.image("my "+text, nil), w.image(strings.ToUpper(text), nil),
		w.imageOf(w.other, text, nil),
	} {
		n.bystanders[id] = w.watcher.text(w.t, "/v2/images/"+id)
	}
	n.fresh = w.image(text+" build", nil)
	return n
}

func (n *name) options() promote.Options {
	return promote.Options{ImageID: n.fresh, Name: n.name}
}

// check fails the test unless the promotion is complete: one image of the name, visible, with
// a's and b's statuses; the old one archived without members; no trace of the transaction.
func (n *name) check(t *testing.T, current string) {
	t.Helper()
	carriers := n.watcher.carriers(t, n.owner.project, n.name)
	if len(carriers) != 1 || carriers[0].ID != current || carriers[0].Hidden {
		t.Fatalf("images of the name %q are %v, want only %s", n.name, carriers, current)
	}
	want := map[string]string{n.a.project: glance.Accepted, n.b.project: glance.Pending}
	if got := n.watcher.members(t, current); !maps.Equal(got, want) {
		t.Errorf("members of the current image are %v, want %v", got, want)
	}
	for id, before := range n.bystanders {
		if now := n.watcher.text(t, "/v2/images/"+id); now != before {
			t.Errorf("bystander changed\nfrom %s\n  to %s", before, now)
		}
	}
	for _, hidden := range []string{"true", "false"} {
		for _, img := range n.watcher.images(t, url.Values{"owner": {n.owner.project}, "os_hidden": {hidden}}) {
			if img.Properties["imgctl_promoting"] == n.name {
				t.Errorf("image %s still carries the journal: %v", img, img.Properties)
			}
		}
	}
}

// archived checks that the image is archived from the name.
func (n *name) archived(t *testing.T, id string) {
	t.Helper()
	img := n.watcher.image(t, id)
	if !strings.HasPrefix(img.Name, "archive "+n.name+" ") || img.Properties[promote.ArchivedFromKey] != n.name {
		t.Errorf("image %s (properties %v) isn't archived from %q", img, img.Properties, n.name)
	}
}

// invariants reports what must hold at every moment and doesn't. It looks again where the name
// went to another image while it was looking.
func (n *name) invariants() error {
	for {
		carriers, err := n.watcher.visible(n.owner.project, n.name)
		if err != nil {
			return err
		}
		accepted := false
		for _, img := range carriers {
			if img.Visibility != glance.Shared {
				continue
			}
			members, err := n.watcher.memberStatus(img.ID)
			if err != nil {
				return err
			}
			accepted = accepted || members[n.a.project] == glance.Accepted
		}
		again, err := n.watcher.visible(n.owner.project, n.name)
		switch {
		case err != nil:
			return err
		case fmt.Sprint(again) != fmt.Sprint(carriers):
			continue
		case len(carriers) == 0:
			return errors.New("there is no image of the name")
		case !accepted:
			return fmt.Errorf("project a lost the name (images %v)", carriers)
		}
		return nil
	}
}

// watched collects violations of the invariants.
type watched struct {
	mu   sync.Mutex
	errs []string
}

// during looks at the invariants while work is done: after each request on the sandbox, as often
// as possible on a real cloud.
func (v *watched) during(n *name, work func()) {
	if n.sandbox != nil {
		n.sandbox.Faults().Add(v.rule(n))
		defer n.sandbox.Faults().Clear()
		work()
		return
	}
	done := make(chan struct{})
	var looks sync.WaitGroup
	looks.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				if err := n.invariants(); err != nil {
					v.mu.Lock()
					v.errs = append(v.errs, err.Error())
					v.mu.Unlock()
				}
			}
		}
	})
	work()
	close(done)
	looks.Wait()
}

func (v *watched) look(n *name, r *http.Request) {
	if err := n.invariants(); err != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.errs = append(v.errs, fmt.Sprintf("after %s %s: %v", r.Method, r.URL.Path, err))
	}
}

func (v *watched) report(t *testing.T) {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, e := range v.errs {
		t.Error(e)
	}
}

// concerns matches requests of the code under test, logins included: all but the watcher's.
func concerns(r *http.Request) bool {
	return r.Header.Get("X-Watcher") == "" && transaction(r.URL.Path)
}

// transaction reports whether requests to a path are part of a promotion.
func transaction(path string) bool {
	return strings.HasPrefix(path, "/image/") || strings.HasPrefix(path, "/identity/")
}

// step matches what concerns matches, without the heartbeats of the claim: how many of those there
// are hangs on the machine's pace.
func (n *name) step(r *http.Request) bool {
	return concerns(r) && (r.Method != http.MethodPatch || strings.HasSuffix(r.URL.Path, n.old) || strings.HasSuffix(r.URL.Path, n.fresh))
}

// watch rules let every request through and look at the invariants after each one.
func (v *watched) rule(n *name) sandbox.Rule {
	return sandbox.Rule{Match: concerns, Fault: sandbox.Fault{Do: sandbox.Observe, After: func(r *http.Request) { v.look(n, r) }}}
}

// watcher reads the Image service as an administrator, by means of its own.
type watcher struct{ url, token string }

func (o watcher) get(path string, into any) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, o.url+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("X-Auth-Token", o.token)
	req.Header.Set("X-Watcher", "yes")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	if text, ok := into.(*string); ok {
		*text = string(body)
		return nil
	}
	return json.Unmarshal(body, into)
}

func (o watcher) text(t *testing.T, path string) string {
	t.Helper()
	var s string
	if err := o.get(path, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func (o watcher) list(q url.Values) ([]*glance.Image, error) {
	var list struct{ Images []*glance.Image }
	q.Set("limit", "1000")
	err := o.get("/v2/images?"+q.Encode(), &list)
	return list.Images, err
}

func (o watcher) images(t *testing.T, q url.Values) []*glance.Image {
	t.Helper()
	images, err := o.list(q)
	if err != nil {
		t.Fatal(err)
	}
	return images
}

func (o watcher) image(t *testing.T, id string) *glance.Image {
	t.Helper()
	var img glance.Image
	if err := o.get("/v2/images/"+id, &img); err != nil {
		t.Fatal(err)
	}
	return &img
}

// carriers are the images of the name, hidden ones included. The service's filter takes no notice
// of case.
func (o watcher) carriers(t *testing.T, owner, name string) []*glance.Image {
	t.Helper()
	return slices.DeleteFunc(slices.Concat(
		o.images(t, url.Values{"owner": {owner}, "name": {name}}),
		o.images(t, url.Values{"owner": {owner}, "name": {name}, "os_hidden": {"true"}}),
	), func(i *glance.Image) bool { return i.Name != name })
}

// visible are the images that who asks for the name finds.
func (o watcher) visible(owner, name string) ([]*glance.Image, error) {
	images, err := o.list(url.Values{"owner": {owner}, "name": {name}})
	return slices.DeleteFunc(images, func(i *glance.Image) bool { return i.Name != name }), err
}

func (o watcher) memberStatus(id string) (map[string]string, error) {
	var list struct{ Members []glance.Member }
	err := o.get("/v2/images/"+id+"/members", &list)
	status := map[string]string{}
	for _, m := range list.Members {
		status[m.ProjectID] = m.Status
	}
	return status, err
}

func (o watcher) members(t *testing.T, id string) map[string]string {
	t.Helper()
	status, err := o.memberStatus(id)
	if err != nil {
		t.Fatal(err)
	}
	return status
}
