package sync_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/boottest"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync"
	"github.com/imgctl/packer-plugin-openstack/internal/image/sync/store"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

const stream = "CC-CentOS9-Stream" // ends in letters of .manifest

func TestEmptySiteThenNothingThenANewRelease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.release(stream, "20250422-v1", "first data", nil)
	w.release("CC-Ubuntu22.04", "20250401", "ubuntu data", nil)
	w.mustSync()
	img := w.one(stream, "first data")
	w.one("CC-Ubuntu22.04", "ubuntu data")
	if p := img.Properties; img.Visibility != glance.Public || p["build-distro"] != "centos" || p["build-n"] != "5" ||
		p["current"] != "20250422-v1" || p["chameleon-supported"] != "true" {
		t.Errorf("image is %s, %v", img.Visibility, p)
	}

	w.forget()
	w.sandbox.ResetRequests()
	if p := w.mustSync(); !p.Done() || len(p.Rows()) != 0 {
		t.Errorf("the second run brings %v", p.Rows())
	}
	if requests := len(w.asked) + len(w.sandbox.Requests()); requests > 2*2 || len(w.downloads()) > 0 {
		t.Errorf("nothing to do for two images took %d requests: %v", requests, w.asked)
	}

	w.release(stream, "20250601-v2", "second data", nil)
	p := w.mustSync()
	if rows := p.Rows(); len(rows) != 1 || len(w.downloads()) != 1 {
		t.Errorf("rows are %v, downloads %v", rows, w.downloads())
	}
	if fresh := w.one(stream, "second data"); fresh.Visibility != glance.Public {
		t.Errorf("the new image is %s", fresh.Visibility)
	}
	old, err := w.site.Images.Image(t.Context(), img.ID)
	if err != nil || !strings.HasPrefix(old.Name, "archive "+stream) {
		t.Errorf("the image before is %v, error %v", old, err)
	}
}

// Archived images get names as the tools give them that the store is from.
func TestArchiveNames(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		`{{ .Name }}-{{ .Property "build-os-base-image-revision" }}-{{ .Property "build-timestamp" }}`: stream + "-2003-1000.1",
		`{{ .Name }} ({{ .Property "current" }})`:                                                      stream + " (1)",
		`{{ .Name }}_{{ .Property "none" }}`:                                                           stream + "_",
	} {
		w := newWorld(t)
		w.options.From[0].ArchiveName = template
		more := map[string]any{"build-os-base-image-revision": 2003, "build-timestamp": 1000.1}
		w.release(stream, "1", "first", more)
		w.mustSync()
		w.release(stream, "2", "second", more)
		w.mustSync()
		if _, others := w.own(stream); len(others) != 1 || !strings.HasPrefix(others[0].Name, want) {
			t.Errorf("%s: archived are\n%s", template, glance.List(others))
		}
		w.release(stream, "1", "third", more) // once more
		w.mustSync()
		w.release(stream, "2", "fourth", more)
		w.mustSync()
		names := map[string]bool{}
		_, others := w.own(stream)
		for _, img := range others {
			names[img.Name] = true
		}
		if len(others) != 3 || len(names) != 3 {
			t.Errorf("%s: archived are\n%s", template, glance.List(others))
		}
	}
}

func TestSecondRunKnowsDataByItsChecksum(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.release(stream, "1", "the data", nil)
	w.mustSync()
	w.release(stream, "2", "the data", nil) // the same under another release
	w.forget()
	if p := w.mustSync(); !p.Done() || len(w.downloads()) > 0 {
		t.Errorf("rows are %v, downloads %v", p.Rows(), w.downloads())
	}
}

