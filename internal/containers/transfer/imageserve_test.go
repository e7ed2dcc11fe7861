package transfer_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// served is a folder, and the registry that serves it.
type served struct {
	server
	dir string
	f   *imageserve.Folder
}

func serve(t *testing.T) *served {
	t.Helper()
	dir := t.TempDir()
	f, err := imageserve.Create(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	listener := httptest.NewServer(f.Handler(func(err error) { t.Error(err) }))
	t.Cleanup(listener.Close)
	return &served{server{host: strings.TrimPrefix(listener.URL, "http://")}, dir, f}
}

// put copies images into the folder.
func (s *served) put(t *testing.T, from *server, images ...string) (*transfer.Plan, error) {
	t.Helper()
	stores := transfer.Stores{
		Registries: client(t, registry.Options{}), Folders: map[string]transfer.Folder{s.dir: imageserve.Images{Folder: s.f}},
	}
	all := jobs(t, from, images, &s.server)
	for n := range all {
		all[n].TargetFolder, all[n].MultiArch = s.dir, true
	}
	plan, err := transfer.NewPlan(t.Context(), stores, all, transfer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return plan, plan.Apply(t.Context(), report.Discard)
}

// check gives the broken tags.
func (s *served) check(t *testing.T, deep bool) (tags int, broken []string) {
	t.Helper()
	all, err := s.f.Check(t.Context(), deep)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.Err != nil {
			broken = append(broken, c.Repository+":"+c.Tag+" "+c.Err.Error())
		}
	}
	return len(all), broken
}

// files are the folder's files of a kind, with their sizes.
func (s *served) files(t *testing.T, kind string) map[string]os.FileInfo {
	t.Helper()
	all := map[string]os.FileInfo{}
	err := filepath.WalkDir(filepath.Join(s.dir, "v2"), func(name string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(name, "/"+kind+"/") {
			all[name], err = d.Info()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestIntoAServedFolder(t *testing.T) {
	t.Parallel()
	from, to := start(t), serve(t)
	base := layer(t, 100_000)
	image, sbom := from.signed(t)
	from.push(t, "ns/b:1", base)
	from.push(t, "deeper/ns/c:1", base)
	from.multi(t, "ns/multi:1")
	all := []string{"ns/a:1", "ns/b:1", "deeper/ns/c:1", "ns/multi:1"}
	from.reset()
	plan, err := to.put(t, from, all...)
	if err != nil {
		t.Fatal(err)
	}
	if from.sent != plan.Down || plan.Up[to.dir] != plan.Down {
		t.Errorf("%d bytes were fetched; planned %d and %v", from.sent, plan.Down, plan.Up)
	}
	for _, name := range append(all, image+".sig") {
		if got, want := to.has(t, name), from.has(t, name); got != want || !strings.HasPrefix(got, "sha256:") {
			t.Errorf("%s is %s, not %s", name, got, want)
		}
		to.whole(t, name)
	}
	to.finds(t, image, sbom)
	if n, broken := to.check(t, true); n != 8 || len(broken) > 0 {
		t.Errorf("%d tags; broken: %q", n, broken)
	}
	for name, want := range map[string]string{
		"_catalog": `{"repositories":["deeper/ns/c","ns/a","ns/b","ns/multi"]}`, "ns/b/tags/list": `{"name":"ns/b","tags":["1"]}`,
	} {
		if text, err := os.ReadFile(filepath.Join(to.dir, "v2", name)); err != nil || string(text) != want {
			t.Errorf("%s is %s, %v", name, text, err)
		}
	}
	blobs := to.files(t, "blobs")
	same := 0
	for one, a := range blobs {
		for other, b := range blobs {
			if one < other && a.Size() > 90_000 && os.SameFile(a, b) {
				same++
			}
		}
	}
	if same != 1 {
		t.Errorf("the shared layer has %d links between its two repositories", same)
	}
	from.reset()
	if plan, err := to.put(t, from, all...); err != nil || !plan.Done() || from.sent != 0 {
		t.Errorf("a second run: %v, done %v, %d bytes", err, plan.Done(), from.sent)
	}
}

func TestSkopeoPullsWhatWasWritten(t *testing.T) {
	t.Parallel()
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		t.Skip("skopeo isn't installed: apt-get install skopeo")
	}
	from, to := start(t), serve(t)
	from.push(t, "ns/a:1", layer(t, 100_000))
	from.multi(t, "ns/multi:1")
	if _, err := to.put(t, from, "ns/a:1", "ns/multi:1"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"ns/a:1"}, {"ns/multi:1"}, {"ns/multi:1", "--all"}} {
		words := append([]string{
			"--insecure-policy", "copy", "--src-tls-verify=false", "docker://" + to.host + "/" + args[0], "dir:" + t.TempDir(),
		}, args[1:]...)
		if out, err := exec.CommandContext(t.Context(), skopeo, words...).CombinedOutput(); err != nil {
			t.Errorf("skopeo %v: %v\n%s", words, err, out)
		}
	}
}

// What others left cut off is found, and mended by the next copy.
func TestABlobThatWasCutOffIsMended(t *testing.T) {
	t.Parallel()
	from, to := start(t), serve(t)
	from.push(t, "ns/a:1", layer(t, 100_000))
	if _, err := to.put(t, from, "ns/a:1"); err != nil {
		t.Fatal(err)
	}
	for name, info := range to.files(t, "blobs") {
		if info.Size() > 90_000 {
			if err := os.Truncate(name, 50_000); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, broken := to.check(t, false); len(broken) != 1 || !strings.Contains(broken[0], "has 50000 of its") {
		t.Errorf("%q", broken)
	}
	f, err := imageserve.Open(to.dir) // as another run
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	again := &served{server{host: to.host}, to.dir, f}
	if _, err := again.put(t, from, "ns/a:1"); err != nil {
		t.Fatal(err)
	}
	if _, broken := to.check(t, true); len(broken) > 0 {
		t.Errorf("%q", broken)
	}
	to.whole(t, "ns/a:1")
}

func TestPruning(t *testing.T) {
	t.Parallel()
	from, to := start(t), serve(t)
	base := layer(t, 100_000)
	from.push(t, "ns/a:1", base)
	from.push(t, "ns/b:1", base, layer(t, 50_000))
	from.push(t, "ns/a:2", layer(t, 30_000))
	from.multi(t, "ns/multi:1")
	if _, err := to.put(t, from, "ns/a:1", "ns/b:1", "ns/a:2", "ns/multi:1"); err != nil {
		t.Fatal(err)
	}
	plan, err := to.f.PlanPrune(t.Context())
	if err != nil || !plan.Done() {
		t.Fatalf("%v, %v", err, plan.Rows())
	}
	for _, name := range []string{"ns/a:1", "ns/b:1"} {
		r := parse(t, name)
		if err := to.f.Delete(t.Context(), r.Path, r.Tag); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.f.Delete(t.Context(), "ns/a", "missing"); !fault.Is(err, fault.NotFound) {
		t.Errorf("a missing tag: %v", err)
	}
	if plan, err = to.f.PlanPrune(t.Context()); err != nil || plan.Done() {
		t.Fatalf("%v, %v", err, plan.Rows())
	}
	if err := plan.Apply(t.Context(), report.Discard); !fault.Is(err, fault.Conflict) {
		t.Errorf("while somebody writes: %v", err)
	}
	to.f.Close()
	f, err := imageserve.Open(to.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	to.f = f
	if plan, err = f.PlanPrune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	// ns/a lost a manifest, a configuration and two layers; ns/b one more layer.
	if rows := plan.Rows(); len(rows) != 4+5 {
		t.Errorf("%d rows: %v", len(rows), rows)
	}
	var left int64
	for _, info := range to.files(t, "blobs") {
		left += info.Size()
	}
	if n, broken := to.check(t, true); n != 2 || len(broken) > 0 || left > 50_000 {
		t.Errorf("%d tags, broken %q, %d bytes of blobs left", n, broken, left)
	}
	if _, err := os.Stat(filepath.Join(to.dir, "v2/ns/b")); err == nil {
		t.Error("an empty repository is left")
	}
	if text, err := os.ReadFile(filepath.Join(to.dir, "v2/_catalog")); err != nil || string(text) != `{"repositories":["ns/a","ns/multi"]}` {
		t.Errorf("%s, %v", text, err)
	}
	if again, err := f.PlanPrune(t.Context()); err != nil || !again.Done() {
		t.Errorf("a second run: %v", again.Rows())
	}
}

// A repository of which something can't be read loses nothing.
func TestPruningLeavesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	from, to := start(t), serve(t)
	from.push(t, "ns/a:1", layer(t, 1000))
	from.push(t, "ns/a:2", layer(t, 1000))
	if _, err := to.put(t, from, "ns/a:1", "ns/a:2"); err != nil {
		t.Fatal(err)
	}
	if err := to.f.Delete(t.Context(), "ns/a", "1"); err != nil {
		t.Fatal(err)
	}
	to.f.Close()
	if err := os.WriteFile(filepath.Join(to.dir, "v2/ns/a/manifests/3.type-map"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := imageserve.Open(to.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	before := len(to.files(t, "blobs"))
	plan, err := f.PlanPrune(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context(), report.Discard); !fault.Is(err, fault.Partial) || len(to.files(t, "blobs")) != before {
		t.Errorf("%v; %d of %d blobs are left", err, len(to.files(t, "blobs")), before)
	}
}

// Names that would leave the folder, or mix with its own, write nothing.
func TestNamesThatDoNotFit(t *testing.T) {
	t.Parallel()
	to := serve(t)
	m, err := registry.ParseManifest("", []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, repository := range []string{"../x", "a/../../x", "ns/blobs/x", "manifests", "", "a//b", "ns/\x00"} {
		i := registry.Image{Host: to.dir, Repository: repository, Identifier: "1"}
		if err := (imageserve.Images{Folder: to.f}).PutManifest(t.Context(), i, m); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %v", repository, err)
		}
	}
	i := registry.Image{Host: to.dir, Repository: "ns/a", Identifier: "../1"}
	if err := (imageserve.Images{Folder: to.f}).PutManifest(t.Context(), i, m); !fault.Is(err, fault.Usage) {
		t.Errorf("a tag: %v", err)
	}
	if _, err := reference.Parse("ns/a:../1"); err == nil {
		t.Error("a reference has such a tag")
	}
}
