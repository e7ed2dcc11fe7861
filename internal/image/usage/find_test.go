package usage_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func TestFind(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t)
	var ids []string
	for _, name := range []string{"web", "web", "kernel"} {
		id, err := sb.AddImage(sandbox.Image{
			Name: name, Project: "demo", Visibility: sandbox.Private, Data: []byte("x"), Hidden: len(ids) == 0,
		})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	const gone = "5f0c24f0-6f2e-4b05-9d3e-5c1f0ad3b1c4"
	if _, err := sb.AddServers(sandbox.Server{Name: "orphan", Project: "demo", Image: gone}); err != nil {
		t.Fatal(err)
	}
	admin, demo := cloudtest.Connect(t, sb.CloudsYAML(), "admin"), cloudtest.Connect(t, sb.CloudsYAML(), "demo")
	find := func(as *cloud.Cloud, images ...string) (*usage.Report, error) {
		return usage.Find(t.Context(), []*cloud.Cloud{as}, images, usage.Options{})
	}
	// A name stands for all images that have it, hidden ones included; each is there once.
	r, err := find(admin, "web", strings.ToUpper(ids[0]), gone)
	if err != nil || len(r.Images) != 3 || !r.Images[2].Gone || len(r.Images[2].Uses) != 1 || r.Images[0].Gone {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := r.Complete(); err != nil {
		t.Error(err)
	}
	for _, images := range [][]string{{"nothing"}, {"we"}, {"web", "Kernel"}} {
		if _, err := find(admin, images...); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v: %v", images, err)
		}
	}
	for _, images := range [][]string{nil, {""}, {"web", " "}} {
		if _, err := find(admin, images...); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %v", images, err)
		}
	}
	// A project's own objects are enough for its private images, and for no others.
	if r, err = find(demo, "kernel"); err != nil || r.Complete() != nil {
		t.Errorf("a private image: %v, %v", err, r.Complete())
	}
	// One that retention made private may have been used by others before, and one that is shared with nobody is private.
	for n, c := range []struct {
		image    sandbox.Image
		complete bool
	}{
		{sandbox.Image{Visibility: sandbox.Private, Properties: map[string]string{usage.BeforeKey: `{"visibility": "public"}`}}, false},
		{sandbox.Image{Visibility: sandbox.Private, Properties: map[string]string{usage.BeforeKey: `{"visibility": "private"}`}}, true},
		{sandbox.Image{Visibility: sandbox.Private, Properties: map[string]string{usage.BeforeKey: "?"}}, false},
		{sandbox.Image{Visibility: sandbox.Shared}, true},
		{sandbox.Image{Visibility: sandbox.Shared, Members: map[string]string{"member-a": "pending"}}, false},
		{sandbox.Image{Visibility: sandbox.Community}, false},
	} {
		c.image.Name, c.image.Project, c.image.Data = fmt.Sprint("reach-", n), "demo", []byte("x")
		if _, err := sb.AddImage(c.image); err != nil {
			t.Fatal(err)
		}
		if r, err = find(demo, c.image.Name); err != nil || (r.Complete() == nil) != c.complete {
			t.Errorf("%+v: %v, %v", c.image, err, r.Complete())
		}
	}
	if r, err = find(demo, gone); err != nil || !fault.Is(r.Complete(), fault.Partial) {
		t.Errorf("an image of nobody knows whom: %v, %v", err, r.Complete())
	}
	sb.Faults().Add(sandbox.Rule{Method: http.MethodGet, Path: "/image/v2/images", Fault: sandbox.Status(403)})
	if _, err := find(admin, "web"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a name without a list of images: %v", err)
	}
	r, err = find(admin, gone)
	if err != nil || len(r.Images[0].Uses) != 1 || !fault.Is(r.Complete(), fault.Partial) || r.Complete(usage.Images) != nil {
		t.Errorf("an id without a list of images: %+v, %v", r, err)
	}
}

// Each kind of use has an impact, or a reason why there is none.
func TestImpact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := w.collect()
	breaks := map[string]string{}
	for _, u := range x.Of(w.image) {
		i := u.Impact()
		if i.Why == "" || i.Why == "unknown" || u.Weak && len(i.Breaks) > 0 {
			t.Errorf("%s: %+v", u, i)
		}
		breaks[u.Kind+" "+u.How] = strings.Join(i.Breaks, ",")
	}
	for use, want := range map[string]string{
		"server " + usage.Boots: "rebuild,resize,migrate,evacuate", "server " + usage.BootVolume: "", "image kernel_id": "boot",
		"image base_image_ref": "", "node driver_info/deploy_kernel": "deploy,clean", "node driver_info/rescue_ramdisk": "rescue",
		"node instance_info/image_source": "rebuild", "stack parameter/image": "scale out,rebuild",
		"cluster-template image_id": "create,scale out",
	} {
		if got, ok := breaks[use]; !ok || got != want {
			t.Errorf("%s breaks %q, want %q", use, got, want)
		}
	}
	if i := (usage.Use{Kind: usage.Server, How: usage.Shelved}).Impact(); len(i.Breaks) != 1 || i.Breaks[0] != usage.Unshelve {
		t.Errorf("a shelved server: %+v", i)
	}
}