// What is wrong with one image is told, leaves nothing, changes nothing live, and doesn't stop the others.
func TestOneImageFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(w *world)
		kind  fault.Kind
		text  string
	}{
		"a truncated object": {func(w *world) {
			w.override = func(rw http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/2/bad.raw") {
					rw.Header().Set("Content-Length", "10")
					fmt.Fprint(rw, "cut")
					panic(http.ErrAbortHandler)
				}
				return false
			}
		}, fault.Unavailable, "EOF"},
		"a wrong checksum": {func(w *world) {
			w.put("images/prod/versions/2/bad.raw", "new data", map[string]string{"Etag": strings.Repeat("0", 32)})
		}, fault.Forbidden, "the data has the md5"},
		"no checksum": {func(w *world) {
			w.put("images/prod/versions/2/bad.raw", "new data", map[string]string{"X-Static-Large-Object": "True"})
		}, fault.Forbidden, "has no checksum"},
		"another format": {func(w *world) {
			w.put("images/prod/versions/2/bad.raw", "QFI\xfb\x00\x00\x00\x03"+strings.Repeat("\x00", 100), nil)
		}, fault.Forbidden, "said to be raw"},
		"no manifest": {func(w *world) { delete(w.data, "images/prod/versions/2/bad.manifest") }, fault.NotFound, "404"},
		"a manifest that isn't JSON": {func(w *world) {
			w.put("images/prod/versions/2/bad.manifest", "<html>", nil)
		}, fault.Forbidden, "no JSON object"},
		"a manifest of any size": {func(w *world) {
			w.put("images/prod/versions/2/bad.manifest", `{"a": "`+strings.Repeat("x", 2<<20)+`"}`, nil)
		}, fault.Forbidden, "too large"},
		"imgctl's keys": {func(w *world) {
			w.release("bad", "2", "new data", map[string]any{"imgctl_promotion": "x"})
		}, fault.Forbidden, `sets the property "imgctl_promotion"`},
		"the client's keys": {func(w *world) {
			w.release("bad", "2", "new data", map[string]any{"owner_specified.openstack.md5": "x"})
		}, fault.Forbidden, `"owner_specified.openstack.md5"`},
		"an attribute": {func(w *world) {
			w.release("bad", "2", "new data", map[string]any{"visibility": "public"})
		}, fault.Forbidden, `"visibility"`},
		"a release that leads elsewhere": {func(w *world) {
			w.release("bad", "../../secret", "new data", nil)
		}, fault.Forbidden, "no plain name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.release("bad", "1", "old data", nil)
			w.mustSync()
			w.release("bad", "2", "new data", nil)
			w.release("good", "2", "good data", nil)
			c.spoil(w)
			_, err := w.sync()
			if !fault.Is(err, fault.Partial) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error is %v (%s), want %q", err, fault.KindOf(err), c.text)
			}
			w.one("bad", "old data")
			w.one("good", "good data")
			if _, others := w.own("bad"); len(others) != 1 {
				t.Errorf("images are left:\n%s", glance.List(others))
			}
		})
	}
}

func TestNamesThatLeadElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"../../etc/passwd", "a/b", "..", "line\nbreak", "\x1b[31mred", strings.Repeat("n", 300)} {
		w.release(name, "1", "data", nil)
	}
	w.release("good", "1", "good data", nil)
	if _, err := w.sync(); !fault.Is(err, fault.Partial) {
		t.Errorf("error is %v", err)
	}
	w.one("good", "good data")
	if _, others := w.own("good"); len(others) > 0 || len(w.downloads()) != 1 {
		t.Errorf("images are\n%s\ndownloads %v", glance.List(others), w.downloads())
	}
}

func TestDuplicatesAreFoundFirstAndRepaired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.release(stream, "2", "new data", nil)
	for n := range 2 {
		if _, err := w.sandbox.AddImage(sandbox.Image{
			Name: stream, Project: "admin", Visibility: "public", Data: []byte("x"),
			CreatedAt: time.Now().Add(time.Duration(n-5) * time.Hour),
		}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.sync()
	if !fault.Is(err, fault.Ambiguous) || !strings.Contains(err.Error(), "2 images") || len(w.downloads()) > 0 {
		t.Fatalf("error is %v, downloads %v", err, w.downloads())
	}
	before, _ := w.own(stream)
	glance.NewestFirst(before)
	r, err := sync.NewRepair(t.Context(), w.site, stream)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	if now, others := w.own(stream); len(now) != 1 || now[0].ID != before[0].ID || len(others) != 1 {
		t.Errorf("current are\n%s\nothers\n%s", glance.List(now), glance.List(others))
	}
	if r, err := sync.NewRepair(t.Context(), w.site, ""); err != nil || !r.Done() {
		t.Errorf("there is more to repair: %v, %v", r, err)
	}
	w.mustSync()
	w.one(stream, "new data")
}

func TestStrangersImageIsNeverTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	theirs, err := w.sandbox.AddImage(sandbox.Image{Name: stream, Project: "other", Visibility: "public", Data: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	w.release(stream, "1", "data", nil)
	before, _ := w.sandbox.Image(theirs)
	if _, err = w.sync(); !fault.Is(err, fault.Conflict) || len(w.downloads()) > 0 {
		t.Errorf("error is %v, downloads %v", err, w.downloads())
	}
	after, _ := w.sandbox.Image(theirs)
	if fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("the image was %+v and is %+v", before, after)
	}
}

// A run that is killed after the upload is finished by the next one, without another upload.
func TestKilledAfterTheUpload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.release(stream, "1", "data", nil)
	w.sandbox.Faults().Add(sandbox.Rule{
		Method: "POST", Path: "/image/v2/images", From: 3, // after the lock's and the image's: no claim for the promotion
		Fault: sandbox.Status(http.StatusForbidden),
	})
	if _, err := w.sync(); err == nil {
		t.Fatal("it says that it is done")
	}
	if now, others := w.own(stream); len(now) != 0 || len(others) != 1 || !others[0].Hidden {
		t.Fatalf("images are\n%s\n%s", glance.List(now), glance.List(others))
	}
	w.sandbox.Faults().Clear()
	w.mustSync()
	w.one(stream, "data")
	if n := len(w.downloads()); n != 1 {
		t.Errorf("there were %d downloads", n)
	}
}

func TestUnfinishedUploadsAreRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.release(stream, "1", "data", nil)
	w.mustSync()
	add := func(properties map[string]string) {
		properties[sync.ForKey] = stream
		if _, err := w.sandbox.AddImage(sandbox.Image{
			Name: "imgctl-x", Project: "admin", Visibility: "private", Hidden: true, Properties: properties,
		}); err != nil {
			t.Fatal(err)
		}
	}
	add(map[string]string{})
	add(map[string]string{sync.FailedKey: "it didn't boot"})
	w.mustSync()
	if _, others := w.own(stream); len(others) != 1 || others[0].Properties[sync.FailedKey] == "" {
		t.Errorf("images are\n%s", glance.List(others))
	}
	w.release(stream, "2", "other data", nil)
	w.mustSync()
	w.one(stream, "other data")
	if _, others := w.own(stream); len(others) != 1 || others[0].Properties[promote.ArchivedFromKey] == "" {
		t.Errorf("images are\n%s", glance.List(others))
	}
}

func TestImageThatFailsItsTest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.release(stream, "1", "data", nil)
	w.mustSync()
	w.release(stream, "2", "bad data", nil)
	w.options.Test = func(context.Context, *glance.Image, report.Reporter) error {
		return &boottest.Failure{Err: errors.New("kernel panic")}
	}
	for range 2 {
		if _, err := w.sync(); err == nil || !strings.Contains(err.Error(), "kernel panic") {
			t.Errorf("error is %v", err)
		}
		w.one(stream, "data")
		if _, others := w.own(stream); len(others) != 1 || !others[0].Hidden || others[0].Properties[sync.FailedKey] != "kernel panic" {
			t.Errorf("images are\n%s", glance.List(others))
		}
	}
	if n := len(w.downloads()); n != 2 {
		t.Errorf("there were %d downloads", n)
	}
}

func TestAnotherRunIsAtIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.release(stream, "1", "data", nil)
	site := promote.Site{Images: w.site.Images, Project: w.site.Project, Run: "another"}
	_, unlock, err := promote.Lock(t.Context(), site, stream, report.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if p := w.mustSync(); p.Items[0].Outcome != sync.Busy || len(w.downloads()) > 0 {
		t.Errorf("item is %+v", p.Items[0])
	}
	unlock()
	w.mustSync()
	w.one(stream, "data")
}

func TestWanted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.release("a", "1", "data a", map[string]any{"build-distro": "ubuntu", "build-release": "24.04", "build-variant": "base"})
	w.release("b", "1", "data b", nil)
	var err error
	for _, words := range [][]string{{"ubuntu", "24.04", "base"}, {"ubuntu,24.04,base"}} {
		if w.options.Wanted, err = sync.ParseLatest(words); err != nil {
			t.Fatal(err)
		}
		p, err := sync.NewPlan(t.Context(), w.site, w.options)
		if err != nil || len(p.Items) != 1 || p.Items[0].Name != "a" {
			t.Errorf("%q: plan is %+v, error %v", words, p, err)
		}
	}
	for _, bad := range [][]string{{"ubuntu"}, {"ubuntu,24.04"}, {"a", "b"}, {",,"}, {"a", "", "c"}} {
		if _, err := sync.ParseLatest(bad); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: error is %v", bad, err)
		}
	}
	w.options.Wanted = sync.Wanted{Image: "c"}
	if _, err := w.sync(); !fault.Is(err, fault.NotFound) {
		t.Errorf("error is %v", err)
	}
	w.options.Wanted = sync.Wanted{Image: "b"}
	w.mustSync()
	w.one("b", "data b")
	if now, _ := w.own("a"); len(now) > 0 {
		t.Error("the other image was brought, too")
	}
}

var _ store.Store = (*store.Chameleon)(nil)
